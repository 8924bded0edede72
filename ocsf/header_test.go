package ocsf_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/ocsf"
)

// mapped maps an event and reads what came out.
func mapped(t *testing.T, e *yagura.Event) map[string]any {
	t.Helper()
	line, err := ocsf.New(ocsf.Options{Version: "1"}).Append(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return m
}

// dig follows a path of names and indices; of a list without an index it takes the first.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			if list, ok := v.([]any); ok && len(list) > 0 {
				v = list[0]
			}
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

// TestHeaderStands holds that what decode read of a record stands in its OCSF, whatever its
// class: time, outcome, account, address, action, actor, and every target.
func TestHeaderStands(t *testing.T) {
	n := 0
	for file, events := range decoded(t) {
		for _, e := range events {
			if strings.HasPrefix(e.Format, "ocsf.") {
				continue
			}
			n++
			m := mapped(t, &e)
			bad := func(what string, want any) {
				t.Errorf("%s: %s: no %s %v in %s of %s", filepath.Base(filepath.Dir(file)), e.ID, what, want, m["type_name"], e.Raw)
			}
			if !e.Time.IsZero() && dig(m, "time") != float64(e.Time.UnixMilli()) {
				bad("time", e.Time)
			}
			if finding := m["category_uid"] == 2.0; !finding {
				want := map[string]float64{yagura.OutcomeSuccess: 1, yagura.OutcomeFailure: 2, yagura.OutcomeUnknown: 0}[e.Outcome]
				if m["status_id"] != want {
					bad("outcome", e.Outcome)
				}
			}
			one := func(what, want string, paths ...[]any) {
				if want == "" {
					return
				}
				for _, p := range paths {
					got := dig(m, p...)
					if list, ok := got.([]any); got == want || ok && slices.Contains(list, any(want)) {
						return
					}
				}
				bad(what, want)
			}
			one("account", e.Account, []any{"cloud", "account", "uid"}, []any{"unmapped", "account"})
			one("region", e.Region, []any{"cloud", "region"}, []any{"unmapped", "region"})
			one("address", e.SrcIP, []any{"src_endpoint", "ip"}, []any{"evidences", "src_endpoint", "ip"}, []any{"unmapped", "src_ip"})
			one("action", e.Action, []any{"api", "operation"}, []any{"activity_name"}, []any{"finding_info", "types"}, []any{"finding_info", "title"},
				[]any{"unmapped", "action"}, []any{"message"})
			one("id", e.ID, []any{"metadata", "uid"})
			one("actor", e.Actor.ID, []any{"actor", "user", "uid"}, []any{"evidences", "actor", "user", "uid"}, []any{"unmapped", "actor", "user", "uid"})
			list, _ := m["observables"].([]any)
			for _, target := range slices.Concat(e.Targets, e.Entities) {
				if !slices.ContainsFunc(list, func(o any) bool { return dig(o, "value") == target.ID }) {
					bad("observable", target.ID)
				}
			}
			if raw, _ := m["raw_data"].(string); raw != string(e.Raw) {
				bad("raw_data", string(e.Raw))
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d events", n)
	}
}

// TestRawBound: a record beyond the bound is cut between two characters, and says so.
func TestRawBound(t *testing.T) {
	long := make([]byte, 0, 400<<10)
	long = append(long, `{"x":"`...)
	for len(long) < 300<<10 {
		long = append(long, "日本"...)
	}
	long = append(long, `"}`...)
	m := mapped(t, &yagura.Event{Format: "json", Raw: long})
	raw := m["raw_data"].(string)
	if len(raw) > 256<<10 || len(raw) < 256<<10-4 || raw != string(long[:len(raw)]) || dig(m, "unmapped", "raw_data_bytes") != float64(len(long)) {
		t.Errorf("%d bytes of %d; %v", len(raw), len(long), dig(m, "unmapped", "raw_data_bytes"))
	}
}

// TestNative: what is OCSF goes through as it is, on one line; what is no object is refused.
func TestNative(t *testing.T) {
	m := ocsf.New(ocsf.Options{})
	got, err := m.Append([]byte("> "), &yagura.Event{Format: "ocsf.event", Raw: []byte("{\n \"class_uid\": 1007,\n \"n\": 1.50, \"t\": \"a\\u00e9\" }")})
	if err != nil || string(got) != `> {"class_uid":1007,"n":1.50,"t":"a\u00e9"}` {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := m.Append(nil, &yagura.Event{Format: "ocsf.event", Raw: []byte("{")}); err == nil {
		t.Error("a broken record is passed on")
	}
}
