package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

const (
	maxRequest = 1 << 20
	skew       = 5 * time.Minute
	// answerIn is how long handling may take: Slack waits for 3 s.
	answerIn = 2500 * time.Millisecond
)

// Handler takes signed requests of Slack: interactivity, commands and events at one
// address. It is nil without a signing secret.
func (s *Sink) Handler(in notify.Inbox) http.Handler {
	if s.o.SigningSecret == "" {
		return nil
	}
	bodies := notify.NewBodies(maxRequest, 10*time.Second)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "want POST", http.StatusMethodNotAllowed)
			return
		}
		// What cannot be signed, or is too old, is refused before anything is read for it.
		stamp, mark, ok := signature(r.Header, s.o.Now())
		if !ok {
			http.Error(w, s.words().Unsigned, http.StatusUnauthorized)
			return
		}
		body, done, no := bodies.Read(w, r)
		if no != nil {
			http.Error(w, no.Reason, no.Status)
			return
		}
		defer done()
		sum, ok := verify(s.o.SigningSecret, stamp, mark, body)
		if !ok {
			http.Error(w, s.words().Unsigned, http.StatusUnauthorized)
			return
		}
		// The signature stays good for five minutes, so what came is remembered for longer.
		if !s.seen.add(sum, struct{}{}) {
			http.Error(w, "this request came before", http.StatusConflict)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerIn)
		defer cancel()
		answer, err := s.dispatch(ctx, in, r.Header.Get("Content-Type"), body)
		switch {
		case errors.Is(err, errType):
			s.seen.drop(sum)
			http.Error(w, "want application/json or a form", http.StatusUnsupportedMediaType)
		case errors.Is(err, errPayload):
			s.seen.drop(sum)
			http.Error(w, "not a request of Slack's", http.StatusBadRequest)
		case err != nil:
			// It may come again as it is.
			s.seen.drop(sum)
			s.o.Log.WarnContext(ctx, "slack: a request was not handled", "sink", s.o.Name, "error", err)
			if answer == nil {
				http.Error(w, "not taken down, try again", http.StatusServiceUnavailable)
				return
			}
			reply(w, answer)
		default:
			reply(w, answer)
		}
	})
}

func reply(w http.ResponseWriter, answer any) {
	if answer == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(encode(answer))
}

var errType = errors.New("slack: neither JSON nor a form")

// signature reads the time and the signature of a request, and judges the time.
func signature(h http.Header, now time.Time) (stamp string, mark []byte, ok bool) {
	stamp = h.Get("X-Slack-Request-Timestamp")
	sec, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(stamp) > 12 {
		return "", nil, false
	}
	if d := now.Sub(time.Unix(sec, 0)); d > skew || d < -skew {
		return "", nil, false
	}
	text, v0 := strings.CutPrefix(h.Get("X-Slack-Signature"), "v0=")
	mark, err = hex.DecodeString(text)
	return stamp, mark, v0 && err == nil && len(mark) == sha256.Size
}

// verify checks Slack's signature of a time and a body; sum is the right one.
func verify(secret, stamp string, mark, body []byte) (sum string, ok bool) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	want := mac.Sum(nil)
	return string(want), hmac.Equal(mark, want)
}

// dispatch knows the three kinds of requests by their form.
func (s *Sink) dispatch(ctx context.Context, in notify.Inbox, contentType string, body []byte) (any, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, errType
	}
	switch kind {
	case "application/json":
		var e event
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, errPayload
		}
		switch e.Type {
		case "url_verification":
			if len(e.Challenge) > 1000 {
				return nil, errPayload
			}
			return map[string]string{"challenge": e.Challenge}, nil
		case "event_callback":
			return nil, s.event(ctx, in, body)
		}
		return nil, nil
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errPayload
		}
		if p := form.Get("payload"); p != "" {
			return s.interactive(ctx, in, []byte(p))
		}
		if form.Get("ssl_check") == "1" {
			return nil, nil
		}
		if form.Get("command") == "" {
			return nil, errPayload
		}
		return s.slash(ctx, in, &command{Command: form.Get("command"), Text: form.Get("text"), User: form.Get("user_id"), Team: form.Get("team_id"),
			Trigger: form.Get("trigger_id"), Answer: form.Get("response_url")})
	}
	return nil, errType
}
