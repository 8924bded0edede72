package push

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura/source"
)

func pack(t testing.TB, kind string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zlib":
		w = zlib.NewWriter(&out)
	case "flate":
		w, err = flate.NewWriter(&out, 6)
	case "zstd":
		w, err = zstd.NewWriter(&out)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func bearer(t testing.TB, change func(*GenericOptions)) *Endpoint {
	t.Helper()
	o := GenericOptions{Common: Common{Name: "ci"}, Access: Access{Bearer: []string{token}}}
	if change != nil {
		change(&o)
	}
	if o.Log == nil {
		o.Log = openLog(t, FileLogOptions{})
	}
	e, err := NewGeneric(o)
	return closing(t, e, err)
}

const auth = "Bearer " + token

func TestEncodings(t *testing.T) {
	e := bearer(t, nil)
	plain := []byte(`{"a":"` + strings.Repeat("log ", 10_000) + `"}`)
	for _, c := range []struct{ name, encoding, pack string }{
		{"gzip", "gzip", "gzip"}, {"x-gzip", "X-Gzip", "gzip"}, {"zlib", "deflate", "zlib"}, {"bare deflate", "deflate", "flate"},
		{"zstd", "zstd", "zstd"}, {"gzip that does not say so", "", "gzip"}, {"zstd that does not say so", "identity", "zstd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, post(e, string(pack(t, c.pack, plain)), "Authorization", auth, "Content-Encoding", c.encoding), 200, "stored")
			m := receive(t, e)
			if got := content(t, m[0].Objects[0]); got != string(plain) {
				t.Errorf("got %d bytes", len(got))
			}
			ack(t, e, m...)
		})
	}
	if e.common.Memory.free.Load() != 64<<20 {
		t.Errorf("memory was not given back: %d", e.common.Memory.free.Load())
	}
}

func TestRefusals(t *testing.T) {
	said := new(logger)
	e := bearer(t, func(o *GenericOptions) { o.Logger = said.slog() })
	bomb := pack(t, "gzip", append([]byte(`{"a":"`), make([]byte, 31<<20)...))
	big := pack(t, "zstd", bytes.Repeat([]byte(`{"a":"bcdefghi"}`), 40<<20/16))
	for _, c := range []struct {
		name    string
		body    string
		headers []string
		status  int
		says    string
	}{
		{"no credential", `{}`, nil, 401, "credential"},
		{"wrong token", `{}`, []string{"Authorization", "Bearer " + token + "x"}, 401, "credential"},
		{"token of another scheme", `{}`, []string{"Authorization", "Basic " + token}, 401, "credential"},
		{"empty", "", []string{"Authorization", auth}, 400, "empty"},
		{"white space", " \n", []string{"Authorization", auth}, 400, "empty"},
		{"text", "hello", []string{"Authorization", auth}, 400, "not JSON"},
		{"table", "a,b", []string{"Authorization", auth, "Content-Type", "text/csv"}, 400, "not JSON"},
		{"number", "12", []string{"Authorization", auth}, 400, "not JSON"},
		{"form", "a=1", []string{"Authorization", auth, "Content-Type", "application/x-www-form-urlencoded"}, 415, "hint"},
		{"picture", "\x89PNG", []string{"Authorization", auth, "Content-Type", "image/png"}, 415, "Content-Type"},
		{"unknown encoding", `{}`, []string{"Authorization", auth, "Content-Encoding", "br"}, 415, "br"},
		{"two encodings", `{}`, []string{"Authorization", auth, "Content-Encoding", "gzip, gzip"}, 415, "hint"},
		{"no gzip", `{}`, []string{"Authorization", auth, "Content-Encoding", "gzip"}, 400, "unpacked"},
		{"cut gzip", string(bomb[:len(bomb)/2]), []string{"Authorization", auth, "Content-Encoding", "gzip", "Content-Type", "application/json"}, 413, "times its size"},
		{"gzip bomb", string(bomb), []string{"Authorization", auth, "Content-Encoding", "gzip"}, 413, "times its size"},
		{"gzip bomb that does not say so", string(bomb), []string{"Authorization", auth}, 413, "times its size"},
		{"unpacks to more than is taken", string(big), []string{"Authorization", auth, "Content-Encoding", "zstd"}, 413, ""},
		{"gzip in gzip", string(pack(t, "gzip", pack(t, "gzip", []byte(`{}`)))), []string{"Authorization", auth, "Content-Encoding", "gzip"}, 400, "not JSON"},
		{"too large", `{"a":"` + strings.Repeat("x", 10<<20) + `"}`, []string{"Authorization", auth}, 413, "at most 10485760"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := post(e, c.body, c.headers...)
			want(t, w, c.status, c.says)
			if c.status == 401 && w.Header().Get("WWW-Authenticate") == "" {
				t.Error("a 401 without a challenge")
			}
		})
	}
	// What unpacks to far more is taken while it is little: a line that stands there often.
	want(t, post(e, string(pack(t, "zstd", bytes.Repeat([]byte("{\"a\":1}\n"), 400_000))), "Authorization", auth, "Content-Encoding", "zstd"), 200, "stored")
	ack(t, e, receive(t, e)...)
	nothing(t, e)
	if s := said.String(); strings.Contains(s, token) || !strings.Contains(s, "request refused") || strings.Count(s, "request refused") > 20 {
		t.Errorf("the log says %s", s)
	}
	if e.common.Memory.free.Load() != 64<<20 {
		t.Errorf("memory was not given back: %d", e.common.Memory.free.Load())
	}
	if e.Counts().Refused[413] != 5 {
		t.Errorf("counted %v", e.Counts().Refused)
	}
}

