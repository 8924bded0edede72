package decode

import "github.com/yagura-sec/yagura"

// Header fields of Cloudflare's DNS logs by Logpush: queries for its zones (DNS logs) and
// through DNS Firewall, which names what it answered apart from what it was told.
const (
	cdName = iota
	cdTime
	cdType
	cdCode
	cdIP
	cdColo
	cdSubnet
	cdCluster
	// The fields below are read by the header only.
	cdUpstream
)

var cloudflareDNS = &Format{
	Name: "cloudflare.dns",
	Fields: fieldList(false, []string{
		cdName:     "QueryName",
		cdTime:     "Timestamp",
		cdType:     "QueryType",
		cdCode:     "ResponseCode|ClientResponseCode",
		cdIP:       "SourceIP",
		cdColo:     "ColoCode",
		cdSubnet:   "EDNSSubnet",
		cdCluster:  "ClusterID",
		cdUpstream: "UpstreamIP",
	}),
	Hot: cdUpstream,
	Is: func(r *Record) bool {
		return r.has(cdName) && r.has(cdTime) && r.has(cdCode) &&
			(r.has(cdType) || r.has(cdIP) && (r.has(cdColo) || r.First(cdSubnet) >= 0 || r.has(cdCluster)))
	},
	// The log gives its queries no id: key: file and number.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(nanos(r.scalar(cdTime)), r.scalar(cdIP), r.scalar(cdType), r.scalar(cdName), r.scalar(cdCode)), false
	},
	Time: func(r *Record) int64 { return nanos(r.scalar(cdTime)) },
	Header: func(r *Record, e *yagura.Event) {
		e.Time = timeOf(nanos(r.scalar(cdTime)))
		e.Action = "dns-query"
		e.Targets = addEntity(e.Targets, yagura.EntityDomain, dnsName(r.str(cdName)))
		e.SrcIP = firstAddress(r, cdIP)
		if e.Outcome = yagura.OutcomeSuccess; string(r.scalar(cdCode)) != "0" {
			e.Outcome = yagura.OutcomeFailure
		}
		finish(e, yagura.Entity{Type: yagura.EntityIP, ID: firstAddress(r, cdSubnet)}, yagura.Entity{Type: yagura.EntityIP, ID: firstAddress(r, cdUpstream)},
			yagura.Entity{Type: yagura.EntityResource, ID: r.str(cdCluster)})
	},
}
