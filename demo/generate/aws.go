package generate

import (
	"fmt"
	"time"
)

// The shop's machines, which an autoscaling group replaces through the day.
var machines = []struct{ id, eni, ip string }{
	{"i-0a51f3c27b90d1e01", "eni-0c11a2b3c4d5e6f01", "10.20.1.17"}, {"i-0a51f3c27b90d1e02", "eni-0c11a2b3c4d5e6f02", "10.20.1.48"},
	{"i-0a51f3c27b90d1e03", "eni-0c11a2b3c4d5e6f03", "10.20.2.21"}, {"i-0a51f3c27b90d1e04", "eni-0c11a2b3c4d5e6f04", "10.20.2.77"},
}

const endpointS3 = "vpce-0b7d1e2f3a4c5b6d7"

// aws is what the AWS accounts do by themselves and what people and pipelines do in them.
func (g *gen) aws() {
	g.shopWorks()
	g.servicesWork()
	g.scanners()
	g.pipelines()
	g.peopleInAWS()
	g.nightly()
}

// shopWorks is the shop's own programs: objects, queues, secrets, keys.
func (g *gen) shopWorks() {
	busy := shoppers(g.from)
	for range g.some(130 * busy) {
		t, m := g.moment(), one(g, machines)
		who := assumed(Production, "shop-web", "", m.id, m.ip, agentGo, t.Truncate(time.Hour))
		key := fmt.Sprintf("products/%05d/main.webp", g.IntN(4000))
		bucket := "kogarashi-shop-assets"
		name, write := "GetObject", false
		if g.chance(0.15) {
			name, write, key, bucket = "PutObject", true, fmt.Sprintf("orders/%s/%s.json", t.Format("2006/01/02"), g.uuid()), "kogarashi-shop-orders"
		}
		g.trail(t, who, call{source: "s3", name: name, write: write, endpoint: endpointS3, data: object(Production, bucket, key),
			params: doc("bucketName", bucket, "Host", bucket+".s3."+region+".amazonaws.com", "key", key),
			more:   doc("SignatureVersion", "SigV4", "CipherSuite", "TLS_AES_128_GCM_SHA256", "bytesTransferredIn", 0, "AuthenticationMethod", "AuthHeader", "x-amz-id-2", g.hex(40), "bytesTransferredOut", 9000+g.IntN(90000))})
	}
	for range g.some(50 * busy) {
		t, m := g.moment(), one(g, machines)
		who := assumed(Production, "shop-web", "", m.id, m.ip, agentGo, t.Truncate(time.Hour))
		key := "arn:aws:kms:" + region + ":" + Production + ":key/7d0b9a52-0f3e-4c1d-9b62-3a5c81e2f440"
		g.trail(t, who, call{source: "kms", name: "Decrypt", endpoint: "vpce-0b7d1e2f3a4c5b6d8", params: doc("encryptionAlgorithm", "SYMMETRIC_DEFAULT", "keyId", key, "encryptionContext", doc("tenant", "shop"))})
	}
	for range g.some(6) {
		t := g.moment()
		who := assumed(Production, "order-worker", "", "order-worker", "10.20.2.90", agentGo, t.Truncate(time.Hour))
		g.trail(t, who, call{source: "secretsmanager", name: "GetSecretValue", endpoint: "vpce-0b7d1e2f3a4c5b6d9", params: doc("secretId", "prod/shop/payment-gateway")})
	}
}

