package falco

import (
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
)

// Records of the sources other than CloudTrail, with what their fields are asked for.
const (
	gcpRecord = `{"protoPayload":{"authenticationInfo":{"principalEmail":"ada@example.com"},"methodName":"google.iam.admin.v1.SetIamPolicy",
		"requestMetadata":{"callerIp":"198.51.100.7","callerSuppliedUserAgent":"gcloud"},"serviceName":"iam.googleapis.com",
		"resourceName":"projects/p/x","request":{"@type":"t","name":"n"},"authorizationInfo":[{"permission":"p","granted":true}],
		"serviceData":{"policyDelta":{"bindingDeltas":[]}},"metadata":{"policyDelta":{"bindingDeltas":[{"action":"ADD","role":"roles/owner"}]}}},
		"resource":{"type":"gce_instance","labels":{"project_id":"p","zone":"europe-north1-a","instance_id":"42","bucket_name":"b"}},
		"timestamp":"2024-03-05T06:07:08Z","insertId":"i","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity"}`

	oktaRecord = `{"uuid":"u","eventType":"user.session.start","legacyEventType":"core.user_auth.login_success","severity":"INFO",
		"displayMessage":"User login","published":"2024-03-05T06:07:08.009Z","actor":{"id":"00u1","type":"User","alternateId":"ada@example.com","displayName":"Ada"},
		"client":{"zone":"null","ipAddress":"198.51.100.7","device":"Computer","geographicalContext":{"city":"Oslo","country":"Norway","geolocation":{"lat":59.9,"lon":10.7}},
		"userAgent":{"os":"Linux","browser":"FIREFOX","rawUserAgent":"Mozilla"}},"outcome":{"result":"SUCCESS","reason":null},
		"target":[{"id":"1","type":"User","alternateId":"one@example.com","displayName":"One"},{"id":"2","type":"User","alternateId":"two@example.com","displayName":"Two"},
			{"id":"g","type":"UserGroup","alternateId":"unknown","displayName":"Admins"},{"id":"a","type":"AppInstance","alternateId":"Mail","displayName":"Mail app"}],
		"authenticationContext":{"authenticationStep":2,"externalSessionId":"102x"},"securityContext":{"asNumber":29695,"asOrg":"org","isp":"isp","domain":"example.net","isProxy":false},
		"transaction":{"id":"W1","type":"WEB"},"debugContext":{"debugData":{"requestUri":"/api/v1/authn"}}}`

	githubWebhook = `{"webhook_type":"repository","action":"publicized","sender":{"login":"ada"},"organization":{"login":"acme"},
		"repository":{"html_url":"https://github.com/acme/site","description":"our site","private":false,"owner":{"login":"acme"}},
		"member":{"login":"bob"},"changes":{"permission":{"to":"admin"}},"hook":{"id":77,"type":"Repository"},"head_commit":{"id":"c0ffee"},
		"commits":[{"added":["a","b"],"modified":["m"],"removed":[]},{"added":["c"]}],
		"files":[{"name":"key.pem","matches":[{"desc":"Private Key","line":3},{"desc":"AWS key","line":9}]}],
		"workflow":{"path":".github/workflows/x.yml"},"workflow_miner_detections":{"matches":[{"type":"xmrig"},{"type":"pool"},{"type":"xmrig"}]}}`

	githubAudit = `{"@timestamp":1709618828000,"_document_id":"d","action":"repo.access","actor":"ada","org":"acme","repo":"acme/site","visibility":"public",
		"user":"bob","permission":"admin","hook_id":78,"public_repo":true}`

	githubMember = `{"@timestamp":1709618828000,"_document_id":"e","action":"repo.add_member","actor":"ada","repo":"acme/site","user":"eve"}`

	kubernetesRecord = `{"kind":"Event","auditID":"au","stage":"ResponseComplete","verb":"create","requestURI":"/api/v1/namespaces/d/pods?dryRun=All&x=%41",
		"user":{"username":"ada","groups":["system:masters","system:authenticated"]},"impersonatedUser":{"username":"eve"},"sourceIPs":["198.51.100.7","10.0.0.1"],
		"userAgent":"kubectl","objectRef":{"resource":"pods","namespace":"d","name":"p","subresource":"exec"},"responseStatus":{"code":201,"reason":"Created"},
		"responseObject":{"metadata":{"name":"p-1"}},"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC"},
		"requestReceivedTimestamp":"2024-03-05T06:07:08.000009Z","stageTimestamp":"2024-03-05T06:07:08.000009Z",
		"requestObject":{"metadata":{"name":"p"},"data":{"k":"v"},"roleRef":{"name":"cluster-admin"},"type":"x",
			"subjects":[{"kind":"User","name":"u1"},{"kind":"Group","name":"g1"},{"kind":"ServiceAccount","name":"sa","namespace":"ns"}],
			"rules":[{"apiGroups":["","apps"],"resources":["*"],"verbs":["get","list"]},{"nonResourceURLs":["/healthz"],"verbs":["get"]}],
			"spec":{"hostNetwork":true,"type":"NodePort","securityContext":{"runAsUser":1000,"supplementalGroups":[1,2]},
				"ports":[{"port":80,"nodePort":30080}],
				"containers":[
					{"name":"one","image":"reg.example.com/a/b:1.2","command":["sh","-c"],"args":["x"],"securityContext":{"privileged":true,"runAsUser":0,
						"capabilities":{"add":["NET_ADMIN","SYS_TIME"]}},"ports":[{"hostPort":8080,"containerPort":80},{"containerPort":81}]},
					{"name":"two","image":"nginx@sha256:00","securityContext":{"allowPrivilegeEscalation":false}}],
				"volumes":[{"name":"v","hostPath":{"path":"/var/run/docker.sock"}},{"name":"w","emptyDir":{}},{"name":"f","flexVolume":{"driver":"d/r"}}]}}}`
)

