package push

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/segment"
)

// An entry in its frame: version, received (8 bytes, nanoseconds), hash of the identity
// (16 bytes, zero for none), where it was before it was moved (two uvarints, zero for
// not), body.
const entryVersion = 1

type storedEntry struct {
	received time.Time
	hash     [16]byte
	moved    segment.Position
	body     []byte
}

var errEntry = errors.New("not an entry of a received log")

// entryOverhead is the most that an entry takes beside its body.
const entryOverhead = 1 + 8 + 16 + 2*binary.MaxVarintLen64

// sealEntry appends the stored form of an entry to b.
func sealEntry(b []byte, hash [16]byte, moved segment.Position, received time.Time, body []byte) []byte {
	b = append(b, entryVersion)
	b = binary.LittleEndian.AppendUint64(b, uint64(received.UnixNano()))
	b = append(b, hash[:]...)
	b = binary.AppendUvarint(b, moved.File)
	b = binary.AppendUvarint(b, uint64(moved.Offset))
	return append(b, body...)
}

func openEntry(b []byte) (e storedEntry, err error) {
	if len(b) < 27 || b[0] != entryVersion {
		return e, errEntry
	}
	e.received = time.Unix(0, int64(binary.LittleEndian.Uint64(b[1:]))).UTC()
	copy(e.hash[:], b[9:])
	b = b[25:]
	file, n := binary.Uvarint(b)
	if n <= 0 {
		return e, errEntry
	}
	offset, m := binary.Uvarint(b[n:])
	if m <= 0 || offset > 1<<62 {
		return e, errEntry
	}
	e.moved = segment.Position{File: file, Offset: int64(offset)}
	e.body = b[n+m:]
	return e, nil
}

// hashIdentity is the short form of an identity that the log compares; zero for none.
func hashIdentity(identity string) (h [16]byte) {
	if identity != "" {
		sum := sha256.Sum256([]byte(identity))
		copy(h[:], sum[:])
	}
	return h
}

func containsHash(list [][16]byte, h [16]byte) bool {
	return slices.Contains(list, h)
}

// The notes of the done log. A frame is notes one after the other.
const (
	noteDone  = 'd' // an entry is done: its place, the hash of its identity, the second
	noteLease = 'l' // an entry was handed out: its place
)

func appendNote(b []byte, kind byte, p segment.Position) []byte {
	b = append(b, kind)
	b = binary.AppendUvarint(b, p.File)
	return binary.AppendUvarint(b, uint64(p.Offset))
}

func appendDone(b []byte, p segment.Position, hash [16]byte, at time.Time) []byte {
	b = appendNote(b, noteDone, p)
	b = append(b, hash[:]...)
	return binary.AppendUvarint(b, uint64(max(at.Unix(), 0)))
}

// loadDone reads the notes of one frame.
func (l *FileLog) loadDone(f segment.Frame) error {
	for b := f.Data; len(b) > 0; {
		kind := b[0]
		file, n := binary.Uvarint(b[1:])
		if n <= 0 {
			return errEntry
		}
		offset, m := binary.Uvarint(b[1+n:])
		if m <= 0 || offset > 1<<62 {
			return errEntry
		}
		p := segment.Position{File: file, Offset: int64(offset)}
		b = b[1+n+m:]
		var at time.Time
		switch kind {
		case noteLease:
			l.tries[p]++
		case noteDone:
			if len(b) < 17 {
				return errEntry
			}
			var hash [16]byte
			copy(hash[:], b)
			second, n := binary.Uvarint(b[16:])
			if n <= 0 || second > 1<<40 {
				return errEntry
			}
			b = b[16+n:]
			at = time.Unix(int64(second), 0)
			l.skip[p] = true
			delete(l.tries, p)
			if hash != ([16]byte{}) && l.o.Now().Sub(at) < l.o.Memory {
				l.ids.add(hash, l.o.Now())
			}
		default:
			return errEntry
		}
		l.mark(f.Position.File, p.File, at)
	}
	return nil
}

// mark remembers what a file of the done log speaks of.
func (l *FileLog) mark(number, file uint64, at time.Time) {
	if n := len(l.marks); n == 0 || l.marks[n-1].number != number {
		l.marks = append(l.marks, doneMark{number: number})
	}
	m := &l.marks[len(l.marks)-1]
	m.most = max(m.most, file)
	if at.After(m.last) {
		m.last = at
	}
}

// memory knows the identities of a while in two generations.
type memory struct {
	window    time.Duration
	since     time.Time
	now, last map[[16]byte]struct{}
}

// remembered is how many identities one generation holds: about 20 MB for both.
const remembered = 256 << 10

func (m *memory) turn(now time.Time) {
	switch {
	case m.now == nil || now.Sub(m.since) >= 2*m.window || now.Before(m.since.Add(-m.window)):
		m.now, m.last = map[[16]byte]struct{}{}, nil
	case now.Sub(m.since) >= m.window || len(m.now) >= remembered:
		m.last, m.now = m.now, map[[16]byte]struct{}{}
	default:
		return
	}
	m.since = now
}

func (m *memory) add(h [16]byte, now time.Time) {
	m.turn(now)
	m.now[h] = struct{}{}
}

func (m *memory) has(h [16]byte, now time.Time) bool {
	m.turn(now)
	if _, ok := m.now[h]; ok {
		return true
	}
	_, ok := m.last[h]
	return ok
}
