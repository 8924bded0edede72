package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the logs of load balancers: access and connection logs of Application,
// access logs of Network and Classic Load Balancers. They are one format, because they
// name the same things by the same names, and whoever asks who came to a load balancer
// does not care about its generation. The names are those of AWS' tables for Athena.
const (
	lbELB = iota
	lbClient
	lbTime
	lbStatus
	lbVerb
	lbListener
	lbConnection
	lbURL
	// The fields below are read by the header only.
	lbTarget
	lbHost
	lbGroup
	lbCert
	lbAlert
	lbTLS
	lbVerify
	lbTrace
)

var elasticLoadBalancing = &Format{
	Name: "aws.elb",
	Fields: fieldList(false, []string{
		lbELB:        "elb|elb_name",
		lbClient:     "client_ip|request_ip",
		lbTime:       "time|timestamp",
		lbStatus:     "elb_status_code|elb_response_code",
		lbVerb:       "request_verb",
		lbListener:   "listener_id|listener_port|listener",
		lbConnection: "conn_trace_id|tcp_connection_time_ms|tls_verify_status|backend_processing_time",
		lbURL:        "request_url|url",
		lbTarget:     "target_ip|backend_ip",
		lbHost:       "domain_name|request_host",
		lbGroup:      "target_group_arn",
		lbCert:       "chosen_cert_arn|cert_arn",
		lbAlert:      "incoming_tls_alert",
		lbTLS:        "tls_protocol_version|tls_protocol",
		lbVerify:     "tls_verify_status",
		lbTrace:      "trace_id|conn_trace_id",
	}),
	Hot: lbTarget,
	Is: func(r *Record) bool {
		if !r.has(lbClient) || !r.has(lbTime) {
			return false
		}
		return r.has(lbELB) && (r.has(lbStatus) || r.has(lbVerb) || r.has(lbListener) || r.has(lbConnection)) || r.has(lbListener) && r.has(lbConnection)
	},
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(nanos(r.scalar(lbTime)), r.scalar(lbClient), r.scalar(lbVerb), r.scalar(lbURL), r.scalar(lbStatus)), false
	},
	Time:   func(r *Record) int64 { return nanos(r.scalar(lbTime)) },
	Header: elbHeader,
}

// elbHost returns the name that was asked for.
func elbHost(r *Record) string {
	for v := r.First(lbHost); v >= 0; v = r.Doc.Next(v) {
		if t := r.word(v); t != "" && t != "-" {
			return t
		}
	}
	return ""
}

func elbHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(lbTrace)
	e.Time = timeOf(nanos(r.scalar(lbTime)))
	e.SrcIP = firstAddress(r, lbClient)
	lb := r.str(lbELB)
	var more []yagura.Entity
	for _, arn := range [...]string{r.str(lbGroup), r.str(lbCert)} {
		p := strings.SplitN(arn, ":", 6)
		if len(p) < 5 || p[0] != "arn" {
			continue
		}
		if more == nil {
			e.Region, e.Account = p[3], p[4]
		}
		more = append(more, yagura.Entity{Type: yagura.EntityResource, ID: arn})
	}
	verify := r.str(lbVerify)
	switch {
	case r.given(lbVerb) != nil:
		e.Action = r.str(lbVerb)
		e.Outcome = httpOutcome(r.scalar(lbStatus))
	case r.given(lbStatus) != nil: // of a request that could not be read
		e.Outcome = httpOutcome(r.scalar(lbStatus))
	case r.has(lbConnection) || r.has(lbListener):
		e.Action = "connect"
		switch {
		case r.given(lbAlert) != nil || strings.HasPrefix(verify, "Failed"):
			e.Outcome = yagura.OutcomeFailure
		case r.given(lbTLS) != nil:
			e.Outcome = yagura.OutcomeSuccess
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, lb)
	e.Targets = addEntity(e.Targets, yagura.EntityHost, elbHost(r))
	e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, lbTarget))
	finish(e, more...)
}
