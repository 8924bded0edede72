package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// lines writes one JSON value per line.
type lines struct {
	out *bufio.Writer
	enc *json.Encoder
}

func newLines(w io.Writer) lines {
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return lines{out, enc}
}

// Flush sends what has been written.
func (l lines) Flush() error { return l.out.Flush() }

// Close sends what has been written.
func (l lines) Close() error { return l.out.Flush() }

type jsonLines struct {
	lines
	rules ruleTexts
	buf   []byte
}

func newJSONLines(w io.Writer) *jsonLines { return &jsonLines{lines: newLines(w), rules: ruleTexts{}} }

// Write writes the finding as the contract says: lists are never null.
func (j *jsonLines) Write(it Item) error {
	b, err := j.rules.appendFinding(j.buf[:0], it.Finding)
	if err != nil {
		return err
	}
	j.buf = append(b, '\n')
	_, err = j.out.Write(j.buf)
	return err
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// EventWriter writes events in one format.
type EventWriter interface {
	Write(*yagura.Event) error
	Flush() error
	Close() error
}

type eventLines struct{ lines }

// Write writes the event as the contract says: lists are never null. JSON is UTF-8, so
// that bytes of the record that are not become U+FFFD.
func (l *eventLines) Write(e *yagura.Event) error {
	c := *e
	if !utf8.Valid(c.Raw) {
		c.Raw = bytes.ToValidUTF8(c.Raw, []byte("\ufffd"))
	}
	c.Targets = list(c.Targets)
	c.Entities = list(c.Entities)
	return l.enc.Encode(&c)
}
