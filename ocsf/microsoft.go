package ocsf

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// both looks at the record and at its properties: diagnostic settings put the one into the
// other, Graph and Log Analytics do not.
func both(r value) func(...string) value {
	p := r.get("properties")
	return func(paths ...string) value {
		if v := p.any(paths...); v.n != 0 {
			return v
		}
		return r.any(paths...)
	}
}

// directoryCalls are the activities of Entra's directory, by their name in small letters
// without the point at its end. What ends in "*" stands for all that begin so.
var directoryCalls = map[string]struct {
	class    *class
	activity int
}{
	"add user": {accountChange, 1}, "create user": {accountChange, 1}, "invite external user": {accountChange, 1}, "invite user": {accountChange, 1},
	"delete user": {accountChange, 6}, "hard delete user": {accountChange, 6}, "disable account": {accountChange, 5}, "enable account": {accountChange, 2},
	"restore user": {accountChange, 2}, "update user": {accountChange, other}, "change user license": {accountChange, other},
	"change user password": {accountChange, 3}, "change password (self-service)": {accountChange, 3}, "reset password (self-service)": {accountChange, 3},
	"reset user password": {accountChange, 4}, "reset password (by admin)": {accountChange, 4}, "set force change user password": {accountChange, 4},
	"user registered security info": {accountChange, 10}, "user registered all required security info": {accountChange, 10},
	"admin registered security info": {accountChange, 10}, "enable strong authentication": {accountChange, 10}, "add passkey": {accountChange, 10},
	"user deleted security info": {accountChange, 11}, "admin deleted security info": {accountChange, 11}, "disable strong authentication": {accountChange, 11},
	"unlock user account (self-service)": {accountChange, 12}, "update stsrefreshtokenvalidfrom timestamp": {accountChange, other},

	"add group": {groupManagement, 6}, "delete group": {groupManagement, 5}, "hard delete group": {groupManagement, 5},
	"add member to group": {groupManagement, 3}, "remove member from group": {groupManagement, 4}, "update group": {groupManagement, other},
	"add owner to group": {groupManagement, other}, "remove owner from group": {groupManagement, other}, "add group owner": {groupManagement, other},

	"add member to role": {userAccess, 1}, "add eligible member to role": {userAccess, 1}, "add scoped member to role": {userAccess, 1},
	"add member to role completed (pim activation)": {userAccess, 1}, "add eligible member to role in pim completed (permanent)": {userAccess, 1},
	"add eligible member to role in pim completed (timebound)": {userAccess, 1}, "add member to role in pim completed (permanent)": {userAccess, 1},
	"add member to role in pim completed (timebound)": {userAccess, 1}, "add app role assignment to service principal": {userAccess, 1},
	"add app role assignment grant to user": {userAccess, 1}, "add app role assignment to group": {userAccess, 1},
	"add delegated permission grant": {userAccess, 1}, "consent to application": {userAccess, 1}, "add owner to application": {userAccess, 1},
	"add owner to service principal": {userAccess, 1}, "remove member from role": {userAccess, 2}, "remove eligible member from role": {userAccess, 2},
	"remove scoped member from role": {userAccess, 2}, "remove app role assignment from service principal": {userAccess, 2},
	"remove app role assignment from user": {userAccess, 2}, "remove app role assignment from group": {userAccess, 2},
	"remove delegated permission grant": {userAccess, 2}, "remove owner from application": {userAccess, 2}, "remove owner from service principal": {userAccess, 2},
}

// managed are the kinds of things that a directory manages beside users and groups: a call
// that names one of them is Entity Management.
var managed = []string{"application", "service principal", "policy", "device", "named location", "domain", "partner", "company",
	"federat", "role definition", "administrative unit", "certificate", "credential", "directory", "setting"}

