package auth

import (
	"context"
	"strings"

	"github.com/yagura-sec/yagura"
)

// NewUser is what a local user is made of.
type NewUser struct {
	Name, Display, Email, Lang string
	Bindings                   []yagura.Binding
}

// AddUser makes a local user and the key of a link (…/setup#key=…) by which the user sets a
// password.
func (g *Gate) AddUser(ctx context.Context, by *Identity, n NewUser) (u *yagura.User, key string, err error) {
	if err := checkManages(by); err != nil {
		return nil, "", err
	}
	if !g.o.Local {
		return nil, "", refuseForbidden("local_off", "sign-in with a password is switched off: users come by the identity provider", "パスワードでのサインインは無効です。利用者は ID プロバイダーから追加されます")
	}
	name, display, err := checkNames(n.Name, n.Display)
	if err != nil {
		return nil, "", err
	}
	if n.Email != "" && !goodText(n.Email, 320) {
		return nil, "", refuseInput("the e-mail address is too long, or has control characters", "メールアドレスが長すぎるか、制御文字を含んでいます")
	}
	if err := g.checkGrant(by, n.Bindings); err != nil {
		return nil, "", err
	}
	secret, err := g.secret()
	if err != nil {
		return nil, "", err
	}
	now := g.o.Now().UTC()
	id, err := g.newID(now)
	if err != nil {
		return nil, "", err
	}
	u = &yagura.User{ID: id, Name: name, Display: display, Email: strings.TrimSpace(n.Email), Lang: n.Lang, Via: viaLocal, Bindings: n.Bindings, Created: now, Version: 1}
	err = g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		other, err := tx.UserByName(ctx, name, yagura.LockNone)
		switch {
		case err != nil:
			return err
		case other != nil:
			return &Refusal{Code: codeConflict, Reason: "name_taken", Detail: "there is a user of this name", Ja: "同じ名前の利用者がいます"}
		}
		if err := tx.PutUser(ctx, u); err != nil {
			return err
		}
		if err := putSecrets(ctx, tx, id, secrets{Invite: &expires{hexSum(secret), now.Add(inviteAge)}}); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "user.add", On: "user/" + id, Outcome: done, From: by.From, Detail: name + ": " + describe(u.Bindings)})
	})
	if err != nil {
		return nil, "", err
	}
	return u, id + "." + secret, nil
}

// Invite makes the key of a link by which a local user sets a password anew. Setting it ends
// sessions and removes the second factor; until then nothing changes.
func (g *Gate) Invite(ctx context.Context, by *Identity, id string) (key string, err error) {
	if err := checkManages(by); err != nil {
		return "", err
	}
	secret, err := g.secret()
	if err != nil {
		return "", err
	}
	err = g.changeSecrets(ctx, id, nil, func(ctx context.Context, tx Tx, u *yagura.User, s *secrets) error {
		if u.Via != viaLocal {
			return refuseForbidden("external", "the identity provider keeps this user's password", "この利用者のパスワードは ID プロバイダーで管理されています")
		}
		if !withinBindings(u.Bindings, by.Bindings) {
			return refuseForbidden("wider", "this user may do more than you", "この利用者はあなたより広い権限を持っています")
		}
		s.Invite = &expires{hexSum(secret), g.o.Now().UTC().Add(inviteAge)}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "user.invite", On: "user/" + id, Outcome: done, From: by.From, Detail: u.Name})
	})
	return id + "." + secret, err
}

// checkGrant refuses bindings that cannot be, or give more than who gives them has.
func (g *Gate) checkGrant(by *Identity, list []yagura.Binding) error {
	if err := checkBindings(list); err != nil {
		return err
	}
	if !withinBindings(list, by.Bindings) {
		return refuseForbidden("wider", "nobody gives more rights than they have", "自分の権限を超える権限は与えられません")
	}
	return nil
}

// UserChange is what an admin changes of a user; nil leaves a thing as it is.
type UserChange struct {
	Version  int64 // as it was read; another one is refused as stale
	Name     *string
	Display  *string
	Email    *string
	Bindings *[]yagura.Binding
	Pinned   *bool // external users: the bindings are kept whatever the groups say
	Disabled *bool
}

// ChangeUser changes a user. Rights hold at once: the next request of a session sees them.
// Disabling ends the sessions.
func (g *Gate) ChangeUser(ctx context.Context, by *Identity, id string, c UserChange) (u *yagura.User, err error) {
	if err := checkManages(by); err != nil {
		return nil, err
	}
	if c.Bindings != nil {
		if err := g.checkGrant(by, *c.Bindings); err != nil {
			return nil, err
		}
	}
	err = g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		// All are held: of two admins who remove each other, the second sees the first.
		all, err := tx.Users(ctx, yagura.LockChange)
		if err != nil {
			return err
		}
		u = nil
		for i := range all {
			if all[i].ID == id {
				u = &all[i]
			}
		}
		if u == nil {
			return refuseMissing("user", "利用者")
		}
		if u.Version != c.Version {
			return &Refusal{Code: codeStale, Detail: "the user was changed meanwhile", Ja: "利用者は別の操作で変更されています"}
		}
		before := *u
		detail, err := g.change(u, c)
		if err != nil {
			return err
		}
		if err := g.checkChange(ctx, tx, by, all, &before, u); err != nil {
			return err
		}
		u.Version++
		if err := tx.PutUser(ctx, u); err != nil {
			return err
		}
		if u.Disabled && !before.Disabled {
			if _, err := tx.EndSessions(ctx, id, ""); err != nil {
				return err
			}
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "user.change", On: "user/" + id, Outcome: done, From: by.From, Detail: u.Name + ": " + strings.Join(detail, "; ")})
	})
	return u, err
}

