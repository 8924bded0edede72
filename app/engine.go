package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/hunt/apart"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/usual"
	"github.com/yagura-sec/yagura/usual/geo"
)

// engineSetup is what the engine's process is told when it starts.
type engineSetup struct {
	Threads int
	Memory  int64
	Timeout time.Duration
	Temp    string
	Dirs    []string
	engineValues
}

// engineValues are what the functions of usual work with.
type engineValues struct {
	Ignore    []string
	Timezone  string
	ASN, City string // databases of addresses
}

func valuesOf(cfg *config.Config) engineValues {
	return engineValues{Ignore: cfg.Usual.Ignore, Timezone: cfg.Timezone, ASN: cfg.Usual.ASN, City: cfg.Usual.City}
}

// open makes the values, with the databases, which are to be closed.
func (e engineValues) open() (*usual.Values, *geo.Places, error) {
	v := &usual.Values{}
	for _, text := range e.Ignore {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, nil, fmt.Errorf("usual.ignore: %w", err)
		}
		v.Ignore = append(v.Ignore, p)
	}
	if e.Timezone != "" {
		var err error
		if v.Zone, err = time.LoadLocation(e.Timezone); err != nil {
			return nil, nil, fmt.Errorf("timezone: %w", err)
		}
	}
	places, err := geo.Open(e.ASN, e.City)
	if err != nil {
		return nil, nil, fmt.Errorf("usual: %w", err)
	}
	v.Places = places
	return v, places, nil
}

// engineVerb is the argument that makes this program the engine's process.
const engineVerb = "hunt-engine"

