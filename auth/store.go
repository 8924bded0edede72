package auth

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/yagura-sec/yagura"
)

// Store runs transactions over what must last. fn may run again and has no effects outside
// of tx.
type Store interface {
	View(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}

// Tx is what the gate reads and changes within one transaction. A thing that is not there is
// nil without an error.
type Tx interface {
	Users
	UserChanges
	Sessions
	SessionEnds
	Tokens
	Once
	State
	Trail
}

// Sum is the SHA-256 of a secret. Secrets themselves are never kept.
type Sum = [sha256.Size]byte

// Users reads users.
type Users interface {
	User(ctx context.Context, id string, lock yagura.Lock) (*yagura.User, error)
	UserByName(ctx context.Context, name string, lock yagura.Lock) (*yagura.User, error)
	UserBySubject(ctx context.Context, via, subject string, lock yagura.Lock) (*yagura.User, error)
	// Users returns all users in the order of their ids, which is the order of locking.
	Users(ctx context.Context, lock yagura.Lock) ([]yagura.User, error)
}

// UserChanges changes users, and keeps what proves them: an opaque body (hashes of passwords,
// second factors) that no list and no export shows.
type UserChanges interface {
	// PutUser makes or replaces a user, as it is: the gate counts Version.
	PutUser(ctx context.Context, u *yagura.User) error
	// DropUser removes a user with secrets and sessions.
	DropUser(ctx context.Context, id string) error
	UserSecrets(ctx context.Context, id string) ([]byte, error)
	PutUserSecrets(ctx context.Context, id string, body []byte) error
}

// Sessions makes and reads sessions.
type Sessions interface {
	AddSession(ctx context.Context, secret Sum, s *yagura.Session) error
	SessionBySecret(ctx context.Context, secret Sum) (*yagura.Session, error)
	// SeeSession notes when a session was seen last.
	SeeSession(ctx context.Context, id string, seen time.Time) error
	// SessionsOf returns the sessions of a user, the newest first.
	SessionsOf(ctx context.Context, userID string) ([]yagura.Session, error)
}

// SessionEnds ends sessions.
type SessionEnds interface {
	// EndSession ends one of a user ("" for whoever's it is), and says whether it was there.
	EndSession(ctx context.Context, id, userID string) (bool, error)
	// EndSessions ends those of a user ("" for everybody's), but for one, and counts them.
	EndSessions(ctx context.Context, userID, but string) (int, error)
	// SweepSessions removes those that expired before now, or were seen last before idle.
	SweepSessions(ctx context.Context, now, idle time.Time) (int, error)
}

// Tokens keeps the tokens of the API.
type Tokens interface {
	AddToken(ctx context.Context, secret Sum, t *yagura.Token) error
	// Token returns a token and the sum of its secret.
	Token(ctx context.Context, id string, lock yagura.Lock) (*yagura.Token, Sum, error)
	// PutToken replaces what is known of a token, but for its secret.
	PutToken(ctx context.Context, t *yagura.Token) error
}

// Once keeps ids that may be used one time: steps of second factors, assertions of identity
// providers.
type Once interface {
	// TakeOnce takes an id of a kind until a time. It is false when it was taken already, also
	// when two take it at once.
	TakeOnce(ctx context.Context, kind, id string, until time.Time) (bool, error)
	// SweepOnce forgets what was taken until before now.
	SweepOnce(ctx context.Context, now time.Time) (int, error)
}

// State keeps small things by name.
type State interface {
	State(ctx context.Context, name string, lock yagura.Lock) ([]byte, error)
	PutState(ctx context.Context, name string, body []byte) error // nil removes it
}

// Trail is the audit trail. It only grows; the store numbers the lines.
type Trail interface {
	AddAudit(ctx context.Context, a *yagura.Audit) error
}
