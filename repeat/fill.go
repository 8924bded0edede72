package repeat

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/segment"
)

// Fill makes the window of an empty directory with n random keys, all committed under
// mark 0, whose arrivals are spread over the last nine tenths of the window: what a
// service has after days. It is for measurements. The options are those that the window
// will be opened with.
func Fill(dir string, n int64, o DiskOptions, seed uint64) error {
	d, err := OpenDisk(dir, o)
	if err != nil {
		return err
	}
	if s := d.Stats(); s.Keys > 0 {
		return errors.Join(fmt.Errorf("repeat: fill %s: it holds %d keys already", dir, s.Keys), d.Close())
	}
	return errors.Join(d.fill(n, seed), d.Close())
}

func (d *Disk) fill(n int64, seed uint64) error {
	var wait sync.WaitGroup
	next := make(chan int64)
	files := make([]*keyFile, shards)
	errs := make([]error, shards)
	for range 2 {
		wait.Go(func() {
			for i := range next {
				files[i], errs[i] = d.fillShard(i, n/shards+min(max(n%shards-i, 0), 1), n, seed)
			}
		})
	}
	for i := range int64(shards) {
		next <- i
	}
	close(next)
	wait.Wait()
	var add []*keyFile
	for _, f := range files {
		if f != nil {
			add = append(add, f)
		}
	}
	if err := errors.Join(errs...); err != nil {
		for _, f := range add {
			err = errors.Join(err, f.close(), d.o.FS.Remove(filepath.Join(d.dir, f.name)))
		}
		return fmt.Errorf("repeat: fill: %w", err)
	}
	return d.install(add, nil, nil)
}

// fillShard writes m keys that are spread evenly by chance. Gaps between sorted random
// numbers are exponential: they are drawn twice, first for their sum.
func (d *Disk) fillShard(shard, m, n int64, seed uint64) (*keyFile, error) {
	if m == 0 {
		return nil, nil
	}
	_, now := d.now()
	gaps := func() func() float64 {
		r := rand.New(rand.NewPCG(seed, uint64(shard))) //nolint:gosec // random keys for a measurement
		return r.ExpFloat64
	}
	gap, sum := gaps(), 0.0
	for range m + 1 {
		sum += gap()
	}
	w, err := newKeyWriter(d.o.FS, d.dir, keyPlan{seq: d.seq(), shard: shard, most: m, bitsPerKey: d.shardBitsPerKey(n),
		base: now - windowEpochs, epochLen: d.epochLen})
	if err != nil {
		return nil, err
	}
	tags := rand.New(rand.NewPCG(seed, uint64(shards+shard))) //nolint:gosec // random keys for a measurement
	gap = gaps()
	at, scale, last := 0.0, float64(uint64(1)<<shardShift)/sum, uint64(0)
	for range m {
		at += gap()
		// A float64 has 53 bits: the lower ones of the 58 come from elsewhere.
		t := tags.Uint64()
		a := min(uint64(at*scale), 1<<shardShift-1)&^0x3f | t&0x3f
		if a <= last && last > 0 {
			a = min(last+1, 1<<shardShift-1)
		}
		last = a
		stamp := windowEpochs/10 + (t>>8&0xffff)*(windowEpochs*9/10)>>16
		if err := w.add(entry{uint64(shard)<<shardShift | a, t&(keyMask|contentMask) | stamp}); err != nil {
			return nil, errors.Join(err, w.abort())
		}
	}
	return w.finish(d.epochLen)
}

// Filled returns up to n events that a window made by [Fill] holds, evenly from everywhere
// and of the younger half of the arrivals, for measurements.
func Filled(dir string, n int64) ([]Item, error) {
	names, err := segment.OS.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []*keyFile
	var total int64
	for _, name := range names {
		if filepath.Ext(name) != keysSuffix {
			continue
		}
		f, err := openKeys(segment.OS, dir, name, 1)
		if err != nil {
			return nil, err
		}
		files, total = append(files, f), total+f.meta.keys
	}
	var items []Item
	var page [pageBytes]byte
	step := max(float64(total)/float64(max(2*n, 1)), 1)
	at := 0.0
	for _, f := range files {
		for ; at < float64(f.meta.keys); at += step {
			entries, err := f.page(int64(at)/pageEntries, &page)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			e := readEntry(entries[int64(at)%pageEntries*entryBytes:])
			if e.tag&0xff < windowEpochs*13/20 {
				continue // it may be evicted soon
			}
			items = append(items, Item{unmix(e.a, e.tag&keyMask), e.tag >> 8 & 0xffffff})
		}
		at -= float64(f.meta.keys)
		if err := f.close(); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// unmix returns a key that [mix] turns into a and b.
func unmix(a, b uint64) (key yagura.Key) {
	hi := unfmix(b) - a
	lo := unfmix(a) - fmix(hi^0x9e3779b97f4a7c15)
	for i := range 8 {
		key[i], key[8+i] = byte(lo>>(8*i)), byte(hi>>(8*i))
	}
	return key
}

// unfmix is the inverse of fmix.
func unfmix(x uint64) uint64 {
	x ^= x >> 33
	x *= inverse(0xc4ceb9fe1a85ec53)
	x ^= x >> 33
	x *= inverse(0xff51afd7ed558ccd)
	return x ^ x>>33
}

// inverse returns the multiplicative inverse of an odd number modulo 2^64.
func inverse(x uint64) uint64 {
	y := x
	for range 6 { // each step doubles the number of right bits
		y *= 2 - x*y
	}
	return y
}
