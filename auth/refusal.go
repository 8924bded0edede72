package auth

import (
	"cmp"
	"errors"
	"time"
)

// ErrNobody says that a request names nobody, or somebody who is not signed in any more.
var ErrNobody = errors.New("nobody is signed in")

// Refusal says why something was not done. Detail is for whoever asked: it never tells whether
// an account exists.
type Refusal struct {
	Code   string // of the API: unauthenticated, second_factor, forbidden, csrf, rate_limited …
	Reason string // a finer word, "" where Code says it all: no_role, disabled, network, insecure …
	Detail string
	Ja     string // Detail in Japanese
	// RetryAfter is how long to wait before another try, for rate_limited.
	RetryAfter time.Duration
}

// Error returns the detail.
func (r *Refusal) Error() string { return r.Detail }

// Problem returns the finest word there is for it.
func (r *Refusal) Problem() string { return cmp.Or(r.Reason, r.Code) }

// Codes of refusals, as the API has them.
const (
	codeUnauthenticated = "unauthenticated"
	codeSecondFactor    = "second_factor"
	codeForbidden       = "forbidden"
	codeCSRF            = "csrf"
	codeBadRequest      = "bad_request"
	codeNotFound        = "not_found"
	codeConflict        = "conflict"
	codeStale           = "stale"
	codeUnprocessable   = "unprocessable"
	codeRateLimited     = "rate_limited"
)

// refuseSignIn is the one answer to a name and password that do not fit, whatever the cause.
func refuseSignIn() *Refusal {
	return &Refusal{Code: codeUnauthenticated, Detail: "name or password is not right", Ja: "名前またはパスワードが正しくありません"}
}

func refuseWait(d time.Duration) *Refusal {
	return &Refusal{Code: codeRateLimited, RetryAfter: max(d.Round(time.Second), time.Second),
		Detail: "too many tries; wait a moment", Ja: "試行回数が多すぎます。しばらく待ってから再度お試しください"}
}

func refuseInput(detail, ja string) *Refusal {
	return &Refusal{Code: codeUnprocessable, Detail: detail, Ja: ja}
}

func refuseMissing(what, ja string) *Refusal {
	return &Refusal{Code: codeNotFound, Detail: "there is no such " + what, Ja: ja + "が見つかりません"}
}

func refuseForbidden(reason, detail, ja string) *Refusal {
	return &Refusal{Code: codeForbidden, Reason: reason, Detail: detail, Ja: ja}
}
