package falco

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// shape says where the members of a Kubernetes audit event stand in a record: read as
// they are, or as texts.
type shape struct {
	raw, text func(keys ...string) query.Field
}

// eventShape is that of an event of the API server itself.
func eventShape() shape { return shape{rawAt, textAt} }

// plain is the field of one member.
func (s shape) plain(keys ...string) *fieldDef {
	f := s.raw(keys...)
	if f.Derive != nil {
		return computed(copyFirst, f)
	}
	return &fieldDef{paths: f.Paths, conv: f.Conv}
}

// kubernetesFields are the fields of Falco's plugin k8saudit and of its kin for
// EKS, GKE, AKS and OVH, which share the source k8s_audit.
func kubernetesFields(s shape) catalogue {
	c := catalogue{}
	for name, path := range map[string]string{
		"ka.auditid":                    "auditID",
		"ka.stage":                      "stage",
		"ka.auth.decision":              "annotations|authorization.k8s.io/decision",
		"ka.auth.reason":                "annotations|authorization.k8s.io/reason",
		"ka.auth.openshift.decision":    "annotations|authentication.openshift.io/decision",
		"ka.auth.openshift.username":    "annotations|authentication.openshift.io/username",
		"ka.security.pod.violations":    "annotations|pod-security.kubernetes.io/audit-violations",
		"ka.user.name":                  "user|username",
		"ka.impuser.name":               "impersonatedUser|username",
		"ka.verb":                       "verb",
		"ka.uri":                        "requestURI",
		"ka.target.name":                "objectRef|name",
		"ka.target.namespace":           "objectRef|namespace",
		"ka.target.resource":            "objectRef|resource",
		"ka.target.subresource":         "objectRef|subresource",
		"ka.req.binding.role":           "requestObject|roleRef|name",
		"ka.req.configmap.name":         "objectRef|name",
		"ka.req.configmap.obj":          "requestObject|data",
		"ka.req.pod.host_ipc":           "requestObject|spec|hostIPC",
		"ka.req.pod.host_network":       "requestObject|spec|hostNetwork",
		"ka.req.container.host_network": "requestObject|spec|hostNetwork",
		"ka.req.pod.host_pid":           "requestObject|spec|hostPID",
		"ka.req.pod.run_as_user":        "requestObject|spec|securityContext|runAsUser",
		"ka.req.pod.run_as_group":       "requestObject|spec|securityContext|runAsGroup",
		"ka.req.pod.fs_group":           "requestObject|spec|securityContext|fsGroup",
		"ka.req.service.type":           "requestObject|spec|type",
		"ka.resp.name":                  "responseObject|metadata|name",
		"ka.response.code":              "responseStatus|code",
		"ka.response.reason":            "responseStatus|reason",
		"ka.useragent":                  "userAgent",
	} {
		c[name] = s.plain(strings.Split(path, "|")...)
	}
	c["ka.validations.admission.policy.failure"] = s.plain("annotations", "validation.policy.admission.k8s.io/validation_failure")
	c["ka.target.pod.name"] = computed(func(in query.Input, out *query.Values) {
		if resource, _ := dep(in, 0); string(resource) == "pods" {
			if name, ok := dep(in, 1); ok {
				out.Add(name)
			}
		}
	}, s.text("objectRef", "resource"), s.text("objectRef", "name"))
	c["ka.cluster.name"] = computed(func(query.Input, *query.Values) {})
	c["ka.cluster.name"].note = "ka.cluster.name is set in the configuration of Falco's plugin and never has a value here"
	c["ka.uri.param"] = &fieldDef{arg: argKey, bind: func(key string) fieldDef {
		return *computed(uriParam(key), s.text("requestURI"))
	}}
	c["ka.req.binding.subject.has_name"] = &fieldDef{arg: argKey, bind: func(string) fieldDef {
		return *computed(func(_ query.Input, out *query.Values) { out.AddString("true") })
	}}
	c["ka.user.groups"] = s.listOf(argNone, members, "user", "groups")
	c["ka.sourceips"] = s.listOf(argIndex, members, "sourceIPs")
	c["ka.req.binding.subjects"] = s.listOf(argNone, members, "requestObject", "subjects")
	for name, kind := range map[string]string{
		"user_names": "User", "group_names": "Group",
		"serviceaccount_names": "ServiceAccount", "serviceaccount_ns_names": "ServiceAccount",
	} {
		c["ka.req.binding.subjects."+name] = s.listOf(argNone, subjects(kind, name == "serviceaccount_ns_names"), "requestObject", "subjects")
	}
	c["ka.req.pod.supplemental_groups"] = s.listOf(argNone, members, "requestObject", "spec", "securityContext", "supplementalGroups")
	c["ka.req.service.ports"] = s.listOf(argIndex, members, "requestObject", "spec", "ports")
	c["ka.req.role.rules"] = s.listOf(argNone, members, "requestObject", "rules")
	for _, key := range []string{"apiGroups", "nonResourceURLs", "verbs", "resources"} {
		c["ka.req.role.rules."+key] = s.listOf(argIndex, flat(key), "requestObject", "rules")
	}
	c["ka.req.pod.volumes.hostpath"] = s.listOf(argIndex, inner("hostPath", "path"), "requestObject", "spec", "volumes")
	c["ka.req.pod.volumes.flexvolume_driver"] = s.listOf(argIndex, inner("flexVolume", "driver"), "requestObject", "spec", "volumes")
	c["ka.req.pod.volumes.volume_type"] = s.listOf(argIndex, volumeTypes, "requestObject", "spec", "volumes")
	c["ka.req.volume.hostpath"] = &fieldDef{arg: argKey, bind: func(path string) fieldDef {
		return *computed(hasHostPath(path), s.raw("requestObject", "spec", "volumes"))
	}}
	for _, kind := range []string{"containers", "initContainers", "ephemeralContainers"} {
		s.addContainerFields(c, kind)
	}
	c["ka.req.container.image"] = computed(firstOf(allOrNone("image")), s.raw("requestObject", "spec", "containers"))
	c["ka.req.container.image.repository"] = computed(firstOf(repositories), s.raw("requestObject", "spec", "containers"))
	c["ka.req.container.privileged"] = computed(anyPrivileged, s.raw("requestObject", "spec", "containers"))
	return c
}