// servicesWork is what services of AWS do for the company: they take roles, write logs, scale.
func (g *gen) servicesWork() {
	roles := []struct{ service, role, session, account string }{
		{"lambda", "thumbnail-maker", "thumbnail-maker", Production}, {"ecs-tasks", "order-worker", "order-worker", Production},
		{"config", "aws-service-role-config", "AWSConfig-Describe", Production}, {"ec2", "shop-web", machines[0].id, Production},
		{"eks", "kogarashi-eks-cluster", "AmazonEKS", Production}, {"lambda", "thumbnail-maker", "thumbnail-maker", Staging},
		{"config", "aws-service-role-config", "AWSConfig-Describe", Staging}, {"config", "aws-service-role-config", "AWSConfig-Describe", Developing},
		{"cloudtrail", "organization-trail", "CloudTrail", Management}, {"config", "aws-service-role-config", "AWSConfig-Describe", LogArchive},
		{"guardduty", "aws-service-role-guardduty", "GuardDuty", Security}, {"securityhub", "aws-service-role-securityhub", "securityhub", Security},
	}
	for range g.some(46) {
		t, r := g.moment(), one(g, roles)
		arn := "arn:aws:iam::" + r.account + ":role/" + r.role
		g.trail(t, service(r.account, r.service), call{source: "sts", name: "AssumeRole",
			params: doc("roleArn", arn, "roleSessionName", r.session, "durationSeconds", 3600),
			resp: doc("credentials", doc("accessKeyId", temporary(arn+t.Format("15")), "expiration", t.Add(time.Hour).Format("Jan 2, 2006, 3:04:05 PM"), "sessionToken", g.hex(48)),
				"assumedRoleUser", doc("assumedRoleId", pick("AROAEXAMPLE", r.account+r.role, upper, 10)+":"+r.session, "arn", "arn:aws:sts::"+r.account+":assumed-role/"+r.role+"/"+r.session))})
	}
	for range g.some(26) { // logs that services put into the archive
		t := g.moment()
		account := one(g, []string{Production, Staging, Management, Security})
		key := fmt.Sprintf("AWSLogs/%s/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%sZ_%s.json.gz", organisation, account, region, t.Format("2006/01/02"), account, region, t.Format("20060102T1504"), g.hex(16))
		g.trail(t, service(LogArchive, "cloudtrail"), call{source: "s3", name: "PutObject", write: true, data: object(LogArchive, "kogarashi-org-trail", key),
			params: doc("bucketName", "kogarashi-org-trail", "x-amz-acl", "bucket-owner-full-control", "key", key)})
	}
	for range g.some(40) { // the configuration recorder looks around
		t := g.moment()
		account := one(g, []string{Production, Staging, Developing})
		who := assumed(account, "AWSServiceRoleForConfig", "aws-service-role/config.amazonaws.com/", "AWSConfig-Describe", "config.amazonaws.com", "config.amazonaws.com", t.Truncate(time.Hour))
		c := one(g, []call{{source: "ec2", name: "DescribeSecurityGroups", params: doc("securityGroupSet", doc(), "filterSet", doc())}, {source: "ec2", name: "DescribeVolumes", params: doc("volumeSet", doc(), "filterSet", doc())},
			{source: "s3", name: "GetBucketVersioning", params: doc("bucketName", "kogarashi-shop-assets", "versioning", "")}, {source: "iam", name: "ListRoles"}, {source: "lambda", name: "ListFunctions20150331"},
			{source: "rds", name: "DescribeDBInstances"}, {source: "kms", name: "GetKeyRotationStatus", params: doc("keyId", "7d0b9a52-0f3e-4c1d-9b62-3a5c81e2f440")}})
		g.trail(t, who, c)
	}
	g.scaling()
}

// scaling is the autoscaling group of the shop: out before noon and before the evening, in at
// night.
func (g *gen) scaling() {
	hour := g.from.In(tokyo).Hour()
	who := assumed(Production, "AWSServiceRoleForAutoScaling", "aws-service-role/autoscaling.amazonaws.com/", "AutoScaling", "autoscaling.amazonaws.com", "autoscaling.amazonaws.com", g.from)
	for range map[int]int{11: 1, 19: 2, 20: 1}[hour] {
		t, id := g.moment(), "i-0"+g.hex(16)
		g.trail(t, who, call{source: "ec2", name: "RunInstances", write: true,
			params: doc("instancesSet", doc("items", list(doc("minCount", 1, "maxCount", 1))), "instanceType", "c7g.large", "blockDeviceMapping", doc(), "monitoring", doc("enabled", false),
				"launchTemplate", doc("launchTemplateId", "lt-0d3c5b1a79e2f6480", "version", "41"), "clientToken", "fleet-"+g.uuid(), "subnetId", "subnet-0a1b2c3d4e5f60718"),
			resp: doc("requestId", g.uuid(), "reservationId", "r-0"+g.hex(16), "ownerId", Production, "instancesSet", doc("items", list(doc("instanceId", id, "imageId", "ami-0f9c1d2e3b4a59687", "instanceState", doc("code", 0, "name", "pending"), "instanceType", "c7g.large", "privateIpAddress", fmt.Sprintf("10.20.%d.%d", 1+g.IntN(2), 100+g.IntN(100))))))})
	}
	for range map[int]int{1: 2, 2: 1, 15: 1}[hour] {
		t, id := g.moment(), "i-0"+g.hex(16)
		g.trail(t, who, call{source: "ec2", name: "TerminateInstances", write: true, params: doc("instancesSet", doc("items", list(doc("instanceId", id)))),
			resp: doc("requestId", g.uuid(), "instancesSet", doc("items", list(doc("instanceId", id, "currentState", doc("code", 32, "name", "shutting-down"), "previousState", doc("code", 16, "name", "running")))))})
	}
}

