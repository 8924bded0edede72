package ocsf

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// accountCalls are the calls of Google's IAM that change service accounts, by the last word
// of their method.
var accountCalls = map[string]int{"CreateServiceAccount": 1, "EnableServiceAccount": 2, "DisableServiceAccount": 5, "DeleteServiceAccount": 6,
	"UndeleteServiceAccount": 2, "UpdateServiceAccount": other, "PatchServiceAccount": other, "CreateServiceAccountKey": other,
	"UploadServiceAccountKey": other, "DeleteServiceAccountKey": other, "EnableServiceAccountKey": other, "DisableServiceAccountKey": other}

// gcpAudit maps Google Cloud's audit logs: a policy that gives or takes a role is User
// Access Management, a service account's life Account Change, everything else a call.
func (b *build) gcpAudit() {
	r, e := b.r, b.e
	p := r.any("protoPayload", "jsonPayload", "protopayload_auditlog")
	b.vendor, b.product, b.feature = "Google", "Google Cloud Audit Logs", gcpLog(r.str("logName"))
	b.meta.Set("log_provider", r.str("logName"))
	b.meta.Set("original_time", r.str("timestamp"))
	b.meta.Set("logged_time", r.time("receiveTimestamp"))
	b.meta.Set("log_level", r.str("severity"))
	b.meta.Set("correlation_uid", r.str("operation.id"))
	b.meta.Set("event_code", p.str("@type"))
	auth := p.get("authenticationInfo")
	user := User(e.Actor)
	if len(user) > 0 {
		user.Set("uid_alt", auth.str("principalSubject"))
		user.Set("credential_uid", auth.str("serviceAccountKeyName"))
		user.Set("email_addr", email(auth.str("principalEmail")))
		googleType(&user, e.Actor.Type)
	}
	b.actor = Of("user", user, "session", Of("issuer", e.Actor.SessionOf),
		"invoked_by", auth.str("serviceAccountDelegationInfo.firstPartyPrincipal.serviceMetadata.service"))
	b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, p.str("requestMetadata.callerIp"))))
	b.http = Of("user_agent", p.str("requestMetadata.callerSuppliedUserAgent"))
	request := Of("uid", r.str("insertId"))
	if len(request) > 0 {
		request.Set("data", data(p.get("request")))
	}
	code := p.num("status.code")
	b.statusCode, b.statusDetail = p.str("status.code"), p.str("status.message")
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", p.str("serviceName")), "request", request,
		"response", Of("code", code, "message", p.str("status.message"), "error_message", p.str("status.message"), "data", data(p.get("response"))))
	b.cloud = b.gcpCloud(r.str("logName"))
	b.resources = gcpResources(p, r, e)
	b.unmapped.Set("authorizationInfo", permissions(p.get("authorizationInfo")))
	b.unmapped.Set("resource", data(r.get("resource")))

	method := e.Action[strings.LastIndexByte(e.Action, '.')+1:]
	if strings.EqualFold(method, "SetIamPolicy") && b.gcpGrant(p) {
		return
	}
	if activity := accountCalls[method]; activity != 0 && strings.Contains(p.str("serviceName")+e.Action, "iam") {
		name := p.str("response.email", "request.name", "resourceName")
		if at := strings.Index(name, "/serviceAccounts/"); at >= 0 {
			name, _, _ = strings.Cut(name[at+len("/serviceAccounts/"):], "/")
		}
		if name != "" {
			b.user = Of("uid", cmp.Or(p.str("response.unique_id"), name), "name", name, "email_addr", email(name), "type_id", 3, "type", "System")
			b.is(accountChange, activity, e.Action)
			return
		}
	}
	b.is(apiActivity, crud(e.Action), e.Action)
}

func googleType(u *Object, kind string) {
	id, caption := 1, "User"
	if kind == yagura.EntityServicePrincipal {
		id, caption = 3, "System"
	}
	u.Set("type_id", id)
	u.Set("type", caption)
}

// gcpLog is the kind of an audit log: activity, data_access, system_event or policy.
func gcpLog(name string) string {
	if at := strings.LastIndex(name, "%2F"); at >= 0 {
		return name[at+3:]
	}
	return lastName(name)
}