// TestFields writes fields of each source by an output.
func TestFields(t *testing.T) {
	for _, c := range []struct {
		source, format, record string
		fields                 map[string]string
	}{
		{"gcp_auditlog", "gcp.audit", gcpRecord, map[string]string{
			"gcp.user": "ada@example.com", "gcp.callerIP": "198.51.100.7", "gcp.userAgent": "gcloud", "gcp.methodName": "google.iam.admin.v1.SetIamPolicy",
			"gcp.serviceName": "iam.googleapis.com", "gcp.projectId": "p", "gcp.location": "europe-north1", "gcp.time": "2024-03-05T06:07:08Z",
			"gcp.request": `{"@type":"t","name":"n"}`, "gcp.authorizationInfo": `[{"permission":"p","granted":true}]`,
			"gcp.policyDelta": `[{"action":"ADD","role":"roles/owner"}]`, "gcp.compute.instanceId": "42", "gcp.storage.bucket": "b", "gcp.resourceType": "gce_instance",
			"gcp.resourceName": "projects/p/x", "gcp.iam.serviceAccount": "<NA>", "gcp.logging.sink": "<NA>",
			"gcp.resourceLabels":    `{"project_id":"p","zone":"europe-north1-a","instance_id":"42","bucket_name":"b"}`,
			"json.value[/insertId]": "i", "evt.source": "gcp_auditlog", "evt.pluginname": "gcpaudit",
		}},
		{"gcp_auditlog", "gcp.audit", `{"protoPayload":{},"resource":{"type":"logging_sink","labels":{"name":"s","location":"global"}}}`, map[string]string{
			"gcp.user": "", "gcp.callerIP": "", "gcp.methodName": "", "gcp.serviceName": "<NA>", "gcp.location": "global", "gcp.logging.sink": "s", "gcp.policyDelta": "<NA>",
		}},
		{"gcp_auditlog", "gcp.audit", `{"protopayload_auditlog":{"serviceName":"iam.googleapis.com","methodName":"m","authenticationInfo":{"principalEmail":"a"}},"logName":"l"}`, map[string]string{
			"gcp.user": "a", "gcp.methodName": "m", "gcp.serviceName": "iam.googleapis.com", "gcp.callerIP": "", "gcp.resourceName": "<NA>",
		}},
		{"gcp_auditlog", "gcp.audit", `{"payload_methodName_s":"m","payload_authenticationInfo_principalEmail_s":"a","resource_labels_project_id_s":"p"}`, map[string]string{
			"gcp.user": "a", "gcp.methodName": "m", "gcp.projectId": "p", "gcp.serviceName": "<NA>",
		}},
		{"gcp_auditlog", "gcp.audit", `{"MethodName":"m","PrincipalEmail":"a","ServiceName":"s","GCPResourceName":"r"}`, map[string]string{
			"gcp.user": "a", "gcp.methodName": "m", "gcp.serviceName": "s", "gcp.resourceName": "r",
		}},
		{"okta", "okta.system", oktaRecord, map[string]string{
			"okta.evt.type": "user.session.start", "okta.evt.legacytype": "core.user_auth.login_success", "okta.severity": "INFO", "okta.message": "User login",
			"okta.published": "2024-03-05T06:07:08.009Z", "okta.actor.id": "00u1", "okta.actor.Type": "User", "okta.actor.alternateid": "ada@example.com",
			"okta.actor.name": "Ada", "okta.client.ip": "198.51.100.7", "okta.client.geo.city": "Oslo", "okta.client.geo.state": "", "okta.useragent.browser": "FIREFOX",
			"okta.result": "SUCCESS", "okta.reason": "", "okta.target.user.id": "2", "okta.target.user.name": "Two", "okta.target.user.alternateid": "two@example.com",
			"okta.target.group.name": "Admins", "okta.target.app.alternateid": "Mail", "okta.authentication.step": "2", "okta.authentication.sessionid": "102x",
			"okta.security.asnumber": "29695", "okta.security.isp": "isp", "okta.requesturi": "/api/v1/authn", "okta.transaction.id": "W1",
			"okta.principal.name": "", "okta.org": "", "json.value[/outcome/reason]": "null", "json.value[/target/1/id]": "2",
		}},
		{"okta", "okta.system", `{"eventType":"x"}`, map[string]string{"okta.actor.name": "", "okta.target.user.id": "<NA>", "okta.evt.type": "x"}},
		{"github", "github.webhook", `{"action":"added","member":{"login":"bob"},"repository":{"full_name":"acme/site"},"sender":{"login":"ada"}}`, map[string]string{
			"github.type": "member", "github.action": "added", "evt.plugininfo": "github member user:ada action:added",
		}},
		{"github", "github.webhook", `{"ref":"refs/heads/x","pusher":{"name":"ada"},"repository":{"full_name":"acme/site"},"sender":{"login":"ada"}}`, map[string]string{
			"github.type": "push", "github.action": "", "evt.plugininfo": "github push user:ada",
		}},
		{"github", "github.webhook", githubWebhook, map[string]string{
			"github.type": "repository", "github.action": "publicized", "github.user": "ada", "github.org": "acme", "github.owner": "acme",
			"github.repo": "https://github.com/acme/site", "github.repo.url": "https://github.com/acme/site", "github.repo.name": "acme/site",
			"github.repo.description": "our site", "github.repo.public": "true", "github.collaborator.name": "bob", "github.collaborator.role": "admin",
			"github.webhook.id": "77", "github.webhook.type": "Repository", "github.commit.added": "a,bc", "github.commit.modified": "m", "github.commit.removed": "",
			"github.diff.has_secrets": "true", "github.diff.committed_secrets.desc": "Private Key,AWS key", "github.diff.committed_secrets.files": "key.pem,key.pem",
			"github.diff.committed_secrets.lines": "3,9", "github.workflow.filename": ".github/workflows/x.yml", "github.workflow.has_miners": "true",
			"github.workflow.miners.type": "xmrig,pool",
		}},
		{"github", "github.audit", githubAudit, map[string]string{
			"github.type": "repository", "github.action": "publicized", "github.user": "ada", "github.org": "acme", "github.owner": "acme",
			"github.repo": "https://github.com/acme/site", "github.repo.name": "acme/site", "github.repo.public": "true", "github.webhook.id": "78",
			"github.collaborator.name": "bob", "github.collaborator.role": "admin", "github.diff.has_secrets": "", "github.workflow.has_miners": "<NA>",
			"json.value[/action]": "repo.access",
		}},
		{"github", "github.audit", githubMember, map[string]string{
			"github.type": "member", "github.action": "added", "github.collaborator.name": "eve",
			"github.repo.public": "<NA>", "github.org": "",
		}},
		{"k8s_audit", "kubernetes.audit", kubernetesRecord, map[string]string{
			"ka.auditid": "au", "ka.stage": "ResponseComplete", "ka.verb": "create", "ka.uri": "/api/v1/namespaces/d/pods?dryRun=All&x=%41",
			"ka.uri.param[x]": "A", "ka.uri.param[dryRun]": "All", "ka.uri.param[y]": "<NA>", "ka.user.name": "ada", "ka.user.groups": "(system:masters,system:authenticated)",
			"ka.impuser.name": "eve", "ka.target.name": "p", "ka.target.namespace": "d", "ka.target.resource": "pods", "ka.target.subresource": "exec",
			"ka.target.pod.name": "p", "ka.auth.decision": "allow", "ka.auth.reason": "RBAC", "ka.response.code": "201", "ka.response.reason": "Created", "ka.resp.name": "p-1",
			"ka.useragent": "kubectl", "ka.sourceips": "(198.51.100.7,10.0.0.1)", "ka.sourceips[1]": "(10.0.0.1)", "ka.cluster.name": "<NA>",
			"ka.req.binding.role": "cluster-admin", "ka.req.binding.subjects.user_names": "(u1)", "ka.req.binding.subjects.group_names": "(g1)",
			"ka.req.binding.subjects.serviceaccount_names": "(sa)", "ka.req.binding.subjects.serviceaccount_ns_names": "(ns:sa)",
			"ka.req.configmap.obj": `{"k":"v"}`, "ka.req.role.rules.verbs": "(get,list,get)", "ka.req.role.rules.verbs[1]": "(get)", "ka.req.role.rules.apiGroups": "(,apps)",
			"ka.req.role.rules.nonResourceURLs": "(/healthz)", "ka.req.pod.host_network": "true", "ka.req.pod.host_pid": "<NA>", "ka.req.pod.run_as_user": "1000",
			"ka.req.pod.supplemental_groups": "(1,2)", "ka.req.service.type": "NodePort", "ka.req.service.ports": `({"port":80,"nodePort":30080})`,
			"ka.req.pod.containers.image": "(reg.example.com/a/b:1.2,nginx@sha256:00)", "ka.req.pod.containers.image[0]": "(reg.example.com/a/b:1.2)",
			"ka.req.pod.containers.image.repository": "(reg.example.com/a/b,nginx)", "ka.req.container.image": "reg.example.com/a/b:1.2",
			"ka.req.container.image.repository": "reg.example.com/a/b", "ka.req.container.privileged": "true", "ka.req.pod.containers.privileged": "(true)",
			"ka.req.pod.containers.host_port": "(8080,81)", "ka.req.pod.containers.add_capabilities": "(NET_ADMIN,SYS_TIME)", "ka.req.pod.containers.run_as_user": "(0)",
			"ka.req.pod.containers.eff_run_as_user": "(0,1000)", "ka.req.pod.containers.eff_run_as_group": "(0,0)", "ka.req.pod.containers.command": "(sh,-c)",
			"ka.req.pod.containers.allow_privilege_escalation": "(false)", "ka.req.pod.initContainers.image": "<NA>",
			"ka.req.pod.volumes.hostpath": "(/var/run/docker.sock)", "ka.req.volume.hostpath[/var/run/docker.sock]": "true", "ka.req.volume.hostpath[/var/*]": "true",
			"ka.req.volume.hostpath[/etc]": "false", "ka.req.pod.volumes.flexvolume_driver": "(d/r)", "ka.req.pod.volumes.volume_type": "(hostPath,emptyDir,flexVolume)",
			"jevt.value[/objectRef/name]": "p", "evt.source": "k8s_audit",
		}},
		{"k8s_audit", "kubernetes.audit", `{"verb":"get","objectRef":{"resource":"secrets","name":"s"}}`, map[string]string{
			"ka.target.pod.name": "<NA>", "ka.req.container.privileged": "<NA>", "ka.user.groups": "<NA>", "ka.req.pod.containers.image": "<NA>",
		}},
	} {
		for field, want := range c.fields {
			r := loadOne(t, ruleText("evt.num exists", "%"+field, c.source))
			if !slices.Contains(r.Formats, c.format) {
				t.Errorf("source %s judges %v, not %s", c.source, r.Formats, c.format)
				continue
			}
			j := newJudge(t, []*rule.Rule{r}, c.format)
			got := j.fire(t, []byte(c.record), testMeta(c.format))
			if len(got) != 1 || got[0].output != want {
				t.Errorf("%s: %v, want %q", field, got, want)
			}
		}
	}
}

