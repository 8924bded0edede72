package lake

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/bloom"
)

// known is which records a partition has in live files. A record that is new costs one look
// into a filter. One that the filter takes for known is looked for in the files: each has a
// filter of its own, and what that takes for known is decided by the file's keys, which are
// read then.
type known struct {
	seq    int64 // of the newest commit that is in here
	layers []layer
	files  []*knownFile
	last   *knownFile // that had a repeat: the next one is likely there
}

// layer is a part of the filter. Each has room for four times as many as the one before.
type layer struct {
	blocks bloom.SplitBlockFilter
	left   int
}

type knownFile struct {
	number int64
	head   string
	filter bloom.SplitBlockFilter
	idents []ident // sorted; nil until they are wanted
}

// The bits of the filters: of all files together, and of each.
const (
	layerBits  = 24
	fileBits   = 12
	firstLayer = 64 << 10
	// maxIdents bounds the keys of files that a partition keeps in memory once they were
	// wanted.
	maxIdents = 4 << 20
)

func (id ident) hash() uint64 {
	var b [24]byte
	copy(b[:], id.key[:])
	binary.LittleEndian.PutUint32(b[16:], id.content)
	return xxhash.Sum64(b[:])
}

func compareIdents(a, b ident) int {
	if c := slices.Compare(a.key[:], b.key[:]); c != 0 {
		return c
	}
	switch {
	case a.content < b.content:
		return -1
	case a.content > b.content:
		return 1
	}
	return 0
}

// add takes a file in.
func (k *known) add(f *File, hashes []uint64) {
	file := &knownFile{number: f.Number, head: f.Head}
	if slices.ContainsFunc(k.files, func(have *knownFile) bool { return have.number == f.Number }) {
		return
	}
	file.filter = make(bloom.SplitBlockFilter, max(1, bloom.NumSplitBlocksOf(int64(len(hashes)), fileBits)))
	file.filter.InsertBulk(hashes)
	k.files = append(k.files, file)
	for _, h := range hashes {
		if len(k.layers) == 0 || k.layers[len(k.layers)-1].left == 0 {
			n := firstLayer
			if len(k.layers) > 0 {
				n = 4 * int(len(k.layers[len(k.layers)-1].blocks)) * 256 / layerBits
			}
			n = max(n, len(hashes))
			k.layers = append(k.layers, layer{make(bloom.SplitBlockFilter, bloom.NumSplitBlocksOf(int64(n), layerBits)), n})
		}
		top := &k.layers[len(k.layers)-1]
		top.blocks.Insert(h)
		top.left--
	}
}

// has says whether a record is in one of the files of a partition. Where files were replaced
// by others since it looks at what there is now.
func (k *known) has(ctx context.Context, l *Lake, p partKey, id ident) (bool, error) {
	ok, err := k.find(ctx, l, id)
	for tries := 0; errors.Is(err, errReplaced) && tries < 3; tries++ {
		*k = known{}
		if err := k.refresh(ctx, l, p.format, p.day); err != nil {
			return false, err
		}
		ok, err = k.find(ctx, l, id)
	}
	return ok, err
}

func (k *known) find(ctx context.Context, l *Lake, id ident) (bool, error) {
	if len(k.layers) == 0 {
		return false, nil
	}
	h := id.hash()
	maybe := false
	for i := range k.layers {
		if k.layers[i].blocks.Check(h) {
			maybe = true
			break
		}
	}
	if !maybe {
		return false, nil
	}
	if k.last != nil {
		if ok, err := k.in(ctx, l, k.last, id, h); ok || err != nil {
			return ok, err
		}
	}
	for _, f := range slices.Backward(k.files) {
		if f != k.last {
			if ok, err := k.in(ctx, l, f, id, h); ok || err != nil {
				if ok {
					k.last = f
				}
				return ok, err
			}
		}
	}
	return false, nil
}

// errReplaced says that a file is gone because others took its place.
var errReplaced = errors.New("the file was replaced")

// in says whether a record is in a file.
func (k *known) in(ctx context.Context, l *Lake, f *knownFile, id ident, h uint64) (bool, error) {
	if !f.filter.Check(h) {
		return false, nil
	}
	if f.idents == nil {
		list, err := l.idents(ctx, f.head)
		if errors.Is(err, fs.ErrNotExist) {
			return false, errReplaced
		}
		if err != nil {
			return false, err
		}
		n := len(list)
		for _, other := range k.files {
			if n += len(other.idents); n > maxIdents {
				other.idents = nil
			}
		}
		slices.SortFunc(list, compareIdents)
		f.idents = list
	}
	_, ok := slices.BinarySearchFunc(f.idents, id, compareIdents)
	return ok, nil
}

// refresh takes in the files of a partition that were committed since.
func (k *known) refresh(ctx context.Context, l *Lake, format, day string) error {
	for tries := 0; ; tries++ {
		files, err := l.o.Catalogue.Files(ctx, Filter{Formats: []string{format}, Day: day, After: k.seq})
		if err != nil {
			return err
		}
		err = k.take(ctx, l, files)
		if !errors.Is(err, fs.ErrNotExist) || tries == 3 {
			return err
		}
		*k = known{} // a listed file was replaced before it was read
	}
}

// take takes live files in.
func (k *known) take(ctx context.Context, l *Lake, files []File) error {
	var hashes []uint64
	for i := range files {
		list, err := l.idents(ctx, files[i].Head)
		if err != nil {
			return err
		}
		hashes = hashes[:0]
		for _, id := range list {
			hashes = append(hashes, id.hash())
		}
		k.add(&files[i], hashes)
	}
	for i := range files {
		k.seq = max(k.seq, files[i].Seq)
	}
	return nil
}