// gcpCloud is the cloud object: a log is of a project, a folder or an organisation.
func (b *build) gcpCloud(log string) Object {
	e := b.e
	c := Cloud(e.Format, e.Account, e.Region, b.m.o.Account)
	kind, rest, _ := strings.Cut(log, "/")
	id, _, _ := strings.Cut(rest, "/")
	switch kind {
	case "organizations":
		c.Set("org", Of("uid", id))
	case "projects":
		c.Set("project_uid", id)
	}
	return c
}

func gcpResources(p, r value, e *yagura.Event) []Object {
	kind := r.str("resource.type")
	out := resources(e.Targets)
	for i := range out {
		if out[i].Get("uid") == p.str("resourceName") {
			out[i].Set("type", cmp.Or(kind, "resource"))
		}
	}
	return out
}

// permissions are the checks that a call passed or failed.
func permissions(list value) []Object {
	var out []Object
	list.each(func(a value) bool {
		out = append(out, Of("permission", a.str("permission"), "granted", a.flag("granted"), "resource", a.str("resource")))
		return len(out) < 20
	})
	return out
}

// gcpGrant maps the first member that a policy gains or loses; the others are below
// unmapped.
func (b *build) gcpGrant(p value) bool {
	deltas := p.any("serviceData.policyDelta.bindingDeltas", "metadata.policyDelta.bindingDeltas")
	var first, more []Object
	deltas.each(func(d value) bool {
		o := Of("action", d.str("action"), "role", d.str("role"), "member", d.str("member"))
		if len(first) == 0 && o.Has("role") && o.Has("member") {
			first = append(first, o)
		}
		more = append(more, o)
		return len(more) < 100
	})
	if len(first) == 0 {
		return false
	}
	activity := 1
	if first[0].Get("action") == "REMOVE" {
		activity = 2
	}
	member := first[0].Get("member").(string)
	kind, name, ok := strings.Cut(member, ":")
	if !ok {
		name = member
	}
	b.user = Of("uid", member, "name", cmp.Or(name, member), "email_addr", email(name))
	switch kind {
	case "user":
		googleType(&b.user, yagura.EntityUser)
	case "serviceAccount":
		googleType(&b.user, yagura.EntityServicePrincipal)
	default:
		b.user.Set("type_id", other)
		b.user.Set("type", kind)
	}
	var roles []string
	for _, o := range more {
		if role, _ := o.Get("role").(string); role != "" && o.Get("member") == member && o.Get("action") == first[0].Get("action") {
			roles = append(roles, role)
		}
	}
	b.more.Set("privileges", roles)
	if name := p.str("resourceName"); name != "" {
		b.more.Set("resource", Of("uid", name, "name", lastName(name)))
	}
	b.unmapped.Set("bindingDeltas", more)
	b.is(userAccess, activity, b.e.Action)
	return true
}

// workspaceCalls are the events of Google Workspace that are of a class of their own, by
// their names in small letters without underscores.
var workspaceCalls = map[string]struct {
	class    *class
	activity int
}{
	"loginsuccess": {authentication, 1}, "loginfailure": {authentication, 1}, "logout": {authentication, 2}, "loginchallenge": {authentication, other},
	"loginverification": {authentication, other}, "samlloginsuccess": {authentication, 1},
	"createuser": {accountChange, 1}, "deleteuser": {accountChange, 6}, "suspenduser": {accountChange, 5}, "unsuspenduser": {accountChange, 2},
	"undeleteuser": {accountChange, 2}, "changepassword": {accountChange, 4}, "passwordedit": {accountChange, 3}, "renameuser": {accountChange, other},
	"2svenroll": {accountChange, 10}, "2svdisable": {accountChange, 11}, "turnoff2stepverification": {accountChange, 11},
	"accountdisabledpasswordleak": {accountChange, 9}, "accountdisabledgeneric": {accountChange, 9}, "accountdisabledhijacked": {accountChange, 9},
	"creategroup": {groupManagement, 6}, "deletegroup": {groupManagement, 5}, "addgroupmember": {groupManagement, 3}, "removegroupmember": {groupManagement, 4},
	"changegroupsetting": {groupManagement, other},
	"assignrole":         {userAccess, 1}, "unassignrole": {userAccess, 2}, "grantadminprivilege": {userAccess, 1}, "revokeadminprivilege": {userAccess, 2},
	"grantdelegatedadminprivileges": {userAccess, 1}, "authorize": {userAccess, 1}, "revoke": {userAccess, 2},
}

