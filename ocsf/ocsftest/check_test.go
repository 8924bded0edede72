package ocsftest

import (
	"encoding/json"
	"strings"
	"testing"
)

const valid = `{"activity_id":1,"activity_name":"Create","category_uid":6,"category_name":"Application Activity","class_uid":6003,
"class_name":"API Activity","type_uid":600301,"type_name":"API Activity: Create","time":1710408413000,"severity_id":1,"severity":"Informational",
"status_id":1,"status":"Success","metadata":{"version":"1.4.0","product":{"name":"CloudTrail","vendor_name":"AWS"},"profiles":["cloud"],"uid":"e1"},
"cloud":{"provider":"AWS","region":"eu-west-1","account":{"uid":"111122223333","type_id":10,"type":"AWS Account"}},
"actor":{"user":{"uid":"arn:aws:iam::111122223333:user/alice","name":"alice","type_id":1,"type":"User","email_addr":"alice@example.com"}},
"api":{"operation":"CreateTrail","request":{"uid":"r1","data":{"name":"t"}},"response":{"code":200}},
"http_request":{"http_method":"POST","url":{"path":"/"},"x_forwarded_for":["192.0.2.8"]},
"resources":[{"uid":"arn:aws:s3:::a","region":"eu-west-1","owner":{"account":{"uid":"1"}}}],
"src_endpoint":{"ip":"192.0.2.7","port":443,"mac":"18:36:F3:98:4F:9A","location":{"country":"JP","lat":35.5}},
"observables":[{"name":"src_endpoint.ip","type_id":2,"type":"IP Address","value":"192.0.2.7"},{"name":"resources[].uid","type_id":10,"value":"arn:aws:s3:::a"}],
"unmapped":{"anything":[1,null,{"a":true}]}}`

