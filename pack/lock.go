package pack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	lockName = "pack.lock.json"
	maxLock  = 32 << 20
)

// Lock is what pack.lock.json holds: where the files of a folder are from, and what they
// must be.
type Lock struct {
	V int `json:"v"`
	Pack
	Version  string            `json:"version"` // the commit, or the digest of the artifact
	Sum      string            `json:"sum"`     // over the names and checksums of all files
	Licences []Licence         `json:"licences"`
	Fetched  time.Time         `json:"fetched"`
	Files    map[string]string `json:"files"` // "sha256:…" by path
}

// Licence is a licence as a pack says it.
type Licence struct {
	Name string `json:"name"`           // "Detection Rule License 1.1", or the first line of the text
	File string `json:"file,omitempty"` // where it stands; "" for a note of the registry
}

// sum is a checksum over all files: of "path\n" and "checksum\n", sorted by path.
func (l *Lock) sum() string {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(l.Files)) {
		b.WriteString(name + "\n" + l.Files[name] + "\n")
	}
	return sumOf(b.Bytes())
}

// ReadLock reads the lock of a folder. The error is fs.ErrNotExist where there is none.
func ReadLock(folder string) (*Lock, error) {
	name := filepath.Join(folder, lockName)
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxLock {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxLock)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var l Lock
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, fmt.Errorf("%s: %w (hint: remove the folder and fetch the pack again)", name, err)
	}
	if l.V != 1 || l.sum() != l.Sum {
		return nil, fmt.Errorf("%s: it was changed: its checksum is not that of its files (hint: remove the folder and fetch the pack again)", name)
	}
	return &l, nil
}

// Installed returns the pack that lies in the folder of a name, as its lock says it; the
// error is fs.ErrNotExist where none was fetched.
func Installed(into, name string) (Pack, error) {
	if !packName.MatchString(name) {
		return Pack{}, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
	}
	l, err := ReadLock(filepath.Join(into, name))
	if err != nil {
		return Pack{}, err
	}
	return Parse(l.String(), name, l.Ref, l.Paths)
}

// LocalChanges is the error of a fetch that would throw away what somebody did to the files
// of a folder.
type LocalChanges struct {
	Folder string
	Files  []string // "rules/a.yml: changed"
}

// maxListed is how many files the text of [LocalChanges] names.
const maxListed = 20

// Error names the files.
func (c *LocalChanges) Error() string {
	listed := c.Files[:min(len(c.Files), maxListed)]
	s := c.Folder + ": local changes would be lost: " + strings.Join(listed, "; ")
	if more := len(c.Files) - len(listed); more > 0 {
		s += fmt.Sprintf("; and %d more", more)
	}
	return s + " (hint: keep them in a folder of your own, or give --force)"
}

// localChanges lists what a new fetch would throw away: files that were changed, and such
// as are not of the pack. What is missing is no loss.
func localChanges(folder string) error {
	_, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	files := slices.DeleteFunc(Verify(folder), func(f string) bool { return strings.HasSuffix(f, missing) })
	if len(files) == 0 {
		return nil
	}
	return &LocalChanges{folder, files}
}

// missing ends the line of a file that is not there.
const missing = ": missing"

// Verify holds the files of a folder against its lock, and lists what is otherwise: files
// that were changed, are missing, or do not belong there.
func Verify(folder string) (faults []string) {
	l, err := ReadLock(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{"there is no " + lockName + " in it, so no pack was fetched into it"}
	}
	if err != nil {
		return []string{err.Error()}
	}
	seen := map[string]bool{}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return []string{err.Error()}
	}
	defer func() { _ = root.Close() }()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name == lockName {
			return nil
		}
		want, ok := l.Files[name]
		switch {
		case !ok:
			faults = append(faults, name+": not of the pack")
			return nil
		case !d.Type().IsRegular():
			faults = append(faults, name+": not a file")
			return nil
		}
		seen[name] = true
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() <= maxFile {
			data, err := root.ReadFile(name)
			if err != nil {
				return err
			}
			if sumOf(data) == want {
				return nil
			}
		}
		faults = append(faults, name+": changed")
		return nil
	})
	if err != nil {
		faults = append(faults, err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(l.Files)) {
		if !seen[name] && !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, name+": ") }) {
			faults = append(faults, name+missing)
		}
	}
	return faults
}

// install writes the files beside the folder and then puts them in its place.
func install(folder string, files []file, lock *Lock) (err error) {
	if err := os.MkdirAll(filepath.Dir(folder), 0o750); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(folder), "."+filepath.Base(folder)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
	root, err := os.OpenRoot(fresh)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	write := func(name string, data []byte) error {
		if dir := path.Dir(name); dir != "." {
			if err := root.MkdirAll(filepath.FromSlash(dir), 0o750); err != nil {
				return err
			}
		}
		return root.WriteFile(filepath.FromSlash(name), data, 0o644)
	}
	for _, f := range files {
		if err := write(f.path, f.data); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(lock, "", "  ")
	if err != nil {
		return err
	}
	if err := write(lockName, append(data, '\n')); err != nil {
		return err
	}
	if err := os.Chmod(fresh, 0o750); err != nil { //nolint:gosec // a folder that others of the group read
		return err
	}
	aside := fresh + ".old"
	switch err := os.Rename(folder, aside); {
	case err == nil:
		defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.Rename(fresh, folder); err != nil {
		return errors.Join(err, os.Rename(aside, folder))
	}
	return nil
}

// isLicence says whether a file holds a licence, by its name.
func isLicence(name string) bool {
	base := strings.ToUpper(path.Base(name))
	for _, w := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE"} {
		if rest, ok := strings.CutPrefix(base, w); ok && (rest == "" || strings.ContainsAny(rest[:1], ".-_")) {
			return true
		}
	}
	return false
}

// licences are the words by which a text of a licence is known, the more special first.
var licences = [...]struct{ words, name string }{
	{"detection rule license", "Detection Rule License"},
	{"elastic license", "Elastic License"},
	{"apache license", "Apache License"},
	{"gnu affero general public license", "GNU Affero General Public License"},
	{"gnu lesser general public license", "GNU Lesser General Public License"},
	{"gnu general public license", "GNU General Public License"},
	{"mozilla public license", "Mozilla Public License"},
	{"mit license", "MIT License"},
	{"permission is hereby granted, free of charge", "MIT License"},
	{"bsd 3-clause", "BSD 3-Clause License"},
	{"bsd 2-clause", "BSD 2-Clause License"},
	{"redistribution and use in source and binary forms", "BSD License"},
	{"cc0", "CC0"},
	{"creative commons", "Creative Commons"},
	{"unlicense", "Unlicense"},
}

// licenceName names a licence by its text; one that is not known by its first line.
func licenceName(data []byte) string {
	head := strings.ToLower(string(data[:min(len(data), 4096)]))
	words := strings.Join(strings.Fields(head), " ")
	first, at := "", len(words)
	for _, l := range licences {
		if i := strings.Index(words, l.words); i >= 0 && i < at {
			first, at = l.name, i
		}
	}
	if first != "" {
		return first
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			return line[:min(len(line), 80)]
		}
	}
	return "an empty text"
}
