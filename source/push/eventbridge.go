package push

import (
	"context"
	"errors"
	"net/http"

	"github.com/yagura-sec/yagura/source"
)

// EventBridgeOptions configure the target of an EventBridge API destination. The
// connection's kinds of authorization are Access: API key → Header, Basic → Basic,
// OAuth → Bearer (the token that the authorization endpoint hands out must be one of
// the configured ones).
type EventBridgeOptions struct {
	Common
	Access Access
}

// NewEventBridge returns an endpoint for events of EventBridge, one a request.
func NewEventBridge(o EventBridgeOptions) (*Endpoint, error) {
	const room = "push eventbridge"
	p, err := (&eventBridge{resolve: o.Resolve}).with(o.Access, WebhookKeys{})
	if err != nil {
		return nil, optionError(room, o.Name, err.Error())
	}
	return newEndpoint(room, o.Common, p)
}

func (b *eventBridge) with(a Access, _ WebhookKeys) (protocol, error) {
	n := *b
	var err error
	if n.access, err = newAccess(a); err == nil && n.access.none() {
		err = errors.New("nobody may send (hint: the API key of the connection)")
	}
	return &n, err
}

type eventBridge struct {
	access  *access
	resolve Resolve
}

func (b *eventBridge) challenge() string { return b.access.challenge() }

func (b *eventBridge) admit(r *http.Request) *refusal {
	if !b.access.allows(r) {
		return refuse(http.StatusUnauthorized, "the credential is missing or wrong")
	}
	return nil
}

func (b *eventBridge) known(*http.Request) bool { return true }

// accept takes one JSON object. What an input transformer made of the event may have no
// id: then it is like no other.
func (b *eventBridge) accept(_ *http.Request, body *received) (accepted, *refusal) {
	payload := body.plain.b
	fields, err := topLevel(payload, "id", "detail-type", "source")
	if err != nil {
		return accepted{}, refuse(http.StatusBadRequest, "the body is not one JSON object: %v", err)
	}
	if id := fields["id"].text; id != "" && fields["detail-type"].text != "" && fields["source"].text != "" {
		return accepted{identity: identity("eventbridge", id, payload), payload: payload}, nil
	}
	return accepted{payload: payload, joins: b.resolve == nil && len(payload) <= joinEach && whole(payload)}, nil
}

func (b *eventBridge) open(ctx context.Context, o opened) ([]source.Object, error) {
	return resolveOr(ctx, b.resolve, o.payload, o)
}
