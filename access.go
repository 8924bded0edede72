package yagura

import (
	"fmt"
	"slices"
	"time"
)

// Role says what somebody may do. Each role may do what those before it may.
type Role string

// The roles.
const (
	RoleViewer    Role = "viewer"    // 閲覧者: reads
	RoleAnalyst   Role = "analyst"   // 分析者: hunts, takes issues on, writes notes
	RoleResponder Role = "responder" // 対応者: decides: closes, re-opens, suppresses
	RoleAdmin     Role = "admin"     // 管理者: rules, policy, documents, users, tokens
)

// Roles returns the roles, the least first.
func Roles() []Role { return []Role{RoleViewer, RoleAnalyst, RoleResponder, RoleAdmin} }

// ParseRole reads one of the roles.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fmt.Errorf("role %q: want viewer, analyst, responder or admin", s)
}

// Permission is what a call of the API needs.
type Permission string

// The permissions.
const (
	PermitView      Permission = "view"      // read issues, findings, events, rules, sources
	PermitHunt      Permission = "hunt"      // ask the lake in KQL and SQL
	PermitWork      Permission = "work"      // take on, assign, label, comment; keep views and hunts
	PermitDecide    Permission = "decide"    // close, re-open, conclude, suppress
	PermitConfigure Permission = "configure" // rules, policy, documents, dead letters, sinks
	PermitManage    Permission = "manage"    // users, tokens, sessions, audit trail
)

// Permissions returns what a role permits.
func (r Role) Permissions() []Permission {
	all := []Permission{PermitView, PermitHunt, PermitWork, PermitDecide, PermitConfigure, PermitManage}
	switch r {
	case RoleViewer:
		return all[:1]
	case RoleAnalyst:
		return all[:3]
	case RoleResponder:
		return all[:4]
	case RoleAdmin:
		return all
	}
	return nil
}

// Permits reports whether a role permits something.
func (r Role) Permits(p Permission) bool { return slices.Contains(r.Permissions(), p) }

// Scope says which part of the data a binding is about. An empty list is no bound; the zero
// value is everything.
type Scope struct {
	// Tenants are organisations of the registry: all accounts that belong to one.
	Tenants []string `json:"tenants,omitempty"`
	// Accounts are ids of accounts; with Tenants, those of either.
	Accounts []string `json:"accounts,omitempty"`
	// Formats are names of formats ("aws.cloudtrail").
	Formats []string `json:"formats,omitempty"`
}

// All reports whether a scope is everything.
func (s Scope) All() bool { return len(s.Tenants)+len(s.Accounts)+len(s.Formats) == 0 }

// Holds reports whether something of an account and format is within a scope. tenant is the
// organisation of the account, "" where the registry does not know it.
func (s Scope) Holds(tenant, account, format string) bool {
	if len(s.Tenants)+len(s.Accounts) > 0 && !slices.Contains(s.Accounts, account) && (tenant == "" || !slices.Contains(s.Tenants, tenant)) {
		return false
	}
	return len(s.Formats) == 0 || slices.Contains(s.Formats, format)
}

// Binding gives a role within a scope.
type Binding struct {
	Role  Role  `json:"role"`
	Scope Scope `json:"scope,omitzero"`
}

// User is somebody who may sign in.
type User struct {
	ID   string `json:"id"`   // a ULID; it never changes
	Name string `json:"name"` // what is typed to sign in, an e-mail address mostly; unique, in lower case
	// Display is how people call the user.
	Display string `json:"display"`
	Email   string `json:"email,omitempty"`
	// Via says who vouches for the user: "local", or the name of an identity provider in the
	// configuration. Subject is what that provider calls the user, and never changes.
	Via      string    `json:"via"`
	Subject  string    `json:"subject,omitempty"`
	Groups   []string  `json:"groups,omitempty"` // as the provider said last
	Bindings []Binding `json:"bindings"`
	Pinned   bool      `json:"pinned,omitempty"` // bindings are an admin's, whatever the groups say
	Disabled bool      `json:"disabled,omitempty"`
	TOTP     bool      `json:"totp,omitempty"` // a second factor is asked
	Created  time.Time `json:"created"`
	SignedIn time.Time `json:"signed_in,omitzero"`          // last
	Lang     string    `json:"lang,omitempty" enum:"en,ja"` // of pages and messages
	Zone     string    `json:"zone,omitempty"`              // IANA name; "" is the browser's
	Theme    string    `json:"theme,omitempty" enum:"dark,light,system"`
	Version  int64     `json:"version"` // counts the changes
}

// Session is one sign-in of one browser.
type Session struct {
	ID      string    `json:"id"` // a name for people to revoke it by; not what the cookie holds
	UserID  string    `json:"user_id"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`    // last, to about a minute
	Expires time.Time `json:"expires"` // whatever happens
	From    string    `json:"from"`    // address
	Agent   string    `json:"agent"`   // User-Agent; hostile text
	Via     string    `json:"via"`     // "local", or the provider's name
}

// Token is a key of the API for a machine. The secret itself is shown once and not kept.
type Token struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Bindings []Binding `json:"bindings"`
	// Certificate is the SHA-256 of the client certificate that the token is bound to (RFC
	// 8705, x5t#S256: base64url without padding); "" is a token that is not bound.
	Certificate string    `json:"certificate,omitempty"`
	Created     time.Time `json:"created"`
	CreatedBy   string    `json:"created_by"`
	Expires     time.Time `json:"expires"`
	Used        time.Time `json:"used,omitzero"` // last, to about a minute
	Revoked     time.Time `json:"revoked,omitzero"`
}

// Audit is one line of the audit trail: a sign-in, or something that was changed.
type Audit struct {
	Seq     int64     `json:"seq"` // from 1, in the order of commits
	At      time.Time `json:"at"`
	Who     string    `json:"who"`          // "user:mary@example.com", "token:ci", "cli:root", "" for a stranger
	What    string    `json:"what"`         // "sign_in", "issue.close", "rule.disable" …
	On      string    `json:"on,omitempty"` // what it was done to: "issue/01J…"
	Outcome string    `json:"outcome" enum:"done,refused"`
	From    string    `json:"from,omitempty"`    // address
	Request string    `json:"request,omitempty"` // id of the request
	Detail  string    `json:"detail,omitempty"`  // for people; may hold hostile text, never a secret
}

// View is a list that somebody kept: a query with a name.
type View struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	List    string    `json:"list"` // "issues", "findings" …
	Query   string    `json:"query"`
	Sort    string    `json:"sort,omitempty"`
	Owner   string    `json:"owner"` // id of the user; the view is theirs alone unless Shared
	Shared  bool      `json:"shared,omitempty"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}
