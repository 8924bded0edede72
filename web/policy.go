package web

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
)

func newNonce() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// protect sets what a document may do. dev names the origin of a development server, "" for
// none; with one, the rules are loose, as its own scripts are inline.
func protect(h http.Header, nonce, dev string) {
	policy := []string{
		"default-src 'none'",
		"script-src 'self'",
		// Sheets are files. Editors make style elements, which carry the nonce; attributes are
		// set by script through the object model, which no policy needs to allow.
		"style-src 'self' 'nonce-" + nonce + "'",
		"img-src 'self' data: blob:",
		"font-src 'self'",
		"connect-src 'self'",
		"manifest-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		"object-src 'none'",
	}
	if dev != "" {
		policy[1] = "script-src 'self' 'unsafe-inline'"
		policy[2] = "style-src 'self' 'unsafe-inline'"
		policy[5] = "connect-src 'self' ws: wss:"
	}
	h.Set("Content-Security-Policy", strings.Join(policy, "; "))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), clipboard-read=(), clipboard-write=(self)")
}
