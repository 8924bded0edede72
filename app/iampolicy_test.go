package app

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/config"
)

// documented reads the actions of the IAM policies that pages show.
func documented(t *testing.T, pages ...string) (actions []string) {
	t.Helper()
	for _, page := range pages {
		text, err := os.ReadFile("../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			var p struct {
				Statement []struct {
					Action    any
					Principal any
				}
			}
			if json.Unmarshal([]byte(block[1]), &p) != nil {
				continue // it is no policy
			}
			for _, s := range p.Statement {
				switch a := s.Action.(type) {
				case string:
					if s.Principal == nil {
						actions = append(actions, a)
					}
				case []any:
					for _, x := range a {
						actions = append(actions, x.(string))
					}
				}
			}
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// TestIAMPolicyIsTheDocumentedOne: with everything of AWS configured, what is allowed is
// what the pages say, and no more.
func TestIAMPolicyIsTheDocumentedOne(t *testing.T) {
	cfg := &config.Config{
		Sources:       []config.Source{{Name: "trail", SQS: &config.SQSSource{Queue: "https://sqs.eu-west-1.amazonaws.com/111122223333/yagura-trail"}}},
		Sinks:         []config.Sink{{Name: "hub", SecurityHub: &config.SecurityHubSink{}}, {Name: "log", CloudWatch: &config.CloudWatchSink{Group: "/yagura/notices"}}},
		Organizations: config.Organizations{Enabled: true}}
	got := NewIAMRoles(cfg, IAMNames{Keys: []string{"arn:aws:kms:eu-west-1:111122223333:key/k"}})[0].Policy.actions()
	want := append(documented(t, "sources.md", "sinks-aws.md"), "s3:GetObjectVersion") // for buckets with versions
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestIAMRoles: what a role of another account reads stands in its policy, and ours may
// take it on.
func TestIAMRoles(t *testing.T) {
	const read = "arn:aws:iam::444455556666:role/yagura-read"
	cfg := &config.Config{Sources: []config.Source{
		{Name: "trail", SQS: &config.SQSSource{Queue: "https://sqs.eu-west-1.amazonaws.com/111122223333/q", S3: config.AWS{Role: read, ExternalID: "x"}}},
		{Name: "old", Bucket: &config.BucketSource{URL: "s3://b/AWSLogs/", AWS: config.AWS{Role: read}}}},
		Sinks: []config.Sink{{Name: "w", Webhook: &config.WebhookSink{URL: "ref+awssecrets://yagura/hook?key=url", Headers: map[string]config.Secret{"X-Key": "ref+awsssm:///yagura/key"}}}}}
	roles := NewIAMRoles(cfg, IAMNames{Prefixes: []string{"s3://org-trail/AWSLogs/"}})
	if len(roles) != 2 || roles[1].Role != read || !roles[1].ExternalID {
		t.Fatalf("%+v", roles)
	}
	if d := cmp.Diff([]string{"secretsmanager:GetSecretValue", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
		"sqs:ReceiveMessage", "ssm:GetParameter", "sts:AssumeRole"}, roles[0].Policy.actions()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"}, roles[1].Policy.actions()); d != "" {
		t.Error(d)
	}
	for _, want := range []string{`"arn:aws:s3:::org-trail/AWSLogs/*"`, `"arn:aws:s3:::org-trail"`, `"arn:aws:s3:::b/AWSLogs/*"`} {
		if !strings.Contains(roles[1].Policy.JSON(), want) {
			t.Errorf("%s is missing in %s", want, roles[1].Policy.JSON())
		}
	}
	for _, want := range []string{`"arn:aws:secretsmanager:*:*:secret:yagura/hook-??????"`, `"arn:aws:ssm:*:*:parameter/yagura/key"`, `"` + read + `"`} {
		if !strings.Contains(roles[0].Policy.JSON(), want) {
			t.Errorf("%s is missing in %s", want, roles[0].Policy.JSON())
		}
	}
}

// TestOwnCallsAreAllowed: what our own role does by its policies is ours, of every role,
// and what it does beyond is a finding.
func TestOwnCallsAreAllowed(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/yagura"
	cfg := &config.Config{Own: config.Own{Roles: []string{role}},
		Sources: []config.Source{{Name: "trail", SQS: &config.SQSSource{Queue: "https://sqs.eu-west-1.amazonaws.com/111122223333/q", S3: config.AWS{Role: "arn:aws:iam::444455556666:role/r"}}}}}
	o := newOwn(cfg, nil, nil)
	call := func(source, name string) []byte {
		return []byte(`{"eventSource":"` + source + `","eventName":"` + name + `","eventID":"e","userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/yagura/i-1","sessionContext":{"sessionIssuer":{"arn":"` + role + `"}}}}`)
	}
	for _, x := range [][2]string{{"s3.amazonaws.com", "GetObject"}, {"s3.amazonaws.com", "HeadObject"}, {"s3.amazonaws.com", "HeadBucket"}, {"sts.amazonaws.com", "AssumeRole"}, {"kms.amazonaws.com", "Decrypt"}} {
		if got := o.look("aws.cloudtrail", call(x[0], x[1])); !got.Own || got.Finding != nil {
			t.Errorf("%v: %+v", x, got)
		}
	}
	with := func(source, name, more string) []byte {
		return []byte(strings.Replace(string(call(source, name)), `"eventID":"e"`, `"eventID":"e","eventTime":"2026-03-02T09:00:00Z",`+more, 1))
	}
	cfg.Own.Buckets = []string{"s3://org-trail/AWSLogs/"}
	o = newOwn(cfg, nil, nil)
	for record, want := range map[string]bool{ // ours?
		string(with("s3.amazonaws.com", "GetObject", `"requestParameters":{"bucketName":"org-trail","key":"AWSLogs/1/x.gz"}`)):                              true,
		string(with("s3.amazonaws.com", "GetObject", `"requestParameters":{"bucketName":"payroll","key":"AWSLogs/1/x.gz"}`)):                                false,
		string(with("s3.amazonaws.com", "GetObject", `"requestParameters":{"bucketName":"org-trail","key":"secret/x"}`)):                                    false,
		string(with("s3.amazonaws.com", "GetObject", `"errorCode":"AccessDenied","requestParameters":{"bucketName":"org-trail","key":"AWSLogs/1/x.gz"}`)):   false,
		string(with("sqs.amazonaws.com", "ReceiveMessage", `"requestParameters":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/q"}`)):        true,
		string(with("sqs.amazonaws.com", "ReceiveMessage", `"requestParameters":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/payments"}`)): false,
		string(with("sts.amazonaws.com", "AssumeRole", `"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/r"}`)):                               true,
		string(with("sts.amazonaws.com", "AssumeRole", `"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/admin"}`)):                           false,
	} {
		if got := o.look("aws.cloudtrail", []byte(record)); got.Own != want || (got.Finding == nil) != want {
			t.Errorf("%s: %+v", record, got)
		}
	}
	for _, x := range [][2]string{{"s3.amazonaws.com", "PutObject"}, {"iam.amazonaws.com", "CreateUser"}, {"logs.amazonaws.com", "PutLogEvents"}} {
		if got := o.look("aws.cloudtrail", call(x[0], x[1])); got.Own || got.Finding == nil {
			t.Errorf("%v: %+v", x, got)
		}
	}
}

// TestOwnRechecks: what the role of re-checks asks in a listed account is ours, and what it
// does beyond is a finding; a role of that name in another account is anybody's. A look that
// is denied is still one.
func TestOwnRechecks(t *testing.T) {
	cfg := &config.Config{Own: config.Own{Roles: []string{"arn:aws:iam::111122223333:role/yagura"}}, Recheck: config.Recheck{Enabled: true, Role: recheckRole}}
	o := newOwn(cfg, nil, func(account string) bool { return account == "444455556666" })
	call := func(role, source, name, parameters string) []byte {
		return []byte(`{"eventSource":"` + source + `","eventName":"` + name + `","eventID":"e","eventTime":"2026-03-02T09:00:00Z","requestParameters":` + parameters +
			`,"userIdentity":{"arn":"arn:aws:sts::1:assumed-role/x/yagura","sessionContext":{"sessionIssuer":{"arn":"` + role + `"}}}}`)
	}
	const (
		own    = "arn:aws:iam::111122223333:role/yagura"
		role   = "arn:aws:iam::444455556666:role/yagura-recheck"
		denied = `"errorCode":"AccessDenied"`
	)
	for _, x := range []struct {
		role, source, name, parameters string
		own, finding                   bool
	}{
		{role, "ec2.amazonaws.com", "DescribeSecurityGroups", `{}`, true, false},
		{role, "rds.amazonaws.com", "DescribeDBClusterSnapshotAttributes", `{}`, true, false},
		{role, "s3.amazonaws.com", "GetBucketPublicAccessBlock", `{"bucketName":"data"}`, true, false},
		{role, "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", `{}`, false, true},
		{role, "s3.amazonaws.com", "GetObject", `{"bucketName":"data","key":"x"}`, false, true},
		{role, "s3.amazonaws.com", "GetBucketPolicyStatus", `{"bucketName":"lost"},` + denied, true, false},
		{role, "s3.amazonaws.com", "GetObject", `{"bucketName":"data","key":"x"},` + denied, false, true},
		{own, "sts.amazonaws.com", "AssumeRole", `{"roleArn":"` + role + `"},` + denied, true, false},
		{own, "sts.amazonaws.com", "AssumeRole", `{"roleArn":"arn:aws:iam::999900001111:role/yagura-recheck"},` + denied, false, true},
		{"arn:aws:iam::999900001111:role/yagura-recheck", "ec2.amazonaws.com", "DescribeSecurityGroups", `{}`, false, false},
		{"arn:aws:iam::444455556666:role/team/yagura-recheck", "ec2.amazonaws.com", "DescribeSecurityGroups", `{}`, false, false},
		{own, "sts.amazonaws.com", "AssumeRole", `{"roleArn":"` + role + `"}`, true, false},
	} {
		got := o.look("aws.cloudtrail", call(x.role, x.source, x.name, x.parameters))
		if got.Own != x.own || (got.Finding != nil) != x.finding {
			t.Errorf("%+v: %+v", x, got)
		}
	}
}