// TestCheck breaks a valid event in one place at a time: each is found, and named.
func TestCheck(t *testing.T) {
	s := Load()
	if wrong := s.Check([]byte(valid)); wrong != nil {
		t.Fatalf("the valid event: %v", wrong)
	}
	type object = map[string]any
	in := func(m object, path ...string) object {
		for _, p := range path {
			if list, ok := m[p].([]any); ok {
				m = list[0].(object)
				continue
			}
			m = m[p].(object)
		}
		return m
	}
	for want, change := range map[string]func(m object){
		"extra: is not known":                                   func(m object) { m["extra"] = 1 },
		"actor.user.nick: is not known":                         func(m object) { in(m, "actor", "user")["nick"] = "a" },
		"finding_info: is not known":                            func(m object) { m["finding_info"] = object{"uid": "a"} },
		"time: is required":                                     func(m object) { delete(m, "time") },
		"actor: is required":                                    func(m object) { delete(m, "actor") },
		"api.operation: is required":                            func(m object) { delete(in(m, "api"), "operation") },
		"api.request.uid: is required":                          func(m object) { delete(in(m, "api", "request"), "uid") },
		"cloud: is required":                                    func(m object) { delete(m, "cloud") },
		"cloud: is not known":                                   func(m object) { delete(in(m, "metadata"), "profiles") },
		"resources[0].region: needs the profile cloud":          func(m object) { delete(in(m, "metadata"), "profiles") },
		"time: 1710408413 is no time":                           func(m object) { m["time"] = 1710408413 },
		"time: 2024-03-14 is no time":                           func(m object) { m["time"] = "2024-03-14" },
		"time: 1710408413000.5 is no time":                      func(m object) { m["time"] = json.Number("1710408413000.5") },
		"time: 1710408413000000000 is no time":                  func(m object) { m["time"] = json.Number("1710408413000000000") },
		"type_uid: 600302 is not the class and the activity":    func(m object) { m["type_uid"] = 600302 },
		`type_name: "API Activity: Read", want "API Activity`:   func(m object) { m["type_name"] = "API Activity: Read" },
		"category_uid: 3, want 6":                               func(m object) { m["category_uid"] = 3 },
		`class_name: "API", want "API Activity"`:                func(m object) { m["class_name"] = "API" },
		`activity_id: "7" is not in the enumeration`:            func(m object) { m["activity_id"] = 7 },
		`activity_id: is 1 (Create), but activity_name says`:    func(m object) { m["activity_name"] = "Made" },
		"activity_id: is 99, but activity_name says nothing":    func(m object) { m["activity_id"] = 99; delete(m, "activity_name") },
		`severity_id: "7" is not in the enumeration`:            func(m object) { m["severity_id"] = 7 },
		`status_id: is 2 (Failure), but status says "Success"`:  func(m object) { m["status_id"] = 2 },
		`http_request.http_method: "PATCH" is not in the enume`: func(m object) { in(m, "http_request")["http_method"] = "PATCH" },
		"src_endpoint.ip: 251.234.045.249 is no ip":             func(m object) { in(m, "src_endpoint")["ip"] = "251.234.045.249" },
		"http_request.x_forwarded_for[0]: a is no ip":           func(m object) { in(m, "http_request")["x_forwarded_for"] = []any{"a"} },
		"src_endpoint.port: 65536 is no port":                   func(m object) { in(m, "src_endpoint")["port"] = 65536 },
		"src_endpoint.mac: 18-36 is no mac":                     func(m object) { in(m, "src_endpoint")["mac"] = "18-36" },
		"src_endpoint.location.lat: 35 is no float":             func(m object) { in(m, "src_endpoint", "location")["lat"] = "35" },
		"actor.user.email_addr: alice is no email":              func(m object) { in(m, "actor", "user")["email_addr"] = "alice" },
		"api.response.code: 200 is no int":                      func(m object) { in(m, "api", "response")["code"] = "200" },
		"src_endpoint: has none of [ip uid name":                func(m object) { m["src_endpoint"] = object{"port": 1} },
		"actor.user: has none of [account name uid]":            func(m object) { in(m, "actor")["user"] = object{"type": "a"} },
		"src_endpoint.location: has none of [city country":      func(m object) { in(m, "src_endpoint")["location"] = object{"lat": 1} },
		"resources: is no list":                                 func(m object) { m["resources"] = object{} },
		"metadata: is no object":                                func(m object) { m["metadata"] = "a" },
		"unmapped: [] is no object":                             func(m object) { m["unmapped"] = []any{} },
		`metadata.version: "1.3.0", want 1.4.0`:                 func(m object) { in(m, "metadata")["version"] = "1.3.0" },
		`metadata.profiles: "linux" is no profile`:              func(m object) { in(m, "metadata")["profiles"] = []any{"linux", "cloud"} },
		"class_uid 1007 is no class":                            func(m object) { m["class_uid"] = 1007 },
		"class_uid is required":                                 func(m object) { delete(m, "class_uid") },
		"observables[0]: no value of src_endpoint.ip is 1":      func(m object) { in(m, "observables")["value"] = "1" },
		"observables[0]: no value of entities.ip is 192":        func(m object) { in(m, "observables")["name"] = "entities.ip" },
		`observables[0].type_id: "77" is not in the enumerati`:  func(m object) { in(m, "observables")["type_id"] = 77 },
	} {
		var m object
		if err := json.Unmarshal([]byte(valid), &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		broken, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		wrong := strings.Join(s.Check(broken), "\n")
		if !strings.Contains(wrong, want) {
			t.Errorf("want %q, got:\n%s", want, wrong)
		}
	}
	for _, text := range []string{"", "[]", `{"a":`, valid + valid} {
		if s.Check([]byte(text)) == nil {
			t.Errorf("%.20q: nothing is found wrong", text)
		}
	}
}

// TestJustOne: of some attributes exactly one must be there.
func TestJustOne(t *testing.T) {
	s := Load()
	const v = `{"class_uid":2002,"category_uid":2,"activity_id":1,"type_uid":200201,"time":1710408413000,"severity_id":1,
	"metadata":{"version":"1.4.0","product":{"name":"a"}},"finding_info":{"uid":"f"},"vulnerabilities":[%]}`
	for one, ok := range map[string]bool{`{"cve":{"uid":"CVE-2024-1"}}`: true, `{"title":"a"}`: false, ``: false, `{"cve":{}}`: false} {
		if wrong := s.Check([]byte(strings.Replace(v, "%", one, 1))); (wrong == nil) != ok {
			t.Errorf("%s: %v", one, wrong)
		}
	}
}

// TestTable: a table that says nothing sensible is refused.
func TestTable(t *testing.T) {
	if len(Load().classes) != 17 {
		t.Errorf("%d classes", len(Load().classes))
	}
	for _, text := range []string{"thing a", "class 1 x Name ; Category", "object a\n  b nothing", "object a\n  b string\n  b string",
		"base\nobject a\n  b int ~c 1=A", "base\nclass 1 1 N ; C\n  include none"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
