package push

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// GenericOptions configure a generic endpoint: any JSON, from anybody who has a token
// or a key to sign with.
type GenericOptions struct {
	Common
	// Access are tokens. When tokens and keys are configured, either opens; with Both, both
	// are asked for.
	Access Access
	// Webhook are the keys of Standard Webhooks.
	Webhook WebhookKeys
	Both    bool
	// Textual says whether a body that is no JSON is lines of a log that is known; nil takes no
	// text.
	Textual func(body []byte) bool
}

// NewGeneric returns an endpoint for records in JSON: one, a list, lines, or an
// envelope that decode knows, and for lines of text logs, also compressed. With Resolve each
// request is an object of its own, so set it only where messages may name S3 objects.
func NewGeneric(o GenericOptions) (*Endpoint, error) {
	const room = "push generic"
	g := &generic{both: o.Both, now: o.Now, resolve: o.Resolve, textual: o.Textual}
	if g.now == nil {
		g.now = time.Now
	}
	p, err := g.with(o.Access, o.Webhook)
	if err != nil {
		return nil, optionError(room, o.Name, err.Error())
	}
	return newEndpoint(room, o.Common, p)
}

func (g *generic) with(a Access, k WebhookKeys) (protocol, error) {
	n := *g
	var err error
	if n.access, err = newAccess(a); err != nil {
		return nil, err
	}
	if n.webhook, err = newWebhook(k); err != nil {
		return nil, err
	}
	if n.access.none() && n.webhook == nil {
		return nil, errors.New("nobody may send (hint: a bearer token, or a key for signed webhooks)")
	}
	if n.both && (!n.access.secrets() || n.webhook == nil) {
		return nil, errors.New("asks for a token and a signature, and has only one of them")
	}
	return &n, nil
}

type generic struct {
	access  *access
	webhook *webhook
	both    bool
	now     func() time.Time
	resolve Resolve
	textual func(body []byte) bool
}

func (g *generic) challenge() string {
	if g.access.secrets() {
		return g.access.challenge()
	}
	return `Webhook-Signature realm="yagura"`
}

// signs says that the request is to be judged by its signature.
func (g *generic) signs(r *http.Request) bool {
	if g.webhook == nil {
		return false
	}
	return g.both || !g.access.allows(r)
}

func (g *generic) admit(r *http.Request) *refusal {
	allowed := g.access.allows(r)
	if g.both && !allowed || !allowed && g.webhook == nil {
		return refuse(http.StatusUnauthorized, "the credential is missing or wrong")
	}
	if g.signs(r) {
		return g.webhook.headers(r.Header, g.now())
	}
	return nil
}

func (g *generic) known(r *http.Request) bool { return g.access.allows(r) }

func (g *generic) accept(r *http.Request, body *received) (accepted, *refusal) {
	if g.signs(r) {
		// The standard does not say whether a compressed body is signed before or after.
		if !g.webhook.verify(r.Header, body.sent.b) && (body.plain == body.sent || !g.webhook.verify(r.Header, body.plain.b)) {
			return accepted{}, refuse(http.StatusUnauthorized, "the signature is wrong")
		}
	}
	payload := body.plain.b
	if no := checkJSON(payload); no != nil && (g.textual == nil || !g.textual(payload)) {
		return accepted{}, no
	}
	if id := messageID(r.Header); id != "" {
		return accepted{identity: identity("webhook", id, payload), payload: payload}, nil
	}
	return accepted{payload: payload, joins: g.resolve == nil && len(payload) <= joinEach && whole(payload)}, nil
}

// messageID is the sender's own name for the request: the webhook-id, or the header
// that APIs use for the same.
func messageID(h http.Header) string {
	if id := h.Get("Webhook-Id"); id != "" {
		return id
	}
	return h.Get("Idempotency-Key")
}

func (g *generic) open(ctx context.Context, o opened) ([]source.Object, error) {
	return resolveOr(ctx, g.resolve, o.payload, o)
}

// resolveOr returns the objects that body names, or the payload as one.
func resolveOr(ctx context.Context, resolve Resolve, body []byte, o opened) ([]source.Object, error) {
	if resolve != nil {
		objects, named, err := resolve(ctx, body)
		if err != nil || named {
			return objects, err
		}
	}
	return []source.Object{o.object()}, nil
}

// checkJSON refuses what is no JSON at all. A fault further in is not looked for: the
// records that are whole are judged, and the broken one is kept and reported.
func checkJSON(b []byte) *refusal {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	b = bytes.TrimLeft(b, " \t\r\n\x1e") // 0x1e stands before each text of a JSON sequence
	if len(b) == 0 {
		return refuse(http.StatusBadRequest, "the body is empty")
	}
	if b[0] != '{' && b[0] != '[' {
		return refuse(http.StatusBadRequest, "the body is not JSON (hint: an object, a list, one object a line, or lines of a log that is known)")
	}
	return nil
}

// whole says whether b is objects and lists that are all closed, so that what follows
// it in one object is not taken for a part of it. What is inside may still be wrong.
func whole(b []byte) bool {
	var open []byte
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '{', '[':
			if len(open) == 1000 {
				return false
			}
			open = append(open, c)
		case '}', ']':
			if len(open) == 0 || open[len(open)-1] != c-2 {
				return false
			}
			open = open[:len(open)-1]
		case '"':
			if len(open) == 0 {
				return false
			}
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				} else if b[i] < ' ' {
					return false
				}
			}
			if i >= len(b) {
				return false
			}
		case ' ', '\t', '\r', '\n':
		default:
			if len(open) == 0 {
				return false
			}
		}
	}
	return len(open) == 0
}
