package ocsf

import "strings"

// kubernetes maps audit logs of Kubernetes API servers.
func (b *build) kubernetes() {
	r, e := b.r, b.e
	b.vendor, b.product, b.productVersion = "Kubernetes", "Kubernetes", r.str("apiVersion")
	b.meta.Set("log_level", r.str("level"))
	b.meta.Set("log_provider", r.str("kind"))
	b.meta.Set("correlation_uid", r.str("auditID"))
	b.message = r.str("stage")
	who := r.get("user")
	user := User(e.Actor)
	user.Set("name", who.str("username"))
	user.Set("uid_alt", who.str("extra.principalId"))
	user.Set("email_addr", email(who.str("username")))
	if name := who.str("username"); strings.HasPrefix(name, "system:") {
		user.Set("type_id", 3)
		user.Set("type", "System")
	} else if len(user) > 0 {
		user.Set("type_id", 1)
		user.Set("type", "User")
	}
	var groups []Object
	for _, g := range who.get("groups").strings(50) {
		groups = append(groups, Of("name", g))
	}
	if len(user) > 0 {
		user.Set("groups", groups)
	}
	b.actor = Of("user", user, "session", Of("issuer", e.Actor.SessionOf, "uid", who.str("extra.sessionName"), "credential_uid", who.str("extra.accessKeyId")))
	ips := r.get("sourceIPs").strings(20)
	b.src = Endpoint(orUnknown(e.SrcIP))
	var through []string
	for i, s := range ips {
		if i > 0 && isIP(s) {
			through = append(through, s)
		}
	}
	b.src.Set("intermediate_ips", through)
	url := Of("path", r.str("requestURI"))
	b.http = Of("user_agent", r.str("userAgent"), "url", url)
	ref := r.get("objectRef")
	kind := ref.str("resource")
	if sub := ref.str("subresource"); sub != "" {
		kind += "/" + sub
	}
	request := Of("uid", r.str("auditID"))
	if len(request) > 0 {
		request.Set("data", data(r.get("requestObject")))
	}
	code := r.num("responseStatus.code")
	b.statusCode = r.str("responseStatus.code")
	b.statusDetail = r.str("responseStatus.message", "responseStatus.reason")
	b.api = Of("operation", e.Action, "version", ref.str("apiVersion"), "group", Of("name", ref.str("apiGroup")), "request", request,
		"response", Of("code", code, "message", r.str("responseStatus.message"), "error", r.str("responseStatus.reason"),
			"data", data(r.get("responseObject"))))
	resource := Of("uid", ref.str("uid"), "name", ref.str("name"))
	if len(resource) == 0 && kind != "" {
		resource.Set("name", kind)
	}
	if len(resource) > 0 {
		resource.Set("type", kind)
		resource.Set("namespace", ref.str("namespace"))
		resource.Set("version", ref.str("resourceVersion"))
		b.resources = append([]Object{resource}, resources(e.Targets)...)
	}
	b.unmapped.Set("annotations", data(r.get("annotations")))
	b.unmapped.Set("impersonatedUser", data(r.get("impersonatedUser")))
	b.unmapped.Set("verb", r.str("verb"))
	activity := other
	switch r.str("verb") {
	case "create":
		activity = 1
	case "get", "list", "watch", "head", "options":
		activity = 2
	case "update", "patch", "put", "post", "connect":
		activity = 3
	case "delete", "deletecollection":
		activity = 4
	}
	b.is(apiActivity, activity, e.Action)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
