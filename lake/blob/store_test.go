package blob_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/lake/blob/blobtest"
)

// quick tries again at once.
func quick() blob.Retry {
	return blob.Retry{Attempts: 5, Stall: 250 * time.Millisecond, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

func serve(t *testing.T, h http.Handler) (*blobtest.Faults, string) {
	t.Helper()
	f := &blobtest.Faults{Handler: h}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return f, srv.URL
}

func s3Options(url string) blob.S3Options {
	return blob.S3Options{Bucket: "lake", Endpoint: url, Region: "eu-west-1", AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret", Retry: quick()}
}

func newS3(t *testing.T, o blob.S3Options) (blob.Store, *blobtest.Faults) {
	t.Helper()
	back := s3mem.New()
	if err := back.CreateBucket("lake"); err != nil {
		t.Fatal(err)
	}
	f, url := serve(t, gofakes3.New(back).Server())
	o.Endpoint = url
	s, err := blob.NewS3(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s, f
}

func TestDisk(t *testing.T) {
	d, err := blob.OpenDisk(filepath.Join(t.TempDir(), "lake"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // a test
	blobtest.Run(t, d, blobtest.Options{})
}

func TestS3(t *testing.T) {
	s, f := newS3(t, s3Options(""))
	blobtest.Run(t, s, blobtest.Options{Faults: f})
}

func TestS3Prefix(t *testing.T) {
	o := s3Options("")
	o.Prefix, o.Encryption = "yagura/lake/", "AES256"
	s, f := newS3(t, o)
	blobtest.Run(t, s, blobtest.Options{Faults: f})
}

func TestGCS(t *testing.T) {
	for _, prefix := range []string{"", "yagura"} {
		fake := blobtest.NewGCS("lake")
		fake.Token = "t1"
		f, url := serve(t, fake)
		s, err := blob.NewGCS(blob.GCSOptions{Bucket: "lake", Prefix: prefix, HTTPOptions: blob.HTTPOptions{Endpoint: url, Retry: quick(), Token: token("t1")}})
		if err != nil {
			t.Fatal(err)
		}
		blobtest.Run(t, s, blobtest.Options{Faults: f})
	}
}

func TestAzure(t *testing.T) {
	for _, prefix := range []string{"", "yagura"} {
		fake := blobtest.NewAzure("lake")
		fake.SAS = "s=ig/nature"
		f, url := serve(t, fake)
		s, err := blob.NewAzure(blob.AzureOptions{Account: "acct1", Container: "lake", Prefix: prefix, SAS: "?sv=2021-12-02&sig=s%3Dig%2Fnature",
			HTTPOptions: blob.HTTPOptions{Endpoint: url, Retry: quick()}})
		if err != nil {
			t.Fatal(err)
		}
		blobtest.Run(t, s, blobtest.Options{Faults: f})
	}
}

func token(tokens ...string) blob.TokenSource {
	n := 0
	return func(context.Context) (string, time.Time, error) {
		t := tokens[min(n, len(tokens)-1)]
		n++
		return t, time.Now().Add(time.Hour), nil
	}
}

// A token that the service does not take any more is taken anew, once.
func TestTokenAnew(t *testing.T) {
	fake := blobtest.NewGCS("lake")
	fake.Token = "t1"
	f, url := serve(t, fake)
	s, err := blob.NewGCS(blob.GCSOptions{Bucket: "lake", HTTPOptions: blob.HTTPOptions{Endpoint: url, Retry: quick(), Token: token("t1", "t2")}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := blob.PutBytes(ctx, s, "a", []byte("x"), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	fake.Token = "t2"
	if _, err := s.Stat(ctx, "a"); err != nil {
		t.Error(err)
	}
	fake.Token = "t3"
	before := f.Requests()
	if _, err := s.Stat(ctx, "a"); !errors.Is(err, blob.ErrDenied) || strings.Contains(err.Error(), "t2") {
		t.Error(err)
	}
	if n := f.Requests() - before; n > 2 {
		t.Errorf("%d requests with a token that is not taken", n)
	}
}

// No secret is in an error, whatever breaks.
func TestSecretsInErrors(t *testing.T) {
	f, url := serve(t, blobtest.NewAzure("lake"))
	r := quick()
	r.Attempts = 2
	s, err := blob.NewAzure(blob.AzureOptions{Account: "acct1", Container: "lake", SAS: "sv=1&sig=TOPSECRET", HTTPOptions: blob.HTTPOptions{Endpoint: url, Retry: r}})
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []blobtest.Fault{blobtest.Lost, blobtest.Hang, blobtest.Deny, blobtest.Busy} {
		f.Next(nil, fault, fault, fault, fault, fault, fault)
		_, err := blob.PutBytes(context.Background(), s, "a", []byte("x"), blob.PutOptions{})
		if err == nil || strings.Contains(err.Error(), "TOPSECRET") {
			t.Errorf("%s: %v", fault, err)
		}
	}
	f.Next(nil)
	if strings.Contains(s.String(), "TOPSECRET") {
		t.Error(s)
	}
}

func TestBadOptions(t *testing.T) {
	ctx := context.Background()
	for name, open := range map[string]func() (blob.Store, error){
		"bucket": func() (blob.Store, error) { return blob.NewS3(ctx, blob.S3Options{Bucket: "../x"}) },
		"prefix": func() (blob.Store, error) { return blob.NewS3(ctx, blob.S3Options{Bucket: "lake", Prefix: "a/../b"}) },
		"encryption": func() (blob.Store, error) {
			return blob.NewS3(ctx, blob.S3Options{Bucket: "lake", Encryption: "rot13"})
		},
		"key without": func() (blob.Store, error) { return blob.NewS3(ctx, blob.S3Options{Bucket: "lake", KMSKey: "k"}) },
		"endpoint":    func() (blob.Store, error) { return blob.NewS3(ctx, blob.S3Options{Bucket: "lake", Endpoint: "host:1"}) },
		"token in clear": func() (blob.Store, error) {
			return blob.NewGCS(blob.GCSOptions{Bucket: "lake", HTTPOptions: blob.HTTPOptions{Endpoint: "http://192.0.2.1"}})
		},
		"account": func() (blob.Store, error) {
			return blob.NewAzure(blob.AzureOptions{Account: "evil.example.com/", Container: "lake"})
		},
		"sas": func() (blob.Store, error) {
			return blob.NewAzure(blob.AzureOptions{Account: "acct1", Container: "lake", SAS: "sv=1"})
		},
	} {
		if s, err := open(); err == nil {
			t.Errorf("%s was taken: %v", name, s)
		}
	}
}

// What a writer that was killed left behind is never seen and goes away.
func TestDiskHalfWritten(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	open := func(now time.Time) *blob.Disk {
		d, err := blob.OpenDisk(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	open(now)
	half := filepath.Join(dir, ".writing", "0011")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if page, err := open(now).List(context.Background(), "", "", 0); err != nil || len(page.Objects) > 0 {
		t.Errorf("%+v %v", page, err)
	}
	if _, err := os.Stat(half); err != nil {
		t.Errorf("what another may be writing went away: %v", err)
	}
	open(now.Add(25 * time.Hour))
	if _, err := os.Stat(half); err == nil {
		t.Error("it is still there")
	}
}

// A link out of the folder is not followed.
func TestDiskLink(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	d, err := blob.OpenDisk(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // a test
	if _, _, err := blob.ReadAll(context.Background(), d, "link/secret", 10); err == nil {
		t.Error("it was read")
	}
	if _, err := blob.PutBytes(context.Background(), d, "link/new", []byte("x"), blob.PutOptions{}); err == nil {
		t.Error("it was written")
	}
}
