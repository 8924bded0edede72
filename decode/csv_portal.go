package decode

import (
	"bytes"
	"strconv"
)

// Tables of portals that have to be put together again: the names are for people, and lists are
// spread over columns.

// portalAudit writes a row of the audit log as the portal of Entra exports it, the way the table
// AuditLogs has it. get returns a cell by the name of its column.
func portalAudit(dst []byte, get func(name string) []byte) []byte {
	for _, c := range [...][2]string{{"Date (UTC)", "ActivityDateTime"}, {"CorrelationId", "CorrelationId"}, {"Service", "LoggedByService"},
		{"Category", "Category"}, {"Activity", "OperationName"}, {"Result", "Result"}, {"ResultReason", "ResultReason"}} {
		dst = appendMember(dst, c[1], get(c[0]))
	}
	dst = appendMember(dst, "ActivityDisplayName", get("Activity"))
	dst = appendMember(dst, "Type", []byte("AuditLogs"))

	actor := []byte(nil)
	kind := "user"
	address := get("IPAddress")
	if len(address) == 0 {
		address = get("ActorIpAddress")
	}
	if service := get("ActorServicePrincipalId"); len(service) > 0 || isAny(get("ActorType"), "Application", "ServicePrincipal") {
		kind = "app"
		actor = appendMember(actor, "servicePrincipalId", service)
		if len(service) == 0 {
			actor = appendMember(actor, "servicePrincipalId", get("ActorObjectId"))
		}
		actor = appendMember(actor, "servicePrincipalName", get("ActorServicePrincipalName"))
		actor = appendMember(actor, "displayName", get("ActorDisplayName"))
	} else {
		actor = appendMember(actor, "id", get("ActorObjectId"))
		actor = appendMember(actor, "displayName", get("ActorDisplayName"))
		actor = appendMember(actor, "userPrincipalName", get("ActorUserPrincipalName"))
	}
	actor = appendMember(actor, "ipAddress", address)
	if len(actor) > 0 {
		dst = append(appendName(dst, "InitiatedBy"), '{')
		dst = append(append(appendQuoted(dst, kind), ':'), closeObject(actor)...)
		dst = append(dst, '}')
	}

	var targets [][]byte
	for n := 1; n <= 16; n++ {
		prefix := "Target" + strconv.Itoa(n)
		var t []byte
		for _, c := range [...][2]string{{"Type", "type"}, {"DisplayName", "displayName"}, {"ObjectId", "id"}, {"UserPrincipalName", "userPrincipalName"}} {
			t = appendMember(t, c[1], get(prefix+c[0]))
		}
		var changes [][]byte
		for m := 1; m <= 32; m++ {
			of := prefix + "ModifiedProperty" + strconv.Itoa(m)
			name, from, to := get(of+"Name"), get(of+"OldValue"), get(of+"NewValue")
			if len(name) == 0 {
				break
			}
			c := appendMember(nil, "displayName", name)
			c = appendMember(c, "oldValue", from)
			changes = append(changes, closeObject(appendMember(c, "newValue", to)))
		}
		if len(changes) > 0 {
			t = appendList(t, "modifiedProperties", changes)
		}
		if len(t) == 0 {
			break
		}
		targets = append(targets, closeObject(t))
	}
	dst = appendList(dst, "TargetResources", targets)
	var details [][]byte
	for n := 1; n <= 32; n++ {
		of := "AdditionalDetail" + strconv.Itoa(n)
		key := get(of + "Key")
		if len(key) == 0 {
			break
		}
		details = append(details, closeObject(appendMember(appendMember(nil, "key", key), "value", get(of+"Value"))))
	}
	return appendList(dst, "AdditionalDetails", details)
}

// portalSignIn fills in what the portal leaves out of a sign-in that succeeded.
func portalSignIn(dst []byte, get func(name string) []byte) []byte {
	if len(get("Sign-in error code")) == 0 && isAny(get("Status"), "Success") {
		dst = appendMember(dst, "ResultType", []byte{'0'})
	}
	return dst
}

// appendList appends a list of members that are JSON already, unless it is empty.
func appendList(dst []byte, name string, members [][]byte) []byte {
	if len(members) == 0 {
		return dst
	}
	dst = append(appendName(dst, name), '[')
	dst = append(dst, bytes.Join(members, []byte{','})...)
	return append(dst, ']')
}