// gkeEntry is an audit log entry of GKE about a request.
func gkeEntry(method, resource, more string) string {
	return `{"insertId": "i-1", "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity", "receiveTimestamp": "2024-03-05T06:07:09Z",
		"labels": {"authorization.k8s.io/decision": "allow"}, "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "c1", "project_id": "p"}},
		"protoPayload": {"serviceName": "k8s.io", "methodName": "` + method + `", "resourceName": "` + resource + `",
		"authenticationInfo": {"principalEmail": "ada@example.com"},
		"requestMetadata": {"callerIp": "198.51.100.7", "callerSuppliedUserAgent": "kubectl"}` + more + `}}`
}

// TestGKE reads the fields of source k8s_audit on the audit log of Google Cloud.
func TestGKE(t *testing.T) {
	pod := `, "request": {"spec": {"hostNetwork": true, "containers": [{"image": "nginx:1", "securityContext": {"privileged": true}}]}}, "response": {"metadata": {"name": "p-1"}}`
	for _, c := range []struct {
		record string
		fields map[string]string
	}{
		{gkeEntry("io.k8s.core.v1.pods.create", "core/v1/namespaces/d/pods/p", pod), map[string]string{
			"ka.auditid": "i-1", "ka.verb": "create", "ka.stage": "ResponseComplete", "ka.user.name": "ada@example.com", "ka.useragent": "kubectl",
			"ka.uri": "/core/v1/namespaces/d/pods/p", "ka.target.namespace": "d", "ka.target.resource": "pods", "ka.target.name": "p", "ka.target.subresource": "<NA>",
			"ka.target.pod.name": "p", "ka.req.pod.host_network": "true", "ka.req.pod.containers.image.repository": "(nginx)", "ka.req.pod.containers.privileged": "(true)",
			"ka.req.container.privileged": "true", "ka.resp.name": "p-1", "ka.response.code": "201", "ka.sourceips": "(198.51.100.7)", "ka.auth.decision": "allow",
			"ka.user.groups": "<NA>", "ka.impuser.name": "<NA>", "jevt.value[/stage]": "ResponseComplete", "json.value[/objectRef/namespace]": "d", "json.value[/apiVersion]": "audit.k8s.io/v1",
			"json.value[/stageTimestamp]": "2024-03-05T06:07:09.000000Z", "json.value[/requestReceivedTimestamp]": "2024-03-05T06:07:09.000000Z",
			"json.value[/requestObject/spec/containers/0/image]": "nginx:1", "json.value[/annotations/cluster_name]": "c1", "json.value[/protoPayload/serviceName]": "<NA>",
			"evt.source": "k8s_audit", "evt.pluginname": "k8saudit-gke",
		}},
		{gkeEntry("io.k8s.core.v1.pods.exec.create", "core/v1/namespaces/d/pods/p/exec", ""), map[string]string{
			"ka.stage": "ResponseStarted", "ka.target.subresource": "exec", "ka.target.name": "p", "ka.response.code": "101", "ka.verb": "create",
		}},
		{gkeEntry("io.k8s.core.v1.namespaces.delete", "core/v1/namespaces/d", ""), map[string]string{
			"ka.target.resource": "namespaces", "ka.target.name": "d", "ka.target.namespace": "<NA>", "ka.response.code": "200",
		}},
		{gkeEntry("io.k8s.authorization.rbac.v1.clusterroles.patch", "rbac.authorization.k8s.io/v1/clusterroles/r/status", ""), map[string]string{
			"ka.target.resource": "clusterroles", "ka.target.name": "r", "ka.target.subresource": "status",
		}},
		{gkeEntry("io.k8s.core.v1.secrets.list", "core/v1/secrets", `, "status": {"code": 7, "message": "Forbidden"}`), map[string]string{
			"ka.target.resource": "<NA>", "ka.verb": "list", "ka.response.code": "403",
		}},
	} {
		for field, want := range c.fields {
			r := loadOne(t, ruleText("ka.verb exists", "%"+field, "k8s_audit"))
			got := newJudge(t, []*rule.Rule{r}, "gcp.audit").fire(t, []byte(c.record), testMeta("gcp.audit"))
			if len(got) != 1 || got[0].output != want {
				t.Errorf("%s: %v, want %q", field, got, want)
			}
		}
	}
	// To Falco one entry is an event of two sources, and the first rule of each speaks.
	groups := map[string]bool{}
	for _, text := range []string{ruleText("ka.verb=get", "x", "k8s_audit"), ruleText("gcp.user=x", "x", "gcp_auditlog")} {
		rules, _ := Load([]rule.File{{Path: "r.yaml", Data: []byte(text)}}, Options{Config: &Config{FirstMatch: true}})
		groups[rules[0].Exclusive] = true
	}
	if len(groups) != 2 {
		t.Errorf("groups of which one rule speaks: %v", groups)
	}
	r := loadOne(t, ruleText("not ka.verb=get", "x", "k8s_audit"))
	other := strings.Replace(gkeEntry("google.container.v1.ClusterManager.CreateCluster", "projects/p", ""), `"k8s.io"`, `"container.googleapis.com"`, 1)
	if got := newJudge(t, []*rule.Rule{r}, "gcp.audit").fire(t, []byte(other), testMeta("gcp.audit")); len(got) != 0 {
		t.Errorf("a rule for Kubernetes judges another service of Google Cloud: %v", got)
	}
}

