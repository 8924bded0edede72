package push

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// SNSOptions configure an endpoint that is subscribed to topics of Amazon SNS.
type SNSOptions struct {
	Common
	// Topics are the topics that may send: ARNs, in which a part between colons may be "*"
	// or end in it ("arn:aws:sns:*:111122223333:yagura-*").
	Topics []string
	// Access, if it has secrets, is asked for beside the signature. Raw message delivery
	// has no signature and is taken with a secret only.
	Access Access
	// MaxAge is how old a message may be; 0: 24 hours. SNS itself tries for an hour at most
	// over HTTP. What is older is refused for good; an older message that is sent again
	// could do nothing, as it is known by its id.
	MaxAge time.Duration
	// KeepUnconfirmed leaves subscriptions of the listed topics unconfirmed: somebody
	// confirms them by hand.
	KeepUnconfirmed bool
	// Unsubscribed is told of a subscription that somebody ended: nothing comes from that
	// topic any more. nil: it is logged only. The message itself is handed out as a record.
	Unsubscribed func(topic string, at time.Time)
	// Roots are the authorities that may have issued the certificates of SNS, and of its
	// servers; nil: those of the system.
	Roots *x509.CertPool
	// Dial opens connections to SNS; nil: a dialer that refuses addresses that are not
	// public, beside Private.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Private []netip.Prefix
}

// NewSNS returns an endpoint for messages of Amazon SNS.
func NewSNS(o SNSOptions) (*Endpoint, error) {
	const room = "push sns"
	a, err := newAccess(o.Access)
	if err != nil {
		return nil, optionError(room, o.Name, err.Error())
	}
	topics, err := newTopics(o.Topics)
	if err != nil {
		return nil, optionError(room, o.Name, err.Error())
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Limits.Body == 0 {
		// A message has at most 256 KB, which JSON may write with six bytes each.
		o.Limits.Body = 2 << 20
	}
	s := &sns{o: o, access: a, topics: topics, web: newSNSWeb(o), confirming: make(chan struct{}, 2)}
	return newEndpoint(room, o.Common, s)
}

type sns struct {
	o          SNSOptions
	access     *access
	topics     topics
	web        *snsWeb
	confirming chan struct{} // how many confirmations at a time
}

func (s *sns) with(a Access, _ WebhookKeys) (protocol, error) {
	n := *s
	var err error
	n.access, err = newAccess(a)
	return &n, err
}

func (s *sns) challenge() string {
	if s.access.secrets() {
		return s.access.challenge()
	}
	return `AWS-SNS-Signature realm="yagura"`
}

func (s *sns) raw(r *http.Request) bool { return r.Header.Get("X-Amz-Sns-Rawdelivery") == "true" }

func (s *sns) admit(r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, "%.20s is not taken here (hint: POST)", r.Method)
	}
	if s.access.secrets() && !s.access.allows(r) {
		return refuse(http.StatusUnauthorized, "the credential is missing or wrong")
	}
	if topic := r.Header.Get("X-Amz-Sns-Topic-Arn"); topic != "" && !s.topics.allow(topic) {
		return refuse(http.StatusForbidden, "the topic is not listed")
	}
	return nil
}

func (s *sns) known(*http.Request) bool { return s.access.secrets() }

func (s *sns) accept(r *http.Request, body *received) (accepted, *refusal) {
	if s.raw(r) && r.Header.Get("X-Amz-Sns-Message-Type") == "Notification" {
		return s.acceptRaw(r, body.plain.b)
	}
	m, err := parseSNS(body.plain.b)
	if errors.Is(err, errUnsigned) {
		return accepted{}, refuse(http.StatusUnauthorized, "not a message of SNS: %v", err)
	}
	if err != nil {
		return accepted{}, refuse(http.StatusBadRequest, "not a message of SNS: %v", err)
	}
	topic, err := parseTopic(m.TopicArn)
	if err != nil || !s.topics.allow(m.TopicArn) {
		return accepted{}, refuse(http.StatusForbidden, "the topic is not listed")
	}
	at, err := time.Parse(time.RFC3339Nano, m.Timestamp)
	if err != nil {
		return accepted{}, refuse(http.StatusBadRequest, "Timestamp is not a time")
	}
	now := s.o.Now()
	if now.Sub(at) > s.o.MaxAge {
		return accepted{}, refuse(http.StatusUnauthorized, "the message is older than %s", s.o.MaxAge)
	}
	if no := s.verify(r.Context(), m, topic); no != nil {
		return accepted{}, no
	}
	if at.Sub(now) > 15*time.Minute {
		// It is signed, so it is our clock that is wrong, or that of SNS: both pass.
		return accepted{}, &refusal{status: http.StatusServiceUnavailable, reason: "the message is from the future", retry: 60}
	}
	switch m.Type {
	case "SubscriptionConfirmation":
		return s.confirm(r.Context(), m, topic)
	case "UnsubscribeConfirmation":
		s.o.Logger.LogAttrs(r.Context(), slog.LevelWarn, "a subscription was ended: nothing comes from the topic any more",
			slog.String("source", s.o.Name), slog.String("topic", m.TopicArn))
		if s.o.Unsubscribed != nil {
			s.o.Unsubscribed(m.TopicArn, at)
		}
	}
	payload := body.plain.b
	if m.rest {
		// Members that SNS does not know are not signed: somebody else added them.
		payload = m.plain()
	}
	return accepted{identity: identity("sns", m.MessageID, m.signed()), payload: payload}, nil
}

