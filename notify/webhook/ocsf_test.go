package webhook_test

import (
	"encoding/json"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/webhook/webhooktest"
)

// TestCheckOCSF breaks a body in one place at a time: the receiver that is held to the schema
// sees each.
func TestCheckOCSF(t *testing.T) {
	srv := receiver(t, webhooktest.CheckOCSF)
	if _, err := sink(t, local(srv.URL)).Deliver(t.Context(), notify.Sample(yagura.OpOpen)); err != nil {
		t.Fatal(err)
	}
	body := srv.Requests()[0].Body
	at := func(v any, path ...any) map[string]any {
		for _, p := range path {
			switch p := p.(type) {
			case string:
				v = v.(map[string]any)[p]
			case int:
				v = v.([]any)[p]
			}
		}
		return v.(map[string]any)
	}
	for what, change := range map[string]func(m map[string]any){
		"another attribute":        func(m map[string]any) { m["extra"] = 1 },
		"one of another class":     func(m map[string]any) { m["evidences"] = []any{} },
		"no time":                  func(m map[string]any) { delete(m, "time") },
		"time as text":             func(m map[string]any) { m["time"] = "2026" },
		"half a millisecond":       func(m map[string]any) { m["time"] = 1.5 },
		"status":                   func(m map[string]any) { m["status_id"] = 6 },
		"verdict":                  func(m map[string]any) { m["verdict_id"] = 11 },
		"severity":                 func(m map[string]any) { m["severity_id"] = 7 },
		"type":                     func(m map[string]any) { m["type_uid"] = 200502 },
		"category":                 func(m map[string]any) { m["category_uid"] = 1 },
		"nobody":                   func(m map[string]any) { delete(m, "assignee"); delete(m, "assignee_group") },
		"an empty user":            func(m map[string]any) { m["assignee"] = map[string]any{} },
		"no finding":               func(m map[string]any) { m["finding_info_list"] = []any{} },
		"finding without uid":      func(m map[string]any) { delete(at(m, "finding_info_list", 0), "uid") },
		"analytic without type":    func(m map[string]any) { delete(at(m, "finding_info_list", 0, "analytic"), "type_id") },
		"observable without name":  func(m map[string]any) { delete(at(m, "observables", 0), "name") },
		"product without name":     func(m map[string]any) { delete(at(m, "metadata", "product"), "name") },
		"seconds":                  func(m map[string]any) { m["time"] = 1710408413 },
		"another word for status":  func(m map[string]any) { m["status"] = "Old" },
		"another version":          func(m map[string]any) { at(m, "metadata")["version"] = "9.0.0" },
		"cloud without provider":   func(m map[string]any) { delete(at(m, "cloud"), "provider") },
		"detection: no finding":    func(m map[string]any) { delete(at(m, "unmapped", "finding"), "finding_info") },
		"detection: no address":    func(m map[string]any) { at(m, "unmapped", "finding", "evidences", 0, "src_endpoint")["ip"] = "nowhere" },
		"detection: its operation": func(m map[string]any) { delete(at(m, "unmapped", "finding", "evidences", 0, "api"), "operation") },
		"detection: another class": func(m map[string]any) { at(m, "unmapped", "finding")["class_uid"] = 2005 },
	} {
		var m map[string]any
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		broken, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if webhooktest.CheckOCSF(broken) == "" {
			t.Errorf("%s: nothing is found wrong", what)
		}
	}
	if why := webhooktest.CheckOCSF([]byte(body)); why != "" {
		t.Error(why)
	}
}
