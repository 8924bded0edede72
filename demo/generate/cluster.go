package generate

import "time"

// clusterCall is one request to the API server of the EKS cluster.
type clusterCall struct {
	user, ip, agent                      string
	groups                               []string
	verb, resource, sub, namespace, name string
	group                                string // API group, with a version behind a slash; "" is v1
	code                                 int
	request                              raw
	extra                                raw
}

// pods are those of the shop.
var pods = []string{"cart-6f7d9c8b5-x2lqp", "cart-6f7d9c8b5-m8tnd", "catalog-7c9f8d6b4-q8wzk", "checkout-58bdf7c6d9-jj4vs"}

// cluster is the EKS cluster of the shop: controllers look at leases, the pipeline deploys,
// people look at pods.
func (g *gen) cluster() {
	controllers := []struct{ user, agent, resource, namespace, name string }{
		{"system:kube-controller-manager", "kube-controller-manager/v1.33.5", "leases", "kube-system", "kube-controller-manager"},
		{"system:kube-scheduler", "kube-scheduler/v1.33.5", "leases", "kube-system", "kube-scheduler"},
		{"system:serviceaccount:kube-system:coredns", "coredns/1.12.4", "endpointslices", "", ""},
		{"system:serviceaccount:kube-system:aws-load-balancer-controller", "controller/v2.14.1", "ingresses", "", ""},
		{"system:node:ip-10-20-4-11.ap-northeast-1.compute.internal", "kubelet/v1.33.5", "nodes", "", "ip-10-20-4-11.ap-northeast-1.compute.internal"},
		{"system:serviceaccount:argocd:argocd-application-controller", "argocd-application-controller/v3.1.9", "deployments", "shop", "cart"},
	}
	for range g.some(44) {
		c := one(g, controllers)
		group := map[string]string{"leases": "coordination.k8s.io/v1", "endpointslices": "discovery.k8s.io/v1", "ingresses": "networking.k8s.io/v1", "deployments": "apps/v1"}[c.resource]
		verb := "get"
		if c.name == "" {
			verb = "watch"
		}
		g.kube(g.moment(), clusterCall{user: c.user, ip: "10.20.4.11", agent: c.agent + " (linux/amd64)", groups: []string{"system:authenticated"}, verb: verb, resource: c.resource, namespace: c.namespace, name: c.name, group: group, code: 200})
	}
	for range g.some(0.8 * bustle(g.from)) { // a deployment through the pipeline
		g.kube(g.moment(), clusterCall{user: "system:serviceaccount:argocd:argocd-application-controller", ip: "10.20.4.31", agent: "argocd-application-controller/v3.1.9 (linux/amd64)", groups: []string{"system:serviceaccounts", "system:serviceaccounts:argocd", "system:authenticated"},
			verb: "patch", resource: "deployments", namespace: "shop", name: one(g, []string{"cart", "catalog", "checkout"}), group: "apps/v1", code: 200,
			request: doc("spec", doc("template", doc("spec", doc("containers", list(doc("name", "app", "image", Production+".dkr.ecr."+region+".amazonaws.com/shop/cart:"+g.hex(7)))))))})
	}
	for _, p := range g.c.team("platform", "shop") {
		for range g.some(0.35 * bustle(g.from)) {
			t := g.moment()
			for range 2 + g.IntN(4) {
				t = t.Add(time.Duration(3+g.IntN(20)) * time.Second)
				g.kube(t, clusterCall{user: p.mail(), ip: g.place(p, t), agent: "kubectl/v1.33.4 (darwin/arm64) kubernetes/" + pick("", "kubectl", hexDigits, 7), groups: []string{"developers", "system:authenticated"}, verb: one(g, []string{"get", "list"}), resource: one(g, []string{"pods", "services", "events"}), namespace: "shop", code: 200})
			}
		}
	}
	// A rule of Falco that does not suit how the shop's pods talk: plainly noisy.
	for range g.some(5) {
		g.falco(g.moment(), "Notice", "Redirect STDOUT/STDIN to Network Connection in Container", "shop", one(g, pods), "gunicorn", "gunicorn -b 0.0.0.0:8080 app:wsgi", "root")
	}
}

// kube writes a request, as the control plane logs it.
func (g *gen) kube(t time.Time, c clusterCall) {
	group := c.group
	path := "/api/v1"
	ref := []any{"resource", c.resource}
	if group != "" {
		path = "/apis/" + group
	}
	if c.namespace != "" {
		path += "/namespaces/" + c.namespace
		ref = append(ref, "namespace", c.namespace)
	}
	path += "/" + c.resource
	if c.name != "" {
		path += "/" + c.name
		ref = append(ref, "name", c.name)
	}
	version := "v1"
	if group != "" {
		ref = append(ref, "apiGroup", group[:len(group)-len("/v1")])
	}
	ref = append(ref, "apiVersion", version)
	if c.sub != "" {
		path += "/" + c.sub
		ref = append(ref, "subresource", c.sub)
	}
	who := []any{"username", c.user, "groups", c.groups}
	if c.extra != "" {
		who = append(who, "extra", c.extra)
	}
	decision := "allow"
	if c.code == 403 {
		decision = "forbid"
	}
	m := []any{"kind", "Event", "apiVersion", "audit.k8s.io/v1", "level", "RequestResponse", "auditID", g.uuid(), "stage", "ResponseComplete", "requestURI", path, "verb", c.verb, "user", doc(who...), "sourceIPs", list(c.ip), "userAgent", c.agent,
		"objectRef", doc(ref...), "responseStatus", doc("metadata", doc(), "code", c.code)}
	if c.request != "" {
		m = append(m, "requestObject", c.request)
	}
	m = append(m, "requestReceivedTimestamp", micros(t), "stageTimestamp", micros(t.Add(7*time.Millisecond)), "annotations", doc("authorization.k8s.io/decision", decision, "authorization.k8s.io/reason", ""))
	g.put(Cluster, Production, t, []byte(doc(m...)))
}

// falco writes an alert of Falco, as falcosidekick passes it on.
func (g *gen) falco(t time.Time, priority, rule, namespace, pod, process, command, user string) {
	id := pick("", pod, hexDigits, 12)
	output := millis(t) + ": " + priority + " " + rule + " (user=" + user + " process=" + process + " command=" + command + " container_id=" + id + " k8s_ns=" + namespace + " k8s_pod_name=" + pod + ")"
	g.put(Falco, "", t, []byte(doc("uuid", g.uuid(), "output", output, "priority", priority, "rule", rule, "time", t.UTC().Format("2006-01-02T15:04:05.000000000Z"), "source", "syscall", "hostname", "ip-10-20-4-11.ap-northeast-1.compute.internal", "tags", list("container", "mitre_execution"),
		"output_fields", doc("container.id", id, "container.image.repository", Production+".dkr.ecr."+region+".amazonaws.com/shop/cart", "evt.time", t.UnixNano(), "k8s.ns.name", namespace, "k8s.pod.name", pod, "proc.cmdline", command, "proc.name", process, "proc.tty", 34816, "user.name", user, "user.loginuid", -1))))
}
