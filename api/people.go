package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
)

// People lets people in and says who may what; [auth.Gate] is one. It writes its own lines of
// the audit trail, in its own transactions.
type People interface {
	Offer(ctx context.Context, r *http.Request) (auth.Offer, error)
	SignIn(ctx context.Context, w http.ResponseWriter, r *http.Request, name, password, code string) (*auth.Identity, error)
	SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request, id *auth.Identity) error
	SetUp(ctx context.Context, w http.ResponseWriter, r *http.Request, key, name, display, password string) (*auth.Identity, error)

	Prefer(ctx context.Context, by *auth.Identity, p auth.Preferences) (*yagura.User, error)
	ChangePassword(ctx context.Context, r *http.Request, by *auth.Identity, old, password string) error
	StartTOTP(ctx context.Context, by *auth.Identity) (secret, uri string, err error)
	ConfirmTOTP(ctx context.Context, by *auth.Identity, code string) (recovery []string, err error)
	RemoveTOTP(ctx context.Context, r *http.Request, by *auth.Identity, password string) error
	Sessions(ctx context.Context, userID string) ([]yagura.Session, error)
	EndSession(ctx context.Context, by *auth.Identity, id string) error
	EndSessions(ctx context.Context, by *auth.Identity, userID string) (int, error)

	AddUser(ctx context.Context, by *auth.Identity, n auth.NewUser) (u *yagura.User, key string, err error)
	Invite(ctx context.Context, by *auth.Identity, id string) (key string, err error)
	ChangeUser(ctx context.Context, by *auth.Identity, id string, c auth.UserChange) (*yagura.User, error)
	RemoveUser(ctx context.Context, by *auth.Identity, id string) error
	AddToken(ctx context.Context, by *auth.Identity, n auth.NewToken) (t *yagura.Token, text string, err error)
	RevokeToken(ctx context.Context, by *auth.Identity, id string) error
}

// Register reads who there is.
type Register interface {
	User(ctx context.Context, id string) (*yagura.User, error)
	Token(ctx context.Context, id string) (*yagura.Token, error)
	// AllSessions returns those of everybody that are alive, the latest seen first.
	AllSessions(ctx context.Context) ([]yagura.Session, error)
	// Visit marks when somebody looked last, and returns the time before it.
	Visit(ctx context.Context, userID string, at time.Time) (time.Time, error)
}

// told says that somebody else wrote the line of the audit trail, where err is nil.
func (c *call) told(err error) error {
	if err == nil {
		c.entry.Written()
	}
	return refusal(err)
}

// Offer is how somebody may sign in here.
type Offer struct {
	auth.Offer
	Demo bool `json:"demo,omitempty"`
}

func (a *API) offer(ctx context.Context, c *Call[struct{}]) (*Offer, error) {
	o, err := a.parts.People.Offer(ctx, c.r)
	if err != nil {
		return nil, refusal(err)
	}
	about, err := a.parts.Server.About(ctx)
	if err != nil {
		return nil, err
	}
	return &Offer{o, about.Demo}, nil
}

type signInIn struct {
	Body struct {
		Name     string `json:"name"`
		Password string `json:"password"`
		Code     string `json:"code,omitempty" doc:"Of the second factor, or a recovery code."`
	}
}

// SignedIn is who came in.
type SignedIn struct {
	User yagura.User `json:"user"`
	CSRF string      `json:"csrf"`
}

func signedIn(id *auth.Identity, err error) (*SignedIn, error) {
	if err != nil {
		return nil, err
	}
	return &SignedIn{*id.User, id.CSRF}, nil
}

func (a *API) signIn(ctx context.Context, c *Call[signInIn]) (*SignedIn, error) {
	in := &c.In.Body
	id, err := a.parts.People.SignIn(ctx, c.w, c.r, in.Name, in.Password, in.Code)
	c.entry.Written() // a refusal too: the gate writes it, as often as strangers may cause it
	return signedIn(id, refusal(err))
}

type setUpIn struct {
	Body struct {
		Key      string `json:"key" doc:"Of the set-up link, or of an invitation."`
		Name     string `json:"name,omitempty"`
		Display  string `json:"display,omitempty"`
		Password string `json:"password"`
	}
}

func (a *API) setUp(ctx context.Context, c *Call[setUpIn]) (*SignedIn, error) {
	in := &c.In.Body
	id, err := a.parts.People.SetUp(ctx, c.w, c.r, in.Key, in.Name, in.Display, in.Password)
	return signedIn(id, c.told(err))
}

