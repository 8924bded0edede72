package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/sourcetest"
)

// kept is a cursor in memory.
type kept struct {
	mu   sync.Mutex
	data []byte
	fail error
}

func (k *kept) Load(context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.data, k.fail
}

func (k *kept) Save(_ context.Context, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail == nil {
		k.data = slices.Clone(data)
	}
	return k.fail
}

// watched is a folder with its clock.
type watched struct {
	dir    string
	clock  *sourcetest.Clock
	cursor *kept
	log    bytes.Buffer
}

func folder(t *testing.T) *watched {
	t.Helper()
	return &watched{dir: t.TempDir(), clock: sourcetest.NewClock(), cursor: &kept{}}
}

func (f *watched) open(t *testing.T, change func(o *WatchOptions)) *Watch {
	t.Helper()
	o := WatchOptions{Name: "drop", Paths: []string{f.dir}, Cursor: f.cursor, Now: f.clock.Now, Wake: f.clock.Wake, Log: slog.New(slog.NewTextHandler(&f.log, nil))}
	if change != nil {
		change(&o)
	}
	w, err := NewWatch(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// place puts a file there at once, under its name.
func (f *watched) place(t *testing.T, name, text string) {
	t.Helper()
	hidden := filepath.Join(f.dir, "."+name)
	write(t, hidden, text)
	if err := os.Rename(hidden, filepath.Join(f.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func (f *watched) add(t *testing.T, name, text string) {
	t.Helper()
	out, err := os.OpenFile(filepath.Join(f.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// got is what one object brought.
type got struct{ Name, Text string }

// now receives what there is, looking every second of the clock, until nothing comes for
// two minutes of it.
func (f *watched) now(t *testing.T, w *Watch) (all []got) {
	t.Helper()
	for range 130 {
		f.clock.Advance(time.Second)
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		ms := w.hand(f.clock.Now())
		w.mu.Unlock()
		for _, m := range ms {
			if m.Refused != nil {
				all = append(all, got{"refused", m.Refused.Error()})
			}
			for _, o := range m.Objects {
				name := strings.TrimPrefix(o.Name, f.dir+"/")
				in, err := o.Open(t.Context())
				if err != nil {
					all = append(all, got{name, err.Error()})
					continue
				}
				text, err := io.ReadAll(in)
				if err != nil {
					text = []byte(err.Error())
				}
				_ = in.Close()
				all = append(all, got{name, string(text)})
			}
			if err := w.Ack(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

func TestWatchConformance(t *testing.T) {
	for name, ext := range map[string]string{"whole": ".json", "followed": ".jsonl"} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) sourcetest.Harness {
				f := folder(t)
				return sourcetest.Harness{
					Clock: f.clock, Repeats: true,
					Open: func(t *testing.T) source.Receiver {
						return f.open(t, func(o *WatchOptions) { o.Settle, o.Rescan = -1, time.Second })
					},
					Put: func(t *testing.T, name, body string) {
						f.place(t, name+ext, body)
						f.clock.Advance(time.Second)
					},
				}
			})
		})
	}
}

// TestWatchPoison: a line that is too long is poison, and what stands behind it is read.
func TestWatchPoison(t *testing.T) {
	f := folder(t)
	w := f.open(t, func(o *WatchOptions) { o.Line, o.Slice = 100, 50 })
	f.add(t, "a.log", "first\n"+strings.Repeat("x", 250)+"\nlast\n")
	want := []got{{"a.log", "first\n"}, {"refused", f.dir + "/a.log: a line of more than 100 bytes at byte 6 (hint: the lines of a followed file are its records)"}, {"a.log", "last\n"}}
	if d := cmp.Diff(want, f.now(t, w)); d != "" {
		t.Error(d)
	}
}

// TestNotify: what the system tells of comes without waiting for the next scan.
func TestNotify(t *testing.T) {
	f := folder(t)
	if err := os.Mkdir(filepath.Join(f.dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.dir, "sub", "x.log"), "one\n")
	w, err := NewWatch(WatchOptions{Name: "drop", Paths: []string{f.dir}, Settle: -1, Rescan: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if w.notify == nil {
		t.Skip("the system tells of nothing")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i, put := range []func(){
		func() {},
		func() { f.place(t, "a.json", "{}") },
		func() { f.add(t, "sub/x.log", "two\n") },
	} {
		put()
		ms, err := w.Receive(ctx)
		if err != nil || len(ms) != 1 {
			t.Fatalf("%d: %v, %v", i, ms, err)
		}
		if err := w.Ack(ctx, ms[0]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSettle: a file that still grows is not finished.
func TestSettle(t *testing.T) {
	f := folder(t)
	w := f.open(t, nil)
	for range 10 {
		f.add(t, "a.json", "{}")
		f.clock.Advance(4 * time.Second)
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.ready) > 0 {
			t.Fatal("it came while it grew")
		}
	}
	if d := cmp.Diff([]got{{"a.json", strings.Repeat("{}", 10)}}, f.now(t, w)); d != "" {
		t.Error(d)
	}
	// Another version is another object; an empty file is none.
	f.place(t, "a.json", "[]")
	f.place(t, "empty.json", "")
	if d := cmp.Diff([]got{{"a.json", "[]"}}, f.now(t, w)); d != "" {
		t.Error(d)
	}
}

func TestFollow(t *testing.T) {
	line := func(n int) string { return fmt.Sprintf(`{"n":%d,"text":%q}`+"\n", n, strings.Repeat("x", 100)) }
	lines := func(from, to int) (out string) {
		for n := from; n < to; n++ {
			out += line(n)
		}
		return out
	}
	rename := func(t *testing.T, f *watched, from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(f.dir, from), filepath.Join(f.dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	for name, steps := range map[string][]struct {
		do   func(t *testing.T, f *watched)
		want []got
	}{
		"grows": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 3)) }, []got{{"a.log", lines(0, 3)}}},
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(3, 5)) }, []got{{"a.log", lines(3, 5)}}},
			{func(*testing.T, *watched) {}, nil},
		},
		"begins small": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", "{}\n"); f.add(t, "b.log", "{}\n") }, []got{{"a.log", "{}\n"}, {"b.log", "{}\n"}}},
			{func(t *testing.T, f *watched) { f.add(t, "b.log", lines(0, 30)); f.add(t, "c.log", "{}\n") }, []got{{"b.log", lines(0, 30)}, {"c.log", "{}\n"}}},
		},
		"a line in two parts": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 2)+`{"n":`) }, []got{{"a.log", lines(0, 2)}, {"a.log", `{"n":`}}}, // after long silence
			{func(t *testing.T, f *watched) { f.add(t, "a.log", line(3)) }, []got{{"a.log", line(3)}}},
		},
		"the last line has no end": {
			{func(t *testing.T, f *watched) { f.place(t, "a.jsonl", `{"a":1}`+"\n"+`{"a":2}`) }, []got{{"a.jsonl", `{"a":1}` + "\n"}, {"a.jsonl", `{"a":2}`}}},
		},
		"renamed": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 20)) }, []got{{"a.log", lines(0, 20)}}},
			{func(t *testing.T, f *watched) {
				f.add(t, "a.log", lines(20, 22))
				rename(t, f, "a.log", "a.log.1")
				f.add(t, "a.log", lines(100, 120))
			}, []got{{"a.log", lines(20, 22)}, {"a.log", lines(100, 120)}}},
			{func(t *testing.T, f *watched) {
				f.add(t, "a.log.1", lines(22, 23)) // the writer still has it
				rename(t, f, "a.log.1", "a.log.2")
				rename(t, f, "a.log", "a.log.1")
				f.add(t, "a.log", lines(200, 201))
			}, []got{{"a.log", lines(22, 23)}, {"a.log", lines(200, 201)}}},
		},
		"renamed, the same beginning": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 20)) }, []got{{"a.log", lines(0, 20)}}},
			{func(t *testing.T, f *watched) {
				rename(t, f, "a.log", "a.log.1")
				f.add(t, "a.log", lines(0, 21))
			}, []got{{"a.log", lines(0, 21)}}},
		},
		"renamed and compressed": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 20)) }, []got{{"a.log", lines(0, 20)}}},
			{func(t *testing.T, f *watched) {
				f.place(t, "a.log.1.gz", "squeezed")
				f.place(t, "b.json.gz", "whole")
				if err := os.Remove(filepath.Join(f.dir, "a.log")); err != nil {
					t.Fatal(err)
				}
				f.add(t, "a.log", lines(50, 51))
			}, []got{{"b.json.gz", "whole"}, {"a.log", lines(50, 51)}}},
		},
		"copied and truncated": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 20)) }, []got{{"a.log", lines(0, 20)}}},
			{func(t *testing.T, f *watched) {
				f.add(t, "a.log.1", lines(0, 22)) // two lines that were not read before
				if err := os.Truncate(filepath.Join(f.dir, "a.log"), 0); err != nil {
					t.Fatal(err)
				}
				f.add(t, "a.log", lines(30, 31))
			}, []got{{"a.log", lines(30, 31)}, {"a.log", lines(20, 22)}}},
		},
		"truncated": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 20)) }, []got{{"a.log", lines(0, 20)}}},
			{func(t *testing.T, f *watched) {
				if err := os.Truncate(filepath.Join(f.dir, "a.log"), 0); err != nil {
					t.Fatal(err)
				}
				f.add(t, "a.log", lines(0, 1))
			}, []got{{"a.log", lines(0, 1)}}},
		},
		"written anew and longer": {
			{func(t *testing.T, f *watched) { f.add(t, "a.log", lines(0, 20)) }, []got{{"a.log", lines(0, 20)}}},
			{func(t *testing.T, f *watched) { write(t, filepath.Join(f.dir, "a.log"), lines(40, 70)) }, []got{{"a.log", lines(40, 70)}}},
		},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %t", name, restart), func(t *testing.T) {
				f := folder(t)
				w := f.open(t, nil)
				for i, s := range steps {
					s.do(t, f)
					if restart {
						if err := w.Close(); err != nil {
							t.Fatal(err)
						}
						w = f.open(t, nil)
					}
					order := func(a, b got) int { return strings.Compare(a.Name+a.Text, b.Name+b.Text) }
					have := f.now(t, w)
					slices.SortFunc(have, order)
					want := slices.Clone(s.want)
					slices.SortFunc(want, order)
					if restart && name == "renamed, the same beginning" && i == 1 {
						continue // without the open file the two are told apart by nothing
					}
					if d := cmp.Diff(want, have); d != "" {
						t.Errorf("step %d: %s", i, d)
					}
				}
			})
		}
	}
}