func TestMethods(t *testing.T) {
	e := bearer(t, nil)
	for method, status := range map[string]int{"GET": 200, "HEAD": 200, "DELETE": 405, "PATCH": 405, "OPTIONS": 405, "BREW": 405} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(method, "/in/ci", nil))
		if w.Code != status || status == 405 && !strings.Contains(w.Header().Get("Allow"), "POST") {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
	r := httptest.NewRequest("POST", "/in/ci", http.NoBody)
	r.Header.Set("Authorization", auth)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	want(t, w, 411, "Content-Length")
}

// TestForms sends the shapes that senders have.
func TestForms(t *testing.T) {
	e := bearer(t, nil)
	for _, body := range []string{
		`{"a":1}`, "\xef\xbb\xbf{\"a\":1}", `[{"a":1},{"a":2}]`, "{\"a\":1}\n{\"a\":2}\n", `{"Records":[{"a":1}]}`,
		"{\"a\":1}\n{broken\n{\"a\":2}", // the broken one is for the decoder to report
		"\x1e{\"a\":1}\n",
	} {
		for _, kind := range []string{"", "application/json; charset=utf-8", "application/x-ndjson", "text/plain", "application/octet-stream", "application/cloudevents+json"} {
			want(t, post(e, body, "Authorization", auth, "Content-Type", kind), 200, "stored")
			m := receive(t, e)
			if got := content(t, m[0].Objects[0]); got != body {
				t.Errorf("got %q, want %q", got, body)
			}
			ack(t, e, m...)
		}
	}
}

func TestIdentity(t *testing.T) {
	e := bearer(t, nil)
	want(t, post(e, `{"a":1}`, "Authorization", auth, "Webhook-Id", "msg_1"), 200, "stored")
	want(t, post(e, `{"a":1}`, "Authorization", auth, "Webhook-Id", "msg_1"), 200, "known")
	// Another content under the same name is another message: it must not disappear.
	want(t, post(e, `{"a":2}`, "Authorization", auth, "Idempotency-Key", "msg_1"), 200, "stored")
	want(t, post(e, `{"a":3}`, "Authorization", auth, "Webhook-Id", strings.Repeat("x", 300)+"\u202e"), 200, "stored")
	m := receive(t, e)
	if len(m) != 3 {
		t.Fatalf("%d messages", len(m))
	}
	a, b, c := m[0].Objects[0], m[1].Objects[0], m[2].Objects[0]
	if a.Name != "webhook:msg_1" || a.Tag == "" || b.Name != a.Name || b.Tag == a.Tag || m[0].ID != a.Identity() {
		t.Errorf("%q %q and %q %q of %q", a.Name, a.Tag, b.Name, b.Tag, m[0].ID)
	}
	if !strings.HasPrefix(c.Name, "webhook:sha256-") || len(c.Name) > 100 {
		t.Errorf("a hostile name became %q", c.Name)
	}
}

// slowLog is a log whose appends wait, so that requests come together.
type slowLog struct {
	Log
	go1  chan struct{}
	mu   sync.Mutex
	fail error
	n    []int
}

func (s *slowLog) Append(ctx context.Context, entries []Entry) ([]bool, error) {
	<-s.go1
	s.mu.Lock()
	fail := s.fail
	s.n = append(s.n, len(entries))
	s.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	return s.Log.Append(ctx, entries)
}