// SignedOut is where a sign-out goes on.
type SignedOut struct {
	Provider string `json:"provider,omitempty" doc:"Where the browser has to go so that the user is signed out at the identity provider too; absent where that is not wanted or not offered."`
}

func (a *API) signOut(ctx context.Context, c *Call[struct{}]) (*SignedOut, error) {
	out := &SignedOut{}
	if a.parts.SignOutAt != nil && c.Who.Session != nil {
		out.Provider = a.parts.SignOutAt(c.Who.Session.Via)
	}
	return out, c.told(a.parts.People.SignOut(ctx, c.w, c.r, c.Who))
}

// UserPage is a user, with what has an ETag.
type UserPage struct{ yagura.User }

// Tag is the version.
func (u *UserPage) Tag() string { return userTag(&u.User) }

func userTag(u *yagura.User) string { return "v" + strconv.FormatInt(u.Version, 10) }

type preferIn struct {
	Body struct {
		Display *string `json:"display,omitempty"`
		Lang    *string `json:"lang,omitempty" enum:"en,ja,"`
		Zone    *string `json:"zone,omitempty" doc:"IANA name; empty is the browser's."`
		Theme   *string `json:"theme,omitempty" enum:"dark,light,system,"`
	}
}

func (a *API) prefer(ctx context.Context, c *Call[preferIn]) (*UserPage, error) {
	in := &c.In.Body
	if in.Lang != nil && !slices.Contains([]string{"", "en", "ja"}, *in.Lang) {
		return nil, Refuse(CodeBadRequest, "lang: want en or ja", "lang は en または ja です")
	}
	if in.Theme != nil && !slices.Contains([]string{"", "dark", "light", "system"}, *in.Theme) {
		return nil, Refuse(CodeBadRequest, "theme: want dark, light or system", "theme は dark、light、system のいずれかです")
	}
	if in.Zone != nil && *in.Zone != "" {
		if _, err := time.LoadLocation(*in.Zone); err != nil || *in.Zone == "Local" {
			return nil, Refuse(CodeBadRequest, "zone: it is no time zone (Asia/Tokyo)", "zone: タイムゾーン名 (Asia/Tokyo など) を指定してください")
		}
	}
	u, err := a.parts.People.Prefer(ctx, c.Who, auth.Preferences{Display: in.Display, Lang: in.Lang, Zone: in.Zone, Theme: in.Theme})
	if err != nil {
		return nil, refusal(err)
	}
	c.Did("user.prefer", "user/"+u.ID, "")
	return &UserPage{*u}, nil
}

type passwordIn struct {
	Body struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
}

func (a *API) changePassword(ctx context.Context, c *Call[passwordIn]) (Nothing, error) {
	return Nothing{}, c.told(a.parts.People.ChangePassword(ctx, c.r, c.Who, c.In.Body.Old, c.In.Body.New))
}

// TOTP is a second factor to be.
type TOTP struct {
	Secret string `json:"secret"`
	URI    string `json:"uri" doc:"For a QR code."`
}

func (a *API) startTOTP(ctx context.Context, c *Call[struct{}]) (*TOTP, error) {
	secret, uri, err := a.parts.People.StartTOTP(ctx, c.Who)
	return &TOTP{secret, uri}, refusal(err)
}

type codeIn struct {
	Body struct {
		Code string `json:"code"`
	}
}

// Recovery are codes that stand in for a second factor that is lost. They are shown once.
type Recovery struct {
	Codes []string `json:"codes"`
}

func (a *API) confirmTOTP(ctx context.Context, c *Call[codeIn]) (*Recovery, error) {
	codes, err := a.parts.People.ConfirmTOTP(ctx, c.Who, c.In.Body.Code)
	return &Recovery{codes}, c.told(err)
}

type proofIn struct {
	Body struct {
		Password string `json:"password"`
	}
}

func (a *API) removeTOTP(ctx context.Context, c *Call[proofIn]) (Nothing, error) {
	return Nothing{}, c.told(a.parts.People.RemoveTOTP(ctx, c.r, c.Who, c.In.Body.Password))
}

// SessionRow is a session in a list.
type SessionRow struct {
	yagura.Session
	Current bool `json:"current" doc:"It is the one of this call."`
}

func (c *call) sessionRows(list []yagura.Session) *List[SessionRow] {
	out := &List[SessionRow]{}
	for _, s := range list {
		out.Items = append(out.Items, SessionRow{s, c.Who.Session != nil && c.Who.Session.ID == s.ID})
	}
	return out
}

