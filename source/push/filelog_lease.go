package push

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/segment"
)

const leaseBytes = 8 << 20 // handed out at a time, beyond the first

// Lease hands out entries that wait.
func (l *FileLog) Lease(ctx context.Context, most int) ([]Leased, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, segment.ErrClosed
	}
	var out []Leased
	size := 0
	give := func(s *state, e storedEntry) {
		s.out = true
		s.attempts++
		out = append(out, Leased{
			ID: l.label(s.id), Received: e.received, Attempts: s.attempts, Body: bytes.Clone(e.body),
			Again: func(ctx context.Context) ([]byte, error) { return l.again(ctx, s) },
		})
		size += len(e.body)
	}
	full := func() bool { return len(out) >= most || size >= leaseBytes }
	// What was given back and what never was out take turns in coming first, so that
	// neither holds up the other.
	steps := []func(func(*state, storedEntry), func() bool) error{l.leaseBack, l.leaseNew}
	if l.newFirst = !l.newFirst; l.newFirst {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(give, full); err != nil && len(out) == 0 {
			return nil, fmt.Errorf("received log: %w", err)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	var notes []byte
	for _, o := range out {
		p, _ := l.place(o.ID)
		notes = appendNote(notes, noteLease, p)
	}
	// Without the note, how often an entry came is not known after a restart; that is no
	// reason not to hand it out.
	_ = l.note(notes, l.next.File, time.Time{})
	return out, nil
}

// leaseNew hands out what was never handed out.
func (l *FileLog) leaseNew(give func(*state, storedEntry), full func() bool) error {
	if l.next.Compare(l.end) >= 0 {
		return nil
	}
	for f, err := range l.entries.Read(l.next) {
		if full() || err == nil && f.Position.Compare(l.end) >= 0 {
			break
		}
		if d, ok := errors.AsType[*segment.Damage](err); ok {
			// load has said it, or it came since; either way reading goes on behind it.
			if to := (segment.Position{File: d.Number, Offset: d.To}); to.Compare(l.next) > 0 {
				l.damaged(err)
				l.next = to
			}
			continue
		} else if err != nil {
			return err
		}
		e, err := openEntry(f.Data)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Position, err)
		}
		l.next = f.End
		if l.skip[f.Position] {
			delete(l.skip, f.Position)
			continue
		}
		s := &state{id: f.Position, at: f.Position, identity: e.hash, received: e.received}
		if e.moved != (segment.Position{}) {
			s.id = e.moved
		}
		s.attempts = l.tries[s.id]
		delete(l.tries, s.id)
		l.states[s.id] = s
		give(s, e)
	}
	return nil
}

// leaseBack hands out what was given back and is due, the one that is due longest first.
func (l *FileLog) leaseBack(give func(*state, storedEntry), full func() bool) error {
	if len(l.back) == 0 {
		return nil
	}
	now := l.o.Now()
	slices.SortStableFunc(l.back, func(a, b *state) int {
		return cmp.Or(a.due.Compare(b.due), a.id.Compare(b.id))
	})
	n := 0
	for _, s := range l.back {
		if s.due.After(now) || full() {
			break
		}
		e, err := l.read(s.at)
		if err != nil && !l.damaged(err) {
			l.back = slices.Delete(l.back, 0, n)
			return err
		}
		n++
		if err == nil {
			give(s, e)
			continue
		}
		// It was read before and cannot be read any more: it is lost, and holds up nobody.
		delete(l.states, s.id)
		l.count(s.at.File).done++
	}
	l.back = slices.Delete(l.back, 0, n)
	return nil
}

func (l *FileLog) read(at segment.Position) (storedEntry, error) {
	data, err := l.entries.Frame(at)
	if err != nil {
		return storedEntry{}, err
	}
	e, err := openEntry(data)
	if err != nil {
		return e, fmt.Errorf("%s: %w", at, err)
	}
	return e, nil
}

func (l *FileLog) again(ctx context.Context, s *state) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.mu.Lock()
		at := s.at
		l.mu.Unlock()
		e, err := l.read(at)
		if err == nil {
			return e.body, nil
		}
		l.mu.Lock()
		moved := at != s.at
		l.mu.Unlock()
		if !moved {
			return nil, fmt.Errorf("received log: %w", err)
		}
	}
}

// note writes notes. They are durable when the file system wants, and at the latest
// when the log is closed.
func (l *FileLog) note(notes []byte, file uint64, at time.Time) error {
	span, err := l.done.Append(notes)
	if err != nil {
		return err
	}
	l.mark(span.First.File, file, at)
	return nil
}

