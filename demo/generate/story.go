package generate

import "time"

// teller makes the records of stories: a generator whose records happen at given times.
type teller struct{ *gen }

// ago is a time so long before the end of the week.
func (w *Week) ago(d time.Duration) time.Time { return w.end.Add(-d) }

const hour = time.Hour

// tell makes everything that does not happen every week.
func (w *Week) tell() []Record {
	var out []Record
	for i, tell := range []func(*teller){(*teller).leakedKey, (*teller).stolenMailbox, (*teller).minedMachines, (*teller).borrowedRobot, (*teller).mishaps, (*teller).broken} {
		s := &teller{w.gen("story", i, w.start)}
		tell(s)
		out = append(out, s.out...)
	}
	sortByArrival(out)
	return out
}

// The key that leaks, and the user that is made with it. Both are invented.
const (
	leakedKey  = "AKIAEXAMPLECILEGACY1"
	plantedKey = "AKIAEXAMPLEPLANTED01"
	planted    = "svc-backup-02"
)

// leakedKey is the first story: the key of a CI user is pushed to a repository that is public
// for an afternoon, is found, explores, makes an administrator, stops the trail and takes
// customers' data.
func (s *teller) leakedKey() {
	w, c := s.w, s.c
	yoshida := c.byName["yoshida.sora"]
	// Five days ago: the repository with the key is published by mistake.
	s.hub(w.ago(119*hour), handle(yoshida), officeTokyo, "repo.access", "order-worker", "visibility", "public", "previous_visibility", "private")
	s.hub(w.ago(119*hour).Add(3*time.Minute), handle(yoshida), officeTokyo, "secret_scanning_alert.create", "order-worker", "number", 7)
	thief := user(Production, "ci-legacy", leakedKey, leakedFrom, agentBoto)
	t := w.ago(118 * hour)
	s.trail(t.Add(-20*time.Minute), user(Production, "ci-legacy", leakedKey, leakedFrom, agentCLI+s.hex(12)), call{source: "sts", name: "GetCallerIdentity"})
	for i, c := range []call{{source: "iam", name: "ListUsers"}, {source: "iam", name: "ListRoles"}, {source: "iam", name: "ListPolicies"}, {source: "iam", name: "GetAccountSummary"}, {source: "iam", name: "ListGroups"}, {source: "iam", name: "GetAccountAuthorizationDetails"},
		{source: "s3", name: "ListBuckets"}, {source: "ec2", name: "DescribeInstances"}, {source: "ec2", name: "DescribeSnapshots"}, {source: "rds", name: "DescribeDBInstances"}, {source: "lambda", name: "ListFunctions20150331"}, {source: "secretsmanager", name: "ListSecrets"}, {source: "kms", name: "ListKeys"}, {source: "cloudtrail", name: "DescribeTrails"}, {source: "dynamodb", name: "ListTables"}, {source: "sns", name: "ListTopics"}, {source: "organizations", name: "DescribeOrganization", region: "us-east-1"}} {
		s.trail(t.Add(time.Duration(i*11)*time.Second), thief, c)
	}
	for i := range 30 {
		s.trail(t.Add(5*time.Minute).Add(time.Duration(i*3)*time.Second), thief, call{source: one(s.gen, []string{"ec2", "iam", "ssm", "ecr"}), name: one(s.gen, []string{"DescribeVpcs", "ListInstanceProfiles", "GetParametersByPath", "DescribeRepositories"}), code: "AccessDenied", reason: "User: " + thief.arn + " is not authorized to perform this action"})
	}
	// AWS finds the key as well, and takes its sharpest rights.
	s.trail(w.ago(117*hour), user(Production, "ci-legacy", leakedKey, "iam.amazonaws.com", "iam.amazonaws.com"), call{source: "iam", name: "AttachUserPolicy", region: "us-east-1", write: true, params: doc("userName", "ci-legacy", "policyArn", "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3")})
	s.hub(w.ago(116*hour), handle(yoshida), officeTokyo, "repo.access", "order-worker", "visibility", "private", "previous_visibility", "public")
	s.takesOver()
}