func (a *API) mySessions(ctx context.Context, c *Call[struct{}]) (*List[SessionRow], error) {
	if c.Who.User == nil {
		return &List[SessionRow]{}, nil
	}
	list, err := a.parts.People.Sessions(ctx, c.Who.User.ID)
	return c.sessionRows(list), refusal(err)
}

type idIn struct {
	ID string `path:"id"`
}

// endMySession ends a session of the caller's own, whatever else the caller may do.
func (a *API) endMySession(ctx context.Context, c *Call[idIn]) (Nothing, error) {
	if c.Who.User == nil {
		return Nothing{}, notFound()
	}
	list, err := a.parts.People.Sessions(ctx, c.Who.User.ID)
	if err != nil {
		return Nothing{}, err
	}
	if !slices.ContainsFunc(list, func(s yagura.Session) bool { return s.ID == c.In.ID }) {
		return Nothing{}, notFound()
	}
	return Nothing{}, c.told(a.parts.People.EndSession(ctx, c.Who, c.In.ID))
}

// Visit says when the caller looked last.
type Visit struct {
	Previous time.Time `json:"previous,omitzero"`
}

func (a *API) visit(ctx context.Context, c *Call[struct{}]) (*Visit, error) {
	c.entry.Written() // it changes nothing that anybody would look for
	if c.Who.User == nil {
		return &Visit{}, nil
	}
	at, err := a.parts.Register.Visit(ctx, c.Who.User.ID, c.now)
	return &Visit{at}, err
}

type usersIn struct{ ListIn }

func (a *API) users(ctx context.Context, c *Call[usersIn]) (*List[yagura.User], error) {
	return a.parts.Registers.ListUsers(ctx, c.Ask)
}

func (a *API) user(ctx context.Context, c *Call[idIn]) (*UserPage, error) {
	u, err := a.parts.Register.User(ctx, c.In.ID)
	if err != nil {
		return nil, err
	}
	return &UserPage{*u}, nil
}

type addUserIn struct {
	Body struct {
		Name     string           `json:"name"`
		Display  string           `json:"display,omitempty"`
		Email    string           `json:"email,omitempty"`
		Lang     string           `json:"lang,omitempty" enum:"en,ja,"`
		Bindings []yagura.Binding `json:"bindings"`
	}
}

// Invited is a user, and the key of the link by which the user sets a password.
type Invited struct {
	User yagura.User `json:"user"`
	Key  string      `json:"key" doc:"Of the page /setup#key=…; it is shown once."`
}

func (a *API) addUser(ctx context.Context, c *Call[addUserIn]) (*Invited, error) {
	in := &c.In.Body
	if !slices.Contains([]string{"", "en", "ja"}, in.Lang) {
		return nil, Refuse(CodeBadRequest, "lang: want en or ja", "lang は en または ja です")
	}
	u, key, err := a.parts.People.AddUser(ctx, c.Who, auth.NewUser{Name: in.Name, Display: in.Display, Email: in.Email, Lang: in.Lang, Bindings: in.Bindings})
	if err := c.told(err); err != nil {
		return nil, err
	}
	return &Invited{*u, key}, nil
}

func (a *API) invite(ctx context.Context, c *Call[idIn]) (*Invited, error) {
	u, err := a.parts.Register.User(ctx, c.In.ID)
	if err != nil {
		return nil, err
	}
	key, err := a.parts.People.Invite(ctx, c.Who, c.In.ID)
	return &Invited{*u, key}, c.told(err)
}

type changeUserIn struct {
	ID   string `path:"id"`
	Body struct {
		Name     *string           `json:"name,omitempty"`
		Display  *string           `json:"display,omitempty"`
		Email    *string           `json:"email,omitempty"`
		Bindings *[]yagura.Binding `json:"bindings,omitempty"`
		Pinned   *bool             `json:"pinned,omitempty" doc:"Keep the bindings whatever the identity provider says."`
		Disabled *bool             `json:"disabled,omitempty"`
	}
}

func (a *API) changeUser(ctx context.Context, c *Call[changeUserIn]) (*UserPage, error) {
	c.Did("", "user/"+c.In.ID, "")
	u, err := a.parts.Register.User(ctx, c.In.ID)
	if err != nil {
		return nil, err
	}
	if err := c.Match(userTag(u)); err != nil {
		return nil, err
	}
	in := &c.In.Body
	u, err = a.parts.People.ChangeUser(ctx, c.Who, c.In.ID, auth.UserChange{Version: u.Version, Name: in.Name, Display: in.Display, Email: in.Email,
		Bindings: in.Bindings, Pinned: in.Pinned, Disabled: in.Disabled})
	if err := c.told(err); err != nil {
		return nil, err
	}
	return &UserPage{*u}, nil
}

