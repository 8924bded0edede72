package sourcetest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// STS is a fake of the service that gives the credentials of roles.
type STS struct {
	service
	roles    map[string]string // external id by ARN
	lifetime time.Duration
	keys     map[string]string // role by the access key that was given out
}

// NewSTS serves roles on loopback.
func NewSTS(t testing.TB, clock Time) *STS {
	s := &STS{roles: map[string]string{}, lifetime: time.Hour, keys: map[string]string{}}
	s.serve(t, "sts", clock, s.answer)
	return s
}

// Trust makes a role that may be taken on by who gives the external id, "" for none.
func (s *STS) Trust(arn, externalID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles[arn] = externalID
}

// Lifetime is how long credentials are good for from now on. The service itself gives no
// less than 15 minutes; tests want to see them end.
func (s *STS) Lifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// Role is the role whose credentials an access key is of; "" when it is nobody's.
func (s *STS) Role(accessKeyID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[accessKeyID]
}

func (s *STS) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		stsFault(w, http.StatusBadRequest, "MalformedInput", "not a request of this protocol")
		return
	}
	action := form.Get("Action")
	if answered, err := s.admit(w, r, action); answered {
		return
	} else if errors.Is(err, errUnsigned) {
		stsFault(w, http.StatusForbidden, "MissingAuthenticationToken", err.Error())
		return
	} else if err != nil {
		stsFault(w, http.StatusForbidden, "AccessDenied", err.Error())
		return
	}
	if action != "AssumeRole" || form.Get("Version") != "2011-06-15" {
		stsFault(w, http.StatusBadRequest, "InvalidAction", action)
		return
	}
	arn, session := form.Get("RoleArn"), form.Get("RoleSessionName")
	if len(arn) < 20 || len(session) < 2 || len(session) > 64 {
		stsFault(w, http.StatusBadRequest, "ValidationError", "RoleArn or RoleSessionName is too short or too long")
		return
	}
	if id := form.Get("ExternalId"); id != "" && len(id) < 2 {
		stsFault(w, http.StatusBadRequest, "ValidationError", "ExternalId is too short")
		return
	}
	s.mu.Lock()
	want, ok := s.roles[arn]
	n := len(s.keys) + 1
	key := fmt.Sprintf("ASIA%016d", n)
	if ok && form.Get("ExternalId") == want {
		s.keys[key] = arn
	} else {
		ok = false
	}
	lifetime := s.lifetime
	s.mu.Unlock()
	if !ok {
		stsFault(w, http.StatusForbidden, "AccessDenied", "not authorized to perform: sts:AssumeRole on resource: "+arn)
		return
	}
	type credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken string //nolint:revive // the names of the protocol
		Expiration                                 time.Time
	}
	var out struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
		Result  struct {
			Credentials credentials
			User        struct{ Arn, AssumedRoleId string } `xml:"AssumedRoleUser"` //nolint:revive // the names of the protocol
		} `xml:"AssumeRoleResult"`
	}
	out.Result.Credentials = credentials{key, "secret", "token", s.time.Now().Add(lifetime).UTC().Truncate(time.Second)}
	out.Result.User.Arn, out.Result.User.AssumedRoleId = strings.Replace(arn, ":iam:", ":sts:", 1)+"/"+session, "AROAEXAMPLE:"+session
	w.Header().Set("Content-Type", "text/xml")
	_ = xml.NewEncoder(w).Encode(out) // the client may be gone
}

func stsFault(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	type fault struct{ Type, Code, Message string }
	_ = xml.NewEncoder(w).Encode(struct { // the client may be gone
		XMLName xml.Name `xml:"ErrorResponse"`
		Error   fault
	}{Error: fault{"Sender", code, message}})
}
