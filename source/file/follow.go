package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// followed is a file that is read on as it grows. It is known by the fingerprint of its
// beginning, whatever it is called by now.
type followed struct {
	State followState

	file     *os.File // held open, so that what was written before a rotation is still read
	path     string   // where it is now; "" when it is gone
	size     int64
	modified time.Time
	quiet    time.Time // since when it has this size
	items    []*item   // slices that are not finished
}

// followState is what the cursor keeps of a file.
type followState struct {
	Path   string  `json:"path"` // the first that it was seen at
	Print  string  `json:"print"`
	Length int     `json:"length"` // bytes that the fingerprint covers
	Gen    int     `json:"gen,omitempty"`
	Next   int64   `json:"next"`           // first byte that no slice holds
	Skip   bool    `json:"skip,omitempty"` // the line at Next is poison: go on behind it
	Slices []slice `json:"slices,omitempty"`
	// Lost is since when the file is nowhere; it may come back with its disk.
	Lost time.Time `json:"lost,omitzero"`
}

// slice is a part of a file that was cut and is not acknowledged. It is kept before it is
// handed out, so that it is the same after a crash.
type slice struct {
	Print  string `json:"print"`
	Length int    `json:"length"`
	Gen    int    `json:"gen,omitempty"`
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	Bad    bool   `json:"bad,omitempty"` // a line too long to read
}

func (s slice) tag() string {
	return fmt.Sprintf("%.16s.%d@%d-%d", s.Print, s.Gen, s.Start, s.End)
}

// printLength is how much of a file's beginning makes its fingerprint; of a shorter file it
// is what there is, and grows with it. One of less than printLeast finds no file that is not
// at its own place.
const (
	printLength = 1024
	printLeast  = 64
)