// TestSlicesAreTheSame: what was handed out before a crash comes again as it was, and what
// came meanwhile is another object.
func TestSlicesAreTheSame(t *testing.T) {
	f := folder(t)
	w := f.open(t, func(o *WatchOptions) { o.Slice = 100 })
	f.add(t, "a.log", strings.Repeat("0123456789\n", 20))
	first := map[string]string{}
	read := func(w *Watch, into map[string]string) {
		t.Helper()
		f.clock.Advance(time.Minute)
		for {
			if err := w.scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			ms := w.hand(f.clock.Now())
			if len(ms) == 0 {
				return
			}
			for _, m := range ms {
				in, err := m.Objects[0].Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(in)
				if err != nil {
					t.Fatal(err)
				}
				into[m.Objects[0].Identity()] = string(text)
			}
		}
	}
	read(w, first)
	if len(first) != 3 {
		t.Errorf("%d slices", len(first))
	}
	f.add(t, "a.log", "more\n")
	second := map[string]string{}
	read(f.open(t, nil), second)
	for id, text := range first {
		if second[id] != text {
			t.Errorf("%s was %q and is %q", id, text, second[id])
		}
	}
	if len(second) != len(first)+1 {
		t.Errorf("%d slices, then %d", len(first), len(second))
	}
}

