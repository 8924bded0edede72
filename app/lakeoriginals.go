package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/store"
)

// Original is a file, and what was received with the same bytes.
type Original struct {
	Name     string
	Sum      string // SHA-256, hexadecimal
	Received []yagura.LakeObject
	Copy     string // where the copy lies below the lake; "": there is none
}

// originals is what knows the sums of what was received.
type originals interface {
	Originals(ctx context.Context, sum string) ([]yagura.LakeObject, error)
	Copies(ctx context.Context, sum string) ([]yagura.LakeCopy, error)
}

// Originals compares what sources list with what was received. An error is about one file, or
// ends the list where the catalogue cannot be asked.
func Originals(ctx context.Context, catalogue originals, sources ...source.Source) iter.Seq2[Original, error] {
	return func(yield func(Original, error) bool) {
		for _, src := range sources {
			for o, err := range src.Objects(ctx) {
				if ctx.Err() != nil {
					return
				}
				out := Original{Name: o.Name}
				if err == nil {
					out.Sum, err = sumOf(ctx, &o)
				}
				if err != nil {
					if !yield(out, err) {
						return
					}
					continue
				}
				out.Received, err = catalogue.Originals(ctx, out.Sum)
				copies, cerr := catalogue.Copies(ctx, out.Sum)
				if err = errors.Join(err, cerr); err != nil {
					yield(out, err)
					return
				}
				if len(copies) > 0 {
					out.Copy = copies[0].Name
				}
				if !yield(out, nil) {
					return
				}
			}
		}
	}
}

func sumOf(ctx context.Context, o *source.Object) (string, error) {
	body, err := o.Open(ctx)
	if err != nil {
		return "", &Problem{o.Name, err}
	}
	defer body.Close() //nolint:errcheck // it is only read
	sum, err := source.NewSum(body).Text()
	if err != nil {
		return "", &Problem{o.Name, err}
	}
	return sum, nil
}

// FindCopy finds the copy of an original by its SHA-256, or by a name that it was received under:
// with the tag that tells its versions apart, or without it where there was one version alone.
func FindCopy(ctx context.Context, cfg *config.Config, db *store.DB, what string) (yagura.LakeCopy, error) {
	none := yagura.LakeCopy{}
	cat, _, err := LakeCatalogue(ctx, cfg, db, false)
	if err != nil {
		return none, err
	}
	sums := []string{strings.ToLower(strings.TrimPrefix(what, "sha256:"))}
	if b, err := hex.DecodeString(sums[0]); err != nil || len(b) != sha256.Size {
		if sums, err = cat.OriginalSums(ctx, what); err != nil {
			return none, err
		}
		switch {
		case len(sums) == 0:
			return none, fmt.Errorf("%s: nothing was received under this name (hint: the SHA-256, or the name as lake originals prints it)", what)
		case len(sums) > 1:
			return none, fmt.Errorf("%s: it was received with %d different contents (hint: say which, by its SHA-256: %s)", what, len(sums), strings.Join(sums[:min(len(sums), 5)], ", "))
		}
	}
	list, err := cat.Copies(ctx, sums[0])
	if err != nil || len(list) > 0 {
		return append(list, none)[0], err
	}
	known, err := cat.Originals(ctx, sums[0])
	switch {
	case err != nil:
		return none, err
	case len(known) > 0:
		return none, fmt.Errorf("%s: it was received, and there is no copy of it (hint: with lake.originals: true, lake import --again makes one of a file that is still there)", what)
	}
	return none, fmt.Errorf("%s: nothing with this SHA-256 was received", what)
}

// ReadCopy writes the bytes of a copy to w. An error that wraps [ErrAltered] says that they are
// not what was received.
func ReadCopy(ctx context.Context, cfg *config.Config, c yagura.LakeCopy, w io.Writer) (err error) {
	open, s, err := lakeReader(ctx, cfg)
	if err != nil {
		return err
	}
	if d, ok := s.(io.Closer); ok {
		defer func() { err = errors.Join(err, d.Close()) }()
	}
	in, err := open(ctx, c.Name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%s: %w: it is gone", c.Name, ErrAltered)
	}
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it is only read
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, h), in)
	if errors.Is(err, blob.ErrChecksum) {
		err = fmt.Errorf("%w: %w", ErrAltered, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != c.Sum {
		return fmt.Errorf("%s: %w: its SHA-256 is %s, and that of what was received %s", c.Name, ErrAltered, got, c.Sum)
	}
	return nil
}

// ErrAltered says of a copy that it is not what was received.
var ErrAltered = errors.New("the copy is not the original any more")
