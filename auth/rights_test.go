package auth

import (
	"testing"

	"github.com/yagura-sec/yagura"
)

// TestCovers: which binding gives all that another gives. What only the registry knows counts
// for nothing.
func TestCovers(t *testing.T) {
	scope := func(tenants, accounts, formats []string) yagura.Scope {
		return yagura.Scope{Tenants: tenants, Accounts: accounts, Formats: formats}
	}
	a, ab, f := []string{"a"}, []string{"a", "b"}, []string{"aws.cloudtrail"}
	everywhere := yagura.Scope{}
	for i, c := range []struct {
		outer, inner yagura.Binding
		want         bool
	}{
		{yagura.Binding{Role: "admin"}, yagura.Binding{Role: "admin"}, true},
		{yagura.Binding{Role: "admin"}, yagura.Binding{Role: "viewer", Scope: scope(a, ab, f)}, true},
		{yagura.Binding{Role: "viewer"}, yagura.Binding{Role: "analyst"}, false},
		{yagura.Binding{Role: "responder"}, yagura.Binding{Role: "analyst"}, true},
		{yagura.Binding{Role: "admin", Scope: scope(nil, ab, nil)}, yagura.Binding{Role: "admin", Scope: scope(nil, a, nil)}, true},
		{yagura.Binding{Role: "admin", Scope: scope(nil, a, nil)}, yagura.Binding{Role: "admin", Scope: scope(nil, ab, nil)}, false},
		{yagura.Binding{Role: "admin", Scope: scope(nil, a, nil)}, yagura.Binding{Role: "admin", Scope: everywhere}, false},
		{yagura.Binding{Role: "admin", Scope: scope(a, nil, nil)}, yagura.Binding{Role: "viewer", Scope: scope(nil, a, nil)}, false},
		{yagura.Binding{Role: "admin", Scope: scope(a, nil, nil)}, yagura.Binding{Role: "viewer", Scope: scope(nil, nil, f)}, false},
		{yagura.Binding{Role: "admin", Scope: scope(nil, nil, f)}, yagura.Binding{Role: "viewer", Scope: scope(nil, a, nil)}, false},
		{yagura.Binding{Role: "admin", Scope: scope(nil, nil, f)}, yagura.Binding{Role: "viewer", Scope: scope(nil, a, f)}, true},
		{yagura.Binding{Role: "admin", Scope: scope(a, ab, f)}, yagura.Binding{Role: "viewer", Scope: scope(a, a, f)}, true},
	} {
		if got := covers(c.outer, c.inner); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
		if got := withinBindings([]yagura.Binding{c.inner}, []yagura.Binding{c.outer}); got != c.want {
			t.Errorf("%d: within %v", i, got)
		}
		// What is covered can do nothing that the other cannot, anywhere.
		for _, p := range yagura.RoleAdmin.Permissions() {
			for _, tenant := range []string{"", "a", "b", "c"} {
				for _, account := range []string{"", "a", "b", "c"} {
					for _, format := range []string{"aws.cloudtrail", "gcp.audit"} {
						can := func(b yagura.Binding) bool { return b.Role.Permits(p) && b.Scope.Holds(tenant, account, format) }
						if c.want && can(c.inner) && !can(c.outer) {
							t.Errorf("%d: %s of %q %q %s is beyond", i, p, tenant, account, format)
						}
					}
				}
			}
		}
	}
	if !withinBindings(nil, nil) || withinBindings([]yagura.Binding{{Role: "viewer"}}, nil) {
		t.Error("nothing")
	}
	if err := checkBindings([]yagura.Binding{{Role: "viewer", Scope: scope([]string{"a\x00"}, nil, nil)}}); err == nil {
		t.Error("a control character in a scope")
	}
}

// TestGrant: a grant beyond one's own rights is refused, whoever manages.
func TestGrant(t *testing.T) {
	g := gateAt(t, nil)
	part := &Identity{Bindings: []yagura.Binding{{Role: "admin", Scope: yagura.Scope{Accounts: []string{"a"}}}}}
	if manages(part) || manages(nil) || manages(&Identity{}) {
		t.Error("who is admin of a part manages users")
	}
	if g.checkGrant(part, []yagura.Binding{{Role: "viewer"}}) == nil {
		t.Error("wider")
	}
	if err := g.checkGrant(part, []yagura.Binding{{Role: "viewer", Scope: yagura.Scope{Accounts: []string{"a"}}}}); err != nil {
		t.Error(err)
	}
}
