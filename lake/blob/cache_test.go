package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/lake/blob/blobtest"
)

// counted is a store that counts what is read of it, and does nothing else.
type counted struct {
	blob.Store
	mu    sync.Mutex
	reads map[string]int64 // bytes by key
	gets  map[string]int
}

func (c *counted) add(key string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reads == nil {
		c.reads, c.gets = map[string]int64{}, map[string]int{}
	}
	c.reads[key] += n
	c.gets[key]++
}

func (c *counted) Get(ctx context.Context, key string) (io.ReadCloser, blob.Info, error) {
	r, info, err := c.Store.Get(ctx, key)
	c.add(key, info.Size)
	return r, info, err
}

func (c *counted) ReadRange(ctx context.Context, key string, off int64, p []byte) error {
	c.add(key, int64(len(p)))
	return c.Store.ReadRange(ctx, key, off, p)
}

func remoteLake(t *testing.T) (*counted, *blobtest.Faults) {
	t.Helper()
	s, f := newS3(t, s3Options(""))
	return &counted{Store: s}, f
}

func put(t *testing.T, s blob.Store, key string, data []byte, kind blob.Kind) blob.File {
	t.Helper()
	if _, err := blob.PutBytes(context.Background(), s, key, data, blob.PutOptions{IfAbsent: true}); err != nil {
		t.Fatal(err)
	}
	return blob.File{Key: key, Size: int64(len(data)), Sum: sha256.Sum256(data), Kind: kind}
}

func random(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(b)
	return b
}

