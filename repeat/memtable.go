package repeat

import (
	"math"
	"math/bits"
)

// entry is one remembered event, everywhere on disk and in memory: 96 bits of the
// mixed key, 24 bits of the content hash, and an age stamp of 8 bits whose base stands
// elsewhere. tag is key | content | stamp from the top.
type entry struct{ a, tag uint64 }

const (
	keyMask     = 0xffffffff00000000 // the part of a tag that is key
	contentMask = 0x00000000ffffff00
	entryBytes  = 16
)

func makeEntry(a, b, content uint64) entry {
	return entry{a, b&keyMask | content<<8&contentMask}
}

// before orders entries by key, then content, then stamp.
func (e entry) before(f entry) bool { return e.a < f.a || e.a == f.a && e.tag < f.tag }

// sameKey says whether two entries have the same key.
func (e entry) sameKey(f entry) bool { return e.a == f.a && (e.tag^f.tag)&keyMask == 0 }

// sameEvent says whether two entries have the same key and the same content.
func (e entry) sameEvent(f entry) bool { return e.a == f.a && (e.tag^f.tag)>>8 == 0 }

// memtable holds the latest entries. It is an open-addressing table whose hash is the
// key itself, scaled: read from front to back it is sorted, so that it is written to a
// file without being sorted and without other memory. It is outside the heap.
type memtable struct {
	words   []uint64 // a and tag of each slot; a slot whose tag is 0 is free
	release func() error
	slots   uint64 // that keys hash to; a few more follow
	used    int
	base    int64 // epoch of stamp 1

	last, first int64  // latest and earliest epoch of an entry
	mark        uint64 // the highest mark of an entry
}

const (
	firstSlots = 1 << 13
	spareSlots = 1 << 10
)

func newMemtable(base int64) *memtable {
	t := &memtable{base: base, first: math.MaxInt64, last: math.MinInt64}
	t.room(firstSlots)
	return t
}

func (t *memtable) room(slots uint64) {
	t.words, t.release = allocate(int(slots+spareSlots) * 2)
	t.slots = slots
}

func (t *memtable) free() error {
	if t.release == nil {
		return nil
	}
	release := t.release
	t.words, t.release = nil, nil
	return release()
}

// stamp turns an epoch into a stamp of the table: 1 to 255.
func (t *memtable) stamp(epoch int64) uint64 {
	return uint64(min(max(epoch-t.base, 0), 254) + 1)
}

func (t *memtable) epoch(tag uint64) int64 { return t.base + int64(tag&0xff) - 1 }

func (t *memtable) home(a uint64) uint64 {
	slot, _ := bits.Mul64(a, t.slots)
	return slot
}

// find calls yield with every entry that has the key of e.
func (t *memtable) find(e entry, yield func(tag uint64)) {
	for i := 2 * t.home(e.a); i < uint64(len(t.words)) && t.words[i+1] != 0 && t.words[i] <= e.a; i += 2 {
		if t.words[i] == e.a && (t.words[i+1]^e.tag)&keyMask == 0 {
			yield(t.words[i+1])
		}
	}
}

// add puts in an entry of an epoch, or gives the same event that is there the later of
// the two epochs.
func (t *memtable) add(e entry, epoch int64, mark uint64) {
	t.first, t.last, t.mark = min(t.first, epoch), max(t.last, epoch), max(t.mark, mark)
	e.tag = e.tag&^0xff | t.stamp(epoch)
	if uint64(t.used) >= t.slots/4*3 {
		t.grow()
	}
	for !t.insert(e) {
		t.grow()
	}
}

// insert returns false when there is no room at the end of the table.
func (t *memtable) insert(e entry) bool {
	w := t.words
	i := 2 * int(t.home(e.a))
	for ; i < len(w) && w[i+1] != 0; i += 2 {
		at := entry{w[i], w[i+1]}
		if at.sameEvent(e) {
			w[i+1] = at.tag&^0xff | max(at.tag&0xff, e.tag&0xff)
			return true
		}
		if e.before(at) {
			break
		}
	}
	end := i
	for end < len(w) && w[end+1] != 0 {
		end += 2
	}
	if end >= len(w) {
		return false
	}
	copy(w[i+2:end+2], w[i:end])
	w[i], w[i+1] = e.a, e.tag
	t.used++
	return true
}

// grow moves the entries, in order, into a table of twice the size.
func (t *memtable) grow() {
	old, release := t.words, t.release
	for slots := 2 * t.slots; ; slots *= 2 {
		t.room(slots)
		if t.refill(old) {
			break
		}
		_ = t.release() // nothing was lost: the entries are still in the old one
	}
	_ = release()
}

func (t *memtable) refill(old []uint64) bool {
	next := 0
	for i := 0; i < len(old); i += 2 {
		if old[i+1] == 0 {
			continue
		}
		next = max(next, 2*int(t.home(old[i])))
		if next >= len(t.words) {
			return false
		}
		t.words[next], t.words[next+1] = old[i], old[i+1]
		next += 2
	}
	return true
}

// all hands out the entries in order.
func (t *memtable) all(yield func(entry) bool) {
	for i := 0; i < len(t.words); i += 2 {
		if t.words[i+1] != 0 && !yield(entry{t.words[i], t.words[i+1]}) {
			return
		}
	}
}
