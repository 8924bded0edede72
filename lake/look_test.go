package lake_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake"
)

// TestLook: a row is found by its key with all that its head says and the record byte for byte,
// and one whose record retention took is found without it.
func TestLook(t *testing.T) {
	p := newPond(t)
	now := monday.Add(time.Hour)
	l := p.open(lake.Options{Flush: time.Hour, Now: func() time.Time { return now }})
	want := record("b", monday)
	want.Raw = []byte("{\"id\":\"b\xff\"}")
	want.Event.Actor = yagura.Actor{Type: yagura.EntityUser, ID: "arn:mary", Name: "mary", SessionOf: "boss"}
	want.Event.Region, want.Event.Detail.UserAgent, want.Event.Detail.AccessKey, want.Event.Detail.Error = "ap-northeast-1", "curl", "AKIAEXAMPLE", "AccessDenied"
	put(t, l, "o1", 7, nil, record("a", monday), want, record("c", monday))
	put(t, l, "o2", 0, nil, record("d", time.Time{}))
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	look := func(key yagura.Key, at time.Time) (out []lake.Row) {
		t.Helper()
		files, err := l.Files(t.Context(), lake.Around(at, "aws.cloudtrail"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			rows, err := l.Reader().Look(t.Context(), f, key)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, rows...)
		}
		return out
	}
	got := look(want.Key, monday)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	head := *want.Event
	head.V, head.Key, head.Format, head.Source, head.Seen, head.Raw = 1, want.Key, "aws.cloudtrail", "test", monday, want.Raw
	if diff := cmp.Diff(lake.Row{Row: got[0].Row, Number: 8, Size: int64(len(want.Raw)), Object: "o1", Event: head, Raw: want.Raw}, got[0]); diff != "" || got[0].Row == 0 {
		t.Errorf("row %d: %s", got[0].Row, diff)
	}
	if got := look(record("d", monday).Key, time.Time{}); len(got) != 1 || string(got[0].Raw) != `{"id":"d"}` || !got[0].Event.Time.IsZero() {
		t.Errorf("one without a time: %+v", got)
	}
	for _, at := range []time.Time{{}, monday.Add(48 * time.Hour)} {
		if got := look(want.Key, at); len(got) != 0 {
			t.Errorf("at %v there is %+v", at, got)
		}
	}
	if got := look(yagura.Key{9}, monday); got != nil {
		t.Errorf("a key that nobody has: %+v", got)
	}

	// After retention took the record, the header is left.
	now = monday.Add(10 * 24 * time.Hour)
	r, err := lake.NewRetainer(lake.RetainOptions{Catalogue: p.db.LakeAt("here"), Blobs: p.blobs(), Writer: "w2", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), lake.Retention{Entries: []lake.RetentionEntry{{Raw: 24 * time.Hour}}}); err != nil {
		t.Fatal(err)
	}
	if got := look(want.Key, monday); len(got) != 1 || got[0].Raw != nil || got[0].Event.Actor != want.Event.Actor || got[0].Size != int64(len(want.Raw)) {
		t.Errorf("after retention: %+v", got)
	}
}
