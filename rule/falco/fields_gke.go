package falco

import (
	"bytes"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// GKE writes what happens in a cluster as audit log entries of Google Cloud. Falco's
// plugin k8saudit-gke turns such an entry into a Kubernetes audit event, whose members
// are found here where the plugin takes them from.

// gkeSource stands in for source k8s_audit on the records of gcp.audit.
func gkeSource(opts Options) *eventSource {
	s := &eventSource{name: "k8s_audit", key: "k8s_audit gke", plugin: "k8saudit-gke", format: "gcp.audit",
		fields: kubernetesFields(shape{gkeAt, gkeAt})}
	addJSONFields(s.fields)
	value := &fieldDef{arg: argKey, bind: func(pointer string) fieldDef {
		return *shape{raw: gkeAt}.plain(pointerKeys(pointer)...)
	}}
	s.fields["json.value"], s.fields["jevt.value"] = value, value
	addEventFields(s, opts)
	return s
}

// gkeOnly holds for the entries that the API server of a cluster has written.
func gkeOnly() query.Expr {
	return &query.Pred{
		Field: query.Field{Name: "protoPayload.serviceName", Paths: textAt("protoPayload", "serviceName").Paths, Conv: query.ConvString},
		Op:    query.Eq, Args: []query.Arg{{Text: "k8s.io"}}, OpName: "=",
	}
}

// addGKE makes a rule for Kubernetes judge the audit log entries of GKE too. What is to
// be said of the rule was said when it was compiled for Kubernetes.
func (l *loader) addGKE(d *ruleDef, cond text, lists map[*listDef][]string, r *rule.Rule) {
	b, f := l.build(newCompiler(l.gke, l.mem), d, cond, lists)
	if f != nil || b.out.When == nil || len(b.out.Fields) != len(r.Fields) {
		return
	}
	r.Formats = append(r.Formats, l.gke.format)
	r.Variants = map[string]rule.Variant{l.gke.format: {
		When: &query.And{X: []query.Expr{gkeOnly(), b.out.When}}, Fields: b.out.Fields, Counted: b.out.Counted, Output: b.out.Output,
	}}
}

// gkeAt says where a member of a Kubernetes audit event stands in an audit log entry.
func gkeAt(keys ...string) query.Field {
	rest := keys[1:]
	under := func(prefix ...string) query.Field { return rawAt(append(prefix, rest...)...) }
	switch keys[0] {
	case "requestObject":
		return under("protoPayload", "request")
	case "responseObject":
		return under("protoPayload", "response")
	case "annotations":
		f := under("labels")
		f.Paths = append(f.Paths, under("resource", "labels").Paths...)
		return f
	}
	switch strings.Join(keys, "/") {
	case "auditID":
		return rawAt("insertId")
	case "requestReceivedTimestamp", "stageTimestamp":
		return gkeText(keys[0], gkeMicroTime, textAt("receiveTimestamp"))
	case "user/username":
		return rawAt("protoPayload", "authenticationInfo", "principalEmail")
	case "userAgent":
		return rawAt("protoPayload", "requestMetadata", "callerSuppliedUserAgent")
	case "kind":
		return gkeText("kind", func(query.Input) string { return "Event" })
	case "apiVersion":
		return gkeText("apiVersion", func(query.Input) string { return "audit.k8s.io/v1" })
	case "verb":
		return gkeText("verb", gkeVerb, textAt("protoPayload", "methodName"))
	case "requestURI":
		return gkeText("requestURI", func(in query.Input) string {
			name, _ := dep(in, 0)
			return "/" + string(name)
		}, textAt("protoPayload", "resourceName"))
	case "sourceIPs":
		return gkeText("sourceIPs", func(in query.Input) string {
			ip, _ := dep(in, 0)
			return "[" + string(appendQuoted(nil, ip)) + "]"
		}, textAt("protoPayload", "requestMetadata", "callerIp"))
	case "sourceIPs/0":
		return rawAt("protoPayload", "requestMetadata", "callerIp")
	case "stage":
		return gkeText("stage", func(in query.Input) string {
			if gkeSwitches(in, 0) {
				return "ResponseStarted"
			}
			return "ResponseComplete"
		}, textAt("protoPayload", "resourceName"))
	case "level":
		return gkeText("level", func(in query.Input) string {
			if gkeSwitches(in, 0) {
				return "Request"
			}
			return "RequestResponse"
		}, textAt("protoPayload", "resourceName"))
	case "responseStatus/code":
		return gkeText("responseStatus/code", gkeCode, textAt("protoPayload", "methodName"), textAt("protoPayload", "resourceName"),
			rawAt("protoPayload", "status", "code"))
	case "objectRef/apiGroup", "objectRef/apiVersion", "objectRef/namespace", "objectRef/resource", "objectRef/name", "objectRef/subresource":
		part := rest[0]
		return gkeText("objectRef/"+part, func(in query.Input) string {
			name, _ := dep(in, 0)
			return gkeObject(string(name))[part]
		}, textAt("protoPayload", "resourceName"))
	}
	return gkeText("none", func(query.Input) string { return "" })
}

// gkeText computes a member; "" stands for a member that is not there.
func gkeText(name string, f func(in query.Input) string, deps ...query.Field) query.Field {
	return query.Field{Name: name, Derive: &query.Derived{Name: "falco gke " + name, Deps: deps, Fn: func(in query.Input, out *query.Values) {
		if text := f(in); text != "" {
			out.Add(cString([]byte(text)))
		}
	}}}
}

// gkeMicroTime is when Google received the entry, as Kubernetes writes times: in UTC
// with six digits behind the second.
func gkeMicroTime(in query.Input) string {
	text, _ := dep(in, 0)
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return string(text)
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
}

// gkeVerb is the last part of the method's name: io.k8s.core.v1.pods.create.
func gkeVerb(in query.Input) string {
	method, _ := dep(in, 0)
	return string(method[bytes.LastIndexByte(method, '.')+1:])
}

// gkeSwitches says whether the request, whose resource is a dependency, is one that
// goes on as a stream.
func gkeSwitches(in query.Input, resource int) bool {
	name, _ := dep(in, resource)
	sub := gkeObject(string(name))["subresource"]
	return sub == "exec" || sub == "attach"
}

// gkeCode is the status of the answer. The entry has it only where the request failed,
// as a code of gRPC.
func gkeCode(in query.Input) string {
	if code, ok := dep(in, 2); ok {
		http := map[string]string{
			"1": "499", "2": "500", "3": "400", "4": "504", "5": "404", "6": "409", "7": "403", "8": "429", "9": "400",
			"10": "409", "11": "400", "12": "501", "13": "500", "14": "503", "15": "500", "16": "401",
		}[string(code)]
		if http != "" {
			return http
		}
	}
	switch {
	case gkeSwitches(in, 1):
		return "101"
	case gkeVerb(in) == "create":
		return "201"
	}
	return "200"
}

// gkeObject reads the name of a resource: group/version, then namespaces/namespace for
// what is in one, then resource, name and subresource.
func gkeObject(resourceName string) map[string]string {
	parts := strings.Split(resourceName, "/")
	if len(parts) < 4 {
		return nil
	}
	object := map[string]string{"apiGroup": parts[0], "apiVersion": parts[1]}
	parts = parts[2:]
	if parts[0] == "namespaces" && len(parts) > 2 {
		object["namespace"] = parts[1]
		parts = parts[2:]
	}
	for i, key := range []string{"resource", "name", "subresource"} {
		if i < len(parts) {
			object[key] = parts[i]
		}
	}
	return object
}
