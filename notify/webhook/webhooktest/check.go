package webhooktest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

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