// scanners only read. The posture scanner that the company pays for looks at every account
// once in six hours, and its calls look like somebody who explores.
func (g *gen) scanners() {
	if g.from.In(tokyo).Hour()%6 != 3 {
		return
	}
	calls := []call{
		{source: "iam", name: "ListUsers"}, {source: "iam", name: "ListRoles"}, {source: "iam", name: "ListPolicies", params: doc("onlyAttached", true)}, {source: "iam", name: "GetAccountSummary"}, {source: "iam", name: "GetAccountPasswordPolicy"}, {source: "iam", name: "GenerateCredentialReport"}, {source: "iam", name: "GetCredentialReport"},
		{source: "ec2", name: "DescribeInstances"}, {source: "ec2", name: "DescribeSnapshots"}, {source: "ec2", name: "DescribeVolumes"}, {source: "ec2", name: "DescribeSecurityGroups"}, {source: "s3", name: "ListBuckets"},
		{source: "rds", name: "DescribeDBInstances"}, {source: "lambda", name: "ListFunctions20150331"}, {source: "kms", name: "ListKeys"}, {source: "cloudtrail", name: "DescribeTrails"}, {source: "eks", name: "ListClusters"}, {source: "secretsmanager", name: "ListSecrets"}, {source: "sns", name: "ListTopics"}, {source: "dynamodb", name: "ListTables"},
	}
	for _, account := range []string{Production, Staging, Developing} {
		start := g.from.Add(time.Duration(g.IntN(40)) * time.Minute)
		who := assumed(account, "posture-scanner", "", "scan", scannerCloud, agentBoto, start)
		for i, c := range calls {
			g.trail(start.Add(time.Duration(i)*1500*time.Millisecond), who, c)
		}
	}
}

// pipelines deploy: hosted runners take a role by OIDC, Terraform reads much and changes
// little.
func (g *gen) pipelines() {
	for range g.some(2.2 * bustle(g.from)) {
		t, account := g.moment(), one(g, []string{Production, Staging, Staging, Developing})
		repo := one(g, []string{"shop-web", "shop-infra", "order-worker"})
		arn := "arn:aws:iam::" + account + ":role/github-deploy"
		subject := "repo:" + githubOrg + "/" + repo + ":ref:refs/heads/main"
		provider := "arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com"
		web := caller{account: account, ip: buildRunner, agent: "aws-sdk-nodejs/3.922.0 os/linux/6.11.0 lang/js md/nodejs/24.11.0 configure-aws-credentials-for-github-actions",
			json: doc("type", "WebIdentityUser", "principalId", provider+":sts.amazonaws.com:"+subject, "userName", subject, "identityProvider", provider)}
		g.trail(t, web, call{source: "sts", name: "AssumeRoleWithWebIdentity", params: doc("roleArn", arn, "roleSessionName", "GitHubActions", "durationSeconds", 3600),
			resp: doc("credentials", doc("accessKeyId", temporary(arn), "expiration", "soon"), "subjectFromWebIdentityToken", subject, "provider", provider, "audience", "sts.amazonaws.com",
				"assumedRoleUser", doc("assumedRoleId", pick("AROAEXAMPLE", account+"github-deploy", upper, 10)+":GitHubActions", "arn", "arn:aws:sts::"+account+":assumed-role/github-deploy/GitHubActions"))})
		who := assumed(account, "github-deploy", "", "GitHubActions", buildRunner, agentTerraform, t)
		reads := []call{{source: "sts", name: "GetCallerIdentity"}, {source: "ec2", name: "DescribeVpcs", params: doc("vpcSet", doc("items", list(doc("vpcId", "vpc-0c2d4e6f8a1b3c5d7"))))}, {source: "iam", name: "GetRole", params: doc("roleName", "shop-web")},
			{source: "elasticloadbalancing", name: "DescribeListeners"}, {source: "ecs", name: "DescribeServices", params: doc("cluster", "shop", "services", list("web"))}, {source: "iam", name: "ListRolePolicies", params: doc("roleName", "shop-web")}, {source: "s3", name: "GetBucketTagging", params: doc("bucketName", "kogarashi-shop-assets")}}
		for i := range 24 {
			g.trail(t.Add(time.Duration(20+i*2)*time.Second), who, reads[i%len(reads)])
		}
		done := t.Add(80 * time.Second)
		switch {
		case repo == "shop-web":
			g.trail(done, who, call{source: "ecs", name: "UpdateService", write: true, params: doc("service", "web", "cluster", "shop", "taskDefinition", fmt.Sprintf("web:%d", 400+g.IntN(60))), resp: doc("service", doc("serviceName", "web", "status", "ACTIVE", "desiredCount", 4))})
		case repo == "order-worker":
			g.trail(done, who, call{source: "lambda", name: "UpdateFunctionCode20150331v2", write: true, params: doc("functionName", "thumbnail-maker", "publish", true), resp: doc("functionName", "thumbnail-maker", "version", fmt.Sprint(90+g.IntN(20)))})
		default:
			g.trail(done, who, call{source: "autoscaling", name: "UpdateAutoScalingGroup", write: true, params: doc("autoScalingGroupName", "shop-web", "desiredCapacity", 4)})
		}
	}
}