func TestTogether(t *testing.T) {
	log := &slowLog{Log: openLog(t, FileLogOptions{}), go1: make(chan struct{})}
	e := bearer(t, func(o *GenericOptions) { o.Log = log })
	var wg sync.WaitGroup
	sent := map[string]bool{}
	for i := range 60 {
		body := fmt.Sprintf(`{"n":%d}`, i)
		headers := []string{"Authorization", auth}
		switch {
		case i%20 == 3:
			headers = append(headers, "Webhook-Id", fmt.Sprint("id-", i))
		case i%20 == 4:
			body = fmt.Sprintf(`{"n":%d,`, i) // not whole: it must not run into its neighbour
		}
		sent[body] = true
		wg.Go(func() {
			if w := post(e, body, headers...); w.Code != 200 {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		})
	}
	for range 1000 {
		if len(e.gather.in) == 59 {
			break
		}
		time.Sleep(time.Millisecond) // until all but the first wait behind it
	}
	close(log.go1)
	wg.Wait()
	var objects, lines int
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		list, err := e.Receive(ctx)
		cancel()
		if err != nil {
			break
		}
		for _, m := range list {
			objects++
			for line := range strings.SplitSeq(content(t, m.Objects[0]), "\n") {
				lines++
				if !sent[line] {
					t.Errorf("got %q", line)
				}
				delete(sent, line)
			}
		}
		ack(t, e, list...)
	}
	if lines != 60 || objects > 12 || objects < 7 {
		t.Errorf("%d requests came as %d objects, want 60 as about 8", lines, objects)
	}
}