// change applies a change and says it in words.
func (g *Gate) change(u *yagura.User, c UserChange) (detail []string, err error) {
	name, display := u.Name, u.Display
	if c.Name != nil {
		if u.Via != viaLocal {
			return nil, refuseForbidden("external", "the identity provider says what this user is called", "この利用者の名前は ID プロバイダーが決めます")
		}
		name = *c.Name
		detail = append(detail, "name")
	}
	if c.Display != nil {
		display = *c.Display
		detail = append(detail, "display name")
	}
	if u.Name, u.Display, err = checkNames(name, display); err != nil {
		return nil, err
	}
	if c.Email != nil {
		if !goodText(*c.Email, 320) {
			return nil, refuseInput("the e-mail address is too long, or has control characters", "メールアドレスが長すぎるか、制御文字を含んでいます")
		}
		u.Email = strings.TrimSpace(*c.Email)
		detail = append(detail, "e-mail address")
	}
	if c.Pinned != nil {
		if u.Via == viaLocal && *c.Pinned {
			return nil, refuseInput("only users of an identity provider are pinned", "固定できるのは ID プロバイダーの利用者だけです")
		}
		u.Pinned = *c.Pinned
		detail = append(detail, map[bool]string{true: "pinned", false: "not pinned"}[u.Pinned])
	}
	if c.Bindings != nil {
		if u.Via != viaLocal && !u.Pinned {
			return nil, refuseInput("the groups of this user give the roles; pin the user to give others", "この利用者のロールはグループで決まります。変更するには固定してください")
		}
		u.Bindings = *c.Bindings
		detail = append(detail, describe(u.Bindings))
	}
	if c.Disabled != nil {
		u.Disabled = *c.Disabled
		detail = append(detail, map[bool]string{true: "disabled", false: "enabled"}[u.Disabled])
	}
	return detail, nil
}

// checkChange keeps the rules that are about more than one user. after is nil where the user is
// removed.
func (g *Gate) checkChange(ctx context.Context, tx Tx, by *Identity, all []yagura.User, before, after *yagura.User) error {
	if !withinBindings(before.Bindings, by.Bindings) {
		return refuseForbidden("wider", "this user may do more than you", "この利用者はあなたより広い権限を持っています")
	}
	if by.User != nil && by.User.ID == before.ID {
		switch {
		case after == nil || after.Disabled:
			return refuseForbidden("own", "nobody removes or disables themselves; another admin can", "自分自身の削除や無効化はできません")
		case !withinBindings(after.Bindings, before.Bindings):
			return refuseForbidden("own", "nobody widens their own rights", "自分の権限を広げることはできません")
		}
	}
	if after != nil && after.Name != before.Name {
		other, err := tx.UserByName(ctx, after.Name, yagura.LockNone)
		if err != nil {
			return err
		}
		if other != nil && other.ID != before.ID {
			return &Refusal{Code: codeConflict, Reason: "name_taken", Detail: "there is a user of this name", Ja: "同じ名前の利用者がいます"}
		}
	}
	if !g.admin(before) || after != nil && g.admin(after) {
		return nil
	}
	for i := range all {
		if all[i].ID != before.ID && g.admin(&all[i]) {
			return nil
		}
	}
	return &Refusal{Code: codeConflict, Reason: "last_admin", Detail: "this is the last admin: make another one first", Ja: "最後の管理者です。先に別の管理者を作成してください"}
}

// admin reports whether a user can sign in and manage.
func (g *Gate) admin(u *yagura.User) bool {
	return !u.Disabled && g.live(u.Via) && manages(&Identity{Bindings: u.Bindings})
}

// RemoveUser removes a user, with sessions. What the user did stays in timelines and trail.
func (g *Gate) RemoveUser(ctx context.Context, by *Identity, id string) error {
	if err := checkManages(by); err != nil {
		return err
	}
	return g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		all, err := tx.Users(ctx, yagura.LockChange)
		if err != nil {
			return err
		}
		for i := range all {
			if u := &all[i]; u.ID == id {
				if err := g.checkChange(ctx, tx, by, all, u, nil); err != nil {
					return err
				}
				if err := tx.DropUser(ctx, id); err != nil {
					return err
				}
				return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "user.remove", On: "user/" + id, Outcome: done, From: by.From, Detail: u.Name})
			}
		}
		return refuseMissing("user", "利用者")
	})
}
