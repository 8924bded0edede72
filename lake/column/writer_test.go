package column_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/yagura-sec/yagura/lake/column"
)

// row is what another reader of Parquet makes of a row.
type row struct {
	N    int64      `parquet:"n"`
	Size int32      `parquet:"size"`
	When *time.Time `parquet:"when,optional,timestamp(microsecond:local)"`
	Key  [16]byte   `parquet:"key,uuid"`
	Word string     `parquet:"word"`
	ID   string     `parquet:"id"`
	Raw  []byte     `parquet:"raw"`
}

// TestRead: what is written is what another library reads, over pages and row groups.
func TestRead(t *testing.T) {
	cols := []*column.Buffer{
		column.New(column.Spec{Name: "n", Kind: column.Int64}), column.New(column.Spec{Name: "size", Kind: column.Int32}),
		column.New(column.Spec{Name: "when", Kind: column.Time, Nullable: true}), column.New(column.Spec{Name: "key", Kind: column.UUID, Bloom: true}),
		column.New(column.Spec{Name: "word", Bloom: true}), column.New(column.Spec{Name: "id", Plain: true, Bloom: true}), column.New(column.Spec{Name: "raw", Kind: column.Bytes}),
	}
	random := rand.New(rand.NewPCG(1, 2))
	var want []row
	for i := range 5000 {
		r := row{N: int64(i) * 1e12, Size: int32(random.IntN(1 << 20)), Word: strings.Repeat("w", random.IntN(300)), ID: fmt.Sprintf("id-%d", random.Int64())}
		if i%7 == 0 {
			r.Raw = []byte{0xff, byte(i)}
		} else {
			r.Raw = []byte{}
		}
		if i%11 != 0 {
			at := time.UnixMicro(random.Int64N(1 << 50)).UTC()
			r.When = &at
		}
		for k := range r.Key {
			r.Key[k] = byte(random.IntN(256))
		}
		want = append(want, r)
		cols[0].Ints = append(cols[0].Ints, r.N)
		cols[1].Ints = append(cols[1].Ints, int64(r.Size))
		if r.When == nil {
			cols[2].Ints = append(cols[2].Ints, column.Null)
		} else {
			cols[2].Ints = append(cols[2].Ints, r.When.UnixMicro())
		}
		cols[3].Keys = append(cols[3].Keys, r.Key)
		cols[4].Text.Append(r.Word)
		cols[5].Text.Append(r.ID)
		cols[6].Text.AppendBytes(r.Raw)
	}
	for i, c := range cols {
		if c.Len() != len(want) {
			t.Fatalf("column %d has %d rows", i, c.Len())
		}
	}
	var file bytes.Buffer
	w := column.NewWriter(&file, column.Options{PageRows: 700, PageBytes: 4 << 10}, cols...)
	for _, at := range [][2]int{{0, 2000}, {2000, 2000}, {2000, 2001}, {2001, 5000}} {
		if err := w.Rows(at[0], at[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	r := parquet.NewGenericReader[row](f)
	got := make([]row, len(want)+1)
	n, err := r.Read(got)
	if n != len(want) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%d rows, %v", n, err)
	}
	if diff := cmp.Diff(want, got[:n]); diff != "" {
		t.Fatal(diff)
	}
	if len(f.RowGroups()) != 3 {
		t.Errorf("%d row groups", len(f.RowGroups()))
	}
	for at, x := range want[:2000] { // what is in a row group, its filter has
		for c, v := range map[int]parquet.Value{3: parquet.ValueOf(x.Key), 4: parquet.ValueOf(x.Word), 5: parquet.ValueOf(x.ID)} {
			if ok, err := f.RowGroups()[0].ColumnChunks()[c].BloomFilter().Check(v); err != nil || !ok {
				t.Fatalf("row %d: the filter of column %d does not have it: %v", at, c, err)
			}
		}
	}
	false1 := 0
	for i := range 1000 {
		if ok, _ := f.RowGroups()[2].ColumnChunks()[5].BloomFilter().Check(parquet.ValueOf(fmt.Sprintf("other-%d", i))); ok {
			false1++
		}
	}
	if false1 > 30 {
		t.Errorf("%d of 1000 strangers are in the filter", false1)
	}
}

// TestNotUTF8: text that is none becomes text, also where it comes again.
func TestNotUTF8(t *testing.T) {
	for _, plain := range []bool{false, true} {
		c := column.New(column.Spec{Name: "x", Plain: plain})
		for _, s := range []string{"a\xffb", "ok", "a\xffb", ""} {
			c.Text.Append(s)
			c.Text.AppendBytes([]byte(s))
		}
		var got []string
		for i := range c.Len() {
			got = append(got, string(c.Text.At(i)))
		}
		if diff := cmp.Diff([]string{"a\uFFFDb", "a\uFFFDb", "ok", "ok", "a\uFFFDb", "a\uFFFDb", "", ""}, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestReset: a buffer that was used holds nothing of what was in it.
func TestReset(t *testing.T) {
	for _, plain := range []bool{false, true} {
		c := column.New(column.Spec{Name: "x", Plain: plain})
		for range 3 {
			for i := range 3000 {
				c.Text.Append(fmt.Sprint("value ", i, strings.Repeat("x", i)))
			}
			for i := range 3000 {
				if got, want := string(c.Text.At(i)), fmt.Sprint("value ", i, strings.Repeat("x", i)); got != want {
					t.Fatalf("row %d is %.40q", i, got)
				}
			}
			other := column.New(column.Spec{Name: "x", Plain: plain})
			other.Pick(c, []int{1, 7, 2999})
			if other.Len() != 3 || string(other.Text.At(2)) != string(c.Text.At(2999)) {
				t.Error("picked rows are others")
			}
			c.Reset()
			if c.Len() != 0 {
				t.Fatal("it is not empty")
			}
		}
	}
}
