package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the query log of Route 53 Resolver, with those of its DNS Firewall.
const (
	rsName = iota
	rsTime
	rsType
	rsVPC
	rsCode
	rsSource
	rsRule
	rsAccount
	// The fields below are read by the header only.
	rsRegion
	rsInstance
	rsEndpoint
	rsAnswers
)

var awsResolver = &Format{
	Name: "aws.route53resolver",
	Fields: fieldList(false, []string{
		rsName:     "query_name",
		rsTime:     "query_timestamp",
		rsType:     "query_type",
		rsVPC:      "vpc_id",
		rsCode:     "rcode",
		rsSource:   "srcaddr",
		rsRule:     "firewall_rule_action",
		rsAccount:  "account_id",
		rsRegion:   "region",
		rsInstance: "srcids.instance",
		rsEndpoint: "srcids.resolver_endpoint|srcids.resolver-endpoint|srcids.resolver_network_interface|srcids.resolver-network-interface",
		rsAnswers:  "answers.Rdata",
	}),
	Hot: rsRegion,
	Is: func(r *Record) bool {
		return r.has(rsName) && r.has(rsTime) && r.has(rsType) && (r.has(rsVPC) || r.has(rsSource))
	},
	// The log gives its lines no id: key: file and number.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(nanos(r.scalar(rsTime)), r.scalar(rsSource), r.scalar(rsType), r.scalar(rsName), r.scalar(rsCode)), false
	},
	Time:   func(r *Record) int64 { return nanos(r.scalar(rsTime)) },
	Header: awsResolverHeader,
}

func awsResolverHeader(r *Record, e *yagura.Event) {
	e.Time = timeOf(nanos(r.scalar(rsTime)))
	e.Account = r.str(rsAccount)
	e.Region = r.str(rsRegion)
	e.Action = "dns-query"
	e.Targets = addEntity(e.Targets, yagura.EntityDomain, dnsName(r.str(rsName)))
	e.SrcIP = firstAddress(r, rsSource)
	switch code := r.scalar(rsCode); {
	case isAny(r.scalar(rsRule), "BLOCK"), len(code) > 0 && string(code) != "NOERROR":
		e.Outcome = yagura.OutcomeFailure
	case len(code) > 0:
		e.Outcome = yagura.OutcomeSuccess
	}
	more := []yagura.Entity{{Type: yagura.EntityHost, ID: r.str(rsInstance)}, {Type: yagura.EntityResource, ID: r.str(rsVPC)},
		{Type: yagura.EntityResource, ID: r.str(rsEndpoint)}}
	finish(e, append(more, answered(r.few(rsAnswers))...)...)
}

// maxAnswers bounds how many answers of a query are entities.
const maxAnswers = 20

// answered are the addresses and names of a query's answers.
func answered(data []string) (list []yagura.Entity) {
	for _, d := range data[:min(len(data), maxAnswers)] {
		if ip := address(d); ip != "" {
			list = append(list, yagura.Entity{Type: yagura.EntityIP, ID: ip})
		} else if name := dnsName(d); strings.IndexByte(name, '.') > 0 && !bytes.ContainsAny([]byte(name), " \t\"=") {
			list = append(list, yagura.Entity{Type: yagura.EntityDomain, ID: name})
		}
	}
	return list
}

// dnsName is a name without the dot at its end.
func dnsName(name string) string {
	if len(name) > 1 {
		return strings.TrimSuffix(name, ".")
	}
	return name
}
