package decode

import "github.com/yagura-sec/yagura"

// Header fields of the logs of Google Cloud's firewall rules and policies.
const (
	fwSource = glCount + iota
	fwTarget
	fwDisposition
	fwRule
	fwPort
	// The fields below are read by the header only.
	fwDirection
	fwProject
	fwRegion
	fwLocation
	fwVM
	fwRemoteVM
	fwRemoteProject
)

var gcpFirewall = &Format{
	Name: "gcp.firewall",
	Fields: logFields("jsonPayload.connection.src_ip", "jsonPayload.connection.dest_ip", "jsonPayload.disposition", "jsonPayload.rule_details.reference",
		"jsonPayload.connection.dest_port", "jsonPayload.rule_details.direction", "jsonPayload.instance.project_id", "jsonPayload.instance.region",
		"resource.labels.location|resource.labels.region", "jsonPayload.instance.vm_name", "jsonPayload.remote_instance.vm_name", "jsonPayload.remote_instance.project_id"),
	Hot:  fwDirection,
	Is:   func(r *Record) bool { return r.has(fwSource) && r.has(fwTarget) && r.has(fwDisposition) },
	Time: logTime,
	// Key: timestamp (in microseconds), logName, insertId, project.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		key, ok := logKey(r, "gcp.firewall")
		return key, contentHash(logTime(r), r.scalar(fwSource), r.scalar(fwRule), r.scalar(fwTarget), r.scalar(fwDisposition), r.scalar(fwPort)), ok
	},
	Header: gcpFirewallHeader,
}

func gcpFirewallHeader(r *Record, e *yagura.Event) {
	logHeader(r, e)
	if id := r.str(fwProject); id != "" { // of a shared network the machine's
		e.Account = id
	}
	if e.Region = r.str(fwRegion); e.Region == "" {
		e.Region = cutZone(r.str(fwLocation))
	}
	e.Action = r.str(fwDisposition)
	if isAny(r.scalar(fwDisposition), "ALLOWED") {
		e.Outcome = yagura.OutcomeSuccess
	} else if isAny(r.scalar(fwDisposition), "DENIED") {
		e.Outcome = yagura.OutcomeFailure
	}
	e.SrcIP = firstAddress(r, fwSource)
	from, to := r.str(fwRemoteVM), r.str(fwVM)
	if isAny(r.scalar(fwDirection), "EGRESS") {
		from, to = to, from
	}
	e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, fwTarget))
	e.Targets = addEntity(e.Targets, yagura.EntityHost, to)
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(fwRule))
	finish(e, yagura.Entity{Type: yagura.EntityHost, ID: from}, yagura.Entity{Type: yagura.EntityAccount, ID: r.str(glProject)},
		yagura.Entity{Type: yagura.EntityAccount, ID: r.str(fwRemoteProject)})
}