// driveCalls are the events of Google Drive, by the activity of File Hosting.
var driveCalls = map[string]int{"create": 1, "upload": 1, "download": 2, "edit": 3, "delete": 4, "trash": 4, "rename": 5, "copy": 6, "move": 7,
	"untrash": 8, "preview": 9, "view": 14, "print": other, "change_user_access": 12, "change_document_visibility": 12, "change_document_access_scope": 12}

// workspace maps the activities of Google Workspace, by the Reports API and by Cloud Logging.
func (b *build) workspace() {
	r, e := b.r, b.e
	p := r.get("protoPayload")
	event := r.get("events")
	if p.n != 0 {
		event = p.at("metadata.event")
	}
	params := event.any("parameters", "parameter")
	param := func(names ...string) string {
		for _, n := range names {
			if s := named(params, n).scalar(); s != "" {
				return s
			}
		}
		return ""
	}
	app := cmp.Or(r.str("id.applicationName"), p.str("serviceName"))
	b.vendor, b.product, b.feature = "Google", "Google Workspace", app
	b.meta.Set("event_code", event.str("type", "eventType"))
	b.meta.Set("original_time", cmp.Or(r.str("id.time"), r.str("timestamp")))
	b.meta.Set("logged_time", r.time("receiveTimestamp"))
	user := User(e.Actor)
	if len(user) > 0 {
		user.Set("uid_alt", r.str("actor.profileId"))
		user.Set("email_addr", email(cmp.Or(r.str("actor.email"), p.str("authenticationInfo.principalEmail"))))
		googleType(&user, e.Actor.Type)
	}
	b.actor = Of("user", user)
	if e.SrcIP != "" {
		b.src = Endpoint(e.SrcIP)
	}
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", app), "request", Of("uid", cmp.Or(r.str("insertId"), e.ID)))
	b.http = Of("user_agent", p.str("requestMetadata.callerSuppliedUserAgent"))
	var kept []Object
	params.each(func(x value) bool {
		kept = append(kept, Of("name", x.str("name"), "value", x.str("value", "intValue", "boolValue", "multiValue", "multiStrValue")))
		return len(kept) < 50
	})
	b.unmapped.Set("parameters", kept)

	name := cmp.Or(event.str("name", "eventName"), e.Action[strings.LastIndexByte(e.Action, '.')+1:])
	call := workspaceCalls[strings.ToLower(strings.ReplaceAll(name, "_", ""))]
	target := cmp.Or(param("USER_EMAIL", "affected_email_address", "target_user"), "")
	about := user
	if target != "" && target != e.Actor.ID {
		about = Of("name", target, "email_addr", email(target), "type_id", 1, "type", "User")
	}
	switch call.class {
	case authentication:
		b.is(authentication, call.activity, name)
		b.user = about
		b.more.Set("service", Of("name", "Google Workspace"))
		b.more.Set("is_remote", true)
		b.statusDetail = param("login_failure_type")
		switch kind := param("login_type"); {
		case strings.HasPrefix(kind, "saml"):
			b.more.Set("auth_protocol_id", 5)
			b.more.Set("auth_protocol", "SAML")
		case kind != "":
			b.more.Set("auth_protocol_id", other)
			b.more.Set("auth_protocol", kind)
		}
		return
	case accountChange:
		b.is(accountChange, call.activity, name)
		b.user = about
		return
	case groupManagement:
		if group := param("GROUP_EMAIL", "group_id", "group_email"); group != "" {
			b.is(groupManagement, call.activity, name)
			b.more.Set("group", Of("name", group))
			if target != "" {
				b.user = about
			}
			return
		}
	case userAccess:
		roles := named(params, "scope").strings(50)
		if role := param("ROLE_NAME"); role != "" {
			roles = []string{role}
		} else if strings.HasPrefix(strings.ToLower(name), "grant") || strings.HasPrefix(strings.ToLower(name), "revoke_") {
			roles = append(roles, "admin")
		}
		if len(roles) > 0 {
			b.is(userAccess, call.activity, name)
			b.user = about
			b.more.Set("privileges", roles)
			b.more.Set("resource", Of("name", param("app_name", "ORG_UNIT_NAME"), "uid", param("client_id")))
			return
		}
	}
	if activity, doc := driveCalls[name], param("doc_title"); activity != 0 && doc != "" && (app == "drive" || strings.HasPrefix(app, "drive")) {
		b.is(fileHosting, activity, name)
		b.more.Set("file", Of("name", doc, "uid", param("doc_id"), "type_id", 1, "type", "Regular File"))
		return
	}
	b.is(apiActivity, crud(name), e.Action)
}
