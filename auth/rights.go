package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
)

// manages reports whether an identity may manage users and tokens. Who manages does so
// everywhere: a user has no place.
func manages(by *Identity) bool {
	if by == nil {
		return false
	}
	_, all := by.Scopes(yagura.PermitManage)
	return all
}

func checkManages(by *Identity) error {
	if manages(by) {
		return nil
	}
	return refuseForbidden("", "only an admin without a scope may do that", "スコープのない管理者だけが行えます")
}

// covers reports whether one binding gives all that another gives.
func covers(b, other yagura.Binding) bool {
	for _, p := range other.Role.Permissions() {
		if !b.Role.Permits(p) {
			return false
		}
	}
	return inside(other.Scope, b.Scope)
}

// inside reports whether a scope is within another, by what it says: that an account belongs to
// an organisation is for the registry to know, and may change.
func inside(s, outer yagura.Scope) bool {
	subset := func(of, list []string) bool {
		return !slices.ContainsFunc(of, func(x string) bool { return !slices.Contains(list, x) })
	}
	if len(outer.Formats) > 0 && (len(s.Formats) == 0 || !subset(s.Formats, outer.Formats)) {
		return false
	}
	if len(outer.Tenants)+len(outer.Accounts) == 0 {
		return true
	}
	return len(s.Tenants)+len(s.Accounts) > 0 && subset(s.Tenants, outer.Tenants) && subset(s.Accounts, outer.Accounts)
}

// within reports whether bindings give no more than others.
func withinBindings(list, outer []yagura.Binding) bool {
	return !slices.ContainsFunc(list, func(b yagura.Binding) bool {
		return !slices.ContainsFunc(outer, func(o yagura.Binding) bool { return covers(o, b) })
	})
}

func sameBindings(a, b []yagura.Binding) bool {
	return len(a) == len(b) && withinBindings(a, b) && withinBindings(b, a)
}

// maxBindings and maxScope bound what one user or token has.
const (
	maxBindings = 100
	maxScope    = 1000
)

// checkBindings refuses bindings that cannot be.
func checkBindings(list []yagura.Binding) error {
	if len(list) > maxBindings {
		return refuseInput(fmt.Sprintf("there are more than %d bindings", maxBindings), fmt.Sprintf("ロールの割り当ては %d 件までです", maxBindings))
	}
	for _, b := range list {
		if _, err := yagura.ParseRole(string(b.Role)); err != nil {
			return refuseInput(err.Error(), "ロールは viewer、analyst、responder、admin のいずれかです")
		}
		all := slices.Concat(b.Scope.Tenants, b.Scope.Accounts, b.Scope.Formats)
		if len(all) > maxScope || slices.ContainsFunc(all, func(s string) bool { return s == "" || !goodText(s, 256) }) {
			return refuseInput("a scope names organisations, accounts and formats; one of these is empty, too long, or there are too many", "スコープの値が空か、長すぎるか、多すぎます")
		}
	}
	return nil
}

// describe says bindings in one line.
func describe(list []yagura.Binding) string {
	if len(list) == 0 {
		return "no role"
	}
	parts := make([]string, len(list))
	for i, b := range list {
		parts[i] = string(b.Role)
		if !b.Scope.All() {
			parts[i] += " of " + strings.Join(slices.Concat(b.Scope.Tenants, b.Scope.Accounts, b.Scope.Formats), " ")
		}
	}
	return strings.Join(parts, ", ")
}

func asRefusal(err error) *Refusal {
	var r *Refusal
	errors.As(err, &r)
	return r
}
