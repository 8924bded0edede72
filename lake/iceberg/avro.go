package iceberg

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// encoder writes values as Avro has them.
type encoder struct{ b []byte }

func (e *encoder) long(n int64)   { e.b = binary.AppendVarint(e.b, n) } // zigzag, as Avro's
func (e *encoder) int(n int)      { e.long(int64(n)) }
func (e *encoder) bytes(v []byte) { e.long(int64(len(v))); e.b = append(e.b, v...) }
func (e *encoder) text(s string)  { e.long(int64(len(s))); e.b = append(e.b, s...) }

// some begins a value of a union with null, of which null is the first branch.
func (e *encoder) some() { e.long(1) }

// none is null in such a union.
func (e *encoder) none() { e.long(0) }

func (e *encoder) bool(v bool) {
	if v {
		e.b = append(e.b, 1)
		return
	}
	e.b = append(e.b, 0)
}

// someText is a text, or bytes, in such a union.
func (e *encoder) someText(s string) {
	e.some()
	e.text(s)
}

// errAvro is a file that is not what we write.
var errAvro = errors.New("the Avro file is damaged")

// decoder reads what encoder writes. The first mistake stays, and every value after it is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	d.b = nil
	if d.err == nil {
		d.err = errAvro
	}
}

func (d *decoder) long() int64 {
	n, k := binary.Varint(d.b)
	if k <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[k:]
	return n
}

func (d *decoder) take(n int64) []byte {
	if n < 0 || n > int64(len(d.b)) {
		d.fail()
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) bytes() []byte { return d.take(d.long()) }
func (d *decoder) text() string  { return string(d.bytes()) }
func (d *decoder) some() bool    { return d.long() == 1 }

// someText reads a text in a union with null; null is "".
func (d *decoder) someText() string {
	if d.some() {
		return d.text()
	}
	return ""
}

func (d *decoder) bool() bool {
	v := d.take(1)
	return len(v) == 1 && v[0] == 1
}

// array calls item for every item of an array.
func (d *decoder) array(item func()) {
	for d.err == nil {
		n := d.long()
		if n < 0 { // the size of the block in bytes follows
			n = -n
			d.long()
		}
		if n == 0 || n == math.MinInt64 {
			return
		}
		for ; n > 0 && d.err == nil; n-- {
			item()
		}
	}
}

var avroMagic = []byte("Obj\x01")

// pair is an entry of the header of an Avro file.
type pair struct{ key, value string }

// container writes an Avro object container file of n items, in blocks.
func container(schema string, meta []pair, n int, item func(i int, e *encoder)) ([]byte, error) {
	var e encoder
	e.b = append(e.b, avroMagic...)
	meta = append(meta, pair{"avro.schema", schema}, pair{"avro.codec", "deflate"})
	e.int(len(meta))
	for _, p := range meta {
		e.text(p.key)
		e.text(p.value)
	}
	e.int(0)
	var sync [16]byte
	rand.Read(sync[:]) //nolint:errcheck // it never fails
	e.b = append(e.b, sync[:]...)
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	var block encoder
	for i := 0; i < n; {
		first := i
		block.b = block.b[:0]
		for ; i < n && len(block.b) < blockSize; i++ {
			item(i, &block)
		}
		packed.Reset()
		w.Reset(&packed)
		if _, err := w.Write(block.b); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		e.int(i - first)
		e.bytes(packed.Bytes())
		e.b = append(e.b, sync[:]...)
	}
	return e.b, nil
}

// blockSize is how many bytes of items are packed together.
const blockSize = 64 << 10

// maxBlock bounds what one block of a file may become.
const maxBlock = 256 << 20

// readContainer calls item with a decoder that stands at each item of an Avro file of ours.
func readContainer(data []byte, item func(*decoder)) error {
	if !bytes.HasPrefix(data, avroMagic) {
		return errAvro
	}
	d := &decoder{b: data[len(avroMagic):]}
	codec := ""
	for n := d.long(); n != 0 && d.err == nil; n = d.long() {
		if n < 0 {
			return errAvro
		}
		for ; n > 0 && d.err == nil; n-- {
			if key, value := d.text(), d.text(); key == "avro.codec" {
				codec = value
			}
		}
	}
	if d.err == nil && codec != "deflate" {
		return fmt.Errorf("%w: its codec is %q, not deflate", errAvro, codec)
	}
	sync := d.take(16)
	for d.err == nil && len(d.b) > 0 {
		n, packed := d.long(), d.bytes()
		if d.err != nil || !bytes.Equal(d.take(16), sync) {
			return errAvro
		}
		plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxBlock+1))
		if err != nil || len(plain) > maxBlock {
			return errAvro
		}
		in := &decoder{b: plain}
		for ; n > 0 && in.err == nil; n-- {
			item(in)
		}
		if in.err != nil || len(in.b) > 0 {
			return errAvro
		}
	}
	return d.err
}
