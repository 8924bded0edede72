package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"

	"github.com/yagura-sec/yagura/source"
)

// readAll reads what it can of every object, with the errors by name.
func readAll(t *testing.T, b *Bucket) (bodies, problems map[string]string) {
	t.Helper()
	bodies, problems = map[string]string{}, map[string]string{}
	fail := func(err error) {
		e := (*source.Error)(nil)
		if !errors.As(err, &e) {
			t.Errorf("an error without a place: %v", err)
			return
		}
		problems[e.Name] = err.Error()
	}
	for o, err := range b.Objects(t.Context()) {
		if err != nil {
			fail(err)
			continue
		}
		r, err := o.Open(t.Context())
		if err != nil {
			fail(err)
			continue
		}
		text, err := io.ReadAll(r)
		bodies[o.Name] += string(text)
		if err != nil {
			fail(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	return bodies, problems
}

// breaking answers requests for the object big by its inner server, whose bodies end
// after some bytes. change may answer the request itself, or alter it.
func breaking(t *testing.T, s *store, bytes int, change func(w http.ResponseWriter, r *http.Request) bool) {
	t.Helper()
	inner := gofakes3.New(s.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/big") {
			return false
		}
		if !change(w, r) {
			inner.ServeHTTP(&cut{w, bytes}, r)
		}
		return true
	}
}

// TestRangeIsIgnored: a store that begins anew where it was asked to go on doubles nothing.
func TestRangeIsIgnored(t *testing.T) {
	s := serve(t)
	text := strings.Repeat("0123456789abcdef", 40_000)
	s.put(t, "big", text)
	breaks := 0
	inner := gofakes3.New(s.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	breaking(t, s, 100_000, func(w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		if breaks++; breaks > 1 {
			inner.ServeHTTP(w, r)
			return true
		}
		return false
	})
	bodies, problems := readAll(t, connect(t, "s3://trail", s.options()))
	if got := bodies["s3://trail/big"]; got != text || len(problems) > 0 {
		t.Errorf("%d bytes of %d, %v", len(got), len(text), problems)
	}
}

// TestOtherRange: bytes from elsewhere are refused.
func TestOtherRange(t *testing.T) {
	s := serve(t)
	s.put(t, "big", strings.Repeat("0123456789abcdef", 40_000))
	breaking(t, s, 100_000, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			r.Header.Set("Range", "bytes=50000-")
		}
		return false
	})
	bodies, problems := readAll(t, connect(t, "s3://trail", s.options()))
	if len(bodies["s3://trail/big"]) != 100_000 || !strings.Contains(problems["s3://trail/big"], "other bytes than were asked for") {
		t.Errorf("%d bytes, %v", len(bodies["s3://trail/big"]), problems)
	}
}

// TestVersionIsIgnored: a store that does not know If-Match does not mix two versions.
func TestVersionIsIgnored(t *testing.T) {
	s := serve(t)
	s.put(t, "big", strings.Repeat("a", 640_000))
	breaking(t, s, 100_000, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			s.put(t, "big", strings.Repeat("b", 640_000))
		}
		r.Header.Del("If-Match")
		return false
	})
	bodies, problems := readAll(t, connect(t, "s3://trail", s.options()))
	if strings.Contains(bodies["s3://trail/big"], "b") || !strings.Contains(problems["s3://trail/big"], "replaced while it was being read") {
		t.Errorf("%d bytes, %v", len(bodies["s3://trail/big"]), problems)
	}
}

