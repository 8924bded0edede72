package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/yagura-sec/yagura/source"
)

// store is an S3 server on loopback. Before answers a request in its place when it
// returns true.
type store struct {
	*httptest.Server
	backend *s3mem.Backend
	mu      sync.Mutex
	before  func(w http.ResponseWriter, r *http.Request) bool
	lists   []string
	gets    int
}

func serve(t *testing.T) *store {
	t.Helper()
	s := &store{backend: s3mem.New()}
	inner := gofakes3.New(s.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		before := s.before
		if r.Method == http.MethodGet && r.URL.Query().Has("list-type") {
			s.lists = append(s.lists, r.URL.Query().Get("start-after"))
		} else if r.Method == http.MethodGet {
			s.gets++
		}
		s.mu.Unlock()
		if before == nil || !before(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	if err := s.backend.CreateBucket("trail"); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *store) put(t *testing.T, key, text string) {
	t.Helper()
	if _, err := s.backend.PutObject("trail", key, map[string]string{"Last-Modified": "Mon, 2 Mar 2026 00:00:00 GMT"},
		strings.NewReader(text), int64(len(text)), nil); err != nil {
		t.Fatal(err)
	}
}

func (s *store) options() Options {
	return Options{Endpoint: s.URL, Region: "us-east-1", AccessKeyID: "key", SecretAccessKey: "secret", MaxAttempts: 2}
}

func connect(t *testing.T, address string, o Options) *Bucket {
	t.Helper()
	b, err := New(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t *testing.T, b *Bucket) (names []string, bodies map[string]string) {
	t.Helper()
	bodies = map[string]string{}
	for o, err := range b.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Name)
		r, err := o.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		bodies[o.Name] = string(text)
		if len(names) == 1 { // an object may be read again
			again, err := o.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if second, err := io.ReadAll(again); err != nil || !bytes.Equal(text, second) {
				t.Errorf("read again: %d bytes for %d, %v", len(second), len(text), err)
			}
			_ = again.Close()
		}
	}
	return names, bodies
}

func TestList(t *testing.T) {
	s := serve(t)
	var want []string
	for i := range 1234 {
		key := fmt.Sprintf("logs/%04d.json", i)
		s.put(t, key, key)
		want = append(want, "s3://trail/"+key)
	}
	s.put(t, "logs/", "") // the marker of a folder
	s.put(t, "other/x.json", "x")
	for _, ahead := range []int{-1, 8} {
		o := s.options()
		o.Ahead = ahead
		names, bodies := read(t, connect(t, "s3://trail/logs/", o))
		if d := cmp.Diff(want, names); d != "" {
			t.Fatalf("ahead %d: %s", ahead, d)
		}
		for _, n := range names {
			if "s3://trail/"+bodies[n] != n {
				t.Fatalf("%s holds %q", n, bodies[n])
			}
		}
	}
}

func TestStopEarly(t *testing.T) {
	s := serve(t)
	for i := range 50 {
		s.put(t, fmt.Sprintf("%02d", i), "x")
	}
	n := 0
	for _, err := range connect(t, "s3://trail", s.options()).Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gets > 3+8+1 {
		t.Errorf("%d objects were fetched for 3 that were asked for", s.gets)
	}
}

func TestSinceJumps(t *testing.T) {
	s := serve(t)
	since := time.Now().UTC()
	day := func(d int) string { return since.AddDate(0, 0, d).Format("2006/01/02") }
	var want []string
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		base := "AWSLogs/111122223333/CloudTrail/" + region + "/"
		for i := range 1200 {
			s.put(t, fmt.Sprintf("%s2019/01/%02d/%04d.json", base, i/60+1, i), "old")
		}
		for i := range 1200 {
			s.put(t, fmt.Sprintf("%s2024/06/%02d/%04d.json", base, i/60+1, i), "old")
		}
		for d := -1; d <= 0; d++ {
			key := base + day(d) + "/a.json"
			s.put(t, key, "new")
			want = append(want, "s3://trail/"+key)
		}
	}
	o := s.options()
	o.Since = since.Add(-time.Minute) // the server stamps the objects itself
	names, _ := read(t, connect(t, "s3://trail/AWSLogs/", o))
	var dated []string
	for _, n := range names {
		if !strings.Contains(n, "/2019/") && !strings.Contains(n, "/2024/") {
			dated = append(dated, n)
		}
	}
	if d := cmp.Diff(want, dated); d != "" {
		t.Error(d)
	}
	// Without jumps 4,800 old keys are five pages; with them each region costs one
	// page of old keys.
	if len(s.lists) > 4 {
		t.Errorf("%d pages were listed: %q", len(s.lists), s.lists)
	}
	o.Since = time.Now().Add(time.Hour)
	for _, err := range connect(t, "s3://trail/AWSLogs/", o).Objects(t.Context()) {
		if err == nil || !strings.Contains(err.Error(), "no objects under this prefix since") {
			t.Errorf("got %v", err)
		}
	}
}

