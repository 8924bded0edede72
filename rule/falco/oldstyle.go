package falco

import "slices"

// Top-level keys of records by which the source of an older rule is known.
func cloudtrailKeys() []string {
	return []string{
		"eventName", "eventSource", "eventTime", "eventID", "eventType", "eventVersion", "eventCategory", "awsRegion",
		"sourceIPAddress", "userIdentity", "requestParameters", "responseElements", "errorCode", "errorMessage",
		"recipientAccountId", "additionalEventData", "readOnly", "managementEvent", "resources", "requestID",
		"sharedEventID", "vpcEndpointId", "tlsDetails", "serviceEventDetails",
	}
}

func gcpKeys() []string { return []string{"protoPayload", "insertId", "logName", "receiveTimestamp"} }

func kubernetesKeys() []string {
	return []string{
		"auditID", "stage", "verb", "objectRef", "requestObject", "responseObject", "responseStatus", "requestURI",
		"user", "impersonatedUser", "annotations", "sourceIPs", "stageTimestamp", "requestReceivedTimestamp", "level",
	}
}

// oldStyle recognises rules of the older cloud style: source k8s_audit, which then
// meant any JSON, and pointers that only CloudTrail or Google's records have. They
// are compiled for those records, unless their file names the source of today, whose
// author means Kubernetes by k8s_audit.
func (l *loader) oldStyle(c *compiler, d *ruleDef, cond text, lists map[*listDef][]string, now *built) (*built, *fault) {
	has := func(keys []string) bool {
		return slices.ContainsFunc(c.pointers, func(p string) bool { return slices.Contains(keys, p) })
	}
	if c.own || has(kubernetesKeys()) {
		return now, nil
	}
	source := ""
	switch {
	case has(cloudtrailKeys()):
		source = "aws_cloudtrail"
	case has(gcpKeys()):
		source = "gcp_auditlog"
	default:
		return now, nil
	}
	if l.modern[d.from.path][source] {
		l.warn(d.name, codeUnknownSource, "source k8s_audit means Kubernetes in a file that names "+source+
			" too, and no Kubernetes record has these pointers", "write source: "+source, d.sourceAt)
		return now, nil
	}
	then, f := l.build(newCompiler(l.sources[source], l.mem), d, cond, lists)
	if f != nil {
		return nil, f
	}
	l.warn(d.name, codeOldCloudStyle, "older cloud style: judged on "+l.sources[source].format+" records, not on Kubernetes",
		"write source: "+source, d.sourceAt)
	return then, nil
}
