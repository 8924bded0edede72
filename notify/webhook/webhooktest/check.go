package webhooktest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// CheckOCSF says what OCSF 1.4 finds wrong with a body: an Incident Finding, or a base
// event; "" is nothing.
func CheckOCSF(body []byte) string {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return err.Error()
	}
	why := classed(m)
	if why != "" || m["class_uid"] == float64(0) {
		return why
	}
	if m["class_uid"] != float64(2005) || m["category_uid"] != float64(2) {
		return fmt.Sprintf("class_uid %v", m["class_uid"])
	}
	if v, _ := m["status_id"].(float64); v < 1 || v > 5 {
		return fmt.Sprintf("status_id %v", m["status_id"])
	}
	if m["assignee"] == nil && m["assignee_group"] == nil {
		return "neither assignee nor assignee_group"
	}
	list, _ := m["finding_info_list"].([]any)
	if len(list) == 0 {
		return "finding_info_list is required"
	}
	for _, f := range list {
		info, _ := f.(map[string]any)
		uid, _ := info["uid"].(string)
		if title, ok := info["title"].(string); uid == "" || !ok || title == "" && info["title"] == nil {
			return "finding_info: uid and title are required"
		}
	}
	if priority, _ := m["priority_id"].(float64); priority < 0 || priority > 4 {
		return fmt.Sprintf("priority_id %v", m["priority_id"])
	}
	unmapped, _ := m["unmapped"].(map[string]any)
	if f, ok := unmapped["finding"].(map[string]any); ok {
		if why := classed(f); why != "" || f["class_uid"] != float64(2004) {
			return "the detection finding: " + why
		}
	}
	return ""
}

// classed checks what every class requires.
func classed(m map[string]any) string {
	for _, k := range []string{"activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time"} {
		n, ok := m[k].(float64)
		if !ok || n < 0 && k != "time" || n != float64(int64(n)) {
			return k + " is required, and a number"
		}
	}
	if m["type_uid"] != m["class_uid"].(float64)*100+m["activity_id"].(float64) {
		return "type_uid is not class and activity"
	}
	if s := m["severity_id"].(float64); s > 6 && s != 99 {
		return "severity_id"
	}
	meta, _ := m["metadata"].(map[string]any)
	product, _ := meta["product"].(map[string]any)
	if version, _ := meta["version"].(string); version == "" || product == nil {
		return "metadata: version and product are required"
	}
	return ""
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// CheckFalco says what falcosidekick finds wrong with a body; "" is nothing.
func CheckFalco(body []byte) string {
	var e struct {
		UUID, Output, Priority, Rule, Source, Hostname string
		Time                                           time.Time
		OutputFields                                   map[string]any `json:"output_fields"`
		Tags                                           []string
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return err.Error()
	}
	switch {
	case !slices.Contains([]string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}, e.Priority):
		return "priority " + e.Priority
	case e.Rule == "" || e.Output == "" || e.Time.IsZero() || len(e.OutputFields) == 0:
		return "rule, output, time and output_fields are required"
	case !uuidForm.MatchString(e.UUID):
		return "uuid " + e.UUID
	}
	for k, v := range e.OutputFields {
		switch v.(type) {
		case string, float64, bool, nil:
		default:
			return fmt.Sprintf("output_fields: %s is a %T", k, v)
		}
	}
	return ""
}