// acceptRaw takes a message without the envelope of SNS, and so without a signature.
func (s *sns) acceptRaw(r *http.Request, payload []byte) (accepted, *refusal) {
	if !s.access.secrets() {
		return accepted{}, refuse(http.StatusUnauthorized, "raw message delivery has no signature and needs a secret (hint: user and password in the subscription's URL, or turn raw delivery off)")
	}
	topic := r.Header.Get("X-Amz-Sns-Topic-Arn")
	if !s.topics.allow(topic) {
		return accepted{}, refuse(http.StatusForbidden, "the topic is not listed")
	}
	id := r.Header.Get("X-Amz-Sns-Message-Id")
	if id == "" {
		return accepted{}, refuse(http.StatusBadRequest, "the header x-amz-sns-message-id is missing")
	}
	if len(payload) == 0 {
		return accepted{}, refuse(http.StatusBadRequest, "the body is empty")
	}
	return accepted{identity: identity("sns", id, payload), payload: payload}, nil
}

// verify checks the signature. What could not be checked now is not refused for good:
// SNS does not try again after a status of 400 to 499.
func (s *sns) verify(ctx context.Context, m *snsMessage, topic arn) *refusal {
	cert, err := s.web.certificate(ctx, m.SigningCertURL, topic)
	if wrong, ok := errors.AsType[*wrongURL](err); ok {
		return &refusal{status: http.StatusUnauthorized, reason: "SigningCertURL is not one of SNS in the topic's region", cause: wrong}
	}
	if err != nil {
		return &refusal{status: http.StatusServiceUnavailable, reason: "the signature cannot be checked now", retry: 30, cause: err}
	}
	if err := m.verify(cert); err != nil {
		return &refusal{status: http.StatusUnauthorized, reason: "the signature is wrong", cause: err}
	}
	return nil
}

// confirm answers the question whether this endpoint wants the topic's messages. SNS
// asks again when it gets no answer.
func (s *sns) confirm(ctx context.Context, m *snsMessage, topic arn) (accepted, *refusal) {
	if s.o.KeepUnconfirmed {
		s.o.Logger.LogAttrs(ctx, slog.LevelWarn, "a subscription waits to be confirmed by hand", slog.String("source", s.o.Name), slog.String("topic", m.TopicArn))
		return accepted{done: "unconfirmed"}, nil
	}
	select {
	case s.confirming <- struct{}{}:
		defer func() { <-s.confirming }()
	default:
		return accepted{}, &refusal{status: http.StatusServiceUnavailable, reason: "other subscriptions are being confirmed", retry: 5}
	}
	err := s.web.confirm(ctx, m, topic)
	if wrong, ok := errors.AsType[*wrongURL](err); ok {
		return accepted{}, &refusal{status: http.StatusUnauthorized, reason: "SubscribeURL is not one of SNS for this topic", cause: wrong}
	}
	if err != nil {
		return accepted{}, &refusal{status: http.StatusServiceUnavailable, reason: "the subscription could not be confirmed now", retry: 30, cause: err}
	}
	s.o.Logger.LogAttrs(ctx, slog.LevelInfo, "subscription confirmed", slog.String("source", s.o.Name), slog.String("topic", m.TopicArn))
	return accepted{done: "confirmed"}, nil
}

// open hands out the S3 objects that the inner message names, or else the whole message
// as it came, with its signature: decode knows the envelope.
func (s *sns) open(ctx context.Context, o opened) ([]source.Object, error) {
	inner := o.payload
	if m, err := parseSNS(o.payload); err == nil {
		if m.Type != "Notification" {
			return []source.Object{o.object()}, nil
		}
		inner = []byte(m.Message)
	}
	return resolveOr(ctx, s.o.Resolve, inner, o)
}
