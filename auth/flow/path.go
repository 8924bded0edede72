package flow

import (
	"net/url"
	"strings"
)

// ReturnPath returns where a browser may be sent after sign-in: a path of this server, with its
// query. Whatever could be the address of another server, or of this server's own machinery, is
// "/".
func ReturnPath(s string) string {
	const home = "/"
	if len(s) > 1024 || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") {
		return home
	}
	for _, c := range s {
		// Browsers take a backslash for a slash, and drop tabs and line ends before they look.
		if c == '\\' || c < 0x20 || c == 0x7f || c == 0xFFFD {
			return home
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || strings.HasPrefix(u.Path, "//") || strings.ContainsRune(u.Path, '\\') {
		return home
	}
	for _, own := range []string{"/auth/", "/api/", "/sign-in", "/setup"} {
		if strings.HasPrefix(u.Path, own) {
			return home
		}
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}
