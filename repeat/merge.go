package repeat

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	tierRuns    = 8  // so many memory tables are merged into one run
	youngShare  = 12 // runs are merged into the shards when they hold this share of them
	youngTables = 4  // and at least so many memory tables
	readPages   = 32
	runBits     = 10.0 // of filter per key of a run
	maxBits     = 12.0
	// mergeRate is how many bytes a second a merge writes, so that the log's fsync and the
	// reads of Judge have the disk to themselves most of the time.
	mergeRate = 32 << 20
)

// stretch is the entries of one file within bounds, in order.
type stretch struct {
	k     *keyFile
	d     *Disk
	upto  uint64 // last key, included
	page  int64
	pages []byte // read ahead
	rest  []byte // entries of the page
	at    entry
	epoch int64
	buf   []byte
	read  int64 // entries
	whole bool  // every entry of the file must be met
}

// next moves to the next entry; false at the end. Damaged pages are said and left out.
func (s *stretch) next() (bool, error) {
	for len(s.rest) == 0 {
		if len(s.pages) == 0 {
			n := min(readPages, s.k.meta.pages()-s.page)
			if n <= 0 {
				return false, nil
			}
			if s.buf == nil {
				s.buf = make([]byte, readPages*pageBytes)
			}
			s.pages = s.buf[:n*pageBytes]
			if err := readFull(s.k.f, s.pages, s.page*pageBytes); errors.Is(err, ErrClosed) {
				return false, err
			} else if err != nil {
				// Somewhere in these pages: they are read one by one.
				s.pages = s.buf[:pageBytes]
				if err := readFull(s.k.f, s.pages, s.page*pageBytes); err != nil {
					s.whole = false
					s.d.trouble(fmt.Errorf("%s: page %d: %w: repeats of the events whose keys it held are not noticed", s.k.name, s.page, err))
					s.pages = nil
					s.page++
					continue
				}
			}
		}
		entries, err := checkPage(s.pages[:pageBytes], s.k.meta.id, s.page)
		if err != nil {
			s.whole = false
			s.d.trouble(fmt.Errorf("%s: page %d: %w: repeats of the events whose keys it held are not noticed", s.k.name, s.page, err))
		}
		s.rest = entries
		s.pages = s.pages[pageBytes:]
		s.page++
	}
	s.at = readEntry(s.rest)
	s.rest = s.rest[entryBytes:]
	s.epoch = s.k.epochs[s.at.tag&0xff]
	s.read++
	return s.at.a <= s.upto, nil
}

// merger merges stretches into one order.
type merger struct {
	heads []*stretch // sorted by their entries
	all   []*stretch
}

// complete says whether every entry was met that had to be: the merged files are removed
// afterwards, so a mistake must not go unnoticed.
func (m *merger) complete() error {
	for _, s := range m.all {
		if s.whole && s.read != s.k.meta.keys {
			return fmt.Errorf("%s: %d of %d keys were met", s.k.name, s.read, s.k.meta.keys)
		}
	}
	return nil
}

func newMerger(d *Disk, files []*keyFile, from, upto uint64) (*merger, error) {
	m := &merger{}
	for _, k := range files {
		s := &stretch{k: k, d: d, upto: upto, whole: k.meta.shard >= 0 || from == 0 && upto == math.MaxUint64}
		m.all = append(m.all, s)
		if from > k.meta.lo {
			s.page = max(0, int64(k.pageOf(k.place(from))))
			for s.page > 0 && k.index[s.page] == k.place(from) {
				s.page--
			}
		}
		for {
			ok, err := s.next()
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			if s.at.a >= from {
				m.heads = append(m.heads, s)
				break
			}
		}
	}
	slices.SortFunc(m.heads, func(a, b *stretch) int {
		if a.at.before(b.at) {
			return -1
		}
		return 1
	})
	return m, nil
}

// next returns the lowest event with the latest epoch that it has anywhere.
func (m *merger) next() (e entry, epoch int64, ok bool, err error) {
	if len(m.heads) == 0 {
		return entry{}, 0, false, nil
	}
	e, epoch = m.heads[0].at, math.MinInt64
	for len(m.heads) > 0 && m.heads[0].at.sameEvent(e) {
		s := m.heads[0]
		epoch = max(epoch, s.epoch)
		more, err := s.next()
		if err != nil {
			return entry{}, 0, false, err
		}
		if !more {
			m.heads = m.heads[1:]
			continue
		}
		// Most entries come from one file: it mostly stays the first.
		i := 0
		for i+1 < len(m.heads) && m.heads[i+1].at.before(s.at) {
			m.heads[i] = m.heads[i+1]
			i++
		}
		m.heads[i] = s
	}
	return e, epoch, true, nil
}

