package decode

import "github.com/yagura-sec/yagura"

// Header fields of the VPC flow logs of Google Cloud.
const (
	vfSource = glCount + iota
	vfTarget
	vfReporter
	vfStart
	vfBytes
	// The fields below are read by the header only.
	vfSourceRegion
	vfTargetRegion
	vfLocation
	vfSourceVM
	vfTargetVM
	vfProjects
)

var gcpVPCFlow = &Format{
	Name: "gcp.vpcflow",
	Fields: logFields("jsonPayload.connection.src_ip", "jsonPayload.connection.dest_ip", "jsonPayload.reporter", "jsonPayload.start_time", "jsonPayload.bytes_sent",
		"jsonPayload.src_instance.region", "jsonPayload.dest_instance.region", "resource.labels.location|resource.labels.region",
		"jsonPayload.src_instance.vm_name", "jsonPayload.dest_instance.vm_name", "jsonPayload.src_instance.project_id|jsonPayload.dest_instance.project_id"),
	Hot:  vfSourceRegion,
	Is:   isGCPVPCFlow,
	Time: logTime,
	// Key: timestamp (in microseconds), logName, insertId, project.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		key, ok := logKey(r, "gcp.vpcflow")
		return key, contentHash(logTime(r), r.scalar(vfSource), r.scalar(vfReporter), r.scalar(vfTarget), r.scalar(vfBytes)), ok
	},
	Header: gcpVPCFlowHeader,
}

// isGCPVPCFlow: a connection in the log vpc_flows, or one that a reporter tells of.
func isGCPVPCFlow(r *Record) bool {
	return r.has(vfSource) && r.has(vfTarget) && (isLog(r, "vpc_flows") || r.has(vfReporter) && r.has(vfStart))
}

func gcpVPCFlowHeader(r *Record, e *yagura.Event) {
	logHeader(r, e)
	e.Action = "flow"
	if e.Region = r.str(vfSourceRegion, vfTargetRegion); isAny(r.scalar(vfReporter), "DEST", "DEST_GATEWAY") {
		e.Region = r.str(vfTargetRegion, vfSourceRegion)
	}
	if e.Region == "" {
		e.Region = cutZone(r.str(vfLocation))
	}
	e.SrcIP = firstAddress(r, vfSource)
	e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, vfTarget))
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(vfTargetVM))
	e.Outcome = yagura.OutcomeSuccess // what was refused is not in this log
	more := []yagura.Entity{{Type: yagura.EntityHost, ID: r.str(vfSourceVM)}}
	for _, id := range r.few(vfProjects) {
		more = append(more, yagura.Entity{Type: yagura.EntityAccount, ID: id})
	}
	finish(e, more...)
}