// TestGone: what is removed before it is read is said to be gone.
func TestGone(t *testing.T) {
	f := folder(t)
	f.place(t, "a.json", "{}")
	f.place(t, "b.json", "{}")
	f.add(t, "c.log", "line\n")
	w := f.open(t, func(o *WatchOptions) { o.Settle = -1 })
	ms, err := w.Receive(t.Context())
	if err != nil || len(ms) != 3 {
		t.Fatal(ms, err)
	}
	if err := os.Remove(filepath.Join(f.dir, "a.json")); err != nil {
		t.Fatal(err)
	}
	f.add(t, "b.json", "{}")
	write(t, filepath.Join(f.dir, "c.log"), "other\n")
	for _, m := range ms {
		_, err := m.Objects[0].Open(t.Context())
		if !errors.Is(err, source.ErrGone) || !strings.HasPrefix(err.Error(), m.Objects[0].Name+": ") {
			t.Errorf("%s: %v", m.Objects[0].Name, err)
		}
	}
}

func TestAfter(t *testing.T) {
	f := folder(t)
	w := f.open(t, func(o *WatchOptions) { o.After, o.MoveTo = AfterMove, filepath.Join(f.dir, "done") })
	f.place(t, "a.json", "1")
	f.add(t, "b.log", "line\n")
	f.now(t, w)
	f.place(t, "a.json", "22")
	f.now(t, w)
	if d := cmp.Diff([]string{"b.log", "done/a.json", "done/a.json."}, shortened(t, f.dir)); d != "" {
		t.Error(d)
	}
	if more := f.now(t, w); len(more) > 0 {
		t.Errorf("what was moved came again: %v", more)
	}
	_ = w.Close()
	w = f.open(t, func(o *WatchOptions) { o.After = AfterDelete })
	f.place(t, "c.json", "1")
	f.now(t, w)
	if d := cmp.Diff([]string{"b.log"}, shortened(t, f.dir)); d != "" {
		t.Error(d)
	}
}

