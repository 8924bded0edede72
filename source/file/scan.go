package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// whole is a file that is read at once when it is finished.
type whole struct {
	path     string
	size     int64
	modified time.Time
	since    time.Time // since when it is seen unchanged
	done     string    // tag of the version that was acknowledged
	item     *item     // of the present version; nil before it is finished, and after
}

func (f *whole) tag() string { return versionTag(f.size, f.modified) }

func versionTag(size int64, modified time.Time) string {
	return strconv.FormatInt(size, 10) + "-" + strconv.FormatInt(modified.UnixNano(), 36)
}

// scan looks for files and makes messages of what is finished. Who calls it holds w.one.
func (w *Watch) scan(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.cut(ctx)
}

// look goes through the paths and notes what is there.
func (w *Watch) look(ctx context.Context) error {
	w.mu.Lock()
	loaded := w.loaded
	w.last, w.dirty, w.scanned = w.options.Now(), false, true
	w.mu.Unlock()
	if !loaded {
		if err := w.load(ctx); err != nil {
			return err
		}
		w.mu.Lock()
		w.loaded = true
		w.mu.Unlock()
	}
	problems := map[string]error{}
	folders := map[string]bool{}
	for _, p := range w.options.Paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			folders[p] = true
		} else {
			folders[filepath.Dir(p)] = true
		}
	}
	var logs []string
	seen := map[string]bool{}
	for o, err := range New(Options{}, w.options.Paths...).Objects(ctx) {
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // not there yet, or gone meanwhile
				problems[err.Error()] = err
			}
			continue
		}
		folders[filepath.Dir(o.Name)] = true
		if o.Streaming || seen[o.Name] || w.skips(o.Name) {
			continue
		}
		seen[o.Name] = true
		if w.follows(filepath.Base(o.Name)) {
			logs = append(logs, o.Name)
			continue
		}
		if !w.rotated(o.Name) {
			w.note(o)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.match(logs)
	w.tell(problems)
	w.subscribe(folders)
	w.mu.Lock()
	defer w.mu.Unlock()
	for path, f := range w.whole {
		if !seen[path] && (f.item == nil || f.item.attempts == 0) {
			w.drop(f.item)
			delete(w.whole, path)
		}
	}
	return nil
}

// skips reports whether a path is left out: by the globs, or because it was moved there.
func (w *Watch) skips(path string) bool {
	if w.keys.Skip(filepath.ToSlash(path)) {
		return true
	}
	if w.options.MoveTo == "" {
		return false
	}
	rest, err := filepath.Rel(w.options.MoveTo, real(path))
	return err == nil && filepath.IsLocal(rest)
}

// note takes down what the walk says of a whole file.
func (w *Watch) note(o source.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.whole[o.Name]
	if f == nil {
		f = &whole{path: o.Name, size: -1}
		w.whole[o.Name] = f
	}
	if f.size == o.Size && f.modified.Equal(o.Modified) {
		return
	}
	if f.item != nil && !f.item.out {
		w.drop(f.item)
	}
	f.size, f.modified, f.since, f.item = o.Size, o.Modified, w.last, nil
}

// drop forgets a message that waits. It is called with the lock held.
func (w *Watch) drop(gone *item) {
	if gone == nil {
		return
	}
	for _, list := range []*[]*item{&w.ready, &w.delayed} {
		var rest []*item
		for _, i := range *list {
			if i != gone {
				rest = append(rest, i)
			}
		}
		*list = rest
	}
}

// tell keeps the errors that were not told yet for Receive.
func (w *Watch) tell(problems map[string]error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for text := range w.said {
		if problems[text] == nil {
			delete(w.said, text) // it is over, and is told again when it comes again
		}
	}
	for text, err := range problems {
		if !w.said[text] {
			w.said[text] = true
			w.problems = append(w.problems, err)
		}
	}
}

// subscribe asks the system to tell of changes in folders. Where it cannot, scanning does.
func (w *Watch) subscribe(folders map[string]bool) {
	if w.notify == nil {
		return
	}
	for _, have := range w.notify.WatchList() {
		delete(folders, have)
	}
	for f := range folders {
		_ = w.notify.Add(f) // the next scan tries again
	}
}

