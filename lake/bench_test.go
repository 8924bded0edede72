package lake_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"time"

	kgzip "github.com/klauspost/compress/gzip"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/laketest"
)

// BenchmarkRead reads records back one after the other, as a rule that is run over the past
// does. The floor is to unpack the same records from gzip and to find the ends of their lines.
func BenchmarkRead(b *testing.B) {
	const events = 50_000
	corpus := laketest.Corpus{Events: events, Days: 1}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	var records []keep.Record
	size := 0
	for n := range events {
		raw := corpus.Append(nil, n)
		size += len(raw)
		if _, err := z.Write(append(raw, '\n')); err != nil {
			b.Fatal(err)
		}
		records = append(records, keep.Record{Raw: raw, Time: corpus.Time(n), Key: yagura.Key{byte(n), byte(n >> 8), byte(n >> 16)}, Keyed: true})
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	l, files := filled(b, records)
	b.Run("lake", func(b *testing.B) {
		b.SetBytes(int64(size))
		for b.Loop() {
			n := 0
			for i := range files {
				if err := l.Reader().Raw(b.Context(), &files[i], func(int64, []byte) error { n++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			if n != events {
				b.Fatalf("%d records", n)
			}
		}
	})
	b.Run("gunzip and split", func(b *testing.B) {
		b.SetBytes(int64(size))
		for b.Loop() {
			r, err := kgzip.NewReader(bytes.NewReader(packed.Bytes()))
			if err != nil {
				b.Fatal(err)
			}
			n, buf := 0, make([]byte, 256<<10)
			for {
				k, err := r.Read(buf)
				for at := buf[:k]; ; n++ {
					i := bytes.IndexByte(at, '\n')
					if i < 0 {
						break
					}
					at = at[i+1:]
				}
				if err == io.EOF {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			if n != events {
				b.Fatalf("%d records", n)
			}
		}
	})
}

// filled makes a lake of records.
func filled(b *testing.B, records []keep.Record) (*lake.Lake, []lake.File) {
	b.Helper()
	p := newPond(b)
	l := p.open(lake.Options{Flush: time.Hour})
	if err := l.Put(b.Context(), &keep.Batch{Source: "bench", Object: "o", Runs: []keep.Run{{Format: "aws.cloudtrail", Records: records}}}); err != nil {
		b.Fatal(err)
	}
	if err := l.Sync(b.Context()); err != nil {
		b.Fatal(err)
	}
	files, err := l.Files(b.Context(), lake.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	return l, files
}
