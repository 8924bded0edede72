package decode

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

// tarOf is an archive of a folder, in its first 512 bytes, and files.
func tarOf(t testing.TB, files ...memberFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.data)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(f.data)
	}
	_ = w.Close()
	return b.Bytes()
}

type memberFile struct {
	name string
	data []byte
}

func zipOf(t testing.TB, files ...memberFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("dir/"); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		m, err := w.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = m.Write(f.data)
	}
	_ = w.Close()
	return b.Bytes()
}

func zstdOf(data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(data, nil)
}

// spoil changes the byte that stands n bytes behind the start of mark.
func spoil(data, mark []byte, n int) []byte {
	data[bytes.Index(data, mark)+n]++
	return data
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestContainers(t *testing.T) {
	ra, rb := trail("A"), trail("BB")
	a, b := []byte(ra), []byte(rb)
	for _, c := range []struct {
		name string
		data []byte
		want []string // file and record
	}{
		{"gzip", gzipped(a), []string{"f " + ra}},
		{"gzip of several members", join(gzipped(join(a, []byte("\n"))), gzipped(b)), []string{"f " + ra, "f " + rb}},
		{"gzip, a record over two members", join(gzipped(a[:100]), gzipped(a[100:])), []string{"f " + ra}},
		{"gzip and padding", join(gzipped(a), make([]byte, 3000)), []string{"f " + ra}},
		{"gzip and garbage", join(gzipped(a), []byte("hello")), []string{"f " + ra, "f ! gzip: bytes after the end of the compressed data"}},
		{"gzip cut short", gzipped(join(a, []byte("\n"), b))[:200], []string{"f ! gzip: unexpected EOF"}},
		{"gzip with a wrong sum", func() []byte { z := gzipped(a); z[len(z)-6]++; return z }(), []string{"f " + ra, "f ! gzip: wrong checksum"}},
		{"gzip of nothing", gzipped(nil), nil},
		{"gzip magic only", []byte{0x1f, 0x8b}, []string{"f ! gzip: unexpected EOF"}},
		{"zstd", zstdOf(a), []string{"f " + ra}},
		{"zstd of several frames", join(zstdOf(join(a, []byte("\n"))), zstdOf(b)), []string{"f " + ra, "f " + rb}},
		{"tar", tarOf(t, memberFile{"x/a.json", a}, memberFile{"x/._a.json", []byte("\x00\x05")}, memberFile{"b.json", b}), []string{"f!x/a.json " + ra, "f!b.json " + rb}},
		{"tar of names that start as text may", tarOf(t, memberFile{"[1] a.json", a}, memberFile{"{b}.json", b})[512:], []string{"f![1] a.json " + ra, "f!{b}.json " + rb}},
		{"tar of a name with a blank before it", tarOf(t, memberFile{" a.json", a})[512:], []string{"f! a.json " + ra}},
		{"tar.gz", gzipped(tarOf(t, memberFile{"a.json", a}, memberFile{"b.json.gz", gzipped(b)})), []string{"f!a.json " + ra, "f!b.json.gz " + rb}},
		{"tar cut short", tarOf(t, memberFile{"a.json", a}, memberFile{"b.json", b})[:512+512+512+512+100], []string{"f!a.json " + ra, "f!b.json ! tar: unexpected EOF"}},
		{"tar and another", join(tarOf(t, memberFile{"a.json", a}), tarOf(t, memberFile{"b.json", b})), []string{"f!a.json " + ra, "f ! tar: bytes after the end of the archive"}},
		{"zip", zipOf(t, memberFile{"a.json", a}, memberFile{"b.json.gz", gzipped(b)}), []string{"f!a.json " + ra, "f!b.json.gz " + rb}},
		{"zip in tar in zstd", zstdOf(tarOf(t, memberFile{"z.zip", zipOf(t, memberFile{"a.json", a})})), []string{"f!z.zip!a.json " + ra}},
		{"empty zip", zipOf(t), nil},
		{"zip cut short", zipOf(t, memberFile{"a.json", a})[:100], []string{"f ! zip: no directory at the end of the archive"}},
		{"zip with a wrong sum", spoil(zipOf(t, memberFile{"a.json", a}), []byte("PK\x07\x08"), 4), []string{"f!a.json " + ra, "f!a.json ! zip: checksum error"}},
		{"tar.gz with a wrong sum", func() []byte { z := gzipped(tarOf(t, memberFile{"a.json", a})); z[len(z)-6]++; return z }(), []string{"f!a.json " + ra, "f ! tar: gzip: wrong checksum"}},
		{"four layers", gzipped(gzipped(gzipped(gzipped(a)))), []string{"f " + ra}},
		{"five layers", gzipped(gzipped(gzipped(gzipped(gzipped(a))))), []string{"f ! more than 4 compressions and archives lie in one another"}},
		{"bzip2", []byte("BZh91AY&SY"), []string{"f ! bzip2 files are not read"}},
		{"xz in a tar", tarOf(t, memberFile{"a.xz", []byte("\xfd7zXZ\x00....")}, memberFile{"b", b}), []string{"f!a.xz ! xz files are not read", "f!b " + rb}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t, Options{})
			show := func(list []got) (out []string) {
				for _, g := range list {
					if g.Bad != "" {
						g.Raw = "! " + g.Bad
					}
					out = append(out, g.File+" "+g.Raw)
				}
				return out
			}
			whole := readAll(t, d, bytes.NewReader(c.data), "f")
			if diff := cmp.Diff(c.want, show(whole)); diff != "" {
				t.Fatalf("records (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(whole, readAll(t, d, iotest.OneByteReader(bytes.NewReader(c.data)), "f")); diff != "" {
				t.Errorf("byte by byte (-whole +bytes):\n%s", diff)
			}
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if diff := cmp.Diff(whole, readAll(t, d, f, "f")); diff != "" {
				t.Errorf("from a file (-whole +file):\n%s", diff)
			}
		})
	}
}

