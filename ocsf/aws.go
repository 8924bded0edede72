package ocsf

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// cloudTrail maps AWS CloudTrail as the OCSF project's own mapping does: sign-ins and role
// assumptions are Authentication, changes of users and roles Account Change, of groups Group
// Management, everything else API Activity.
func (b *build) cloudTrail() {
	r, e := b.r, b.e
	id := r.get("userIdentity")
	b.vendor, b.product, b.productVersion = "AWS", "CloudTrail", r.str("eventVersion")
	b.feature = cmp.Or(r.str("eventCategory"), "Management")
	b.meta.Set("event_code", r.str("eventType"))
	b.meta.Set("original_time", r.str("eventTime"))
	b.meta.Set("correlation_uid", r.str("sharedEventID"))
	b.message = r.str("errorMessage")

	user := awsUser(id, e)
	if user.Get("name") == nil {
		user.Set("name", r.str("additionalEventData.UserName"))
	}
	b.actor = Of("user", user, "session", awsSession(id), "idp", awsProvider(id),
		"invoked_by", id.str("invokedBy"), "app_name", id.str("invokedBy"))
	b.src = Endpoint(r.str("sourceIPAddress"))
	b.src.Set("uid", r.str("vpcEndpointId"))
	b.http = Of("user_agent", r.str("userAgent"))

	code, said := r.str("errorCode"), r.str("errorMessage")
	b.statusCode, b.statusDetail = code, said
	request := Of("uid", r.str("requestID"))
	if len(request) > 0 {
		request.Set("data", data(r.get("requestParameters")))
	} else {
		b.unmapped.Set("requestParameters", data(r.get("requestParameters")))
	}
	b.api = Of("operation", e.Action, "version", r.str("apiVersion"),
		"service", Of("name", r.str("eventSource")), "request", request,
		"response", Of("error", code, "error_message", said, "message", said, "data", data(r.get("responseElements"))))
	b.resources = awsResources(r.get("resources"), e.Targets)
	b.unmapped.Set("userIdentity.type", id.str("type"))
	b.unmapped.Set("userIdentity.sessionContext.sourceIdentity", id.str("sessionContext.sourceIdentity"))
	b.unmapped.Set("readOnly", r.flag("readOnly"))
	b.unmapped.Set("managementEvent", r.flag("managementEvent"))
	b.unmapped.Set("additionalEventData", data(r.get("additionalEventData")))
	b.unmapped.Set("serviceEventDetails", data(r.get("serviceEventDetails")))
	b.unmapped.Set("insightDetails", data(r.get("insightDetails")))
	b.unmapped.Set("tlsDetails", data(r.get("tlsDetails")))

	source := r.str("eventSource")
	if service, _, ok := strings.Cut(source, ".amazonaws.com"); ok && (service == "signin" || service == "sts" || service == "sso") && b.awsSignIn(service) {
		return
	} else if service == "iam" && b.awsIdentity() {
		return
	} else if service == "sso" && b.awsAssignment() {
		return
	}
	activity := crud(e.Action)
	if r.flag("readOnly") == true {
		activity = 2
	}
	b.is(apiActivity, activity, e.Action)
}

// awsUser is who called, by userIdentity.
func awsUser(id value, e *yagura.Event) Object {
	u := Of("uid", e.Actor.ID, "uid_alt", cmp.Or(id.str("onBehalfOf.userId"), id.str("principalId")),
		"name", cmp.Or(id.str("userName"), e.Actor.Name))
	kind, caption := id.str("type"), ""
	typeID := other
	switch kind {
	case "IAMUser", "SAMLUser", "WebIdentityUser", "IdentityCenterUser":
		typeID, caption = 1, "User"
	case "Root":
		typeID, caption = 2, "Admin"
	case "AWSService":
		typeID, caption = 3, "System"
	case "":
		typeID, caption = 0, "Unknown"
	default:
		caption = kind
	}
	if u.Get("uid") == nil && u.Get("name") == nil && id.str("accountId") == "" {
		return nil
	}
	u.Set("type_id", typeID)
	u.Set("type", caption)
	u.Set("credential_uid", id.str("accessKeyId", "credentialId"))
	if account := id.str("accountId"); account != "" {
		u.Set("account", Of("uid", account, "type_id", 10, "type", "AWS Account"))
	}
	return u
}