// addContainerFields adds the fields of one kind of containers in a pod.
func (s shape) addContainerFields(c catalogue, kind string) {
	add := func(name string, each lister) {
		c["ka.req.pod."+kind+"."+name] = s.listOf(argIndex, each, "requestObject", "spec", kind)
	}
	add("image", allOrNone("image"))
	add("image.repository", repositories)
	add("host_port", hostPorts)
	add("privileged", inner("securityContext", "privileged"))
	add("allow_privilege_escalation", inner("securityContext", "allowPrivilegeEscalation"))
	add("read_only_fs", inner("securityContext", "readOnlyRootFilesystem"))
	add("run_as_user", inner("securityContext", "runAsUser"))
	add("run_as_group", inner("securityContext", "runAsGroup"))
	add("proc_mount", inner("securityContext", "procMount"))
	add("add_capabilities", flat("securityContext", "capabilities", "add"))
	add("name", allOrNone("name"))
	add("command", flat("command"))
	add("args", flat("args"))
	for name, key := range map[string]string{"eff_run_as_user": "runAsUser", "eff_run_as_group": "runAsGroup"} {
		c["ka.req.pod."+kind+"."+name] = &fieldDef{list: true, arg: argIndex, bind: func(arg string) fieldDef {
			return *computed(effective(index(arg), key), s.raw("requestObject", "spec", kind),
				s.raw("requestObject", "spec", "securityContext", key))
		}}
	}
}

// lister yields the values of one member of an array; false gives up the whole field.
type lister func(member []byte, out *query.Values) bool

// listOf is a list field over the members of the array at keys, or over the one
// that the argument numbers.
func (s shape) listOf(arg argKind, each lister, keys ...string) *fieldDef {
	return &fieldDef{list: true, arg: arg, bind: func(arg string) fieldDef {
		want := index(arg)
		return *computed(func(in query.Input, out *query.Values) {
			array, _ := dep(in, 0)
			ok := true
			jsonEach(array, func(i int, member []byte) bool {
				if want < 0 || i == want {
					ok = each(member, out)
				}
				return ok
			})
			if !ok {
				out.Reset()
			}
		}, s.raw(keys...))
	}}
}

func members(member []byte, out *query.Values) bool {
	out.Add(cString(jsonText(member)))
	return true
}

// inner yields one value of each member that has it.
func inner(keys ...string) lister {
	return func(member []byte, out *query.Values) bool {
		if v := jsonGet(member, keys...); v != nil {
			out.Add(cString(jsonText(v)))
		}
		return true
	}
}

