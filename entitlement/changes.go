package entitlement

import (
	"encoding/json"
	"slices"
	"strings"
)

// Property is one property that a record of Entra ID says was modified, with its values
// as they are written: most are JSON inside a string.
type Property struct{ Name, Old, New string }

// Bounds of what is read of one record.
const (
	maxValue       = 1 << 20
	maxPermissions = 2000
)

// Added returns the permissions that the modified properties of a record add, each
// once: what an application asks for now and did not before (RequiredResourceAccess),
// and what was granted (app roles, delegated scopes, consents). What stands in the old
// value too was there before.
func Added(properties []Property) []Permission {
	var list []Permission
	add := func(p Permission) {
		if p.Name != "" && len(list) < maxPermissions && !slices.ContainsFunc(list, func(q Permission) bool {
			return q.Name == p.Name && q.Kind == p.Kind && (q.Resource == p.Resource || q.Resource == "" || p.Resource == "")
		}) {
			list = append(list, p)
		}
	}
	role, roleID := "", ""
	for _, p := range properties {
		if len(p.New) > maxValue || len(p.Old) > maxValue {
			continue
		}
		switch p.Name {
		case "RequiredResourceAccess":
			before := requested(p.Old)
			for _, x := range requested(p.New) {
				if !slices.Contains(before, x) {
					add(x)
				}
			}
		case "AppRole.Value":
			role = plain(p.New)
		case "AppRole.Id":
			roleID = plain(p.New)
		case "DelegatedPermissionGrant.Scope":
			before := strings.Fields(plain(p.Old))
			for s := range strings.FieldsSeq(plain(p.New)) {
				if !slices.Contains(before, s) {
					add(Named(s, Delegated))
				}
			}
		case "ConsentAction.Permissions":
			old, now, ok := strings.Cut(plain(p.New), "=>")
			if !ok {
				old, now = "", old
			}
			before := consents(old)
			for _, g := range consents(now) {
				if !slices.Contains(before, g) {
					add(Named(g.scope, Delegated))
				}
			}
		}
	}
	switch byID := Lookup(roleID, Application); {
	case byID.Risk != Unknown:
		add(byID)
	case role != "":
		p := Named(role, Application)
		p.ID = roleID
		add(p)
	case roleID != "" && roleID != "00000000-0000-0000-0000-000000000000": // that is access without a role
		add(byID)
	}
	return list
}

// Scopes returns the permissions of a list of names with blanks between them, as tokens
// carry them.
func Scopes(names, kind string) (list []Permission) {
	if len(names) > maxValue {
		return nil
	}
	for name := range strings.FieldsSeq(names) {
		if len(list) < maxPermissions {
			list = append(list, Named(name, kind))
		}
	}
	return list
}

// requested reads what an application asks for.
func requested(value string) (list []Permission) {
	var resources []struct {
		ResourceAppID          string `json:"ResourceAppId"`
		RequiredAppPermissions []struct {
			EntitlementID     string `json:"EntitlementId"`
			DirectAccessGrant bool
		}
		ResourceAccess []struct{ ID, Type string } // as the manifest has it
	}
	if json.Unmarshal([]byte(plain(value)), &resources) != nil {
		return nil
	}
	add := func(resource, id, kind string) {
		if id == "" || len(list) >= maxPermissions {
			return
		}
		p := Lookup(id, kind)
		if p.Resource == "" {
			p.Resource = App(resource)
		}
		list = append(list, p)
	}
	for _, r := range resources {
		for _, p := range r.RequiredAppPermissions {
			kind := Delegated
			if p.DirectAccessGrant {
				kind = Application
			}
			add(r.ResourceAppID, p.EntitlementID, kind)
		}
		for _, p := range r.ResourceAccess {
			kind := Delegated
			if strings.EqualFold(p.Type, "Role") {
				kind = Application
			}
			add(r.ResourceAppID, p.ID, kind)
		}
	}
	return list
}

// grant is a scope that was consented to, for whom and of what.
type grant struct{ principal, resource, scope string }

// consents reads the grants of one side of ConsentAction.Permissions:
// "[[Id: …, PrincipalId: …, ResourceId: …, ConsentType: …, Scope: a b, …]]".
func consents(text string) (list []grant) {
	for i, part := range strings.Split(text, "[Id:") {
		if i == 0 {
			continue
		}
		g := grant{principal: member(part, "PrincipalId:"), resource: member(part, "ResourceId:")}
		for scope := range strings.FieldsSeq(member(part, "Scope:")) {
			if len(list) < maxPermissions {
				g.scope = scope
				list = append(list, g)
			}
		}
	}
	return list
}

// member returns what stands behind a name, up to a comma or bracket.
func member(text, name string) string {
	_, rest, _ := strings.Cut(text, name)
	if i := strings.IndexAny(rest, ",]"); i >= 0 {
		rest = rest[:i]
	}
	return strings.TrimSpace(rest)
}

// plain resolves the quotes of JSON inside a string, and a list of one.
func plain(value string) string {
	v := strings.TrimSpace(value)
	for range 2 {
		var s string
		var one []string
		switch {
		case strings.HasPrefix(v, `"`) && json.Unmarshal([]byte(v), &s) == nil:
			v = strings.TrimSpace(s)
		case strings.HasPrefix(v, `[`) && json.Unmarshal([]byte(v), &one) == nil && len(one) == 1:
			v = strings.TrimSpace(one[0])
		}
	}
	return v
}
