package hunt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/view"
)

// Language is what a question is written in.
type Language string

// The languages. The empty one is guessed.
const (
	SQL Language = "sql"
	KQL Language = "kql"
)

// DefaultRange is the time range of a question that gives none.
const DefaultRange = 30 * 24 * time.Hour

// DefaultLimit is how many rows a result has at most where nothing is said.
const DefaultLimit = 10_000

// ErrNoEngine is why nothing can be hunted; what wraps it says how that changes.
var ErrNoEngine = errors.New("no hunting engine")

// Request is one question.
type Request struct {
	Language Language
	Text     string
	From, To time.Time     // zero: the default
	Last     time.Duration // how far back when From is zero; 0: DefaultRange, or what the text says
	Now      time.Time     // as of; zero: the Hunter's clock
	Params   map[string]any
	Limit    int
	MaxBytes int64
	Timeout  time.Duration
	// Within says which rows of the lake and of the store the asker may see; nil: all.
	Within *view.Within
}

// Range is the time range of a question.
type Range struct {
	From, To  time.Time
	Defaulted bool // it was not given
}

// Column is a column of a result.
type Column struct {
	Name string
	Type string // as DuckDB spells it; JSON for everything nested; timespan for ticks of KQL
}

// Stats says what a question cost, and which limit it met.
type Stats struct {
	Range        Range
	Tables       []string
	Files        int   // of the lake, in the range
	RawFiles     int   // of them, how many records were needed of
	FileRows     int64 // of those files
	FileBytes    int64 // of those files
	RowsScanned  int64 // at most; a scan that ends early looks at fewer
	BytesScanned int64 // at most: where several ask at once it is FileBytes
	Rows, Bytes  int64 // of the result
	Time         time.Duration
	Limit        string // "", "rows" or "bytes": there would have been more

	// Missing are tables of a union that may lack them (isfuzzy), and that are not there.
	Missing []string

	extra bool // tables that are not of the lake were read
}

// Use is a table that a question names, and what of it.
type Use struct {
	Table   string
	Name    string   // in the SQL of the plan, where that is another
	Columns []string // that the question may mean; those that the table lacks are passed over
	Star    bool     // all columns
	Where   []Cond   // rows for which one of them is not true are not needed
	Holds   []view.Hold
}

// Cond is a condition over columns of a table.
type Cond struct {
	SQL     string
	Columns []string
}

// View is a table as the engine gets it.
type View struct{ Name, SQL string }

// Query is what the engine is asked.
type Query struct {
	Views    []View
	SQL      string
	Params   map[string]any
	Now      time.Time
	MaxRows  int
	MaxBytes int64
	Timeout  time.Duration
}

// Rows are the engine's answer. EngineStats is complete when Next returned false.
type Rows interface {
	Columns() []Column
	Next() bool
	Values() []any
	Err() error
	Close() error
	EngineStats() Stats
}

// Engine runs SQL. lake/duck is one; app makes it fit.
type Engine interface {
	// Inspect says which tables a SELECT reads.
	Inspect(ctx context.Context, sql string) ([]Use, error)
	Query(ctx context.Context, q Query) (Rows, error)
}

// File is one lake file as the catalogue has it, and the paths at which the engine can open its
// halves.
type File struct {
	yagura.LakeFile
	HeadPath, RawPath string
}

// Lake lists files.
type Lake interface {
	// Files lists the files of formats (none: all) with rows in [from, to). Where raw
	// is true their records are needed too.
	Files(ctx context.Context, formats []string, from, to time.Time, raw bool) ([]File, error)
}

// Span is rows that follow one another, by the column row: from First to before End.
type Span struct{ First, End int64 }

// Remote is a lake whose records are far away: what is read of them is fetched.
type Remote interface {
	Lake
	// Remote says whether it is so.
	Remote() bool
	// Records gives to files that Files listed without their records those that have at least
	// the named rows.
	Records(ctx context.Context, files []File, rows map[int64][]Span) ([]File, error)
}

// Error is what is wrong with a question, at its place.
type Error struct {
	Line, Col int // from 1; 0 where the place is not known
	Message   string
	Hint      string
	Refused   bool // it is not wrong, it is not allowed
	Limit     bool // it was ended
}

// Error prints line:col: message (hint: …).
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", e.Line, e.Col)
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (hint: " + e.Hint + ")")
	}
	return b.String()
}

// Hunter answers questions. It is safe for use by several goroutines.
type Hunter struct {
	Engine Engine
	Lake   Lake
	Extra  []Extra // tables that are not of the lake
	Now    func() time.Time
}

// Result is an answer. It is to be closed.
type Result struct {
	rows    Rows
	columns []Column
	stats   Stats
	chart   *Chart
	SQL     string // what was run
	Views   []View
}

// Columns are the columns.
func (r *Result) Columns() []Column { return r.columns }

// Next goes to the next row.
func (r *Result) Next() bool { return r.rows.Next() }

// Values are the values of the row.
func (r *Result) Values() []any { return r.rows.Values() }

// Err is why the rows ended before they were all read.
func (r *Result) Err() error { return r.rows.Err() }

// Close frees the engine.
func (r *Result) Close() error { return r.rows.Close() }

// Chart is what the question's own render says; nil where it says nothing.
func (r *Result) Chart() *Chart { return r.chart }