// TestWideZstd: a file that takes too much memory to unpack is refused with advice.
func TestWideZstd(t *testing.T) {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00} // a window of 128 MB and nothing in it
	r := newDecoder(t, Options{}).NewReader(bytes.NewReader(frame), "f")
	_, err := r.Next()
	var bad *RecordError
	if !errors.As(err, &bad) || bad.Reason != "zstd: its window is larger than 32 MB" || !strings.Contains(bad.Hint, "--long") {
		t.Errorf("got %v", err)
	}
}

// TestTruncatedGzip says that what stands before a cut is delivered and the cut is
// reported once.
func TestTruncatedGzip(t *testing.T) {
	var text strings.Builder
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		fmt.Fprintf(&text, `{"q":"%x%x"}`+"\n", r.Uint64(), r.Uint64())
	}
	z := gzipped([]byte(text.String()))
	list := readAll(t, newDecoder(t, Options{}), bytes.NewReader(z[:len(z)/2]), "f")
	last := list[len(list)-1]
	if len(list) < 500 || last.Bad != "gzip: unexpected EOF" {
		t.Fatalf("%d records, last %+v", len(list), last)
	}
	for _, g := range list[:len(list)-1] {
		if g.Bad != "" {
			t.Errorf("more than one error: %+v", g)
		}
	}
}

// repeated is a reader of n bytes of one kind.
type repeated struct {
	c byte
	n int64
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	k := int(min(int64(len(p)), r.n))
	p[0] = r.c
	for n := 1; n < k; n *= 2 {
		copy(p[n:k], p[:n])
	}
	r.n -= int64(k)
	return k, nil
}

// TestBombs reads what is small packed and huge unpacked. Each must end in an error,
// in bounded memory.
func TestBombs(t *testing.T) {
	size := int64(1 << 30)
	if os.Getenv("YAGURA_PROVE") == "" {
		size = 64 << 20 // beyond what a record may be
	}
	// Members of a megabyte each, so that packing costs nothing.
	of := func(c string, n int64) []byte {
		return bytes.Repeat(gzipped(bytes.Repeat([]byte(c), 1<<20)), int(n>>20))
	}
	zeros := func() []byte { return of("\x00", size) }
	line := func() []byte {
		return join(gzipped([]byte(trail("A")+"\n"+`{"x":"`)), of("y", size), gzipped([]byte("\"}\n"+trail("BB"))))
	}
	deep := func() []byte { return of("[", size) }
	zipBomb := func() []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		m, _ := w.Create("zeros")
		_, _ = io.Copy(m, &repeated{' ', size})
		_ = w.Close()
		return b.Bytes()
	}
	for name, make := range map[string]func() []byte{"zeros": zeros, "one line": line, "brackets": deep, "zip": zipBomb,
		"gzip of gzip": func() []byte { return gzipped(zeros()) }} {
		t.Run(name, func(t *testing.T) {
			data := make()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			list := readAll(t, newDecoder(t, Options{}), bytes.NewReader(data), "bomb")
			runtime.ReadMemStats(&after)
			bad := 0
			for _, g := range list {
				if g.Bad != "" {
					bad++
				}
			}
			if bad == 0 && name != "zip" || len(list) > 10 { // a zip of blanks may be taken for empty
				t.Errorf("%d records and errors, %d of them errors", len(list), bad)
			}
			if grown := int64(after.Sys) - int64(before.Sys); grown > 200<<20 {
				t.Errorf("took %d MB from the system", grown>>20)
			}
			t.Logf("%d bytes packed, %.60q, %d MB from the system in all", len(data), raws(list), after.Sys>>20)
		})
	}
}

// TestExpansion says that growing out of all proportion ends a file, records before it
// delivered.
func TestExpansion(t *testing.T) {
	blanks := gzipped(join([]byte(trail("A")), bytes.Repeat([]byte(" "), 8<<20)))
	for name, free := range map[string]int64{"within": 0, "beyond": expandFree} {
		rd := newDecoder(t, Options{}).NewReader(bytes.NewReader(join(blanks, blanks)), "f")
		rd.unpack.total = free
		var errs []string
		n := 0
		for {
			_, err := rd.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				errs = append(errs, err.Error())
				continue
			}
			n++
		}
		if name == "within" && (n != 2 || errs != nil) || name == "beyond" && (n != 1 || len(errs) != 1 || !strings.Contains(errs[0], "out of all proportion")) {
			t.Errorf("%s: %d records, errors %q", name, n, errs)
		}
	}
}

// TestManyMembers says that the directory of an archive is bounded too.
func TestManyMembers(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 200000 {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Close()
	list := readAll(t, newDecoder(t, Options{}), bytes.NewReader(b.Bytes()), "f")
	if len(list) != 0 && !strings.Contains(list[0].Bad, "too many members") {
		t.Errorf("%+v", list[0])
	}
}
