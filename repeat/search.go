package repeat

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// readers is how many pages are read at a time: a disk that is not cached takes long for
// one page, and not longer for many.
const readers = 16

// pageRead is an item that has to be looked for in a file.
type pageRead struct {
	item int32
	file *keyFile
}

// answers is what one reader found.
type answers struct {
	hits  []hit
	bad   []badPage
	reads int64
	page  [pageBytes]byte
}

type hit struct {
	item  int32
	tag   uint64
	epoch int64
}

type badPage struct {
	file *keyFile
	page int64
	err  error
}

// search finds the entries that have the keys of the items. The lock is held.
func (d *Disk) search(s *judgeScratch, now int64) {
	s.reads = s.reads[:0]
	for i, e := range s.keys {
		for _, t := range d.tables {
			t.find(e, func(tag uint64) { s.add(i, tag, t.epoch(tag)) })
		}
		for _, f := range d.view.runs {
			if f.last >= now-liveEpochs && f.may(e) {
				s.reads = append(s.reads, pageRead{int32(i), f})
			}
		}
		if f := d.view.shards[e.a>>shardShift]; f != nil && f.last >= now-liveEpochs && f.may(e) {
			s.reads = append(s.reads, pageRead{int32(i), f})
		}
	}
	if len(s.reads) == 0 {
		return
	}
	n := min(readers, len(s.reads)/8+1)
	var next atomic.Int64
	if n == 1 {
		s.read(&s.answers[0], &next)
	} else {
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() { s.read(&s.answers[i], &next) })
		}
		wait.Wait()
	}
	for i := range n {
		a := &s.answers[i]
		for _, h := range a.hits {
			s.add(int(h.item), h.tag, h.epoch)
		}
		for _, b := range a.bad {
			if b.file.bad[b.page] {
				continue
			}
			if b.file.bad == nil {
				b.file.bad = map[int64]bool{}
			}
			b.file.bad[b.page] = true
			d.problem(fmt.Errorf("repeat: %s: page %d: %w: repeats of the events whose keys it held are not noticed", b.file.name, b.page, b.err))
		}
		d.stats.Reads += a.reads
		a.hits, a.bad, a.reads = a.hits[:0], a.bad[:0], 0
	}
}

// read answers reads until there are none left.
func (s *judgeScratch) read(a *answers, next *atomic.Int64) {
	for {
		i := next.Add(1) - 1
		if i >= int64(len(s.reads)) {
			return
		}
		r := s.reads[i]
		reads, page, err := r.file.find(s.keys[r.item], &a.page, func(tag uint64, epoch int64) {
			a.hits = append(a.hits, hit{r.item, tag, epoch})
		})
		if a.reads += int64(reads); err != nil {
			a.bad = append(a.bad, badPage{r.file, page, err})
		}
	}
}
