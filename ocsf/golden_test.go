package ocsf_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/ocsf"
	"github.com/yagura-sec/yagura/ocsf/ocsftest"
)

// decoded reads the events of decode's goldens, by the name of their file.
func decoded(t testing.TB) map[string][]yagura.Event {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "decode", "testdata", "*", "*.golden.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens of decode: %v", err)
	}
	out := map[string][]yagura.Event{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(raw))
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var e yagura.Event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			out[file] = append(out[file], e)
		}
	}
	return out
}

// TestGoldensAreValid maps every event of every golden of decode, and holds each to the
// schema. Events that are OCSF already go through as they are.
func TestGoldensAreValid(t *testing.T) {
	schema := ocsftest.Load()
	m := ocsf.New(ocsf.Options{Version: "1.0.0", Account: func(string) string { return "production" }})
	valid, native := 0, 0
	classes := map[string]int{}
	for file, events := range decoded(t) {
		for _, e := range events {
			line, err := m.Append(nil, &e)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if bytes.ContainsRune(line, '\n') {
				t.Errorf("%s: %s is more than one line", file, e.ID)
			}
			if strings.HasPrefix(e.Format, "ocsf.") {
				native++
				same(t, e.Raw, line)
				continue
			}
			wrong := schema.Check(line)
			for _, w := range wrong {
				t.Errorf("%s: %s: %s\n%s", filepath.Base(filepath.Dir(file)), e.ID, w, line)
			}
			if wrong == nil {
				valid++
			}
			var c struct {
				Name string `json:"type_name"`
			}
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			classes[c.Name]++
		}
	}
	t.Logf("%d events are valid, %d were OCSF already; %v", valid, native, classes)
	if valid < 100 {
		t.Errorf("only %d events were held to the schema", valid)
	}
}

// same holds two texts to be the same JSON.
func same(t *testing.T, a, b []byte) {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	one, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	two, err := json.Marshal(y)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Errorf("%s became %s", one, two)
	}
}
