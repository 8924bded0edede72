// Package api is the HTTP interface of Yagura: what the console, the command line and other
// programs call. Every endpoint is one line of one table ([API.Routes]): method, path, who may,
// and a function from a struct of what is asked to a struct of what is answered. From the
// table and those structs the room makes the routes, reads and checks requests, and writes
// the OpenAPI description, so that none of them can say something else.
//
// It knows HTTP and the words of the root package. It keeps nothing and decides nothing about
// issues: what it needs it asks of small interfaces ([Parts]) that app implements, and who
// asks it learns from a [Gate]. Pages, redirects of identity providers and the paths of
// sources and sinks are not its business.
//
// # What every call goes through
//
// In this order, in one function (serve.go): request id, rate limit of the address, route,
// identity, whether a write comes from our own pages, rate limit of the identity, permission,
// scope, the request read strictly, the handler with its line in the audit trail, the answer
// with its ETag. A handler is reached only when all of that is well, and it gets a [Reach]:
// the part of the data that the identity may see, which it hands on to whatever it reads. A
// thing outside of it is not found, as one that does not exist.
//
// Errors are problem+json (RFC 9457) with one of the codes of problem.go, which is the one
// place where a code gets its status. An error that is not a [Problem] is written to the log
// under the id of the request, and answered as "internal" without a word of its text.
//
// # Worked example
//
//	type ruleIn struct {
//		ID string `path:"id"`
//	}
//
//	func (a *API) rule(ctx context.Context, c *Call[ruleIn]) (*Rule, error) {
//		return a.parts.Rules.Rule(ctx, c.Reach, c.In.ID)
//	}
//
//	// and in routes.go:
//	get("/rules/{id}", View, "getRule", "One rule", a.rule),
//
// docs/hacking/add-an-endpoint.md is the recipe, docs/api.md is for those who call.
package api