// TestWorkspace asks rules for gcp_auditlog of what Workspace writes into the audit log of
// Google Cloud, and not of what its own API says.
func TestWorkspace(t *testing.T) {
	r := loadOne(t, ruleText("not gcp.methodName=x", "%gcp.serviceName %evt.num", "gcp_auditlog"))
	for record, want := range map[string]int{
		`{"protoPayload":{"serviceName":"login.googleapis.com","methodName":"google.login.LoginService.loginFailure"}}`: 1,
		`{"kind":"admin#reports#activity","id":{"applicationName":"login"},"events":[{"name":"login_failure"}]}`:        0,
	} {
		got := newJudge(t, []*rule.Rule{r}, "google_workspace.audit").fire(t, []byte(record), testMeta("google_workspace.audit"))
		if len(got) != want || want == 1 && got[0].output != "login.googleapis.com 7" {
			t.Errorf("%s: %v", record, got)
		}
	}
}

// TestAlwaysPresent asks for fields that Falco's plugin sets on every event.
func TestAlwaysPresent(t *testing.T) {
	for condition, want := range map[string]bool{
		`okta.actor.name exists`: true, `okta.actor.name=""`: true, `okta.actor.name!=x`: true, `okta.actor.name in (x, "")`: true,
		`not okta.actor.name=x`: true, `okta.actor.name startswith ""`: true, `okta.actor.name contains x`: false, `len(okta.actor.name)=0`: true,
		`okta.actor.name = val(okta.actor.id)`: true, `okta.actor.name=val(okta.evt.type)`: false, `okta.target.user.id exists`: false,
		`okta.actor.name glob "*"`: true, `okta.actor.name != allof (x, y)`: true, `okta.actor.name = oneof (x, "")`: true,
	} {
		j := newJudge(t, []*rule.Rule{loadOne(t, ruleText(condition, "x", "okta"))}, "okta.system")
		if got := len(j.fire(t, []byte(`{"eventType":"x"}`), testMeta("okta.system"))) == 1; got != want {
			t.Errorf("%s: %v", condition, got)
		}
	}
}
