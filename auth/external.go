package auth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
)

// SignInExternal lets somebody in for whom an identity provider vouches. A user that is not
// there yet is made; bindings come from the groups each time anew, unless an admin has pinned
// them. The assertion is taken once, in the transaction that makes the session. Every refusal
// is a line of the audit trail.
func (g *Gate) SignInExternal(ctx context.Context, w http.ResponseWriter, r *http.Request, a Assertion) error {
	err := g.CheckNetwork(r)
	if err == nil {
		err = g.checkSecure(r)
	}
	if err == nil {
		err = g.external(ctx, w, r, a)
	}
	if ref := asRefusal(err); ref != nil {
		g.refuse(ctx, g.From(r), yagura.Audit{What: "sign_in", On: "provider/" + cut(a.Via, 64), Detail: ref.Problem() + ": " + cut(a.Name, 200)})
		if ref.Reason == "no_role" {
			g.unseat(ctx, a)
		}
	}
	return err
}

func (g *Gate) external(ctx context.Context, w http.ResponseWriter, r *http.Request, a Assertion) error {
	p, ok := g.providers[a.Via]
	name, display, err := checkNames(a.Name, cut(strings.Map(printable, a.Display), 200))
	switch {
	case !ok || a.Via == viaLocal:
		return refuseForbidden("not_configured", "there is no such identity provider", "その ID プロバイダーは設定されていません")
	case a.Subject == "" || len(a.Subject) > 1024:
		return refuseForbidden("identity_refused", "the identity provider does not say who this is", "ID プロバイダーの応答に利用者の識別子がありません")
	case len(a.Groups) > MostGroups || slices.ContainsFunc(a.Groups, func(name string) bool { return name == "" || len(name) > MostAsserted }):
		return refuseForbidden("identity_refused", fmt.Sprintf("the identity provider gives %d groups, or one that is empty or too long; there may be %d", len(a.Groups), MostGroups),
			fmt.Sprintf("ID プロバイダーの応答に %d 件のグループがあるか、空または長すぎるグループがあります。グループは %d 件までです", len(a.Groups), MostGroups))
	case err != nil:
		return refuseForbidden("identity_refused", "the identity provider gives a name that cannot be one", "ID プロバイダーの応答の名前が使えません")
	}
	groups := tidyGroups(a.Groups)
	bindings := p.bindings(a)
	fresh := true
	_, err = g.enter(ctx, w, r, func(ctx context.Context, tx Tx) (*yagura.User, error) {
		if a.ID != "" {
			if fresh, err = tx.TakeOnce(ctx, "assertion "+a.Via, a.ID, a.Until.UTC()); err != nil {
				return nil, err
			}
			if !fresh {
				return nil, refuseForbidden("flow_used", "this sign-in was used already; begin anew", "このサインインはすでに使われています。もう一度やり直してください")
			}
		}
		u, err := tx.UserBySubject(ctx, a.Via, a.Subject, yagura.LockChange)
		if err != nil {
			return nil, err
		}
		other, err := tx.UserByName(ctx, name, yagura.LockNone)
		if err != nil {
			return nil, err
		}
		now := g.o.Now().UTC()
		detail := "by " + a.Via
		switch {
		case u == nil && other != nil, u != nil && other != nil && other.ID != u.ID:
			// A provider cannot take over who is known by another way.
			return nil, refuseForbidden("name_taken", "there is another user of this name; an admin can rename or remove it", "同じ名前の別の利用者がいます。管理者に連絡してください")
		case u == nil:
			if len(bindings) == 0 {
				return nil, refuseRole()
			}
			id, err := g.newID(now)
			if err != nil {
				return nil, err
			}
			u = &yagura.User{ID: id, Via: a.Via, Subject: a.Subject, Created: now}
			detail += "; the user is new"
		case u.Disabled:
			return nil, refuseForbidden("disabled", "this user is disabled; an admin can change that", "この利用者は無効化されています。管理者に連絡してください")
		}
		if !u.Pinned {
			if len(bindings) == 0 {
				return nil, refuseRole()
			}
			if u.Version > 0 && !sameBindings(u.Bindings, bindings) {
				detail += "; the groups give other roles: " + describe(bindings)
			}
			u.Bindings = bindings
		}
		u.Name, u.Email, u.Groups = name, cut(a.Email, 320), groups
		if u.Display == "" || a.Display != "" {
			u.Display = display
		}
		u.Version++
		if a.Method != "" {
			detail += "; method " + a.Method
		}
		return u, g.audit(ctx, tx, yagura.Audit{Who: "user:" + name, What: "sign_in", On: "user/" + u.ID, Outcome: done, From: g.From(r), Detail: detail})
	})
	return err
}

// unseat ends what somebody still has whom the provider puts in no group any more.
func (g *Gate) unseat(ctx context.Context, a Assertion) {
	err := g.o.Store.Update(context.WithoutCancel(ctx), func(ctx context.Context, tx Tx) error {
		u, err := tx.UserBySubject(ctx, a.Via, a.Subject, yagura.LockChange)
		if err != nil || u == nil || u.Pinned {
			return err
		}
		if _, err := tx.EndSessions(ctx, u.ID, ""); err != nil || len(u.Bindings) == 0 {
			return err
		}
		u.Bindings = []yagura.Binding{}
		u.Version++
		if err := tx.PutUser(ctx, u); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: "provider:" + a.Via, What: "user.change", On: "user/" + u.ID, Outcome: done, Detail: "no group gives a role any more"})
	})
	if err != nil {
		g.o.Logger.Error("the sessions of a user without a role could not be ended", "error", err)
	}
}

func refuseRole() *Refusal {
	return refuseForbidden("no_role", "none of your groups has a role here; an admin can map one in the configuration", "所属グループに割り当てられたロールがありません。管理者に連絡してください")
}

// bindings are what the mappings give. A group counts by its exact name.
func (p *Provider) bindings(a Assertion) []yagura.Binding {
	var out []yagura.Binding
	for _, m := range p.Roles {
		fits := m.Group == "*" || m.Group != "" && slices.Contains(a.Groups, m.Group)
		if m.Email != "" && a.EmailVerified {
			fits = fits || emailFits(m.Email, a.Email)
		}
		if fits && !slices.ContainsFunc(out, func(b yagura.Binding) bool { return covers(b, m.Binding) }) {
			out = append(out, m.Binding)
		}
	}
	return out
}

func emailFits(pattern, email string) bool {
	pattern, email = strings.ToLower(pattern), strings.ToLower(email)
	if domain, ok := strings.CutPrefix(pattern, "*@"); ok {
		at := strings.LastIndexByte(email, '@')
		return at > 0 && email[at+1:] == domain
	}
	return email == pattern
}

// tidyGroups returns groups as they are kept of a user: in order, each once.
func tidyGroups(in []string) []string {
	out := make([]string, len(in))
	for i, name := range in {
		out[i] = strings.Map(printable, strings.ToValidUTF8(name, "\uFFFD"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return -1
	}
	return r
}
