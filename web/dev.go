package web

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Dev returns a handler that hands everything to Vite's development server at an address
// ("http://127.0.0.1:5173"), so that a change of the console is seen at once. It is for
// development alone: what Vite serves may run inline scripts.
func Dev(address string) (http.Handler, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a development server: want one like http://127.0.0.1:5173", address)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = u.Host // Vite refuses hosts that it does not know
		},
		ModifyResponse: func(res *http.Response) error {
			protect(res.Header, "", address)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "the development server does not answer: "+err.Error()+" (start it with: cd web && npm run dev)", http.StatusBadGateway)
		},
	}, nil
}