// shortened lists the files, those that were renamed not to overwrite another without the tag.
func shortened(t *testing.T, dir string) (out []string) {
	t.Helper()
	for o := range New(Options{}, dir).Objects(t.Context()) {
		name := strings.TrimPrefix(o.Name, dir+"/")
		if i := strings.Index(name, ".json."); i >= 0 {
			name = name[:i+6]
		}
		out = append(out, name)
	}
	return out
}

// TestKnown: whole files that were delivered do not come again after a restart.
func TestKnown(t *testing.T) {
	f := folder(t)
	f.place(t, "a.json", "1")
	f.place(t, "b.json", "1")
	w := f.open(t, func(o *WatchOptions) {
		o.Known = func(_ context.Context, objects []source.Object) ([]bool, error) {
			out := make([]bool, len(objects))
			for i, x := range objects {
				out[i] = strings.HasSuffix(x.Name, "/a.json") && x.Tag != ""
			}
			return out, nil
		}
	})
	if d := cmp.Diff([]got{{"b.json", "1"}}, f.now(t, w)); d != "" {
		t.Error(d)
	}
}

func TestWatchErrors(t *testing.T) {
	f := folder(t)
	f.add(t, "a.log", "x\n")
	f.cursor.fail = errors.New("disk")
	if _, err := f.open(t, nil).Receive(t.Context()); err == nil || !strings.Contains(err.Error(), "its cursor cannot be read: disk") {
		t.Errorf("got %v", err)
	}
	f.cursor.fail = nil
	w := f.open(t, func(o *WatchOptions) { o.Settle = -1 })
	if err := w.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.cursor.fail = errors.New("no space")
	f.clock.Advance(time.Minute)
	if ms, err := w.Receive(t.Context()); err == nil || !strings.Contains(err.Error(), "its cursor cannot be kept: no space") {
		t.Errorf("got %v, %v", ms, err) // what cannot be kept is not handed out
	}
	f.cursor.fail = nil
	f.clock.Advance(time.Minute)
	if ms, err := w.Receive(t.Context()); err != nil || len(ms) != 1 {
		t.Errorf("got %v, %v", ms, err)
	}
	f.cursor.data = []byte("{")
	if _, err := f.open(t, nil).Receive(t.Context()); err == nil || !strings.Contains(err.Error(), "another program or version") {
		t.Errorf("got %v", err)
	}
	for want, o := range map[string]WatchOptions{
		"without a name":   {Paths: []string{"."}},
		"nothing to watch": {Name: "n"},
		`after: "burn"`:    {Name: "n", Paths: []string{"."}, After: "burn"},
		"move needs":       {Name: "n", Paths: []string{"."}, After: AfterMove},
		"only move does":   {Name: "n", Paths: []string{"."}, MoveTo: "x"},
		"is not a pattern": {Name: "n", Paths: []string{"."}, Follow: []string{"["}},
		"a pattern of 0":   {Name: "n", Paths: []string{"."}, Include: []string{""}},
		"below zero":       {Name: "n", Paths: []string{"."}, Slice: -1},
	} {
		if _, err := NewWatch(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// TestHead: a later part of a followed file says how the file starts; the first part, which
// has its start, says nothing.
func TestHead(t *testing.T) {
	f := folder(t)
	w := f.open(t, nil)
	const header = "time,user,action\n"
	rows := strings.Repeat("2026-03-05T10:00:00Z,alice,login\n", 40)
	heads := func() (all []string) {
		for range 130 {
			f.clock.Advance(time.Second)
			if err := w.scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.mu.Lock()
			ms := w.hand(f.clock.Now())
			w.mu.Unlock()
			for _, m := range ms {
				for _, o := range m.Objects {
					in, err := o.Open(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					_ = in.Close()
					head := "none"
					if o.Head != nil {
						head = string(o.Head())
					}
					all = append(all, head)
				}
				if err := w.Ack(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
		}
		return all
	}
	f.add(t, "a.log", header+rows)
	if got := heads(); !slices.Equal(got, []string{"none"}) {
		t.Errorf("the first part has the heads %q", got)
	}
	f.add(t, "a.log", rows)
	if got := heads(); !slices.Equal(got, []string{header + rows}) {
		t.Errorf("the second part has the heads %q", got)
	}
}
