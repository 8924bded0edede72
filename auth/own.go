package auth

import (
	"context"
	"net/http"

	"github.com/yagura-sec/yagura"
)

// itself returns the user of an identity that signed in with a password.
func itself(by *Identity) (*yagura.User, error) {
	if by == nil || by.User == nil || by.Session == nil {
		return nil, refuseForbidden("", "only people who are signed in may do that", "サインインしている利用者だけが行えます")
	}
	if by.User.Via != viaLocal {
		return nil, refuseForbidden("external", "your identity provider keeps password and second factor", "パスワードと二要素認証は ID プロバイダーで管理されています")
	}
	return by.User, nil
}

// prove checks the password of who is signed in, once more, and returns what was read.
func (g *Gate) prove(ctx context.Context, r *http.Request, by *Identity, password string) (*yagura.User, []byte, error) {
	u, err := itself(by)
	if err != nil {
		return nil, nil, err
	}
	own := counted{"prove " + u.ID, pacePair}
	if wait := g.waits.try(own); wait > 0 {
		return nil, nil, refuseWait(wait)
	}
	var body []byte
	err = g.o.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) { body, err = tx.UserSecrets(ctx, u.ID); return err })
	if err != nil {
		return nil, nil, err
	}
	sec, err := readSecrets(body)
	if err != nil {
		return nil, nil, err
	}
	fits, _, err := g.hash.verify(ctx, sec.Password, password)
	if err != nil {
		return nil, nil, err
	}
	if !fits {
		g.refuse(ctx, g.From(r), yagura.Audit{Who: by.Who, What: "user.prove", On: "user/" + u.ID, Detail: "the password is not right"})
		return nil, nil, refuseInput("the password is not right", "パスワードが正しくありません")
	}
	g.waits.good([]counted{own}, nil)
	return u, body, nil
}

// changeSecrets changes what proves a user, if it still is as it was read (nil: whatever it is).
func (g *Gate) changeSecrets(ctx context.Context, id string, was []byte, change func(ctx context.Context, tx Tx, u *yagura.User, s *secrets) error) error {
	return g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		u, err := tx.User(ctx, id, yagura.LockChange)
		if err != nil {
			return err
		}
		if u == nil {
			return refuseMissing("user", "利用者")
		}
		body, err := tx.UserSecrets(ctx, id)
		if err != nil {
			return err
		}
		if was != nil && string(was) != string(body) {
			return &Refusal{Code: codeConflict, Detail: "something else changed it meanwhile; try again", Ja: "同時に別の変更が行われました。もう一度お試しください"}
		}
		s, err := readSecrets(body)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, u, &s); err != nil {
			return err
		}
		return putSecrets(ctx, tx, id, s)
	})
}

// ChangePassword sets one's own password, and ends one's other sessions. The browsers that were
// remembered are forgotten.
func (g *Gate) ChangePassword(ctx context.Context, r *http.Request, by *Identity, old, password string) error {
	u, was, err := g.prove(ctx, r, by, old)
	if err != nil {
		return err
	}
	if err := checkPassword(password, u.Name, u.Display, u.Email); err != nil {
		return err
	}
	if string(passwordBytes(old)) == string(passwordBytes(password)) {
		return refuseInput("the new password is the old one", "新しいパスワードが今のものと同じです")
	}
	phc, err := g.hash.hash(ctx, password)
	if err != nil {
		return err
	}
	return g.changeSecrets(ctx, u.ID, was, func(ctx context.Context, tx Tx, u *yagura.User, s *secrets) error {
		s.Password, s.Devices, s.Invite = phc, nil, nil
		if _, err := tx.EndSessions(ctx, u.ID, by.Session.ID); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "user.password", On: "user/" + u.ID, Outcome: done, From: by.From})
	})
}

// StartTOTP makes a second factor that is not asked for until its first code has come.
func (g *Gate) StartTOTP(ctx context.Context, by *Identity) (secret, uri string, err error) {
	u, err := itself(by)
	if err != nil {
		return "", "", err
	}
	b, err := g.random(totpSecret)
	if err != nil {
		return "", "", err
	}
	err = g.changeSecrets(ctx, u.ID, nil, func(_ context.Context, _ Tx, _ *yagura.User, s *secrets) error {
		if len(s.TOTP) > 0 {
			return &Refusal{Code: codeConflict, Detail: "there is a second factor already; remove it first", Ja: "二要素認証はすでに設定されています。先に解除してください"}
		}
		s.Pending = b
		return nil
	})
	if err != nil {
		return "", "", err
	}
	return base32Text.EncodeToString(b), totpURI("Yagura", u.Name, b), nil
}