func TestBackPressure(t *testing.T) {
	log := &slowLog{Log: openLog(t, FileLogOptions{}), go1: make(chan struct{})}
	close(log.go1)
	e := bearer(t, func(o *GenericOptions) { o.Log = log })
	for _, c := range []struct {
		err   error
		retry string
	}{{fmt.Errorf("x: %w", ErrFull), "30"}, {errors.New("secret path /var/lib"), "5"}} {
		log.fail = c.err
		w := post(e, `{"a":1}`, "Authorization", auth)
		want(t, w, 503, "")
		if w.Header().Get("Retry-After") != c.retry || strings.Contains(w.Body.String(), "/var/lib") {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	}
	log.fail = nil
	want(t, post(e, `{"a":1}`, "Authorization", auth), 200, "stored")

	busy := bearer(t, func(o *GenericOptions) { o.Memory = NewMemory(100 << 10) })
	w := post(busy, `{"a":"`+strings.Repeat("x", 1<<20)+`"}`, "Authorization", auth)
	want(t, w, 429, "at a time")
	if w.Header().Get("Retry-After") == "" {
		t.Error("a 429 without Retry-After")
	}
	held := &slowLog{Log: openLog(t, FileLogOptions{}), go1: make(chan struct{})}
	one := bearer(t, func(o *GenericOptions) { o.Limits.Concurrent, o.Log = 1, held })
	done := make(chan struct{})
	go func() { post(one, `{"a":1}`, "Authorization", auth); close(done) }()
	for one.active.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	want(t, post(one, `{"a":2}`, "Authorization", auth), 429, "at a time")
	close(held.go1)
	<-done
	want(t, post(one, `{"a":2}`, "Authorization", auth), 200, "stored")
}

// TestSlow sends bodies over a real connection that come too slowly, or not at all.
func TestSlow(t *testing.T) {
	e := bearer(t, func(o *GenericOptions) {
		o.Limits.Idle, o.Limits.Within = 100*time.Millisecond, 400*time.Millisecond
	})
	s := httptest.NewServer(e)
	defer s.Close()
	ask := func(t *testing.T, head string, more func(c net.Conn)) *http.Response {
		t.Helper()
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST /in HTTP/1.1\r\nHost: x\r\nAuthorization: "+auth+"\r\n"+head+"\r\n"); err != nil {
			t.Fatal(err)
		}
		go more(c)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	if r := ask(t, "Content-Length: 100\r\n", func(net.Conn) {}); r.StatusCode != 408 || !r.Close {
		t.Errorf("a body that does not come: %d, close %v", r.StatusCode, r.Close)
	}
	trickle := func(c net.Conn) {
		for range 100 {
			if _, err := io.WriteString(c, "1\r\n{\r\n"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	start := time.Now()
	if r := ask(t, "Transfer-Encoding: chunked\r\n", trickle); r.StatusCode != 408 || time.Since(start) > 5*time.Second {
		t.Errorf("a body that trickles: %d after %s", r.StatusCode, time.Since(start))
	}
	if r := ask(t, "Content-Length: 20000000\r\nExpect: 100-continue\r\n", func(net.Conn) {}); r.StatusCode != 413 {
		t.Errorf("too large, and waits to be asked: %d", r.StatusCode)
	}
	if r := ask(t, "Content-Length: 7\r\nExpect: 100-continue\r\n", func(net.Conn) {}); r.StatusCode != 100 {
		t.Errorf("waits to be asked: %d", r.StatusCode)
	}
	// A connection is good for the next request after one, whatever deadlines it had.
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for range 3 {
		if _, err := io.WriteString(c, "POST /in HTTP/1.1\r\nHost: x\r\nAuthorization: "+auth+"\r\nContent-Length: 7\r\n\r\n{\"a\":1}"); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadResponse(in, nil)
		if err != nil || r.StatusCode != 200 {
			t.Fatal(r, err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond) // longer than a body may pause
	}
	// A sender that hangs up in the middle brings nothing.
	half, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(half, "POST /in HTTP/1.1\r\nHost: x\r\nAuthorization: "+auth+"\r\nContent-Length: 100\r\n\r\n{\"half\":1}"); err != nil {
		t.Fatal(err)
	}
	if err := half.Close(); err != nil {
		t.Fatal(err)
	}
	for e.Counts().Refused[400] == 0 {
		time.Sleep(time.Millisecond)
	}
	for _, m := range receive(t, e) {
		if strings.Contains(content(t, m.Objects[0]), "half") {
			t.Error("half a body was stored")
		}
	}
}

// TestSlowHTTP2 does the same over HTTP/2, where a deadline is of one stream.
func TestSlowHTTP2(t *testing.T) {
	e := bearer(t, func(o *GenericOptions) { o.Limits.Idle = 100 * time.Millisecond })
	s := httptest.NewUnstartedServer(e)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	send := func(body io.Reader) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", auth)
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp
	}
	r, w := io.Pipe()
	defer w.Close()
	if resp := send(r); resp.StatusCode != 408 || resp.ProtoMajor != 2 {
		t.Errorf("a body that does not come: %d over %s", resp.StatusCode, resp.Proto)
	}
	if resp := send(strings.NewReader(`{"a":1}`)); resp.StatusCode != 200 {
		t.Errorf("the next one: %d", resp.StatusCode)
	}
}

func TestLargeIsReadAgain(t *testing.T) {
	e := bearer(t, nil)
	body := `{"a":"` + strings.Repeat("x", 2<<20) + `"}`
	want(t, post(e, body, "Authorization", auth), 200, "stored")
	m := receive(t, e)
	if e.retained.Load() != 0 {
		t.Errorf("%d bytes are held", e.retained.Load())
	}
	for range 2 {
		if got := content(t, m[0].Objects[0]); got != body {
			t.Errorf("got %d bytes", len(got))
		}
	}
	ack(t, e, m...)
}

func TestResolve(t *testing.T) {
	resolve := func(_ context.Context, body []byte) ([]source.Object, bool, error) {
		switch {
		case bytes.Contains(body, []byte("s3:TestEvent")):
			return nil, true, nil
		case bytes.Contains(body, []byte("broken")):
			return nil, true, errors.New("no key")
		case bytes.Contains(body, []byte("s3")):
			return []source.Object{{Source: "s3", Name: "s3://b/k", Tag: "e"}}, true, nil
		}
		return nil, false, nil
	}
	e := bearer(t, func(o *GenericOptions) { o.Resolve = resolve })
	for _, body := range []string{`{"s3":1}`, `{"Event":"s3:TestEvent"}`, `{"s3":"broken"}`, `{"x":1}`} {
		want(t, post(e, body, "Authorization", auth), 200, "stored")
	}
	m := receive(t, e)
	if len(m) != 4 || m[0].Objects[0].Name != "s3://b/k" || len(m[1].Objects) != 0 || m[1].Refused != nil ||
		m[2].Refused == nil || string(m[2].Body) != `{"s3":"broken"}` || content(t, m[3].Objects[0]) != `{"x":1}` {
		t.Errorf("got %+v", m)
	}
}

func TestOptions(t *testing.T) {
	log := openLog(t, FileLogOptions{})
	for _, c := range []struct {
		o    GenericOptions
		says string
	}{
		{GenericOptions{}, "nobody may send"},
		{GenericOptions{Access: Access{Bearer: []string{"short"}}}, "too short"},
		{GenericOptions{Access: Access{Bearer: []string{token}}, Common: Common{Log: log}}, "name"},
		{GenericOptions{Access: Access{Bearer: []string{token}}, Common: Common{Name: "x"}}, "no log"},
		{GenericOptions{Access: Access{Bearer: []string{token}}, Common: Common{Name: "x", Log: log, Limits: Limits{Body: -1}}}, "negative"},
		{GenericOptions{Access: Access{Bearer: []string{token}}, Common: Common{Name: "x", Log: log, Limits: Limits{Body: 1 << 40}}}, "at most"},
		{GenericOptions{Access: Access{Header: []Header{{"Authorization", token}}}}, "header"},
		{GenericOptions{Access: Access{Path: []string{"a/" + token}}}, "slash"},
		{GenericOptions{Access: Access{Basic: []Basic{{"a:b", token}}}}, "colon"},
		{GenericOptions{Webhook: WebhookKeys{Secrets: []string{"whsec_short"}}}, "24 to 64"},
		{GenericOptions{Webhook: WebhookKeys{Public: []string{"whpk_AAAA"}}}, "32 bytes"},
		{GenericOptions{Both: true, Access: Access{Bearer: []string{token}}}, "only one"},
	} {
		if _, err := NewGeneric(c.o); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), token) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.says)
		}
	}
}

