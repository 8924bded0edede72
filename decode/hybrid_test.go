package decode

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"testing"
)

// TestHybrids merges the keys of each pair of records of two formats and decodes the
// hybrid alone and after a record of either: its format is the same each time.
func TestHybrids(t *testing.T) {
	type sample struct {
		format string
		raw    []byte
		keys   map[string]json.RawMessage
	}
	var samples []sample
	by := fixtures(t)
	for _, name := range slices.Sorted(maps.Keys(by)) {
		for _, file := range by[name][:min(len(by[name]), 2)] { // the pairs grow with the square
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range events(t, data, file) {
				if i == 1 {
					break
				}
				s := sample{format: name, raw: e.Raw}
				if err := json.Unmarshal(e.Raw, &s.keys); err != nil {
					t.Fatal(err)
				}
				samples = append(samples, s)
			}
		}
	}
	merge := func(a, b sample) []byte {
		m := maps.Clone(a.keys)
		for k, v := range b.keys {
			if _, ok := m[k]; !ok {
				m[k] = v
			}
		}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	last := func(records ...[]byte) string {
		r := standard().NewReader(bytes.NewReader(bytes.Join(records, []byte("\n"))), "test")
		format := ""
		for {
			rec, err := r.Next()
			if err == io.EOF {
				return format
			}
			if err != nil {
				t.Fatal(err)
			}
			format = rec.Format.Name
		}
	}
	check := func(a, b, hybrid []byte) {
		t.Helper()
		alone := last(hybrid)
		if after, other := last(a, hybrid), last(b, hybrid); after != alone || other != alone {
			t.Errorf("alone %s, after the first %s, after the second %s: %s", alone, after, other, hybrid)
		}
	}
	pairs := 0
	for _, a := range samples {
		for _, b := range samples {
			if a.format != b.format {
				check(a.raw, b.raw, merge(a, b))
				pairs++
			}
		}
	}
	if pairs < 1000 {
		t.Errorf("only %d pairs", pairs)
	}

	// Little of each is enough.
	trail := []byte(`{"eventSource":"ec2.amazonaws.com","eventName":"X"}`)
	risk := []byte(`{"riskEventType":"y"}`)
	check(trail, risk, []byte(`{"eventSource":"ec2.amazonaws.com","eventName":"X","riskEventType":"y"}`))
	if got := last(risk, []byte(`{"eventSource":"ec2.amazonaws.com","eventName":"X","riskEventType":"y"}`)); got != cloudTrail.Name {
		t.Errorf("an API call with a riskEventType is %s after a risk", got)
	}
}
