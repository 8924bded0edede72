// Package server is the one HTTP server of the service, with defaults that hold against
// the open internet: time limits on every part of a request, a bound on connections
// (also per address), small headers, TLS from files that may be renewed while it runs or
// from an authority that speaks ACME, and a stop that lets requests finish.
//
// It knows no routes and no sources: it serves the handler that it is given. A handler
// may move the deadlines of its own requests with http.ResponseController, as receivers
// of bodies and streams of events do.
//
// A worked example:
//
//	s, err := server.Listen(server.Options{Addr: ":8443", CertFile: "tls.crt", KeyFile: "tls.key"})
//	go func() { done <- s.Serve(ctx, mux) }() // returns nil when ctx ended and all requests are done
//	s.Addr() // "[::]:8443"
package server
