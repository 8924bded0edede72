package pack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of a pack. The largest public collection has some ten thousand files.
const (
	maxFiles    = 50_000
	maxFile     = 4 << 20
	maxTotal    = 256 << 20
	maxDownload = 4 << 30
)

// Source says where the files of a pack come from. Exactly one of Git and OCI is set.
type Source struct {
	Git string `json:"git,omitempty"` // https://host/owner/repository
	OCI string `json:"oci,omitempty"` // host/repository, without tag or digest
	// Ref is a branch, tag or commit of a repository ("": its main branch), or a tag or
	// digest of an artifact ("": latest).
	Ref string `json:"ref,omitempty"`
	// Paths are the folders and files to take, with * for any text without a slash; none is
	// all.
	Paths []string `json:"paths,omitempty"`
}

// String writes where the files come from, for people.
func (s Source) String() string {
	if s.OCI != "" {
		return "oci://" + s.OCI
	}
	return s.Git
}

// Pack is a source with the name of its folder.
type Pack struct {
	Name string `json:"name"`
	Source
}

// Folder is where the pack lies below the folder of packs.
func (p Pack) Folder(into string) string { return filepath.Join(into, p.Name) }

var packName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Known returns a pack that many people use, by its name.
func Known(name string) (Pack, bool) {
	for _, p := range KnownPacks() {
		if p.Name == name {
			return p, true
		}
	}
	return Pack{}, false
}

// KnownPacks lists the packs that have a name here.
func KnownPacks() []Pack {
	return []Pack{
		{"sigma", Source{Git: "https://github.com/SigmaHQ/sigma", Paths: []string{"rules/cloud", "rules/identity",
			"rules/application/bitbucket", "rules/application/github", "rules/application/kubernetes", "rules-threat-hunting/cloud"}}},
		{"falco-cloud", Source{Git: "https://github.com/falcosecurity/plugins", Paths: []string{"plugins/*/rules"}}},
		{"falco", Source{OCI: "ghcr.io/falcosecurity/rules/falco-rules"}},
		{"sentinel", Source{Git: "https://github.com/Azure/Azure-Sentinel", Paths: []string{"Detections", "Hunting Queries"}}},
	}
}

// Parse makes a pack of what a user names: a known name, an address of a git repository, or
// oci://host/repository[:tag|@digest]. Name "" takes the last word of the address.
func Parse(what, name, ref string, paths []string) (Pack, error) {
	p, known := Known(what)
	switch {
	case known:
	case strings.HasPrefix(what, "oci://"):
		p.OCI = strings.TrimPrefix(what, "oci://")
		if at := strings.LastIndexByte(p.OCI, '@'); at > 0 {
			p.OCI, p.Ref = p.OCI[:at], p.OCI[at+1:]
		} else if at := strings.LastIndexByte(p.OCI, ':'); at > strings.LastIndexByte(p.OCI, '/') {
			p.OCI, p.Ref = p.OCI[:at], p.OCI[at+1:]
		}
	case strings.HasPrefix(what, "https://"), strings.HasPrefix(what, "http://"):
		p.Git = strings.TrimSuffix(what, "/")
	default:
		var names []string
		for _, k := range KnownPacks() {
			names = append(names, k.Name)
		}
		return Pack{}, fmt.Errorf("%q is no known pack, https:// address of a git repository or oci:// reference (known: %s)", what, strings.Join(names, ", "))
	}
	p.Ref = cmp.Or(ref, p.Ref)
	if len(paths) > 0 {
		p.Paths = paths
	}
	for i, x := range p.Paths {
		clean := path.Clean(strings.Trim(x, "/"))
		if _, err := path.Match(clean, "x"); err != nil || clean == ".." || strings.HasPrefix(clean, "../") {
			return Pack{}, fmt.Errorf("path %q is no path in a pack", x)
		}
		p.Paths[i] = clean
	}
	p.Name = cmp.Or(name, p.Name, strings.ToLower(strings.TrimSuffix(path.Base(strings.TrimRight(p.String(), "/")), ".git")))
	if !packName.MatchString(p.Name) {
		return Pack{}, fmt.Errorf("%q cannot be the name of a folder: want lower-case letters, digits, dots and dashes", p.Name)
	}
	return p, nil
}

// Options say what is fetched, and where to.
type Options struct {
	Into string // the folder of packs; the pack becomes <Into>/<name>
	Pack Pack
	// Sum is the checksum that the files must have; "" for any, or for that of the lock.
	Sum string
	// Update takes what Ref names now, in place of what the lock says.
	Update bool
	// Force throws away what was changed in the folder by others than a fetch.
	Force bool
	// Progress is told in a line what the other side says of its work; nil for nobody.
	Progress io.Writer
	Now      func() time.Time
	// Client is for all requests; nil is one with retries, without a proxy but that of the
	// environment. Plain HTTP is spoken to this machine alone.
	Client *http.Client
}

// Done is what a fetch came to.
type Done struct {
	Lock   Lock
	Folder string
	// Present says that all was there already, and nothing was asked for.
	Present bool
	// Added, Changed and Removed are files, beside those of the version before.
	Added, Changed, Removed []string
}

// file is one file of a pack.
type file struct {
	path string
	data []byte
}

// fetched is what a source returned.
type fetched struct {
	version  string // commit or digest
	licences []string
	files    []file
}

