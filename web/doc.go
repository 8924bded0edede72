// Package web is the console: the page that people work in, as files that are built by
// `make ui`, committed in dist/ and embedded in the binary, and the handler that serves them.
//
// It is not the API: it holds no data, asks nobody for any and needs no sign-in. What the page
// shows it fetches from /api/v1 by itself. What is beside the Go files (src/, e2e/) is the
// TypeScript that dist/ is made of; a build without Node has the same console as one with it.
//
// Three things are kept here and not in the page:
//
//   - The content policy. Scripts are files of this server and nothing else; there is no inline
//     script, so a text of a log that became markup by mistake still could not run. Styles are
//     files too, but for the editors, which make style elements: those carry a nonce that is new
//     for every document.
//   - The build. The names of files have no hash, for small differences in git; their addresses
//     carry ?v= and a hash over all. A page that was loaded from another build gets 404 for its
//     chunks instead of a mixture, and loads itself anew.
//   - The fallback. The addresses of pages (/issues/01J…) are no files: a GET that takes HTML
//     gets the one document there is. Anything else that is missing is missing.
//
// A worked example:
//
//	mux.Handle("/", web.Handler())      // GET /issues → dist/index.html
//	web.Build()                         // "67d99f880506", as GET /api/v1/session says it
//
// With the build tag noui the binary has no console: Handler answers that there is none.
package web
