package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// Access says who may call an endpoint: everybody, everybody who is somebody, or those with
// a permission. The zero value is nobody, and a table with it does not start.
type Access string

// The accesses.
const (
	Public    Access = "public" // strangers too
	Self      Access = "self"   // about the caller; whoever is signed in
	View             = Access(yagura.PermitView)
	Hunt             = Access(yagura.PermitHunt)
	Work             = Access(yagura.PermitWork)
	Decide           = Access(yagura.PermitDecide)
	Configure        = Access(yagura.PermitConfigure)
	Manage           = Access(yagura.PermitManage)
)

func (a Access) known() bool {
	return a == Public || a == Self || slices.Contains(yagura.RoleAdmin.Permissions(), yagura.Permission(a))
}

// permission is what an access needs, "" for Public and Self.
func (a Access) permission() yagura.Permission {
	if a == Public || a == Self {
		return ""
	}
	return yagura.Permission(a)
}

// Route is one endpoint.
type Route struct {
	Method, Path string // the path below /api/v1
	Access       Access
	ID           string // of the operation, unique: getIssue
	Summary      string

	list   *filter.List // what ?q= asks
	in     reflect.Type
	out    reflect.Type
	whole  bool   // needs a binding without a scope
	reads  bool   // a POST that changes nothing
	match  bool   // If-Match is needed
	strict bool   // rate of sign-ins
	audit  string // what a write is called in the audit trail
	body   int64  // most bytes of it
	within time.Duration
	call   func(ctx context.Context, c *call) (any, error)
}

// Whole says that an endpoint is about everything: who has a permission within a scope alone
// is refused. Configure and Manage are so by themselves.
func (r Route) Whole() Route { r.whole = true; return r }

// Reads says that an endpoint changes nothing although it is a POST: it is not audited.
func (r Route) Reads() Route { r.reads = true; return r }

// Matched says that a write needs If-Match with the ETag of what it changes.
func (r Route) Matched() Route { r.match = true; return r }

// Audited names a write in the audit trail ("rule.disable"); without it, it is the
// operation's id in words.
func (r Route) Audited(what string) Route { r.audit = what; return r }

// Bytes bounds the body; the usual bound is 1 MB.
func (r Route) Bytes(most int64) Route { r.body = most; return r }

// Within bounds the time of the handler; the usual bound is 30 s. 0 is none.
func (r Route) Within(d time.Duration) Route { r.within = d; return r }

// signIn says that an endpoint takes passwords: few tries are allowed.
func (r Route) signIn() Route { r.strict = true; return r }

const (
	usualBody   = 1 << 20
	usualWithin = 30 * time.Second
)

// handler is what an endpoint does.
type handler[In, Out any] func(ctx context.Context, c *Call[In]) (Out, error)

func route[In, Out any](method, path string, who Access, id, summary string, h handler[In, Out]) Route {
	return Route{Method: method, Path: path, Access: who, ID: id, Summary: summary, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		whole: who == Configure || who == Manage, reads: method == http.MethodGet, audit: words(id), body: usualBody, within: usualWithin,
		call: func(ctx context.Context, c *call) (any, error) {
			typed := &Call[In]{call: c}
			if err := c.read(&typed.In); err != nil {
				return nil, err
			}
			return h(ctx, typed)
		}}
}

func get[In, Out any](path string, who Access, id, summary string, h handler[In, Out]) Route {
	return route(http.MethodGet, path, who, id, summary, h)
}

func post[In, Out any](path string, who Access, id, summary string, h handler[In, Out]) Route {
	return route(http.MethodPost, path, who, id, summary, h)
}

func put[In, Out any](path string, who Access, id, summary string, h handler[In, Out]) Route {
	return route(http.MethodPut, path, who, id, summary, h)
}

func patch[In, Out any](path string, who Access, id, summary string, h handler[In, Out]) Route {
	return route(http.MethodPatch, path, who, id, summary, h)
}

func del[In, Out any](path string, who Access, id, summary string, h handler[In, Out]) Route {
	return route(http.MethodDelete, path, who, id, summary, h)
}

// list is a GET of a list that is asked in the grammar of filter. In must embed [ListIn].
func list[In, Out any](path string, who Access, of *filter.List, id, summary string, h handler[In, Out]) Route {
	r := route(http.MethodGet, path, who, id, summary, h)
	r.list = of
	return r
}

// words turns changeIssue into change_issue.
func words(id string) string {
	var b strings.Builder
	for _, r := range id {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// check says what is wrong with a table of routes, so that it is found at the start.
func check(routes []Route) error {
	ids, paths := map[string]bool{}, map[string]bool{}
	for _, r := range routes {
		where := r.Method + " " + r.Path
		switch {
		case !r.Access.known():
			return fmt.Errorf("api: %s: it does not say who may call it", where)
		case r.ID == "" || ids[r.ID]:
			return fmt.Errorf("api: %s: the id %q is empty or another's", where, r.ID)
		case r.Summary == "":
			return fmt.Errorf("api: %s: it has no summary", where)
		case paths[where]:
			return fmt.Errorf("api: %s is there twice", where)
		case !r.reads && r.audit == "":
			return fmt.Errorf("api: %s: the audit trail has no name for it", where)
		case r.list != nil && !embedsList(r.in):
			return fmt.Errorf("api: %s: its struct does not embed ListIn", where)
		}
		ids[r.ID], paths[where] = true, true
		if err := checkIn(r); err != nil {
			return fmt.Errorf("api: %s: %w", where, err)
		}
	}
	return nil
}

// TakesBody reports whether an endpoint takes a body.
func (r *Route) TakesBody() bool {
	_, ok := r.in.FieldByName("Body")
	return ok
}

// NeedsWhole reports whether who calls needs the permission without a scope.
func (r *Route) NeedsWhole() bool { return r.whole }

// ReadsOnly reports whether an endpoint changes nothing.
func (r *Route) ReadsOnly() bool { return r.reads }
