package securityhubtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// timestamp is the form of time stamps that the service publishes.
var timestamp = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)$`)

var (
	account12  = regexp.MustCompile(`^\d{12}$`)
	namespaces = []string{"Software and Configuration Checks", "TTPs", "Effects", "Unusual Behaviors", "Sensitive Data Identifications"}
	labels     = []string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	top        = []string{"SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "UpdatedAt", "Title", "Description",
		"Resources", "FindingProviderFields", "FirstObservedAt", "LastObservedAt", "Compliance", "RecordState", "ProductFields", "SourceUrl",
		"Remediation", "Types", "Severity", "Note", "Workflow", "VerificationState", "UserDefinedFields", "Confidence", "Criticality",
		"RelatedFindings", "AwsAccountName", "ProductName", "CompanyName", "Network", "Process", "Malware", "Sample", "Action"}
)

// members are those that the objects inside a finding may have.
var members = map[string][]string{
	"FindingProviderFields":          {"Confidence", "Criticality", "RelatedFindings", "Severity", "Types"},
	"FindingProviderFields.Severity": {"Label", "Original"},
	"Compliance":                     {"AssociatedStandards", "RelatedRequirements", "SecurityControlId", "SecurityControlParameters", "Status", "StatusReasons"},
	"Remediation":                    {"Recommendation"},
	"Remediation.Recommendation":     {"Text", "Url"},
	"Resource":                       {"ApplicationArn", "ApplicationName", "DataClassification", "Details", "Id", "Partition", "Region", "ResourceRole", "Tags", "Type"},
}

// only says that an object has a member that it may not have.
func only(kind string, m map[string]any) string {
	for k := range m {
		if !slices.Contains(members[kind], k) {
			return "data." + kind + " should NOT have additional properties: " + k
		}
	}
	return ""
}

// Check holds the JSON form of a finding to the format, and to 240 KB; "" is nothing to blame.
func Check(body []byte) string {
	f := Finding{}
	if err := json.Unmarshal(body, &f); err != nil {
		return err.Error()
	}
	if len(body) > 240<<10 {
		return "the finding is larger than 240 KB"
	}
	return check(f)
}

// check holds a finding to the format; "" is none to blame.
func check(f Finding) string {
	for k := range f {
		if !slices.Contains(top, k) {
			return "data should NOT have additional properties: " + k
		}
	}
	for _, x := range []struct {
		key      string
		min, max int
		required bool
	}{{"Id", 1, 512, true}, {"ProductArn", 12, 2048, true}, {"GeneratorId", 1, 512, true}, {"Title", 1, 256, true},
		{"Description", 1, 1024, true}, {"AwsAccountId", 12, 12, true}, {"SourceUrl", 1, 2048, false}} {
		if why := text(f, "data", x.key, x.min, x.max, x.required); why != "" {
			return why
		}
	}
	if f["SchemaVersion"] != "2018-10-08" {
		return "data.SchemaVersion should be equal to one of the allowed values"
	}
	if !account12.MatchString(f["AwsAccountId"].(string)) {
		return "data.AwsAccountId should match pattern"
	}
	for _, k := range []string{"CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt"} {
		v, ok := f[k]
		if !ok && (k == "FirstObservedAt" || k == "LastObservedAt") {
			continue
		}
		t, _ := v.(string)
		if _, err := time.Parse(time.RFC3339Nano, t); err != nil || !timestamp.MatchString(t) {
			return "data." + k + " should match format date-time"
		}
	}
	if s, ok := f["RecordState"]; ok && s != "ACTIVE" && s != "ARCHIVED" {
		return "data.RecordState should be equal to one of the allowed values"
	}
	if s, ok := f["SourceUrl"].(string); ok {
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" {
			return "data.SourceUrl should match format uri"
		}
	}
	if c, ok := f["Compliance"]; ok && !slices.Contains([]string{"PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"}, compliance(f)) {
		return fmt.Sprintf("data.Compliance %v", c)
	}
	if c, ok := f["Compliance"].(map[string]any); ok {
		if why := only("Compliance", c); why != "" {
			return why
		}
	}
	for _, part := range []func(Finding) string{provider, fields, resourceList, remediation} {
		if why := part(f); why != "" {
			return why
		}
	}
	return ""
}

func text(m map[string]any, where, key string, least, most int, required bool) string {
	v, ok := m[key]
	if !ok {
		if required {
			return where + " should have required property '" + key + "'"
		}
		return ""
	}
	s, ok := v.(string)
	switch {
	case !ok:
		return where + "." + key + " should be string"
	case strings.TrimSpace(s) == "":
		return where + "." + key + ` should match pattern .*\S.*`
	case len(s) < least:
		return fmt.Sprintf("%s.%s should NOT be shorter than %d characters", where, key, least)
	case len(s) > most:
		return fmt.Sprintf("%s.%s should NOT be longer than %d characters", where, key, most)
	}
	return ""
}

func provider(f Finding) string {
	p, ok := f["FindingProviderFields"].(map[string]any)
	if !ok {
		return "data should have required property 'FindingProviderFields', data should match some schema in anyOf."
	}
	sev, ok := p["Severity"].(map[string]any)
	if !ok {
		return "data.FindingProviderFields should have required property 'Severity'"
	}
	if why := only("FindingProviderFields", p) + only("FindingProviderFields.Severity", sev); why != "" {
		return why
	}
	if l, _ := sev["Label"].(string); !slices.Contains(labels, l) {
		return "data.FindingProviderFields.Severity.Label should be equal to one of the allowed values"
	}
	if why := text(sev, "data.FindingProviderFields.Severity", "Original", 1, 64, false); why != "" {
		return why
	}
	types, _ := p["Types"].([]any)
	if len(types) == 0 || len(types) > 50 {
		return "data.FindingProviderFields.Types should have 1 to 50 items"
	}
	for _, t := range types {
		s, _ := t.(string)
		parts := strings.Split(s, "/")
		blank := slices.ContainsFunc(parts, func(p string) bool { return strings.TrimSpace(p) == "" })
		if !slices.Contains(namespaces, parts[0]) || len(parts) > 3 || blank {
			return "data.FindingProviderFields.Types: " + s + " is not namespace/category/classifier"
		}
	}
	return ""
}

func fields(f Finding) string {
	for _, name := range []string{"ProductFields", "UserDefinedFields"} {
		v, ok := f[name]
		if !ok {
			continue
		}
		m, ok := v.(map[string]any)
		if !ok || len(m) > 50 {
			return "data." + name + " should NOT have more than 50 properties"
		}
		most := map[string]int{"ProductFields": 2048, "UserDefinedFields": 1024}[name]
		for k := range m {
			if len(k) < 1 || len(k) > 128 || strings.HasPrefix(k, "aws/") {
				return "data." + name + ": the key " + k
			}
			if why := text(m, "data."+name, k, 1, most, true); why != "" {
				return why
			}
		}
	}
	return ""
}

func resourceList(f Finding) string {
	list, ok := f["Resources"].([]any)
	if !ok || len(list) < 1 {
		return "data.Resources should NOT have fewer than 1 items."
	}
	if len(list) > 32 {
		return "data.Resources should NOT have more than 32 items"
	}
	for i, v := range list {
		where := fmt.Sprintf("data.Resources[%d]", i)
		r, ok := v.(map[string]any)
		if !ok {
			return where + " should be object"
		}
		for _, x := range []struct {
			key      string
			most     int
			required bool
		}{{"Id", 512, true}, {"Type", 256, true}, {"Region", 16, false}} {
			if why := text(r, where, x.key, 1, x.most, x.required); why != "" {
				return why
			}
		}
		if why := only("Resource", r); why != "" {
			return where + ": " + why
		}
		if tags, ok := r["Tags"].(map[string]any); ok && len(tags) > 50 {
			return where + ".Tags should NOT have more than 50 properties"
		}
		if p, ok := r["Partition"]; ok && p != "aws" && p != "aws-cn" && p != "aws-us-gov" {
			return where + ".Partition should be equal to one of the allowed values"
		}
		d, _ := r["Details"].(map[string]any)
		for k := range d {
			if k != "Other" && k != "Container" && !strings.HasPrefix(k, "Aws") {
				return where + ".Details should NOT have additional properties: " + k
			}
		}
		other, _ := d["Other"].(map[string]any)
		if len(other) > 50 {
			return where + ".Details.Other should NOT have more than 50 properties"
		}
		for k := range other {
			if len(k) >= 128 {
				return where + ".Details.Other: the key " + k
			}
			if why := text(other, where+".Details.Other", k, 1, 1023, true); why != "" {
				return why
			}
		}
	}
	return ""
}

func remediation(f Finding) string {
	v, ok := f["Remediation"]
	if !ok {
		return ""
	}
	m, _ := v.(map[string]any)
	r, ok := m["Recommendation"].(map[string]any)
	if !ok {
		return "data.Remediation should have required property 'Recommendation'"
	}
	if why := only("Remediation", m) + only("Remediation.Recommendation", r); why != "" {
		return why
	}
	if why := text(r, "data.Remediation.Recommendation", "Text", 1, 512, false); why != "" {
		return why
	}
	if s, ok := r["Url"].(string); ok && len(s) > 2048 {
		return "data.Remediation.Recommendation.Url should NOT be longer than 2048 characters"
	} else if ok {
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" {
			return "data.Remediation.Recommendation.Url should match format uri"
		}
	}
	return ""
}
