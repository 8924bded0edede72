package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// Options configure a source of files.
type Options struct {
	// Stdin is what the path "-" reads; nil refuses it.
	Stdin io.Reader
	// Since passes over files inside folders that were last written before it.
	Since time.Time
}

// Files is a [source.Source] of the files under some paths.
type Files struct {
	options Options
	paths   []string
}

var _ source.Source = (*Files)(nil)

// New returns the source of paths, in their order. "-" is standard input.
func New(options Options, paths ...string) *Files {
	return &Files{options: options, paths: paths}
}

// Objects lists the files: the paths in their order, each folder sorted by name.
func (f *Files) Objects(ctx context.Context) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		w := walk{options: f.options, ctx: ctx, yield: yield, seen: map[string]bool{}, linked: map[string]bool{}}
		for _, p := range f.paths {
			if info, err := os.Stat(p); err == nil && info.IsDir() && p != "-" {
				w.roots = append(w.roots, real(p))
			}
		}
		for _, p := range f.paths {
			if p == "-" {
				if !w.stdin() {
					return
				}
				continue
			}
			if !w.named(p) {
				return
			}
		}
	}
}

type walk struct {
	options Options
	ctx     context.Context
	yield   func(source.Object, error) bool
	roots   []string        // where the folders that are named really stand
	seen    map[string]bool // folders under the path that was named last, by where they really stand
	linked  map[string]bool // files that links led to and folders that they led into, likewise

	top string // the path that was named last

	given, old int // files of the folder that was named last, and those passed over for their age
}

func (w *walk) stdin() bool {
	in := w.options.Stdin
	if in == nil {
		return w.fail("-", errors.New("there is no standard input here"), "")
	}
	return w.yield(source.Object{Source: "stdin", Name: "-", Size: -1, Streaming: true,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return Interruptible(ctx, in), nil }}, nil)
}

func (w *walk) fail(name string, err error, hint string) bool {
	// The name is said once, by the source error.
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	return w.yield(source.Object{}, &source.Error{Name: name, Err: err, Hint: hint, Asked: name == w.top})
}

// named yields what stands under a path that was named.
func (w *walk) named(name string) bool {
	if w.ctx.Err() != nil {
		return false
	}
	w.top = name
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return w.fail(name, err, "give a file, a folder, - for standard input, or s3://bucket/prefix")
	case err != nil:
		return w.fail(name, err, "")
	case !info.IsDir():
		return w.file(name, info)
	}
	clear(w.seen) // a path that is named twice is read twice
	w.given, w.old = 0, 0
	switch {
	case !w.folder(name, real(name), false):
		return false
	case w.given == 0 && w.old > 0:
		return w.yield(source.Object{}, &source.Error{Name: name, Err: errors.New("no file in it was written since " + w.options.Since.UTC().Format(time.RFC3339))})
	}
	return true
}

// real returns where a path really stands, and the path itself when that cannot be known.
func real(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	if to, err := filepath.EvalSymlinks(name); err == nil {
		return to
	}
	return name
}

// inside yields an entry of a folder, which really stands at a place. away says that a
// link led there.
func (w *walk) inside(name, place string, link, away bool) bool {
	if w.ctx.Err() != nil {
		return false
	}
	info, err := os.Stat(name)
	if err != nil {
		return w.fail(name, err, "")
	}
	if link {
		if place = real(name); w.met(place) {
			return true // it is read at its own place
		}
	}
	if w.linked[place] {
		return true
	}
	switch {
	case info.IsDir():
		return w.folder(name, place, away || link)
	case !info.Mode().IsRegular():
		return true
	case !w.options.Since.IsZero() && info.ModTime().Before(w.options.Since):
		w.old++
		return true
	}
	if link {
		w.linked[place] = true
	}
	return w.file(name, info)
}

// met reports whether what a link leads to is reached without that link.
func (w *walk) met(place string) bool {
	for _, root := range w.roots {
		rest, err := filepath.Rel(root, place)
		hidden := rest != "." && strings.Contains("/"+filepath.ToSlash(rest), "/.")
		if err == nil && filepath.IsLocal(rest) && !hidden {
			return true
		}
	}
	return w.linked[filepath.Dir(place)]
}

func (w *walk) folder(name, place string, away bool) bool {
	if w.seen[place] || w.linked[place] {
		return true
	}
	if away {
		w.linked[place] = true
	} else {
		w.seen[place] = true
	}
	entries, err := os.ReadDir(name)
	if err != nil && !w.fail(name, err, "") {
		return false
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !w.inside(filepath.Join(name, e.Name()), filepath.Join(place, e.Name()), e.Type()&fs.ModeSymlink != 0, away) {
			return false
		}
	}
	return true
}

// file yields one file.
func (w *walk) file(name string, info fs.FileInfo) bool {
	w.given++
	o := source.Object{Source: "file", Name: name, Size: info.Size(), Modified: info.ModTime()}
	asked := name == w.top
	if info.Mode().IsRegular() {
		o.Whole = true
		o.Open = func(context.Context) (io.ReadCloser, error) { return open(name, asked) }
		return w.yield(o, nil)
	}
	o.Size, o.Streaming = -1, true
	o.Open = func(ctx context.Context) (io.ReadCloser, error) {
		f, err := await(ctx, name, asked)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{Interruptible(ctx, f), f}, nil
	}
	return w.yield(o, nil)
}

// open opens a file; asked says that it is one that was named.
func open(name string, asked bool) (*os.File, error) {
	f, err := os.Open(name)
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return nil, &source.Error{Name: name, Err: p.Err, Asked: asked}
	}
	return f, err
}

// await opens a file of which opening may wait for a writer, as of a named pipe.
func await(ctx context.Context, name string, asked bool) (*os.File, error) {
	type opened struct {
		f   *os.File
		err error
	}
	done := make(chan opened)
	go func() {
		f, err := open(name, asked)
		select {
		case done <- opened{f, err}:
		case <-ctx.Done():
			if err == nil {
				_ = f.Close() // nobody reads it any more
			}
		}
	}()
	select {
	case o := <-done:
		return o.f, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