// directory classifies an activity of the directory. targets are its resources, changed
// finds the new value of a property.
func (b *build) directory(targets []directoryTarget, changed func(string) string) {
	name := strings.ToLower(strings.Trim(b.e.Action, " ."))
	call, known := directoryCalls[name]
	if !known {
		for _, kind := range managed {
			if strings.Contains(name, kind) {
				call.class, call.activity = entityManagement, entityActivity(name)
				break
			}
		}
	}
	var who, what directoryTarget
	for _, t := range targets {
		switch {
		case call.class == groupManagement && t.kind == "group", call.class == userAccess && t.kind == "role":
			what = t
		case who.id == "" && who.name == "":
			who = t
		case what.id == "" && what.name == "":
			what = t
		}
	}
	switch call.class {
	case accountChange:
		b.user = who.user()
	case groupManagement:
		if group := Of("uid", what.id, "name", what.name); len(group) > 0 {
			b.more.Set("group", group)
			b.user = who.user()
		} else if group = Of("uid", who.id, "name", who.name); len(group) > 0 && (who.kind == "group" || who.kind == "") {
			b.more.Set("group", group)
		} else {
			call.class = nil
		}
	case userAccess:
		granted := cmp.Or(changed("Role.DisplayName"), changed("AppRole.Value"), changed("DelegatedPermissionGrant.Scope"),
			changed("ConsentAction.Permissions"), changed("Role.WellKnownObjectName"), what.name, what.id)
		if strings.Contains(name, "owner") {
			granted = "owner"
		}
		if b.user = who.user(); granted == "" || len(b.user) == 0 {
			call.class = nil
			break
		}
		b.more.Set("privileges", scopes(granted))
		b.more.Set("resource", Of("uid", what.id, "name", what.name, "type", what.kind))
	case entityManagement:
		entity := Of("uid", who.id, "name", who.name)
		if len(entity) == 0 {
			call.class = nil
			break
		}
		entity.Set("type_id", other)
		entity.Set("type", cmp.Or(who.kind, "resource"))
		b.more.Set("entity", entity)
	}
	if call.class == nil {
		b.more = nil
		b.is(apiActivity, crud(name), b.e.Action)
		return
	}
	b.is(call.class, call.activity, b.e.Action)
}

// scopes are the permissions in the new value of a property: what stands behind "Scope" in a
// consent ("[] => [[Id: …, Scope: Mail.Read User.Read, …]]"), else the value itself.
func scopes(granted string) []string {
	_, rest, ok := strings.Cut(granted, "Scope")
	if !ok {
		return []string{granted}
	}
	rest = strings.TrimLeft(rest, "\\\":= ")
	if end := strings.IndexAny(rest, ",\"\\]}"); end >= 0 {
		rest = rest[:end]
	}
	list := strings.Fields(rest)
	if len(list) == 0 || len(list) > 200 {
		return []string{granted}
	}
	return list
}

func entityActivity(name string) int {
	switch crud(name) {
	case 1:
		return 1
	case 2:
		return 2
	case 3:
		return 3
	case 4:
		return 4
	}
	return other
}

// directoryTarget is what an activity of the directory is about.
type directoryTarget struct{ id, name, upn, kind string }

func (t directoryTarget) user() Object {
	u := Of("uid", t.id, "name", cmp.Or(t.upn, t.name), "email_addr", email(cmp.Or(t.upn, t.name)))
	if len(u) > 0 {
		switch t.kind {
		case "user":
			u.Set("type_id", 1)
			u.Set("type", "User")
		case "serviceprincipal", "application", "service_principal":
			u.Set("type_id", 3)
			u.Set("type", "System")
		}
	}
	return u
}