// Extend does nothing: what is out stays out until the process ends.
func (l *FileLog) Extend(ctx context.Context, ids []string) error { return ctx.Err() }

// Ack forgets entries.
func (l *FileLog) Ack(ctx context.Context, ids []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return segment.ErrClosed
	}
	var notes []byte
	var states []*state
	var most uint64
	now := l.o.Now()
	for _, id := range ids {
		p, ok := l.place(id)
		s := l.states[p]
		if !ok || s == nil {
			continue
		}
		notes = appendDone(notes, s.at, s.identity, now)
		if s.at != s.id {
			notes = appendDone(notes, s.id, s.identity, now)
		}
		most = max(most, s.at.File)
		states = append(states, s)
	}
	if len(states) == 0 {
		return nil
	}
	// On a full disk there is no room for the note, and room comes from what is done: the
	// entries are forgotten all the same, and come again should the process end.
	err := l.note(notes, most, now)
	emptied := false
	for _, s := range states {
		delete(l.states, s.id)
		if !s.out {
			l.back = slices.DeleteFunc(l.back, func(b *state) bool { return b == s })
		}
		if s.identity != ([16]byte{}) {
			l.ids.add(s.identity, now)
		}
		c := l.count(s.at.File)
		c.done++
		emptied = emptied || c.done == c.total
	}
	if emptied {
		err = errors.Join(err, l.trim())
	}
	if err != nil {
		return fmt.Errorf("received log: %w", err)
	}
	return nil
}

// Release gives an entry back.
func (l *FileLog) Release(ctx context.Context, id string, after time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.place(id)
	s := l.states[p]
	if !ok || s == nil || !s.out {
		return nil
	}
	s.out = false
	s.due = l.o.Now().Add(max(after, 0))
	l.back = append(l.back, s)
	return nil
}

// trim removes the files in which everything is done.
func (l *FileLog) trim() error {
	files := l.entries.Files()
	keep := files[len(files)-1].Number // the one that is written
	for _, f := range files {
		if c := l.files[f.Number]; c != nil && c.done < c.total {
			keep = f.Number
			break
		}
	}
	keep = min(keep, max(l.next.File, files[0].Number))
	removed, err := l.entries.RemoveBefore(segment.Position{File: keep})
	for _, f := range removed {
		delete(l.files, f.Number)
	}
	if err != nil || len(removed) == 0 {
		return err
	}
	// Notes about entries that are gone say nothing any more.
	n := 0
	for n < len(l.marks)-1 && l.marks[n].most < keep && l.o.Now().Sub(l.marks[n].last) > l.o.Memory {
		n++
	}
	if n == 0 {
		return nil
	}
	_, err = l.done.RemoveBefore(segment.Position{File: l.marks[n].number})
	l.marks = slices.Delete(l.marks, 0, n)
	return err
}

// movedAtOnce bounds how many entries one compaction copies.
const movedAtOnce = 1000

// compact makes room where a few entries that cannot be finished keep old files: they
// are copied to the end, under their old names. Files with much in them stay.
func (l *FileLog) compact() error {
	files := l.entries.Files()
	var old []*state
	last := uint64(0)
	for _, f := range files[:len(files)-1] {
		c := l.files[f.Number]
		if f.Number >= l.next.File || c != nil && (c.total-c.done)*10 > c.total && c.total-c.done > 10 {
			break
		}
		last = f.Number
	}
	for _, s := range l.states {
		if s.at.File <= last {
			old = append(old, s)
		}
	}
	if len(old) > movedAtOnce {
		return nil
	}
	slices.SortFunc(old, func(a, b *state) int { return a.at.Compare(b.at) })
	for _, s := range old {
		if err := l.move(s); err != nil {
			return err
		}
	}
	return l.trim()
}

func (l *FileLog) move(s *state) error {
	e, err := l.read(s.at)
	if err != nil {
		return err
	}
	span, err := l.write([][]byte{sealEntry(nil, s.identity, s.id, e.received, e.body)})
	if err != nil {
		return err
	}
	l.end = span.End
	l.count(span.First.File).total++
	l.skip[span.First] = true // it is known already
	if err := l.note(appendDone(nil, s.at, [16]byte{}, l.o.Now()), s.at.File, l.o.Now()); err != nil {
		return err
	}
	l.count(s.at.File).done++
	s.at = span.First
	return nil
}