func awsSession(id value) Object {
	c := id.get("sessionContext")
	s := Of("issuer", c.str("sessionIssuer.arn"), "created_time", c.time("attributes.creationDate"),
		"is_mfa", c.flag("attributes.mfaAuthenticated"))
	if strings.HasSuffix(id.str("type"), "Role") || id.str("type") == "FederatedUser" {
		s.Set("uid_alt", id.str("arn"))
	}
	return s
}

func awsProvider(id value) Object {
	return Of("name", id.str("identityProvider", "sessionContext.webIdFederationData.federatedProvider", "webIdFederationData.federatedProvider"),
		"uid", id.str("onBehalfOf.identityStoreArn"))
}

// awsResources are the resources of the record, and the targets of the header that are not
// among them.
func awsResources(list value, targets []yagura.Entity) []Object {
	var out []Object
	list.each(func(x value) bool {
		arn := x.str("ARN")
		if arn == "" {
			return true
		}
		o := Of("uid", arn, "name", lastName(arn), "type", x.str("type"))
		if account := x.str("accountId"); account != "" {
			o.Set("owner", Of("account", Of("uid", account)))
		}
		out = append(out, o)
		return len(out) < maxObservables
	})
	have := len(out)
	for _, t := range resources(targets) {
		known := false
		for _, o := range out[:have] {
			known = known || o.Get("uid") == t.Get("uid")
		}
		if !known {
			out = append(out, t)
		}
	}
	return out
}

// awsSignIn maps the events of sign-in, the token service and IAM Identity Center that make
// or check a session; false where the event is none.
func (b *build) awsSignIn(service string) bool {
	r, e := b.r, b.e
	activity := 1
	switch e.Action {
	case "ConsoleLogin", "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken",
		"GetFederationToken", "SwitchRole", "UserAuthentication", "Federate", "GetSigninToken", "Authenticate", "CreateOAuth2Token":
	case "ExitRole", "Logout", "SignOut":
		activity = 2
	case "CheckMfa", "CredentialChallenge", "CredentialVerification", "RenewRole":
		activity = other
	default:
		return false
	}
	b.is(authentication, activity, e.Action)
	b.user, _ = b.actor.Get("user").(Object)
	if role := r.str("requestParameters.roleArn"); service == "sts" && role != "" {
		b.user = Of("uid", role, "name", r.str("requestParameters.roleSessionName"), "type_id", other, "type", "AssumedRole")
	} else if name := r.str("requestParameters.name"); service == "sts" && name != "" {
		b.user = Of("uid", r.str("responseElements.federatedUser.arn"), "name", name, "type_id", other, "type", "FederatedUser")
	}
	made := r.get("responseElements")
	b.more.Set("session", Of("uid", made.str("assumedRoleUser.arn", "federatedUser.arn"),
		"uid_alt", made.str("assumedRoleUser.assumedRoleId", "federatedUser.federatedUserId"),
		"credential_uid", made.str("credentials.accessKeyId")))
	b.more.Set("service", Of("name", r.str("eventSource")))
	b.dst = Of("svc_name", r.str("additionalEventData.LoginTo"))
	b.more.Set("is_mfa", r.flag("additionalEventData.MFAUsed", "userIdentity.sessionContext.attributes.mfaAuthenticated"))
	switch {
	case e.Action == "AssumeRoleWithSAML", e.Action == "ConsoleLogin" && r.str("additionalEventData.SamlProviderArn") != "":
		b.more.Set("auth_protocol_id", 5)
		b.more.Set("auth_protocol", "SAML")
	case e.Action == "AssumeRoleWithWebIdentity":
		b.more.Set("auth_protocol_id", 4)
		b.more.Set("auth_protocol", "OpenID")
	}
	return true
}

