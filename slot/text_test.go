package slot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// compactReference writes valid JSON without white space, each string unescaped whole
// and escaped again.
func compactReference(t testing.TB, rec []byte) string {
	t.Helper()
	var buf bytes.Buffer
	if err := json.Compact(&buf, rec); err != nil {
		t.Fatal(err)
	}
	src := buf.Bytes()
	if bytes.IndexByte(src, '\\') < 0 {
		return buf.String()
	}
	var b strings.Builder
	for i := 0; i < len(src); i++ {
		b.WriteByte(src[i])
		if src[i] != '"' {
			continue
		}
		end := i + 1
		for src[end] != '"' {
			if src[end] == '\\' {
				end++
			}
			end++
		}
		for _, c := range Unescape(nil, src[i+1:end]) {
			switch short := strings.IndexByte("\b\f\n\r\t\"\\", c); {
			case short >= 0:
				b.WriteString(`\` + `bfnrt"\`[short:short+1])
			case c < ' ':
				fmt.Fprintf(&b, `\u%04x`, c)
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte('"')
		i = end
	}
	return b.String()
}

// TestCompact: two ways to write one value have one compact form.
func TestCompact(t *testing.T) {
	for _, c := range []struct{ json, want string }{
		{`{"a" : ["x\u006fy"]}`, `{"a":["xoy"]}`},
		{`{"\u0061":1.0}`, `{"a":1.0}`},
		{`["s3:\/\/b"]`, `["s3://b"]`},
		{`["\u0022\u005c\"\\"]`, `["\"\\\"\\"]`},
		{`["\u000a\n\u0000\u001F\u007f"]`, "[\"\\n\\n\\u0000\\u001f\u007f\"]"},
		{`["\u00e9\u2028"]`, "[\"\u00e9\u2028\"]"},
		{`["\ud83d\ude00 \ud83d x \ude00 \ud83d\u0041"]`, "[\"\U0001f600 \ufffd x \ufffd \ufffdA\"]"},
		{`["{\"k\":\"\\u0041\"}"]`, `["{\"k\":\"\\u0041\"}"]`},
		{` [ "a b" , "\\" ] `, `["a b","\\"]`},
	} {
		got := string(Compact(nil, []byte(c.json)))
		if got != c.want || compactReference(t, []byte(c.json)) != c.want {
			t.Errorf("%s: got %s, want %s", c.json, got, c.want)
		}
		if again := string(Compact(nil, []byte(got))); again != got {
			t.Errorf("%s: compact again: %s", got, again)
		}
	}
}