// entraAudit maps the audit log of Entra ID, in every shape.
func (b *build) entraAudit() {
	r, e := b.r, b.e
	in := both(r)
	b.vendor, b.product, b.feature = "Microsoft", "Microsoft Entra ID", "Audit logs"
	b.productVersion = r.str("operationVersion")
	b.meta.Set("correlation_uid", in("correlationId").scalar())
	b.meta.Set("log_provider", in("loggedByService").scalar())
	b.meta.Set("event_code", in("category").scalar())
	b.meta.Set("original_time", in("activityDateTime", "time").scalar())
	b.statusDetail = in("resultReason", "resultDescription").scalar()
	by := in("initiatedBy")
	user := User(e.Actor)
	if id := by.str("user.id"); id != "" {
		user = Of("uid", id, "name", cmp.Or(by.str("user.userPrincipalName"), e.Actor.Name), "full_name", by.str("user.displayName"),
			"email_addr", email(by.str("user.userPrincipalName")), "type_id", 1, "type", "User")
	} else if len(user) > 0 && e.Actor.Type == yagura.EntityServicePrincipal {
		user.Set("type_id", 3)
		user.Set("type", "System")
	}
	b.actor = Of("user", user, "app_name", by.str("app.displayName"), "app_uid", by.str("app.appId", "app.servicePrincipalId"))
	if e.SrcIP != "" {
		b.src = Endpoint(e.SrcIP)
	}
	b.http = Of("user_agent", named(in("additionalDetails"), "User-Agent").scalar())
	b.directoryAPI(in("correlationId").scalar(), in("loggedByService").scalar())
	list := in("targetResources")
	var targets []directoryTarget
	list.each(func(t value) bool {
		targets = append(targets, directoryTarget{t.str("id"), t.str("displayName"), t.str("userPrincipalName"), strings.ToLower(t.str("type"))})
		return len(targets) < 20
	})
	changed := func(name string) (text string) {
		list.each(func(t value) bool {
			text = strings.Trim(named(t.get("modifiedProperties"), name).scalar(), `" `)
			return text == ""
		})
		return text
	}
	b.directory(targets, changed)
	b.unmapped.Set("operationType", in("operationType").scalar())
	b.modified(list)
}

// directoryAPI is the call behind an activity of the directory.
func (b *build) directoryAPI(request, service string) {
	b.api = Of("operation", orUnknown(b.e.Action), "service", Of("name", service), "request", Of("uid", request))
}

// modified keeps the properties that an activity changed.
func (b *build) modified(list value) {
	var out []Object
	list.each(func(t value) bool {
		t.get("modifiedProperties").each(func(p value) bool {
			out = append(out, Of("name", p.str("displayName", "name"), "old", p.str("oldValue"), "new", p.str("newValue")))
			return len(out) < 50
		})
		return len(out) < 50
	})
	b.unmapped.Set("modifiedProperties", out)
}

// entraProvisioning maps the provisioning log: what was made, changed or removed in another
// system for an account of the directory.
func (b *build) entraProvisioning() {
	r, e := b.r, b.e
	in := both(r)
	b.vendor, b.product, b.feature = "Microsoft", "Microsoft Entra ID", "Provisioning logs"
	b.meta.Set("correlation_uid", in("cycleId", "jobId").scalar())
	b.meta.Set("original_time", in("activityDateTime", "time").scalar())
	status := in("provisioningStatusInfo", "statusInfo", "provisioningStatus")
	b.statusCode = status.str("errorInformation.errorCode", "status")
	b.statusDetail = status.str("errorInformation.reason")
	b.actor = Of("user", User(e.Actor), "app_name", in("servicePrincipal").str("displayName", "name"), "app_uid", in("servicePrincipal").str("id"))
	if len(b.actor) == 0 {
		b.actor = Of("app_name", orUnknown(in("initiatedBy").str("displayName", "name")))
	}
	action := in("provisioningAction", "action", "operationName").scalar()
	b.api = Of("operation", orUnknown(cmp.Or(e.Action, action)), "service", Of("name", in("targetSystem").str("displayName", "name")), "request", Of("uid", e.ID))
	who := in("targetIdentity")
	if who.str("id", "displayName", "name") == "" {
		who = in("sourceIdentity")
	}
	b.modified(r)
	user := Of("uid", who.str("id"), "name", who.str("displayName", "name"))
	switch kind := strings.ToLower(who.str("identityType", "type")); {
	case len(user) == 0 || kind != "user" && kind != "group":
		b.is(apiActivity, crud(action), e.Action)
	case kind == "group":
		b.more.Set("group", user)
		b.is(groupManagement, map[string]int{"create": 6, "delete": 5}[strings.ToLower(action)], e.Action)
		if b.activity == 0 {
			b.activity = other
		}
	default:
		b.user = user
		b.is(accountChange, map[string]int{"create": 1, "enable": 2, "disable": 5, "delete": 6}[strings.ToLower(action)], e.Action)
		if b.activity == 0 {
			b.activity = other
		}
	}
}

