package decode

import "github.com/yagura-sec/yagura"

// Header fields of the VPC flow logs of Google Cloud.
const (
	gvSource = glCount + iota
	gvTarget
	gvReporter
	gvStart
	gvBytes
	// The fields below are read by the header only.
	gvSourceRegion
	gvTargetRegion
	gvLocation
	gvSourceVM
	gvTargetVM
	gvProjects
)

var gcpVPCFlow = &Format{
	Name: "gcp.vpcflow",
	Fields: logFields("jsonPayload.connection.src_ip", "jsonPayload.connection.dest_ip", "jsonPayload.reporter", "jsonPayload.start_time", "jsonPayload.bytes_sent",
		"jsonPayload.src_instance.region", "jsonPayload.dest_instance.region", "resource.labels.location|resource.labels.region",
		"jsonPayload.src_instance.vm_name", "jsonPayload.dest_instance.vm_name", "jsonPayload.src_instance.project_id|jsonPayload.dest_instance.project_id"),
	Hot:  gvSourceRegion,
	Is:   isGCPVPCFlow,
	Time: logTime,
	// Key: timestamp (in microseconds), logName, insertId, project.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		key, ok := logKey(r, "gcp.vpcflow")
		return key, contentHash(logTime(r), r.scalar(gvSource), r.scalar(gvReporter), r.scalar(gvTarget), r.scalar(gvBytes)), ok
	},
	Header: gcpVPCFlowHeader,
}

// isGCPVPCFlow: a connection in the log vpc_flows, or one that a reporter tells of.
func isGCPVPCFlow(r *Record) bool {
	return r.has(gvSource) && r.has(gvTarget) && (isLog(r, "vpc_flows") || r.has(gvReporter) && r.has(gvStart))
}

func gcpVPCFlowHeader(r *Record, e *yagura.Event) {
	logHeader(r, e)
	e.Action = "flow"
	if e.Region = r.str(gvSourceRegion, gvTargetRegion); isAny(r.scalar(gvReporter), "DEST", "DEST_GATEWAY") {
		e.Region = r.str(gvTargetRegion, gvSourceRegion)
	}
	if e.Region == "" {
		e.Region = cutZone(r.str(gvLocation))
	}
	e.SrcIP = firstAddress(r, gvSource)
	e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, gvTarget))
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(gvTargetVM))
	e.Outcome = yagura.OutcomeSuccess // what was refused is not in this log
	more := []yagura.Entity{{Type: yagura.EntityHost, ID: r.str(gvSourceVM)}}
	for _, id := range r.few(gvProjects) {
		more = append(more, yagura.Entity{Type: yagura.EntityAccount, ID: id})
	}
	finish(e, more...)
}