func TestJump(t *testing.T) {
	since := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	for key, want := range map[string]string{
		"AWSLogs/1/CloudTrail/eu-west-1/2019/12/31/x.json.gz": "AWSLogs/1/CloudTrail/eu-west-1/2026/03/13/",
		"AWSLogs/1/CloudTrail/eu-west-1/2026/03/12/x.json.gz": "AWSLogs/1/CloudTrail/eu-west-1/2026/03/13/",
		"AWSLogs/1/CloudTrail/eu-west-1/2026/03/13/x.json.gz": "",
		"AWSLogs/1/CloudTrail/eu-west-1/2031/01/01/x.json.gz": "",
		"AWSLogs/1/CloudTrail/eu-west-1/2019/99/31/x.json.gz": "",
		"logs/2019-12-31.json":                                "",
	} {
		if got := jump(key, since); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if got := jump("a/2019/12/31/x", time.Time{}); got != "" {
		t.Errorf("a jump without a start: %q", got)
	}
}

// cut sends at most n bytes of a body and then breaks the connection.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func TestBrokenBody(t *testing.T) {
	s := serve(t)
	text := strings.Repeat("0123456789abcdef", 200_000)
	s.put(t, "big", text)
	inner := gofakes3.New(s.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	var ranges []string
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/big") {
			return false
		}
		if r.Header.Get("If-Match") == "" {
			t.Error("a part was asked for without its version")
		}
		s.mu.Lock()
		ranges = append(ranges, r.Header.Get("Range"))
		s.mu.Unlock()
		inner.ServeHTTP(&cut{w, 700_000}, r)
		return true
	}
	_, bodies := read(t, connect(t, "s3://trail", s.options()))
	if got := bodies["s3://trail/big"]; got != text {
		t.Errorf("%d bytes of %d arrived, the same: %v", len(got), len(text), strings.HasPrefix(text, got))
	}
	if len(ranges) < 5 || ranges[0] != "" || ranges[1] == "" {
		t.Errorf("asked for the ranges %q", ranges)
	}
}

func TestReplacedWhileRead(t *testing.T) {
	s := serve(t)
	s.put(t, "big", strings.Repeat("x", 3_000_000))
	inner := gofakes3.New(s.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/big") {
			return false
		}
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusPreconditionFailed)
			return true
		}
		inner.ServeHTTP(&cut{w, 100_000}, r)
		return true
	}
	for o, err := range connect(t, "s3://trail", s.options()).Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		if n != 100_000 || err == nil || !strings.Contains(err.Error(), "replaced while it was being read") {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

func TestErrors(t *testing.T) {
	s := serve(t)
	s.put(t, "a", "x")
	first := func(b *Bucket, err error) error {
		if err != nil {
			return err
		}
		for o, err := range b.Objects(t.Context()) {
			if err != nil {
				return err
			}
			_, err := o.Open(t.Context())
			return err
		}
		return nil
	}
	deny := func(part string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.Method+" "+r.URL.String(), part) {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
			return true
		}
	}
	for name, c := range map[string]struct {
		address string
		before  func(http.ResponseWriter, *http.Request) bool
		want    []string
	}{
		"no bucket":  {address: "s3://nowhere/x", want: []string{"s3://nowhere/x: there is no such bucket", "check its name"}},
		"no objects": {address: "s3://trail/zzz", want: []string{"s3://trail/zzz: there are no objects"}},
		"list 403":   {address: "s3://trail/", before: deny("list-type"), want: []string{"access denied", "s3:ListBucket"}},
		"get 403":    {address: "s3://trail/", before: deny("GET /trail/a"), want: []string{"s3://trail/a: access denied", "s3:GetObject"}},
		"no name":    {address: "s3://", want: []string{"not an address"}},
		"get 404": {address: "s3://trail/", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || r.URL.Path != "/trail/a" {
				return false
			}
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>`)
			return true
		}, want: []string{"s3://trail/a: the object is gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.mu.Lock()
			s.before = c.before
			s.mu.Unlock()
			err := first(New(t.Context(), c.address, s.options()))
			if e := (*source.Error)(nil); !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

// TestUnreachable holds what is said where no request gets as far as a store.
func TestUnreachable(t *testing.T) {
	dir := t.TempDir()
	profile := filepath.Join(dir, "config")
	if err := os.WriteFile(profile, []byte("[profile bare]\nregion = eu-west-1\n"+
		"[profile sso]\nregion = eu-west-1\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 111122223333\nsso_role_name = reader\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"HOME": dir, "AWS_CONFIG_FILE": profile, "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": ""} {
		t.Setenv(name, value)
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		profile string
		o       Options
		want    string
	}{
		"no credentials": {profile: "bare", want: "s3://trail/: there are no credentials for AWS (hint: set AWS_PROFILE"},
		"not logged in":  {profile: "sso", want: "s3://trail/: there are no credentials for AWS: the SSO session has expired or is invalid: "},
		"nobody listens": {profile: "bare", o: Options{AccessKeyID: "a", SecretAccessKey: "b"}, want: "s3://trail/: dial tcp " + closed.Listener.Addr().String() + ": connect: connection refused (hint: check the network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_PROFILE", c.profile)
			c.o.Endpoint, c.o.MaxAttempts = closed.URL, 1
			if _, err := New(t.Context(), "s3://trail/", c.o); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s…", err, c.want)
			}
		})
	}
}

// TestRegion moves into the region that the first answer names.
func TestRegion(t *testing.T) {
	s := serve(t)
	s.put(t, "a", "x")
	var scopes []string
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		scopes = append(scopes, r.Header.Get("Authorization"))
		if !strings.Contains(r.Header.Get("Authorization"), "/ap-northeast-1/s3/") {
			w.Header().Set("X-Amz-Bucket-Region", "ap-northeast-1")
			w.WriteHeader(http.StatusMovedPermanently)
			return true
		}
		return false
	}
	if names, _ := read(t, connect(t, "s3://trail", s.options())); len(names) != 1 {
		t.Errorf("read %q after %q", names, scopes)
	}
}

func TestCancel(t *testing.T) {
	s := serve(t)
	s.put(t, "a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path == "/trail/a" {
			_, _ = io.Copy(w, bytes.NewReader(nil))
			cancel()
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return true
		}
		return false
	}
	for o, err := range connect(t, "s3://trail", s.options()).Objects(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Open(ctx); err == nil {
			t.Error("an object was opened after the end")
		}
	}
}
