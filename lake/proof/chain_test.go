package proof

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/blob"
)

// small is a lake of a few files and what arrived in it.
type small struct {
	t     *testing.T
	dir   string
	store *blob.Disk
	files []yagura.LakeFile
	objs  []arrivedAt
	seq   int64
}

type arrivedAt struct {
	Object
	at time.Time
}

var midnight = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func newSmall(t *testing.T) *small {
	t.Helper()
	dir := t.TempDir()
	d, err := blob.OpenDisk(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return &small{t: t, dir: dir, store: d}
}

// arrive writes one lake file and the object that it came from.
func (s *small) arrive(at time.Time) {
	s.t.Helper()
	s.seq++
	f := yagura.LakeFile{Number: s.seq, Seq: s.seq, Format: "aws.cloudtrail", Day: at.Format("2006-01-02"), Rows: 10, Created: at}
	for _, p := range []struct {
		name *string
		size *int64
		sum  *[32]byte
		kind string
	}{{&f.Head, &f.HeadSize, &f.HeadSum, "head"}, {&f.Raw, &f.RawSize, &f.RawSum, "raw"}} {
		data := bytes.Repeat(fmt.Appendf(nil, "%s %d ", p.kind, s.seq), 300)
		*p.name = fmt.Sprintf("aws.cloudtrail/2026/05/01/%012x.%s.parquet", s.seq, p.kind)
		*p.size, *p.sum = int64(len(data)), sha256.Sum256(data)
		if _, err := blob.PutBytes(context.Background(), s.store, *p.name, data, blob.PutOptions{IfAbsent: true}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.files = append(s.files, f)
	s.objs = append(s.objs, arrivedAt{Object{Source: "s3", Object: fmt.Sprintf("s3://b/%d#etag", s.seq), Records: 10}, at})
}

func (s *small) FilesAfter(_ context.Context, seq int64) ([]yagura.LakeFile, int64, error) {
	var out []yagura.LakeFile
	last := seq
	for _, f := range s.files {
		if f.Seq > seq {
			out, last = append(out, f), f.Seq
		}
	}
	return out, last, nil
}

func (s *small) ObjectsBetween(_ context.Context, from, to time.Time) ([]Object, error) {
	var out []Object
	for _, o := range s.objs {
		if !o.at.Before(from) && o.at.Before(to) {
			out = append(out, o.Object)
		}
	}
	return out, nil
}

func (s *small) manifests() Manifests { return InStore(s.store, "proof") }

func (s *small) open(ctx context.Context, name string) (io.ReadCloser, error) {
	r, _, err := s.store.Get(ctx, name)
	return r, err
}

func key(t *testing.T, text string) Key {
	t.Helper()
	k, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func edText(fill byte) string {
	return "ed25519:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

func hmacText(fill byte) string {
	return "hmac-sha256:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

// sealed is a lake of five hours, of which one is empty.
func sealed(t *testing.T, k Key) *small {
	t.Helper()
	s := newSmall(t)
	ctx := context.Background()
	c, err := OpenChain(ctx, s.manifests(), k)
	if err != nil {
		t.Fatal(err)
	}
	for h := range 5 {
		if h != 2 {
			s.arrive(midnight.Add(time.Duration(h)*time.Hour + 10*time.Minute))
		}
		if _, err := c.SealUntil(ctx, s, midnight.Add(time.Duration(h+1)*time.Hour+5*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *small) verify(o ChainOptions) ([]Result, Summary) {
	s.t.Helper()
	o.Open = s.open
	if o.Live == nil {
		o.Live = s.files
	}
	var out []Result
	sum, err := VerifyChain(context.Background(), s.manifests(), o, func(r Result) error {
		if r.Status != Valid {
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out, sum
}

func short(rs []Result) (out []string) {
	for _, r := range rs {
		out = append(out, r.Kind+" "+string(r.Status)+" "+filepath.Base(r.Object))
	}
	return out
}

func TestChain(t *testing.T) {
	for _, text := range []string{"", edText(7), hmacText(7)} {
		var k Key
		var keys []Key
		if text != "" {
			k = key(t, text)
			keys = []Key{k}
		}
		s := sealed(t, k)
		got, sum := s.verify(ChainOptions{Keys: keys, Now: midnight.Add(5*time.Hour + 30*time.Minute)})
		if len(got) > 0 || !sum.OK() || sum.Manifests != 5 || sum.Files != 8 || !sum.From.Equal(midnight) || !sum.To.Equal(midnight.Add(5*time.Hour)) {
			t.Errorf("%.12s: %v %+v", text, got, sum)
		}
	}
}

func TestChainFaults(t *testing.T) {
	ctx := context.Background()
	file := func(s *small, n int) string {
		return filepath.Join(s.dir, "proof", "000000", fmt.Sprintf("%012d.json", n))
	}
	k := key(t, edText(7))
	for _, c := range []struct {
		name string
		do   func(s *small)
		o    ChainOptions
		want []string
	}{
		{"missing hour", func(s *small) { remove(t, file(s, 3)) }, ChainOptions{}, []string{"manifest missing 000000000003.json"}},
		{"missing hour with a file", func(s *small) { remove(t, file(s, 2)) }, ChainOptions{},
			[]string{"manifest missing 000000000002.json", "head unlisted 000000000002.head.parquet"}},
		{"first hour missing", func(s *small) { remove(t, file(s, 1)) }, ChainOptions{},
			[]string{"manifest missing 000000000001.json", "head unlisted 000000000001.head.parquet"}},
		{"end cut off", func(s *small) { remove(t, file(s, 5)) }, ChainOptions{Now: midnight.Add(5*time.Hour + 30*time.Minute), MaxAge: time.Hour},
			[]string{"manifest ends 000000000004.json"}},
		{"two exchanged", func(s *small) {
			a, b := file(s, 2), file(s, 3)
			for _, mv := range [][2]string{{a, a + ".x"}, {b, a}, {a + ".x", b}} {
				if err := os.Rename(mv[0], mv[1]); err != nil {
					t.Fatal(err)
				}
			}
		}, ChainOptions{}, []string{"manifest moved 000000000002.json", "manifest moved 000000000003.json", "manifest broken 000000000004.json"}},
		{"rewritten without the key", func(s *small) {
			data, err := os.ReadFile(file(s, 4))
			if err != nil {
				t.Fatal(err)
			}
			m, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			m.Objects[0].Records = 9
			prev := &Sealed{Manifest: Manifest{Number: m.Number - 1, To: m.From}, Hash: m.Prev}
			again, err := Seal(m.Manifest, prev, key(t, edText(8)))
			if err != nil {
				t.Fatal(err)
			}
			if data, err = again.Encode(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file(s, 4), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ChainOptions{Keys: []Key{k}}, []string{"manifest no-key 000000000004.json", "manifest broken 000000000005.json"}},
		{"file missing", func(s *small) { remove(t, filepath.Join(s.dir, filepath.FromSlash(s.files[1].Raw))) }, ChainOptions{},
			[]string{"raw missing 000000000002.raw.parquet"}},
		{"file grown", func(s *small) {
			flip(t, filepath.Join(s.dir, filepath.FromSlash(s.files[1].Head)), func(b []byte) []byte { return append(b, 0) })
		}, ChainOptions{}, []string{"head altered 000000000002.head.parquet"}},
		{"file taken out of the catalogue too", func(s *small) {
			remove(t, filepath.Join(s.dir, filepath.FromSlash(s.files[1].Raw)))
			remove(t, filepath.Join(s.dir, filepath.FromSlash(s.files[1].Head)))
			s.files = append(s.files[:1:1], s.files[2:]...)
		}, ChainOptions{}, []string{"head missing 000000000002.head.parquet", "head missing 000000000002.head.parquet", "raw missing 000000000002.raw.parquet"}},
		{"file put into the catalogue", func(s *small) {
			forged := s.files[0]
			forged.Number, forged.Seq = 99, 2
			s.files = append(s.files, forged)
		}, ChainOptions{}, []string{"head unlisted 000000000001.head.parquet"}},
		{"checksum changed in the catalogue", func(s *small) { s.files[0].HeadSum[3] ^= 1 }, ChainOptions{}, []string{"head altered 000000000001.head.parquet"}},
		{"not sealed", func(*small) {}, ChainOptions{Keys: []Key{key(t, hmacText(1))}},
			[]string{"manifest no-key 000000000001.json", "manifest no-key 000000000002.json", "manifest no-key 000000000003.json", "manifest no-key 000000000004.json", "manifest no-key 000000000005.json"}},
		{"dropped on purpose", func(s *small) {
			c, err := OpenChain(ctx, s.manifests(), k)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Drop(ctx, []Drop{{Number: 2, Why: "retention"}, {Number: 3, Raw: true, Why: "retention"}}, midnight.Add(6*time.Hour)); err != nil {
				t.Fatal(err)
			}
			remove(t, filepath.Join(s.dir, filepath.FromSlash(s.files[1].Raw)))
			remove(t, filepath.Join(s.dir, filepath.FromSlash(s.files[1].Head)))
			remove(t, filepath.Join(s.dir, filepath.FromSlash(s.files[2].Raw)))
			s.files = append(s.files[:1:1], s.files[2:]...)
		}, ChainOptions{Keys: []Key{k}}, []string{"head expired 000000000002.head.parquet", "raw expired 000000000002.raw.parquet", "raw expired 000000000003.raw.parquet"}},
		{"all gone", func(s *small) {
			if err := os.RemoveAll(filepath.Join(s.dir, "proof")); err != nil {
				t.Fatal(err)
			}
			s.files = nil
		}, ChainOptions{Keys: []Key{k}}, []string{"manifest missing 000000000001.json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sealed(t, k)
			c.do(s)
			got, sum := s.verify(c.o)
			if d := cmp.Diff(c.want, short(got)); d != "" {
				t.Errorf("(-want +got)\n%s%v", d, got)
			}
			fault := false
			for _, r := range got {
				fault = fault || r.Status.Fault()
			}
			if sum.OK() == fault {
				t.Errorf("OK is %t", sum.OK())
			}
		})
	}
}

// A hash that was kept elsewhere shows that the end was cut off, or written anew.
func TestChainHead(t *testing.T) {
	s := sealed(t, nil)
	c, err := OpenChain(context.Background(), s.manifests(), nil)
	if err != nil {
		t.Fatal(err)
	}
	number, hash := c.Head()
	if got, _ := s.verify(ChainOptions{Number: number, Hash: hash}); len(got) > 0 {
		t.Error(got)
	}
	if got, _ := s.verify(ChainOptions{Number: number, Hash: strings.Repeat("0", 64)}); len(got) != 1 || got[0].Status != Altered {
		t.Error(got)
	}
	if got, _ := s.verify(ChainOptions{Number: number + 3, Hash: hash}); len(got) != 1 || got[0].Status != Ends {
		t.Error(got)
	}
}

// One flipped bit anywhere, in any manifest or lake file, is found.
func TestChainEveryBit(t *testing.T) {
	s := sealed(t, key(t, hmacText(3)))
	keys := []Key{key(t, hmacText(3))}
	n := 0
	err := filepath.Walk(s.dir, func(p string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		step := max(len(data)/60, 1)
		for i := 0; i < len(data); i += step {
			bit := byte(1) << (i % 8)
			data[i] ^= bit
			if err := os.WriteFile(p, data, 0o600); err != nil {
				return err
			}
			if _, sum := s.verify(ChainOptions{Keys: keys}); sum.OK() {
				t.Errorf("%s: bit %d of byte %d flipped and nothing was found: %q", filepath.Base(p), i%8, i, data[max(0, i-20):min(len(data), i+20)])
			}
			data[i] ^= bit
			n++
		}
		return os.WriteFile(p, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, sum := s.verify(ChainOptions{Keys: keys}); len(got) > 0 || n < 500 {
		t.Errorf("%d flips, %v %+v", n, got, sum)
	}
}

// What no manifest names yet is held to the catalogue.
func TestUnsealed(t *testing.T) {
	s := newSmall(t)
	s.arrive(midnight)
	got, sum := s.verify(ChainOptions{})
	if len(got) != 1 || got[0].Status != Begins || !sum.OK() || sum.Files != 2 || sum.Unsealed != 1 {
		t.Errorf("%v %+v", got, sum)
	}
	flip(t, filepath.Join(s.dir, filepath.FromSlash(s.files[0].Raw)), func(b []byte) []byte { b[100] ^= 1; return b })
	if got, sum := s.verify(ChainOptions{}); len(got) != 2 || got[1].Status != Altered || sum.OK() {
		t.Errorf("%v %+v", got, sum)
	}
}

// Two processes that append to one chain make one chain.
func TestChainTwoWriters(t *testing.T) {
	s := newSmall(t)
	for h := range 12 {
		s.arrive(midnight.Add(time.Duration(h)*time.Hour + time.Minute))
	}
	ctx := context.Background()
	var chains []*Chain
	for range 3 {
		c, err := OpenChain(ctx, s.manifests(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Drop(ctx, nil, midnight); err != nil {
			t.Fatal(err)
		}
		chains = append(chains, c)
	}
	var wg sync.WaitGroup
	for _, c := range chains {
		wg.Go(func() {
			for h := range 12 {
				if _, err := c.SealUntil(ctx, s, midnight.Add(time.Duration(h+1)*time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, sum := s.verify(ChainOptions{}); len(got) > 0 || sum.Manifests != 12 || sum.Files != 24 {
		t.Errorf("%v %+v", got, sum)
	}
}

// The same content gives the same bytes, whatever its order was.
func TestManifestForm(t *testing.T) {
	a := Manifest{From: midnight, To: midnight.Add(time.Hour), Seq: 4, Objects: []Object{{Source: "s3", Object: "s3://b/<b>&\u2028", Records: 1}, {Source: "push", Object: "x", Records: 2, SHA256: strings.Repeat("a", 64)}},
		Files: []Entry{{Number: 2, Format: "gcp.audit"}, {Number: 1, Format: "aws.cloudtrail"}}}
	b := a
	b.From, b.To = a.From.In(time.FixedZone("JST", 9*3600)), a.To.In(time.FixedZone("JST", 9*3600))
	b.Objects, b.Files = []Object{a.Objects[1], a.Objects[0]}, []Entry{a.Files[1], a.Files[0]}
	x, err := Seal(a, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Seal(b, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x.Body, y.Body) {
		t.Errorf("%s\n%s", x.Body, y.Body)
	}
	const want = `{"v":1,"number":1,"from":"2026-05-01T00:00:00Z","to":"2026-05-01T01:00:00Z","prev":"","seq":4,"objects":[{"source":"push","object":"x","records":2,"sha256":"` +
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + `"},{"source":"s3","object":"s3://b/<b>&\u2028","records":1}],"files":[{"number":1,"format":"aws.cloudtrail",`
	if !strings.HasPrefix(string(x.Body), want) {
		t.Errorf("got  %s\nwant %s", x.Body, want)
	}
	data, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil || back.Hash != x.Hash || !bytes.Equal(back.Body, x.Body) {
		t.Errorf("%v", err)
	}
}

func TestParseKey(t *testing.T) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public, _ := private.Public().(ed25519.PublicKey)
	pk, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	whole := key(t, edText(7))
	for _, text := range []string{
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub})),
		"ed25519-public:" + base64.StdEncoding.EncodeToString(public),
		"ed25519:" + base64.StdEncoding.EncodeToString(private),
	} {
		k := key(t, text)
		if k.ID() != whole.ID() || !k.Check([]byte("x"), whole.Seal([]byte("x"))) || k.Check([]byte("y"), whole.Seal([]byte("x"))) {
			t.Errorf("%.20q is another key", text)
		}
	}
	if key(t, hmacText(1)).ID() == key(t, hmacText(2)).ID() || key(t, edText(1)).ID() == key(t, edText(2)).ID() {
		t.Error("two keys have one id")
	}
	if _, err := Seal(Manifest{}, nil, key(t, "ed25519-public:"+base64.StdEncoding.EncodeToString(public))); err == nil {
		t.Error("a public key sealed")
	}
	for _, bad := range []string{"", "hunter2", "hmac-sha256:c2hvcnQ=", "ed25519:AAAA", "rsa:AAAA", "-----BEGIN PRIVATE KEY-----\nhunter2", "hmac-sha256:hunter2hunter2hunter2!"} {
		if _, err := ParseKey(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestVerifyCancelled(t *testing.T) {
	s := sealed(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	_, err := VerifyChain(ctx, s.manifests(), ChainOptions{Open: s.open, Workers: 1, Progress: func(p ChainProgress) {
		if seen++; p.Files > 0 {
			cancel()
		}
	}}, func(Result) error { return nil })
	if !errors.Is(err, context.Canceled) || seen == 0 {
		t.Errorf("%v after %d", err, seen)
	}
	cancel()
}

func FuzzDecode(f *testing.F) {
	s, err := Seal(Manifest{From: midnight, To: midnight, Files: []Entry{{Number: 1}}}, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	data, err := s.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"manifest":"{}","sha256":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			return
		}
		if hashOf(s.Body) != s.Hash {
			t.Error("the hash is another")
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := Decode(again); err != nil || !bytes.Equal(b.Body, s.Body) {
			t.Errorf("it does not come back: %v", err)
		}
	})
}
