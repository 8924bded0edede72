package sigma_test

import (
	"slices"
	"testing"

	"github.com/yagura-sec/yagura/rule/sigma"
)

// TestCloudLogs judges records of the logs of AWS and Google Cloud by rules that name their
// logsource, in every shape in which the record arrives.
func TestCloudLogs(t *testing.T) {
	const asText = `{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"}]}`
	cases := []struct {
		logsource, format, selection string
		hold, not                    []string
	}{
		{"product: aws, service: config", "aws.config", "resourceType: AWS::EC2::SecurityGroup\n    configuration.ipPermissions[any]:\n      fromPort: 22\n      ipRanges: 0.0.0.0/0",
			[]string{`{"resourceType":"AWS::EC2::SecurityGroup","configuration":{"ipPermissions":[{"fromPort":22,"ipRanges":["0.0.0.0/0"]}]}}`,
				`{"messageType":"ConfigurationItemChangeNotification","configurationItem":{"resourceType":"AWS::EC2::SecurityGroup","configuration":{"ipPermissions":[{"fromPort":443},{"fromPort":22,"ipRanges":["0.0.0.0/0"]}]}}}`,
				`{"resourceType":"AWS::EC2::SecurityGroup","configuration":"{\"ipPermissions\":[{\"fromPort\":22,\"ipRanges\":[\"0.0.0.0/0\"]}]}"}`},
			[]string{`{"resourceType":"AWS::EC2::SecurityGroup","configuration":{"ipPermissions":[{"fromPort":22,"ipRanges":["10.0.0.0/8"]},{"fromPort":443,"ipRanges":["0.0.0.0/0"]}]}}`}},
		{"product: aws, service: config", "aws.config", "supplementaryConfiguration.BucketPolicy.policyText.Statement.Principal: '*'",
			[]string{`{"supplementaryConfiguration":{"BucketPolicy":{"policyText":"` + asText + `"}}}`,
				`{"configurationItem":{"supplementaryConfiguration":{"BucketPolicy":{"policyText":"` + asText + `"}}}}`,
				`{"supplementaryConfiguration":{"BucketPolicy":"{\"policyText\":\"{\\\"Statement\\\":[{\\\"Principal\\\":\\\"*\\\"}]}\"}"}}`},
			[]string{`{"supplementaryConfiguration":{"BucketPolicy":{"policyText":null}}}`}},
		{"product: aws, service: config", "aws.config", "supplementaryConfiguration.Policy.Statement.Condition.StringEquals.lambda:FunctionUrlAuthType: NONE",
			[]string{`{"supplementaryConfiguration":{"Policy":"{\"Statement\":[{\"Condition\":{\"StringEquals\":{\"lambda:FunctionUrlAuthType\":\"NONE\"}}}]}"}}`},
			[]string{`{"supplementaryConfiguration":{"Policy":"{\"Statement\":[]}"}}`}},
		{"product: aws, service: config", "aws.config", "configuration.assumeRolePolicyDocument.Statement.Principal.AWS|endswith: ':root'",
			[]string{`{"configuration":{"assumeRolePolicyDocument":"%7B%22Statement%22%3A%5B%7B%22Principal%22%3A%7B%22AWS%22%3A%22arn%3Aaws%3Aiam%3A%3A444455556666%3Aroot%22%7D%7D%5D%7D"}}`,
				`{"configuration":"{\"assumeRolePolicyDocument\":\"%7B%22Statement%22%3A%5B%7B%22Principal%22%3A%7B%22AWS%22%3A%22arn%3Aaws%3Aiam%3A%3A444455556666%3Aroot%22%7D%7D%5D%7D\"}"}`}, nil},
		{"product: aws, service: config", "aws.config", "configuration.publiclyAccessible: true",
			[]string{`{"configuration":"{\"publiclyAccessible\":true}"}`, `{"configurationItem":{"configuration":{"publiclyAccessible":true}}}`}, []string{`{"configuration":{"publiclyAccessible":false}}`}},
		{"product: aws, service: config", "aws.config", "configurationItemDiff.changeType: CREATE",
			[]string{`{"configurationItemDiff":{"changeType":"CREATE"},"configurationItem":{}}`}, []string{`{"configurationItemDiff":{"changeType":"UPDATE"}}`}},
		{"product: aws, service: config", "aws.config", "configurationItem.ARN: a", []string{`{"arn":"a"}`, `{"configurationItem":{"ARN":"a"}}`}, []string{`{"ARN":"b"}`}},
		{"product: aws, service: waf", "aws.waf", "httpRequest.headers.User-Agent|contains: sqlmap",
			[]string{`{"httpRequest":{"headers":[{"name":"Host","value":"x"},{"name":"user-agent","value":"sqlmap/1.8"}]}}`, `{"httpRequest":{"headers":[{"name":"User-Agent","value":"sqlmap/1.8"}]}}`,
				`{"Headers":"[{\"name\":\"User-Agent\",\"value\":\"sqlmap/1.8\"}]"}`},
			[]string{`{"httpRequest":{"headers":[{"name":"Host","value":"sqlmap"},{"name":"User-Agent","value":"curl"}]}}`}},
		{"product: aws, service: waf", "aws.waf", "cs-host: shop.example.com", []string{`{"httpRequest":{"host":"shop.example.com"}}`, `{"httpRequest":{"headers":[{"name":"HOST","value":"shop.example.com"}]}}`}, []string{`{"httpRequest":{"headers":[{"name":"origin","value":"shop.example.com"}]}}`}},
		{"product: aws, service: waf", "aws.waf", "labels.name|startswith: 'awswaf:managed:aws:bot-control:'", []string{`{"labels":[{"name":"x"},{"name":"awswaf:managed:aws:bot-control:bot:name:curl"}]}`}, []string{`{"labels":[]}`}},
		{"product: aws, service: waf", "aws.waf", "ruleId: CategoryHttpLibrary",
			[]string{`{"ruleGroupList":[{"excludedRules":[{"ruleId":"CategoryHttpLibrary"}]}]}`, `{"ruleGroupList":[{"terminatingRule":{"ruleId":"CategoryHttpLibrary"}}]}`, `{"nonTerminatingMatchingRules":[{"ruleId":"CategoryHttpLibrary"}]}`},
			[]string{`{"terminatingRuleId":"Default_Action"}`}},
		{"product: aws, service: route53resolver", "aws.route53resolver", "query_name|endswith: .example.org.", []string{`{"query_name":"a.example.org."}`}, []string{`{"query_name":"a.example.com."}`}},
		{"product: aws, service: route53", "aws.route53", "query_type: TXT", []string{`{"query_type":"TXT"}`}, []string{`{"query_type":"A"}`}},
		{"product: aws, service: eks", "kubernetes.audit", "cloudwatch.logGroup: /aws/eks/prod/cluster", []string{`{"cloudwatch":{"logGroup":"/aws/eks/prod/cluster"}}`}, []string{`{}`}},
		{"product: aws, service: accessanalyzer", "aws.accessanalyzer", "isPublic: true", []string{`{"isPublic":true}`, `{"findingDetails":[{"externalAccessDetails":{"isPublic":true}}]}`}, []string{`{"isPublic":false}`}},
		{"product: aws, service: inspector", "aws.inspector", "exploitAvailable: 'YES'", []string{`{"exploitAvailable":"YES"}`}, []string{`{}`}},
		{"product: aws, service: macie", "aws.macie", "type|startswith: 'Policy:'", []string{`{"type":"Policy:IAMUser/S3BucketPublic"}`}, []string{`{"type":"SensitiveData:S3Object/Personal"}`}},
		{"product: aws, service: guardduty", "aws.guardduty", "severity|gte: 7", []string{`{"Severity":8}`}, []string{`{"severity":2}`}},
		{"product: gcp, service: scc", "gcp.scc", "category: OPEN_FIREWALL\n    state: ACTIVE",
			[]string{`{"finding":{"category":"OPEN_FIREWALL","state":"ACTIVE"}}`, `{"category":"OPEN_FIREWALL","state":"ACTIVE"}`, `{"jsonPayload":{"finding":{"category":"OPEN_FIREWALL","state":"ACTIVE"}}}`}, []string{`{"finding":{"category":"OPEN_FIREWALL","state":"INACTIVE"}}`}},
		{"product: gcp, service: gcp.scc", "gcp.scc", "finding.resourceName|contains: /firewalls/", []string{`{"finding":{"resource_name":"//compute.googleapis.com/projects/p/global/firewalls/x"}}`, `{"resourceName":"a/firewalls/x"}`}, []string{`{}`}},
		{"product: gcp, service: scc", "gcp.scc", "sourceProperties.detectionCategory.ruleName: bad_ip",
			[]string{`{"finding":{"sourceProperties":{"detectionCategory":{"ruleName":"bad_ip"}}}}`, `{"jsonPayload":{"detectionCategory":{"ruleName":"bad_ip"}}}`}, []string{`{}`}},
		{"product: gcp, service: asset", "gcp.asset", "iamPolicy.bindings.members: allUsers",
			[]string{`{"asset":{"iamPolicy":{"bindings":[{"members":["allUsers"]}]}}}`, `{"iam_policy":{"bindings":[{"members":["allUsers"]}]}}`}, []string{`{"priorAsset":{"iamPolicy":{"bindings":[{"members":["allUsers"]}]}}}`}},
		{"product: gcp, service: gcp.asset", "gcp.asset", "asset.assetType: compute.googleapis.com/Firewall\n    resource.data.sourceRanges: 0.0.0.0/0",
			[]string{`{"asset":{"assetType":"compute.googleapis.com/Firewall","resource":{"data":{"sourceRanges":["0.0.0.0/0"]}}}}`, `{"asset_type":"compute.googleapis.com/Firewall","resource":{"data":{"sourceRanges":["0.0.0.0/0"]}}}`}, []string{`{"asset_type":"compute.googleapis.com/Firewall"}`}},
		{"product: gcp, service: vpcflow", "gcp.vpcflow", "jsonPayload.connection.dest_port: 22", []string{`{"jsonPayload":{"connection":{"dest_port":22}}}`}, []string{`{}`}},
		{"product: gcp, service: gcp.firewall", "gcp.firewall", "jsonPayload.disposition: DENIED", []string{`{"jsonPayload":{"disposition":"DENIED"}}`}, []string{`{}`}},
		{"product: gcp, service: dns", "gcp.dns", "jsonPayload.queryName: example.com.", []string{`{"jsonPayload":{"queryName":"example.com."}}`, `{"payload_queryName_s":"example.com."}`}, []string{`{}`}},
		{"product: gcp, service: loadbalancer", "gcp.loadbalancer", "jsonPayload.enforcedSecurityPolicy.outcome: DENY", []string{`{"jsonPayload":{"enforcedSecurityPolicy":{"outcome":"DENY"}}}`}, []string{`{}`}},
		{"product: gcp, service: accesstransparency", "gcp.accesstransparency", "jsonPayload.reason.type: GOOGLE_INITIATED_SERVICE", []string{`{"jsonPayload":{"reason":[{"type":"GOOGLE_INITIATED_SERVICE"}]}}`}, []string{`{}`}},
		{"product: google_workspace, service: alert", "google_workspace.alert", "type: Leaked password", []string{`{"type":"Leaked password"}`}, []string{`{"type":"Apps outage"}`}},
	}
	for _, c := range cases {
		t.Run(c.format+" "+c.selection, func(t *testing.T) {
			r := one(t, "title: T\nsigma-version: 3\nlogsource: {"+c.logsource+"}\ndetection:\n  s:\n    "+c.selection+"\n  condition: s\n", sigma.Options{Pipelines: shipped})
			if !slices.Contains(r.Formats, c.format) {
				t.Errorf("judges %v", r.Formats)
			}
			m := newMatcher(t, r.When)
			for _, rec := range c.hold {
				if !m.match(t, rec) {
					t.Errorf("does not hold for %s", rec)
				}
			}
			for _, rec := range c.not {
				if m.match(t, rec) {
					t.Errorf("holds for %s", rec)
				}
			}
		})
	}
}
