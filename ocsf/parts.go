package ocsf

import (
	"net/netip"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Millis is a time as OCSF writes it; 0 for none.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// SeverityName is the caption of a severity_id.
func SeverityName(id int) string {
	switch id {
	case 1:
		return "Informational"
	case 2:
		return "Low"
	case 3:
		return "Medium"
	case 4:
		return "High"
	case 5:
		return "Critical"
	case 6:
		return "Fatal"
	}
	return "Unknown"
}

// isIP says whether the schema takes a text for an address.
func isIP(s string) bool {
	if len(s) < 2 || len(s) > 40 {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// isEmail says whether the schema takes a text for an e-mail address: one @, and a domain
// of letters, digits, hyphens and at least one dot.
func isEmail(s string) bool {
	name, domain, ok := strings.Cut(s, "@")
	if !ok || name == "" {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isWord(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) < 0 {
			return false
		}
	}
	dot := strings.IndexByte(domain, '.')
	if dot < 1 || dot == len(domain)-1 {
		return false
	}
	for i := 0; i < len(domain); i++ {
		if c := domain[i]; !isWord(c) && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// email returns s where the schema takes it for an e-mail address, else "".
func email(s string) string {
	if isEmail(s) {
		return s
	}
	return ""
}

// ip returns s where the schema takes it for an address, else "".
func ip(s string) string {
	if isIP(s) {
		return s
	}
	return ""
}

// Endpoint is where a call came from. The schema has a form for addresses, which what a
// log has in their place (251.234.045.249, a service's name) does not keep.
func Endpoint(address string) Object {
	switch {
	case isIP(address):
		return Of("ip", address)
	case strings.Contains(address, ".") && !strings.ContainsAny(address, " /") && address[len(address)-1] > '9':
		return Of("domain", address)
	}
	return Of("name", address)
}

// User is a user of the schema: who a header's actor is.
func User(a yagura.Actor) Object {
	u := Of("uid", a.ID, "name", a.Name)
	if len(u) > 0 { // the schema wants one of these
		u.Set("type", a.Type)
		u.Set("email_addr", email(a.Name))
	}
	return u
}

// Actor is the actor of an event by its header.
func Actor(a yagura.Actor) Object {
	return Of("user", User(a), "session", Of("issuer", a.SessionOf))
}

// Provider names the cloud or service that a format's records come from, "" where that is
// not known.
func Provider(format string) string {
	family, rest, _ := strings.Cut(format, ".")
	switch family {
	case "aws":
		return "AWS"
	case "gcp", "google_workspace":
		return "GCP"
	case "datadog":
		return "Datadog"
	case "azure", "entra", "m365", "microsoft":
		return "Azure"
	case "okta":
		return "Okta"
	case "github":
		return "GitHub"
	case "bitbucket":
		return "Bitbucket"
	case "onelogin":
		return "OneLogin"
	case "duo":
		return "Duo"
	case "slack":
		return "Slack"
	case "cloudflare":
		return "Cloudflare"
	case "kubernetes":
		if rest == "eks" {
			return "AWS"
		}
	}
	return ""
}

// accountType is the schema's type of the accounts of a format.
func accountType(format string) (int, string) {
	family, rest, _ := strings.Cut(format, ".")
	switch {
	case family == "aws":
		return 10, "AWS Account"
	case family == "gcp":
		return 11, "GCP Project"
	case family == "azure":
		return 13, "Azure Subscription"
	case family == "m365":
		return 17, "M365 Tenant"
	case family == "google_workspace":
		return 15, "Google Workspace"
	case family == "microsoft" && rest == "graph_activity", family == "entra":
		return 17, "M365 Tenant"
	}
	return 0, ""
}

// Cloud is the cloud profile's object: whose account an event is in, and where. It is empty
// where a format is of no cloud. name returns the name of an account, and may be nil.
func Cloud(format, account, region string, name func(string) string) Object {
	p := Provider(format)
	if p == "" {
		return nil
	}
	acc := Of("uid", account)
	if account != "" {
		if name != nil {
			acc.Set("name", name(account))
		}
		if id, caption := accountType(format); id != 0 {
			acc.Set("type_id", id)
			acc.Set("type", caption)
		}
	}
	return Of("provider", p, "region", region, "account", acc)
}
