package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/proof"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/store"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sha(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// fullCopies has no room for so many copies, and then for the bytes of so many that are on
// their way.
type fullCopies struct {
	source.Copies
	dir          string
	keeps, temps atomic.Int64
}

func (c *fullCopies) TempCopy() (*os.File, error) {
	if c.temps.Add(-1) >= 0 {
		f, err := os.CreateTemp(c.dir, "")
		if err != nil {
			return nil, err
		}
		return os.Open(f.Name()) // for reading alone: it takes nothing
	}
	return c.Copies.TempCopy()
}

func (c *fullCopies) KeepCopy(ctx context.Context, sum string, r io.ReaderAt, size int64) error {
	if c.keeps.Add(-1) >= 0 {
		return syscall.ENOSPC
	}
	return c.Copies.KeepCopy(ctx, sum, r, size)
}

// watchedQueue notes which copies there are when a message is acknowledged.
type watchedQueue struct {
	*handQueue
	acked func(m *source.Message)
}

func (q *watchedQueue) Ack(ctx context.Context, m *source.Message) error {
	q.acked(m)
	return q.handQueue.Ack(ctx, m)
}

// TestOriginalsCopied: the bytes of an object are kept before it is acknowledged, once, whatever
// it is packed in and whether it is a stream or a file; while there is no room it comes again and
// its records are judged once. Messages and parts of logs are not copied.
func TestOriginalsCopied(t *testing.T) {
	record := func(minute, user string) string {
		return trail("2026-03-02T12:"+minute+":00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"`+user+`"}`)
	}
	packed, message := gzipped(t, record("01", "eve")), []byte(record("02", "mallory"))
	path := filepath.Join(t.TempDir(), "drop.json")
	writeFile(t, path, record("03", "trudy"))
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stream := func(b []byte) func(context.Context) (io.ReadCloser, error) {
		return func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(struct{ io.Reader }{bytes.NewReader(b)}), nil
		}
	}
	q := newHandQueue("queue")
	copies := &fullCopies{dir: t.TempDir()}
	copies.keeps.Store(9) // more tries than a damaged object has
	copies.temps.Store(3)
	s := newStand(t)
	s.cfg.Lake.Originals = true
	var wrong atomic.Pointer[string]
	s.alter = func(serve *Serve) {
		o := serve.intakeOptions([]source.Receiver{&watchedQueue{q, func(m *source.Message) {
			for _, o := range m.Objects {
				body, err := o.Open(context.Background())
				if err != nil {
					continue
				}
				text, _ := io.ReadAll(body)
				body.Close()
				if list, err := serve.lake.Catalogue().Copies(context.Background(), sha(text)); err != nil || (len(list) == 1) != o.Whole {
					why := o.Name
					wrong.Store(&why)
				}
			}
		}}}, 0)
		if o.Copies == nil {
			t.Fatal("the configuration asks for copies, and none are kept")
		}
		copies.Copies, o.Copies = o.Copies, copies
		serve.in = intake.New(o)
	}
	s.start()
	for _, o := range []source.Object{
		{Source: "s3", Name: "s3://logs/a.gz", Whole: true, Open: stream(packed)},
		{Source: "s3", Name: "s3://logs/again.gz", Whole: true, Open: stream(packed)},
		{Source: "file", Name: path, Whole: true, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }},
		{Source: "sqs", Name: "sqs://queue/m", Open: stream(message)},
	} {
		q.put(&source.Message{ID: o.Name, Objects: []source.Object{o}})
	}
	s.until("all messages are acknowledged", func() bool { return q.done.Load() == 4 })
	if name := wrong.Load(); name != nil {
		t.Errorf("%s was acknowledged with other copies than it should have", *name)
	}
	if copies.keeps.Load() >= 0 || copies.temps.Load() >= 0 {
		t.Error("the disk was not full")
	}
	list, err := s.serve.lake.Catalogue().Copies(t.Context(), "")
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, c := range list {
		var b bytes.Buffer
		if err := ReadCopy(t.Context(), s.cfg, c, &b); err != nil || !bytes.Equal(b.Bytes(), packed) && !bytes.Equal(b.Bytes(), plain) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	issues := s.issues()
	if len(issues) != 3 {
		t.Errorf("%d issues of three deeds", len(issues))
	}
	for _, is := range issues {
		if is.Count != 1 {
			t.Errorf("%d findings of one event", is.Count)
		}
	}
	if l := s.ledger(); l.DeadAll != 0 {
		t.Errorf("%d dead letters", l.DeadAll)
	}
	if left, err := os.ReadDir(filepath.Join(s.cfg.Data, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// TestOriginalsImported follows the copies of an import: kept once, found by name and by sum,
// missed and altered ones named, and what could not be kept read again by the next import.
func TestOriginalsImported(t *testing.T) {
	cfg := &config.Config{Data: t.TempDir()}
	books, err := OpenBooks(t.Context(), cfg, store.Serve, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer books.DB.Close() //nolint:errcheck // a test
	dir := t.TempDir()
	one, two := event(1, 1, "StopLogging", "alice")+"\n", event(2, 2, "DeleteTrail", "carol")+"\n"
	contents := map[string][]byte{"a.jsonl": []byte(one), "same.jsonl": []byte(one), "b.jsonl.gz": gzipped(t, two)}
	for name, b := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	importInto(t, cfg, books, ImportOptions{}, dir)
	catalogue, blobs, err := LakeCatalogue(t.Context(), cfg, books.DB, false)
	if err != nil {
		t.Fatal(err)
	}
	copies := func() []lake.Copy {
		t.Helper()
		list, err := catalogue.Copies(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if n := len(copies()); n > 0 {
		t.Errorf("%d copies that nobody asked for", n)
	}
	if _, err := FindCopy(t.Context(), cfg, books.DB, sha([]byte(one))); err == nil || !strings.Contains(err.Error(), "no copy") {
		t.Errorf("%v", err)
	}

	// Nothing can be written there: the import says so, and the next one keeps them.
	blocked := filepath.Join(LakeDir(cfg), "originals")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLake(t.Context(), cfg, books.DB, nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	im, err := NewImport(l, l.Catalogue(), ImportOptions{Originals: true, Again: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := im.Run(t.Context(), file.New(file.Options{}, dir)); !errors.Is(err, source.ErrCopy) {
		t.Fatalf("%v", err)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	importInto(t, cfg, books, ImportOptions{Originals: true, Again: true}, dir)
	importInto(t, cfg, books, ImportOptions{Originals: true, Again: true}, dir)
	if n := len(copies()); n != 2 {
		t.Fatalf("%d copies of two contents", n)
	}
	for name, b := range contents {
		for _, what := range []string{filepath.Join(dir, name), sha(b), "sha256:" + strings.ToUpper(sha(b))} {
			c, err := FindCopy(t.Context(), cfg, books.DB, what)
			var got bytes.Buffer
			if err == nil {
				err = ReadCopy(t.Context(), cfg, c, &got)
			}
			if err != nil || !bytes.Equal(got.Bytes(), b) {
				t.Errorf("%s: %d bytes of %d, %v", what, got.Len(), len(b), err)
			}
		}
	}
	// Another content under the same name.
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte(one+two), 0o600); err != nil {
		t.Fatal(err)
	}
	importInto(t, cfg, books, ImportOptions{Originals: true}, dir)
	if _, err := FindCopy(t.Context(), cfg, books.DB, filepath.Join(dir, "a.jsonl")); err == nil || !strings.Contains(err.Error(), sha([]byte(one+two))) {
		t.Errorf("%v", err)
	}
	var kept []string
	for o, err := range Originals(t.Context(), catalogue, file.New(file.Options{}, dir)) {
		if err != nil {
			t.Fatal(err)
		}
		if o.Copy != "" {
			kept = append(kept, filepath.Base(o.Name))
		}
	}
	if want := []string{"a.jsonl", "b.jsonl.gz", "same.jsonl"}; !slices.Equal(kept, want) {
		t.Errorf("kept: %v", kept)
	}

	verify := func(want string, good int) {
		t.Helper()
		var out []string
		sum, err := VerifyLake(t.Context(), cfg, books.DB, LakeVerifyOptions{}, func(r proof.Result) error {
			if r.Status.Fault() {
				out = append(out, r.String())
			}
			return nil
		})
		if err != nil || sum.Originals != good || len(out) > 1 || (want == "") != (len(out) == 0) || want != "" && !strings.HasPrefix(out[0], want) {
			t.Errorf("%v, %d good originals, %v", out, sum.Originals, err)
		}
	}
	verify("", 3)
	c := copies()[0]
	path := filepath.Join(string(blobs.(lake.Disk)), c.Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		if at%40 != 0 {
			continue
		}
		whole[at] ^= 1
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		verify("original "+c.Name+": altered want "+c.Sum, 2)
		if err := ReadCopy(t.Context(), cfg, c, io.Discard); !errors.Is(err, ErrAltered) {
			t.Errorf("byte %d: %v", at, err)
		}
		whole[at] ^= 1
	}
	if err := os.WriteFile(path, whole[:len(whole)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	verify("original "+c.Name+": altered", 2)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	verify("original "+c.Name+": missing want "+c.Sum, 2)
	if err := ReadCopy(t.Context(), cfg, c, io.Discard); !errors.Is(err, ErrAltered) {
		t.Errorf("%v", err)
	}
}

// TestCheckOriginals: config check says where copies are asked for and there is nothing to copy.
func TestCheckOriginals(t *testing.T) {
	t.Chdir(t.TempDir())
	for sources, want := range map[string]bool{
		`[{name: a, push: {path: /a, tokens: [0123456789abcdef0123456789abcdef]}}]`:                                            true,
		`[{name: a, push: {path: /a, tokens: [0123456789abcdef0123456789abcdef]}}, {name: b, bucket: {url: "s3://logs/aws"}}]`: false,
	} {
		text := "data: d\nlake: {originals: true}\nserver: {listen: \"127.0.0.1:1\"}\nsources: " + sources + "\n"
		if err := os.WriteFile("y.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		said := checkText(t, CheckOptions{File: "y.yaml"})
		if got := strings.Contains(said, "warning: y.yaml:2:19: lake.originals: no source brings files or objects"); got != want {
			t.Errorf("%s\n%s", text, said)
		}
	}
}
