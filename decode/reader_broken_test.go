package decode

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestBroken reads text with broken records between good ones.
func TestBroken(t *testing.T) {
	a, b, c := trail("A"), trail("BB"), trail("CCC")
	cut := a[:len(a)/2]
	unquoted := strings.Replace(a, `"eventTime":"`, `"eventTime":`, 1)
	unclosed := strings.Replace(a, `user/ann",`, `user/ann,`, 1)
	swallowed := strings.Replace(a, `333"},"eventTime`, `333},eventTime`, 1) // the quotes are in step again, the braces are not
	head, tail, _ := strings.Cut(b, `,"awsRegion"`)
	const ended = "! the text ends inside a record"
	for _, x := range []struct {
		name, text string
		want       []string // a "!" matches any error
	}{
		{"a cut line", a + "\n" + cut + "\n" + c + "\n", []string{a, "!", c}},
		{"a cut line first", cut + "\n" + b + "\n" + c + "\n", []string{"!", b, c}},
		{"a cut line last", a + "\n" + cut, []string{a, ended}},
		{"a quote missing in a line", a + "\n" + unquoted + "\n" + c + "\n", []string{a, "!", c}},
		{"a quote too few in a line", a + "\n" + unclosed + "\n" + c + "\n", []string{a, "!", c}},
		{"text between lines", a + "\n2024-05-01 12:00:00 hello\nworld\n" + c + "\n", []string{a, "!", c}},
		{"text only", "2024-05-01 GET /index.html\n2024-05-02 GET /x.html\n", []string{"!"}},
		{"broken, put end to end", a + `{"a":tru}` + c, []string{a, "!", c}},
		{"braces too many", a + "}\n" + c, []string{a, "!", c}},
		{"broken in an array", "[" + a + `,{"a":tru},` + c + "]", []string{a, "!", c}},
		{"broken first in an array", `[{"a":tru,"b":["]"]},` + b + "," + c + "]", []string{"!", b, c}},
		{"broken last in an array", "[" + a + "," + b + `,{"a":"b}]`, []string{a, b, "!"}},
		{"cut in an array", "[" + a + "," + cut + "," + c + "]", []string{a, "!", c}},
		{"a quote missing in an array", "[" + a + "," + unquoted + "," + c + "," + a + "]", []string{a, "!", c, a}},
		{"a quote too few in an array", "[" + a + "," + unclosed + "," + c + "," + a + "]", []string{a, "!", c, a}},
		{"a quote too few in the first of an array", "[" + unclosed + "," + b + "," + c + "]", []string{"!", b, c}},
		{"a brace swallowed in the first of an array", "[" + swallowed + "," + b + "," + c + "]", []string{"!", b, c}},
		{"a brace swallowed in the first of an array of lines", "[" + swallowed + ",\n" + b + ",\n" + c + "\n]", []string{"!", b, c}},
		{"a quote too few in the first of an array of lines", "[" + unclosed + ",\n" + b + ",\n" + c + "\n]", []string{"!", b, c}},
		{"a brace missing in an array of lines", "[" + `{"q":{"r":1},` + "\n" + `{"s":2},` + "\n" + `{"t":3}]`, []string{"!", `{"s":2}`, `{"t":3}`}},
		{"a brace too many in an array", "[" + a + "," + head + `},"awsRegion"` + tail + "," + c + "]", []string{a, head + "}", `"awsRegion"`, "!", c}},
		{"a bracket missing in an array", "[" + a + "," + a[:len(a)-1] + "," + c + "," + a + "]", []string{a, "!", c, a}},
		{"a wrong bracket in an array", "[" + a + `,{"a":[1},` + c + "]", []string{a, "!", c}},
		{"garbage in an array", "[" + a + ", foo, " + c + "]", []string{a, "!", c}},
		{"a comma missing in an array", "[" + a + b + "]", []string{a, "!", b}},
		{"a comma too many in an array", "[" + a + "," + b + ",]", []string{a, b, "!"}},
		{"Records, then cut", `{"Records":[` + a + "," + cut, []string{a, ended}},
		{"Records, then nothing", `{"Records":[` + a + "," + b, []string{a, b, "! the text ends inside a list of records"}},
		{"Records without their end", `{"Records":[` + a + "]", []string{a, "! the text ends inside a list of records"}},
		{"Records, then garbage, then a line", `{"Records":[` + a + "]x\n" + c, []string{a, "!", c}},
		{"an array after a broken record", "[" + a + `,{"a":tru}]` + "\n" + c, []string{a, "!", c}},
		{"nul bytes", a + "\n\x00\x00\x00\x00\n" + c + "\n", []string{a, "!", c}},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00", []string{"!"}},
		{"too deep", a + "\n" + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + "\n" + c, []string{a, "!", c}},
		{"too deep, in an array", "[" + a + "," + `{"x":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + "}," + c + "]", []string{a, "!", c}},
		{"too deep, never closed", a + "\n" + strings.Repeat(`{"a":`, 100000) + "\n" + c, []string{a, "!", c}},
		{"too long", a + "\n" + `{"x":"` + strings.Repeat("y", 5000) + "\"}\n" + c, []string{a, "! the record is longer than 4096 bytes", c}},
		{"too long, in an array", "[" + a + `,{"x":"` + strings.Repeat("y", 50000) + `","z":[{}]},` + c + "]", []string{a, "! the record is longer than 4096 bytes", c}},
		{"too long, to the end", a + "\n" + `{"x":"` + strings.Repeat("y", 50000), []string{a, "! the record is longer than 4096 bytes"}},
		{"pretty, broken", "{\n \"a\": [\n  {\n   \"b\": tru\n  }\n ]\n}\n" + a, []string{"!", a}},
	} {
		t.Run(x.name, func(t *testing.T) {
			o := Options{}
			if strings.HasPrefix(x.name, "too long") {
				o.MaxRecord = 4096
			}
			d := newDecoder(t, o)
			list := readAll(t, d, strings.NewReader(x.text), "f")
			seen := raws(list)
			for i := range seen {
				if i < len(x.want) && x.want[i] == "!" && strings.HasPrefix(seen[i], "! ") {
					seen[i] = "!"
				}
			}
			if diff := cmp.Diff(x.want, seen); diff != "" {
				t.Fatalf("records (-want +got):\n%s\n%v", diff, raws(list))
			}
			if diff := cmp.Diff(list, readAll(t, d, iotest.OneByteReader(strings.NewReader(x.text)), "f")); diff != "" {
				t.Errorf("byte by byte (-whole +bytes):\n%s", diff)
			}
		})
	}
}

// TestCutLines cuts a line at every byte. The lines around it are all there, though some
// cuts make the next line a value of the cut one.
func TestCutLines(t *testing.T) {
	a, b, c := trail("A"), trail("BB"), trail("CCC")
	line := `{"a":{"b":[{"c":1},"d\"e",[2,{}]],"f":"}\\"},"g":null}`
	d := newDecoder(t, Options{})
	for n := 1; n < len(line); n++ {
		for _, x := range []struct {
			text string
			want []string
		}{
			{a + "\n" + line[:n] + "\n" + b + "\n" + c + "\n", []string{a, "!", b, c}},
			{a + "\r\n" + line[:n] + "\r\n" + b + "\r\n" + c, []string{a, "!", b, c}},
			{line[:n] + "\n" + b + "\n", []string{"!", b}},
			{line[:n] + "\n" + b, []string{"!", b}},
		} {
			list := readAll(t, d, strings.NewReader(x.text), "f")
			seen := raws(list)
			for i := range seen {
				if strings.HasPrefix(seen[i], "! ") {
					seen[i] = "!"
				}
			}
			if diff := cmp.Diff(x.want, seen); diff != "" {
				t.Fatalf("cut behind %s (-want +got):\n%s", line[:n], diff)
			}
			if diff := cmp.Diff(list, readAll(t, d, iotest.OneByteReader(strings.NewReader(x.text)), "f")); diff != "" {
				t.Errorf("cut behind %s, byte by byte (-whole +bytes):\n%s", line[:n], diff)
			}
		}
	}
}

func TestBrokenPlace(t *testing.T) {
	a := trail("A")
	text := a + "\n" + `{"a":1,"b":tru}` + "\n" + a + "\n"
	rd := newDecoder(t, Options{}).NewReader(strings.NewReader(text), "dir/f.json")
	if _, err := rd.Next(); err != nil {
		t.Fatal(err)
	}
	_, err := rd.Next()
	bad, ok := err.(*RecordError)
	if !ok {
		t.Fatalf("error %v", err)
	}
	if bad.Num != 2 || bad.Offset != int64(len(a)+1) || !strings.HasPrefix(string(bad.Bytes), `{"a":1`) {
		t.Errorf("place %+v", bad)
	}
	want := fmt.Sprintf("dir/f.json: record 2 at byte %d: a malformed literal (byte 14 of the record)", len(a)+1)
	if bad.Error() != want {
		t.Errorf("error %q, want %q", bad.Error(), want)
	}
	if rec, err := rd.Next(); err != nil || rec.Num != 3 {
		t.Errorf("after it: %+v, %v", rec, err)
	}
}

// TestStreak says that a row of broken records is reported up to a bound, and the
// good one after it is still there.
func TestStreak(t *testing.T) {
	a := trail("A")
	list := readAll(t, newDecoder(t, Options{}), strings.NewReader(strings.Repeat("{x}\n", 5000)+a+"\n{y}\n"), "f")
	if len(list) != maxStreak+3 {
		t.Fatalf("%d records and errors", len(list))
	}
	if got := list[maxStreak].Bad; got != "4000 more broken records in a row" {
		t.Errorf("summary %q", got)
	}
	if list[maxStreak+1].Raw != a || list[maxStreak+1].Num != 5001 || list[maxStreak+2].Num != 5002 {
		t.Errorf("after the row: %+v", list[maxStreak+1:])
	}
}

// TestFailure says that a failure of the underlying reader is not a broken record.
func TestFailure(t *testing.T) {
	a := trail("A")
	for name, text := range map[string][]byte{"plain": []byte(a + "\n" + a[:50]), "gzip": gzipped([]byte(a + "\n" + a))} {
		if name == "gzip" {
			text = text[:len(text)-3]
		}
		rd := newDecoder(t, Options{}).NewReader(io.MultiReader(bytes.NewReader(text), iotest.ErrReader(io.ErrClosedPipe)), "f")
		var err error
		n := 0
		for ; err == nil; n++ {
			_, err = rd.Next()
		}
		if _, broken := err.(*RecordError); broken || err.Error() != io.ErrClosedPipe.Error() || n < 2 { // as it came: the caller names the file
			t.Errorf("%s: after %d records: %v", name, n-1, err)
		}
		if _, again := rd.Next(); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: asked again: %v", name, again)
		}
	}
}
