package decode

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/yagura-sec/yagura/slot"
)

// maxUnified bounds the records that are also read as one of Entra ID.
const maxUnified = 1 << 20

// unified is what the unified audit log says of Entra ID. Lists may be JSON text, as
// tables keep them.
type unified struct {
	Operation, ResultStatus, RecordType                    unifiedText
	ObjectID, UserID, ClientIP, ActorIPAddress             unifiedText
	ApplicationID, ErrorNumber, LogonError, InterSystemsID unifiedText
	ExtendedProperties, ModifiedProperties                 unifiedBag
	DeviceProperties, Actor, Target                        unifiedBag
}

// readUnified reads the members of a record, which is valid JSON.
func readUnified(record []byte) (u unified) {
	texts := map[string]*unifiedText{"Operation": &u.Operation, "ResultStatus": &u.ResultStatus, "RecordType": &u.RecordType,
		"ObjectId": &u.ObjectID, "OfficeObjectId": &u.ObjectID, "UserId": &u.UserID, "ClientIP": &u.ClientIP, "ActorIpAddress": &u.ActorIPAddress,
		"ApplicationId": &u.ApplicationID, "ErrorNumber": &u.ErrorNumber, "LogonError": &u.LogonError, "InterSystemsId": &u.InterSystemsID}
	bags := map[string]*unifiedBag{"ExtendedProperties": &u.ExtendedProperties, "ModifiedProperties": &u.ModifiedProperties,
		"DeviceProperties": &u.DeviceProperties, "Actor": &u.Actor, "Target": &u.Target}
	for rest := record[1:]; ; {
		key, value, after := member(rest)
		if value == nil {
			return u
		}
		if to := texts[string(key)]; to != nil {
			*to = textOfJSON(value)
		} else if to := bags[string(key)]; to != nil {
			*to = bagOfJSON(value)
		}
		rest = after
	}
}

// unifiedText is a scalar as text; what is none is nothing.
type unifiedText string

func textOfJSON(value []byte) unifiedText {
	switch value[0] {
	case '"':
		return unifiedText(slot.Unescape(nil, value[1:len(value)-1]))
	case '{', '[', 'n': // null
		return ""
	}
	return unifiedText(value)
}

// UnmarshalJSON takes any JSON.
func (t *unifiedText) UnmarshalJSON(b []byte) error {
	*t = textOfJSON(b)
	return nil
}

// unifiedBag is a list of named values, or of identities; what is neither is empty.
type unifiedBag []struct {
	Name, Value, OldValue, NewValue unifiedText
	ID, Type                        unifiedText
}

func bagOfJSON(value []byte) (list unifiedBag) {
	if value[0] == '"' {
		value = slot.Unescape(nil, value[1:len(value)-1])
	}
	if len(value) <= 2 || json.Unmarshal(value, &list) != nil {
		return nil
	}
	return list
}

func (l unifiedBag) value(name string) string {
	for _, x := range l {
		if strings.EqualFold(string(x.Name), name) {
			return string(x.Value)
		}
	}
	return ""
}

// identity is what Actor and Target say of one: a list of its names, each with a type
// (1 name, 4 name of a service principal, 5 user principal name, 0 and 2 ids, among them
// "Kind_id", the id alone and the kind).
type identity struct{ kind, id, name, upn, app string }

func (l unifiedBag) identity() identity { return l.identities()[0] }

// identities reads a list with several in a row: the next starts where a name or an id
// with its kind comes a second time. There is always one.
func (l unifiedBag) identities() []identity {
	list := make([]identity, 1)
	out := &list[0]
	next := func(begun bool) {
		if begun {
			list = append(list, identity{})
			out = &list[len(list)-1]
		}
	}
	for _, x := range l {
		text := string(x.ID)
		switch x.Type {
		case "1", "Name":
			next(out.name != "")
			out.name = text
		case "4", "SPN":
			out.app = text
		case "5", "UPN":
			out.upn = text
		case "0", "2", "Claim", "Other":
			if kind, id, ok := strings.Cut(text, "_"); ok && len(id) == len(zeroGUID) {
				next(out.kind != "" && out.id != id)
				out.kind, out.id = kind, id
			} else if out.id == "" && len(text) == len(zeroGUID) {
				out.id = text
			}
		}
	}
	return list
}

// m365Entra returns the members that make a record of the unified audit log about Entra
// ID one of Entra's own too, as diagnostic settings write it: of the audit log or the
// sign-in log, whose rules then judge it. It is nil for any other record.
func m365Entra(r *Record) []byte {
	record := r.Doc.Record()
	if !isAny(r.scalar(moWorkload), "AzureActiveDirectory") || len(record) > maxUnified {
		return nil
	}
	u := readUnified(record)
	if u.Operation == "" {
		return nil
	}
	var members map[string]any
	switch {
	case u.RecordType == "15", u.RecordType == "9", strings.HasPrefix(string(u.RecordType), "AzureActiveDirectory") && strings.HasSuffix(string(u.RecordType), "Logon"),
		u.Operation == "UserLoggedIn", u.Operation == "UserLoginFailed":
		members = u.signIn()
	default:
		members = u.audit()
	}
	text := plainJSON(members)
	if len(text) < 2 {
		return nil
	}
	return text[1 : len(text)-1]
}

