package detect

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
)

// queue holds the base matches that a window may still be made of, first in, first
// out, in bounded memory: what goes beyond its limit waits in a temporary file. The
// oldest are in front, the newest in back, and those of the file between them.
type queue struct {
	dir   string
	limit int64 // bytes, of front and of back
	corrs []*correlation

	front, back []*record
	backBytes   int64
	file        *temp
	read, end   int64 // what of the file is still to be read
	onDisk      int   // base matches there
	total       int64 // bytes written
}

// recordBytes is about what a record costs in memory beyond its bytes.
const recordBytes = 320

func (r *record) size() int64 { return int64(len(r.raw)+24*len(r.values)) + recordBytes }

// push appends a base match.
func (q *queue) push(r *record) error {
	q.back = append(q.back, r)
	if q.backBytes += r.size(); q.backBytes <= q.limit {
		return nil
	}
	if len(q.front) == 0 && q.onDisk == 0 {
		q.front, q.back, q.backBytes = q.back, nil, 0
		return nil
	}
	return q.spill()
}

// spill moves back to the end of the file.
func (q *queue) spill() error {
	if q.file == nil {
		f, err := createTemp(q.dir)
		if err != nil {
			return err
		}
		q.file = f
	}
	w := bufio.NewWriterSize(io.NewOffsetWriter(q.file, q.end), 1<<16)
	n := int64(0)
	for _, r := range q.back {
		n += writeRecord(w, r.raw)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("spill base matches: %w", err)
	}
	q.onDisk += len(q.back)
	q.end += n
	q.total += n
	clear(q.back)
	q.back, q.backBytes = q.back[:0], 0
	return nil
}

// first returns the oldest base match, nil when there is none.
func (q *queue) first() (*record, error) {
	if len(q.front) == 0 && q.onDisk > 0 {
		if err := q.load(); err != nil {
			return nil, err
		}
	}
	if len(q.front) == 0 {
		q.front, q.back, q.backBytes = q.back, nil, 0
	}
	if len(q.front) == 0 {
		return nil, nil
	}
	return q.front[0], nil
}

// pop drops the oldest base match, which first has returned.
func (q *queue) pop() {
	q.front[0] = nil
	q.front = q.front[1:]
}

// load reads a part of the file into front.
func (q *queue) load() error {
	r := bufio.NewReaderSize(io.NewSectionReader(q.file, q.read, q.end-q.read), 1<<16)
	q.front = nil
	for size := int64(0); q.onDisk > 0 && size <= q.limit; q.onDisk-- {
		rec, n, err := readRecord(r)
		if err != nil {
			return truncated(err)
		}
		x := &record{}
		if err := decodeRecord(rec, q.corrs, x); err != nil {
			return err
		}
		q.front = append(q.front, x)
		q.read += n
		size += x.size()
	}
	if q.onDisk > 0 {
		return nil
	}
	q.read, q.end = 0, 0
	if err := q.file.Truncate(0); err != nil {
		return fmt.Errorf("spill base matches: %w", err)
	}
	return nil
}

// find returns the oldest base match of which ok holds, nil when there is none. It
// leaves the queue as it is.
func (q *queue) find(ok func(*record) bool) (*record, error) {
	for _, r := range q.front {
		if ok(r) {
			return r, nil
		}
	}
	if q.onDisk > 0 {
		in := bufio.NewReaderSize(io.NewSectionReader(q.file, q.read, q.end-q.read), 1<<16)
		for range q.onDisk {
			rec, _, err := readRecord(in)
			if err != nil {
				return nil, truncated(err)
			}
			r := &record{}
			if err := decodeRecord(rec, q.corrs, r); err != nil {
				return nil, err
			}
			if ok(r) {
				return r, nil
			}
		}
	}
	for _, r := range q.back {
		if ok(r) {
			return r, nil
		}
	}
	return nil, nil
}

// drain hands over all base matches in order and leaves the queue empty.
func (q *queue) drain(take func(*record) error) error {
	for {
		r, err := q.first()
		if r == nil || err != nil {
			return err
		}
		q.pop()
		if err := take(r); err != nil {
			return err
		}
	}
}

// reset empties the queue.
func (q *queue) reset() {
	clear(q.back)
	q.front, q.back, q.backBytes = nil, q.back[:0], 0
	q.read, q.end, q.onDisk = 0, 0, 0
}

// close removes the temporary file.
func (q *queue) close() error {
	q.reset()
	if q.file == nil {
		return nil
	}
	f := q.file
	q.file = nil
	return f.close()
}

// moments are the times at which one base rule matched, in order, each once.
type moments struct {
	at    []int64
	first int // of those still held
}

// add notes a time that is not before the last one.
func (m *moments) add(t int64) {
	if n := len(m.at); n > m.first && m.at[n-1] == t {
		return
	}
	if m.first > 1024 && m.first > len(m.at)/2 {
		m.at = m.at[:copy(m.at, m.at[m.first:])]
		m.first = 0
	}
	m.at = append(m.at, t)
}

// drop forgets the times up to t.
func (m *moments) drop(t int64) {
	for m.first < len(m.at) && m.at[m.first] <= t {
		m.first++
	}
}

// from returns the first time at t or later, and math.MaxInt64 when there is none.
func (m *moments) from(t int64) int64 {
	list := m.at[m.first:]
	i, _ := slices.BinarySearch(list, t)
	if i == len(list) {
		return math.MaxInt64
	}
	return list[i]
}

func (m *moments) reset() { m.at, m.first = m.at[:0], 0 }