// takesOver is the second day of the first story.
func (s *teller) takesOver() {
	w := s.w
	thief := user(Production, "ci-legacy", leakedKey, leakedNext, agentBoto)
	t := w.ago(94 * hour)
	s.trail(t, thief, call{source: "iam", name: "CreateUser", region: "us-east-1", write: true, params: doc("userName", planted), resp: doc("user", doc("path", "/", "userName", planted, "userId", pick("AIDAEXAMPLE", planted, upper, 10), "arn", "arn:aws:iam::"+Production+":user/"+planted, "createDate", t.Format("Jan 2, 2006, 3:04:05 PM")))})
	s.trail(t.Add(40*time.Second), thief, call{source: "iam", name: "AttachUserPolicy", region: "us-east-1", write: true, params: doc("userName", planted, "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess")})
	s.trail(t.Add(70*time.Second), thief, call{source: "iam", name: "CreateAccessKey", region: "us-east-1", write: true, params: doc("userName", planted), resp: doc("accessKey", doc("userName", planted, "accessKeyId", plantedKey, "status", "Active", "createDate", t.Format("Jan 2, 2006, 3:04:05 PM")))})
	s.trail(t.Add(2*time.Minute), thief, call{source: "iam", name: "CreateLoginProfile", region: "us-east-1", write: true, params: doc("userName", planted, "passwordResetRequired", false), resp: doc("loginProfile", doc("userName", planted, "passwordResetRequired", false))})
	admin := user(Production, planted, plantedKey, leakedNext, agentBoto)
	s.trail(t.Add(50*time.Minute), admin, call{source: "cloudtrail", name: "StopLogging", write: true, params: doc("name", "arn:aws:cloudtrail:"+region+":"+Production+":trail/shop-data-events")})
	s.trail(t.Add(52*time.Minute), admin, call{source: "ec2", name: "DeleteFlowLogs", write: true, params: doc("DeleteFlowLogsRequest", doc("FlowLogId", doc("tag", 1, "content", "fl-0a9b8c7d6e5f40312"))), resp: doc("DeleteFlowLogsResponse", doc("unsuccessful", "", "requestId", s.uuid()))})
	for i := range 15 {
		bucket := []string{"kogarashi-shop-orders", "kogarashi-shop-assets", "kogarashi-customer-export", "kogarashi-invoices", "kogarashi-backups"}[i%5] + []string{"", "-eu", "-dr"}[i/5]
		s.trail(t.Add(55*time.Minute).Add(time.Duration(i*4)*time.Second), admin, call{source: "s3", name: "GetBucketPolicy", params: doc("bucketName", bucket, "policy", "")})
	}
	for i := range 420 {
		key := "export/2026/customers-" + s.hex(6) + ".csv.gz"
		s.trail(t.Add(65*time.Minute).Add(time.Duration(i*2)*time.Second), admin, call{source: "s3", name: "GetObject", data: object(Production, "kogarashi-customer-export", key), params: doc("bucketName", "kogarashi-customer-export", "Host", "kogarashi-customer-export.s3."+region+".amazonaws.com", "key", key),
			more: doc("SignatureVersion", "SigV4", "CipherSuite", "TLS_AES_128_GCM_SHA256", "bytesTransferredIn", 0, "AuthenticationMethod", "AuthHeader", "bytesTransferredOut", 4000000+s.IntN(9000000))})
	}
	s.trail(t.Add(80*time.Minute), admin, call{source: "s3", name: "PutBucketPolicy", write: true, params: doc("bucketName", "kogarashi-customer-export", "Host", "kogarashi-customer-export.s3."+region+".amazonaws.com", "policy", "", "bucketPolicy", doc("Version", "2012-10-17", "Statement", list(doc("Sid", "sync", "Effect", "Allow", "Principal", doc("AWS", "arn:aws:iam::210987654321:root"), "Action", list("s3:GetObject", "s3:ListBucket"), "Resource", list("arn:aws:s3:::kogarashi-customer-export", "arn:aws:s3:::kogarashi-customer-export/*")))))})
	s.alert(t.Add(95*time.Minute), "2cc1f0a35d7e4b8a9b6c5d4e3f201907", "Exfiltration:S3/AnomalousBehavior", "User "+planted+" is anomalously invoking S3 APIs.", "The user "+planted+" read objects of the bucket kogarashi-customer-export in an unusual way.", 8,
		doc("resourceType", "AccessKey", "accessKeyDetails", doc("accessKeyId", plantedKey, "principalId", pick("AIDAEXAMPLE", planted, upper, 10), "userType", "IAMUser", "userName", planted), "s3BucketDetails", list(doc("arn", "arn:aws:s3:::kogarashi-customer-export", "name", "kogarashi-customer-export", "type", "S3Bucket"))),
		apiService(t.Add(80*time.Minute), t.Add(95*time.Minute), "GetObject", "s3.amazonaws.com", leakedNext, 420, false))
	// What the security team did, once it saw.
	tanaka := s.sso(s.c.byName["tanaka.kenji"], Production, "AdministratorAccess", w.ago(91*hour), false)
	t = w.ago(91 * hour)
	s.trail(t, tanaka, call{source: "iam", name: "UpdateAccessKey", region: "us-east-1", write: true, params: doc("userName", planted, "accessKeyId", plantedKey, "status", "Inactive")})
	s.trail(t.Add(time.Minute), tanaka, call{source: "iam", name: "UpdateAccessKey", region: "us-east-1", write: true, params: doc("userName", "ci-legacy", "accessKeyId", leakedKey, "status", "Inactive")})
	s.trail(t.Add(3*time.Minute), tanaka, call{source: "iam", name: "DeleteUser", region: "us-east-1", write: true, params: doc("userName", planted)})
	s.trail(t.Add(6*time.Minute), tanaka, call{source: "cloudtrail", name: "StartLogging", write: true, params: doc("name", "arn:aws:cloudtrail:"+region+":"+Production+":trail/shop-data-events")})
}

// apiService is the service part of a finding of GuardDuty about calls of an API.
func apiService(first, last time.Time, api, of, ip string, count int, archived bool) raw {
	return doc("serviceName", "guardduty", "detectorId", "12abc34d567e8fa901bc2d34e56789f0", "action", doc("actionType", "AWS_API_CALL", "awsApiCallAction", doc("api", api, "serviceName", of, "callerType", "Remote IP", "remoteIpDetails", doc("ipAddressV4", ip, "organization", doc("asn", "64500", "asnOrg", "Example Hosting"), "country", doc("countryName", "Netherlands"), "city", doc("cityName", "Amsterdam")))),
		"resourceRole", "TARGET", "eventFirstSeen", millis(first), "eventLastSeen", millis(last), "archived", archived, "count", count)
}
