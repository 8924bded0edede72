package detect

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/yagura-sec/yagura"
)

// A record is a key, by which records sort, and what a finding needs:
// correlation (4 bytes), group, time (8), event key (16), base (2), for a finding of
// another correlation when it was known to hold (8), values, the rows of values to hand
// on where the correlation carries any, head.

// headTexts is how many texts a head begins with.
const headTexts = 12

// keySize is how many bytes encodeKey writes beside the group.
const keySize = 4 + 8 + len(yagura.Key{}) + 2

func encodeKey(dst []byte, fd feed, group []byte, t int64, key yagura.Key) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(fd.corr))
	dst = append(dst, group...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(t)^1<<63)
	dst = append(dst, key[:]...)
	return binary.BigEndian.AppendUint16(dst, uint16(fd.base))
}

func appendFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
}

// appendList appends values, or rows of values to hand on.
func appendList(dst []byte, list [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, b := range list {
		dst = append(binary.AppendUvarint(dst, uint64(len(b))), b...)
	}
	return dst
}

// decodeList reads what appendList wrote; it returns what follows.
func decodeList(dst [][]byte, b []byte) (list [][]byte, rest []byte, ok bool) {
	count, size := binary.Uvarint(b)
	if size <= 0 || count > maxRows {
		return nil, nil, false
	}
	b = b[size:]
	for range count {
		n, size := binary.Uvarint(b)
		if size <= 0 || uint64(len(b)-size) < n {
			return nil, nil, false
		}
		dst = append(dst, b[size:size+int(n)])
		b = b[size+int(n):]
	}
	return dst, b, true
}

// encodeRow writes the values of some fields of one event.
func encodeRow(lists [][][]byte) []byte {
	var row []byte
	for _, parts := range lists {
		row = appendList(row, parts)
	}
	return row
}

// decodeRow reads a row of n fields: the values of each, as parts of tuples.
func decodeRow(row []byte, n int) ([][][]byte, error) {
	lists := make([][][]byte, n)
	for i := range lists {
		var ok bool
		if lists[i], row, ok = decodeList(nil, row); !ok {
			return nil, errRecord
		}
	}
	return lists, nil
}

func appendText(dst []byte, s string) []byte {
	if len(s) > maxBaseText {
		s = s[:maxBaseText]
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// encodeHead appends what a window's finding needs of an event.
func encodeHead(dst []byte, ev *yagura.Event) []byte {
	var set entitySet
	set.event(ev)
	entities, _ := set.list(nil)
	return appendHead(dst, ev.Ref(), ev.Format, ev.Source, []string{nameOf(ev)}, 1, entities)
}

func appendHead(dst []byte, ref yagura.EventRef, format, source string, ids []string, total int, entities []yagura.Entity) []byte {
	for _, s := range [headTexts]string{ref.ID, ref.Account, ref.Region, ref.Action, ref.Actor.Type, ref.Actor.ID, ref.Actor.Name,
		ref.Actor.SessionOf, ref.SrcIP, ref.Outcome, format, source} {
		dst = appendText(dst, s)
	}
	dst = append(dst, ref.Key[:]...)
	dst = binary.AppendUvarint(dst, uint64(total))
	dst = binary.AppendUvarint(dst, uint64(len(ids)))
	for _, id := range ids {
		dst = appendText(dst, id)
	}
	entities = entities[:min(len(entities), maxBaseEntities)]
	dst = binary.AppendUvarint(dst, uint64(len(entities)))
	for _, x := range entities {
		dst = appendText(appendText(dst, x.Type), x.ID)
	}
	return dst
}

// record is a decoded base match; group and the slices point into its bytes.
type record struct {
	raw    []byte
	corr   int
	group  []byte
	time   int64
	key    []byte
	base   int
	values [][]byte
	rows   [][]byte // values to hand on, see encodeRow
	head   []byte
	// chained says that it is a finding of another correlation, which held first at held.
	chained bool
	held    int64
}

var errRecord = fmt.Errorf("a base match in the spill file is damaged")

// decodeRecord reads a record's key and values; corrs say how many fields each
// correlation groups by and hands on.
func decodeRecord(b []byte, corrs []*correlation, r *record) error {
	if len(b) < 4 {
		return errRecord
	}
	r.raw = b
	r.corr = int(binary.BigEndian.Uint32(b))
	if r.corr >= len(corrs) {
		return errRecord
	}
	b = b[4:]
	n := tupleSize(b, len(corrs[r.corr].GroupBy))
	if len(b) < n+26 {
		return errRecord
	}
	r.group, b = b[:n], b[n:]
	r.time = int64(binary.BigEndian.Uint64(b) ^ 1<<63)
	r.key = b[8:24]
	if r.base = int(binary.BigEndian.Uint16(b[24:])); r.base >= len(corrs[r.corr].Rules) {
		return errRecord
	}
	base := corrs[r.corr].Rules[r.base]
	r.chained = base != nil && base.Correlation != nil
	b = b[26:]
	if r.chained {
		if len(b) < 8 {
			return errRecord
		}
		r.held, b = int64(binary.BigEndian.Uint64(b)^1<<63), b[8:]
	}
	var ok bool
	if r.values, b, ok = decodeList(r.values[:0], b); !ok {
		return errRecord
	}
	r.rows = nil
	if len(corrs[r.corr].Carry) > 0 {
		if r.rows, b, ok = decodeList(nil, b); !ok {
			return errRecord
		}
	}
	r.head = b
	return nil
}

// appendPart appends one value of a tuple: zeros are escaped, and a zero and a one
// end it. A very long value is cut and closed by a hash of the whole.
func appendPart(dst, v []byte) []byte {
	if len(v) > 2*maxBaseText {
		sum := sha256.Sum256(v)
		v = append(append(v[:maxBaseText:maxBaseText], "…"...), hex.EncodeToString(sum[:16])...)
	}
	for i := bytes.IndexByte(v, 0); i >= 0; i = bytes.IndexByte(v, 0) {
		dst = append(append(dst, v[:i+1]...), 0xFF)
		v = v[i+1:]
	}
	return append(append(dst, v...), 0, 1)
}

// splitTuple is the reverse of appendPart over n values. It returns the number of
// bytes read.
func splitTuple(src []byte, n int) (parts []string, size int) {
	i := 0
	for range n {
		var part []byte
		for i+1 < len(src) {
			c := src[i]
			i++
			if c != 0 {
				part = append(part, c)
				continue
			}
			end := src[i] == 1
			i++
			if end {
				break
			}
			part = append(part, 0)
		}
		parts = append(parts, string(part))
	}
	return parts, i
}

// tupleSize returns the number of bytes of n values of a tuple.
func tupleSize(b []byte, n int) int {
	i := 0
	for range n {
		for i+1 < len(b) {
			if b[i] != 0 {
				i++
				continue
			}
			i += 2
			if b[i-1] == 1 {
				break
			}
		}
	}
	return i
}

// head is the decoded head of a record.
type head struct {
	ref            yagura.EventRef
	format, source string
	total          int
	ids            []string
	entities       []yagura.Entity
}

func decodeHead(b []byte, t int64) (head, error) {
	var h head
	r := headReader{b: b}
	for _, p := range [headTexts]*string{&h.ref.ID, &h.ref.Account, &h.ref.Region, &h.ref.Action, &h.ref.Actor.Type, &h.ref.Actor.ID,
		&h.ref.Actor.Name, &h.ref.Actor.SessionOf, &h.ref.SrcIP, &h.ref.Outcome, &h.format, &h.source} {
		*p = string(r.text())
	}
	copy(h.ref.Key[:], r.bytes(len(h.ref.Key)))
	h.ref.Time = time.Unix(0, t).UTC()
	h.total = r.number()
	for n := r.number(); n > 0 && !r.bad; n-- {
		h.ids = append(h.ids, string(r.text()))
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		typ := string(r.text())
		h.entities = append(h.entities, yagura.Entity{Type: typ, ID: string(r.text())})
	}
	if r.bad {
		return h, errRecord
	}
	return h, nil
}

// headReader reads the head of a record; bad says that it ended early.
type headReader struct {
	b   []byte
	bad bool
}

func (r *headReader) number() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<40 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *headReader) bytes(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *headReader) text() []byte { return r.bytes(r.number()) }