// BeEngine stands at the start of main: a process that was started to be the engine of another
// is that until it ends, and does not return.
func BeEngine() {
	if len(os.Args) != 2 || os.Args[1] != engineVerb {
		return
	}
	if err := serveEngine(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(0)
}

// serveEngine answers until standard input ends, which it does when the process that asks
// ends, however that came.
func serveEngine() error {
	// Ctrl-C is told to the whole group; what becomes of a question is decided by who asks.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	// Where a system runs out of memory it ends this process and not the service.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0o600) // not on every system
	return apart.Serve(os.Stdin, os.Stdout, func(text []byte) (hunt.Engine, error) {
		var s engineSetup
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		return s.start()
	})
}

// start starts the engine in this process. The databases are open until that ends.
func (s *engineSetup) start() (duckEngine, error) {
	values, _, err := s.open()
	if err != nil {
		return duckEngine{}, err
	}
	e, err := duck.Open(duck.Options{Threads: s.Threads, Memory: s.Memory, Timeout: s.Timeout, Temp: s.Temp, Dirs: s.Dirs, Functions: usualFunctions(values)})
	return duckEngine{e}, err
}

// engineCommand starts this program again. What is in its environment beside this, such as
// tokens, is nothing to a process that runs what people type.
func engineCommand() (*exec.Cmd, error) {
	program := "/proc/self/exe" // also when the file was replaced by a newer one
	if _, err := os.Stat(program); err != nil {
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(program, engineVerb)
	cmd.Args[0] = os.Args[0]
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); slices.Contains([]string{"PATH", "TMPDIR", "TZ", "ZONEINFO", "GOMAXPROCS", "GOTRACEBACK", "GOCOVERDIR", "SYSTEMROOT"}, name) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd, nil
}

// engine is the hunting engine in its process, and its folder for temporary files.
type engine struct {
	*apart.Engine
	data  string
	setup engineSetup

	mu   sync.Mutex
	temp string
}

// newEngine makes an engine; its process starts with the first question.
func newEngine(data string, s engineSetup) (*engine, error) {
	_, places, err := s.open() // the process opens them: what is wrong with them is said now
	if err != nil {
		return nil, err
	}
	if err := places.Close(); err != nil {
		return nil, err
	}
	e := &engine{data: data, setup: s}
	e.Engine = apart.New(apart.Options{
		Command: engineCommand, Setup: e.clean, Timeout: s.Timeout,
		Memory: cmp.Or(s.Memory, duck.DefaultMemory) + 2*duck.Room, // beyond what the engine itself looks to
	})
	return e, nil
}

// clean makes a clean folder for a process, and says what it is told.
func (e *engine) clean() ([]byte, error) {
	if !duck.Available {
		return nil, duck.ErrNoEngine
	}
	dir, err := e.scratch()
	if err != nil {
		return nil, err
	}
	s := e.setup
	s.Temp = filepath.Join(dir, "spill")
	s.Dirs = append(slices.Clip(s.Dirs), dir)
	// What a process left behind that was ended is nobody's.
	if err := errors.Join(os.RemoveAll(s.Temp), os.Mkdir(s.Temp, 0o700)); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// scratch is a folder for temporary files that the engine may read: below the data folder,
// where there is room, else where the system has temporary files.
func (e *engine) scratch() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.temp != "" {
		return e.temp, nil
	}
	if e.data != "" {
		tmp := filepath.Join(e.data, "tmp")
		if err := os.MkdirAll(tmp, 0o700); err == nil {
			if d, err := os.MkdirTemp(tmp, "hunt-*"); err == nil {
				if e.temp, err = filepath.Abs(d); err != nil {
					return "", err
				}
				return e.temp, nil
			}
		}
	}
	var err error
	e.temp, err = os.MkdirTemp("", "yagura-hunt-*")
	return e.temp, err
}

// Close ends the process and removes the folder.
func (e *engine) Close() error {
	err := e.Engine.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.temp == "" {
		return err
	}
	err = errors.Join(err, os.RemoveAll(e.temp))
	e.temp = ""
	if e.data != "" {
		// Gone when this was the last hunt; when it is not, it stays.
		if gone := os.Remove(filepath.Join(e.data, "tmp")); gone != nil && errors.Is(gone, fs.ErrPermission) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// duckEngine makes lake/duck fit hunt.
type duckEngine struct{ *duck.Engine }

// Inspect implements hunt.Engine.
func (e duckEngine) Inspect(ctx context.Context, sql string) ([]hunt.Use, error) {
	o, err := e.Engine.Inspect(ctx, sql)
	if err != nil {
		return nil, huntError(err)
	}
	uses := make([]hunt.Use, len(o.Tables))
	for i, t := range o.Tables {
		uses[i] = hunt.Use{Table: t.Table, Columns: t.Columns, Star: t.Star}
	}
	return uses, nil
}

// Query implements hunt.Engine.
func (e duckEngine) Query(ctx context.Context, q hunt.Query) (hunt.Rows, error) {
	r := duck.Request{SQL: q.SQL, Params: q.Params, Now: q.Now, MaxRows: q.MaxRows, MaxBytes: q.MaxBytes, Timeout: q.Timeout}
	for _, v := range q.Views {
		r.Views = append(r.Views, duck.View{Name: v.Name, SQL: v.SQL})
	}
	rows, err := e.Engine.Query(ctx, r)
	if err != nil {
		return nil, huntError(err)
	}
	return engineRows{rows}, nil
}

// engineRows makes the engine's rows fit.
type engineRows struct{ *duck.Rows }

// Columns implements hunt.Rows.
func (r engineRows) Columns() []hunt.Column {
	list := r.Rows.Columns()
	out := make([]hunt.Column, len(list))
	for i, c := range list {
		out[i] = hunt.Column{Name: c.Name, Type: c.Type}
	}
	return out
}

// Err implements hunt.Rows.
func (r engineRows) Err() error { return huntError(r.Rows.Err()) }

// EngineStats implements hunt.Rows.
func (r engineRows) EngineStats() hunt.Stats {
	s := r.Stats()
	return hunt.Stats{RowsScanned: s.RowsScanned, BytesScanned: s.BytesScanned, Rows: s.Rows, Bytes: s.Bytes, Time: s.Time, Limit: s.Limit}
}

func huntError(err error) error {
	var e *duck.Error
	if !errors.As(err, &e) {
		return err
	}
	return &hunt.Error{Line: e.Line, Col: e.Col, Message: e.Message, Hint: e.Hint, Refused: e.Kind == duck.KindRefused, Limit: e.Kind == duck.KindLimit}
}
