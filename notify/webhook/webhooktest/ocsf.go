package webhooktest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The attributes of OCSF 1.4 that classes and objects may have here, as "name:type", with a
// "!" behind those that are required. What is not listed is refused: the schema knows more,
// and we send no more. Types are string, int, bool, time, ip, url, any, an object's name, and
// lists of them; of an int, "(…)" are the values of its enumeration.
var ocsf = map[string]string{
	"event": "activity_id:int! activity_name:string category_uid:int! category_name:string class_uid:int! class_name:string type_uid:int! type_name:string " +
		"time:time! severity_id:int(0,1,2,3,4,5,6,99)! severity:string metadata:metadata! message:string status:string observables:[]observable unmapped:any cloud:cloud",
	"incident": "status_id:int(1,2,3,4,5)! priority_id:int(0,1,2,3,4,99) priority:string verdict_id:int(0,1,2,3,4,5,6,7,8,9,10,99) verdict:string comment:string desc:string src_url:url " +
		"start_time:time end_time:time assignee:user assignee_group:group attacks:[]attack finding_info_list:[]info!",
	"detection":  "status_id:int(0,1,2,3,4,5,99) is_alert:bool finding_info:info! evidences:[]evidence start_time:time end_time:time",
	"metadata":   "version:string! product:product! uid:string log_name:string profiles:[]string",
	"product":    "name:string vendor_name:string! version:string uid:string",
	"observable": "name:string! type_id:int(0,1,2,3,4,5,6,7,8,9,10,20,99)! type:string value:string",
	"cloud":      "provider:string! region:string account:account",
	"account":    "uid:string name:string",
	"user":       "uid:string name:string type:string",
	"group":      "uid:string name:string",
	"info":       "uid:string! title:string types:[]string analytic:analytic created_time:time first_seen_time:time last_seen_time:time data_sources:[]string related_events:[]related attacks:[]attack desc:string",
	"analytic":   "uid:string name:string type_id:int(0,1,2,3,4,5,6,7,8,9,10,11,99)! type:string category:string",
	"related":    "uid:string!",
	"attack":     "technique:technique sub_technique:technique version:string",
	"technique":  "uid:string name:string",
	"evidence":   "data:any actor:actor src_endpoint:endpoint api:api",
	"actor":      "user:user session:session",
	"session":    "issuer:string uid:string",
	"endpoint":   "ip:ip name:string",
	"api":        "operation:string!",
}

// ocsfOneOf are objects and classes of which at least one of some attributes must be there.
var ocsfOneOf = map[string][]string{"account": {"uid", "name"}, "user": {"uid", "name"}, "group": {"uid", "name"}, "analytic": {"uid", "name"},
	"attack": {"technique", "sub_technique"}, "technique": {"uid", "name"}, "actor": {"user", "session"}, "endpoint": {"ip", "name"},
	"evidence": {"data", "actor", "src_endpoint", "api"}, "incident": {"assignee", "assignee_group"}}

// checkObject says what is wrong with an object of some kinds together; "" is nothing.
func checkObject(at string, v any, kinds ...string) string {
	m, ok := v.(map[string]any)
	if !ok {
		return at + " is no object"
	}
	types := map[string]string{}
	for _, kind := range kinds {
		for field := range strings.FieldsSeq(ocsf[kind]) {
			name, form, _ := strings.Cut(field, ":")
			form, must := strings.CutSuffix(form, "!")
			if types[name] = form; must && m[name] == nil {
				return at + "." + name + " is required"
			}
		}
		if some := ocsfOneOf[kind]; some != nil && !slices.ContainsFunc(some, func(k string) bool { return m[k] != nil }) {
			return fmt.Sprintf("%s has none of %v", at, some)
		}
	}
	for name, value := range m {
		form, known := types[name]
		if !known {
			return at + "." + name + " is not known"
		}
		if why := checkValue(at+"."+name, value, form); why != "" {
			return why
		}
	}
	return ""
}

func checkValue(at string, v any, form string) string {
	if each, ok := strings.CutPrefix(form, "[]"); ok {
		list, ok := v.([]any)
		if !ok {
			return at + " is no list"
		}
		for i, one := range list {
			if why := checkValue(fmt.Sprintf("%s[%d]", at, i), one, each); why != "" {
				return why
			}
		}
		return ""
	}
	form, enum, _ := strings.Cut(strings.TrimSuffix(form, ")"), "(")
	text, isText := v.(string)
	n, isNumber := v.(float64)
	good := false
	switch form {
	case "any":
		good = true
	case "string":
		good = isText
	case "bool":
		_, good = v.(bool)
	case "int", "time":
		good = isNumber && n == math.Trunc(n) && math.Abs(n) < 1<<53
		if enum != "" {
			good = good && slices.Contains(strings.Split(enum, ","), fmt.Sprint(int64(n)))
		}
	case "ip":
		_, err := netip.ParseAddr(text)
		good = isText && err == nil
	case "url":
		u, err := url.Parse(text)
		good = isText && err == nil && u.Host != ""
	default:
		return checkObject(at, v, form)
	}
	if !good {
		return fmt.Sprintf("%s: %.60v is no %s", at, v, form)
	}
	return ""
}

// CheckOCSF says what OCSF 1.4 finds wrong with a body: an Incident Finding with the Detection
// Finding that caused it below unmapped, or a base event; "" is nothing.
func CheckOCSF(body []byte) string {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return err.Error()
	}
	switch m["class_uid"] {
	case float64(0):
		return classed("event", m, 0, nil)
	case float64(2005):
		if why := classed("incident", m, 2, []float64{0, 1, 2, 3, 99}, "incident"); why != "" {
			return why
		}
	default:
		return fmt.Sprintf("class_uid %v", m["class_uid"])
	}
	if list, _ := m["finding_info_list"].([]any); len(list) == 0 {
		return "finding_info_list is empty"
	}
	unmapped, _ := m["unmapped"].(map[string]any)
	f, ok := unmapped["finding"].(map[string]any)
	if !ok {
		return ""
	}
	if f["class_uid"] != float64(2004) {
		return fmt.Sprintf("detection: class_uid %v", f["class_uid"])
	}
	return classed("detection", f, 2, []float64{0, 1, 2, 3, 99}, "detection")
}

// classed checks what every class requires, and the attributes of its own.
func classed(at string, m map[string]any, category float64, activities []float64, kinds ...string) string {
	if why := checkObject(at, m, append([]string{"event"}, kinds...)...); why != "" {
		return why
	}
	switch activity := m["activity_id"].(float64); {
	case m["category_uid"] != category:
		return at + ": category_uid"
	case m["type_uid"] != m["class_uid"].(float64)*100+activity:
		return at + ": type_uid is not class and activity"
	case activities != nil && !slices.Contains(activities, activity):
		return at + ": activity_id"
	case activity == 99 && m["activity_name"] == nil:
		return at + ": another activity has no name"
	}
	if !strings.HasPrefix(m["metadata"].(map[string]any)["version"].(string), "1.4.") {
		return at + ": metadata.version"
	}
	return ""
}