// Stats says what it cost; it is complete when Next has returned false.
func (r *Result) Stats() Stats {
	s, e := r.stats, r.rows.EngineStats()
	if s.Files > 0 && !s.extra {
		// The engine counts rows of one file once for each thread, and for each table that a
		// question names it twice.
		e.RowsScanned = min(e.RowsScanned, s.FileRows)
	}
	if e.BytesScanned < 0 {
		e.BytesScanned = s.FileBytes
	}
	s.RowsScanned, s.BytesScanned, s.Rows, s.Bytes, s.Time, s.Limit = e.RowsScanned, e.BytesScanned, e.Rows, e.Bytes, e.Time, e.Limit
	return s
}

// Plan is a question ready to be asked.
type Plan struct {
	Language Language
	Query    Query
	Stats    Stats
	Columns  []Column // names and types to show where they are not those of the SQL
	Chart    *Chart

	files  []string // the head files that it reads
	within *view.Within
}

// Run asks.
func (h *Hunter) Run(ctx context.Context, r Request) (*Result, error) {
	p, rows, err := h.ask(ctx, func() (*Plan, error) { return h.Plan(ctx, r) })
	if p == nil {
		return nil, err
	}
	if err != nil {
		return nil, h.suggest(ctx, p, err)
	}
	columns := rows.Columns()
	if len(p.Columns) == len(columns) {
		columns = p.Columns
	}
	return &Result{rows: rows, columns: columns, stats: p.Stats, chart: p.Chart, SQL: p.Query.SQL, Views: p.Query.Views}, nil
}

// askAgain is how often a question is asked anew because files that it reads went away.
const askAgain = 3

// ErrGone is what an error of a Lake wraps where a file that it has listed is no longer there.
var ErrGone = errors.New("a file of the lake went away")

// ask asks what plan says. Compaction and retention replace and remove files at any time:
// where the lake says so while a question is planned, or it ends with an error and one of its
// files is no longer in the lake, it is planned and asked anew, over the files that there are
// then. The plan is nil where there was none.
func (h *Hunter) ask(ctx context.Context, plan func() (*Plan, error)) (p *Plan, rows Rows, err error) {
	for again := 0; ; again++ {
		now, planErr := plan()
		switch {
		case errors.Is(planErr, ErrGone) && again < askAgain && ctx.Err() == nil:
			continue
		case p == nil && planErr != nil:
			return nil, nil, planErr
		case p != nil && (planErr != nil || !slices.ContainsFunc(p.files, func(f string) bool { return !slices.Contains(now.files, f) })):
			return p, nil, err
		}
		p = now
		if rows, err = h.Engine.Query(ctx, p.Query); err == nil || again >= askAgain || ctx.Err() != nil || len(p.files) == 0 {
			return p, rows, err
		}
	}
}

// Plan finds what a question reads and writes it as one query, without asking it.
func (h *Hunter) Plan(ctx context.Context, r Request) (*Plan, error) {
	if h.Engine == nil {
		return nil, ErrNoEngine
	}
	if strings.TrimSpace(r.Text) == "" {
		return nil, &Error{Message: "there is no question", Hint: "yagura hunt 'SELECT action, count(*) FROM events GROUP BY ALL'"}
	}
	if r.Now.IsZero() {
		r.Now = h.Now()
	}
	if r.Language == "" {
		r.Language = Guess(r.Text)
	}
	r.Now = r.Now.UTC()
	rng, err := rangeOf(r)
	if err != nil {
		return nil, err
	}
	if r.Limit <= 0 {
		r.Limit = DefaultLimit
	}
	p := &Plan{within: r.Within, Language: r.Language, Stats: Stats{Range: rng}, Query: Query{SQL: r.Text, Params: r.Params, Now: r.Now, MaxRows: r.Limit, MaxBytes: r.MaxBytes, Timeout: r.Timeout}}
	tables, err := h.tables(ctx, r.Now)
	if err != nil {
		return nil, err
	}
	var uses []Use
	read := rng // what the tables are read for
	switch r.Language {
	case SQL:
		uses, err = h.Engine.Inspect(ctx, r.Text)
	case KQL:
		r.Text, read = fillRange(r.Text, rng)
		uses, err = h.compileKQL(ctx, p, r, rng, read, tables)
	default:
		err = fmt.Errorf("language %q (hint: sql or kql)", r.Language)
	}
	if err != nil {
		return nil, err
	}
	return p, h.views(ctx, p, uses, tables, read)
}

// rangeOf is the time range of a question.
func rangeOf(r Request) (Range, error) {
	rng := Range{From: r.From.UTC(), To: r.To.UTC()}
	if r.To.IsZero() {
		rng.To = r.Now
		rng.Defaulted = r.From.IsZero()
	}
	if r.From.IsZero() {
		back := r.Last
		switch {
		case back > 0:
		case leftOpen(r.Text):
			back = openRange
		default:
			back = defaultRange(r.Text)
			if day := earliest(r.Text); !day.IsZero() {
				back = max(back, rng.To.Sub(day)+spans(r.Text))
			}
		}
		rng.From, rng.Defaulted = rng.To.Add(-back), true
	}
	if !rng.From.Before(rng.To) {
		return rng, &Error{Message: fmt.Sprintf("the time range ends (%s) before it begins (%s)", rng.To.Format(time.RFC3339), rng.From.Format(time.RFC3339)), Hint: "--from is the earlier time"}
	}
	return rng, nil
}
