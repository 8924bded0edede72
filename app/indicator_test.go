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
