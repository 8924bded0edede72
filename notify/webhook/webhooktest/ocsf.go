package webhooktest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/yagura-sec/yagura/ocsf/ocsftest"
)

// CheckOCSF says what OCSF finds wrong with a body: an Incident Finding with the Detection
// Finding that caused it below unmapped, or a base event; "" is nothing.
func CheckOCSF(body []byte) string {
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		return err.Error()
	}
	schema := ocsftest.Load()
	switch m["class_uid"] {
	case json.Number("0"), json.Number("2005"):
		if wrong := schema.CheckObject(m); wrong != nil {
			return "incident: " + wrong[0]
		}
	default:
		return fmt.Sprintf("class_uid %v", m["class_uid"])
	}
	unmapped, _ := m["unmapped"].(map[string]any)
	f, ok := unmapped["finding"].(map[string]any)
	if !ok {
		return ""
	}
	if f["class_uid"] != json.Number("2004") {
		return fmt.Sprintf("detection: class_uid %v", f["class_uid"])
	}
	if wrong := schema.CheckObject(f); wrong != nil {
		return "detection: " + wrong[0]
	}
	return ""
}