// peopleInAWS is what people do: sign in by IAM Identity Center, look at things, seldom change
// one.
func (g *gen) peopleInAWS() {
	for _, p := range g.c.team("platform", "shop", "security", "data") {
		for range g.some(0.5 * bustle(g.from)) {
			t := g.moment()
			account, set := Developing, "PowerUserAccess"
			switch {
			case p.team == "platform" && g.chance(0.5):
				account, set = Production, "AdministratorAccess"
			case p.team == "security":
				account, set = one(g, []string{Security, LogArchive, Production}), "SecurityAudit"
			case g.chance(0.5):
				account, set = Staging, "PowerUserAccess"
			}
			who := g.sso(p, account, set, t, true)
			g.trail(t, caller{account: Management, ip: who.ip, agent: agentBrowser, json: doc("type", "IdentityCenterUser", "accountId", Management, "onBehalfOf", doc("userId", p.id, "identityStoreArn", "arn:aws:identitystore::"+Management+":identitystore/d-9567000000"), "credentialId", g.uuid())},
				call{source: "sso", name: "Federate", kind: "AwsServiceEvent", more: doc("service", "sso")})
			g.trail(t.Add(2*time.Second), caller{account: account, ip: who.ip, agent: agentBrowser, json: who.json}, call{source: "signin", name: "ConsoleLogin", kind: "AwsConsoleSignIn", write: true, resp: doc("ConsoleLogin", "Success"),
				more: doc("MobileVersion", "No", "MFAUsed", "No")})
			looks := []call{{source: "ec2", name: "DescribeInstances", params: doc("maxResults", 1000, "instancesSet", doc(), "filterSet", doc())}, {source: "cloudwatch", name: "DescribeAlarms"}, {source: "logs", name: "DescribeLogGroups"}, {source: "logs", name: "FilterLogEvents", params: doc("logGroupName", "/ecs/web")},
				{source: "ecs", name: "ListServices", params: doc("cluster", "shop")}, {source: "rds", name: "DescribeDBInstances"}, {source: "s3", name: "ListBuckets"}, {source: "ce", name: "GetCostAndUsage", region: "us-east-1"}, {source: "health", name: "DescribeEventAggregates", region: "us-east-1"}}
			for i := range 4 + g.IntN(8) {
				g.trail(t.Add(time.Duration(10+i*25)*time.Second), who, one(g, looks))
			}
			if g.chance(0.03) { // somebody lacks a right
				g.trail(t.Add(5*time.Minute), who, call{source: "kms", name: "ListGrants", code: "AccessDenied", reason: "User: " + who.arn + " is not authorized to perform: kms:ListGrants on resource: arn:aws:kms:" + region + ":" + account + ":key/7d0b9a52-0f3e-4c1d-9b62-3a5c81e2f440"})
			}
		}
	}
}

// nightly is the backup: snapshots at 02:00, and old ones deleted.
func (g *gen) nightly() {
	if g.from.In(tokyo).Hour() != 2 {
		return
	}
	who := assumed(Production, "AWSBackupDefaultServiceRole", "service-role/", "AWSBackup-AWSBackupDefaultServiceRole", "backup.amazonaws.com", "backup.amazonaws.com", g.from)
	for i, m := range machines {
		t := g.from.Add(time.Duration(i*4) * time.Minute)
		g.trail(t, who, call{source: "ec2", name: "CreateSnapshot", write: true, params: doc("volumeId", "vol-0"+m.id[3:], "description", "This snapshot is created by the AWS Backup service."),
			resp: doc("requestId", g.uuid(), "snapshotId", "snap-0"+g.hex(16), "volumeId", "vol-0"+m.id[3:], "status", "pending", "ownerId", Production)})
	}
	g.trail(g.from.Add(30*time.Minute), who, call{source: "rds", name: "CreateDBSnapshot", write: true, params: doc("dBInstanceIdentifier", "shop-prod", "dBSnapshotIdentifier", "awsbackup:job-"+g.uuid()), resp: doc("dBInstanceIdentifier", "shop-prod", "status", "creating")})
}