// Fetch brings a pack into its folder, all of it or nothing: the old files stay until the
// new ones are whole and have the checksum that they must have.
func Fetch(ctx context.Context, o Options) (*Done, error) {
	folder := o.Pack.Folder(o.Into)
	old, err := ReadLock(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	source, want := o.Pack.Source, o.Sum
	if old != nil && !o.Update {
		if old.String() != source.String() {
			return nil, fmt.Errorf("%s holds %s, not %s: give another name, or remove the folder", folder, old.Source, source)
		}
		if !slices.Equal(old.Paths, source.Paths) || source.Ref != "" && source.Ref != old.Ref && source.Ref != old.Version {
			return nil, fmt.Errorf("%s holds another choice of %s: ask for an update to change it", folder, source)
		}
		if o.Sum != "" && o.Sum != old.Sum {
			return nil, fmt.Errorf("%s is locked to %s, not %s", folder, old.Sum, o.Sum)
		}
		if len(Verify(folder)) == 0 {
			return &Done{Lock: *old, Folder: folder, Present: true}, nil
		}
		source.Ref, want = old.Version, old.Sum
	}
	if !o.Force {
		if err := localChanges(folder); err != nil {
			return nil, err
		}
	}
	client := o.Client
	if client == nil {
		client = newClient()
	}
	var got *fetched
	if source.OCI != "" {
		got, err = fetchOCI(ctx, client, source)
	} else {
		got, err = fetchGit(ctx, client, source, o.Progress)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", source, err)
	}
	slices.SortFunc(got.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	lock := Lock{V: 1, Pack: o.Pack, Version: got.version, Fetched: o.Now().UTC().Truncate(time.Second), Files: map[string]string{}}
	if old != nil && !o.Update {
		lock.Ref = old.Ref
	}
	rules := 0
	for _, f := range got.files {
		lock.Files[f.path] = sumOf(f.data)
		if isLicence(f.path) {
			lock.Licences = append(lock.Licences, Licence{File: f.path, Name: licenceName(f.data)})
		} else {
			rules++
		}
	}
	for _, name := range got.licences {
		lock.Licences = append(lock.Licences, Licence{Name: name})
	}
	if rules == 0 {
		return nil, fmt.Errorf("fetch %s: there is no rule file (.yml, .yaml) at %s", source, cmp.Or(strings.Join(source.Paths, ", "), "any path"))
	}
	lock.Sum = lock.sum()
	if want != "" && lock.Sum != want {
		return nil, fmt.Errorf("fetch %s: the files have the checksum %s, and must have %s: what is published there was changed", source, lock.Sum, want)
	}
	done := &Done{Lock: lock, Folder: folder}
	done.compare(old)
	if err := install(folder, got.files, &lock); err != nil {
		return nil, err
	}
	return done, nil
}

func (d *Done) compare(old *Lock) {
	if old == nil {
		old = &Lock{}
	}
	for name, sum := range d.Lock.Files {
		switch was, ok := old.Files[name]; {
		case !ok:
			d.Added = append(d.Added, name)
		case was != sum:
			d.Changed = append(d.Changed, name)
		}
	}
	for name := range old.Files {
		if _, ok := d.Lock.Files[name]; !ok {
			d.Removed = append(d.Removed, name)
		}
	}
	slices.Sort(d.Added)
	slices.Sort(d.Changed)
	slices.Sort(d.Removed)
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// chooser takes those files of a pack that are wanted, and bounds them.
type chooser struct {
	paths []string
	total int64
	files []file
}

// wants says whether a file is of the pack. A licence is where it stands above or below a
// path that is wanted.
func (c *chooser) wants(name string) bool {
	if isLicence(name) {
		dir := path.Dir(name)
		return dir == "." || c.below(name) || slices.ContainsFunc(c.paths, func(p string) bool { return strings.HasPrefix(p+"/", dir+"/") })
	}
	switch path.Ext(name) {
	case ".yml", ".yaml":
		return c.below(name)
	}
	return false
}

// below says whether a file is one of the paths or lies below one.
func (c *chooser) below(name string) bool {
	if len(c.paths) == 0 {
		return true
	}
	for ; name != "." && name != "/"; name = path.Dir(name) {
		if slices.ContainsFunc(c.paths, func(p string) bool { ok, _ := path.Match(p, name); return ok }) {
			return true
		}
	}
	return false
}

// add takes a file of a size that read returns.
func (c *chooser) add(name string, size int64, read func() ([]byte, error)) error {
	clean := path.Clean(name)
	switch {
	case clean != name || path.IsAbs(name) || strings.HasPrefix(name, "../") || strings.ContainsAny(name, "\\\x00") || name == lockName:
		return fmt.Errorf("file %q: not a name that a pack may have", name)
	case size > maxFile:
		return fmt.Errorf("file %s has %d bytes, more than %d", name, size, maxFile)
	case len(c.files) == maxFiles:
		return fmt.Errorf("there are more than %d files (hint: name paths)", maxFiles)
	}
	if c.total += size; c.total > maxTotal {
		return fmt.Errorf("the files have more than %d bytes (hint: name paths)", maxTotal)
	}
	data, err := read()
	if err != nil {
		return fmt.Errorf("file %s: %w", name, err)
	}
	c.files = append(c.files, file{name, data})
	return nil
}
