package decode

import (
	"net/url"

	"github.com/yagura-sec/yagura"
)

// Header fields of the request logs of Google Cloud's load balancers for HTTP, with what
// Cloud Armor and the Identity-Aware Proxy did.
const (
	glType = glCount + iota
	glResource
	glURL
	glStatus
	glIP
	glMethod
	glArmor
	// The fields below are read by the header only.
	glDetails
	glLocation
	glForwarding
	glBackend
	glPolicy
	glServer
)

var gcpLoadBalancer = &Format{
	Name: "gcp.loadbalancer",
	Fields: logFields("jsonPayload.@type|jsonpayload_type_loadbalancerlogentry.@type|jsonpayload_type_loadbalancerlogentry._type", "resource.type",
		"httpRequest.requestUrl", "httpRequest.status", "httpRequest.remoteIp|jsonPayload.remoteIp", "httpRequest.requestMethod",
		"jsonPayload.enforcedSecurityPolicy.outcome|jsonpayload_type_loadbalancerlogentry.enforcedsecuritypolicy.outcome",
		"jsonPayload.statusDetails|jsonpayload_type_loadbalancerlogentry.statusdetails", "resource.labels.region|resource.labels.zone|resource.labels.location",
		"resource.labels.forwarding_rule_name|resource.labels.url_map_name", "resource.labels.backend_service_name|resource.labels.backend_name",
		"jsonPayload.enforcedSecurityPolicy.name|jsonpayload_type_loadbalancerlogentry.enforcedsecuritypolicy.name", "httpRequest.serverIp"),
	Hot:  glDetails,
	Is:   isGCPLoadBalancer,
	Time: logTime,
	// Key: timestamp (in microseconds), logName, insertId, project.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		key, ok := logKey(r, "gcp.loadbalancer")
		return key, contentHash(logTime(r), r.scalar(glIP), r.scalar(glMethod), r.scalar(glURL), r.scalar(glStatus)), ok
	},
	Header: gcpLoadBalancerHeader,
}

// isGCPLoadBalancer: the type of the payload, or a request to a load balancer.
func isGCPLoadBalancer(r *Record) bool {
	if isTypeOf(r.scalar(glType), "google.cloud.loadbalancing.type.LoadBalancerLogEntry") {
		return true
	}
	return isAny(r.scalar(glResource), "http_load_balancer", "http_external_regional_lb_rule", "internal_http_lb_rule") && r.has(glURL)
}

// isTypeOf compares the type of a message in JSON: type.googleapis.com/{name}.
func isTypeOf(text []byte, name string) bool {
	cut := len(text) - len(name)
	return cut >= 0 && string(text[cut:]) == name && (cut == 0 || text[cut-1] == '/')
}

func gcpLoadBalancerHeader(r *Record, e *yagura.Event) {
	logHeader(r, e)
	e.Region = cutZone(r.str(glLocation))
	e.Action = r.str(glMethod)
	switch status := r.scalar(glStatus); {
	case isAny(r.scalar(glArmor), "DENY"), len(status) == 3 && status[0] >= '4', string(status) == "0":
		e.Outcome = yagura.OutcomeFailure
	case len(status) == 3:
		e.Outcome = yagura.OutcomeSuccess
	}
	e.SrcIP = firstAddress(r, glIP)
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(glBackend))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(glForwarding))
	if u, err := url.Parse(r.str(glURL)); err == nil {
		host := hostEntity(u.Host)
		e.Targets = addEntity(e.Targets, host.Type, host.ID)
	}
	finish(e, yagura.Entity{Type: yagura.EntityResource, ID: r.str(glPolicy)}, yagura.Entity{Type: yagura.EntityIP, ID: firstAddress(r, glServer)})
}
