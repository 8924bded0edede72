package apart

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/yagura-sec/yagura/hunt"
)

// part is how many bytes of rows go into one message.
const part = 256 << 10

// Serve answers the questions that come on r on w, with the engine that open makes of the
// setup. It returns when r ends, without waiting for questions that are still being answered:
// whoever wanted the answers is gone, and so should the process be.
func Serve(r io.Reader, w io.Writer, open func(setup []byte) (hunt.Engine, error)) error {
	in, out := gob.NewDecoder(bufio.NewReaderSize(r, 64<<10)), newSender(w)
	var first request
	if err := in.Decode(&first); err != nil {
		return ended(err)
	}
	if first.Kind != setup {
		return fmt.Errorf("the first message is of kind %d", first.Kind)
	}
	engine, err := open(first.Setup)
	ready := response{End: true}
	ready.fail(err)
	if e := out.send(ready); e != nil || err != nil {
		return e
	}
	s := server{engine: engine, out: out, running: map[uint64]context.CancelFunc{}}
	for {
		var q request
		if err := in.Decode(&q); err != nil {
			return ended(err)
		}
		switch q.Kind {
		case inspect, ask:
			ctx := s.enter(q.ID)
			go s.answer(ctx, &q)
		case cancel:
			s.leave(q.ID)
		default:
			return fmt.Errorf("a message of kind %d", q.Kind)
		}
	}
}

// ended makes the end of a stream no error.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type server struct {
	engine hunt.Engine
	out    *sender

	mu      sync.Mutex
	running map[uint64]context.CancelFunc
}

func (s *server) enter(id uint64) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[id] = cancel
	return ctx
}

// leave ends what belongs to a question, whether it is answered or not wanted any more.
func (s *server) leave(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.running[id]; cancel != nil {
		cancel()
		delete(s.running, id)
	}
}

// answer answers one question. That an answer cannot be sent is seen by the reader of
// questions, whose stream ends then, too.
func (s *server) answer(ctx context.Context, q *request) {
	defer s.leave(q.ID)
	last := response{ID: q.ID, End: true}
	var err error
	if q.Kind == inspect {
		last.Uses, err = s.engine.Inspect(ctx, q.SQL)
	} else {
		last.Stats, err = s.rows(ctx, q)
	}
	last.fail(err)
	_ = s.out.send(last)
}

// rows sends the rows of an answer in parts.
func (s *server) rows(ctx context.Context, r *request) (stats hunt.Stats, err error) {
	q, err := r.Query.hunt()
	if err != nil {
		return stats, err
	}
	rows, err := s.engine.Query(ctx, q)
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	m := response{ID: r.ID, Columns: rows.Columns()}
	for rows.Next() {
		for _, v := range rows.Values() {
			if m.Rows, err = appendValue(m.Rows, v); err != nil {
				return stats, err
			}
		}
		if len(m.Rows) >= part {
			if err := s.out.send(m); err != nil {
				return stats, err
			}
			m.Columns, m.Rows = nil, m.Rows[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return stats, err
	}
	return rows.EngineStats(), s.out.send(m)
}
