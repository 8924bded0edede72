package detect

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// sorter sorts records in bounded memory: what goes beyond its limit is written to
// a temporary file as sorted runs, which are merged when they are read.
type sorter struct {
	dir   string
	limit int64
	most  int // runs that may exist before they are merged into one
	mem   [][]byte
	bytes int64
	runs  []*temp
	total int64 // bytes written to runs
}

// maxRuns is how many runs of all base matches may exist, maxChainRuns how many of
// those that the findings of other correlations make for one correlation.
const (
	maxRuns      = 128
	maxChainRuns = 16
)

// overhead is what a record costs in memory beyond its bytes.
const overhead = 48

// add takes over rec.
func (s *sorter) add(rec []byte) error {
	s.mem = append(s.mem, rec)
	s.bytes += int64(len(rec)) + overhead
	if s.bytes <= s.limit {
		return nil
	}
	return s.spill()
}

func (s *sorter) spill() error {
	if len(s.mem) == 0 {
		return nil
	}
	slices.SortFunc(s.mem, bytes.Compare)
	i := 0
	err := s.write(func() ([]byte, error) {
		if i == len(s.mem) {
			return nil, io.EOF
		}
		i++
		return s.mem[i-1], nil
	})
	s.mem, s.bytes = nil, 0
	if err != nil || len(s.runs) < s.most {
		return err
	}
	old := s.runs
	m, err := newMerge(old, nil)
	if err != nil {
		return err
	}
	s.runs = nil
	err = s.write(m.next)
	return errors.Join(err, closeAll(old))
}

// write makes a new run of the records that next returns.
func (s *sorter) write(next func() ([]byte, error)) error {
	f, err := createTemp(s.dir)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, f)
	w := bufio.NewWriterSize(f, 1<<16)
	for {
		rec, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s.total += writeRecord(w, rec)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("spill base matches: %w", err)
	}
	return nil
}

// sorted returns the records in order. No record may be added afterwards.
func (s *sorter) sorted() (*merge, error) {
	slices.SortFunc(s.mem, bytes.Compare)
	return newMerge(s.runs, s.mem)
}

// close removes the temporary files.
func (s *sorter) close() error {
	err := closeAll(s.runs)
	s.runs, s.mem, s.bytes = nil, nil, 0
	return err
}

func closeAll(files []*temp) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

// merge reads sorted runs as one.
type merge struct {
	heads mergeHeap
}

// stream is one sorted run, in memory or in a file.
type stream struct {
	mem [][]byte
	r   *bufio.Reader
	rec []byte
	num int
}

type mergeHeap []*stream

func (h mergeHeap) Len() int { return len(h) }
func (h mergeHeap) Less(i, j int) bool {
	if c := bytes.Compare(h[i].rec, h[j].rec); c != 0 {
		return c < 0
	}
	return h[i].num < h[j].num
}
func (h mergeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *mergeHeap) Push(x any)   { *h = append(*h, x.(*stream)) }
func (h *mergeHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func newMerge(files []*temp, mem [][]byte) (*merge, error) {
	m := &merge{}
	add := func(s *stream) error {
		s.num = len(m.heads)
		err := s.advance()
		if err == nil {
			m.heads = append(m.heads, s)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return err
	}
	for _, f := range files {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read spilled base matches: %w", err)
		}
		if err := add(&stream{r: bufio.NewReaderSize(f, 1<<16)}); err != nil {
			return nil, err
		}
	}
	if err := add(&stream{mem: mem}); err != nil {
		return nil, err
	}
	heap.Init(&m.heads)
	return m, nil
}

// advance reads the next record of s into rec; io.EOF at the end.
func (s *stream) advance() error {
	if s.r == nil {
		if len(s.mem) == 0 {
			return io.EOF
		}
		s.rec, s.mem = s.mem[0], s.mem[1:]
		return nil
	}
	var err error
	s.rec, _, err = readRecord(s.r)
	return err
}

// peek returns the next record without taking it, nil at the end.
func (m *merge) peek() []byte {
	if len(m.heads) == 0 {
		return nil
	}
	return m.heads[0].rec
}

// next returns the next record, and io.EOF at the end. The record stays as it is.
func (m *merge) next() ([]byte, error) {
	if len(m.heads) == 0 {
		return nil, io.EOF
	}
	s := m.heads[0]
	rec := s.rec
	switch err := s.advance(); {
	case err == nil:
		heap.Fix(&m.heads, 0)
	case errors.Is(err, io.EOF):
		heap.Pop(&m.heads)
	default:
		return nil, err
	}
	return rec, nil
}

// temp is a temporary file. Where the system allows it, its name is removed at once, so
// that nothing of it is left however the process ends.
type temp struct {
	*os.File
	named bool
}

func createTemp(dir string) (*temp, error) {
	f, err := os.CreateTemp(dir, "yagura-windows-*")
	if err != nil {
		return nil, fmt.Errorf("spill base matches: %w", err)
	}
	return &temp{f, os.Remove(f.Name()) != nil}, nil
}

func (t *temp) close() error {
	err := t.Close()
	if t.named {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}

// writeRecord writes a record and its length, and returns how many bytes that are. A
// bufio.Writer keeps its first error until Flush.
func writeRecord(w *bufio.Writer, rec []byte) int64 {
	var size [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(size[:], uint64(len(rec)))
	_, _ = w.Write(size[:n])
	_, _ = w.Write(rec)
	return int64(n + len(rec))
}

// readRecord reads what writeRecord wrote into memory of its own; io.EOF at the end.
func readRecord(r *bufio.Reader) (rec []byte, size int64, err error) {
	n, err := binary.ReadUvarint(r)
	if errors.Is(err, io.EOF) {
		return nil, 0, io.EOF
	}
	if err != nil || n > 1<<30 {
		return nil, 0, errRecord
	}
	rec = make([]byte, n)
	if _, err := io.ReadFull(r, rec); err != nil {
		return nil, 0, errRecord
	}
	var room [binary.MaxVarintLen64]byte
	return rec, int64(binary.PutUvarint(room[:], n)) + int64(n), nil
}

// truncated makes the end of a file that should go on an error that says so.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return errRecord
	}
	return err
}
