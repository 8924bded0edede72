package repeat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/yagura-sec/yagura/segment"
)

// A file of keys holds sorted entries and never changes:
//
//	pages   of 4096 bytes: checksum, count of entries, up to 255 entries
//	index   of each page the upper bits of its first key, 32 bits
//	filter  blocks of 64 bytes
//	footer  4096 bytes
const (
	pageBytes   = 4096
	pageHead    = 16
	pageEntries = (pageBytes - pageHead) / entryBytes
	footerBytes = 4096
	footerMagic = "YGKEYS\x00\x01"
	footerHead  = 8 * 16

	maxFileKeys = math.MaxUint32 // of one file
	maxStamps   = 256
	keysSuffix  = ".keys"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// keyMeta is what the footer of a file says.
type keyMeta struct {
	id       uint64 // random; part of the checksum of every page
	seq      uint64 // of the file; it is in its name
	shard    int64  // -1: a run over all keys
	tier     int64  // of a run: 0 is a memory table, 1 is several of them
	lo       uint64 // the lowest key it may hold
	shift    uint64 // (key - lo) >> shift has 32 bits
	keys     int64
	base     int64 // epoch of stamp 0
	length   int64 // of an epoch, in nanoseconds
	mark     uint64
	blocks   int64 // of the filter
	probes   int64
	indexed  uint32            // checksum of the index
	filtered uint32            // checksum of the filter
	stamps   [maxStamps]uint64 // how many entries have each stamp
}

func (m *keyMeta) pages() int64 { return (m.keys + pageEntries - 1) / pageEntries }

// indexAt, filterAt and size are offsets in the file.
func (m *keyMeta) indexAt() int64  { return m.pages() * pageBytes }
func (m *keyMeta) filterAt() int64 { return m.indexAt() + (m.pages()*4+7)/8*8 }
func (m *keyMeta) size() int64     { return m.filterAt() + m.blocks*blockWords*8 + footerBytes }

func (m *keyMeta) append(b []byte) []byte {
	start := len(b)
	b = append(b, footerMagic...)
	for _, v := range []uint64{m.id, m.seq, uint64(m.shard), uint64(m.tier), m.lo, m.shift, uint64(m.keys), uint64(m.base),
		uint64(m.length), m.mark, uint64(m.blocks), uint64(m.probes), uint64(m.indexed), uint64(m.filtered), 0} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	for _, n := range m.stamps {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = append(b, make([]byte, footerBytes-4-(len(b)-start))...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

var errFooter = errors.New("the footer is damaged")

// parseFooter reads a footer of a file of a size.
func parseFooter(b []byte, size int64) (keyMeta, error) {
	if len(b) != footerBytes || string(b[:8]) != footerMagic || crc32.Checksum(b[:footerBytes-4], castagnoli) != binary.LittleEndian.Uint32(b[footerBytes-4:]) {
		return keyMeta{}, errFooter
	}
	var v [15]uint64
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(b[8+8*i:])
	}
	m := keyMeta{id: v[0], seq: v[1], shard: int64(v[2]), tier: int64(v[3]), lo: v[4], shift: v[5], keys: int64(v[6]), base: int64(v[7]),
		length: int64(v[8]), mark: v[9], blocks: int64(v[10]), probes: int64(v[11]), indexed: uint32(v[12]), filtered: uint32(v[13])}
	var sum uint64
	for i := range m.stamps {
		m.stamps[i] = binary.LittleEndian.Uint64(b[footerHead+8*i:])
		if m.stamps[i] > maxFileKeys {
			return keyMeta{}, errFooter
		}
		sum += m.stamps[i]
	}
	if m.keys < 0 || m.keys > maxFileKeys || sum != uint64(m.keys) || m.shard < -1 || m.shard >= shards || m.shift > 32 || m.length <= 0 ||
		m.base > math.MaxInt64/m.length-maxStamps || m.base < math.MinInt64/m.length+1 ||
		m.blocks < 0 || m.blocks > 1<<32 || m.probes < 0 || m.probes > maxProbes || m.size() != size {
		return keyMeta{}, errFooter
	}
	return m, nil
}

// keyFile is an open file of keys.
type keyFile struct {
	name   string
	f      segment.File
	meta   keyMeta
	epochs [maxStamps]int64 // of each stamp, in the window's epochs
	last   int64            // the latest of them that an entry has

	index   []uint32
	filter  atomic.Pointer[[]uint64] // nil until it is loaded: every key may be there
	release []func() error
	bad     map[int64]bool // pages that were said to be damaged; used by whoever judges
}

// openKeys opens a file and reads its footer and index, not its filter.
func openKeys(fsys segment.FS, dir, name string, epochLen int64) (*keyFile, error) {
	f, err := fsys.OpenFile(filepath.Join(dir, name), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	k := &keyFile{name: name, f: f}
	if err := k.open(epochLen); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), k.close())
	}
	return k, nil
}

func (k *keyFile) open(epochLen int64) error {
	size, err := k.f.Size()
	if err != nil {
		return err
	}
	if size < footerBytes {
		return errFooter
	}
	b := make([]byte, footerBytes)
	if err := readFull(k.f, b, size-footerBytes); err != nil {
		return err
	}
	if k.meta, err = parseFooter(b, size); err != nil {
		return err
	}
	if keysName(k.meta.seq) != k.name {
		return fmt.Errorf("this is %s under another name", keysName(k.meta.seq))
	}
	b = make([]byte, 4*k.meta.pages())
	if err := readFull(k.f, b, k.meta.indexAt()); err != nil {
		return err
	}
	if crc32.Checksum(b, castagnoli) != k.meta.indexed {
		return errors.New("the index is damaged")
	}
	index, release := allocate((len(b) + 7) / 8)
	k.release = append(k.release, release)
	k.index = halves(index)[:k.meta.pages()]
	for i := range k.index {
		k.index[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	if !slices.IsSorted(k.index) {
		return errors.New("the index is out of order")
	}
	k.times(epochLen)
	return nil
}

// times computes what the stamps mean in epochs of a length.
func (k *keyFile) times(epochLen int64) {
	k.last = math.MinInt64
	for i := range k.epochs {
		k.epochs[i] = k.meta.base + int64(i)
		if k.meta.length != epochLen {
			k.epochs[i] = floorDiv(k.epochs[i]*k.meta.length, epochLen)
		}
		if k.meta.stamps[i] > 0 {
			k.last = k.epochs[i]
		}
	}
}

// loadFilter reads the filter. Until then, and without one, every key may be there.
func (k *keyFile) loadFilter() error {
	if k.meta.blocks == 0 || k.meta.probes == 0 {
		return nil
	}
	words, release := allocate(int(k.meta.blocks * blockWords))
	b := make([]byte, 256<<10)
	sum := uint32(0)
	for at := 0; at < len(words); {
		n := min(len(b)/8, len(words)-at)
		if err := readFull(k.f, b[:8*n], k.meta.filterAt()+8*int64(at)); err != nil {
			return errors.Join(fmt.Errorf("%s: filter: %w", k.name, err), release())
		}
		sum = crc32.Update(sum, castagnoli, b[:8*n])
		for i := range n {
			words[at+i] = binary.LittleEndian.Uint64(b[8*i:])
		}
		at += n
	}
	if sum != k.meta.filtered {
		return errors.Join(fmt.Errorf("%s: the filter is damaged", k.name), release())
	}
	k.release = append(k.release, release)
	k.filter.Store(&words)
	return nil
}

// close closes the file and gives its memory back.
func (k *keyFile) close() error {
	err := k.f.Close()
	k.filter.Store(nil)
	for _, r := range k.release {
		err = errors.Join(err, r())
	}
	k.index, k.release = nil, nil
	return err
}

// may says whether the file may hold the key of an entry.
func (k *keyFile) may(e entry) bool {
	filter := k.filter.Load()
	return filter == nil || filterMay(*filter, int(k.meta.probes), e)
}

// place returns where a key stands in the index.
func (k *keyFile) place(a uint64) uint32 {
	return uint32((a - k.meta.lo) >> k.meta.shift)
}

// pageOf returns the last page whose first key is not above a key of this place; -1 when
// there is none. Keys are spread evenly: the page is near where proportion says.
func (k *keyFile) pageOf(place uint32) int {
	n := len(k.index)
	if n == 0 || k.index[0] > place {
		return -1
	}
	lo, hi := 0, n // index[lo] <= place, index[hi] > place (or the end)
	guess := int(uint64(place) * uint64(n) >> 32)
	for step := 8; ; step *= 4 {
		if k.index[guess] <= place {
			lo = guess
			if guess = lo + step; guess >= hi {
				break
			}
		} else {
			hi = guess
			if guess = hi - step; guess <= lo {
				break
			}
		}
	}
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) >> 1); k.index[mid] <= place {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

var errPage = errors.New("the checksum is wrong")

// page reads a page and returns its entries.
func (k *keyFile) page(number int64, b *[pageBytes]byte) ([]byte, error) {
	if err := readFull(k.f, b[:], number*pageBytes); err != nil {
		return nil, err
	}
	return checkPage(b[:], k.meta.id, number)
}

func pageSum(b []byte, id uint64, number int64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], id)
	binary.LittleEndian.PutUint64(place[8:], uint64(number))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, b[4:])
}

