package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Copies are copies of objects: a folder ([Folder]), or what else can be listed and read.
// Names are paths with slashes.
type Copies interface {
	// All calls f with the name of every object until it returns an error.
	All(ctx context.Context, f func(name string) error) error
	// Open reads an object.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Meta returns the metadata of an object as far as the copy has it (names in lower case
	// without "x-amz-meta-"); nil where it has none.
	Meta(ctx context.Context, name string) (map[string]string, error)
}

// Folder is a directory of copies. The metadata of an object X is taken from, in this order:
//
//   - X.metadata.json or X.meta.json, as `aws s3api head-object` prints it (or its Metadata alone),
//   - X.signature or X.sig, the signature alone as hexadecimal digits,
//   - the extended attributes that `rclone copy --metadata` writes (user.signature).
type Folder string

// All walks over every regular file below.
func (f Folder) All(ctx context.Context, each func(name string) error) error {
	return filepath.WalkDir(string(f), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(string(f), p)
		if err != nil {
			return err
		}
		return each(filepath.ToSlash(rel))
	})
}

func (f Folder) file(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// Open opens a file.
func (f Folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(f.file(name))
}

// maxMeta bounds a file of metadata; S3 allows 2 KB of it.
const maxMeta = 64 << 10

// Meta looks for the metadata beside the file.
func (f Folder) Meta(_ context.Context, name string) (map[string]string, error) {
	file := f.file(name)
	data, err := beside(file, metaSuffix, ".meta.json")
	if err == nil {
		m, err := parseMeta(data)
		if err != nil {
			return nil, fmt.Errorf("%s%s: %w", path.Base(name), metaSuffix, err)
		}
		return m, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if data, err = beside(file, sigSuffix, ".sig"); err == nil {
		return map[string]string{"signature": strings.TrimSpace(string(data))}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	m := map[string]string{}
	for _, n := range []string{"signature", "signature-algorithm", "backfill-generation-timestamp"} {
		if v := attribute(file, "user."+n); v != "" {
			m[n] = v
		}
	}
	if m["signature"] == "" {
		return nil, nil
	}
	return m, nil
}

const (
	metaSuffix = ".metadata.json"
	sigSuffix  = ".signature"
)

// beside reads the first that there is of the files that have a copy's name and one of some
// suffixes. Where the copy was unpacked, they may have kept the packed name.
func beside(file string, suffixes ...string) ([]byte, error) {
	for _, s := range suffixes {
		for _, name := range []string{file + s, packed(file) + ".gz" + s} {
			if data, err := readSmall(name); !errors.Is(err, fs.ErrNotExist) {
				return data, err
			}
		}
	}
	return nil, fs.ErrNotExist
}

func readSmall(file string) ([]byte, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(r, maxMeta+1))
	if err == nil && len(data) > maxMeta {
		err = fmt.Errorf("%s has more than %d KB", filepath.Base(file), maxMeta>>10)
	}
	return data, err
}

// parseMeta takes the answer of head-object, or the metadata alone.
func parseMeta(data []byte) (map[string]string, error) {
	var head struct{ Metadata map[string]string }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, errors.New("it is not the JSON that `aws s3api head-object` prints")
	}
	m := head.Metadata
	if m == nil {
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, errors.New("it has no Metadata")
		}
	}
	out := map[string]string{}
	for k, v := range m {
		out[strings.TrimPrefix(strings.ToLower(k), "x-amz-meta-")] = v
	}
	if out["signature"] == "" {
		return nil, errors.New("there is no signature in its Metadata")
	}
	return out, nil
}

// names is what is there of the copies.
type names struct {
	digests map[string][]string // chain → names
	files   map[string][]int    // base without .gz → indexes of all
	all     []string
	used    []bool // a digest names it, or it is a digest
	logs    int
}

func packed(base string) string { return strings.TrimSuffix(base, ".gz") }

func listNames(ctx context.Context, c Copies) (*names, error) {
	n := &names{digests: map[string][]string{}, files: map[string][]int{}}
	err := c.All(ctx, func(name string) error {
		base := path.Base(name)
		if !strings.HasSuffix(packed(base), ".json") || strings.HasSuffix(base, metaSuffix) {
			return nil
		}
		if len(n.all) >= maxFiles {
			return fmt.Errorf("more than %d files (hint: verify account by account)", maxFiles)
		}
		i := len(n.all)
		n.all = append(n.all, name)
		if d := digestName.FindStringSubmatch(base); d != nil {
			n.digests[d[1]] = append(n.digests[d[1]], name)
			n.used = append(n.used, true)
		} else {
			n.used = append(n.used, false)
			if logName.MatchString(base) {
				n.logs++
			}
		}
		n.files[packed(base)] = append(n.files[packed(base)], i)
		return nil
	})
	return n, err
}

// find returns the copy of an object: of the files of its name, the one whose path agrees
// longest with where the object was; -1 when there is none. Copies may be unpacked.
func (n *names) find(bucket, key string) int {
	want := strings.Split(bucket+"/"+packed(key), "/")
	best, most := -1, 0
	for _, i := range n.files[packed(path.Base(key))] {
		if k := agree(want, n.all[i]); k > most {
			best, most = i, k
		}
	}
	return best
}

// agree counts the parts, from the end, in which a path agrees with a place. A path that
// has AWSLogs in it must agree that far, else it is another object's: 0.
func agree(want []string, name string) int {
	have := strings.Split(packed(name), "/")
	k := 0
	for k < len(want) && k < len(have) && want[len(want)-1-k] == have[len(have)-1-k] {
		k++
	}
	for i, part := range slices.Backward(have) {
		if part == "AWSLogs" {
			if len(have)-i > k {
				return 0
			}
			break
		}
	}
	return k
}