// entraSignIn maps the sign-in logs of Entra ID: users, service principals, managed
// identities.
func (b *build) entraSignIn() {
	r, e := b.r, b.e
	in := both(r)
	b.vendor, b.product, b.feature = "Microsoft", "Microsoft Entra ID", "Sign-in logs"
	b.meta.Set("correlation_uid", in("correlationId").scalar())
	b.meta.Set("event_code", in("category", "signInEventTypes").scalar())
	b.meta.Set("original_time", in("createdDateTime", "time").scalar())
	b.user = User(e.Actor)
	b.user.Set("full_name", in("userDisplayName").scalar())
	if len(b.user) > 0 {
		if e.Actor.Type == yagura.EntityServicePrincipal {
			b.user.Set("type_id", 3)
			b.user.Set("type", "System")
		} else {
			b.user.Set("type_id", 1)
			b.user.Set("type", "User")
		}
	}
	b.actor = Of("user", b.user, "app_name", in("appDisplayName").scalar(), "app_uid", in("appId").scalar())
	where := in("locationDetails", "location")
	if e.SrcIP != "" {
		b.src = Endpoint(e.SrcIP)
		b.src.Set("location", location(cmp.Or(where.str("countryOrRegion"), r.str("location")), where.str("state"), where.str("city"),
			decimal(where.str("geoCoordinates.latitude")), decimal(where.str("geoCoordinates.longitude"))))
	}
	b.http = Of("user_agent", in("userAgent").scalar())
	service := Of("name", in("resourceDisplayName").scalar(), "uid", in("resourceId", "resourceIdentity").scalar())
	if uid := in("resourceIdentity").scalar(); uid != "" {
		service.Set("uid", uid)
	}
	if len(service) == 0 {
		service = Of("name", "Microsoft Entra ID")
	}
	b.more.Set("service", service)
	b.more.Set("session", Of("uid", in("sessionId").scalar()))
	b.more.Set("is_remote", true)
	switch strings.ToLower(in("authenticationRequirement").scalar()) {
	case "multifactorauthentication":
		b.more.Set("is_mfa", true)
	case "singlefactorauthentication":
		b.more.Set("is_mfa", false)
	}
	switch protocol := in("authenticationProtocol").scalar(); strings.ToLower(protocol) {
	case "", "none":
	case "saml20":
		b.more.Set("auth_protocol_id", 5)
		b.more.Set("auth_protocol", "SAML")
	case "oauth2", "devicecode", "ropc":
		b.more.Set("auth_protocol_id", 6)
		b.more.Set("auth_protocol", "OAUTH 2.0")
	default:
		b.more.Set("auth_protocol_id", other)
		b.more.Set("auth_protocol", protocol)
	}
	b.unmapped.Set("isInteractive", in("isInteractive").flag(""))
	b.statusCode = in("status.errorCode").scalar()
	if b.statusCode == "" {
		b.statusCode = in("resultType").scalar()
	}
	b.statusDetail = in("status.failureReason", "resultDescription").scalar()
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", in("resourceDisplayName").scalar()), "request", Of("uid", in("correlationId").scalar()))
	for _, k := range []string{"clientAppUsed", "conditionalAccessStatus", "riskState", "riskLevelDuringSignIn", "tokenIssuerType", "crossTenantAccessType"} {
		b.unmapped.Set(k, in(k).scalar())
	}
	b.unmapped.Set("deviceDetail", data(in("deviceDetail")))
	b.is(authentication, 1, e.Action)
}