func (a *API) removeUser(ctx context.Context, c *Call[idIn]) (Nothing, error) {
	c.Did("", "user/"+c.In.ID, "")
	return Nothing{}, c.told(a.parts.People.RemoveUser(ctx, c.Who, c.In.ID))
}

func (a *API) userSessions(ctx context.Context, c *Call[idIn]) (*List[SessionRow], error) {
	if _, err := a.parts.Register.User(ctx, c.In.ID); err != nil {
		return nil, err
	}
	list, err := a.parts.People.Sessions(ctx, c.In.ID)
	return c.sessionRows(list), refusal(err)
}

// Ended says how many sessions ended.
type Ended struct {
	N int `json:"n"`
}

func (a *API) endUserSessions(ctx context.Context, c *Call[idIn]) (*Ended, error) {
	c.Did("", "user/"+c.In.ID, "")
	if _, err := a.parts.Register.User(ctx, c.In.ID); err != nil {
		return nil, err
	}
	n, err := a.parts.People.EndSessions(ctx, c.Who, c.In.ID)
	return &Ended{n}, c.told(err)
}

func (a *API) sessions(ctx context.Context, c *Call[struct{}]) (*List[SessionRow], error) {
	list, err := a.parts.Register.AllSessions(ctx)
	return c.sessionRows(list), refusal(err)
}

func (a *API) endSession(ctx context.Context, c *Call[idIn]) (Nothing, error) {
	c.Did("", "session/"+c.In.ID, "")
	return Nothing{}, c.told(a.parts.People.EndSession(ctx, c.Who, c.In.ID))
}

func (a *API) tokens(ctx context.Context, c *Call[usersIn]) (*List[yagura.Token], error) {
	return a.parts.Registers.ListTokens(ctx, c.Ask)
}

func (a *API) token(ctx context.Context, c *Call[idIn]) (*yagura.Token, error) {
	return a.parts.Register.Token(ctx, c.In.ID)
}

type addTokenIn struct {
	Body struct {
		Name        string           `json:"name"`
		Bindings    []yagura.Binding `json:"bindings"`
		Expires     time.Time        `json:"expires" doc:"Within a year."`
		Certificate string           `json:"certificate,omitempty" doc:"SHA-256 of the client certificate to bind to, or the certificate itself."`
	}
}

// NewToken is a token with its secret.
type NewToken struct {
	Token yagura.Token `json:"token"`
	Text  string       `json:"text" doc:"What the machine sends; it is shown once."`
}

func (a *API) addToken(ctx context.Context, c *Call[addTokenIn]) (*NewToken, error) {
	in := &c.In.Body
	if n := utf8.RuneCountInString(in.Name); n == 0 || n > 100 {
		return nil, Refuse(CodeBadRequest, "name: want 1 to 100 characters", "name は 1 文字から 100 文字までです")
	}
	t, text, err := a.parts.People.AddToken(ctx, c.Who, auth.NewToken{Name: in.Name, Bindings: in.Bindings, Expires: in.Expires, Certificate: in.Certificate})
	if err := c.told(err); err != nil {
		return nil, err
	}
	return &NewToken{*t, text}, nil
}

func (a *API) revokeToken(ctx context.Context, c *Call[idIn]) (Nothing, error) {
	c.Did("", "token/"+c.In.ID, "")
	return Nothing{}, c.told(a.parts.People.RevokeToken(ctx, c.Who, c.In.ID))
}

type auditIn struct{ ListIn }

func (a *API) audit(ctx context.Context, c *Call[auditIn]) (*List[yagura.Audit], error) {
	return a.parts.Registers.ListAudit(ctx, c.Ask)
}

// AuditCheck is what a walk along the audit trail found.
type AuditCheck struct {
	OK       bool      `json:"ok"`
	Lines    int64     `json:"lines" doc:"Lines that are as they were written, from the first on."`
	At       time.Time `json:"at"`
	Head     string    `json:"head,omitempty" doc:"The sum of the newest line, over all before it. Kept elsewhere, it shows a trail that was written anew as a whole."`
	BrokenAt int64     `json:"broken_at,omitempty" doc:"The first line that is not as it was written."`
	Reason   string    `json:"reason,omitempty"`
}

func (a *API) auditCheck(ctx context.Context, _ *Call[struct{}]) (*AuditCheck, error) {
	return a.parts.Registers.CheckAudit(ctx)
}
