package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestIndicators looks for terms in records, and for nothing that only contains them.
func TestIndicators(t *testing.T) {
	dir := t.TempDir()
	var lines []string
	for i, text := range []string{"192.0.2.1", "192.0.2.10", "1192.0.2.1", "see 192.0.2.1:443", `a\nWWW.Example.COM/x`, "notexample.com", "AKIAEXAMPLE7", `日本\u0065xample.com`, "x192.0.2.1 and 192.0.2.1.5", "192.0.2.1."} {
		lines = append(lines, strings.Replace(event(i, i, "DescribeTrails", "alice"), `"readOnly"`, `"userAgent":"`+text+`","readOnly"`, 1))
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), lines...)
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("# known bad\n192.0.2[.]1 # a server\n\nakiaexample7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	indicators, err := ReadIndicators([]string{list, "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"192.0.2.1", "akiaexample7", "example.com"}, indicators); diff != "" {
		t.Fatal(diff)
	}
	cfg, books := lakeOf(t, dir)
	out := &Retro{Keep: true}
	retroOf(t, cfg, books, IndicatorRules(indicators), time.Time{}, time.Time{}, out)
	may := IndicatorMay(indicators)
	for i, line := range lines {
		hit := strings.Contains(strings.ToLower(line), "192.0.2.1") || strings.Contains(strings.ToLower(line), "example.com") || i == 6
		if hit && !may([]byte(line)) {
			t.Errorf("the quick look passes over %s", line)
		}
	}
	if !may([]byte(`{"a":"\u0065xample.com"}`)) || may([]byte(`{"a":"b.example.org"}`)) || may([]byte(`{"a":"192.0.3.1"}`)) {
		t.Error("the quick look is wrong about escapes, or about what is not there")
	}
	got := map[string]bool{}
	for _, f := range out.Findings {
		got[strings.TrimLeft(f.Event.ID[len(f.Event.ID)-2:], "0")] = true
	}
	want := map[string]bool{"": true, "3": true, "4": true, "6": true, "9": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"abc", "192.0.2.0/24", "\xff\xff\xff\xff", strings.Repeat("x", 3000)} {
		if _, err := ReadIndicators([]string{bad}); err == nil {
			t.Errorf("%q is taken for an indicator", bad)
		}
	}
}

// TestIndicatorFiles reads lists as people keep them, and refuses those in other forms: taken
// for indicators their lines would be found nowhere, and nobody would know.
func TestIndicatorFiles(t *testing.T) {
	dir := t.TempDir()
	read := func(text string) ([]string, error) {
		name := filepath.Join(dir, "list")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return ReadIndicators([]string{name})
	}
	got, err := read("\ufeff192.0.2.1\r\nexample[dot]com\r\nhxxps[://]example(.)org/a?b=1,2\nMixed.Example{.}NET\neve[at]example.com\n2001:DB8::1\n[2001:db8::2]\nrole, of a kind\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"192.0.2.1", "example.com", "https://example.org/a?b=1,2", "Mixed.Example.NET", "eve@example.com", "2001:DB8::1", "2001:db8::2", "role, of a kind"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"{\"type\":\"bundle\",\n\"objects\":[]}", "[{\"a\":1}]", "indicator,kind\n192.0.2.1,ip\n", "\"192.0.2[.]1\";ip\n", "2001:db8::1\tseen twice\n",
		"d41d8cd98f00b204e9800998ecf8427e,md5\n", "example.com,domain\n"} {
		if list, err := read(bad); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%q: %q, %v", bad, list, err)
		}
	}
}

// TestIndicatorIPv6 finds an address, and no longer one that begins with it.
func TestIndicatorIPv6(t *testing.T) {
	for _, x := range []struct {
		indicator, record string
		want              bool
	}{
		{"2001:DB8::1", `{"a":"2001:db8::1"}`, true},
		{"2001:db8::1", `{"a":"[2001:db8::1]:443"}`, true},
		{"2001:db8::1", `{"a":"2001:db8::1: refused"}`, true},
		{"2001:db8::1", `{"a":"2001:db8::1:5"}`, false},
		{"2001:db8::1", `{"a":"2001:db8::1f"}`, false},
		{"2001:db8::", `{"a":"2001:db8::"}`, true},
		{"2001:db8::", `{"a":"2001:db8::5"}`, false},
		{"192.0.2.1", `{"a":"192.0.2.1:443"}`, true},
	} {
		find := terms{}
		find.add(x.indicator)
		if got := find.in([]byte(x.record)); got != x.want {
			t.Errorf("%s in %s: %v", x.indicator, x.record, got)
		}
	}
}
