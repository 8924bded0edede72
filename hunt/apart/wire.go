package apart

import (
	"bufio"
	"encoding/gob"
	"errors"
	"io"
	"sync"

	"github.com/yagura-sec/yagura/hunt"
)

// request is what the asking side sends: the setup first, then questions, and that one is not
// wanted any more. Zero fields take no place in it.
type request struct {
	ID    uint64
	Kind  kind
	Setup []byte
	SQL   string // to be inspected
	Query query
}

type kind uint8

const (
	setup kind = iota + 1
	inspect
	ask
	cancel
)

// query is a hunt.Query whose parameters are names and values.
type query struct {
	hunt.Query
	Names  []string
	Values []byte
}

// response is what comes back: parts of an answer, and its end.
type response struct {
	ID      uint64
	Uses    []hunt.Use
	Columns []hunt.Column
	Rows    []byte // whole rows
	Stats   hunt.Stats
	End     bool
	Err     *hunt.Error
	Other   string // an error that is none of hunt's
}

func (r *response) fail(err error) {
	if err == nil {
		return
	}
	if !errors.As(err, &r.Err) {
		r.Other = err.Error()
	}
}

func (r *response) error() error {
	switch {
	case r.Err != nil:
		return r.Err
	case r.Other != "":
		return errors.New(r.Other)
	}
	return nil
}

func toWire(q hunt.Query) (query, error) {
	w := query{Query: q}
	w.Params = nil
	for name, v := range q.Params {
		var err error
		if w.Values, err = appendValue(w.Values, v); err != nil {
			return w, errors.New("parameter " + name + ": " + err.Error())
		}
		w.Names = append(w.Names, name)
	}
	return w, nil
}

func (w *query) hunt() (hunt.Query, error) {
	q := w.Query
	for rest := w.Values; len(q.Params) < len(w.Names); {
		v, after, err := readValue(rest)
		if err != nil {
			return q, err
		}
		if q.Params == nil {
			q.Params = make(map[string]any, len(w.Names))
		}
		q.Params[w.Names[len(q.Params)]], rest = v, after
	}
	return q, nil
}

// sender writes messages of several goroutines, whole ones one after another.
type sender struct {
	mu  sync.Mutex
	buf *bufio.Writer
	enc *gob.Encoder
}

func newSender(w io.Writer) *sender {
	buf := bufio.NewWriterSize(w, 64<<10)
	return &sender{buf: buf, enc: gob.NewEncoder(buf)}
}

func (s *sender) send(m any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enc.Encode(m); err != nil {
		return err
	}
	return s.buf.Flush()
}