func readEntry(b []byte) entry {
	return entry{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func checkPage(b []byte, id uint64, number int64) ([]byte, error) {
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if pageSum(b, id, number) != binary.LittleEndian.Uint32(b) || n > pageEntries {
		return nil, errPage
	}
	return b[pageHead : pageHead+n*entryBytes], nil
}

// find calls yield with the tag and epoch of every entry that has the key of e.
func (k *keyFile) find(e entry, b *[pageBytes]byte, yield func(tag uint64, epoch int64)) (reads int, page int64, err error) {
	place := k.place(e.a)
	for p := k.pageOf(place); p >= 0; p-- {
		entries, err := k.page(int64(p), b)
		reads++
		if err != nil {
			return reads, int64(p), err
		}
		i, n := 0, len(entries)/entryBytes
		for j := n; i < j; { // the first entry that is not below the key
			mid := int(uint(i+j) >> 1)
			if binary.LittleEndian.Uint64(entries[mid*entryBytes:]) < e.a {
				i = mid + 1
			} else {
				j = mid
			}
		}
		for ; i < n; i++ {
			if binary.LittleEndian.Uint64(entries[i*entryBytes:]) != e.a {
				break
			}
			if tag := binary.LittleEndian.Uint64(entries[i*entryBytes+8:]); (tag^e.tag)&keyMask == 0 {
				yield(tag, k.epochs[tag&0xff])
			}
		}
		if k.index[p] < place {
			break // what stands before this page has lower keys
		}
	}
	return reads, 0, nil
}

func keysName(seq uint64) string { return fmt.Sprintf("%016d%s", seq, keysSuffix) }

func readFull(f io.ReaderAt, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if errors.Is(err, fs.ErrClosed) {
		return ErrClosed
	}
	return err
}