// azureActivity maps the activity log of Azure: a call of the resource manager; who gives
// and takes roles is User Access Management.
func (b *build) azureActivity() {
	r, e := b.r, b.e
	in := both(r)
	b.vendor, b.product, b.feature = "Microsoft", "Azure Activity Log", in("category.value", "categoryValue", "category").scalar()
	b.meta.Set("correlation_uid", in("correlationId", "correlation_id").scalar())
	b.meta.Set("original_time", in("eventTimestamp", "event_timestamp", "time").scalar())
	b.meta.Set("logged_time", in("submissionTimestamp", "submission_timestamp").time(""))
	b.meta.Set("tenant_uid", in("tenantId", "tenant_id").scalar())
	claims := in("claims", "Claims_d", "identity.claims")
	if claims.n == 0 {
		claims = r.at("identity").get("claims")
	}
	user := User(e.Actor)
	if len(user) > 0 {
		id, caption := 1, "User"
		if e.Actor.Type == yagura.EntityServicePrincipal {
			id, caption = 3, "System"
		}
		user.Set("type_id", id)
		user.Set("type", caption)
		user.Set("uid_alt", claims.get("http://schemas.microsoft.com/identity/claims/objectidentifier").scalar())
		user.Set("full_name", claims.get("name").scalar())
	}
	b.actor = Of("user", user, "app_uid", claims.get("appid").scalar(), "authorizations", nil)
	if e.SrcIP != "" {
		b.src = Endpoint(e.SrcIP)
	}
	provider, _, _ := strings.Cut(e.Action, "/")
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", provider),
		"request", Of("uid", in("operationId", "correlationId", "correlation_id").scalar()),
		"response", Of("message", in("properties.statusMessage", "resultSignature", "subStatus.value").scalar()))
	b.statusCode = in("properties.statusCode", "resultType", "status.value", "ActivityStatusValue").scalar()
	b.statusDetail = in("resultSignature", "subStatus.value", "resultDescription").scalar()
	b.unmapped.Set("level", in("level").scalar())
	b.unmapped.Set("resourceGroup", in("resourceGroupName", "resourceGroup", "resource_group_name").scalar())
	for i := range b.resources {
		b.resources[i].Set("type", provider)
	}
	action := strings.ToLower(e.Action)
	if strings.HasPrefix(action, "microsoft.authorization/roleassignments/") && b.azureRole(in, strings.HasSuffix(action, "/delete")) {
		return
	}
	var activity int
	switch {
	case strings.HasSuffix(action, "/write"):
		activity = 3
		if e.Outcome == yagura.OutcomeSuccess && (strings.HasPrefix(b.statusDetail, "Created") || b.statusCode == "Created") {
			activity = 1
		}
	case strings.HasSuffix(action, "/delete"):
		activity = 4
	case strings.HasSuffix(action, "/read"):
		activity = 2
	default:
		activity = crud(strings.TrimSuffix(action, "/action"))
	}
	b.is(apiActivity, activity, e.Action)
}

// azureRole maps the assignment of a role, where the record has the request.
func (b *build) azureRole(in func(...string) value, revoked bool) bool {
	body := in("requestbody", "responseBody", "properties.requestbody", "properties.responseBody").opened()
	p := body.get("properties")
	if p.n == 0 {
		p = body
	}
	who, role := p.str("principalId"), p.str("roleDefinitionId")
	if who == "" || role == "" {
		return false
	}
	activity := 1
	if revoked {
		activity = 2
	}
	b.is(userAccess, activity, b.e.Action)
	b.user = Of("uid", who)
	switch strings.ToLower(p.str("principalType")) {
	case "user":
		b.user.Set("type_id", 1)
		b.user.Set("type", "User")
	case "serviceprincipal":
		b.user.Set("type_id", 3)
		b.user.Set("type", "System")
	}
	b.more.Set("privileges", []string{cmp.Or(lastName(role), role)})
	b.more.Set("resource", Of("uid", p.str("scope"), "name", lastName(p.str("scope"))))
	return true
}
