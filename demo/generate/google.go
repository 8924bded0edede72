package generate

import (
	"fmt"
	"time"
)

// googleCall is one call to a Google Cloud API, as Cloud Audit Logs write it.
type googleCall struct {
	project, who, ip, agent   string
	service, method, resource string
	kind                      raw  // the monitored resource
	read                      bool // in the data access log
	permission                string
	denied                    bool
	request, response, data   raw
	key                       string // name of the service account's key
}

// google is what the two projects do: queries, objects, notebooks, a deployment.
func (g *gen) google() {
	busy := bustle(g.from)
	etl := "etl@" + DataProd + ".iam.gserviceaccount.com"
	for range g.some(34) {
		g.googleAPI(g.moment(), googleCall{project: DataProd, who: etl, ip: natGoogle, agent: "google-api-python-client/2.184.0 gcloud-python/2.19.0", service: "storage.googleapis.com", method: "storage.objects.get", read: true, permission: "storage.objects.get",
			resource: fmt.Sprintf("projects/_/buckets/kogarashi-lake/objects/orders/dt=%s/part-%04d.parquet", g.from.Format("2006-01-02"), g.IntN(200)), kind: doc("type", "gcs_bucket", "labels", doc("project_id", DataProd, "bucket_name", "kogarashi-lake", "location", "asia-northeast1"))})
	}
	for _, p := range g.c.team("data") {
		for range g.some(5 * busy) {
			t := g.moment()
			project := one(g, []string{DataProd, MLDev})
			g.googleAPI(t, googleCall{project: project, who: p.mail(), ip: g.place(p, t), agent: agentBrowser, service: "bigquery.googleapis.com", method: "google.cloud.bigquery.v2.JobService.InsertJob", permission: "bigquery.jobs.create", read: true,
				resource: "projects/" + project + "/jobs/bquxjob_" + g.hex(8) + "_" + g.hex(11), kind: doc("type", "bigquery_project", "labels", doc("project_id", project, "location", "asia-northeast1")),
				data: ""})
		}
	}
	for range g.some(9) { // the autoscaler of the cluster
		g.googleAPI(g.moment(), googleCall{project: MLDev, who: "service-400100200300@compute-system.iam.gserviceaccount.com", ip: "private", agent: "GCE Managed Instance Group", service: "compute.googleapis.com", method: "v1.compute.instances.get", permission: "compute.instances.get", read: true,
			resource: "projects/" + MLDev + "/zones/asia-northeast1-b/instances/train-" + g.hex(4), kind: doc("type", "gce_instance", "labels", doc("instance_id", fmt.Sprint(4000000000000000000+g.Int64N(1e17)), "project_id", MLDev, "zone", "asia-northeast1-b"))})
	}
	if busy > 0.5 && g.chance(0.35) {
		who := "deploy@" + DataProd + ".iam.gserviceaccount.com"
		g.googleAPI(g.moment(), googleCall{project: DataProd, who: who, ip: buildRunner, agent: "google-cloud-sdk gcloud/545.0.0 command/gcloud.run.deploy", service: "run.googleapis.com", method: "google.cloud.run.v2.Services.UpdateService", permission: "run.services.update",
			resource: "projects/" + DataProd + "/locations/asia-northeast1/services/recommend", kind: doc("type", "cloud_run_revision", "labels", doc("project_id", DataProd, "location", "asia-northeast1", "service_name", "recommend"))})
	}
}

// googleAPI writes a call.
func (g *gen) googleAPI(t time.Time, c googleCall) {
	log, level := "activity", "NOTICE"
	if c.read {
		log, level = "data_access", "INFO"
	}
	status := doc()
	if c.denied {
		status, level = doc("code", 7, "message", "PERMISSION_DENIED"), "ERROR"
	}
	authentication := []any{"principalEmail", c.who}
	if c.key != "" {
		authentication = append(authentication, "serviceAccountKeyName", c.key)
	}
	payload := []any{"@type", "type.googleapis.com/google.cloud.audit.AuditLog", "status", status, "authenticationInfo", doc(authentication...),
		"requestMetadata", doc("callerIp", c.ip, "callerSuppliedUserAgent", c.agent, "requestAttributes", doc("time", micros(t), "auth", doc()), "destinationAttributes", doc()),
		"serviceName", c.service, "methodName", c.method, "authorizationInfo", list(doc("resource", c.resource, "permission", c.permission, "granted", !c.denied, "resourceAttributes", doc())), "resourceName", c.resource}
	if c.data != "" {
		payload = append(payload, "serviceData", c.data)
	}
	if c.request != "" {
		payload = append(payload, "request", c.request)
	}
	if c.response != "" {
		payload = append(payload, "response", c.response)
	}
	kind := c.kind
	if kind == "" {
		kind = doc("type", "project", "labels", doc("project_id", c.project))
	}
	g.put(Google, log, t, []byte(doc("protoPayload", doc(payload...), "insertId", g.letters("abcdefghijklmnopqrstuvwxyz0123456789", 14), "resource", kind, "timestamp", micros(t), "severity", level,
		"logName", "projects/"+c.project+"/logs/cloudaudit.googleapis.com%2F"+log, "receiveTimestamp", micros(t.Add(900*time.Millisecond)))))
}
