package falco

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// oktaFields are the fields of Falco's plugin okta 0.12.0. It sets most of them on
// every event: what a record lacks is "".
func oktaFields() catalogue {
	c := catalogue{}
	for name, path := range map[string]string{
		"okta.evt.type":                 "eventType",
		"okta.evt.legacytype":           "legacyEventType",
		"okta.severity":                 "severity",
		"okta.message":                  "displayMessage",
		"okta.published":                "published",
		"okta.actor.id":                 "actor.id",
		"okta.actor.Type":               "actor.type",
		"okta.actor.alternateid":        "actor.alternateId",
		"okta.actor.name":               "actor.displayName",
		"okta.client.zone":              "client.zone",
		"okta.client.ip":                "client.ipAddress",
		"okta.client.device":            "client.device",
		"okta.client.id":                "client.id",
		"okta.client.geo.city":          "client.geographicalContext.city",
		"okta.client.geo.state":         "client.geographicalContext.state",
		"okta.client.geo.country":       "client.geographicalContext.country",
		"okta.client.geo.postalcode":    "client.geographicalContext.postalCode",
		"okta.useragent.os":             "client.userAgent.os",
		"okta.useragent.browser":        "client.userAgent.browser",
		"okta.useragent.raw":            "client.userAgent.rawUserAgent",
		"okta.result":                   "outcome.result",
		"okta.reason":                   "outcome.reason",
		"okta.transaction.id":           "transaction.id",
		"okta.transaction.type":         "transaction.type",
		"okta.requesturi":               "debugContext.debugData.requestUri",
		"okta.principal.id":             "debugContext.debugData.originalPrincipal.id",
		"okta.principal.alternateid":    "debugContext.debugData.originalPrincipal.alternateId",
		"okta.principal.type":           "debugContext.debugData.originalPrincipal.type",
		"okta.principal.name":           "debugContext.debugData.originalPrincipal.displayName",
		"okta.authentication.sessionid": "authenticationContext.externalSessionId",
		"okta.security.asorg":           "securityContext.asOrg",
		"okta.security.isp":             "securityContext.isp",
		"okta.security.domain":          "securityContext.domain",
	} {
		d := plainText(strings.Split(path, ".")...)
		d.always = true
		c[name] = d
	}
	number := func(keys ...string) *fieldDef {
		return computed(func(in query.Input, out *query.Values) {
			n, _ := depUint(in, 0)
			addUint(out, n)
		}, both(keys...)...)
	}
	c["okta.authentication.step"] = number("authenticationContext", "authenticationStep")
	c["okta.security.asnumber"] = number("securityContext", "asNumber")
	c["okta.security.asnumber"].typ = tUint
	degrees := func(key string) *fieldDef {
		return computed(func(in query.Input, out *query.Values) {
			raw, _ := dep(in, 0)
			f, _ := strconv.ParseFloat(string(raw), 64)
			out.AddString(strconv.FormatFloat(f, 'g', -1, 64))
		}, rawAt("client", "geographicalContext", "geolocation", key))
	}
	c["okta.client.geo.lat"], c["okta.client.geo.lon"] = degrees("lat"), degrees("lon")
	c["okta.app"] = computed(func(in query.Input, out *query.Values) {
		uri, _ := dep(in, 0)
		if rest, ok := bytes.CutPrefix(uri, []byte("/app/")); ok {
			name, _, _ := bytes.Cut(rest, []byte("/"))
			out.Add(name)
		}
	}, textAt("debugContext", "debugData", "requestUri"))
	c["okta.org"] = computed(func(in query.Input, out *query.Values) { out.AddString("") })
	c["okta.org"].note = "okta.org is set in the configuration of Falco's plugin and is always empty here"
	for prefix, kind := range map[string]string{
		"okta.target.user.": "User", "okta.target.group.": "UserGroup", "okta.target.app.": "AppInstance",
	} {
		for name, key := range map[string]string{"id": "id", "alternateid": "alternateId", "name": "displayName"} {
			if kind != "AppInstance" || name == "alternateid" {
				c[prefix+name] = computed(oktaTarget(kind, key), rawAt("target"))
			}
		}
	}
	for _, name := range []string{"okta.mfa.failure.countlast", "okta.mfa.deny.countlast"} {
		c[name] = &fieldDef{
			typ: tUint, arg: argMustFind, window: true,
			bind: func(string) fieldDef { return *computed(func(query.Input, *query.Values) {}) },
		}
	}
	return c
}

// oktaTarget yields one value of the last target of a kind.
func oktaTarget(kind, key string) derivation {
	return func(in query.Input, out *query.Values) {
		targets, ok := dep(in, 0)
		if !ok {
			return
		}
		var last []byte
		jsonEach(targets, func(_ int, t []byte) bool {
			if string(jsonString(jsonGet(t, "type"))) == kind {
				if last = jsonString(jsonGet(t, key)); last == nil {
					last = []byte{}
				}
			}
			return true
		})
		if last != nil {
			out.Add(cString(last))
		}
	}
}