func TestAccess(t *testing.T) {
	e := bearer(t, func(o *GenericOptions) {
		o.Access = Access{Bearer: []string{token, token + "-next"}, Basic: []Basic{{"falco", token}}, Header: []Header{{"x-api-key", token}}, Path: []string{token}}
	})
	try := func(change func(*http.Request)) int {
		r := httptest.NewRequest("POST", "/in/ci", strings.NewReader(`{"a":1}`))
		change(r)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w.Code
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"none":           {func(*http.Request) {}, 401},
		"bearer":         {func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }, 200},
		"next bearer":    {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+"-next") }, 200},
		"basic":          {func(r *http.Request) { r.SetBasicAuth("falco", token) }, 200},
		"other user":     {func(r *http.Request) { r.SetBasicAuth("root", token) }, 401},
		"no password":    {func(r *http.Request) { r.SetBasicAuth("falco", "") }, 401},
		"header":         {func(r *http.Request) { r.Header.Set("X-API-Key", token) }, 200},
		"wrong header":   {func(r *http.Request) { r.Header.Set("X-API-Key", token[1:]) }, 401},
		"path":           {func(r *http.Request) { r.URL.Path = "/in/ci/" + token }, 200},
		"path and slash": {func(r *http.Request) { r.URL.Path = "/in/ci/" + token + "/" }, 200},
		"wrong path":     {func(r *http.Request) { r.URL.Path = "/in/ci/x" + token }, 401},
		"query":          {func(r *http.Request) { r.URL.RawQuery = "token=" + token }, 401},
	} {
		if got := try(c.change); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
	}
	if s := fmt.Sprintf("%#v", *e.speaks().(*generic).access); strings.Contains(s, token) {
		t.Error("a token is held in memory as it is")
	}
}

// TestText: lines are taken where somebody says that they are a log, and stand alone in the log
// of deliveries, because what follows them could be taken for more of them.
func TestText(t *testing.T) {
	e := bearer(t, func(o *GenericOptions) {
		o.Textual = func(body []byte) bool { return bytes.HasPrefix(body, []byte("CEF:0|")) }
	})
	want(t, post(e, "hello", "Authorization", auth, "Content-Type", "text/plain"), 400, "not JSON")
	const lines = "CEF:0|a|b|c|d|e|f|src=192.0.2.1\nCEF:0|a|b|c|d|e|f|src=192.0.2.2\n"
	want(t, post(e, lines, "Authorization", auth, "Content-Type", "text/plain"), 200, "stored")
	want(t, post(e, `{"a":1}`, "Authorization", auth), 200, "stored")
	var got []string
	for len(got) < 2 {
		for _, m := range receive(t, e) {
			for _, o := range m.Objects {
				got = append(got, content(t, o))
			}
			ack(t, e, m)
		}
	}
	if got[0] != lines || got[1] != `{"a":1}` {
		t.Errorf("got %q", got)
	}
}
