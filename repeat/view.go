package repeat

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Keys rest in shards: files that each hold a 64th of the space of keys. What is younger
// stands in runs, which hold keys from everywhere, until there are enough of them to be
// merged into the shards. So a key is looked up in one shard and a few runs.
const (
	shardBits  = 6
	shards     = 1 << shardBits
	shardShift = 64 - shardBits
)

// view is the set of files of keys. It is never changed, only replaced.
type view struct {
	runs   []*keyFile // newest first
	shards [shards]*keyFile
}

func (v *view) all(yield func(*keyFile) bool) {
	for _, f := range v.runs {
		if !yield(f) {
			return
		}
	}
	for _, f := range v.shards {
		if f != nil && !yield(f) {
			return
		}
	}
}

// with returns a view with files more and others less.
func (v *view) with(add, gone []*keyFile) *view {
	n := &view{shards: v.shards}
	for _, f := range v.runs {
		if !slices.Contains(gone, f) {
			n.runs = append(n.runs, f)
		}
	}
	for i, f := range n.shards {
		if slices.Contains(gone, f) {
			n.shards[i] = nil
		}
	}
	for _, f := range add {
		if f.meta.shard >= 0 {
			n.shards[f.meta.shard] = f
			continue
		}
		n.runs = append(n.runs, f)
	}
	slices.SortFunc(n.runs, func(a, b *keyFile) int { return int(int64(b.meta.seq) - int64(a.meta.seq)) })
	return n
}

const manifestName = "MANIFEST"

// manifest lists the files of keys that belong to the window.
type manifest struct {
	V     int      `json:"v"`
	Next  uint64   `json:"next"` // number of the next file: no name is used twice
	Files []string `json:"files"`
}

var errManifest = errors.New(manifestName + " is damaged")

func formatManifest(m manifest) ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	return fmt.Appendf(b, "crc32c %08x\n", crc32.Checksum(b, castagnoli)), nil
}

func parseManifest(b []byte) (manifest, error) {
	var m manifest
	body, sum, ok := strings.Cut(string(b), "\ncrc32c ")
	body += "\n"
	want, err := strconv.ParseUint(strings.TrimSuffix(sum, "\n"), 16, 32)
	if !ok || err != nil || uint32(want) != crc32.Checksum([]byte(body), castagnoli) || json.Unmarshal([]byte(body), &m) != nil {
		return m, errManifest
	}
	if m.V != 1 {
		return m, fmt.Errorf("%s: version %d", manifestName, m.V)
	}
	return m, nil
}

// errUnsure is wrapped by the error of a manifest that may be the new one or the old one.
var errUnsure = errors.New("the list of files may be written or not")

