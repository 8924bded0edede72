package githubtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"
)

type hook struct{ url, secret string }

type queued struct {
	hook
	event, delivery string
	body            []byte
}

// Delivered is a webhook that was sent, and what was answered.
type Delivered struct {
	Event  string
	Body   []byte
	Status int // 0 when there was no answer
	Answer string
}

// AddHook has what happens from now on sent to a URL, signed with a secret.
func (s *Server) AddHook(url, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook{url, secret})
}

// tell queues an event for the webhooks; the server is locked. The payload is what GitHub
// has at this moment.
func (s *Server) tell(event, action string, i *issue, p *principal, more map[string]any) {
	if len(s.hooks) == 0 {
		return
	}
	m := map[string]any{"action": action, "issue": s.issueJSON(i), "repository": s.repoJSON(i.repo, nil), "sender": s.userJSON(p)}
	maps.Copy(m, more)
	body, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	for _, h := range s.hooks {
		s.queue = append(s.queue, queued{h, event, fmt.Sprintf("delivery-%d", s.id()), body})
	}
}

// DropHooks forgets what waits to be sent, as an outage would.
func (s *Server) DropHooks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = nil
}

// SendHooks sends what waits, in order, and returns what was answered. GitHub does not
// send again what was refused.
func (s *Server) SendHooks() []Delivered {
	s.mu.Lock()
	queue := s.queue
	s.queue = nil
	s.mu.Unlock()
	client := &http.Client{Timeout: 10 * time.Second}
	var out []Delivered
	for _, q := range queue {
		req, err := http.NewRequest(http.MethodPost, q.url, bytes.NewReader(q.body))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", "GitHub-Hookshot/test")
		req.Header.Set("X-GitHub-Event", q.event)
		req.Header.Set("X-GitHub-Delivery", q.delivery)
		req.Header.Set("X-Hub-Signature-256", Sign(q.secret, q.body))
		d := Delivered{Event: q.event, Body: q.body}
		if resp, err := client.Do(req); err == nil {
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			d.Status, d.Answer = resp.StatusCode, string(text)
		}
		out = append(out, d)
	}
	return out
}

// Sign returns the header X-Hub-Signature-256 of a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
