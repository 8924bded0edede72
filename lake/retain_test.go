package lake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/lake"
)

// retain runs a retention, and has nothing left over.
func (h *house) retain(r lake.Retention) lake.Retained {
	h.t.Helper()
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: h.db.Lake(), Blobs: h.Blobs, Writer: "r", Now: h.clock})
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := k.Run(h.t.Context(), r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.tidy()
	return out
}

// numbers returns which records there are, by their numbers.
func (h *house) numbers() string {
	var out []string
	for _, line := range h.all() {
		out = append(out, strings.Fields(line)[3])
	}
	return strings.Join(out, " ")
}

func (h *house) rows() (n int64) {
	for _, f := range h.files() {
		n += f.Rows
	}
	return n
}

func TestRetention(t *testing.T) {
	const day = 24 * time.Hour
	// Records 0 and 1 are of the first of May, 2 to 7 of the second. Accounts change from one to the
	// next: …30, …31, …32.
	cases := []struct {
		name string
		now  time.Time
		r    lake.Retention
		rows int64
		want string
	}{
		{"nothing said", start.Add(9999 * day), lake.Retention{}, 8, "0 1 2 3 4 5 6 7"},
		{"all too young", start.Add(9 * day), lake.Retention{Entries: []lake.RetentionEntry{{Head: 10 * day}}}, 8, "0 1 2 3 4 5 6 7"},
		{"a day old enough", start.Add(10*day + 2*time.Hour), lake.Retention{Entries: []lake.RetentionEntry{{Head: 10 * day}}}, 6, "2 3 4 5 6 7"},
		{"another log type", start.Add(99 * day), lake.Retention{Entries: []lake.RetentionEntry{{Format: "gcp.*", Head: day}}}, 8, "0 1 2 3 4 5 6 7"},
		{"the first that fits", start.Add(99 * day), lake.Retention{Entries: []lake.RetentionEntry{{Format: "aws.*"}, {Head: day}}}, 8, "0 1 2 3 4 5 6 7"},
		{"an account", start.Add(99 * day), lake.Retention{Entries: []lake.RetentionEntry{{Account: "*1", Head: day}}}, 5, "0 2 3 5 6"},
		{"records before headers", start.Add(99 * day), lake.Retention{Entries: []lake.RetentionEntry{{Head: 999 * day, Raw: 30 * day}}}, 8, ""},
		{"records of an account", start.Add(99 * day), lake.Retention{Entries: []lake.RetentionEntry{{Account: "*2", Raw: day}, {Account: "*1", Head: day}}}, 5, "0 3 6"},
		{"a hold", start.Add(99 * day), lake.Retention{Entries: []lake.RetentionEntry{{Head: day}}, Holds: []lake.Hold{{Account: "*30"}}}, 3, "0 3 6"},
		{"a hold of a day", start.Add(99 * day), lake.Retention{Entries: []lake.RetentionEntry{{Head: day}},
			Holds: []lake.Hold{{From: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)}}}, 6, "2 3 4 5 6 7"},
		{"a size", start, lake.Retention{Size: 1}, 0, ""},
		{"a size and a hold", start, lake.Retention{Size: 1, Holds: []lake.Hold{{To: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)}}}, 2, "0 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			l := h.open(h.Blobs)
			h.put(l, "o", 0, 8)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			h.now = c.now
			h.retain(c.r)
			if rows := h.rows(); rows != c.rows {
				t.Errorf("%d headers, want %d", rows, c.rows)
			}
			if got := h.numbers(); got != c.want {
				t.Errorf("records %q, want %q", got, c.want)
			}
			if again := h.retain(c.r); len(again.Dropped)+again.Rewritten > 0 {
				t.Errorf("a second run still did %+v", again)
			}
		})
	}
}

// TestRetentionPlanned: a plan says what would be done, by log type and account, and does nothing.
func TestRetentionPlanned(t *testing.T) {
	h := newHouse(t)
	l := h.open(h.Blobs)
	h.put(l, "o", 0, 8)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	h.now = start.Add(99 * 24 * time.Hour)
	before := h.all()
	r := lake.Retention{
		Entries: []lake.RetentionEntry{{Account: "*1", Head: time.Hour}, {Account: "*2", Raw: time.Hour}, {Head: 90 * 24 * time.Hour}},
		Holds:   []lake.Hold{{Account: "*0"}},
	}
	want := []lake.RetainedPart{
		{Format: "aws.cloudtrail", Account: "111122223330", Held: 3},
		{Format: "aws.cloudtrail", Account: "111122223331", Gone: 3},
		{Format: "aws.cloudtrail", Account: "111122223332", Bare: 2},
	}
	run := func(plan bool) lake.Retained {
		k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: h.db.Lake(), Blobs: h.Blobs, Writer: "r", Now: h.clock, Plan: plan})
		if err != nil {
			t.Fatal(err)
		}
		out, err := k.Run(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.Parts); diff != "" {
			t.Errorf("plan %v: (-want +got)\n%s", plan, diff)
		}
		return out
	}
	if out := run(true); out.Rewritten != 2 || out.Rows != 3 || len(out.Dropped) != 0 {
		t.Errorf("%+v", out)
	}
	if diff := cmp.Diff(before, h.all()); diff != "" {
		t.Errorf("a plan changed something (-before +after)\n%s", diff)
	}
	run(false)
	if h.rows() != 5 || h.numbers() != "0 3 6" {
		t.Errorf("%d headers, records %s", h.rows(), h.numbers())
	}
}

func TestRetentionRefusesPatterns(t *testing.T) {
	h := newHouse(t)
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: h.db.Lake(), Blobs: h.Blobs, Writer: "r", Now: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []lake.Retention{{Entries: []lake.RetentionEntry{{Account: "[", Head: 1}}}, {Holds: []lake.Hold{{Format: "["}}}, {Entries: []lake.RetentionEntry{{Raw: -1}}}} {
		if _, err := k.Run(t.Context(), r); err == nil {
			t.Errorf("%v was taken", fmt.Sprint(r))
		}
	}
}