func openCache(t *testing.T, dir string, s blob.Store, o blob.CacheOptions) *blob.Cache {
	t.Helper()
	c, err := blob.OpenCache(dir, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCacheWhole(t *testing.T) {
	ctx := context.Background()
	s, _ := remoteLake(t)
	data := random(300_000, 1)
	f := put(t, s, "f/1.head.parquet", data, blob.Head)
	dir := t.TempDir()
	c := openCache(t, dir, s, blob.CacheOptions{})
	var wg sync.WaitGroup
	for range 20 { // single flight
		wg.Go(func() {
			copy, err := c.Whole(ctx, f)
			if err != nil {
				t.Error(err)
				return
			}
			defer copy.Release()
			if got, err := os.ReadFile(copy.Path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	if s.gets[f.Key] != 1 {
		t.Errorf("fetched %d times", s.gets[f.Key])
	}
	if st := c.Stats(); st.Fetched[blob.Head] != 300_000 || st.Fetched[blob.Raw] != 0 || st.Misses != 1 || st.Hits != 20 {
		t.Errorf("%+v", st)
	}

	// Another process finds it, without asking the store.
	c = openCache(t, dir, s, blob.CacheOptions{})
	copy, err := c.Whole(ctx, f)
	if err != nil || s.gets[f.Key] != 1 {
		t.Fatalf("%v, %d", err, s.gets[f.Key])
	}
	copy.Release()

	// A bit that flipped on the disk is noticed, and the object is fetched anew.
	file, err := os.ReadFile(copy.Path)
	if err != nil {
		t.Fatal(err)
	}
	file[150_000] ^= 4
	if err := os.WriteFile(copy.Path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := c.Whole(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Release()
	if got, err := os.ReadFile(again.Path); err != nil || !bytes.Equal(got, data) || s.gets[f.Key] != 2 {
		t.Errorf("%v, fetched %d times", err, s.gets[f.Key])
	}

	// What the store gives is held to the catalogue's checksum.
	wrong := f
	wrong.Sum[0] ^= 1
	if _, err := c.Whole(ctx, wrong); !errors.Is(err, blob.ErrChecksum) {
		t.Error(err)
	}
	if _, err := c.Whole(ctx, blob.File{Key: "none", Size: 1, Kind: blob.Head}); !errors.Is(err, blob.ErrNotFound) {
		t.Error(err)
	}
	if _, err := c.Whole(ctx, blob.File{Key: "../x", Size: 1, Kind: blob.Head}); err == nil {
		t.Error("a key that leads out was taken")
	}
	if left, err := os.ReadDir(filepath.Join(dir, "temp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestCacheEvicts(t *testing.T) {
	ctx := context.Background()
	s, _ := remoteLake(t)
	clock := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	now := func() time.Time { clock = clock.Add(time.Second); return clock }
	dir := t.TempDir()
	c := openCache(t, dir, s, blob.CacheOptions{Bytes: 1_000_000, Now: now})
	var files []blob.File
	for i := range 12 {
		files = append(files, put(t, s, fmt.Sprintf("f/%d.head.parquet", i), random(200_000, uint64(i)), blob.Head))
	}
	get := func(i int) *blob.Copy {
		t.Helper()
		copy, err := c.Whole(ctx, files[i])
		if err != nil {
			t.Fatal(err)
		}
		return copy
	}
	held := get(0) // stays, as it is in use
	for i := 1; i < 12; i++ {
		get(i).Release()
		get(1).Release() // used again and again: it stays
		if n := size(t, dir); n > 1_000_000 {
			t.Fatalf("%d bytes in the cache", n)
		}
	}
	if _, err := os.Stat(held.Path); err != nil {
		t.Errorf("a file in use went away: %v", err)
	}
	if n := s.gets[files[1].Key]; n != 1 {
		t.Errorf("what is used most was fetched %d times", n)
	}
	if c.Stats().Evicted == 0 {
		t.Error("nothing was evicted")
	}
	// Full of files in use.
	copies := []*blob.Copy{held}
	var err error
	for i := range files {
		var copy *blob.Copy
		if copy, err = c.Whole(ctx, files[i]); err != nil {
			break
		}
		copies = append(copies, copy)
	}
	if !errors.Is(err, blob.ErrFull) || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("%v", err)
	}
	for _, copy := range copies {
		copy.Release()
		copy.Release() // once is once
	}
	get(9).Release()
	if _, err := c.Whole(ctx, blob.File{Key: "big", Size: 2_000_000, Kind: blob.Head}); !errors.Is(err, blob.ErrFull) {
		t.Error(err)
	}
	if err := c.Clear(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "copies")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func size(t *testing.T, dir string) int64 {
	t.Helper()
	var n int64
	list, err := os.ReadDir(filepath.Join(dir, "copies"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		// A sparse copy (p…) takes less than its size.
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".parquet") && e.Name()[0] != 'p' {
			n += info.Size()
		}
	}
	return n
}

type rawRow struct {
	Row int64  `parquet:"row,delta"`
	Raw string `parquet:"raw,zstd"`
}

// rawFile is a Parquet file of row groups of 100 rows.
func rawFile(t testing.TB, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[rawRow](&b, parquet.MaxRowsPerRowGroup(100))
	for i := range rows {
		if _, err := w.Write([]rawRow{{Row: int64(7<<24 | i), Raw: fmt.Sprintf("%06d %x", i, random(1500, uint64(i)))}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pickRow(f blob.File, row int64) func(io.ReaderAt) ([]blob.Range, error) {
	return func(r io.ReaderAt) ([]blob.Range, error) {
		return blob.RowGroups(r, f.Size, func(g blob.RowGroup) bool { return g.Bounded && g.Min <= row && row <= g.Max })
	}
}

// readGroup reads the rows of one row group of a file on disk.
func readGroup(t *testing.T, path string, group int) ([]rawRow, error) {
	t.Helper()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // a test
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(r, info.Size())
	if err != nil {
		return nil, err
	}
	rows := make([]rawRow, f.RowGroups()[group].NumRows())
	n, err := parquet.NewGenericRowGroupReader[rawRow](f.RowGroups()[group]).Read(rows)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return rows[:n], err
}

// extract makes a file of some row groups of another.
func extract(t *testing.T, from, to string, size int64, pick func(blob.RowGroup) bool) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close() //nolint:errcheck // a test
	var out bytes.Buffer
	if err := blob.Extract(&out, in, size, pick); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCachePart(t *testing.T) {
	ctx := context.Background()
	s, faults := remoteLake(t)
	data := rawFile(t, 1000)
	f := put(t, s, "f/1.raw.parquet", data, blob.Raw)
	dir := t.TempDir()
	c := openCache(t, dir, s, blob.CacheOptions{})
	copy, err := c.Part(ctx, f, pickRow(f, 7<<24|345))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readGroup(t, copy.Path, 3)
	if err != nil || len(rows) != 100 || rows[45].Row != 7<<24|345 || !strings.HasPrefix(rows[45].Raw, "000345 ") {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	extracted := filepath.Join(dir, "extracted.parquet")
	extract(t, copy.Path, extracted, f.Size, func(g blob.RowGroup) bool { return g.Index == 3 })
	if rows, err := readGroup(t, extracted, 0); err != nil || len(rows) != 100 || rows[45].Row != 7<<24|345 || !strings.HasPrefix(rows[45].Raw, "000345 ") {
		t.Errorf("extracted: %d rows, %v", len(rows), err)
	}
	extract(t, copy.Path, extracted, f.Size, func(blob.RowGroup) bool { return false })
	if rows, err := os.ReadFile(extracted); err != nil || int64(len(rows)) > f.Size/5 {
		t.Errorf("a file of no row groups has %d bytes, %v", len(rows), err)
	}
	if !copy.Sparse {
		t.Error("a part is said to be whole")
	}
	if rows, err := readGroup(t, copy.Path, 6); err == nil && len(rows) == 100 && rows[0].Raw != "" {
		t.Error("a row group was filled that nobody asked for")
	}
	first := c.Stats().Fetched[blob.Raw]
	if first != s.reads[f.Key] || first > f.Size/3 || first == 0 {
		t.Errorf("%d of %d bytes were fetched, the store says %d", first, f.Size, s.reads[f.Key])
	}
	copy.Release()

	// The same again costs nothing, in this process or the next.
	for _, c := range []*blob.Cache{c, openCache(t, dir, s, blob.CacheOptions{})} {
		copy, err := c.Part(ctx, f, pickRow(f, 7<<24|301))
		if err != nil {
			t.Fatal(err)
		}
		copy.Release()
	}
	if n := s.reads[f.Key]; n != first {
		t.Errorf("%d bytes were fetched again", n-first)
	}

	// Another group is added; a fault on the way loses nothing.
	faults.Next(nil, slices.Repeat([]blobtest.Fault{blobtest.Busy}, 20)...)
	if _, err := c.Part(ctx, f, pickRow(f, 7<<24|900)); err == nil {
		t.Error("no error")
	}
	faults.Next(nil)
	copy, err = c.Part(ctx, f, pickRow(f, 7<<24|900))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []int{3, 9} {
		if rows, err := readGroup(t, copy.Path, g); err != nil || len(rows) != 100 {
			t.Errorf("group %d: %d rows, %v", g, len(rows), err)
		}
	}
	copy.Release()

	// Everything that was filled is what the object has; the rest is zeros.
	got, err := os.ReadFile(copy.Path)
	if err != nil || len(got) != len(data) {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != data[i] && got[i] != 0 {
			t.Fatalf("byte %d is %d, not %d or 0", i, got[i], data[i])
		}
	}
	// A note of what is filled that somebody broke is not believed.
	if err := os.WriteFile(copy.Path+".have", []byte(`[{"Off":-5,"Len":1e9}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	copy, err = c.Part(ctx, f, pickRow(f, 7<<24|345))
	if err != nil {
		t.Fatal(err)
	}
	copy.Release()
	if _, err := c.Part(ctx, f, func(io.ReaderAt) ([]blob.Range, error) { return []blob.Range{{Off: f.Size, Len: 1}}, nil }); err == nil {
		t.Error("bytes behind the end were given")
	}
}

// A hunt over columns takes whole head files, and reads no raw byte.
func TestHeadAlone(t *testing.T) {
	s, _ := remoteLake(t)
	head := put(t, s, "f/1.head.parquet", random(100_000, 1), blob.Head)
	put(t, s, "f/1.raw.parquet", rawFile(t, 200), blob.Raw)
	c := openCache(t, t.TempDir(), s, blob.CacheOptions{})
	copy, err := c.Whole(context.Background(), head)
	if err != nil {
		t.Fatal(err)
	}
	copy.Release()
	if st := c.Stats(); st.Fetched[blob.Raw] != 0 || st.Requests[blob.Raw] != 0 || s.reads["f/1.raw.parquet"] != 0 {
		t.Errorf("%+v", st)
	}
}

// Files on this machine are read where they lie.
func TestCacheOfDisk(t *testing.T) {
	d, err := blob.OpenDisk(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // a test
	data := rawFile(t, 200)
	f := put(t, d, "f/1.raw.parquet", data, blob.Raw)
	c := openCache(t, t.TempDir(), d, blob.CacheOptions{Bytes: 10})
	for _, get := range []func() (*blob.Copy, error){
		func() (*blob.Copy, error) { return c.Whole(context.Background(), f) },
		func() (*blob.Copy, error) { return c.Part(context.Background(), f, nil) },
	} {
		copy, err := get()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(copy.Path); err != nil || !bytes.Equal(got, data) {
			t.Error(err)
		}
		copy.Release()
	}
	if _, err := c.Whole(context.Background(), blob.File{Key: "none", Size: 1, Kind: blob.Head}); !errors.Is(err, blob.ErrNotFound) {
		t.Error(err)
	}
}

// TestCacheKilled kills processes that fill one cache, again and again, while this one
// reads: no copy is ever wrong.
func TestCacheKilled(t *testing.T) {
	if os.Getenv("YAGURA_CACHE_CHILD") != "" {
		child(t)
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	store := filepath.Join(t.TempDir(), "lake")
	d, err := blob.OpenDisk(store, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // a test
	files := killedFiles(t, d)
	dir := t.TempDir()
	c := openCache(t, dir, opaque{d}, blob.CacheOptions{Bytes: 3_000_000})
	for round := range 12 {
		var children []*exec.Cmd
		for range 2 {
			cmd := exec.Command(os.Args[0], "-test.run=^TestCacheKilled$")
			cmd.Env = append(os.Environ(), "YAGURA_CACHE_CHILD="+store+"\n"+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			children = append(children, cmd)
			if _, err := io.ReadFull(out, make([]byte, 1)); err != nil { // it has made a copy
				t.Fatal(err)
			}
		}
		for i := range 10 {
			use(t, c, files[(round*3+i)%len(files)])
		}
		for _, cmd := range children {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
		}
		for _, f := range files {
			use(t, c, f)
		}
	}
	if n := size(t, dir); n > 3_500_000 {
		t.Errorf("%d bytes in the cache", n)
	}
	later := openCache(t, dir, opaque{d}, blob.CacheOptions{Now: func() time.Time { return time.Now().Add(2 * time.Hour) }})
	if left, err := os.ReadDir(filepath.Join(dir, "temp")); err != nil || len(left) > 0 {
		t.Errorf("what the killed left behind is still there: %v %v", left, err)
	}
	_ = later
}

// opaque hides that files lie on this machine.
type opaque struct{ blob.Store }

func killedFiles(t *testing.T, s blob.Store) []blob.File {
	t.Helper()
	var files []blob.File
	for i := range 8 {
		files = append(files, put(t, s, fmt.Sprintf("f/%d.head.parquet", i), random(400_000, uint64(i)), blob.Head))
	}
	return files
}

func use(t *testing.T, c *blob.Cache, f blob.File) {
	t.Helper()
	copy, err := c.Whole(context.Background(), f)
	if errors.Is(err, blob.ErrFull) { // the other processes hold the rest
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer copy.Release()
	data, err := os.ReadFile(copy.Path)
	if err != nil || sha256.Sum256(data) != f.Sum {
		t.Fatalf("%s: %d bytes, %v", f.Key, len(data), err)
	}
	part := f
	part.Sum = [32]byte{} // of another name, so that the whole copy does not serve for it
	p, err := c.Part(context.Background(), part, func(r io.ReaderAt) ([]blob.Range, error) {
		return []blob.Range{{Off: 100_000, Len: 1000}}, nil
	})
	if errors.Is(err, blob.ErrFull) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	some, err := os.ReadFile(p.Path)
	if err != nil || !bytes.Equal(some[100_000:101_000], data[100_000:101_000]) {
		t.Fatalf("%s: the part is wrong, %v", f.Key, err)
	}
}

func child(t *testing.T) {
	store, dir, _ := strings.Cut(os.Getenv("YAGURA_CACHE_CHILD"), "\n")
	d, err := blob.OpenDisk(store, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c := openCache(t, dir, opaque{d}, blob.CacheOptions{Bytes: 3_000_000})
	for i := 0; ; i++ {
		data := random(400_000, uint64(i%8))
		use(t, c, blob.File{Key: fmt.Sprintf("f/%d.head.parquet", i%8), Size: 400_000, Sum: sha256.Sum256(data), Kind: blob.Head})
		if i == 0 {
			fmt.Print("x")
		}
	}
}

// smallFile is a Parquet file of two row groups.
func smallFile(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[rawRow](&b, parquet.MaxRowsPerRowGroup(2))
	if _, err := w.Write([]rawRow{{1, "a"}, {2, "b"}, {3, "c"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// within holds the ranges of whatever claims to be a Parquet file to its bytes.
func within(t *testing.T, data []byte) {
	t.Helper()
	ranges, err := blob.RowGroups(bytes.NewReader(data), int64(len(data)), func(g blob.RowGroup) bool { return g.Index%2 == 0 })
	for _, r := range ranges {
		if err == nil && (r.Off < 0 || r.Len < 0 || r.Off+r.Len > int64(len(data))) {
			t.Errorf("%v of %d bytes", r, len(data))
		}
	}
	if e := blob.Extract(io.Discard, bytes.NewReader(data), int64(len(data)), func(blob.RowGroup) bool { return true }); err != nil && e == nil {
		t.Error("row groups are extracted that cannot be read")
	}
}

// Every bit of a footer may be another: also a length of gigabytes is refused at once.
func TestRowGroupsDamaged(t *testing.T) {
	data := smallFile(t)
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			within(t, data)
			data[i] ^= 1 << bit
		}
		within(t, data[:i])
	}
}

func FuzzRowGroups(f *testing.F) {
	f.Add(smallFile(f))
	f.Fuzz(within)
}