// iamCalls are the calls of AWS IAM that change users, roles and groups.
var iamCalls = map[string]struct {
	class    *class
	activity int
}{
	"CreateUser": {accountChange, 1}, "CreateRole": {accountChange, 1}, "CreateServiceLinkedRole": {accountChange, 1},
	"CreateLoginProfile": {accountChange, 2}, "ChangePassword": {accountChange, 3}, "UpdateLoginProfile": {accountChange, 4},
	"DeleteLoginProfile": {accountChange, 5}, "DeleteUser": {accountChange, 6}, "DeleteRole": {accountChange, 6},
	"DeleteServiceLinkedRole": {accountChange, 6}, "AttachUserPolicy": {accountChange, 7}, "AttachRolePolicy": {accountChange, 7},
	"PutUserPolicy": {accountChange, 7}, "PutRolePolicy": {accountChange, 7}, "DetachUserPolicy": {accountChange, 8},
	"DetachRolePolicy": {accountChange, 8}, "DeleteUserPolicy": {accountChange, 8}, "DeleteRolePolicy": {accountChange, 8},
	"EnableMFADevice": {accountChange, 10}, "DeactivateMFADevice": {accountChange, 11},
	"UpdateUser": {accountChange, other}, "UpdateRole": {accountChange, other}, "UpdateAssumeRolePolicy": {accountChange, other},
	"CreateAccessKey": {accountChange, other}, "UpdateAccessKey": {accountChange, other}, "DeleteAccessKey": {accountChange, other},
	"PutUserPermissionsBoundary": {accountChange, other}, "DeleteUserPermissionsBoundary": {accountChange, other},
	"PutRolePermissionsBoundary": {accountChange, other}, "DeleteRolePermissionsBoundary": {accountChange, other},
	"CreateGroup": {groupManagement, 6}, "DeleteGroup": {groupManagement, 5}, "AddUserToGroup": {groupManagement, 3},
	"RemoveUserFromGroup": {groupManagement, 4}, "AttachGroupPolicy": {groupManagement, 1}, "PutGroupPolicy": {groupManagement, 1},
	"DetachGroupPolicy": {groupManagement, 2}, "DeleteGroupPolicy": {groupManagement, 2}, "UpdateGroup": {groupManagement, other},
}

// awsIdentity maps the calls of IAM; false where the call is of no such class.
func (b *build) awsIdentity() bool {
	call, ok := iamCalls[b.e.Action]
	if !ok {
		return false
	}
	asked, made := b.r.get("requestParameters"), b.r.get("responseElements")
	policy := Of("uid", asked.str("policyArn"), "name", asked.str("policyName"))
	if call.class == groupManagement {
		group := Of("uid", made.str("group.arn", "group.groupId"), "name", asked.str("groupName", "newGroupName"))
		if len(group) == 0 {
			return false
		}
		b.more.Set("group", group)
		if p := cmp.Or(asked.str("policyArn"), asked.str("policyName")); p != "" {
			b.more.Set("privileges", []string{p})
		}
		b.user = Of("name", asked.str("userName"))
	} else {
		user := Of("uid", made.str("user.arn", "role.arn"), "uid_alt", made.str("user.userId", "role.roleId"),
			"name", cmp.Or(asked.str("userName", "roleName"), made.str("user.userName", "role.roleName", "accessKey.userName")))
		user.Set("credential_uid", cmp.Or(asked.str("accessKeyId"), made.str("accessKey.accessKeyId")))
		if len(user) == 0 || user.Get("uid") == nil && user.Get("name") == nil {
			user, _ = b.actor.Get("user").(Object) // one's own password, key or device
		}
		b.user = user
		if len(policy) > 0 {
			b.more.Set("policies", []Object{policy})
		}
	}
	b.is(call.class, call.activity, b.e.Action)
	return true
}

// awsAssignment maps the account assignments of IAM Identity Center: who gets which
// permission set in which account.
func (b *build) awsAssignment() bool {
	activity := 0
	switch b.e.Action {
	case "CreateAccountAssignment":
		activity = 1
	case "DeleteAccountAssignment":
		activity = 2
	}
	asked := b.r.get("requestParameters")
	set, who := asked.str("permissionSetArn"), asked.str("principalId")
	if activity == 0 || set == "" || who == "" {
		return false
	}
	b.is(userAccess, activity, b.e.Action)
	b.user = Of("uid", who)
	b.more.Set("privileges", []string{set})
	b.more.Set("resource", Of("uid", asked.str("targetId"), "type", asked.str("targetType")))
	return true
}