// writeManifest makes a view the one that the next opening finds.
func (d *Disk) writeManifest(v *view) error {
	m := manifest{V: 1, Next: d.seq(), Files: []string{}}
	for f := range v.all {
		m.Files = append(m.Files, f.name)
	}
	b, err := formatManifest(m)
	if err != nil {
		return err
	}
	path := filepath.Join(d.dir, manifestName)
	f, err := d.o.FS.OpenFile(path+tmpSuffix, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.o.FS.Rename(path+tmpSuffix, path)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(d.o.FS.Remove(path+tmpSuffix)))
	}
	if err := d.o.FS.SyncDir(d.dir); err != nil {
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// readManifest returns the listed files, or ok false when there is no list to trust.
func (d *Disk) readManifest(present []string) (m manifest, ok bool, err error) {
	f, err := d.o.FS.OpenFile(filepath.Join(d.dir, manifestName), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if slices.ContainsFunc(present, func(s string) bool { return strings.HasSuffix(s, keysSuffix) }) {
			return m, false, nil
		}
		return m, true, nil
	} else if err != nil {
		return m, false, err
	}
	size, err := f.Size()
	if err == nil && size > 16<<20 {
		err = errManifest
	}
	var b []byte
	if err == nil {
		b = make([]byte, size)
		err = readFull(f, b, 0)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return m, false, err
	}
	m, err = parseManifest(b)
	if errors.Is(err, errManifest) {
		return manifest{}, false, nil
	}
	return m, err == nil, err
}

// openFiles opens the files of keys, says what is missing or damaged, and removes what
// belongs to no view.
func (d *Disk) openFiles() error {
	present, err := d.o.FS.ReadDir(d.dir)
	if err != nil {
		return err
	}
	// The list that is found must be durable before anything is removed for its sake.
	if err := d.o.FS.SyncDir(d.dir); err != nil {
		return err
	}
	m, ok, err := d.readManifest(present)
	if err != nil {
		return err
	}
	listed := m.Files
	d.nextSeq = m.Next
	if !ok {
		// Every file is complete in itself; two of one shard hold the same and more.
		d.problem(fmt.Errorf("repeat: %w: the files of keys are taken as they lie there", errManifest))
		for _, name := range present {
			if strings.HasSuffix(name, keysSuffix) {
				listed = append(listed, name)
			}
		}
	}
	v := &view{}
	slices.Sort(listed)
	for _, name := range listed {
		if filepath.Base(name) != name || !strings.HasSuffix(name, keysSuffix) {
			return fmt.Errorf("%s names %q", manifestName, name)
		}
		f, err := openKeys(d.o.FS, d.dir, name, d.epochLen)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d.problem(fmt.Errorf("repeat: %s is missing: repeats of the events whose keys it held are not noticed", name))
			continue
		case err != nil:
			d.problem(fmt.Errorf("repeat: %w: repeats of the events whose keys it held are not noticed; it is renamed to %s.damaged", err, name))
			if err := d.o.FS.Rename(filepath.Join(d.dir, name), filepath.Join(d.dir, name+".damaged")); err != nil {
				return err
			}
			continue
		case f.meta.mark > d.committed:
			// The caller has gone back behind these keys, as with a restored backup: their
			// events may never have been judged as far as it knows, and must not be lost.
			d.problem(fmt.Errorf("repeat: %s holds keys of mark %d, and %d is the last one committed: they are forgotten, so events may be judged again", name, f.meta.mark, d.committed))
			d.stats.Dropped += f.meta.keys
			if err := errors.Join(f.close(), d.o.FS.Remove(filepath.Join(d.dir, name))); err != nil {
				return err
			}
			continue
		}
		d.nextSeq = max(d.nextSeq, f.meta.seq+1)
		if i := f.meta.shard; i >= 0 && v.shards[i] != nil {
			if err := v.shards[i].close(); err != nil {
				return err
			}
		}
		v = v.with([]*keyFile{f}, nil)
	}
	d.view = v
	d.nextSeq = max(d.nextSeq, 1)
	belongs := map[string]bool{}
	for f := range v.all {
		belongs[f.name] = true
	}
	for _, name := range present {
		if strings.HasSuffix(name, tmpSuffix) || strings.HasSuffix(name, keysSuffix) && !belongs[name] {
			if err := ignoreMissing(d.o.FS.Remove(filepath.Join(d.dir, name))); err != nil {
				return err
			}
		}
	}
	// There is a list from the first opening on: where it is missing, something is wrong.
	if !ok || len(belongs) != len(listed) || !slices.Contains(present, manifestName) {
		return d.writeManifest(v)
	}
	return nil
}

// install puts files into the view and takes others out, durably, and removes the latter.
// done is called with the lock held, at the moment of the change. When it fails, the view
// is what it was, and the new files are closed.
func (d *Disk) install(add, gone []*keyFile, done func()) error {
	d.installing.Lock()
	defer d.installing.Unlock()
	next := d.view.with(add, gone) // only install changes the view
	if err := d.writeManifest(next); err != nil {
		err = fmt.Errorf("%s: %w", manifestName, err)
		for _, f := range add {
			err = errors.Join(err, f.close())
			// Where the list may be the new one, its files have to be there, beside those of the
			// old one. The next list that is written settles it.
			if !errors.Is(err, errUnsure) {
				err = errors.Join(err, ignoreMissing(d.o.FS.Remove(filepath.Join(d.dir, f.name))))
			}
		}
		return err
	}
	d.mu.Lock()
	d.view = next
	if done != nil {
		done()
	}
	d.mu.Unlock()
	for _, f := range gone {
		if err := errors.Join(f.close(), d.o.FS.Remove(filepath.Join(d.dir, f.name))); err != nil {
			d.trouble(fmt.Errorf("remove %s: %w", f.name, err)) // the next opening removes it
		}
	}
	return nil
}