// allOrNone yields one value of each member, or nothing when a member lacks it.
func allOrNone(keys ...string) lister {
	return func(member []byte, out *query.Values) bool {
		v := jsonGet(member, keys...)
		if v == nil {
			return false
		}
		out.Add(cString(jsonText(v)))
		return true
	}
}

// flat yields the members of an array inside each member.
func flat(keys ...string) lister {
	return func(member []byte, out *query.Values) bool {
		jsonEach(jsonGet(member, keys...), func(_ int, v []byte) bool { return members(v, out) })
		return true
	}
}

// repositories yields the image of each member up to its tag or digest.
func repositories(member []byte, out *query.Values) bool {
	v := jsonGet(member, "image")
	if v == nil {
		return false
	}
	image, _, _ := bytes.Cut(cString(jsonText(v)), []byte(":"))
	image, _, _ = bytes.Cut(image, []byte("@"))
	out.Add(image)
	return true
}

// subjects yields the names of the subjects of one kind, with their namespace if asked.
func subjects(kind string, namespaced bool) lister {
	return func(member []byte, out *query.Values) bool {
		if string(jsonString(jsonGet(member, "kind"))) != kind {
			return true
		}
		name := cString(jsonString(jsonGet(member, "name")))
		if namespaced {
			name = bytes.Join([][]byte{cString(jsonString(jsonGet(member, "namespace"))), name}, []byte(":"))
		}
		out.Add(name)
		return true
	}
}

// hostPorts yields the host port of each port, or the container's where there is none.
func hostPorts(member []byte, out *query.Values) bool {
	ports := jsonGet(member, "ports")
	if ports == nil {
		return true
	}
	return jsonEach(ports, func(_ int, port []byte) bool {
		v := jsonGet(port, "hostPort")
		if v == nil {
			v = jsonGet(port, "containerPort")
		}
		if v != nil {
			out.Add(cString(jsonText(v)))
		}
		return true
	})
}

// volumeTypes yields the keys of a volume that are not its name.
func volumeTypes(member []byte, out *query.Values) bool {
	jsonFields(member, func(key, _ []byte) bool {
		if string(key) != "name" {
			out.Add(key)
		}
		return true
	})
	return true
}

// effective yields the id that each container runs as: its own, else the pod's, else 0.
func effective(want int, key string) derivation {
	return func(in query.Input, out *query.Values) {
		containers, _ := dep(in, 0)
		pod, ok := dep(in, 1)
		if !ok {
			pod = []byte("0")
		}
		jsonEach(containers, func(i int, container []byte) bool {
			if want >= 0 && i != want {
				return true
			}
			if own := jsonGet(container, "securityContext", key); own != nil {
				out.Add(cString(jsonText(own)))
			} else {
				out.Add(pod)
			}
			return true
		})
	}
}

// firstOf yields what each yields of the first member.
func firstOf(each lister) derivation {
	return func(in query.Input, out *query.Values) {
		array, _ := dep(in, 0)
		jsonEach(array, func(_ int, member []byte) bool {
			if !each(member, out) {
				out.Reset()
			}
			return false
		})
	}
}

func anyPrivileged(in query.Input, out *query.Values) {
	array, _ := dep(in, 0)
	result := "false"
	if jsonEach(array, func(_ int, member []byte) bool {
		if string(jsonGet(member, "securityContext", "privileged")) == "true" {
			result = "true"
		}
		return result == "false"
	}) {
		out.AddString(result)
	}
}

// hasHostPath says whether a volume has the path; a star at its end makes it a prefix.
func hasHostPath(path string) derivation {
	prefix, star := strings.CutSuffix(path, "*")
	return func(in query.Input, out *query.Values) {
		volumes, ok := dep(in, 0)
		if !ok {
			return
		}
		result := "false"
		jsonEach(volumes, func(_ int, v []byte) bool {
			if p := jsonGet(v, "hostPath", "path"); p != nil {
				s := string(cString(jsonText(p)))
				if s == path || star && strings.HasPrefix(s, prefix) {
					result = "true"
				}
			}
			return result == "false"
		})
		out.AddString(result)
	}
}

// uriParam yields the first value of a parameter in the query of the request's URI.
func uriParam(key string) derivation {
	return func(in query.Input, out *query.Values) {
		uri, ok := dep(in, 0)
		if !ok {
			return
		}
		u, err := url.Parse(string(uri))
		if err != nil {
			return
		}
		params, err := url.ParseQuery(u.RawQuery)
		if err == nil && len(params[key]) > 0 {
			out.Add(cString([]byte(params[key][0])))
		}
	}
}