// list answers list requests with pages by the token, or the key, that they go on from.
func list(s *store, pages map[string]string) {
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		q := r.URL.Query()
		if r.Method != http.MethodGet || !q.Has("list-type") {
			return false
		}
		page, ok := pages[q.Get("continuation-token")+q.Get("start-after")]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			return true
		}
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>trail</Name>`+page+`</ListBucketResult>`)
		return true
	}
}

func contents(key string, size int) string {
	return fmt.Sprintf("<Contents><Key>%s</Key><LastModified>2026-03-02T00:00:00Z</LastModified><Size>%d</Size></Contents>", key, size)
}

// TestPages: how a store cuts its list loses no object.
func TestPages(t *testing.T) {
	more := func(token string) string {
		return "<IsTruncated>true</IsTruncated><NextContinuationToken>" + token + "</NextContinuationToken>"
	}
	for name, c := range map[string]struct {
		pages map[string]string
		want  []string
		says  string
	}{
		"an empty page":    {pages: map[string]string{"": contents("a", 1) + more("1"), "1": more("2"), "2": contents("b", 1)}, want: []string{"a", "b"}},
		"first page empty": {pages: map[string]string{"": more("1"), "1": contents("b", 1)}, want: []string{"b"}},
		"no order":         {pages: map[string]string{"": contents("b", 1) + more("1"), "1": contents("a", 1)}, want: []string{"a", "b"}},
		"no token":         {pages: map[string]string{"": contents("a", 1) + "<IsTruncated>true</IsTruncated>", "a": contents("b", 1)}, want: []string{"a", "b"}},
		"the same page for ever": {pages: map[string]string{"": contents("a", 1) + "<IsTruncated>true</IsTruncated>", "a": contents("a", 1) + "<IsTruncated>true</IsTruncated>"},
			want: []string{"a"}, says: "does not go on"},
		"the same token for ever": {pages: map[string]string{"": contents("a", 1) + more("1"), "1": contents("b", 1) + more("1")},
			want: []string{"a", "b"}, says: "does not go on"},
		"no way on":      {pages: map[string]string{"": "<IsTruncated>true</IsTruncated>"}, says: "does not go on"},
		"an encoded key": {pages: map[string]string{"": "<EncodingType>url</EncodingType>" + contents("%01%1B%5B2J+%2B", 1)}, want: []string{"\x01\x1b[2J +"}},
		"less than one":  {pages: map[string]string{"": contents("a", -7)}, want: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.put(t, "a", "a")
			s.put(t, "b", "b")
			s.put(t, "\x01\x1b[2J +", "\x01\x1b[2J +")
			list(s, c.pages)
			bodies, problems := readAll(t, connect(t, "s3://trail", s.options()))
			want := map[string]string{}
			for _, key := range c.want {
				want["s3://trail/"+key] = key
			}
			if d := cmp.Diff(want, bodies); d != "" {
				t.Error(d, problems)
			}
			if c.says == "" && len(problems) > 0 || c.says != "" && !strings.Contains(problems["s3://trail/"], c.says) {
				t.Errorf("%v, want %q", problems, c.says)
			}
		})
	}
}

// TestOddKeys: whatever characters a key has, its object is read.
func TestOddKeys(t *testing.T) {
	s := serve(t)
	want := map[string]string{}
	for _, key := range []string{"a b", "a+b", "a%20b", "a//b", "./c", "d/../e", "日本語/ログ", "q?x=1&y", "#f", "<&>\"'", "line\nend", "tab\t", "ü", "e\u0301", "\U0001F4A5", "a\\b", "a=b;c,d"} {
		s.put(t, key, "text of "+key)
		want["s3://trail/"+key] = "text of " + key
	}
	bodies, problems := readAll(t, connect(t, "s3://trail", s.options()))
	if d := cmp.Diff(want, bodies); d != "" || len(problems) > 0 {
		t.Error(d, problems)
	}
}

// TestStalled: a store that says nothing more is given up.
func TestStalled(t *testing.T) {
	for name, part := range map[string]string{"bucket": "HEAD /trail", "list": "list-type", "object": "/trail/big", "body": "/trail/big"} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.put(t, "big", strings.Repeat("x", 3_000_000))
			release := make(chan struct{})
			defer close(release)
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.Method+" "+r.URL.String(), part) {
					return false
				}
				if name == "body" {
					w.Header().Set("Content-Length", "3000000")
					_, _ = io.WriteString(w, "xxx")
					w.(http.Flusher).Flush()
				}
				select {
				case <-release:
				case <-r.Context().Done():
				}
				return true
			}
			o := s.options()
			o.Stall = 50 * time.Millisecond
			b, err := New(t.Context(), "s3://trail", o)
			problems := map[string]string{}
			if err == nil {
				_, problems = readAll(t, b)
			} else {
				problems["bucket"] = err.Error()
			}
			if len(problems) != 1 {
				t.Fatalf("%v", problems)
			}
			for _, p := range problems {
				if !strings.Contains(p, "did not answer") {
					t.Error(p)
				}
			}
		})
	}
}
