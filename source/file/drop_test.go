package file

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/decode"
)

// TestDrop: a folder where anybody drops findings or any JSON needs this receiver, a
// mapping for what is not known, and nothing else.
func TestDrop(t *testing.T) {
	mapping, err := decode.ParseMapping("door.yml", []byte("name: acme.door\nrecognise:\n  - {field: system, equals: door}\nid: nr\ntime: at\naction: did\n"))
	if err != nil {
		t.Fatal(err)
	}
	dec, err := decode.New(decode.Options{Formats: append([]*decode.Format{mapping}, decode.Formats()...)})
	if err != nil {
		t.Fatal(err)
	}
	f := folder(t)
	f.place(t, "finding.json", `{"class_uid":2004,"category_uid":2,"activity_id":1,"type_uid":200401,"time":1773450123000,"severity_id":4,"metadata":{"version":"1.1.0","product":{"name":"scan"}},"finding_info":{"uid":"f-1","title":"open"}}`)
	f.add(t, "door.log", `{"system":"door","nr":"7","at":"2026-03-14T01:02:03Z","did":"opened"}`+"\n"+`{"system":"door","nr":"8","at":"2026-03-14T01:02:04Z","did":"closed"}`+"\n")
	seen := map[string]string{}
	for _, o := range f.now(t, f.open(t, nil)) {
		r := dec.NewReader(strings.NewReader(o.Text), o.Name)
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", o.Name, err)
			}
			e := rec.Event()
			if o.Name == "finding.json" { // whatever it is taken for, it is an event
				seen[o.Name] = string(e.Raw[:17])
				continue
			}
			seen[o.Name+" "+e.ID] = e.Format + " " + e.Action
		}
	}
	want := map[string]string{"door.log 7": "acme.door opened", "door.log 8": "acme.door closed", "finding.json": `{"class_uid":2004`}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}
