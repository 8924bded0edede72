package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// FalcoOptions configure an endpoint for Falco's http_output and for what falcosidekick
// sends to a webhook.
type FalcoOptions struct {
	Common
	// Access: Falco can send only what stands in its url (user and password, or a secret in
	// the path) and a client certificate; falcosidekick any header.
	Access Access
}

// NewFalco returns an endpoint for Falco's alerts in JSON.
func NewFalco(o FalcoOptions) (*Endpoint, error) {
	const room = "push falco"
	p, err := (&falco{}).with(o.Access, WebhookKeys{})
	if err != nil {
		return nil, optionError(room, o.Name, err.Error())
	}
	return newEndpoint(room, o.Common, p)
}

func (f *falco) with(a Access, _ WebhookKeys) (protocol, error) {
	n := *f
	var err error
	if n.access, err = newAccess(a); err == nil && n.access.none() {
		err = errors.New("nobody may send (hint: a secret in the path, or anyone where the listener asks for client certificates)")
	}
	return &n, err
}

type falco struct{ access *access }

func (f *falco) challenge() string { return f.access.challenge() }

func (f *falco) admit(r *http.Request) *refusal {
	if !f.access.allows(r) {
		return refuse(http.StatusUnauthorized, "the credential is missing or wrong")
	}
	return nil
}

func (f *falco) known(*http.Request) bool { return true }

// accept takes one alert, several one after the other, or a list. An alert that came
// through falcosidekick has a uuid. Plain Falco names nothing, and two equal alerts are
// two.
func (f *falco) accept(_ *http.Request, body *received) (accepted, *refusal) {
	payload := body.plain.b
	id, n, err := checkAlerts(payload)
	if err != nil {
		return accepted{}, refuse(http.StatusBadRequest, "not an alert of Falco: %v", err)
	}
	if n == 1 && id != "" {
		return accepted{identity: identity("falco", id, payload), payload: payload}, nil
	}
	return accepted{payload: payload, joins: len(payload) <= joinEach && whole(payload)}, nil
}

func (f *falco) open(_ context.Context, o opened) ([]source.Object, error) {
	return []source.Object{o.object()}, nil
}

// alert is what every alert has.
type alert struct {
	UUID         string          `json:"uuid"`
	Priority     json.RawMessage `json:"priority"`
	Rule         string          `json:"rule"`
	Time         json.RawMessage `json:"time"`
	Output       string          `json:"output"`
	OutputFields json.RawMessage `json:"output_fields"`
}

// checkAlerts says how many alerts there are, and the uuid of the last.
func checkAlerts(b []byte) (uuid string, n int, err error) {
	if no := checkJSON(b); no != nil {
		if bytes.IndexByte(b, '{') != 0 && len(b) > 0 {
			return "", 0, errors.New("the body is text (hint: json_output: true in falco.yaml)")
		}
		return "", 0, errors.New(no.reason)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", 0, err
		}
		list := []json.RawMessage{raw}
		if raw[0] == '[' {
			if err := json.Unmarshal(raw, &list); err != nil {
				return "", 0, err
			}
		}
		for _, one := range list {
			n++
			var a alert
			if err := json.Unmarshal(one, &a); err != nil {
				return "", 0, fmt.Errorf("alert %d: %w", n, err)
			}
			if err := a.check(); err != nil {
				return "", 0, fmt.Errorf("alert %d: %w", n, err)
			}
			uuid = a.UUID
		}
	}
	if n == 0 {
		return "", 0, errors.New("there is none")
	}
	return uuid, n, nil
}

// check asks for what Falco and falcosidekick always send: the rule, the priority (a
// word; a number in old versions), the time, and the output as text or as fields.
func (a *alert) check() error {
	var missing []string
	if a.Rule == "" {
		missing = append(missing, "rule")
	}
	var priority string
	if !present(a.Priority) || json.Unmarshal(a.Priority, &priority) == nil && !isPriority(priority) {
		missing = append(missing, "priority")
	}
	var text string
	if !present(a.Time) {
		missing = append(missing, "time")
	} else if json.Unmarshal(a.Time, &text) == nil {
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			missing = append(missing, "time")
		}
	}
	if a.Output == "" && !present(a.OutputFields) {
		missing = append(missing, "output or output_fields")
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s is missing or wrong", strings.Join(missing, ", "))
	}
	return nil
}

func present(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null" && string(raw) != `""` && string(raw) != "{}"
}

func isPriority(s string) bool {
	switch strings.ToLower(s) {
	case "emergency", "alert", "critical", "error", "warning", "notice", "informational", "info", "debug":
		return true
	}
	return false
}
