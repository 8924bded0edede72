package lake

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestReadable(t *testing.T) {
	for rec, want := range map[string]string{
		`{}`: `{}`, `{"a":"\ud83d\ude00"}`: `{"a":"\ud83d\ude00"}`, `{"a":"\uD83D\uDE00\u0041"}`: `{"a":"\uD83D\uDE00\u0041"}`,
		`{"a":"x\ud800y"}`: `{"a":"x\ufffdy"}`, `{"a":"\ude00\ud83d"}`: `{"a":"\ufffd\ufffd"}`, `{"a":"\ud83d\ud83d\ude00"}`: `{"a":"\ufffd\ud83d\ude00"}`,
		`{"a":"\ud83d\u0041"}`: `{"a":"\ufffd\u0041"}`, `{"a":"\ud83d"}`: `{"a":"\ufffd"}`, `{"\uDBFF":1}`: `{"\ufffd":1}`,
		// A backslash that is escaped begins nothing.
		`{"a":"\\ud800"}`: `{"a":"\\ud800"}`, `{"a":"\\\ud800"}`: `{"a":"\\\ufffd"}`, `{"a":"\ud83d\\ude00"}`: `{"a":"\ufffd\\ude00"}`,
		// What is no JSON is left alone.
		`\ud8`: `\ud8`, `\udzzzz`: `\udzzzz`, `\ud800\`: `\ufffd\`,
	} {
		in := []byte(rec)
		if got := string(readable(in)); got != want || string(in) != rec {
			t.Errorf("%s became %s, want %s", rec, got, want)
		}
	}
}

// FuzzReadable: what is made means the same to a reader of JSON that takes both.
func FuzzReadable(f *testing.F) {
	f.Add([]byte(`{"a":"\ud83d\ude00 \ud800 \\ud800"}`))
	f.Add([]byte(`\ud800\`))
	f.Fuzz(func(t *testing.T, rec []byte) {
		got := readable(rec)
		var a, b any
		if json.Unmarshal(rec, &a) != nil {
			return
		}
		if err := json.Unmarshal(got, &b); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(a)
		if y, _ := json.Marshal(b); !bytes.Equal(x, y) || len(got) != len(rec) || !bytes.Equal(readable(got), got) {
			t.Fatalf("%s became %s", rec, got)
		}
	})
}