// forgetting says which entries a merge leaves out.
type forgetting struct {
	expired int64  // epochs before this have left the window; merge sets it
	cutoff  int64  // epochs before this are too many
	share   uint64 // and of the cutoff's own those whose hash is below it, of 2^32
	salt    uint64 // of the hash: not the same ones are spared each time
}

func (f *forgetting) evicts(e entry, epoch int64) bool {
	return epoch < f.cutoff || epoch == f.cutoff && fmix(e.a^f.salt)>>32 < f.share
}

// plan decides what is forgotten because there are too many keys.
func plan(now int64, most, total int64, files []*keyFile) forgetting {
	f := forgetting{cutoff: math.MinInt64, salt: rand.Uint64()} //nolint:gosec // it guards nothing
	// Chance picks inside an epoch: a hundredth more is spared, so that enough remain.
	excess := total - most - most/100
	if excess <= 0 {
		return f
	}
	counts := map[int64]int64{}
	for _, k := range files {
		for i, n := range k.meta.stamps {
			if n > 0 {
				counts[k.epochs[i]] += int64(n)
			}
		}
	}
	var epochs []int64
	for e := range counts {
		epochs = append(epochs, e)
	}
	slices.Sort(epochs)
	for _, e := range epochs {
		n := counts[e]
		if e < now-liveEpochs {
			excess -= n
			continue
		}
		if excess <= 0 {
			break
		}
		if f.cutoff = e; n > excess {
			f.share = uint64(float64(excess) / float64(n) * (1 << 32))
			break
		}
		f.share = 1 << 32
		excess -= n
	}
	return f
}

// merge writes one file from others. It returns nil when nothing remains.
func (d *Disk) merge(p keyPlan, files []*keyFile, f forgetting) (*keyFile, error) {
	from, upto := uint64(0), uint64(math.MaxUint64)
	if p.shard >= 0 {
		from = uint64(p.shard) << shardShift
		upto = from + (1<<shardShift - 1)
	}
	// A merge of many shards takes time: what expires is decided for each. Stamps are for
	// what lives.
	_, now := d.now()
	f.expired = now - liveEpochs
	first := int64(math.MaxInt64)
	for _, k := range files {
		for i, n := range k.meta.stamps {
			if n > 0 {
				first = min(first, k.epochs[i])
				break
			}
		}
		p.mark = max(p.mark, k.meta.mark)
		p.most += k.within(from, upto)
	}
	p.base = max(f.expired, min(first, now)) - 1
	p.seq = d.seq()
	m, err := newMerger(d, files, from, upto)
	if err != nil {
		return nil, err
	}
	w, err := newKeyWriter(d.o.FS, d.dir, p)
	if err != nil {
		return nil, err
	}
	var expired, evicted int64
	for {
		e, epoch, ok, err := m.next()
		if err != nil {
			return nil, errors.Join(err, w.abort())
		}
		if !ok {
			break
		}
		if epoch < f.expired {
			expired++
			continue
		}
		if f.evicts(e, epoch) {
			evicted++
			continue
		}
		e.tag = e.tag&^0xff | uint64(min(epoch-p.base, maxStamps-1))
		if err := w.add(e); err != nil {
			return nil, errors.Join(err, w.abort())
		}
	}
	if err := m.complete(); err != nil {
		return nil, errors.Join(err, w.abort())
	}
	k, err := w.finish(d.epochLen)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.stats.Expired += expired
	d.stats.Evicted += evicted
	d.mu.Unlock()
	return k, nil
}

// within returns about how many keys of a file are within bounds, never too few by much.
func (k *keyFile) within(from, upto uint64) int64 {
	if k.meta.shard >= 0 || from == 0 && upto == math.MaxUint64 {
		return k.meta.keys
	}
	first, last := k.pageOf(k.place(from)), k.pageOf(k.place(upto))
	return min(k.meta.keys, int64(last-max(first, 0)+1)*pageEntries)
}

// seq returns a number for a new file.
func (d *Disk) seq() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nextSeq++
	return d.nextSeq - 1
}

// shardBitsPerKey shares out the memory: runs get what makes false answers rare, because
// each of them is asked; the shards, of which one is asked, get the rest.
func (d *Disk) shardBitsPerKey(keys int64) float64 {
	young := max(keys/youngShare, int64(youngTables*d.o.tableKeys))
	budget := float64(d.o.FilterBytes)*8 - float64(young)*runBits - float64(keys+young)*32/pageEntries
	return min(max(budget/float64(max(keys, 1)), 1), maxBits)
}

// work is the goroutine that loads filters, merges and expires.
func (d *Disk) work() {
	defer d.background.Done()
	for f := range d.files().all {
		if f.filter.Load() != nil {
			continue
		}
		if err := f.loadFilter(); errors.Is(err, ErrClosed) {
			return
		} else if err != nil {
			d.trouble(fmt.Errorf("%w: it is made anew with the next merge; until then more is read from the disk", err))
		}
		if d.stopped() {
			return
		}
	}
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-d.wake:
		case <-retry.C:
		}
		for {
			did, err := d.tidy()
			if errors.Is(err, ErrClosed) {
				return
			}
			if err != nil {
				d.trouble(fmt.Errorf("merge: %w", err))
				retry.Reset(10 * d.o.retry)
				break
			}
			if !did {
				break
			}
		}
	}
}