// ConfirmTOTP turns the second factor on with its first code, ends one's other sessions, and
// returns recovery codes, which are shown once.
func (g *Gate) ConfirmTOTP(ctx context.Context, by *Identity, code string) (recovery []string, err error) {
	u, err := itself(by)
	if err != nil {
		return nil, err
	}
	own := counted{"confirm " + u.ID, pacePair}
	if wait := g.waits.try(own); wait > 0 {
		return nil, refuseWait(wait)
	}
	sums := make([]string, 10)
	recovery = make([]string, len(sums))
	for i := range sums {
		b, err := g.random(10)
		if err != nil {
			return nil, err
		}
		recovery[i] = recoveryCode([10]byte(b))
		sums[i] = hexSum(plainRecovery(recovery[i]))
	}
	now := g.o.Now()
	err = g.changeSecrets(ctx, u.ID, nil, func(ctx context.Context, tx Tx, u *yagura.User, s *secrets) error {
		step, ok := totpStep(s.Pending, code, now)
		if len(s.Pending) == 0 || !ok {
			return refuseInput("the code is not right (hint: the clocks of this server and of the device must agree)", "コードが正しくありません。サーバーと端末の時刻が合っているか確認してください")
		}
		// The code that was shown here is of no use for a sign-in.
		if _, err := tx.TakeOnce(ctx, "totp", onceTOTP(u.ID, step), now.Add(4*totpPeriod).UTC()); err != nil {
			return err
		}
		s.TOTP, s.Pending, s.Recovery = s.Pending, nil, sums
		u.TOTP = true
		u.Version++
		if err := tx.PutUser(ctx, u); err != nil {
			return err
		}
		if _, err := tx.EndSessions(ctx, u.ID, by.Session.ID); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "user.totp_on", On: "user/" + u.ID, Outcome: done, From: by.From})
	})
	if err != nil {
		return nil, err
	}
	g.waits.good([]counted{own}, nil)
	return recovery, nil
}

// RemoveTOTP turns one's own second factor off; the password is asked once more.
func (g *Gate) RemoveTOTP(ctx context.Context, r *http.Request, by *Identity, password string) error {
	u, was, err := g.prove(ctx, r, by, password)
	if err != nil {
		return err
	}
	return g.changeSecrets(ctx, u.ID, was, func(ctx context.Context, tx Tx, u *yagura.User, s *secrets) error {
		s.TOTP, s.Pending, s.Recovery = nil, nil, nil
		u.TOTP = false
		u.Version++
		if err := tx.PutUser(ctx, u); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "user.totp_off", On: "user/" + u.ID, Outcome: done, From: by.From})
	})
}

// Preferences are what people choose for themselves; nil leaves a thing as it is.
type Preferences struct{ Display, Lang, Zone, Theme *string }

// Prefer changes one's own preferences. api has checked the words.
func (g *Gate) Prefer(ctx context.Context, by *Identity, p Preferences) (u *yagura.User, err error) {
	if by == nil || by.User == nil {
		return nil, refuseForbidden("", "only people have preferences", "設定を持つのは利用者だけです")
	}
	if p.Display != nil && (*p.Display == "" || !goodText(*p.Display, 200)) {
		return nil, refuseInput("the display name is empty, too long, or has control characters", "表示名が空か、長すぎるか、制御文字を含んでいます")
	}
	err = g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		if u, err = tx.User(ctx, by.User.ID, yagura.LockChange); err != nil {
			return err
		}
		if u == nil {
			return refuseMissing("user", "利用者")
		}
		for _, f := range []struct {
			to   *string
			from *string
		}{{&u.Display, p.Display}, {&u.Lang, p.Lang}, {&u.Zone, p.Zone}, {&u.Theme, p.Theme}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		u.Version++
		return tx.PutUser(ctx, u)
	})
	return u, err
}
