package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/sourcetest"
)

// etag is the ETag of an object in the store.
func (s *store) etag(t *testing.T, key string) string {
	t.Helper()
	o, err := s.backend.HeadObject("trail", key)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", o.Hash)
}

func readRef(t *testing.T, s *Store, ref Ref) (string, error) {
	t.Helper()
	o := s.Object(ref)
	in, err := o.Open(t.Context())
	if err != nil {
		return "", err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	return string(text), err
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>no</Message></Error>`, code)
}

// TestRoles: each bucket is read by the role that is for it, taken on once.
func TestRoles(t *testing.T) {
	s, clock := serve(t), sourcetest.Wall{}
	keys := sourcetest.NewSTS(t, clock)
	const one, two, any = "arn:aws:iam::111122223333:role/one", "arn:aws:iam::444455556666:role/two", "arn:aws:iam::777788889999:role/any"
	keys.Trust(one, "shared-id")
	keys.Trust(two, "")
	want := map[string]string{"trail-a": one, "trail-b": one, "audit": two, "other": any}
	for bucket := range want {
		if err := s.backend.CreateBucket(bucket); err != nil {
			t.Fatal(err)
		}
		if _, err := s.backend.PutObject(bucket, "k", map[string]string{}, strings.NewReader(bucket), int64(len(bucket)), nil); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	by := map[string]string{}
	s.before = func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		by[strings.Split(r.URL.Path, "/")[1]] = keys.Role(sourcetest.AccessKey(r, "s3"))
		return false
	}
	o := StoreOptions{Options: s.options(), STSEndpoint: keys.URL, Roles: []Role{
		{ARN: one, ExternalID: "shared-id", Buckets: []string{"trail-*"}}, {ARN: two, Accounts: []string{"444455556666"}}, {ARN: any}}}
	all, err := NewStore(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		for _, bucket := range []string{"trail-a", "trail-b", "audit"} {
			wg.Go(func() {
				account := map[string]string{"audit": "444455556666"}[bucket]
				if text, err := readRef(t, all, Ref{Bucket: bucket, Key: "k", Size: -1, Account: account}); err != nil || text != bucket {
					t.Errorf("%s: %q, %v", bucket, text, err)
				}
			})
		}
	}
	wg.Wait()
	delete(want, "other")
	if d := cmp.Diff(want, by); d != "" {
		t.Error(d)
	}
	if n := keys.Calls("AssumeRole"); n != 2 {
		t.Errorf("roles were taken on %d times", n)
	}
	_, err = readRef(t, all, Ref{Bucket: "other", Key: "k", Size: -1})
	if err == nil || !strings.Contains(err.Error(), "s3://other/k: the role "+any+" cannot be taken on: AccessDenied") || !strings.Contains(err.Error(), "hint: allow sts:AssumeRole") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	// Credentials that end are renewed.
	keys.Lifetime(time.Minute) // less than the five minutes that are kept free
	all, err = NewStore(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	before := keys.Calls("AssumeRole")
	for range 3 {
		if _, err := readRef(t, all, Ref{Bucket: "trail-a", Key: "k", Size: -1}); err != nil {
			t.Error(err)
		}
	}
	if n := keys.Calls("AssumeRole") - before; n != 3 {
		t.Errorf("credentials that end in a minute were taken %d times for 3 requests", n)
	}
}

// TestStoreRegion: a bucket elsewhere is followed there once, however the store says so.
func TestStoreRegion(t *testing.T) {
	for name, say := range map[string]func(w http.ResponseWriter, r *http.Request){
		"by the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Bucket-Region", "ap-northeast-1")
			refuse(w, http.StatusMovedPermanently, "PermanentRedirect")
		},
		"when the bucket is asked": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.Header().Set("X-Amz-Bucket-Region", "ap-northeast-1")
				w.WriteHeader(http.StatusForbidden)
				return
			}
			refuse(w, http.StatusBadRequest, "AuthorizationHeaderMalformed")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.put(t, "a", "x")
			elsewhere := 0
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.Header.Get("Authorization"), "/ap-northeast-1/s3/") {
					return false
				}
				elsewhere++
				say(w, r)
				return true
			}
			all := s.objects(t)
			for range 3 {
				if text, err := readRef(t, all, Ref{Bucket: "trail", Key: "a", ETag: s.etag(t, "a"), Size: 1}); err != nil || text != "x" {
					t.Fatalf("%q, %v", text, err)
				}
			}
			if elsewhere > 2 {
				t.Errorf("%d requests went elsewhere", elsewhere)
			}
			if ref, err := all.Stat(t.Context(), Ref{Bucket: "trail", Key: "a"}); err != nil || ref.Size != 1 {
				t.Errorf("%+v, %v", ref, err)
			}
		})
	}
}

// TestVersions: a version that was replaced is read by its id, and without one is gone.
func TestVersions(t *testing.T) {
	s := serve(t)
	s.put(t, "a", "old")
	old := s.etag(t, "a")
	s.put(t, "a", "new")
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("versionId") != "v1" {
			return false
		}
		w.Header().Set("ETag", `"`+old+`"`)
		_, _ = io.WriteString(w, "old")
		return true
	}
	all := s.objects(t)
	if text, err := readRef(t, all, Ref{Bucket: "trail", Key: "a", ETag: old, VersionID: "v1", Size: 3}); err != nil || text != "old" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := readRef(t, all, Ref{Bucket: "trail", Key: "a", ETag: old, Size: 3}); !errors.Is(err, source.ErrGone) {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := readRef(t, all, Ref{Bucket: "trail", Key: "a", ETag: s.etag(t, "a"), VersionID: "v2", Size: 3}); err != nil || text != "new" {
		t.Errorf("%q, %v", text, err)
	}
	if gets, heads, _ := all.Requests(); gets != 4 || heads != 0 {
		t.Errorf("%d gets, %d heads", gets, heads)
	}
	for want, role := range map[string]Role{"without an ARN": {}, "is not a pattern": {ARN: "arn", Buckets: []string{"["}}} {
		if _, err := NewStore(t.Context(), StoreOptions{Options: s.options(), Roles: []Role{role}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
}
