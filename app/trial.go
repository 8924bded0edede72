package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/source/s3"
)

// Looked is a message that was received for a look and given back.
type Looked struct {
	ID       string         `json:"id"`
	Attempts int            `json:"attempts,omitempty"`
	Objects  []string       `json:"objects"`
	Formats  map[string]int `json:"formats,omitempty"` // records by format, of the first object
	Broken   int            `json:"broken,omitempty"`
	More     bool           `json:"more,omitempty"` // not all records were looked at
	Problem  string         `json:"problem,omitempty"`
}

// The bounds of a look.
const (
	lookRecords  = 1000
	lookMessages = 3
)

// Pulled reports whether a source looks for itself; others are pushed to.
func Pulled(src *config.Source) bool {
	return src.SQS != nil || src.Bucket != nil || src.Folder != nil
}

// Look receives from a source that pulls, looks into what came, and gives it back
// unacknowledged. Nothing that came within ctx is no error.
func (t *Trial) Look(ctx context.Context, src *config.Source, formats []*decode.Format) (out []Looked, err error) {
	r, err := t.receiver(ctx, src)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	decoder, err := decode.New(decode.Options{Formats: formats})
	if err != nil {
		return nil, err
	}
	list, err := r.Receive(ctx)
	switch {
	case errors.Is(err, source.ErrFinished), errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		return nil, nil
	case err != nil:
		return nil, err
	}
	for i, m := range list {
		if i < lookMessages {
			out = append(out, look(ctx, m, decoder))
		}
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		err := r.Release(back, m, 0, errors.New("it was only looked at"))
		cancel()
		if err != nil {
			return out, fmt.Errorf("message %s could not be given back: %w", m.ID, err)
		}
	}
	return out, nil
}

func (t *Trial) receiver(ctx context.Context, src *config.Source) (source.Receiver, error) {
	switch {
	case src.SQS != nil:
		one := *src
		q := *src.SQS
		q.Pollers = 1
		one.SQS = &q
		return t.s.openSQS(ctx, &one)
	case src.Bucket != nil:
		once := *src.Bucket
		once.Every = 0
		o, err := t.s.listingOptions(ctx, src.Name, &once)
		if err != nil {
			return nil, err
		}
		o.Batch = lookMessages
		return s3.NewListing(o)
	case src.Folder != nil:
		return file.NewWatch(file.WatchOptions{Name: src.Name, Paths: src.Folder.Paths, Batch: lookMessages, Now: t.s.o.Now, Log: t.s.log})
	}
	return nil, errors.New("the source is pushed to")
}

// look reads the beginning of the first object of a message.
func look(ctx context.Context, m *source.Message, decoder *decode.Decoder) Looked {
	l := Looked{ID: m.ID, Attempts: m.Attempts, Objects: []string{}, Formats: map[string]int{}}
	if m.Refused != nil {
		l.Problem = m.Refused.Error()
		return l
	}
	for _, o := range m.Objects {
		l.Objects = append(l.Objects, o.Name)
	}
	if len(m.Objects) == 0 {
		return l
	}
	body, err := m.Objects[0].Open(ctx)
	if err != nil {
		l.Problem = err.Error()
		return l
	}
	defer body.Close() //nolint:errcheck // it is only read
	reader := decoder.NewReader(body, m.Objects[0].Name)
	reader.Around(m.Objects[0].Modified)
	defer reader.Close()
	for n := 0; ; n++ {
		if n == lookRecords {
			l.More = true
			return l
		}
		rec, err := reader.Next()
		var bad *decode.RecordError
		switch {
		case err == nil:
			l.Formats[rec.Format.Name]++
		case errors.As(err, &bad):
			l.Broken++
			if l.Problem == "" {
				l.Problem = bad.Error()
			}
		case errors.Is(err, io.EOF):
			return l
		default:
			l.Problem = err.Error()
			return l
		}
	}
}

// Probe asks a running server whether it listens at the path of a source that is pushed
// to and, where the credential can be shown without a record, whether it takes it. What is
// sent has no body, so nothing is stored.
func (t *Trial) Probe(ctx context.Context, src *config.Source) (said Tried, err error) {
	path, header, tail := "", http.Header{}, ""
	switch {
	case src.Push != nil:
		path = src.Push.Path
		if len(src.Push.Tokens) > 0 {
			header.Set("Authorization", "Bearer "+src.Push.Tokens[0].Reveal())
		}
	case src.Falco != nil:
		path = src.Falco.Path
		header.Set("Authorization", "Bearer "+src.Falco.Tokens[0].Reveal())
	case src.EventBridge != nil:
		path = src.EventBridge.Path
		name := src.EventBridge.Header
		if name == "" {
			name = "X-Api-Key"
		}
		header.Set(name, src.EventBridge.Keys[0].Reveal())
	case src.SNS != nil:
		path = src.SNS.Path
		if len(src.SNS.Secrets) > 0 {
			tail = "/" + src.SNS.Secrets[0].Reveal()
		}
	default:
		return said, errors.New("the source is not pushed to")
	}
	base, err := serverURL(t.cfg)
	if err != nil {
		return said, err
	}
	shown := base + path
	status, err := t.ask(ctx, http.MethodGet, base+path+tail, http.Header{})
	switch {
	case err != nil:
		return said, fmt.Errorf("%s: %w (hint: does yagura serve run?)", shown, err)
	case status != http.StatusOK:
		return said, fmt.Errorf("%s: status %d (hint: is it this server, and has it this configuration?)", shown, status)
	}
	if len(header) == 0 {
		return Tried{Text: shown + ": the server listens; only a signed message shows more", Japanese: shown + ": サーバーは待ち受けています (署名の確認には実際のメッセージが必要です)"}, nil
	}
	status, err = t.ask(ctx, http.MethodPost, base+path, header)
	switch {
	case err != nil:
		return said, fmt.Errorf("%s: %w", shown, err)
	case status == http.StatusBadRequest: // it asks for a body: the credential was good
		return Tried{Text: shown + ": the server listens and takes the credential", Japanese: shown + ": サーバーは待ち受けており、認証情報を受け付けます"}, nil
	case status == http.StatusUnauthorized:
		return said, fmt.Errorf("%s: the server does not take the credential (hint: was it started with this configuration?)", shown)
	}
	return said, fmt.Errorf("%s: status %d", shown, status)
}

func (t *Trial) ask(ctx context.Context, method, address string, header http.Header) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return 0, errors.New("the address cannot be asked")
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	client := *t.s.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a credential goes nowhere else
	resp, err := client.Do(req)
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // the address may hold a secret
	}
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// serverURL is where the server of a configuration is reached.
func serverURL(cfg *config.Config) (string, error) {
	if cfg.Server.URL != "" {
		return strings.TrimRight(cfg.Server.URL, "/"), nil
	}
	host, port, err := net.SplitHostPort(cfg.Server.Listen)
	if err != nil {
		return "", errors.New("server.listen: there is no address of the server")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if cfg.Server.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port), nil
}

// Tell sends the notice of a test to a sink.
func (t *Trial) Tell(ctx context.Context, sink notify.Sink, text string) (yagura.Receipt, error) {
	now := t.s.o.Now()
	return sink.Deliver(ctx, &yagura.Notice{ID: NewID(t.s.o.Now)(), Sink: sink.Name(), Seq: 1, Op: yagura.OpTest, Created: now, Text: text})
}
