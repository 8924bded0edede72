package repeat

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/yagura-sec/yagura/segment"
)

const (
	tmpSuffix  = ".tmp"
	writeBytes = 64 * pageBytes
	// syncBytes is how much is written before it is fsynced: little at a time, so that the
	// fsync of the log need not wait long behind it.
	syncBytes = 4 << 20
)

// keyWriter writes a file of keys.
type keyWriter struct {
	fs     segment.FS
	dir    string
	f      segment.File
	meta   keyMeta
	filter []uint64
	index  []uint32
	free   []func() error
	page   []byte // of the last page, in buf
	buf    []byte
	inPage int
	number int64 // of the page that is filled
	off    int64 // of buf in the file
	dirty  int64
	pace   func(bytes int) error // called after each write; nil: no limit
}

// keyPlan says what a writer is to write.
type keyPlan struct {
	seq         uint64
	shard, tier int64
	most        int64 // keys at most
	bitsPerKey  float64
	base        int64 // epoch of stamp 0
	epochLen    int64
	mark        uint64
	pace        func(bytes int) error
}

func newKeyWriter(fsys segment.FS, dir string, p keyPlan) (*keyWriter, error) {
	if p.most > maxFileKeys {
		return nil, errors.New("too many keys for one file")
	}
	name := keysName(p.seq)
	f, err := fsys.OpenFile(filepath.Join(dir, name+tmpSuffix), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	w := &keyWriter{fs: fsys, dir: dir, f: f, pace: p.pace, buf: make([]byte, 0, writeBytes)}
	w.meta = keyMeta{id: rand.Uint64(), seq: p.seq, shard: p.shard, tier: p.tier, shift: 32, base: p.base, length: p.epochLen, mark: p.mark} //nolint:gosec // it tells files apart, it guards nothing
	if p.shard >= 0 {
		w.meta.lo, w.meta.shift = uint64(p.shard)<<shardShift, 32-shardBits
	}
	blocks, probes := filterShape(p.most, p.bitsPerKey)
	w.meta.blocks, w.meta.probes = blocks, int64(probes)
	var release func() error
	w.filter, release = allocate(int(blocks * blockWords))
	w.free = append(w.free, release)
	words, release := allocate(int((p.most+pageEntries-1)/pageEntries+1)/2 + 1)
	w.free = append(w.free, release)
	w.index = halves(words)[:0]
	return w, nil
}

// add adds the next entry; its stamp counts from the base of the plan. Entries come in order.
func (w *keyWriter) add(e entry) error {
	if w.inPage == 0 {
		if len(w.buf) == cap(w.buf) {
			if err := w.write(); err != nil {
				return err
			}
		}
		start := len(w.buf)
		w.buf = w.buf[:start+pageBytes]
		w.page = w.buf[start:]
		clear(w.page)
		w.index = append(w.index, uint32((e.a-w.meta.lo)>>w.meta.shift))
	}
	at := w.page[pageHead+w.inPage*entryBytes:]
	binary.LittleEndian.PutUint64(at, e.a)
	binary.LittleEndian.PutUint64(at[8:], e.tag)
	filterAdd(w.filter, int(w.meta.probes), e)
	w.meta.stamps[e.tag&0xff]++
	w.meta.keys++
	if w.inPage++; w.inPage == pageEntries {
		w.endPage()
	}
	return nil
}

func (w *keyWriter) endPage() {
	binary.LittleEndian.PutUint32(w.page[4:], uint32(w.inPage))
	binary.LittleEndian.PutUint32(w.page, pageSum(w.page, w.meta.id, w.number))
	w.inPage = 0
	w.number++
}

// write writes what is in buf.
func (w *keyWriter) write() error {
	if len(w.buf) == 0 {
		return nil
	}
	if _, err := w.f.WriteAt(w.buf, w.off); err != nil {
		return err
	}
	w.off += int64(len(w.buf))
	w.dirty += int64(len(w.buf))
	if w.dirty >= syncBytes {
		if err := w.f.Sync(); err != nil {
			return err
		}
		w.dirty = 0
	}
	if w.pace != nil {
		if err := w.pace(len(w.buf)); err != nil {
			return err
		}
	}
	w.buf = w.buf[:0]
	return nil
}

// put copies bytes through buf.
func (w *keyWriter) put(b []byte) error {
	for len(b) > 0 {
		if len(w.buf) == cap(w.buf) {
			if err := w.write(); err != nil {
				return err
			}
		}
		n := min(len(b), cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
	}
	return nil
}

// finish makes the file durable under its name, and returns it open. A file without
// keys is not made: it returns nil.
func (w *keyWriter) finish(epochLen int64) (*keyFile, error) {
	if w.meta.keys == 0 {
		return nil, w.abort()
	}
	name := keysName(w.meta.seq)
	path := filepath.Join(w.dir, name)
	err := w.tail()
	if err == nil {
		err = w.f.Sync()
	}
	if err == nil {
		err = w.fs.Rename(path+tmpSuffix, path)
	}
	if err == nil {
		if err = w.fs.SyncDir(w.dir); err != nil {
			path = filepath.Join(w.dir, name)
			err = errors.Join(err, w.fs.Remove(path))
		}
	}
	if err != nil {
		return nil, errors.Join(err, w.abort())
	}
	k := &keyFile{name: name, f: w.f, meta: w.meta, index: w.index, release: w.free}
	k.filter.Store(&w.filter)
	k.times(epochLen)
	return k, nil
}

// tail writes what stands behind the pages.
func (w *keyWriter) tail() error {
	if w.inPage > 0 {
		w.endPage()
	}
	var b []byte
	for _, v := range w.index {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	w.meta.indexed = crc32.Checksum(b, castagnoli)
	if len(b)%8 != 0 {
		b = append(b, 0, 0, 0, 0)
	}
	if err := w.put(b); err != nil {
		return err
	}
	b = b[:0]
	for i, v := range w.filter {
		b = binary.LittleEndian.AppendUint64(b, v)
		if len(b) >= 1<<16 || i == len(w.filter)-1 {
			w.meta.filtered = crc32.Update(w.meta.filtered, castagnoli, b)
			if err := w.put(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	if err := w.put(w.meta.append(nil)); err != nil {
		return err
	}
	return w.write()
}

// abort ends without a file.
func (w *keyWriter) abort() error {
	err := w.f.Close()
	if rerr := w.fs.Remove(filepath.Join(w.dir, keysName(w.meta.seq)+tmpSuffix)); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	for _, r := range w.free {
		err = errors.Join(err, r())
	}
	return err
}
