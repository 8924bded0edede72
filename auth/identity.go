package auth

import (
	"slices"

	"github.com/yagura-sec/yagura"
)

// Identity is who asks.
type Identity struct {
	// Who is the name in timelines and the audit trail: "user:mary@example.com", "token:ci",
	// "cli:root".
	Who string
	// User is set for people, with Session; Token for machines. A command line beside the
	// store has neither, and may do everything.
	User     *yagura.User
	Session  *yagura.Session
	Token    *yagura.Token
	Bindings []yagura.Binding
	// CSRF is what the writes of a session carry in X-CSRF-Token; "" where none is needed.
	CSRF string
	// From is the address that the request came from, behind trusted gateways.
	From string
}

// Can reports whether an identity may do something somewhere.
func (i *Identity) Can(p yagura.Permission) bool {
	return slices.ContainsFunc(i.Bindings, func(b yagura.Binding) bool { return b.Role.Permits(p) })
}

// Permissions returns what an identity may do somewhere.
func (i *Identity) Permissions() []yagura.Permission {
	var out []yagura.Permission
	for _, p := range yagura.RoleAdmin.Permissions() {
		if i.Can(p) {
			out = append(out, p)
		}
	}
	return out
}

// Scopes returns where an identity may do something: within any of the scopes, or everywhere.
// No scope and not all is nowhere.
func (i *Identity) Scopes(p yagura.Permission) (scopes []yagura.Scope, all bool) {
	for _, b := range i.Bindings {
		switch {
		case !b.Role.Permits(p):
		case b.Scope.All():
			return nil, true
		default:
			scopes = append(scopes, b.Scope)
		}
	}
	return scopes, false
}
