package apart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/hunt"
)

// TestMain is the other process when it was started to be that.
func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != "engine" {
		os.Exit(m.Run())
	}
	err := Serve(os.Stdin, os.Stdout, func(setup []byte) (hunt.Engine, error) {
		if string(setup) == "bad" {
			return nil, errors.New("this setup is bad")
		}
		return scripted{}, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// scripted is an engine that does what it is told, which no engine should.
type scripted struct{}

// Inspect names the process and the setup.
func (scripted) Inspect(_ context.Context, sql string) ([]hunt.Use, error) {
	if sql == "bad" {
		return nil, &hunt.Error{Line: 3, Col: 7, Message: "no", Hint: "yes", Refused: true}
	}
	return []hunt.Use{{Table: strconv.Itoa(os.Getpid()), Columns: []string{sql, os.Getenv("SECRET")}, Star: true}}, nil
}

// Query does what the SQL says. The parameter file is written to each time.
func (scripted) Query(ctx context.Context, q hunt.Query) (hunt.Rows, error) {
	again := false
	if name, ok := q.Params["file"].(string); ok {
		_, err := os.Stat(name)
		again = err == nil
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		if _, err := f.WriteString("x"); err != nil {
			return nil, err
		}
		f.Close()
	}
	switch q.SQL {
	case "hang":
		select {}
	case "first hangs":
		if !again {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "crash":
		fmt.Fprintln(os.Stderr, "terminate called\nand more")
		os.Exit(3)
	case "eat":
		var held [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := range b {
				b[i] = byte(i)
			}
			held = append(held, b)
			runtime.KeepAlive(held)
		}
	case "babble":
		os.Stdout.WriteString(strings.Repeat("this is not a message\n", 100))
		select {}
	case "other":
		return nil, errors.New("some other error")
	}
	n, _ := q.Params["rows"].(int64)
	return &list{n: int(n), row: []any{nil, true, int64(-5), 1.5, "text", json.Number("123456789012345678901234567890"), time.Date(2026, 5, 1, 2, 3, 4, 5000, time.UTC), strings.Repeat("long ", 50)}}, nil
}

type list struct {
	n, at int
	row   []any
}

func (l *list) Columns() []hunt.Column {
	c := make([]hunt.Column, len(l.row))
	for i := range c {
		c[i] = hunt.Column{Name: fmt.Sprint("c", i), Type: "JSON"}
	}
	return c
}
func (l *list) Next() bool    { l.at++; return l.at <= l.n }
func (l *list) Values() []any { return l.row }
func (l *list) Err() error    { return nil }
func (l *list) Close() error  { return nil }
func (l *list) EngineStats() hunt.Stats {
	return hunt.Stats{RowsScanned: 7, Rows: int64(l.n), Limit: "rows"}
}

func newEngine(t *testing.T, o Options) *Engine {
	t.Helper()
	o.Command = func() (*exec.Cmd, error) {
		cmd := exec.Command(os.Args[0], "engine")
		cmd.Env = []string{"GOTRACEBACK=none"}
		return cmd, nil
	}
	e := New(o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// pid is the process that answers.
func pid(t *testing.T, e *Engine) string {
	t.Helper()
	u, err := e.Inspect(t.Context(), "x")
	if err != nil || len(u) != 1 {
		t.Fatal(u, err)
	}
	return u[0].Table
}

// count asks and counts the rows.
func count(ctx context.Context, e *Engine, q hunt.Query) (int, error) {
	r, err := e.Query(ctx, q)
	if err != nil {
		return 0, err
	}
	n := 0
	for r.Next() {
		n++
	}
	return n, errors.Join(r.Err(), r.Close())
}

func rowsOf(n int64, more ...string) map[string]any {
	p := map[string]any{"rows": n}
	if len(more) > 0 {
		p["file"] = more[0]
	}
	return p
}

// limited reports whether an error says that a limit was met, in such words.
func limited(err error, words string) bool {
	e, ok := errors.AsType[*hunt.Error](err)
	return ok && e.Limit && strings.Contains(e.Error(), words)
}

func TestAnswers(t *testing.T) {
	t.Setenv("SECRET", "in the environment")
	e := newEngine(t, Options{})
	use, err := e.Inspect(t.Context(), "some text")
	if err != nil || use[0].Columns[0] != "some text" || use[0].Columns[1] != "" || !use[0].Star {
		t.Fatal(use, err)
	}
	_, err = e.Inspect(t.Context(), "bad")
	if bad, ok := errors.AsType[*hunt.Error](err); !ok || *bad != (hunt.Error{Line: 3, Col: 7, Message: "no", Hint: "yes", Refused: true}) {
		t.Fatal(err)
	}
	if _, err = e.Query(t.Context(), hunt.Query{SQL: "other"}); err == nil || err.Error() != "some other error" {
		t.Fatal(err)
	}
	if _, err = e.Query(t.Context(), hunt.Query{Params: map[string]any{"x": struct{}{}}}); err == nil || !strings.Contains(err.Error(), "parameter x") {
		t.Fatal(err)
	}
	for _, n := range []int64{0, 1, 5000} {
		r, err := e.Query(t.Context(), hunt.Query{Params: rowsOf(n)})
		if err != nil {
			t.Fatal(err)
		}
		want := &list{row: []any{nil, true, int64(-5), 1.5, "text", json.Number("123456789012345678901234567890"), time.Date(2026, 5, 1, 2, 3, 4, 5000, time.UTC), strings.Repeat("long ", 50)}}
		if !reflect.DeepEqual(r.Columns(), want.Columns()) {
			t.Fatal(r.Columns())
		}
		got := int64(0)
		for ; r.Next(); got++ {
			if !reflect.DeepEqual(r.Values(), want.row) {
				t.Fatal(r.Values())
			}
		}
		if s := r.EngineStats(); got != n || r.Err() != nil || s.Rows != n || s.RowsScanned != 7 || s.Limit != "rows" {
			t.Fatal(got, r.Err(), s)
		}
		if err := r.Close(); err != nil || r.Next() {
			t.Fatal(err)
		}
	}
}

// TestHang: a question that does not end is ended with its process, and one that was asked at
// the same time is answered all the same.
func TestHang(t *testing.T) {
	e := newEngine(t, Options{Grace: 50 * time.Millisecond})
	before := pid(t, e)
	file := filepath.Join(t.TempDir(), "runs")
	innocent := make(chan error, 1)
	go func() {
		n, err := count(t.Context(), e, hunt.Query{SQL: "first hangs", Params: rowsOf(3, file)})
		if n != 3 {
			err = fmt.Errorf("%d rows, %w", n, err)
		}
		innocent <- err
	}()
	for runs(file) == 0 {
		runtime.Gosched()
	}
	_, err := count(t.Context(), e, hunt.Query{SQL: "hang", Timeout: 50 * time.Millisecond})
	if !limited(err, "was ended after 100ms") {
		t.Error(err)
	}
	if err := <-innocent; err != nil || runs(file) != 2 {
		t.Errorf("%v, asked %d times", err, runs(file))
	}
	if after := pid(t, e); after == before {
		t.Error("the process is still the same")
	}
}

func runs(file string) int {
	b, _ := os.ReadFile(file)
	return len(b)
}

func TestCancel(t *testing.T) {
	e := newEngine(t, Options{Grace: 10 * time.Second})
	before := pid(t, e)
	file := filepath.Join(t.TempDir(), "runs")
	gone := errors.New("the asker has left")
	for _, sql := range []string{"wait", "hang"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			for runs(file) == 0 {
				runtime.Gosched()
			}
			cancel(gone)
		}()
		if _, err := e.Query(ctx, hunt.Query{SQL: sql, Params: rowsOf(0, file)}); !errors.Is(err, gone) {
			t.Error(sql, err)
		}
		if same := pid(t, e) == before; same != (sql == "wait") {
			t.Errorf("%s: the same process: %v", sql, same)
		}
		os.Remove(file)
		e.o.Grace = time.Millisecond
	}
}

// TestCrash: a process that ends by itself is named as the reason, after the question at fault
// was found by asking it alone.
func TestCrash(t *testing.T) {
	e := newEngine(t, Options{})
	file := filepath.Join(t.TempDir(), "runs")
	for want := 1; want <= 2; want++ {
		_, err := count(t.Context(), e, hunt.Query{SQL: "crash", Params: rowsOf(0, file)})
		if !limited(err, "exit status 3: terminate called (hint") || runs(file) != want {
			t.Errorf("%v, asked %d times", err, runs(file))
		}
	}
	other := filepath.Join(t.TempDir(), "other")
	innocent := make(chan error, 1)
	go func() {
		n, err := count(t.Context(), e, hunt.Query{SQL: "first hangs", Params: rowsOf(3, other)})
		if n != 3 {
			err = fmt.Errorf("%d rows, %w", n, err)
		}
		innocent <- err
	}()
	for runs(other) == 0 {
		runtime.Gosched()
	}
	if _, err := count(t.Context(), e, hunt.Query{SQL: "crash", Params: rowsOf(0, file)}); !limited(err, "exit status 3") || runs(file) != 4 {
		t.Errorf("%v, asked %d times", err, runs(file)-2)
	}
	if err := <-innocent; err != nil {
		t.Error(err)
	}
}

func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what another process holds")
	}
	e := newEngine(t, Options{Memory: 256 << 20})
	if _, err := count(t.Context(), e, hunt.Query{SQL: "eat"}); !limited(err, "256 MB are allowed") {
		t.Error(err)
	}
	if n, err := count(t.Context(), e, hunt.Query{Params: rowsOf(2)}); n != 2 || err != nil {
		t.Error(n, err)
	}
}

func TestBabble(t *testing.T) {
	e := newEngine(t, Options{})
	if _, err := count(t.Context(), e, hunt.Query{SQL: "babble"}); !limited(err, "ended in the middle") {
		t.Error(err)
	}
}

func TestSetup(t *testing.T) {
	texts := []string{"bad", "good"}
	e := newEngine(t, Options{Setup: func() ([]byte, error) {
		if len(texts) == 0 {
			return nil, errors.New("no setup is left")
		}
		s := texts[0]
		texts = texts[1:]
		return []byte(s), nil
	}})
	if _, err := e.Inspect(t.Context(), "x"); err == nil || err.Error() != "this setup is bad" {
		t.Fatal(err)
	}
	e.mu.Lock()
	p := e.now
	e.mu.Unlock()
	<-p.done
	pid(t, e)
	e.rest()
	if _, err := e.Inspect(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "no setup is left") {
		t.Fatal(err)
	}
}

func TestIdle(t *testing.T) {
	e := newEngine(t, Options{Idle: time.Millisecond})
	before := pid(t, e)
	e.mu.Lock()
	p := e.now
	e.mu.Unlock()
	if p != nil {
		<-p.done
	}
	if after := pid(t, e); after == before {
		t.Error("the process is still the same")
	}
}

func TestClose(t *testing.T) {
	e := newEngine(t, Options{})
	file := filepath.Join(t.TempDir(), "runs")
	asked := make(chan error, 1)
	go func() {
		_, err := e.Query(t.Context(), hunt.Query{SQL: "hang", Params: rowsOf(0, file)})
		asked <- err
	}()
	for runs(file) == 0 {
		runtime.Gosched()
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-asked; err == nil {
		t.Error("a question outlived its engine")
	}
	if _, err := e.Inspect(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}

// TestAlone: the process ends with the one that asks, even in the middle of a question.
func TestAlone(t *testing.T) {
	cmd := exec.Command(os.Args[0], "engine")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := newSender(in)
	for _, r := range []request{{Kind: setup}, {ID: 1, Kind: ask, Query: query{Query: hunt.Query{SQL: "hang"}}}} {
		if err := s.send(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestValues(t *testing.T) {
	var b []byte
	want := []any{nil, false, true, int64(math.MinInt64), int64(math.MaxInt64), math.Inf(-1), "", "a\x00\xff", json.Number("1.50"), []string{}, []string{"a", ""}, time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)}
	for _, v := range want {
		var err error
		if b, err = appendValue(b, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range want {
		var got any
		var err error
		if got, b, err = readValue(b); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v, want %#v: %v", got, v, err)
		}
	}
	if len(b) != 0 {
		t.Error(b)
	}
}

// FuzzValue: whatever comes is read or refused, and what is read is written as it was meant.
func FuzzValue(f *testing.F) {
	for _, v := range []any{nil, int64(-3), 2.5, "text", json.Number("7"), []string{"a", "b"}, time.Unix(5, 6).UTC()} {
		b, err := appendValue(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{isTexts, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{isText, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := readValue(b)
		if err != nil {
			return
		}
		if len(rest) >= len(b) {
			t.Fatal("nothing was read")
		}
		again, err := appendValue(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		back, rest, err := readValue(again)
		if n, ok := v.(float64); ok && math.IsNaN(n) {
			return
		}
		if err != nil || len(rest) != 0 || !reflect.DeepEqual(back, v) {
			t.Fatalf("%#v became %#v: %v", v, back, err)
		}
	})
}
