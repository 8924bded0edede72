package decode

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/slot"
)

// FuzzReader says of any bytes that reading them ends, that every record handed out
// is valid JSON with a key, that records and errors are bounded by the length, and
// that it makes no difference in which pieces the bytes come.
func FuzzReader(f *testing.F) {
	a, b := trail("A"), trail("BB")
	for _, s := range []string{
		a, a + "\n" + b, "[" + a + "," + b + "]", `{"Records":[` + a + "," + b + "]}", `{"@odata.context":"c","value":[` + a + "]}",
		"\ufeff" + a, "\xff\xfe{\x00}\x00", `{"kind":"EventList","items":[{"q":1}]}`, a + "\n{\"a\":tru}\n" + b,
		"[" + a + `,{"a":"b},` + b + "]", "[" + a + "," + b[:40] + "," + a + "]", `{"Records":[` + a + `],"x":[1,`,
		`{"Type":"Notification","TopicArn":"t","Message":"{\"q\":1}"}`, `{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"message":"{}"}]}`,
		`{"message":{"data":"eyJxIjoxfQ==","messageId":"1"},"subscription":"s"}`, `{"kinesis":{"sequenceNumber":"1","data":"eyJxIjoxfQ=="}}`,
		"1 2 3", "true\nfalse", "[[[[[[[[[[[]]]]]]]]]]]", "{\"a\":\"\xff\"}", "hello\n{}\n",
	} {
		f.Add([]byte(s))
		f.Add(gzipped([]byte(s)))
	}
	f.Add(zstdOf([]byte(a)))
	f.Add(tarOf(f, memberFile{"a", []byte(a)}))
	f.Add(zipOf(f, memberFile{"a", []byte(a)}))
	d, err := New(Options{MaxRecord: 64 << 10, Want: wantRules})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := fuzzRead(t, d, bytes.NewReader(data))
		if len(data) < 4096 {
			// The message of a decompressor may depend on how its input came.
			if diff := cmp.Diff(whole, fuzzRead(t, d, iotest.HalfReader(iotest.OneByteReader(bytes.NewReader(data))))); diff != "" {
				t.Fatalf("byte by byte (-whole +bytes):\n%s", diff)
			}
		}
	})
}

func fuzzRead(t *testing.T, d *Decoder, r io.Reader) (out []got) {
	rd := d.NewReader(r, "f")
	for {
		rec, err := rd.Next()
		var bad *RecordError
		switch {
		case errors.Is(err, io.EOF):
			if int64(len(out)) > 2+rd.BytesRead()+rd.BytesDecoded() {
				t.Fatalf("%d records and errors out of %d bytes", len(out), rd.BytesRead())
			}
			return out
		case errors.As(err, &bad):
			if len(bad.Bytes) > maxShown || bad.Reason == "" || strings.Contains(bad.Error(), "\n") {
				t.Fatalf("error %+v", bad)
			}
			out = append(out, got{Num: bad.Num, Offset: bad.Offset, File: bad.File, Bad: "bad"})
		case err != nil:
			t.Fatal(err)
		default:
			if !slot.Valid(rec.Doc.Record()) {
				t.Fatalf("record %q is not JSON", rec.Doc.Record())
			}
			e := rec.Event()
			if e.Format == "" || e.File == "" || e.Key.String() == strings.Repeat("0", 32) {
				t.Fatalf("event %+v", e)
			}
			out = append(out, got{Format: e.Format, Raw: string(e.Raw), Num: rec.Num, Offset: e.Offset, File: e.File})
		}
	}
}
