package keep

import (
	"bytes"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// FuzzFrame reads frames that are anything. What it accepts is written again equally.
func FuzzFrame(f *testing.F) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		f.Fatal(err)
	}
	frame := func(b *Batch) []byte {
		e := &encoder{z: z, target: 1 << 20}
		if err := e.batch(b); err != nil {
			f.Fatal(err)
		}
		return e.frames[0]
	}
	f.Add(frame(&Batch{Source: "s3", Object: "o", Runs: []Run{{Format: "f", First: 3, Records: []Record{{Raw: []byte(`{"a":1}`), Time: time.Unix(1e9, 7)}, {Raw: nil}}}}}))
	f.Add(frame(&Batch{Runs: []Run{{Records: []Record{{}}}, {Format: "g", Records: []Record{{Raw: bytes.Repeat([]byte("x"), 1000)}}}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHead(data)
		if err != nil {
			return
		}
		if h.body > 1<<20 {
			return // it is bounded; the fuzzer would only be slow
		}
		d, err := newDecoder()
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		b := &Batch{Source: h.source, Object: h.object}
		for _, p := range h.parts {
			b.Runs = append(b.Runs, Run{Format: p.format, First: p.first})
		}
		run := 0
		if _, err := d.records(h, func(*part, int64) bool { return true }, func(e Entry) bool {
			for run < len(h.parts) && int64(len(b.Runs[run].Records)) == h.parts[run].count {
				run++
			}
			e.Raw = append([]byte(nil), e.Raw...)
			b.Runs[run].Records = append(b.Runs[run].Records, e.Record)
			return true
		}); err != nil {
			return
		}
		e := &encoder{z: z, target: 1 << 30}
		if err := e.batch(b); err != nil {
			t.Fatal(err)
		}
		var records int
		for _, r := range b.Runs {
			records += len(r.Records)
		}
		if records == 0 {
			return
		}
		again, err := parseHead(e.frames[0])
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		if _, err := d.records(again, func(*part, int64) bool { return true }, func(e Entry) bool { i++; return true }); err != nil || i != records {
			t.Fatalf("%d of %d records, %v", i, records, err)
		}
	})
}
