package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
)

// Outcomes of the audit trail.
const (
	done    = "done"
	refused = "refused"
)

type requestKey struct{}

// WithRequest gives the id of a request to what is written of it in the audit trail.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

func requestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// audit writes a line within a transaction.
func (g *Gate) audit(ctx context.Context, tx Tx, a yagura.Audit) error {
	a.At = g.o.Now().UTC()
	a.Request = requestOf(ctx)
	a.Detail = cut(a.Detail, 500)
	a.Who = cut(a.Who, 300)
	return tx.AddAudit(ctx, &a)
}

// refuse writes a line about somebody who was not let in, in a transaction of its own. Strangers
// can cause these at will, so there is a bound; the next line says how many were left out.
func (g *Gate) refuse(ctx context.Context, from string, a yagura.Audit) {
	left, ok := g.refused.take(from)
	if !ok {
		return
	}
	if left > 0 {
		a.Detail += fmt.Sprintf(" (%d lines before it were left out)", left)
	}
	a.From, a.Outcome = from, refused
	ctx = context.WithoutCancel(ctx)
	if err := g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error { return g.audit(ctx, tx, a) }); err != nil {
		g.o.Logger.Error("a line of the audit trail could not be written", "error", err)
	}
}

// RefusedExternal writes a line about somebody whom an identity provider, or our check of what
// it said, did not let in.
func (g *Gate) RefusedExternal(r *http.Request, via, code, detail string) {
	g.refuse(r.Context(), g.From(r), yagura.Audit{What: "sign_in", On: "provider/" + via, Detail: code + ": " + detail})
}

// refusals bounds the lines: some of one address, and of all, in a minute.
type refusals struct {
	now  func() time.Time
	mu   sync.Mutex
	at   time.Time
	of   map[string]int
	all  int
	left int
}

const (
	refusalsOfOne = 10
	refusalsOfAll = 60
)

func newRefusals(now func() time.Time) *refusals { return &refusals{now: now, of: map[string]int{}} }

func (f *refusals) take(from string) (left int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.at) >= time.Minute || now.Before(f.at) {
		f.at, f.all = now, 0
		clear(f.of)
	}
	if f.of[from] >= refusalsOfOne || f.all >= refusalsOfAll {
		f.left++
		return 0, false
	}
	f.of[from]++
	f.all++
	left, f.left = f.left, 0
	return left, true
}

// cut bounds a text in bytes, at the end of a character, and makes it valid.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}
