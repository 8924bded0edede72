package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// Nothing is the answer of an endpoint that has nothing to say: 204.
type Nothing struct{}

// Total says how many there are.
type Total struct {
	N     int64 `json:"n"`
	Exact bool  `json:"exact" doc:"false: there are more than n."`
}

// List is one page.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"The cursor of the page behind; absent at the end."`
	Total *Total `json:"total,omitempty" doc:"Where total=1 asked for it."`
	Cut   bool   `json:"cut,omitempty" doc:"Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was."`
}

func (l *List[T]) rows() reflect.Value { return reflect.ValueOf(l.Items) }
func (l *List[T]) next() string        { return l.Next }

// lister is a page of any type.
type lister interface {
	rows() reflect.Value
	next() string
}

// Tagged is an answer that knows its own ETag (a version); others get the sum of their bytes.
type Tagged interface{ Tag() string }

// File is an answer that is saved.
type File struct {
	Name  string // as it is offered to be saved
	Type  string
	Write func(w io.Writer) error
}

// Stream is an answer that goes on; see hub.go.
type Stream struct{ serve func(w http.ResponseWriter) }

// answer writes what a handler returned.
func (c *call) answer(out any) error {
	h := c.w.Header()
	switch v := out.(type) {
	case Nothing:
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	case *Stream:
		v.serve(c.w)
		return nil
	case *File:
		h.Set("Content-Type", v.Type)
		h.Set("Content-Disposition", attachment(v.Name))
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Time{})
		if err := v.Write(&pressing{c.w}); err != nil {
			c.api.log.Error("an export broke off", "request", c.Request, "route", c.route.ID, "error", err)
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		}
		return nil
	case lister:
		if c.form == "csv" || c.form == "jsonl" {
			return c.table(v)
		}
	case nil:
		return fmt.Errorf("the handler answered nothing")
	}
	fill(reflect.ValueOf(out))
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		tag := ""
		if t, ok := out.(Tagged); ok {
			tag = t.Tag()
		} else {
			sum := sha256.Sum256(body)
			tag = base64.RawURLEncoding.EncodeToString(sum[:12])
		}
		h.Set("ETag", quoteTag(tag))
		if m := c.r.Header.Get("If-None-Match"); m != "" && tagIn(m, quoteTag(tag), true) {
			c.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	} else if t, ok := out.(Tagged); ok {
		h.Set("ETag", quoteTag(t.Tag()))
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	_, _ = c.w.Write(append(body, '\n')) // the reader is gone, or all is well
	return nil
}

// pressing moves the deadline with every write: a file may be long, a reader may not stand.
type pressing struct{ w http.ResponseWriter }

func (p *pressing) Write(b []byte) (int, error) {
	_ = http.NewResponseController(p.w).SetWriteDeadline(time.Now().Add(writeWithin))
	return p.w.Write(b)
}

// writeWithin is how long one piece of a long answer may take to be taken.
const writeWithin = 20 * time.Second

// attachment is the header of a file that is saved. The name is ours or made plain.
func attachment(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, name)
	return mime.FormatMediaType("attachment", map[string]string{"filename": plain})
}

// table writes a page as CSV or as lines of JSON. The cursor of the next page is in a header.
func (c *call) table(page lister) error {
	h := c.w.Header()
	if n := page.next(); n != "" {
		h.Set("X-Next-Cursor", n)
	}
	rows := page.rows()
	var buf bytes.Buffer
	if c.form == "jsonl" {
		enc := json.NewEncoder(&buf)
		for i := range rows.Len() {
			row := rows.Index(i)
			fill(row)
			if err := enc.Encode(row.Interface()); err != nil {
				return err
			}
		}
		h.Set("Content-Type", "application/jsonl; charset=utf-8")
	} else {
		if err := writeCSV(&buf, rows); err != nil {
			return err
		}
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	}
	h.Set("Content-Disposition", attachment(c.route.ID+"."+c.form))
	_, _ = c.w.Write(buf.Bytes())
	return nil
}

// writeCSV writes rows of structs: a column per field of their JSON, texts as they are, what
// is nested as JSON.
func writeCSV(w io.Writer, rows reflect.Value) error {
	t := rows.Type().Elem()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	fields := jsonFields(t)
	head := make([]string, len(fields))
	for i, f := range fields {
		head[i] = f.name
	}
	if err := out.Write(head); err != nil {
		return err
	}
	line := make([]string, len(fields))
	for i := range rows.Len() {
		row := reflect.Indirect(rows.Index(i))
		for j, f := range fields {
			v, err := row.FieldByIndexErr(f.index)
			if err != nil {
				line[j] = ""
				continue
			}
			if line[j], err = cell(v); err != nil {
				return err
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func cell(v reflect.Value) (string, error) {
	if v.IsZero() && v.Kind() != reflect.Bool && v.Kind() != reflect.Int && v.Kind() != reflect.Int64 && v.Kind() != reflect.Uint64 {
		return "", nil
	}
	body, err := json.Marshal(v.Interface())
	if err != nil {
		return "", err
	}
	var text string
	if json.Unmarshal(body, &text) != nil {
		switch v.Kind() {
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
			return string(body), nil // a number may begin with -
		}
		text = string(body)
	}
	return harmless(text), nil
}

// harmless writes a text so that no spreadsheet takes it for a formula: logs are full of
// texts that somebody else chose.
func harmless(s string) string {
	first := strings.TrimLeft(s, " \u00a0\u3000")
	if first != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠|%", []rune(first)[0]) {
		return "'" + s
	}
	return s
}
