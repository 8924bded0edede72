package app

import (
	"context"
	"io"
	"io/fs"
	"iter"

	"github.com/yagura-sec/yagura/source"
)

// embedded is the source of a folder that is part of the program.
type embedded struct{ folder fs.FS }

// Embedded returns the source of the files of a folder, sorted by name.
func Embedded(folder fs.FS) source.Source { return embedded{folder} }

// Objects lists the files.
func (e embedded) Objects(context.Context) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		entries, err := fs.ReadDir(e.folder, ".")
		if err != nil {
			yield(source.Object{}, err)
			return
		}
		for _, entry := range entries {
			o := source.Object{Source: "demo", Name: entry.Name(),
				Open: func(context.Context) (io.ReadCloser, error) { return e.folder.Open(entry.Name()) }}
			if info, err := entry.Info(); err == nil {
				o.Size = info.Size()
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}
