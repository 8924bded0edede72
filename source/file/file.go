package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
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
		w := walk{options: f.options, ctx: ctx, yield: yield}
		for _, p := range f.paths {
			if p == "-" {
				if !w.stdin() {
					return
				}
				continue
			}
			if !w.path(p, true, nil) {
				return
			}
		}
	}
}

type walk struct {
	options Options
	ctx     context.Context
	yield   func(source.Object, error) bool
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
	return w.yield(source.Object{}, &source.Error{Name: name, Err: err, Hint: hint})
}

// path yields one path. parents are the folders that it was reached through.
func (w *walk) path(name string, named bool, parents []fs.FileInfo) bool {
	if w.ctx.Err() != nil {
		return false
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && named:
		return w.fail(name, err, "give a file, a folder, - for standard input, or s3://bucket/prefix")
	case err != nil:
		return w.fail(name, err, "")
	case info.IsDir():
		return w.folder(name, info, parents)
	case !info.Mode().IsRegular() && !named:
		return true
	}
	if !named && !w.options.Since.IsZero() && info.ModTime().Before(w.options.Since) {
		return true
	}
	o := source.Object{Source: "file", Name: name, Size: info.Size(), Modified: info.ModTime()}
	if info.Mode().IsRegular() {
		o.Open = func(context.Context) (io.ReadCloser, error) { return open(name) }
	} else {
		o.Size, o.Streaming = -1, true
		o.Open = func(ctx context.Context) (io.ReadCloser, error) {
			f, err := open(name)
			if err != nil {
				return nil, err
			}
			return struct {
				io.Reader
				io.Closer
			}{Interruptible(ctx, f), f}, nil
		}
	}
	return w.yield(o, nil)
}

func (w *walk) folder(name string, info fs.FileInfo, parents []fs.FileInfo) bool {
	for _, p := range parents {
		if os.SameFile(p, info) {
			return true // a link back into a folder that is being walked
		}
	}
	entries, err := os.ReadDir(name)
	if err != nil && !w.fail(name, err, "") {
		return false
	}
	inside := append(slices.Clip(parents), info)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !w.path(filepath.Join(name, e.Name()), false, inside) {
			return false
		}
	}
	return true
}

func open(name string) (*os.File, error) {
	f, err := os.Open(name)
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return nil, &source.Error{Name: name, Err: p.Err}
	}
	return f, err
}