// fingerprint hashes the beginning of a file. io.EOF means that the file is shorter.
func fingerprint(f io.ReaderAt, length int) (string, error) {
	b := make([]byte, length)
	if n, err := f.ReadAt(b, 0); n < length {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// holds reports whether a file begins as a fingerprint says.
func holds(f io.ReaderAt, print string, length int) bool {
	got, err := fingerprint(f, length)
	return err == nil && got == print && length > 0
}

func (f *followed) finish(s *slice) {
	f.State.Slices = slices.DeleteFunc(f.State.Slices, func(x slice) bool { return x == *s })
	f.items = slices.DeleteFunc(f.items, func(i *item) bool { return *i.slice == *s })
}

// cursorState is the cursor of a watch.
type cursorState struct {
	V     int           `json:"v"`
	Files []followState `json:"files"`
}

func (w *Watch) load(ctx context.Context) error {
	if w.options.Cursor == nil {
		return nil
	}
	data, err := w.options.Cursor.Load(ctx)
	if err != nil {
		return &source.Error{Name: w.options.Name, Err: fmt.Errorf("its cursor cannot be read: %w", err)}
	}
	var c cursorState
	if len(data) > 0 && (json.Unmarshal(data, &c) != nil || c.V != 1) {
		return &source.Error{Name: w.options.Name, Err: errors.New("its cursor is of another program or version"), Hint: "remove it to begin anew"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range c.Files {
		w.followed = append(w.followed, &followed{State: s})
	}
	return nil
}

// save keeps the cursor, at most once a second unless it must.
func (w *Watch) save(ctx context.Context, must bool) error {
	if w.options.Cursor == nil {
		return nil
	}
	w.digesting.Lock()
	defer w.digesting.Unlock()
	w.mu.Lock()
	now := w.options.Now()
	if !w.unsaved || !must && now.Sub(w.saved) < time.Second {
		w.mu.Unlock()
		return nil
	}
	c := cursorState{V: 1}
	for _, f := range w.followed {
		s := f.State
		if s.Length == 0 {
			continue
		}
		s.Slices = slices.Clone(s.Slices)
		c.Files = append(c.Files, s)
	}
	w.unsaved, w.saved = false, now
	w.mu.Unlock()
	data, err := json.Marshal(c)
	if err == nil {
		err = w.options.Cursor.Save(ctx, data)
	}
	if err != nil {
		w.mu.Lock()
		w.unsaved = true
		w.mu.Unlock()
		return &source.Error{Name: w.options.Name, Err: fmt.Errorf("its cursor cannot be kept: %w", err)}
	}
	return nil
}

// match finds out which followed file each path is by now: the same, another that took its
// place, or one that was renamed or copied by a rotation.
func (w *Watch) match(paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := map[*followed]bool{}
	take := func(f *followed, p string) {
		taken[f] = true
		w.at(f, p)
	}
	by := map[string]*followed{}
	for _, f := range w.followed {
		if f.path != "" {
			by[f.path] = f
		}
	}
	var moved, left []string
	for _, p := range paths { // where it was
		if f := by[p]; f != nil && f.is(p) {
			take(f, p)
		} else {
			moved = append(moved, p)
		}
	}
	for _, p := range moved { // under another name
		if i := slices.IndexFunc(w.followed, func(f *followed) bool { return !taken[f] && f.is(p) }); i >= 0 {
			take(w.followed[i], p)
		} else {
			left = append(left, p)
		}
	}
	for _, p := range left { // by what is in it
		in, err := os.Open(p)
		if err != nil {
			continue // gone, or told by the walk
		}
		info, err := in.Stat()
		if err != nil || info.Size() == 0 {
			_ = in.Close() // nothing to know it by yet
			continue
		}
		i := w.known(p, func(f *followed) bool {
			return !taken[f] && info.Size() >= f.State.Next && holds(in, f.State.Print, f.State.Length)
		})
		if i < 0 {
			i = slices.IndexFunc(w.followed, func(f *followed) bool { // written anew in its place while nobody looked
				return !taken[f] && f.file == nil && f.State.Path == p && f.State.Length > 0
			})
		}
		var f *followed
		if i >= 0 {
			f = w.followed[i]
			if f.file != nil {
				_ = f.file.Close() // the same bytes are in the one that was found
			}
		} else {
			f = &followed{State: followState{Path: p}}
			for _, other := range w.followed {
				if other.State.Path == p {
					f.State.Gen = max(f.State.Gen, other.State.Gen+1)
				}
			}
			w.followed = append(w.followed, f)
			w.unsaved = true
		}
		f.file = in
		take(f, p)
	}
	w.miss(taken)
}

// known finds the followed file that a path leads to by now, among those that fit: the one
// that was there, one that rotation turned into it, or any that a long fingerprint tells.
func (w *Watch) known(path string, fits func(f *followed) bool) int {
	best, rank := -1, 0
	for i, f := range w.followed {
		r := 0
		switch {
		case f.State.Length == 0:
			continue
		case f.State.Path == path:
			r = 3
		case turned.ReplaceAllString(f.State.Path, "") == turned.ReplaceAllString(path, ""):
			r = 2
		case f.State.Length >= printLeast:
			r = 1
		}
		better := r > rank || r > 0 && r == rank && f.State.Length > w.followed[best].State.Length
		if better && fits(f) {
			best, rank = i, r
		}
	}
	return best
}

// Times after which a file that is nowhere is given up: its slices, and all memory of it.
const (
	lostSlices = time.Minute
	lostState  = 7 * 24 * time.Hour
)

// miss deals with the files that no path leads to: what is held open is read to its end.
func (w *Watch) miss(taken map[*followed]bool) {
	w.followed = slices.DeleteFunc(w.followed, func(f *followed) bool {
		if taken[f] {
			return false
		}
		f.path = ""
		w.refresh(f)
		if f.file != nil && f.State.Next >= f.size && len(f.State.Slices) == 0 && w.last.Sub(f.quiet) >= lostSlices {
			_ = f.file.Close() // all of it was read
			f.file = nil
		}
		if f.file == nil && f.State.Lost.IsZero() {
			f.State.Lost, w.unsaved = w.last, true
		}
		return f.file == nil && len(f.State.Slices) == 0 && w.last.Sub(f.State.Lost) > lostState
	})
}

// is reports whether a path leads to the file that is held open. One that was truncated is
// still itself.
func (f *followed) is(path string) bool {
	if f.file == nil {
		return false
	}
	here, err := os.Stat(path)
	if err != nil {
		return false
	}
	held, err := f.file.Stat()
	return err == nil && os.SameFile(here, held)
}

// at notes where a file is. It is called with the lock held, as the others below.
func (w *Watch) at(f *followed, path string) {
	f.path, f.State.Lost = path, time.Time{}
	w.refresh(f)
	if f.State.Length > 0 {
		print, err := fingerprint(f.file, f.State.Length)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return // it cannot be read now
		case err != nil || print != f.State.Print || f.size < f.State.Next:
			// It was truncated, or written anew in place: what it holds is another file. A
			// rotation may have copied the old one, which the fingerprint then finds.
			old := &followed{State: f.State, items: f.items}
			for _, i := range old.items {
				i.file = old
			}
			w.followed = append(w.followed, old)
			f.State, f.items = followState{Path: f.State.Path, Gen: f.State.Gen + 1}, nil
			w.unsaved = true
		}
	}
	length := int(min(f.size, printLength))
	if f.State.Length == 0 && length < printLength && firstLine(f.file, 0, f.size) == 0 && w.last.Sub(f.quiet) < w.tail() {
		return // half a line tells too little
	}
	if length > f.State.Length {
		if print, err := fingerprint(f.file, length); err == nil { // or the next scan sees
			f.State.Print, f.State.Length = print, length
			w.unsaved = true
		}
	}
}

func (w *Watch) refresh(f *followed) {
	if f.file == nil {
		return
	}
	info, err := f.file.Stat()
	if err != nil {
		return
	}
	if info.Size() != f.size || f.quiet.IsZero() {
		f.quiet = w.last
	}
	f.size, f.modified = info.Size(), info.ModTime()
}

// cut makes messages of what was written, and of what was cut before a restart. Slices are
// kept before they are handed out.
func (w *Watch) cut(ctx context.Context) error {
	w.mu.Lock()
	w.more = false
	var fresh []*item
	for _, f := range w.followed {
		if f.file != nil || w.last.Sub(f.State.Lost) >= lostSlices {
			for _, s := range f.State.Slices {
				if !slices.ContainsFunc(f.items, func(i *item) bool { return *i.slice == s }) {
					fresh = append(fresh, w.part(f, s))
				}
			}
		}
		for f.file != nil && f.State.Length > 0 && ctx.Err() == nil {
			if w.more = len(w.ready)+len(fresh) >= 4*w.options.Batch; w.more {
				break
			}
			s, ok := w.slice(f)
			if !ok {
				break
			}
			f.State.Slices = append(f.State.Slices, s)
			w.unsaved = true
			fresh = append(fresh, w.part(f, s))
		}
		if f.file != nil && f.State.Next < f.size && w.tail() > 0 && (w.settles.IsZero() || w.last.Add(w.tail()).Before(w.settles)) {
			w.settles = w.last.Add(w.tail()) // a line that is not ended may be all there is
		}
	}
	w.mu.Unlock()
	if err := w.save(ctx, true); err != nil {
		w.mu.Lock()
		for _, i := range fresh { // they are made again when they can be kept
			i.file.items = slices.DeleteFunc(i.file.items, func(x *item) bool { return x == i })
		}
		w.mu.Unlock()
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = append(w.ready, fresh...)
	return nil
}

// tail is how long a last line without an end has to stay unchanged.
func (w *Watch) tail() time.Duration { return max(w.options.Settle, 0) }

// slice cuts the next part of a file, up to the end of a line.
func (w *Watch) slice(f *followed) (slice, bool) {
	start, size := f.State.Next, f.size
	s := slice{Print: f.State.Print, Length: f.State.Length, Gen: f.State.Gen, Start: start}
	if start >= size {
		return s, false
	}
	if end := lastLine(f.file, start, min(size, start+w.options.Slice)); end > start && !f.State.Skip {
		s.End, f.State.Next = end, end
		return s, true
	}
	end := firstLine(f.file, start, min(size, start+w.options.Line))
	switch {
	case end > start && f.State.Skip: // the rest of the line that was refused
		f.State.Next, f.State.Skip = end, false
		w.unsaved = true
		return w.slice(f)
	case end > start:
		s.End, f.State.Next = end, end
		return s, true
	case size-start >= w.options.Line && f.State.Skip:
		f.State.Next = start + w.options.Line
		w.unsaved = true
		return w.slice(f)
	case size-start >= w.options.Line:
		s.End, s.Bad = start+w.options.Line, true
		f.State.Next, f.State.Skip = s.End, true
		return s, true
	}
	// A line without an end: it is still being written, unless nothing more comes.
	waited := w.last.Sub(f.quiet)
	rest := make([]byte, min(size-start, 1<<20))
	n, _ := f.file.ReadAt(rest, start) // a short read is not valid
	whole := int64(n) == size-start && json.Valid(bytes.TrimSpace(rest[:n]))
	if waited < w.tail() || !whole && f.path != "" && waited < max(10*w.tail(), time.Minute) || f.State.Skip {
		return s, false
	}
	s.End, f.State.Next = size, size
	return s, true
}

// lastLine returns the end of the last line that ends in a part of a file, start when none
// does.
func lastLine(in io.ReaderAt, start, end int64) int64 {
	b := make([]byte, 64<<10)
	for end > start {
		from := max(start, end-int64(len(b)))
		n, _ := in.ReadAt(b[:end-from], from) // what cannot be read holds no line
		if at := bytes.LastIndexByte(b[:n], '\n'); at >= 0 {
			return from + int64(at) + 1
		}
		end = from
	}
	return start
}

// firstLine returns the end of the first line that ends there, start when none does.
func firstLine(in io.ReaderAt, start, end int64) int64 {
	b := make([]byte, 64<<10)
	for at := start; at < end; {
		n, err := in.ReadAt(b[:min(int64(len(b)), end-at)], at)
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			return at + int64(i) + 1
		}
		if at += int64(n); err != nil {
			break
		}
	}
	return start
}

// part makes the message of a slice.
func (w *Watch) part(f *followed, s slice) *item {
	i := &item{file: f, slice: &s, Object: source.Object{Source: "file", Name: f.State.Path, Size: s.End - s.Start, Modified: f.modified, Tag: s.tag()}}
	i.Open = func(context.Context) (io.ReadCloser, error) {
		w.mu.Lock()
		in := i.file.file // it may have been found elsewhere since
		w.mu.Unlock()
		if in == nil || !holds(in, s.Print, s.Length) {
			return nil, &source.Error{Name: i.Name, Err: goneError(fmt.Sprintf("bytes %d to %d are gone: the file was removed or written anew before they were read", s.Start, s.End))}
		}
		return &part{in: io.NewSectionReader(in, s.Start, s.End-s.Start), name: i.Name, whole: func() bool { return holds(in, s.Print, s.Length) }}, nil
	}
	if s.Start > 0 {
		i.Head = func() []byte {
			w.mu.Lock()
			in := i.file.file
			w.mu.Unlock()
			if in == nil {
				return nil
			}
			head := make([]byte, min(s.Start, maxHead))
			n, _ := in.ReadAt(head, 0) // what there is of it
			return head[:n]
		}
	}
	if s.Bad {
		i.refused = &source.Error{Name: i.Name, Err: fmt.Errorf("a line of more than %d bytes at byte %d", w.options.Line, s.Start), Hint: "the lines of a followed file are its records"}
		i.body = make([]byte, min(s.End-s.Start, 1<<20))
		n := 0
		if f.file != nil {
			n, _ = f.file.ReadAt(i.body, s.Start) // what there is of it
		}
		i.body = i.body[:n]
	}
	f.items = append(f.items, i)
	return i
}

// maxHead is how much of a file's start is looked at for the names of its fields.
const maxHead = 64 << 10

// part reads a slice; one that is cut short was truncated meanwhile.
type part struct {
	in    *io.SectionReader
	name  string
	whole func() bool // the file is still what it was
	read  int64
}

// Read reads on.
func (p *part) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	p.read += int64(n)
	switch {
	case errors.Is(err, os.ErrClosed):
		err = &source.Error{Name: p.name, Err: errors.New("the file was renamed while it was being read"), Hint: "it comes again"}
	case err == io.EOF && (p.read < p.in.Size() || !p.whole()):
		err = &source.Error{Name: p.name, Err: goneError("the file was truncated while it was being read")}
	}
	return n, err
}

// Close leaves the file open: it is followed.
func (p *part) Close() error { return nil }
