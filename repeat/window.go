package repeat

import (
	"encoding/binary"
	"fmt"

	"github.com/yagura-sec/yagura"
)

// DefaultWindow is the number of events that a [Window] remembers unless told otherwise.
const DefaultWindow = 10_000_000

// The shape of the table. 1,525 buckets doubled ten times are 12,492,800 entries
// in 199,884,800 bytes.
const (
	bucketEntries = 8
	bucketWords   = 2 * bucketEntries
	baseBuckets   = 1525
	maxDoublings  = 10

	generations     = 255 // numbered 1 to 255; 0 marks a free entry
	liveGenerations = 200 // a generation is 1/200 of the window
	sweepEvery      = 50  // generations in which the whole table is swept once
)

// Verdict says what is known of an event's key.
type Verdict uint8

// The verdicts.
const (
	Fresh         Verdict = iota // the key was not among the last events
	Repeat                       // the same key and the same content was
	Conflict                     // the key was there once, with other content
	ConflictAgain                // the key was there with two or more other contents
)

// Item is one event to judge.
type Item struct {
	Key     yagura.Key
	Content uint64
}

// Window remembers the keys of the last events. It is for one goroutine.
type Window struct {
	table     []uint64
	release   func() error
	doublings uint
	most      uint   // doublings that the table has room for
	mask      uint64 // 1<<doublings - 1
	used      int    // entries that are not free, live or not

	generation uint64 // 1 to 255
	inGen      int    // events of this generation so far
	perGen     int
	sweepAt    int // next bucket to sweep
	evicted    uint64
	ages       [256]uint8 // generations since, by generation number; 255 for a free entry
	sink       uint64     // keeps the loads of Judge from being optimised away
}

// New returns a window over at least the last events, at most [DefaultWindow] of
// them. It may remember up to one two-hundredth more, and never fewer than 200.
func New(events int) (*Window, error) {
	if events < 1 || events > DefaultWindow {
		return nil, fmt.Errorf("repeat window: %d events: want 1 to %d", events, DefaultWindow)
	}
	return sized(events, maxDoublings), nil
}

// sized returns a window whose table doubles at most so often.
func sized(events int, most uint) *Window {
	words := baseBuckets << most * bucketWords
	table, release := allocate(words)
	w := &Window{table: table, release: release, most: most, perGen: (events + liveGenerations - 2) / (liveGenerations - 1)}
	w.open(1)
	return w
}

// Close gives the table's memory back. The window must not be used afterwards.
func (w *Window) Close() error {
	if w.table == nil {
		return nil
	}
	w.table = nil
	return w.release()
}

// Evicted counts live entries that were forgotten early because both of their
// buckets were full: repeats of those events are not noticed.
func (w *Window) Evicted() uint64 { return w.evicted }

// Add judges one event and remembers it.
func (w *Window) Add(key yagura.Key, content uint64) Verdict {
	a, b := mix(key)
	return w.add(a, b, content)
}

// Judge is Add for many events in order. out must be as long as items. It is
// faster than a loop over Add because the memory of several events is fetched at once.
func (w *Window) Judge(items []Item, out []Verdict) {
	const group = 16
	var as, bs [group]uint64
	for len(items) > 0 {
		n := min(group, len(items))
		var sum uint64
		for i, it := range items[:n] {
			a, b := mix(it.Key)
			as[i], bs[i] = a, b
			i1, i2 := w.buckets(a, b)
			// A bucket is two cache lines.
			sum += w.table[i1*bucketWords] ^ w.table[i1*bucketWords+bucketEntries] ^
				w.table[i2*bucketWords] ^ w.table[i2*bucketWords+bucketEntries]
		}
		w.sink ^= sum
		for i, it := range items[:n] {
			out[i] = w.add(as[i], bs[i], it.Content)
		}
		items, out = items[n:], out[n:]
	}
}

func (w *Window) add(a, b, content uint64) Verdict {
	w.advance()
	tag := b&0xffffffff00000000 | content&0xffffff<<8
	i1, i2 := w.buckets(a, b)
	one, two := w.bucket(i1), w.bucket(i2)
	free1, at1, others := w.look(one, a, tag)
	if others < 0 {
		return Repeat
	}
	free2, at2, more := w.look(two, a, tag)
	if more < 0 {
		return Repeat
	}
	if i1 != i2 {
		others += more
	}
	switch {
	case free1 == 0 && free2 == 0:
		w.squeeze(a, b, tag|w.generation)
	case free2 > free1:
		w.put(two, at2, a, tag|w.generation)
	default:
		w.put(one, at1, a, tag|w.generation)
	}
	switch others {
	case 0:
		return Fresh
	case 1:
		return Conflict
	}
	return ConflictAgain
}

// look finds the key of (a, tag) in one bucket: others is -1 when it is there with
// the same content (and is now of this generation), else how many other contents it
// has. It also counts the free entries and gives the word of one of them.
func (w *Window) look(bucket []uint64, a, tag uint64) (free, at, others int) {
	b := (*[bucketWords]uint64)(bucket)
	for i := 0; i < bucketWords; i += 2 {
		e := b[i+1]
		if w.ages[e&0xff] >= liveGenerations {
			free++
			at = i
			continue
		}
		if b[i] != a || (e^tag)>>32 != 0 {
			continue
		}
		if (e^tag)>>8 == 0 {
			b[i+1] = tag | w.generation
			return 0, 0, -1
		}
		others++
	}
	return free, at, others
}

// put writes a new entry at a word of a bucket that is not live.
func (w *Window) put(bucket []uint64, at int, a, entry uint64) {
	if bucket[at+1] == 0 {
		w.used++
	}
	bucket[at], bucket[at+1] = a, entry
	if w.doublings < w.most && w.used*4 >= w.entries()*3 {
		w.grow()
	}
}

