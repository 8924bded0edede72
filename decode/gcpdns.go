package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the query logs of Cloud DNS, of private and public zones, also in the
// flat columns of the Sentinel table GCP_DNS_CL.
const (
	dnName = glCount + iota
	dnType
	dnCode
	dnSource
	// The fields below are read by the header only.
	dnLocation
	dnVM
	dnVMProject
	dnRData
	dnAnswers
	dnNetwork
)

var gcpDNS = &Format{
	Name: "gcp.dns",
	Fields: logFields("jsonPayload.queryName|payload_queryName_s", "jsonPayload.queryType|payload_queryType_s", "jsonPayload.responseCode|payload_responseCode_s",
		"jsonPayload.sourceIP|payload_sourceIP_s", "resource.labels.location|resource_labels_location_s", "jsonPayload.vmInstanceName|payload_vmInstanceName_s",
		"jsonPayload.vmProjectId|payload_vmProjectId_s", "jsonPayload.rdata|payload_rdata_s", "jsonPayload.structuredRdata.rvalue",
		"jsonPayload.sourceNetwork|payload_sourceNetwork_s"),
	Hot: dnLocation,
	Is: func(r *Record) bool {
		return r.has(dnName) && r.has(dnType) && (r.has(dnCode) || isLog(r, "dns_queries"))
	},
	Time: logTime,
	// Key: timestamp (in microseconds), logName, insertId, project.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		key, ok := logKey(r, "gcp.dns")
		return key, contentHash(logTime(r), r.scalar(dnSource), r.scalar(dnType), r.scalar(dnName), r.scalar(dnCode)), ok
	},
	Header: gcpDNSHeader,
}

func gcpDNSHeader(r *Record, e *yagura.Event) {
	logHeader(r, e)
	e.Region = cutZone(r.str(dnLocation))
	e.Action = "dns-query"
	if code := r.scalar(dnCode); isAny(code, "NOERROR") {
		e.Outcome = yagura.OutcomeSuccess
	} else if len(code) > 0 {
		e.Outcome = yagura.OutcomeFailure
	}
	e.SrcIP = firstAddress(r, dnSource)
	e.Targets = addEntity(e.Targets, yagura.EntityDomain, dnsName(r.str(dnName)))
	vm := r.str(dnVM) // "{number of the project}.{name}"
	if number, name, ok := strings.Cut(vm, "."); ok && strings.Trim(number, "0123456789") == "" {
		vm = name
	}
	more := []yagura.Entity{{Type: yagura.EntityHost, ID: vm}, {Type: yagura.EntityAccount, ID: r.str(dnVMProject)}, {Type: yagura.EntityResource, ID: r.str(dnNetwork)}}
	data := r.few(dnAnswers)
	if len(data) == 0 { // name, TTL, class, type and data between tabs, an answer a line
		for line := range strings.SplitSeq(r.str(dnRData), "\n") {
			if parts := strings.Split(line, "\t"); len(parts) == 5 && len(data) < maxAnswers {
				data = append(data, parts[4])
			}
		}
	}
	finish(e, append(more, answered(data)...)...)
}
