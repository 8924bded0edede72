//go:build noui

package web

import "net/http"

// Build names the console that is embedded: none.
func Build() string { return "" }

// Handler says that this binary was built without a console.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header(), newNonce(), "")
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "this binary was built without the console (build tag noui); the API is at /api/v1", http.StatusNotFound)
	})
}
