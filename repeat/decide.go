package repeat

import "math/bits"

// found is one entry that has the key of an item.
type found struct {
	tag   uint64
	epoch int64
	next  int32 // of the same item, 0: none; index + 1
}

// judgeScratch is the memory of Judge, kept from call to call.
type judgeScratch struct {
	keys  []entry // of the items
	heads []int32 // first found of each item; index + 1
	found []found

	fresh []entry
	slots []int32 // table of the batch by key: item of fresh; index + 1
	chain []int32 // next of fresh with the same slot; index + 1

	reads   []pageRead
	answers [readers]answers
}

func (s *judgeScratch) reset(items []Item) {
	n := len(items)
	if cap(s.keys) < n || cap(s.keys) > 1<<16 && n < 1<<14 {
		s.keys, s.heads = make([]entry, n), make([]int32, n)
		s.slots, s.chain, s.fresh, s.found = nil, nil, nil, nil
	}
	s.keys, s.heads = s.keys[:n], s.heads[:n]
	clear(s.heads)
	s.found, s.fresh, s.chain = s.found[:0], s.fresh[:0], s.chain[:0]
	for i, it := range items {
		a, b := mix(it.Key)
		s.keys[i] = makeEntry(a, b, it.Content)
	}
	size := 1 << bits.Len(uint(2*n))
	if cap(s.slots) < size {
		s.slots = make([]int32, size)
	}
	s.slots = s.slots[:size]
	clear(s.slots)
}

// add notes that an entry with the key of item i was found.
func (s *judgeScratch) add(i int, tag uint64, epoch int64) {
	s.found = append(s.found, found{tag, epoch, s.heads[i]})
	s.heads[i] = int32(len(s.found))
}

// decide gives the verdicts and returns the entries that have to be remembered.
func (s *judgeScratch) decide(items []Item, out []Verdict, now int64) []entry {
	mask := uint64(len(s.slots) - 1)
	for i := range items {
		e := s.keys[i]
		newest, same := int64(0), false
		others, other := 0, uint64(0)
		see := func(tag uint64, epoch int64) {
			switch {
			case (tag^e.tag)&contentMask == 0:
				if !same || epoch > newest {
					newest, same = epoch, true
				}
			case others == 0:
				others, other = 1, tag&contentMask
			case tag&contentMask != other:
				others = 2
			}
		}
		for j := s.heads[i]; j != 0; j = s.found[j-1].next {
			if f := &s.found[j-1]; f.epoch >= now-liveEpochs {
				see(f.tag, f.epoch)
			}
		}
		slot := e.a >> 20 & mask
		for j := s.slots[slot]; j != 0; j = s.chain[j-1] {
			if f := s.fresh[j-1]; f.sameKey(e) {
				see(f.tag, now)
			}
		}
		switch {
		case same:
			out[i] = Repeat
		case others == 0:
			out[i] = Fresh
		case others == 1:
			out[i] = Conflict
		default:
			out[i] = ConflictAgain
		}
		// A repeat renews what it repeats, unless that is young.
		if !same || newest < now-refreshEpochs {
			s.fresh = append(s.fresh, e)
			s.chain = append(s.chain, s.slots[slot])
			s.slots[slot] = int32(len(s.fresh))
		}
	}
	return s.fresh
}
