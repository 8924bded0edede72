//go:build cgo

package duck

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// told is an error as the engine tells it.
type told struct {
	Type       string `json:"exception_type"`
	Message    string `json:"exception_message"`
	Position   string `json:"position"`
	Candidates string `json:"candidates"`
	Subtype    string `json:"error_subtype"`
}

func tell(err error) (told, bool) {
	var d *duckdb.Error
	if !errors.As(err, &d) {
		return told{}, false
	}
	msg := d.Msg
	if i := strings.IndexByte(msg, '{'); i >= 0 {
		var t told
		if json.Unmarshal([]byte(msg[i:]), &t) == nil && t.Message != "" {
			return t, true
		}
	}
	return told{Message: msg}, true
}

// plain is an error of the engine without its wrapping.
func plain(err error) error {
	if t, ok := tell(err); ok {
		return errors.New(t.Message)
	}
	return err
}

// explain turns an error of the engine into one with its place in the text;
// before is how many bytes of ours stood before it.
func explain(err error, text string, before int) error {
	t, ok := tell(err)
	if !ok {
		return err
	}
	e := &Error{Kind: KindData, Message: t.Message}
	// The first line says it; what follows are guesses and a drawing.
	if first, rest, ok := strings.Cut(t.Message, "\n"); ok {
		e.Message = first
		if strings.HasPrefix(rest, "Candidate") || strings.HasPrefix(rest, "Did you mean") {
			hint, _, _ := strings.Cut(rest, "\n")
			e.Hint = strings.ReplaceAll(hint, "Candidate bindings:", "there are")
		}
	}
	if at, err := strconv.Atoi(t.Position); err == nil && at >= before {
		e.Line, e.Col = place(text, at-before)
		e.offset = at - before + 1
	}
	switch t.Type {
	case "Parser", "Binder", "Catalog", "Syntax":
		e.Kind = KindSyntax
	case "Permission":
		e.Kind = KindRefused
	case "Out of Memory":
		e.Kind, e.Hint = KindLimit, "take a shorter time range, fewer columns, or a limit; the engine's memory is bounded"
	case "IO":
		e.Kind = KindLimit
	}
	return e
}