func (u *unified) audit() map[string]any {
	operation := strings.TrimSuffix(string(u.Operation), ".")
	by := map[string]any{}
	actor, identities := u.Actor.identity(), u.Target.identities()
	target := identities[0]
	ip := string(u.ActorIPAddress)
	if ip == "" {
		ip = string(u.ClientIP)
	}
	if actor.upn != "" || actor.kind == "User" || strings.Contains(string(u.UserID), "@") {
		if actor.upn == "" {
			actor.upn = string(u.UserID)
		}
		by["user"] = filled("id", actor.id, "userPrincipalName", actor.upn, "displayName", actor.name, "ipAddress", ip)
	} else {
		by["app"] = filled("servicePrincipalId", actor.id, "displayName", actor.name, "appId", actor.app)
	}
	to := target.members()
	modified := make([]any, 0, len(u.ModifiedProperties))
	for _, m := range u.ModifiedProperties {
		modified = append(modified, map[string]any{"displayName": string(m.Name), "oldValue": modifiedText(m.OldValue), "newValue": modifiedText(m.NewValue)})
	}
	to["modifiedProperties"] = modified
	targets := []any{to}
	for _, x := range identities[1:] {
		targets = append(targets, x.members())
	}
	for _, m := range u.ModifiedProperties { // the other end of a relation is no target here
		switch kind, what, _ := strings.Cut(string(m.Name), "."); kind {
		case "Role", "Group", "Application", "ServicePrincipal", "User":
			id := strings.Trim(string(m.NewValue), `"`)
			if id == "" {
				id = strings.Trim(string(m.OldValue), `"`) // it was taken away
			}
			if what == "ObjectID" && id != "" && id != target.id {
				targets = append(targets, map[string]any{"id": id, "type": kind, "modifiedProperties": []any{}})
			}
		}
	}
	details := []any{}
	var said map[string]unifiedText
	if json.Unmarshal([]byte(u.ExtendedProperties.value("additionalDetails")), &said) == nil {
		for key, value := range said {
			details = append(details, map[string]any{"key": key, "value": string(value)})
		}
	}
	reason := ""
	for _, m := range u.ModifiedProperties {
		if m.Name == "MethodExecutionResult." {
			reason = string(m.NewValue)
		}
	}
	properties := filledAny("activityDisplayName", operation, "result", strings.ToLower(string(u.ResultStatus)), "resultReason", reason,
		"correlationId", string(u.InterSystemsID))
	properties["initiatedBy"], properties["targetResources"], properties["additionalDetails"] = by, targets, details
	return filledAny("operationName", operation, "category", "AuditLogs", "callerIpAddress", ip, "properties", properties)
}

func (i identity) members() map[string]any {
	return filledAny("id", i.id, "type", i.kind, "displayName", i.name, "userPrincipalName", i.upn)
}

// modifiedText is a value as Entra's own log writes it: JSON inside a string.
func modifiedText(v unifiedText) string {
	var b bytes.Buffer
	if text := strings.TrimSpace(string(v)); text != "" && (text[0] == '[' || text[0] == '{') && json.Compact(&b, []byte(text)) == nil {
		return b.String()
	}
	return string(plainJSON(string(v)))
}

// plainJSON is v as JSON in which <, > and & stand as they are, nil where it has no JSON.
func plainJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// signInErrors are the codes of the words that older records have in their place.
var signInErrors = map[string]string{
	"InvalidUserNameOrPassword": "50126", "UserAccountNotFound": "50034", "IdsLocked": "50053", "UserDisabled": "50057",
	"UserStrongAuthClientAuthNRequired": "50074", "UserStrongAuthClientAuthNRequiredInterrupt": "50074",
	"UserStrongAuthEnrollmentRequired": "50072", "InvalidPasswordExpiredPassword": "50055", "BlockedByConditionalAccess": "53003",
	"AuthenticationFailedSasError": "500121",
}

func (u *unified) signIn() map[string]any {
	code := string(u.ErrorNumber)
	if code == "" {
		code = signInErrors[string(u.LogonError)]
	}
	if code == "" && u.Operation == "UserLoggedIn" {
		code = "0"
	}
	user, ip := string(u.UserID), string(u.ActorIPAddress)
	if ip == "" {
		ip = string(u.ClientIP)
	}
	if !strings.Contains(user, "@") {
		user = u.Actor.identity().upn
	}
	properties := filledAny("userPrincipalName", user, "userId", u.Actor.identity().id, "ipAddress", ip,
		"appId", string(u.ApplicationID), "resourceId", string(u.ObjectID), "correlationId", string(u.InterSystemsID),
		"userAgent", u.ExtendedProperties.value("UserAgent"))
	properties["status"] = filled("errorCode", code, "failureReason", string(u.LogonError))
	properties["deviceDetail"] = filled("operatingSystem", u.DeviceProperties.value("OS"), "browser", u.DeviceProperties.value("BrowserType"),
		"displayName", u.DeviceProperties.value("DisplayName"))
	return filledAny("operationName", "Sign-in activity", "category", "SignInLogs", "callerIpAddress", ip, "resultType", code, "properties", properties)
}

// filled makes an object of names and texts, without those that are empty.
func filled(pairs ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out[pairs[i]] = pairs[i+1]
		}
	}
	return out
}

// filledAny is filled with values of any kind.
func filledAny(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok && pairs[i+1] != "" {
			out[name] = pairs[i+1]
		}
	}
	return out
}
