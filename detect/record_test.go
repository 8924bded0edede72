package detect

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// FuzzRecord reads any bytes as a spilled base match, which must end in a record or
// an error.
func FuzzRecord(f *testing.F) {
	corrs := []*correlation{{Correlation: &rule.Correlation{GroupBy: []string{"a", "b"}, Rules: make([]*rule.Rule, 2)}},
		{Correlation: &rule.Correlation{GroupBy: []string{"a", "b"}, Carry: []string{"c", "d"}, Rules: make([]*rule.Rule, 2)}}}
	ev := &yagura.Event{ID: "e", Account: "111122223333", Targets: []yagura.Entity{{Type: "user", ID: "u"}}}
	rec := encodeKey(nil, feed{base: 1}, appendPart(appendPart(nil, []byte("x\x00y")), nil), 5, yagura.Key{1})
	f.Add(encodeHead(appendList(rec, [][]byte{{1}, nil}), ev))
	rec = encodeKey(nil, feed{corr: 1}, appendPart(appendPart(nil, []byte("x")), nil), 5, yagura.Key{1})
	rows := [][]byte{encodeRow([][][]byte{{appendPart(nil, []byte("v"))}, nil}), encodeRow([][][]byte{nil, nil})}
	f.Add(encodeHead(appendList(append(rec, 0), rows), ev))
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r record
		if decodeRecord(b, corrs, &r) != nil {
			return
		}
		parts, n := splitTuple(r.group, 2)
		if n != len(r.group) || len(parts) != 2 {
			t.Errorf("group %q: %q, %d bytes", r.group, parts, n)
		}
		decodeHead(r.head, r.time)
		for _, row := range r.rows {
			lists, err := decodeRow(row, 2)
			if err != nil {
				continue
			}
			if again, err := decodeRow(encodeRow(lists), 2); err != nil || !cmp.Equal(lists, again, cmpopts.EquateEmpty()) {
				t.Errorf("row %q: %q, then %q %v", row, lists, again, err)
			}
		}
	})
}

func TestRecord(t *testing.T) {
	corrs := []*correlation{{Correlation: &rule.Correlation{GroupBy: []string{"a", "b"}, Rules: make([]*rule.Rule, 4)}}}
	ev := &yagura.Event{ID: "e-1", Key: yagura.Key{7}, Format: "f", Source: "file", Time: time.Unix(-5, 3).UTC(), Account: "a", Region: "r", Action: "x",
		Actor: yagura.Actor{Type: "user", ID: "i", Name: "n", SessionOf: "s"}, SrcIP: "192.0.2.1", Outcome: "success"}
	group := appendPart(appendPart(nil, []byte("x\x00\x01y")), []byte{})
	at, _ := nanos(ev.Time)
	rec := encodeHead(appendList(encodeKey(nil, feed{base: 3}, group, at, ev.Key), [][]byte{[]byte("v")}), ev)
	var r record
	if err := decodeRecord(rec, corrs, &r); err != nil {
		t.Fatal(err)
	}
	if r.base != 3 || r.time != at || !bytes.Equal(r.key, ev.Key[:]) || string(r.values[0]) != "v" {
		t.Errorf("%+v", r)
	}
	parts, _ := splitTuple(r.group, 2)
	if diff := cmp.Diff([]string{"x\x00\x01y", ""}, parts); diff != "" {
		t.Error(diff)
	}
	h, err := decodeHead(r.head, r.time)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ev.Ref(), h.ref); diff != "" {
		t.Error(diff)
	}
	if _, err := decodeHead(r.head[:len(r.head)-1], 0); err == nil {
		t.Error("a record without its end was read")
	}
}
