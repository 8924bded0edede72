package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// list returns the files of a directory, oldest first.
func list(fsys FS, dir string) ([]Info, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []Info
	for _, name := range names {
		number, ok := FileNumber(name)
		if !ok {
			continue
		}
		info := Info{Number: number, Name: name}
		f, err := fsys.OpenFile(filepath.Join(dir, name), os.O_RDONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		} else if err != nil {
			return nil, err
		}
		b := make([]byte, FileOverhead)
		n, _ := f.ReadAt(b, 0) // what cannot be read is said when the file is read
		if h, err := parseFileHeader(b[:n], number); err == nil {
			info.Created = h.created
		}
		info.Bytes, err = f.Size()
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files = append(files, info)
	}
	slices.SortFunc(files, func(a, b Info) int {
		if a.Number < b.Number {
			return -1
		}
		return 1
	})
	return files, nil
}

// Reader reads the log of a directory that may be written by another process
// meanwhile. It takes no lock and changes nothing.
type Reader struct {
	dir string
	fs  FS
}

// NewReader returns a reader of a directory. A nil fs is [OS].
func NewReader(dir string, fsys FS) *Reader {
	if fsys == nil {
		fsys = OS
	}
	return &Reader{dir: dir, fs: fsys}
}

// Files lists the files, oldest first.
func (r *Reader) Files() ([]Info, error) {
	files, err := list(r.fs, r.dir)
	if err != nil {
		return nil, fmt.Errorf("segment %s: %w", r.dir, err)
	}
	return files, nil
}

// Read iterates over the frames from a position on, up to what there is now. A *Damage
// is handed out and does not end it; any other error does. A torn end of the last file
// is the writer's work in progress, not damage.
func (r *Reader) Read(from Position) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		files, err := r.Files()
		if err != nil {
			yield(Frame{}, err)
			return
		}
		read(r.fs, r.dir, files, from, true, yield)
	}
}

// Frame returns the content of the one frame at p.
func (r *Reader) Frame(p Position) ([]byte, error) { return frameAt(r.fs, r.dir, p) }

// Read iterates over the frames from a position on, up to what is appended now. A
// *Damage is handed out and does not end it; any other error does.
func (l *Log) Read(from Position) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		read(l.fs, l.dir, l.Files(), from, false, yield)
	}
}

// Frame returns the content of the one frame at p.
func (l *Log) Frame(p Position) ([]byte, error) { return frameAt(l.fs, l.dir, p) }

// Follow is Read that waits for more at the end, until ctx ends (its error is then the
// last thing handed out) or the log is closed.
func (l *Log) Follow(ctx context.Context, from Position) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		at := from
		for {
			if err := l.wait(ctx, at); errors.Is(err, ErrClosed) {
				return
			} else if err != nil {
				yield(Frame{}, err)
				return
			}
			end := l.End()
			more := true
			read(l.fs, l.dir, l.Files(), at, false, func(f Frame, err error) bool {
				if err == nil && f.End.Compare(end) > 0 {
					end = f.End
				}
				more = yield(f, err)
				return more
			})
			if at = end; !more {
				return
			}
		}
	}
}

// read hands out the frames of files from a position on. A hole between files is damage;
// files that are gone before the first were removed.
func read(fsys FS, dir string, files []Info, from Position, shared bool, yield func(Frame, error) bool) {
	for i, info := range files {
		if info.Number < from.File {
			continue
		}
		if i > 0 && info.Number > files[i-1].Number+1 {
			gap := files[i-1].Number + 1
			if !yield(Frame{}, &Damage{File: FileName(gap), Number: gap, Reason: "missing: the next file is " + info.Name}) {
				return
			}
		}
		start := int64(FileOverhead)
		if info.Number == from.File {
			start = max(start, from.Offset)
		}
		if !readFile(fsys, dir, info, start, shared && i == len(files)-1, yield) {
			return
		}
	}
}

// readFile hands out the frames of one file; it returns false when that was the end.
func readFile(fsys FS, dir string, info Info, start int64, growing bool, yield func(Frame, error) bool) (more bool) {
	f, err := fsys.OpenFile(filepath.Join(dir, info.Name), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return yield(Frame{}, &Damage{File: info.Name, Number: info.Number, Reason: "removed meanwhile"})
	} else if err != nil {
		yield(Frame{}, fmt.Errorf("segment: %w", err))
		return false
	}
	defer func() {
		if err := f.Close(); err != nil && more {
			more = yield(Frame{}, fmt.Errorf("segment: close %s: %w", info.Name, err))
		}
	}()
	c := &cursor{f: f, number: info.Number, off: start, limit: info.Bytes}
	b := make([]byte, FileOverhead)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("its header: %w", err)
	} else if n < FileOverhead && growing {
		return true // it is being made
	} else {
		var head fileHeader
		if head, err = parseFileHeader(b[:n], info.Number); err == nil {
			c.salt, c.salted = head.salt, true
		}
	}
	if err != nil && !yield(Frame{}, &Damage{File: info.Name, Number: info.Number, To: max(1, int64(n)), Reason: err.Error()}) {
		return false
	}
	for {
		frame, err := c.next()
		var d *Damage
		switch {
		case errors.Is(err, io.EOF):
			return true
		case errors.As(err, &d):
			if d.Tail && growing {
				return true
			}
			if !yield(Frame{}, d) {
				return false
			}
		case err != nil:
			yield(Frame{}, fmt.Errorf("segment: %w", err))
			return false
		case !yield(frame, nil):
			return false
		}
	}
}

// frameAt returns the content of one frame.
func frameAt(fsys FS, dir string, p Position) ([]byte, error) {
	name := FileName(p.File)
	f, err := fsys.OpenFile(filepath.Join(dir, name), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("segment: %s: %w", name, ErrGone)
	} else if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("segment: %s: %w", name, err)
	}
	c := &cursor{f: f, number: p.File, off: p.Offset, limit: size}
	if p.Offset < FileOverhead || p.Offset >= size {
		return nil, fmt.Errorf("segment: %s: no frame begins at %d", name, p.Offset)
	}
	frame, err := c.next()
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	return frame.Data, nil
}