// squeeze writes a new entry whose buckets are both full: the table grows, another
// entry moves, or the oldest is forgotten.
func (w *Window) squeeze(a, b, entry uint64) {
	for {
		i1, i2 := w.buckets(a, b)
		one, two := w.bucket(i1), w.bucket(i2)
		if free, at := w.room(one); free > 0 {
			w.put(one, at, a, entry)
			return
		}
		if free, at := w.room(two); free > 0 {
			w.put(two, at, a, entry)
			return
		}
		if w.doublings < w.most && w.used*2 >= w.entries() {
			w.grow()
			continue
		}
		bucket, at := w.displace(i1, one)
		if at < 0 {
			bucket, at = w.displace(i2, two)
		}
		if at < 0 {
			bucket, at = w.oldest(one, two)
			w.evicted++
		}
		w.put(bucket, at, a, entry)
		return
	}
}

// room counts a bucket's free entries and gives the word of one of them.
func (w *Window) room(bucket []uint64) (free, at int) {
	for i := 0; i < bucketWords; i += 2 {
		if !w.live(bucket[i+1]) {
			free++
			at = i
		}
	}
	return free, at
}

// displace makes room in a full bucket by moving one of its entries to the other
// bucket of that entry, and returns the word that became free, or -1.
func (w *Window) displace(i uint64, bucket []uint64) ([]uint64, int) {
	for j := 0; j < bucketWords; j += 2 {
		other, second := w.buckets(bucket[j], bucket[j+1])
		if other == i {
			other = second
		}
		to := w.bucket(other)
		if free, at := w.room(to); free > 0 && other != i {
			if to[at+1] != 0 {
				w.used-- // a dead entry is overwritten
			}
			to[at], to[at+1] = bucket[j], bucket[j+1]
			bucket[j], bucket[j+1] = 0, 0
			return bucket, j
		}
	}
	return nil, -1
}

func (w *Window) oldest(one, two []uint64) (bucket []uint64, at int) {
	age := -1
	for _, b := range [2][]uint64{one, two} {
		for i := 0; i < bucketWords; i += 2 {
			if n := int(w.age(b[i+1])); n > age {
				bucket, at, age = b, i, n
			}
		}
	}
	return bucket, at
}

// entries is how many entries the table has room for as it is.
func (w *Window) entries() int { return (baseBuckets << w.doublings) * bucketEntries }

func (w *Window) bucket(i uint64) []uint64 {
	return w.table[i*bucketWords : i*bucketWords+bucketWords : i*bucketWords+bucketWords]
}

// age is the number of generations since an entry was last seen, 255 for a free one.
func (w *Window) age(entry uint64) uint8 { return w.ages[entry&0xff] }

func (w *Window) live(entry uint64) bool { return w.ages[entry&0xff] < liveGenerations }

// open begins a generation.
func (w *Window) open(generation uint64) {
	w.generation = generation
	w.ages[0] = 255
	for g := uint64(1); g <= generations; g++ {
		w.ages[g] = uint8((generation + generations - g) % generations)
	}
}

// advance counts one event, and every perGen events opens a new generation: a part
// of the table is then swept, so that no entry lives to see its number come again.
func (w *Window) advance() {
	if w.inGen++; w.inGen <= w.perGen {
		return
	}
	w.inGen = 1
	w.open(w.generation%generations + 1)
	buckets := baseBuckets << w.doublings
	for range buckets/sweepEvery + 1 {
		b := w.bucket(uint64(w.sweepAt))
		for i := 0; i < bucketWords; i += 2 {
			if b[i+1] != 0 && !w.live(b[i+1]) {
				b[i], b[i+1] = 0, 0
				w.used--
			}
		}
		if w.sweepAt++; w.sweepAt >= buckets {
			w.sweepAt = 0
		}
	}
}

// buckets returns the two buckets of a mixed key. Doubling the table sends an entry
// either nowhere or up by the old number of buckets.
func (w *Window) buckets(a, b uint64) (uint64, uint64) {
	h := b >> 32 * 0x9e3779b97f4a7c15
	x, y := a>>16, (a^h)*0xd6e8feb86659fd93>>16
	return x%baseBuckets + baseBuckets*(x/baseBuckets&w.mask),
		y%baseBuckets + baseBuckets*(y/baseBuckets&w.mask)
}

// grow doubles the table in place.
func (w *Window) grow() {
	old := uint64(baseBuckets) << w.doublings
	w.doublings++
	w.mask = 1<<w.doublings - 1
	advise(w.table[old*bucketWords : 2*old*bucketWords])
	for i := range old {
		from, to := w.bucket(i), w.bucket(i+old)
		n := 0
		for j := 0; j < bucketWords; j += 2 {
			a, e := from[j], from[j+1]
			if e == 0 {
				continue
			}
			// The entry stands here by its first or by its second bucket number.
			goal, second := w.buckets(a, e)
			if goal != i && goal != i+old {
				goal = second
			}
			if goal == i {
				continue
			}
			to[n], to[n+1] = a, e
			n += 2
			from[j], from[j+1] = 0, 0
		}
	}
}

// mix spreads a key over 128 bits (one to one), of which the table keeps the first
// and the upper half of the second 64.
func mix(key yagura.Key) (a, b uint64) {
	lo := binary.LittleEndian.Uint64(key[:8])
	hi := binary.LittleEndian.Uint64(key[8:])
	a = fmix(lo + fmix(hi^0x9e3779b97f4a7c15))
	b = fmix(hi + a)
	return a, b
}

// fmix is the finaliser of MurmurHash3: a bijection whose every output bit depends
// on every input bit.
func fmix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