func (d *Disk) files() *view {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view
}

func (d *Disk) stopped() bool {
	select {
	case <-d.stop:
		return true
	default:
		return false
	}
}

// tidy does the most urgent piece of work, if there is any.
func (d *Disk) tidy() (bool, error) {
	v := d.files()
	_, now := d.now()
	var young, old, expired int64
	var gone []*keyFile
	for _, r := range v.runs {
		if r.last < now-liveEpochs {
			gone, expired = append(gone, r), expired+r.meta.keys
			continue
		}
		young += r.meta.keys
	}
	for _, s := range v.shards {
		if s != nil {
			old += s.meta.keys
		}
	}
	if len(gone) > 0 {
		return true, d.install(nil, gone, func() { d.stats.Expired += expired })
	}
	if young >= max(old/youngShare, int64(youngTables*d.o.tableKeys)) {
		return true, d.settle(v, now, young+old)
	}
	if did, err := d.tier(v); did || err != nil {
		return did, err
	}
	for i, s := range v.shards {
		if s == nil {
			continue
		}
		var dead int64
		for j, n := range s.meta.stamps {
			if s.epochs[j] < now-liveEpochs {
				dead += int64(n)
			}
		}
		if dead > s.meta.keys/4 {
			return true, d.replace(int64(i), []*keyFile{s}, forgetting{cutoff: math.MinInt64}, old)
		}
	}
	return false, nil
}

// tier merges runs that are memory tables into one run, when there are enough.
func (d *Disk) tier(v *view) (bool, error) {
	var small []*keyFile
	for _, r := range v.runs {
		if r.meta.tier == 0 {
			small = append(small, r)
		}
	}
	if len(small) < tierRuns {
		return false, nil
	}
	k, err := d.merge(keyPlan{shard: -1, tier: 1, bitsPerKey: runBits, epochLen: d.epochLen, pace: d.pace()}, small,
		forgetting{cutoff: math.MinInt64})
	if err != nil {
		return false, err
	}
	return true, d.put(k, small)
}

// put installs what a merge made in the place of what it was made from.
func (d *Disk) put(k *keyFile, gone []*keyFile) error {
	var add []*keyFile
	if k != nil {
		add = append(add, k)
	}
	return d.install(add, gone, nil)
}

// settle merges all runs into the shards, one shard after the other. Each step leaves a
// complete window: until the runs go, some keys stand in two places.
func (d *Disk) settle(v *view, now, total int64) error {
	forget := plan(now, d.o.MaxKeys, total, slices.Collect(v.all))
	for i, s := range v.shards {
		inputs := slices.Clone(v.runs)
		if s != nil {
			inputs = append(inputs, s)
		}
		if err := d.replace(int64(i), inputs, forget, min(total, d.o.MaxKeys)); err != nil {
			return err
		}
		// New runs come in meanwhile.
		if _, err := d.tier(&view{runs: slices.DeleteFunc(slices.Clone(d.files().runs), func(r *keyFile) bool { return slices.Contains(v.runs, r) })}); err != nil {
			return err
		}
	}
	return d.install(nil, v.runs, nil)
}

// replace writes a shard anew.
func (d *Disk) replace(shard int64, inputs []*keyFile, forget forgetting, total int64) error {
	old := d.files().shards[shard]
	k, err := d.merge(keyPlan{shard: shard, bitsPerKey: d.shardBitsPerKey(total), epochLen: d.epochLen, pace: d.pace()}, inputs, forget)
	if err != nil {
		return err
	}
	if k == nil && old == nil {
		return nil
	}
	var gone []*keyFile
	if old != nil {
		gone = append(gone, old)
	}
	return d.put(k, gone)
}

// pace returns what slows a merge down, and ends it when the window is closed.
func (d *Disk) pace() func(int) error {
	begin, written := time.Now(), 0
	timer := time.NewTimer(0)
	<-timer.C
	return func(n int) error {
		written += n
		wait := time.Duration(float64(written)/mergeRate*float64(time.Second)) - time.Since(begin)
		if d.hurried() || wait < time.Millisecond {
			if d.stopped() {
				return ErrClosed
			}
			return nil
		}
		timer.Reset(wait)
		select {
		case <-d.stop:
			return ErrClosed
		case <-timer.C:
			return nil
		}
	}
}

// hurried says that runs come in faster than they are merged.
func (d *Disk) hurried() bool { return len(d.files().runs) > 4*tierRuns }
