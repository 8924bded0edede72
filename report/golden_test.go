package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

var record = flag.Bool("record", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *record {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (go test ./report -record writes it anew): %s", file, d)
	}
}

// TestGolden holds the whole text of every format, for whoever reads it elsewhere.
func TestGolden(t *testing.T) {
	window := finding(9, "Many secrets read by one identity", yagura.SeverityMedium)
	window.Events = []string{"e7", "e8", "e9"}
	window.Why = []yagura.Why{{Field: "value_count", Op: "gte", Value: "3", Actual: "3"}}
	window.Caps = []string{"events: the first 3 are named"}
	counted := finding(1, "Elastic IP address allocated", yagura.SeverityLow)
	counted.Mode = "count"
	all := items(counted, finding(2, "CloudTrail logging disabled", yagura.SeverityHigh), finding(3, "CloudTrail logging disabled", yagura.SeverityHigh), window)
	all[3].Offset = -1
	for _, c := range []struct {
		name, format string
		o            Options
	}{
		{"findings.txt", "table", Options{}},
		{"explained.txt", "table", Options{Explain: true}},
		{"explained.ja.txt", "table", Options{Explain: true, Japanese: true}},
		{"coloured.txt", "table", Options{Color: true, Width: 90}},
		{"findings.jsonl", "jsonl", Options{}},
		{"findings.ocsf.jsonl", "ocsf", Options{Version: "1.0.0"}},
		{"findings.sarif", "sarif", Options{Version: "1.0.0"}},
	} {
		golden(t, c.name, []byte(render(t, c.format, c.o, all...)))
	}
	at := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	event := yagura.Event{V: 1, ID: "e1", Key: yagura.Key{1}, Format: "aws.cloudtrail", Source: "file", Time: at, Seen: at.Add(time.Hour),
		Account: "111122223333", Region: "eu-west-1", Action: "DeleteTrail", Actor: yagura.Actor{Type: "user", ID: "arn:aws:iam::111122223333:user/alice", Name: "alice"},
		SrcIP: "192.0.2.7", Outcome: "success", File: "trail.json", Offset: 12, Raw: []byte(`{"eventName":"DeleteTrail"}`)}
	for _, format := range EventFormats() {
		var b bytes.Buffer
		w, err := NewEvents(format, &b, Options{Version: "1.0.0"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&event); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		golden(t, "events."+format+".jsonl", b.Bytes())
	}
}
