package decode

import (
	"bytes"
	"compress/flate"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
)

// inflateAll undoes DEFLATE through a buffer of size bytes, as a stream uses it.
func inflateAll(src io.Reader, size int) ([]byte, error) {
	var z inflater
	z.start(src)
	var out []byte
	buf := make([]byte, window+size+outMargin)
	end := 0
	for {
		from := end
		var err error
		end, err = z.into(buf, end)
		out = append(out, buf[from:end]...)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if end == from {
			return out, errors.New("no progress")
		}
		keep := min(end, window)
		copy(buf, buf[end-keep:end])
		end = keep
	}
}

// texts are inputs that compress in different ways.
func compressible(r *rand.Rand) []byte {
	n := r.IntN(200000)
	out := make([]byte, 0, n+300)
	alphabet := 1 + r.IntN(256)
	for len(out) < n {
		switch r.IntN(4) {
		case 0: // fresh bytes
			for range 1 + r.IntN(100) {
				out = append(out, byte(r.IntN(alphabet)))
			}
		case 1: // a copy from near
			if len(out) > 0 {
				back := 1 + r.IntN(min(len(out), 20))
				for range 1 + r.IntN(300) {
					out = append(out, out[len(out)-back])
				}
			}
		default: // a copy from far
			if len(out) > 0 {
				back := 1 + r.IntN(min(len(out), 40000))
				for range 1 + r.IntN(60) {
					out = append(out, out[len(out)-back])
				}
			}
		}
	}
	return out
}

// TestInflate compares with what encoders were given, over all levels, block types
// and ways of delivery.
func TestInflate(t *testing.T) {
	rounds := 60
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 9))
		data := compressible(r)
		level := int(seed)%12 - 2
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(80000))
			_, _ = w.Write(rest[:n])
			if r.IntN(3) == 0 {
				_ = w.Flush() // an empty stored block between
			}
			rest = rest[n:]
		}
		_ = w.Close()
		for name, src := range map[string]io.Reader{"whole": bytes.NewReader(b.Bytes()), "halves": iotest.HalfReader(bytes.NewReader(b.Bytes())),
			"bytes": iotest.OneByteReader(bytes.NewReader(b.Bytes())), "and more": io.MultiReader(bytes.NewReader(b.Bytes()), bytes.NewReader([]byte("more")))} {
			got, err := inflateAll(src, 1+r.IntN(100000))
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("seed %d, level %d, %s: %d bytes of %d, %v", seed, level, name, len(got), len(data), err)
			}
		}
		// Cut short anywhere it gives the start of the data and says so.
		cut := r.IntN(b.Len())
		got, err := inflateAll(bytes.NewReader(b.Bytes()[:cut]), 50000)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(data, got) {
			t.Fatalf("seed %d, level %d, cut at %d of %d: %d bytes, %v", seed, level, cut, b.Len(), len(got), err)
		}
		if want, _ := io.ReadAll(flate.NewReader(bytes.NewReader(b.Bytes()[:cut]))); len(got) < len(want)-window {
			t.Errorf("seed %d: %d bytes before the cut, compress/flate gives %d", seed, len(got), len(want))
		}
	}
}

func TestGzipHeaders(t *testing.T) {
	var b bytes.Buffer
	for i := range 3 {
		w := stdgzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = "name", "comment", bytes.Repeat([]byte("x"), i*1000)
		_, _ = fmt.Fprintf(w, "part %d\n", i)
		_ = w.Close()
	}
	// A header with a sum of its own, and a file without any data.
	b.Write([]byte{0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3, 0xaa, 0xbb, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for name, src := range map[string]io.Reader{"whole": bytes.NewReader(b.Bytes()), "bytes": iotest.OneByteReader(bytes.NewReader(b.Bytes()))} {
		var g gzipReader
		if err := g.start(src); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(iotest.OneByteReader(&g))
		if err != nil || string(got) != "part 0\npart 1\npart 2\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for cut := range b.Len() {
		var g gzipReader
		err := g.start(bytes.NewReader(b.Bytes()[:cut]))
		if err == nil {
			_, err = io.ReadAll(&g)
		}
		want := func() error {
			z, err := stdgzip.NewReader(bytes.NewReader(b.Bytes()[:cut]))
			if err == nil {
				_, err = io.ReadAll(z)
			}
			return err
		}()
		if (err == nil) != (want == nil) && cut > 0 {
			t.Errorf("cut at %d: %v, compress/gzip says %v", cut, err, want)
		}
	}
}

// FuzzInflate compares with compress/flate: the same data out of the same bytes, and
// an error where it finds one.
func FuzzInflate(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 5))
	for level := -2; level < 10; level++ {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, level)
		_, _ = w.Write(compressible(r)[:min(300*(level+3), 100)])
		_ = w.Close()
		f.Add(b.Bytes(), uint16(level+2))
	}
	f.Add([]byte{0x05, 0xc0, 0x01, 0, 0, 0, 0, 0x10, 0x80, 0xff}, uint16(7))
	f.Fuzz(func(t *testing.T, data []byte, size uint16) {
		const most = 1 << 20
		got, err := inflateAll(io.LimitReader(bytes.NewReader(data), 4096), int(size)+1)
		want, werr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data[:min(len(data), 4096)])), 8*most))
		if (err == nil) != (werr == nil) {
			t.Fatalf("error %v, compress/flate says %v", err, werr)
		}
		if err == nil && !bytes.Equal(got, want) || !bytes.HasPrefix(got, want[:min(len(want), len(got))]) {
			t.Fatalf("%d bytes, compress/flate gives %d others", len(got), len(want))
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	data := madeTrail(5000)
	zipped := gzipped(data)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		var g gzipReader
		buf := make([]byte, startBuffer+slack)
		for range b.N {
			if err := g.start(bytes.NewReader(zipped)); err != nil {
				b.Fatal(err)
			}
			for end := 0; ; {
				var err error
				if end, err = g.into(buf, end); err != nil {
					break
				}
				copy(buf, buf[end-min(end, window):end])
				end = min(end, window)
			}
		}
	})
	b.Run("klauspost", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		var z gzip.Reader
		buf := make([]byte, 256<<10)
		for range b.N {
			if err := z.Reset(bytes.NewReader(zipped)); err != nil {
				b.Fatal(err)
			}
			for {
				if _, err := z.Read(buf); err != nil {
					break
				}
			}
		}
	})
}
