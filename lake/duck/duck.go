package duck

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// ErrNoEngine is what Open returns where the program was built without cgo.
var ErrNoEngine = errors.New("this program was built without cgo and has no hunting engine (hint: build it with CGO_ENABLED=1 and a C++ compiler, make build does both; everything else works without)")

// Limits that hold where Options and Request say nothing.
const (
	DefaultMemory   = 1 << 30
	DefaultTempSize = 4 << 30
	DefaultTimeout  = time.Minute
	DefaultQueries  = 4
	DefaultMaxRows  = 10_000
	DefaultMaxBytes = 64 << 20

	maxText  = 1 << 20 // bytes of a statement
	maxDepth = 500     // brackets in one another
	maxParam = 1 << 20 // bytes of a parameter
	maxViews = 1000
)

// Room is what a process may grow beyond the engine's limit before the queries in it are
// ended.
const Room = 512 << 20

// Options are the limits of an engine.
type Options struct {
	Threads  int           // 0: as many as the machine has cores, at most 8
	Memory   int64         // bytes for all queries together
	Temp     string        // folder for temporary files; "" for none, then large sorts end with an error
	TempSize int64         // bytes of temporary files
	Dirs     []string      // folders whose files views may read
	Queries  int           // queries at the same time; more wait
	Timeout  time.Duration // of one query
	// Functions are further functions in Go that queries may call, beside those of KQL.
	Functions []fn.Func
}

// View is a table of one query: a SELECT over files of Options.Dirs. The caller
// writes it; it is not inspected.
type View struct {
	Name string
	SQL  string
}

// Request is one question.
type Request struct {
	Views    []View
	SQL      string         // one SELECT, inspected
	Params   map[string]any // values of $name in SQL
	Now      time.Time      // what now() and today() answer; zero: the clock
	MaxRows  int
	MaxBytes int64
	Timeout  time.Duration // 0: the engine's; never longer than that
}

// Column is a column of a result: its name and the type as DuckDB spells it, or
// JSON for everything that is nested.
type Column struct {
	Name string
	Type string
}

// Stats says what a query cost and which limit it met.
type Stats struct {
	RowsScanned  int64
	BytesScanned int64 // read from files; -1 where other queries read at the same time
	Peak         int64 // memory of the engine's buffers at the highest
	Rows         int64
	Bytes        int64 // of the values handed out
	Time         time.Duration
	Limit        string // "", "rows" or "bytes": there would have been more
}

// Error is a statement that was refused or that ended badly.
type Error struct {
	Line, Col int // from 1; 0 where the place is not known
	Message   string
	Hint      string
	Kind      Kind

	offset int // 1 more than the byte offset in the text that was parsed
}

// Kind says what sort of an end it was.
type Kind string

// The kinds of Error.
const (
	KindSyntax  Kind = "syntax"  // the parser or the binder does not take it
	KindRefused Kind = "refused" // the guard does not let it pass
	KindLimit   Kind = "limit"   // time, memory or disk ran out
	KindData    Kind = "data"    // it ran and met a value it could not work with
)

// Error prints line:col: message (hint).
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", e.Line, e.Col)
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// place is the line and the column, in characters, of a byte offset in a text.
func place(text string, offset int) (line, col int) {
	if offset < 0 || offset > len(text) {
		return 0, 0
	}
	before := text[:offset]
	line = 1 + strings.Count(before, "\n")
	start := strings.LastIndexByte(before, '\n') + 1
	return line, 1 + len([]rune(before[start:]))
}

// trim takes a statement's comments, white space and semicolons off its end, so
// that it can stand in brackets, and says where brackets nest too deep. Offsets
// in what is left are those in the text.
func trim(text string) (string, error) {
	if len(text) > maxText {
		return "", &Error{Kind: KindRefused, Message: fmt.Sprintf("the statement has %d bytes, the limit is %d", len(text), maxText)}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		line, col := place(text, i)
		return "", &Error{Line: line, Col: col, Kind: KindSyntax, Message: "a NUL character"}
	}
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			line, col := place(text, i)
			return "", &Error{Line: line, Col: col, Kind: KindSyntax, Message: fmt.Sprintf("the byte %#x, which is no character of UTF-8", text[i])}
		}
	}
	end, depth := 0, 0
	for i := 0; i < len(text); {
		n, blank := token(text[i:])
		switch c := text[i]; {
		case blank, c == ';':
		case n == 1 && (c == '(' || c == '[' || c == '{'):
			if depth++; depth > maxDepth {
				line, col := place(text, i)
				return "", &Error{Line: line, Col: col, Kind: KindRefused, Message: fmt.Sprintf("brackets nest deeper than %d", maxDepth)}
			}
			end = i + n
		case n == 1 && (c == ')' || c == ']' || c == '}'):
			depth--
			end = i + n
		default:
			end = i + n
		}
		i += n
	}
	if end == 0 {
		return "", &Error{Line: 1, Col: 1, Kind: KindSyntax, Message: "there is no statement"}
	}
	return text[:end], nil
}

// token is the length of what the text begins with: a comment or white space
// (blank), a quoted text, or one character.
func token(s string) (n int, blank bool) {
	until := func(from int, closing string) int {
		if i := strings.Index(s[from:], closing); i >= 0 {
			return from + i + len(closing)
		}
		return len(s)
	}
	switch {
	case strings.HasPrefix(s, "--"):
		return until(2, "\n"), true
	case strings.HasPrefix(s, "/*"):
		depth, i := 1, 2
		for i < len(s) && depth > 0 {
			switch {
			case strings.HasPrefix(s[i:], "*/"):
				depth--
				i += 2
			case strings.HasPrefix(s[i:], "/*"):
				depth++
				i += 2
			default:
				i++
			}
		}
		return i, true
	case s[0] == ' ', s[0] == '\t', s[0] == '\n', s[0] == '\r', s[0] == '\f', s[0] == '\v':
		return 1, true
	case s[0] == '\'' || s[0] == '"':
		return until(1, s[:1]), false
	case s[0] == '$':
		if tag := dollarTag(s); tag != "" {
			return until(len(tag), tag), false
		}
		if n := word(s[1:]); n > 0 {
			return 1 + n, false
		}
	}
	return max(1, word(s)), false
}

// word is the length of the name or number that the text begins with. A dollar
// may stand inside of one.
func word(s string) int {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c < 0x80 && (c != '$' || i == 0) {
			return i
		}
	}
	return len(s)
}

// dollarTag is the opening of a dollar-quoted text: $$ or $name$.
func dollarTag(s string) string {
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '$':
			return s[:i+1]
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 || i > 1 && c >= '0' && c <= '9':
		default:
			return ""
		}
	}
	return ""
}

// ident quotes a name.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// text quotes a text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
