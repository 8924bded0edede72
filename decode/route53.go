package decode

import (
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the log of the queries for a public zone of Route 53, which is text.
const (
	pzZone = iota
	pzName
	pzTime
	pzType
	pzCode
	pzResolver
	// The fields below are read by the header only.
	pzSubnet
	pzEdge
)

var route53 = &Format{
	Name: "aws.route53",
	Fields: fieldList(false, []string{
		pzZone:     "hosted_zone_id",
		pzName:     "query_name",
		pzTime:     "query_timestamp",
		pzType:     "query_type",
		pzCode:     "response_code",
		pzResolver: "resolver_ip",
		pzSubnet:   "edns_client_subnet",
		pzEdge:     "edge_location",
	}),
	Hot: pzSubnet,
	Is:  func(r *Record) bool { return r.has(pzZone) && r.has(pzName) && r.has(pzTime) && r.has(pzCode) },
	// The log gives its lines no id: key: file and number.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(nanos(r.scalar(pzTime)), r.scalar(pzResolver), r.scalar(pzType), r.scalar(pzName), r.scalar(pzCode)), false
	},
	Time:   func(r *Record) int64 { return nanos(r.scalar(pzTime)) },
	Header: route53Header,
}

func route53Header(r *Record, e *yagura.Event) {
	e.Time = timeOf(nanos(r.scalar(pzTime)))
	e.Action = "dns-query"
	e.Targets = addEntity(e.Targets, yagura.EntityDomain, dnsName(r.str(pzName)))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(pzZone))
	e.SrcIP = firstAddress(r, pzResolver)
	if e.Outcome = yagura.OutcomeFailure; isAny(r.scalar(pzCode), "NOERROR") {
		e.Outcome = yagura.OutcomeSuccess
	}
	subnet, _, _ := strings.Cut(r.str(pzSubnet), "/") // of whom the resolver asks for
	finish(e, yagura.Entity{Type: yagura.EntityIP, ID: address(subnet)})
}

// The fields of a line, in order.
var route53Fields = strings.Fields("version query_timestamp hosted_zone_id query_name query_type response_code protocol edge_location resolver_ip edns_client_subnet")

// route53Lines reads the lines of the log.
type route53Lines struct{ oneLine }

// startRoute53 tells a line by the version of the format, the time and the transport.
func startRoute53(l firstLine) lineReader {
	if f := tokens(l.line, len(route53Fields)+1); isRoute53(f) {
		return route53Lines{}
	}
	return nil
}

func isRoute53(f [][]byte) bool {
	return len(f) == len(route53Fields) && isNumber(f[0]) && nanos(f[1]) != 0 && len(f[2]) > 1 && f[2][0] == 'Z' && isAny(f[6], "UDP", "TCP") && address(string(f[8])) != ""
}

func (route53Lines) read(dst, line []byte) ([]byte, error) {
	f := tokens(line, len(route53Fields)+1)
	if !isRoute53(f) {
		return dst, fmt.Errorf("a line of Route 53's query log has other fields than the %d that it should have", len(route53Fields))
	}
	for i, v := range f {
		dst = appendMember(dst, route53Fields[i], v)
	}
	return closeObject(dst), nil
}
