package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/yagura-sec/yagura"
)

// FuzzFormats sends bytes through the reader and every function of every format:
// nothing panics, every record becomes an event, and an event is JSON.
func FuzzFormats(f *testing.F) {
	for _, files := range fixtures(f) {
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			for _, e := range events(f, data, file) {
				f.Add([]byte(e.Raw))
			}
		}
	}
	var loners []*lone
	for _, format := range Formats() {
		loners = append(loners, alone(format))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := standard().NewReader(bytes.NewReader(data), "fuzz.json")
		defer r.Close()
		for {
			rec, err := r.Next()
			if _, ok := errors.AsType[*RecordError](err); ok {
				continue
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			e := rec.Event()
			if _, err := json.Marshal(e); err != nil {
				t.Fatalf("%v: %s", err, e.Raw)
			}
			switch e.Outcome {
			case yagura.OutcomeSuccess, yagura.OutcomeFailure, yagura.OutcomeUnknown:
			default:
				t.Fatalf("outcome %q of %s", e.Outcome, e.Raw)
			}
			for _, l := range loners { // also the formats that do not take it
				x := l.scan(t, e.Raw)
				is := x.Format.Is(x)
				x.Format.Key(x)
				x.Format.Time(x)
				x.Event()
				if x.Format.Alert == nil {
					continue
				}
				if a, ok := x.Format.Alert(x); ok && is && (a.Severity == 0 || a.Scope == "") {
					t.Fatalf("%s: an alert without severity or scope: %+v", x.Format.Name, a)
				}
			}
		}
	})
}
