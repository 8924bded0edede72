package auth

import (
	"context"
	"hash/crc32"
	"net/http"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// The text of a token is the prefix, the token's id, the secret, and a checksum of all that: a
// scanner finds it without asking anybody, and a typing error is one.
const (
	tokenPrefix = "ygr_"
	tokenID     = 26
	tokenSecret = 43 // 256 bits in base 62
	tokenSum    = 6
	tokenLength = len(tokenPrefix) + tokenID + tokenSecret + tokenSum

	maxTokenAge = 366 * 24 * time.Hour
	usedEvery   = time.Minute
	// newFrom is how long an address of a token is known.
	newFrom = 90 * 24 * time.Hour
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// tokenText makes the text of a token.
func tokenText(id, secret string) string {
	text := tokenPrefix + id + secret
	return text + checksum(text)
}

func checksum(text string) string {
	n := crc32.ChecksumIEEE([]byte(text))
	var b [tokenSum]byte
	for i := tokenSum - 1; i >= 0; i-- {
		b[i] = base62[n%62]
		n /= 62
	}
	return string(b[:])
}

// parseToken takes the text of a token apart.
func parseToken(text string) (id, secret string, ok bool) {
	if len(text) != tokenLength || !strings.HasPrefix(text, tokenPrefix) {
		return "", "", false
	}
	for i := len(tokenPrefix); i < len(text); i++ {
		if strings.IndexByte(base62, text[i]) < 0 {
			return "", "", false
		}
	}
	body := text[:len(text)-tokenSum]
	if !same(checksum(body), text[len(body):]) {
		return "", "", false
	}
	return body[len(tokenPrefix) : len(tokenPrefix)+tokenID], body[len(tokenPrefix)+tokenID:], true
}

// tokenChars is a secret of a token, every character as likely as any other.
func (g *Gate) tokenChars() (string, error) {
	out := make([]byte, 0, tokenSecret)
	for len(out) < tokenSecret {
		b, err := g.random(64)
		if err != nil {
			return "", err
		}
		for _, c := range b {
			if c < 248 && len(out) < tokenSecret { // 4 × 62
				out = append(out, base62[c%62])
			}
		}
	}
	return string(out), nil
}

func refuseToken(reason, detail, ja string) *Refusal {
	return &Refusal{Code: codeUnauthenticated, Reason: reason, Detail: detail, Ja: ja}
}

// token says whose token a request carries. Its rights are never more than its maker has at
// this moment: a maker who is disabled or has fewer rights takes those of the token along.
func (g *Gate) token(r *http.Request, text string) (*Identity, error) {
	from := g.From(r)
	none := refuseToken("token", "the token is not right, not valid any more, or was revoked", "トークンが正しくないか、期限切れか、失効しています")
	id, secret, ok := parseToken(text)
	if !ok {
		g.refuse(r.Context(), from, yagura.Audit{What: "token.use", Detail: "no token of this server"})
		return nil, none
	}
	certificate, err := g.certificate(r)
	if err != nil {
		g.refuse(r.Context(), from, yagura.Audit{What: "token.use", On: "token/" + id, Detail: "client certificate: " + err.Error()})
		return nil, refuseToken("certificate", "the client certificate cannot be read", "クライアント証明書を読み取れません")
	}
	var t *yagura.Token
	var sum Sum
	var maker *yagura.User
	err = g.o.Store.View(r.Context(), func(ctx context.Context, tx Tx) (err error) {
		if t, sum, err = tx.Token(ctx, id, yagura.LockNone); err != nil || t == nil {
			return err
		}
		maker, err = g.maker(ctx, tx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	now := g.o.Now().UTC()
	why := ""
	switch fits := sameSum(sum, sumOf(secret)); {
	case t == nil || !fits:
		why = "the secret is not right"
	case !t.Revoked.IsZero():
		why = "it is revoked"
	case !now.Before(t.Expires):
		why = "it has expired"
	case !isCommandLine(t.CreatedBy) && (maker == nil || maker.Disabled):
		why = "who made it is gone or disabled"
	case t.Certificate != "" && certificate == "":
		why, none = "it is bound to a certificate, and there is none", refuseToken("certificate", "the token is bound to a client certificate, and the request has none", "このトークンはクライアント証明書に紐付いていますが、証明書がありません")
	case t.Certificate != "" && !same(t.Certificate, certificate):
		why, none = "it is bound to another certificate", refuseToken("certificate", "the token is bound to another client certificate", "このトークンは別のクライアント証明書に紐付いています")
	}
	if why != "" {
		line := yagura.Audit{What: "token.use", On: "token/" + id, Detail: why}
		if t == nil {
			line.On = ""
		}
		g.refuse(r.Context(), from, line)
		return nil, none
	}
	who := &Identity{Who: "token:" + t.Name, Token: t, Bindings: t.Bindings, From: from}
	if maker != nil {
		who.Bindings = nil
		for _, b := range t.Bindings {
			if withinBindings([]yagura.Binding{b}, maker.Bindings) {
				who.Bindings = append(who.Bindings, b)
			}
		}
	}
	if now.Sub(t.Used) >= usedEvery && g.due("token "+id+" "+from, usedEvery) {
		if err := g.used(r.Context(), id, who.Who, from, now); err != nil {
			g.o.Logger.Warn("a token's last use could not be noted", "error", err)
		}
	}
	return who, nil
}

// isCommandLine reports whether a token was made beside the store.
func isCommandLine(by string) bool { return strings.HasPrefix(by, "cli:") }

// maker returns the user who made a token; nil of the command line.
func (g *Gate) maker(ctx context.Context, tx Tx, t *yagura.Token) (*yagura.User, error) {
	if isCommandLine(t.CreatedBy) {
		return nil, nil
	}
	return tx.User(ctx, t.CreatedBy, yagura.LockNone)
}

// used notes when a token was used last, and writes a line where it comes from an address for
// the first time.
func (g *Gate) used(ctx context.Context, id, who, from string, now time.Time) error {
	return g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		t, _, err := tx.Token(ctx, id, yagura.LockChange)
		if err != nil || t == nil {
			return err
		}
		first, err := tx.TakeOnce(ctx, "token.from", id+" "+from, now.Add(newFrom))
		if err != nil {
			return err
		}
		if first {
			if err := g.audit(ctx, tx, yagura.Audit{Who: who, What: "token.use", On: "token/" + id, Outcome: done, From: from, Detail: "from an address that it was not used from before"}); err != nil {
				return err
			}
		}
		t.Used = now
		return tx.PutToken(ctx, t)
	})
}

// NewToken is what a token is made of.
type NewToken struct {
	Name     string
	Bindings []yagura.Binding
	Expires  time.Time // within a year
	// Certificate is what people have of the client certificate to bind to, as
	// [ParseThumbprint] reads it; "" binds to none.
	Certificate string
}

// AddToken makes a token, never wider than who makes it. The text is shown once.
func (g *Gate) AddToken(ctx context.Context, by *Identity, n NewToken) (t *yagura.Token, text string, err error) {
	if err := checkManages(by); err != nil {
		return nil, "", err
	}
	now := g.o.Now().UTC()
	n.Name = strings.TrimSpace(n.Name)
	switch {
	case n.Name == "" || !goodText(n.Name, 100):
		return nil, "", refuseInput("a token has a name of at most 100 characters", "トークンには 100 文字以内の名前が必要です")
	case len(n.Bindings) == 0:
		return nil, "", refuseInput("a token has a role", "トークンにはロールが必要です")
	case !n.Expires.After(now) || n.Expires.Sub(now) > maxTokenAge:
		return nil, "", refuseInput("a token expires, within a year", "トークンの有効期限は 1 年以内で指定してください")
	}
	if err := checkBindings(n.Bindings); err != nil {
		return nil, "", err
	}
	if !withinBindings(n.Bindings, by.Bindings) {
		return nil, "", refuseForbidden("wider", "a token cannot do more than who makes it", "作成者の権限を超えるトークンは作れません")
	}
	certificate := ""
	if n.Certificate != "" {
		if certificate, err = ParseThumbprint(n.Certificate); err != nil {
			return nil, "", refuseInput("certificate: "+err.Error(), "証明書は PEM、x5t#S256、または SHA-256 の 16 進数で指定してください")
		}
	}
	maker := by.Who
	switch {
	case by.User != nil:
		maker = by.User.ID
	case by.Token != nil:
		maker = by.Token.CreatedBy // a token that makes another is its maker's hand
		if n.Expires.After(by.Token.Expires) {
			return nil, "", refuseInput("a token that a token makes does not outlive it", "トークンで作るトークンの期限は元のトークンを超えられません")
		}
		if by.Token.Certificate != "" && certificate == "" {
			return nil, "", refuseInput("a token that is bound to a certificate makes bound ones alone", "証明書に紐付いたトークンからは、紐付いたトークンだけを作れます")
		}
	}
	id, err := g.newID(now)
	if err != nil {
		return nil, "", err
	}
	secret, err := g.tokenChars()
	if err != nil {
		return nil, "", err
	}
	t = &yagura.Token{ID: id, Name: n.Name, Bindings: n.Bindings, Certificate: certificate, Created: now, CreatedBy: maker, Expires: n.Expires.UTC()}
	err = g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.AddToken(ctx, sumOf(secret), t); err != nil {
			return err
		}
		detail := t.Name + ": " + describe(t.Bindings) + ", until " + t.Expires.Format(time.RFC3339)
		if certificate != "" {
			detail += ", bound to a certificate"
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "token.add", On: "token/" + id, Outcome: done, From: by.From, Detail: detail})
	})
	if err != nil {
		return nil, "", err
	}
	return t, tokenText(id, secret), nil
}

// RevokeToken ends a token.
func (g *Gate) RevokeToken(ctx context.Context, by *Identity, id string) error {
	if err := checkManages(by); err != nil {
		return err
	}
	return g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		t, _, err := tx.Token(ctx, id, yagura.LockChange)
		switch {
		case err != nil:
			return err
		case t == nil:
			return refuseMissing("token", "トークン")
		case !t.Revoked.IsZero():
			return nil
		}
		t.Revoked = g.o.Now().UTC()
		if err := tx.PutToken(ctx, t); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "token.revoke", On: "token/" + id, Outcome: done, From: by.From, Detail: t.Name})
	})
}
