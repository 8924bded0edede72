package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"

	"golang.org/x/text/width"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// deskFlags are of every command that speaks the API: with a server over HTTPS, or with the
// store that lies beside.
type deskFlags struct {
	serverFlags
	Server     string `placeholder:"URL" env:"YAGURA_SERVER" help:"Address of a server (https://yagura.example.com), with a token of its API in YAGURA_TOKEN. Without it, the store of --config."`
	ClientCert string `placeholder:"FILE" env:"YAGURA_CLIENT_CERT" help:"Client certificate that the token is bound to."`
	ClientKey  string `placeholder:"FILE" env:"YAGURA_CLIENT_KEY" help:"Key of --client-cert."`
	CA         string `name:"ca" placeholder:"FILE" env:"YAGURA_CA" help:"Authorities that the server's certificate is checked against, beside those of the system."`
}

// desk is the API, wherever it is.
type desk struct {
	env    *environment
	client *http.Client
	base   string
	token  string
	ja     bool
	close  func()
}

// open reaches the API. mode is how the store is opened where it lies beside.
func (f *deskFlags) open(env *environment, mode store.Mode) (*desk, error) {
	if f.Server != "" {
		return f.remote(env)
	}
	cfg, err := config.Load(f.Config, env.environ)
	if err != nil {
		return nil, err
	}
	b, err := app.OpenBooks(env.ctx, cfg, mode, env.now)
	if err != nil {
		return nil, err
	}
	who := "somebody"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	h, err := b.API("cli:"+who, version(), env.now)
	if err != nil {
		return nil, errors.Join(err, b.DB.Close())
	}
	return &desk{env: env, client: &http.Client{Transport: app.Beside(h)}, base: "http://beside" + api.Prefix, ja: env.japanese(f.Lang, cfg.Output.Lang),
		close: func() { _ = b.DB.Close() }}, nil // what was changed is durable
}

func (f *deskFlags) remote(env *environment) (*desk, error) {
	u, err := url.Parse(f.Server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, usage("--server: %q: want https://host", f.Server)
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
		return nil, usage("--server: a token is not sent over plain http (hint: https://%s)", u.Host)
	}
	token := env.getenv("YAGURA_TOKEN")
	if token == "" {
		return nil, usage("--server needs a token of its API in YAGURA_TOKEN (hint: an admin makes one on the settings page, or by yagura api POST /tokens)")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if (f.ClientCert == "") != (f.ClientKey == "") {
		return nil, usage("--client-cert and --client-key belong together")
	}
	if f.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(f.ClientCert, f.ClientKey)
		if err != nil {
			return nil, usage("--client-cert: %w", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, usage("--ca: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, usage("--ca: %s holds no certificate", f.CA)
		}
		t.TLSClientConfig.RootCAs = pool
	}
	// A server that sends the token elsewhere is not followed.
	client := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &desk{env: env, client: client, base: strings.TrimSuffix(f.Server, "/") + api.Prefix, token: token, ja: env.japanese(f.Lang, ""), close: t.CloseIdleConnections}, nil
}

// send calls, and returns an answer that is no refusal.
func (d *desk) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, r)
	if err != nil {
		return nil, usage("%w", err)
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "yagura/"+version())
	req.Header.Set("Accept-Language", in(d.ja, "en", "ja"))
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	p := &api.Problem{}
	if json.Unmarshal(data, p) != nil || p.Code == "" {
		return nil, fmt.Errorf("%s %s: the server answers %s, and not as Yagura does", method, d.base+path, resp.Status)
	}
	return nil, p
}

// call calls and reads the answer.
func (d *desk) call(ctx context.Context, method, path string, body, to any) error {
	resp, err := d.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	return json.NewDecoder(resp.Body).Decode(to)
}

// all reads all pages of a list.
func all[T any](ctx context.Context, d *desk, path string) ([]T, error) {
	out := []T{}
	for after := ""; ; {
		var page api.List[T]
		if err := d.call(ctx, http.MethodGet, path+"?limit=1000&cursor="+url.QueryEscape(after), nil, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if after = page.Next; after == "" {
			return out, nil
		}
	}
}

// said turns a refusal of the API into what is said at a terminal; q is the query that a place
// in it is of.
func (d *desk) said(err error, q string) error {
	var p *api.Problem
	if !errors.As(err, &p) {
		return err
	}
	text := p.In(d.ja)
	hint := p.Hint
	if d.ja && p.HintJA != "" {
		hint = p.HintJA
	}
	if hint != "" {
		text += in(d.ja, " (hint: ", " (ヒント: ") + hint + ")"
	}
	if p.Place != nil && q != "" {
		text = fmt.Sprintf("%d:%d: %s\n%s", p.Place.Line, p.Place.Column, text, caret(q, p.Place.Start, p.Place.End))
	}
	return usage("%s", text)
}

// caret shows a line of a text with marks under a place in it.
func caret(text string, start, end int) string {
	start = min(max(start, 0), len(text))
	end = min(max(end, start), len(text))
	from := strings.LastIndexByte(text[:start], '\n') + 1
	line := text[from:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	end = min(end, from+len(line))
	return "  " + line + "\n  " + strings.Repeat(" ", columns(text[from:start])) + strings.Repeat("^", max(columns(text[start:max(end, start)]), 1))
}

// columns is how wide a text stands at a terminal.
func columns(s string) (n int) {
	for _, r := range s {
		n++
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			n++
		}
	}
	return n
}

// books opens the store of the server that the flags name.
func (f *serverFlags) books(env *environment, mode store.Mode) (*app.Books, bool, error) {
	cfg, err := config.Load(f.Config, env.environ)
	if err != nil {
		return nil, false, err
	}
	b, err := app.OpenBooks(env.ctx, cfg, mode, env.now)
	return b, env.japanese(f.Lang, cfg.Output.Lang), err
}
