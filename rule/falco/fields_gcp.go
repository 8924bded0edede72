package falco

import (
	"strings"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// gcpFields are the fields of Falco's plugin gcpaudit, which reads log entries. Where a
// table has the same value in a column of its own, the field is read there too.
func gcpFields() catalogue {
	c := catalogue{}
	for name, path := range map[string]string{
		"gcp.user":                    "protoPayload.authenticationInfo.principalEmail|payload_authenticationInfo_principalEmail_s|PrincipalEmail",
		"gcp.callerIP":                "protoPayload.requestMetadata.callerIp|payload_requestMetadata_callerIp_s",
		"gcp.userAgent":               "protoPayload.requestMetadata.callerSuppliedUserAgent|payload_requestMetadata_callerSuppliedUserAgent_s",
		"gcp.serviceName":             "protoPayload.serviceName|payload_serviceName_s|ServiceName",
		"gcp.methodName":              "protoPayload.methodName|payload_methodName_s|MethodName",
		"gcp.resourceName":            "protoPayload.resourceName|payload_resourceName_s|GCPResourceName",
		"gcp.resourceType":            "resource.type|resource_type_s|GCPResourceType",
		"gcp.time":                    "timestamp|timestamp_t|Timestamp",
		"gcp.cloudfunctions.function": "resource.labels.function_name",
		"gcp.cloudsql.databaseId":     "resource.labels.database_id",
		"gcp.compute.instanceId":      "resource.labels.instance_id",
		"gcp.compute.networkId":       "resource.labels.network_id",
		"gcp.compute.subnetwork":      "resource.labels.subnetwork_name",
		"gcp.compute.subnetworkId":    "resource.labels.subnetwork_id",
		"gcp.dns.zone":                "resource.labels.zone_name",
		"gcp.iam.serviceAccount":      "resource.labels.email_id",
		"gcp.iam.serviceAccountId":    "resource.labels.unique_id",
		"gcp.projectId":               "resource.labels.project_id|resource_labels_project_id_s|ProjectId",
		"gcp.storage.bucket":          "resource.labels.bucket_name",
	} {
		c[name] = &fieldDef{paths: gcpPaths(path), conv: query.ConvString}
	}
	for _, name := range []string{"gcp.user", "gcp.callerIP", "gcp.methodName"} {
		c[name].always = true
	}
	c["gcp.authorizationInfo"] = computed(marshalled, both("protoPayload", "authorizationInfo")...)
	c["gcp.request"] = computed(marshalled, both("protoPayload", "request")...)
	c["gcp.resourceLabels"] = computed(marshalled, both("resource", "labels")...)
	c["gcp.policyDelta"] = computed(gcpPolicyDelta, rawAt("protoPayload", "serviceData", "policyDelta", "bindingDeltas"),
		rawAt("protoPayload", "metadata", "datasetChange", "bindingDeltas"),
		rawAt("protoPayload", "metadata", "policyDelta", "bindingDeltas"))
	c["gcp.location"] = computed(gcpLocation, textAt("resource", "labels", "location"),
		textAt("resource", "labels", "region"), textAt("resource", "labels", "zone"))
	c["gcp.logging.sink"] = computed(func(in query.Input, out *query.Values) {
		if kind, _ := dep(in, 0); string(kind) == "logging_sink" {
			if name, ok := dep(in, 1); ok {
				out.Add(name)
			}
		}
	}, textAt("resource", "type"), textAt("resource", "labels", "name"))
	return c
}

// gcpPaths are the places of a value: its path in a log entry, the same in BigQuery's
// columns, and the columns of the tables of Microsoft Sentinel.
func gcpPaths(places string) []slot.Path {
	var paths []slot.Path
	for p := range strings.SplitSeq(places, "|") {
		paths = append(paths, exact(strings.Split(p, ".")...))
		if rest, ok := strings.CutPrefix(p, "protoPayload."); ok {
			paths = append(paths, exact(append([]string{"protopayload_auditlog"}, strings.Split(rest, ".")...)...))
		}
	}
	return paths
}

// addWorkspace makes a rule for Google Cloud's audit log judge the entries too that
// Google Workspace writes there. Those that come from Workspace itself are no events of
// Falco's source.
func addWorkspace(r *rule.Rule) {
	entry := &query.Pred{
		Field: query.Field{Name: "protoPayload", Paths: []slot.Path{exact("protoPayload"), exact("protopayload_auditlog")}, Conv: query.ConvRaw},
		Op:    query.Exists, Args: []query.Arg{{Bool: true}}, OpName: "exists",
	}
	const format = "google_workspace.audit"
	r.Formats = append(r.Formats, format)
	r.Variants = map[string]rule.Variant{format: {
		When: &query.And{X: []query.Expr{entry, r.When}}, Fields: r.Fields, Counted: r.Counted, Output: r.Output,
	}}
}

// gcpPolicyDelta yields the first list of binding changes that is not empty.
func gcpPolicyDelta(in query.Input, out *query.Values) {
	for i := range 3 {
		if raw, ok := dep(in, i); ok && len(raw) > 2 && raw[0] == '[' {
			out.Add(raw)
			return
		}
	}
}

// gcpLocation is the location, else the region, else the zone without its letter.
func gcpLocation(in query.Input, out *query.Values) {
	for i := range 2 {
		if v, ok := dep(in, i); ok {
			out.Add(v)
			return
		}
	}
	if zone, ok := dep(in, 2); ok && len(zone) > 0 {
		if len(zone) > 2 {
			zone = zone[:len(zone)-2]
		}
		out.Add(zone)
	}
}
