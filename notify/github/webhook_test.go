package github_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

func request(event string, body []byte, sign string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/github", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	if sign != "" {
		r.Header.Set("X-Hub-Signature-256", sign)
	}
	return r
}

func TestWebhookRefusals(t *testing.T) {
	b := newBench(t, githubtest.Options{}, func(o *github.Options) { o.WebhookSecrets = []string{"old-secret", secret} })
	in := &inbox{}
	h := b.sink.Handler(in)
	ping := []byte(`{"zen":"x"}`)
	big := append([]byte(`{"action":"`), bytes.Repeat([]byte("x"), 5<<20)...)
	for _, c := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"ping", request("ping", ping, githubtest.Sign(secret, ping)), 200},
		{"ping, the other secret", request("ping", ping, githubtest.Sign("old-secret", ping)), 200},
		{"unsigned", request("issues", ping, ""), 401},
		{"wrong secret", request("issues", ping, githubtest.Sign("guess", ping)), 401},
		{"of another body", request("issues", ping, githubtest.Sign(secret, []byte("{}"))), 401},
		{"cut signature", request("issues", ping, githubtest.Sign(secret, ping)[:40]), 401},
		{"SHA-1", request("issues", ping, "sha1="+strings.Repeat("0", 40)), 401},
		{"empty signature", request("issues", ping, "sha256="), 401},
		{"large", request("issues", big, githubtest.Sign(secret, big)), 413},
		{"no JSON", request("issues", []byte("{"), githubtest.Sign(secret, []byte("{"))), 400},
		{"no issue", request("issues", ping, githubtest.Sign(secret, ping)), 400},
		{"unknown event", request("star", ping, githubtest.Sign(secret, ping)), 200},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, c.r)
		if w.Code != c.want {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	get := request("issues", ping, githubtest.Sign(secret, ping))
	get.Method = http.MethodGet
	form := request("issues", ping, githubtest.Sign(secret, ping))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for want, r := range map[int]*http.Request{405: get, 415: form} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%d, want %d", w.Code, want)
		}
	}
	b.o.WebhookSecrets = nil
	b.restart()
	if b.sink.Handler(in) != nil {
		t.Error("a handler without a secret")
	}
	if len(in.changes) > 0 {
		t.Errorf("applied %+v", in.changes)
	}
}

// FuzzWebhook gives the handler payloads that are signed and otherwise anything: it answers,
// and applies nothing that did not happen.
func FuzzWebhook(f *testing.F) {
	f.Add("issues", []byte(`{"action":"closed","issue":{"number":1,"user":{"login":"yagura-user"}},"sender":{"login":"mary"},"repository":{"full_name":"acme/security"}}`))
	f.Add("issues", []byte(`{"action":"transferred","issue":{"number":1,"user":{"login":"yagura-user"}},"changes":{"new_issue":null},"repository":{"full_name":"acme/security"}}`))
	f.Add("issue_comment", []byte(`{"action":"created","comment":{"id":1,"body":"<!-- yagura:"},"issue":{"number":1,"user":{"login":"yagura-user"}},"repository":{"full_name":"acme/security"}}`))
	f.Add("repository", []byte(`{}`))
	b := fuzzBench(f)
	h := b.sink.Handler(&inbox{})
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		w := httptest.NewRecorder()
		r := request("", body, githubtest.Sign(secret, body))
		r.Header["X-Github-Event"] = []string{event}
		h.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 400 && w.Code != 503 && w.Code != 413 {
			t.Errorf("answered %d", w.Code)
		}
		if w.Code == 200 && !json.Valid(body) && (event == "issues" || event == "issue_comment") {
			t.Errorf("took %q", body)
		}
	})
}

// fuzzBench is a bench with one issue, for fuzzing.
func fuzzBench(f *testing.F) *bench {
	c := newClock()
	gh := githubtest.New(f, githubtest.Options{Now: c.Now, RequestsPerHour: -1, ContentPerHour: -1, ContentPerMinute: -1})
	gh.AddRepo(repoName, githubtest.Repo{Private: true})
	gh.AddToken(token, selfName)
	b := &bench{clock: c, gh: gh, o: github.Options{Name: "issues", Repository: repoName, BaseURL: gh.URL, Token: token, WebhookSecrets: []string{secret},
		Now: c.Now, Pause: c.Pause, PointsPerMinute: 1e9}}
	var err error
	if b.sink, err = github.New(b.o); err != nil {
		f.Fatal(err)
	}
	o := notifytest.NewStory(b, 1).Next(yagura.OpOpen)
	if err := o.Attempt(f.Context(), b); err != nil {
		f.Fatal(err)
	}
	return b
}