// settle makes messages of the whole files that are finished.
func (w *Watch) settle(ctx context.Context) error {
	w.mu.Lock()
	now := w.last
	w.settles = time.Time{}
	var files []*whole
	var objects []source.Object
	for _, f := range w.whole {
		if f.item != nil || f.size <= 0 || f.tag() == f.done {
			continue
		}
		if ripe := f.since.Add(max(w.options.Settle, 0)); ripe.After(now) {
			if w.settles.IsZero() || ripe.Before(w.settles) {
				w.settles = ripe
			}
			continue
		}
		files, objects = append(files, f), append(objects, object(f.path, f.size, f.modified))
	}
	w.mu.Unlock()
	known := make([]bool, len(files))
	if w.options.Known != nil && len(files) > 0 {
		var err error
		if known, err = w.options.Known(ctx, objects); err != nil || len(known) != len(files) {
			return &source.Error{Name: w.options.Name, Err: fmt.Errorf("what was delivered before cannot be asked for: %w", err)}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, f := range files {
		if known[n] {
			f.done = objects[n].Tag
			continue
		}
		f.item = &item{Object: objects[n], whole: f}
		w.ready = append(w.ready, f.item)
	}
	return nil
}

// Whole returns a file as a [Watch] hands it out once it is finished: under the same identity.
func Whole(path string) (source.Object, error) {
	info, err := os.Stat(path)
	if err != nil {
		return source.Object{}, err
	}
	return object(path, info.Size(), info.ModTime()), nil
}

// object is one version of a whole file.
func object(path string, size int64, modified time.Time) source.Object {
	o := source.Object{Source: "file", Name: path, Size: size, Modified: modified, Tag: versionTag(size, modified), Whole: true}
	o.Open = func(context.Context) (io.ReadCloser, error) {
		f, err := open(path, false)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &source.Error{Name: path, Err: goneError("the file is gone since it was seen")}
		}
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err != nil || versionTag(info.Size(), info.ModTime()) != o.Tag {
			_ = f.Close() // it is another one
			return nil, &source.Error{Name: path, Err: goneError("the file was changed since it was seen")}
		}
		return f, nil
	}
	return o
}

// goneError says how a version of a file came to be gone.
type goneError string

// Error returns the text.
func (g goneError) Error() string { return string(g) }

// Unwrap makes it known.
func (goneError) Unwrap() error { return source.ErrGone }

// after deletes or moves a whole file that is acknowledged, unless it is another by now.
func (w *Watch) after(ctx context.Context, i *item) {
	if w.options.After == AfterNothing {
		return
	}
	info, err := os.Stat(i.Name)
	if err != nil || versionTag(info.Size(), info.ModTime()) != i.Tag {
		return
	}
	if w.options.After == AfterDelete {
		err = os.Remove(i.Name)
	} else {
		err = w.move(i)
	}
	if err != nil {
		w.options.Log.WarnContext(ctx, "a file that was read cannot be put away", "source", w.options.Name, "error", err)
	}
}

func (w *Watch) move(i *item) error {
	if err := os.MkdirAll(w.options.MoveTo, 0o750); err != nil {
		return err
	}
	to := filepath.Join(w.options.MoveTo, filepath.Base(i.Name))
	if _, err := os.Lstat(to); err == nil {
		to += "." + i.Tag // nothing is overwritten
	}
	return os.Rename(i.Name, to)
}

// turned is what rotation puts behind a name, squeezed what compression does.
var (
	turned   = regexp.MustCompile(`[.-]\d[\d.-]*$`)
	squeezed = regexp.MustCompile(`\.(?:gz|zst|bz2|xz|zip|lz4)$`)
)

// follows reports whether a file is one that is followed, under its own name or turned.
func (w *Watch) follows(base string) bool {
	for _, g := range w.options.Follow {
		own, _ := filepath.Match(g, base) // the patterns were checked
		old, _ := filepath.Match(g, turned.ReplaceAllString(base, ""))
		if own || old {
			return true
		}
	}
	return false
}

// rotated reports whether a file is the compressed rest of one that is followed: its lines
// were read already.
func (w *Watch) rotated(path string) bool {
	plain := squeezed.ReplaceAllString(path, "")
	stem := turned.ReplaceAllString(plain, "")
	if plain == path || stem == plain || !w.follows(filepath.Base(stem)) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.followed {
		if f.State.Path == stem || strings.HasPrefix(f.State.Path, stem) && turned.ReplaceAllString(f.State.Path, "") == stem {
			return true
		}
	}
	return false
}
