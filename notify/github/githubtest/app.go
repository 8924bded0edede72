package githubtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// routeApp answers what an App asks as itself, with a token that it signed.
func (s *Server) routeApp(w http.ResponseWriter, r *http.Request, path []string, token string, body []byte) {
	if why := s.checkJWT(token); why != "" {
		fail(w, http.StatusUnauthorized, why)
		return
	}
	switch {
	case len(path) == 1 && r.Method == http.MethodGet:
		answer(w, http.StatusOK, s.appJSON())
	case path[0] == "repos" && r.Method == http.MethodGet:
		rp := s.repos[strings.ToLower(path[1]+"/"+path[2])]
		if id, ok := s.moved[strings.ToLower(path[1]+"/"+path[2])]; rp == nil && ok {
			for _, one := range s.repos {
				if one.id == id {
					rp = one
				}
			}
		}
		for id, owner := range s.installs {
			if rp != nil && strings.HasPrefix(strings.ToLower(rp.name), owner+"/") {
				answer(w, http.StatusOK, map[string]any{"id": id, "app_slug": s.app.Slug, "permissions": map[string]string{"issues": "write"}})
				return
			}
		}
		fail(w, http.StatusNotFound, "Not Found")
	case len(path) == 4 && path[1] == "installations" && path[3] == "access_tokens" && r.Method == http.MethodPost:
		id, _ := strconv.ParseInt(path[2], 10, 64)
		owner, ok := s.installs[id]
		if !ok {
			fail(w, http.StatusNotFound, "Not Found")
			return
		}
		m := map[string]any{}
		if len(body) > 0 && json.Unmarshal(body, &m) != nil {
			fail(w, http.StatusBadRequest, "Problems parsing JSON")
			return
		}
		asked, _ := m["permissions"].(map[string]any)
		for k := range asked {
			if k != "issues" && k != "metadata" {
				fail(w, http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
				return
			}
		}
		t := fmt.Sprintf("ghs_installation%08d", s.id())
		s.tokens[t] = &principal{login: s.app.Slug + "[bot]", id: 77, bot: true, owner: owner, expires: s.o.Now().Add(time.Hour)}
		answer(w, http.StatusCreated, map[string]any{"token": t, "expires_at": stamp(s.o.Now().Add(time.Hour)),
			"permissions": map[string]string{"issues": "write", "metadata": "read"}, "repository_selection": "selected"})
	default:
		fail(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) checkJWT(token string) string {
	part := strings.Split(token, ".")
	if s.app == nil || len(part) != 3 {
		return "A JSON web token could not be decoded"
	}
	head, err1 := base64.RawURLEncoding.DecodeString(part[0])
	claims, err2 := base64.RawURLEncoding.DecodeString(part[1])
	sig, err3 := base64.RawURLEncoding.DecodeString(part[2])
	var h struct{ Alg string }
	var c struct {
		Iat, Exp int64
		Iss      string
	}
	if err1 != nil || err2 != nil || err3 != nil || json.Unmarshal(head, &h) != nil || json.Unmarshal(claims, &c) != nil || h.Alg != "RS256" {
		return "A JSON web token could not be decoded"
	}
	sum := sha256.Sum256([]byte(part[0] + "." + part[1]))
	now := s.o.Now().Unix()
	switch {
	case rsa.VerifyPKCS1v15(s.app.Key, crypto.SHA256, sum[:], sig) != nil:
		return "A JSON web token could not be decoded"
	case c.Iss != s.app.ID:
		return "'Issuer' claim ('iss') must be an Integer or the client id"
	case c.Exp <= now:
		return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	case c.Exp > now+600:
		return "'Expiration time' claim ('exp') is too far in the future"
	case c.Iat > now:
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	}
	return ""
}
