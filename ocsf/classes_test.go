package ocsf_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/ocsf"
	"github.com/yagura-sec/yagura/ocsf/ocsftest"
)

// cases are records, the class and activity that they are of, and what else must stand where.
// A path's parts are names and numbers, divided by dots.
var cases = []struct {
	name, format, record, typ string
	want                      map[string]any
}{
	{"console login with MFA", "aws.cloudtrail", cloudTrail("signin", "ConsoleLogin", `"additionalEventData":{"LoginTo":"https://console.example.com/","MFAUsed":"Yes"},"responseElements":{"ConsoleLogin":"Success"}`),
		"Authentication: Logon", map[string]any{"is_mfa": true, "dst_endpoint.svc_name": "https://console.example.com/", "service.name": "signin.amazonaws.com",
			"user.uid": "arn:aws:iam::111122223333:user/alice", "actor.user.credential_uid": "AKIAEXAMPLE", "http_request.user_agent": "aws-cli", "src_endpoint.ip": "192.0.2.7"}},
	{"a role assumed", "aws.cloudtrail", cloudTrail("sts", "AssumeRole", `"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"ci"},`+
		`"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/deploy/ci","assumedRoleId":"AROAX:ci"},"credentials":{"accessKeyId":"ASIAX"}}`),
		"Authentication: Logon", map[string]any{"user.uid": "arn:aws:iam::111122223333:role/deploy", "user.name": "ci", "session.credential_uid": "ASIAX",
			"session.uid": "arn:aws:sts::111122223333:assumed-role/deploy/ci", "session.uid_alt": "AROAX:ci", "actor.user.name": "alice"}},
	{"a user made", "aws.cloudtrail", cloudTrail("iam", "CreateUser", `"requestParameters":{"userName":"carol"},"responseElements":{"user":{"arn":"arn:aws:iam::111122223333:user/carol","userId":"AIDAC","userName":"carol"}}`),
		"Account Change: Create", map[string]any{"user.uid": "arn:aws:iam::111122223333:user/carol", "user.uid_alt": "AIDAC", "user.name": "carol"}},
	{"a policy attached", "aws.cloudtrail", cloudTrail("iam", "AttachRolePolicy", `"requestParameters":{"roleName":"deploy","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`),
		"Account Change: Attach Policy", map[string]any{"user.name": "deploy", "policies.0.uid": "arn:aws:iam::aws:policy/AdministratorAccess"}},
	{"a key made", "aws.cloudtrail", cloudTrail("iam", "CreateAccessKey", `"requestParameters":{"userName":"carol"},"responseElements":{"accessKey":{"accessKeyId":"AKIAC","userName":"carol"}}`),
		"Account Change: Other", map[string]any{"activity_name": "CreateAccessKey", "user.name": "carol", "user.credential_uid": "AKIAC"}},
	{"a member added", "aws.cloudtrail", cloudTrail("iam", "AddUserToGroup", `"requestParameters":{"userName":"carol","groupName":"admins"}`),
		"Group Management: Add User", map[string]any{"user.name": "carol", "group.name": "admins"}},
	{"a permission set", "aws.cloudtrail", cloudTrail("sso", "CreateAccountAssignment", `"requestParameters":{"principalId":"p-1","permissionSetArn":"arn:aws:sso:::permissionSet/a","targetId":"111122223333","targetType":"AWS_ACCOUNT"}`),
		"User Access Management: Assign Privileges", map[string]any{"user.uid": "p-1", "privileges.0": "arn:aws:sso:::permissionSet/a", "resource.uid": "111122223333"}},
	{"a call refused", "aws.cloudtrail", cloudTrail("s3", "PutBucketPolicy", `"errorCode":"AccessDenied","errorMessage":"no","requestParameters":{"bucketName":"b"},"resources":[{"ARN":"arn:aws:s3:::b","accountId":"444455556666","type":"AWS::S3::Bucket"}]`),
		"API Activity: Create", map[string]any{"status": "Failure", "status_code": "AccessDenied", "api.response.error": "AccessDenied", "api.request.uid": "r-1", "api.request.data.bucketName": "b",
			"resources.0.uid": "arn:aws:s3:::b", "resources.0.owner.account.uid": "444455556666", "resources.0.type": "AWS::S3::Bucket", "cloud.region": "eu-west-1", "metadata.event_code": "AwsApiCall"}},
	{"a service's call", "aws.cloudtrail", `{"eventVersion":"1.10","eventTime":"2024-03-14T09:26:53Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":"eu-west-1","readOnly":true,` +
		`"sourceIPAddress":"cloudtrail.amazonaws.com","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/r/s","principalId":"AROA:s","accountId":"111122223333",` +
		`"invokedBy":"cloudtrail.amazonaws.com","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/r"},"attributes":{"creationDate":"2024-03-14T09:00:00Z","mfaAuthenticated":"false"}}},"eventID":"e1","recipientAccountId":"111122223333"}`,
		"API Activity: Read", map[string]any{"actor.invoked_by": "cloudtrail.amazonaws.com", "actor.session.issuer": "arn:aws:iam::111122223333:role/r", "actor.session.is_mfa": false,
			"actor.session.created_time": 1710406800000.0, "actor.user.type_id": 99.0, "actor.user.type": "AssumedRole", "src_endpoint.domain": "cloudtrail.amazonaws.com"}},

	{"consent", "entra.audit", entra("Consent to application", `"targetResources":[{"id":"sp-1","displayName":"Mailer","type":"ServicePrincipal","modifiedProperties":[{"displayName":"ConsentAction.Permissions","oldValue":"\"\"","newValue":"\"[] => [[Id: x, ConsentType: AllPrincipals, Scope: Mail.Read User.Read, CreatedDateTime: ]]\""}]}]`),
		"User Access Management: Assign Privileges", map[string]any{"user.uid": "sp-1", "privileges": []any{"Mail.Read", "User.Read"}, "actor.user.name": "alice@example.com", "metadata.correlation_uid": "c-1"}},
	{"a role given", "entra.audit", entra("Add member to role", `"targetResources":[{"id":"u-2","userPrincipalName":"carol@example.com","type":"User","modifiedProperties":[{"displayName":"Role.DisplayName","newValue":"\"Global Administrator\""}]},{"id":"r-1","type":"Role"}]`),
		"User Access Management: Assign Privileges", map[string]any{"user.uid": "u-2", "user.email_addr": "carol@example.com", "privileges.0": "Global Administrator", "resource.uid": "r-1"}},
	{"a password reset", "entra.audit", entra("Reset user password", `"targetResources":[{"id":"u-2","userPrincipalName":"carol@example.com","type":"User"}]`), "Account Change: Password Reset", map[string]any{"user.name": "carol@example.com"}},
	{"a secret added", "entra.audit", entra("Update application – Certificates and secrets management ", `"targetResources":[{"id":"a-1","displayName":"Billing","type":"Application"}]`),
		"Entity Management: Update", map[string]any{"entity.uid": "a-1", "entity.name": "Billing", "entity.type": "application"}},
	{"a member of a group", "entra.audit", entra("Add member to group", `"targetResources":[{"id":"u-2","userPrincipalName":"carol@example.com","type":"User"},{"id":"g-1","displayName":"Admins","type":"Group"}]`),
		"Group Management: Add User", map[string]any{"group.uid": "g-1", "user.uid": "u-2"}},
	{"sign-in", "entra.signin", `{"category":"SignInLogs","operationName":"Sign-in activity","tenantId":"t-1","resultType":"50126","resultDescription":"Invalid password","callerIpAddress":"192.0.2.7","properties":{"id":"s-1","createdDateTime":"2024-03-14T09:26:53Z",` +
		`"userPrincipalName":"alice@example.com","userId":"u-1","appId":"a-1","appDisplayName":"Portal","ipAddress":"192.0.2.7","status":{"errorCode":50126,"failureReason":"Invalid password"},"isInteractive":true,"authenticationRequirement":"multiFactorAuthentication",` +
		`"location":{"city":"Tokyo","countryOrRegion":"JP","geoCoordinates":{"latitude":35.6,"longitude":139.7}},"resourceDisplayName":"Graph","conditionalAccessStatus":"success"}}`,
		"Authentication: Logon", map[string]any{"status": "Failure", "status_code": "50126", "status_detail": "Invalid password", "user.uid": "u-1", "actor.app_uid": "a-1", "service.name": "Graph", "is_mfa": true,
			"unmapped.isInteractive": true, "src_endpoint.location.country": "JP", "src_endpoint.location.lat": 35.6, "cloud.account.uid": "t-1"}},
	{"a file shared", "m365.audit", `{"CreationTime":"2024-03-14T09:26:53","Id":"m-1","Operation":"FileDownloaded","OrganizationId":"t-1","RecordType":6,"UserId":"alice@example.com","UserType":0,"Workload":"OneDrive","ClientIP":"192.0.2.7",` +
		`"ObjectId":"https://example.com/personal/alice/Documents/plan.docx","SourceFileName":"plan.docx","SourceFileExtension":"docx","ItemType":"File","SiteUrl":"https://example.com/personal/alice"}`,
		"File Hosting Activity: Download", map[string]any{"file.name": "plan.docx", "file.ext": "docx", "actor.user.name": "alice@example.com", "src_endpoint.ip": "192.0.2.7"}},
	{"a mailbox opened", "m365.audit", `{"CreationTime":"2024-03-14T09:26:53","Id":"m-2","Operation":"Add-MailboxPermission","OrganizationId":"t-1","RecordType":1,"UserId":"alice@example.com","UserType":2,"Workload":"Exchange","ResultStatus":"True",` +
		`"Parameters":[{"Name":"Identity","Value":"box"},{"Name":"User","Value":"carol@example.com"},{"Name":"AccessRights","Value":"FullAccess"}]}`,
		"User Access Management: Assign Privileges", map[string]any{"user.name": "carol@example.com", "privileges.0": "FullAccess", "resource.name": "box", "actor.user.type": "Admin"}},
	{"an Azure role", "azure.activity", `{"time":"2024-03-14T09:26:53Z","resourceId":"/SUBSCRIPTIONS/S-1/PROVIDERS/MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/R-1","operationName":"MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE","category":"Administrative","resultType":"Start",` +
		`"callerIpAddress":"192.0.2.7","correlationId":"c-1","identity":{"claims":{"name":"Alice","http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"alice@example.com"}},"properties":{"requestbody":"{\"Id\":\"r\",\"Properties\":{\"PrincipalId\":\"u-2\",\"PrincipalType\":\"User\",\"RoleDefinitionId\":\"/providers/Microsoft.Authorization/roleDefinitions/owner-1\",\"Scope\":\"/subscriptions/s-1\"}}"}}`,
		"User Access Management: Assign Privileges", map[string]any{"user.uid": "u-2", "privileges.0": "owner-1", "resource.uid": "/subscriptions/s-1"}},
	{"a Google role", "gcp.audit", gcp("cloudresourcemanager.googleapis.com", "SetIamPolicy", `"resourceName":"projects/p","serviceData":{"policyDelta":{"bindingDeltas":[{"action":"ADD","role":"roles/owner","member":"user:carol@example.com"}]}}`),
		"User Access Management: Assign Privileges", map[string]any{"user.name": "carol@example.com", "privileges.0": "roles/owner", "resource.uid": "projects/p", "cloud.project_uid": "p", "metadata.logged_time": 1710408414000.0}},
	{"a service account's key", "gcp.audit", gcp("iam.googleapis.com", "google.iam.admin.v1.CreateServiceAccountKey", `"resourceName":"projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com"`),
		"Account Change: Other", map[string]any{"user.name": "sa@p.iam.gserviceaccount.com", "user.type": "System", "activity_name": "google.iam.admin.v1.CreateServiceAccountKey"}},
	{"a Google call refused", "gcp.audit", gcp("storage.googleapis.com", "storage.buckets.delete", `"resourceName":"projects/_/buckets/b","status":{"code":7,"message":"denied"},"authorizationInfo":[{"permission":"storage.buckets.delete","resource":"b"}]`),
		"API Activity: Delete", map[string]any{"status": "Failure", "status_code": "7", "api.response.code": 7.0, "api.service.name": "storage.googleapis.com", "resources.0.uid": "projects/_/buckets/b"}},
	{"a Workspace user", "google_workspace.audit", `{"kind":"admin#reports#activity","id":{"time":"2024-03-14T09:26:53Z","uniqueQualifier":"1","applicationName":"admin","customerId":"C1"},"actor":{"email":"alice@example.com","profileId":"1"},"ipAddress":"192.0.2.7",` +
		`"events":[{"type":"USER_SETTINGS","name":"CREATE_USER","parameters":[{"name":"USER_EMAIL","value":"carol@example.com"}]}]}`, "Account Change: Create", map[string]any{"user.name": "carol@example.com", "cloud.account.uid": "C1"}},
	{"an Okta grant", "okta.system", `{"uuid":"o-1","published":"2024-03-14T09:26:53Z","eventType":"user.account.privilege.grant","actor":{"id":"u-1","type":"User","alternateId":"alice@example.com"},"client":{"ipAddress":"192.0.2.7"},"outcome":{"result":"SUCCESS"},` +
		`"target":[{"id":"u-2","type":"User","alternateId":"carol@example.com"}],"debugContext":{"debugData":{"privilegeGranted":"Super administrator"}}}`, "User Access Management: Assign Privileges", map[string]any{"user.uid": "u-2", "privileges.0": "Super administrator"}},
	{"an Okta policy", "okta.system", `{"uuid":"o-2","published":"2024-03-14T09:26:53Z","eventType":"policy.lifecycle.deactivate","actor":{"id":"u-1","type":"User","alternateId":"alice@example.com"},"outcome":{"result":"SUCCESS"},"target":[{"id":"p-1","type":"PolicyEntity","displayName":"Sign on"}]}`,
		"Entity Management: Deactivate", map[string]any{"entity.uid": "p-1", "entity.type": "PolicyEntity"}},
	{"a GitHub member", "github.audit", `{"@timestamp":1710408413000,"_document_id":"g-1","action":"repo.add_member","actor":"alice","user":"carol","org":"example","repo":"example/app","permission":"admin","actor_ip":"192.0.2.7"}`,
		"User Access Management: Assign Privileges", map[string]any{"user.name": "carol", "privileges.0": "admin", "resource.name": "example/app", "cloud.org.name": "example"}},
	{"exec into a pod", "kubernetes.audit", `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"k-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/web/exec","verb":"create","user":{"username":"alice@example.com","groups":["dev"]},` +
		`"sourceIPs":["192.0.2.7","10.0.0.1"],"userAgent":"kubectl","objectRef":{"resource":"pods","namespace":"shop","name":"web","subresource":"exec","apiVersion":"v1"},"responseStatus":{"code":101},"stageTimestamp":"2024-03-14T09:26:53Z"}`,
		"API Activity: Create", map[string]any{"api.operation": "create pods/exec", "resources.0.name": "web", "resources.0.type": "pods/exec", "resources.0.namespace": "shop", "actor.user.groups.0.name": "dev",
			"src_endpoint.intermediate_ips.0": "10.0.0.1", "http_request.url.path": "/api/v1/namespaces/shop/pods/web/exec", "api.response.code": 101.0}},
	{"GuardDuty", "aws.guardduty", `{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","id":"gd1","arn":"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/gd1","type":"Recon:EC2/Portscan","severity":5,"title":"T","description":"D",` +
		`"createdAt":"2024-03-14T09:00:00Z","updatedAt":"2024-03-14T09:26:53Z","resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-1"}},"service":{"serviceName":"guardduty","archived":true,"count":2,"action":{"networkConnectionAction":{"remoteIpDetails":{"ipAddressV4":"192.0.2.7"}}}}}`,
		"Detection Finding: Close", map[string]any{"severity": "Medium", "status": "Archived", "finding_info.uid": "gd1", "finding_info.types.0": "Recon:EC2/Portscan", "count": 2.0, "evidences.0.src_endpoint.ip": "192.0.2.7", "is_alert": false}},
	{"a check", "aws.securityhub", `{"SchemaVersion":"2018-10-08","Id":"f1","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub","GeneratorId":"security-control/S3.8","AwsAccountId":"111122223333","Region":"eu-west-1","Types":["Software and Configuration Checks"],` +
		`"CreatedAt":"2024-03-14T09:00:00Z","UpdatedAt":"2024-03-14T09:26:53Z","Severity":{"Label":"HIGH"},"Title":"T","Description":"D","Resources":[{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::b"}],"Compliance":{"Status":"FAILED","SecurityControlId":"S3.8","AssociatedStandards":[{"StandardsId":"standards/cis"}]},"Workflow":{"Status":"NEW"},"RecordState":"ACTIVE","Remediation":{"Recommendation":{"Text":"Fix it"}}}`,
		"Compliance Finding: Update", map[string]any{"compliance.status": "Fail", "compliance.control": "S3.8", "compliance.standards.0": "standards/cis", "resources.0.uid": "arn:aws:s3:::b", "severity": "High", "remediation.desc": "Fix it"}},
	{"a flow refused", "aws.vpcflow", "2 111122223333 eni-1 192.0.2.7 10.0.0.5 51000 22 6 3 180 1710408413 1710408473 REJECT OK\n", "Network Activity: Refuse",
		map[string]any{"src_endpoint.ip": "192.0.2.7", "dst_endpoint.port": 22.0, "dst_endpoint.interface_uid": "eni-1", "connection_info.protocol_name": "tcp", "traffic.bytes": 180.0,
			"start_time": 1710408413000.0, "end_time": 1710408473000.0, "action": "Denied", "disposition": "Blocked", "status": "Failure", "cloud.account.uid": "111122223333"}},
	{"a request answered", "aws.elb", `https 2024-03-14T09:26:53.186641Z app/shop/0123456789abcdef 192.0.2.7:2817 10.0.0.1:80 0.086 0.048 0.037 403 403 61 57 "GET https://www.example.com:443/cart?id=7 HTTP/1.1" "Mozilla/5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/shop/0123456789abcdef "Root=1-5833" "www.example.com" "session-reused" 1 2024-03-14T09:26:53.080000Z "forward" "-" "-" "10.0.0.1:80" "403" "-" "-"` + "\n",
		"HTTP Activity: Get", map[string]any{"src_endpoint.ip": "192.0.2.7", "src_endpoint.port": 2817.0, "dst_endpoint.ip": "10.0.0.1", "dst_endpoint.port": 80.0, "http_request.url.path": "/cart",
			"http_request.url.query_string": "id=7", "http_response.code": 403.0, "status": "Failure", "tls.version": "TLSv1.2", "http_request.user_agent": "Mozilla/5.0"}},
	{"a request blocked", "aws.waf", `{"timestamp":1710408413000,"formatVersion":1,"webaclId":"arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1","terminatingRuleId":"sqli","terminatingRuleType":"REGULAR","action":"BLOCK","httpSourceName":"ALB","httpSourceId":"111122223333-app/shop/1",` +
		`"labels":[{"name":"awswaf:managed:aws:bot-control:bot:verified"}],"httpRequest":{"clientIp":"192.0.2.7","country":"JP","headers":[{"name":"Host","value":"www.example.com"},{"name":"user-agent","value":"sqlmap"}],"uri":"/a","args":"id=1","httpVersion":"HTTP/2.0","httpMethod":"PUT","requestId":"q-1"}}`,
		"HTTP Activity: Put", map[string]any{"action": "Denied", "disposition": "Blocked", "firewall_rule.uid": "sqli", "metadata.labels.0": "awswaf:managed:aws:bot-control:bot:verified", "http_request.user_agent": "sqlmap",
			"http_request.url.hostname": "www.example.com", "src_endpoint.location.country": "JP", "http_request.uid": "q-1", "dst_endpoint.svc_name": "ALB"}},
	{"a rule of Config", "aws.config", `{"version":"0","id":"c-1","detail-type":"Config Rules Compliance Change","source":"aws.config","account":"111122223333","time":"2024-03-14T09:26:53Z","region":"eu-west-1","resources":[],"detail":{"resourceId":"sg-1","awsRegion":"eu-west-1","awsAccountId":"111122223333",` +
		`"configRuleName":"restricted-ssh","recordVersion":"1.0","configRuleARN":"arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-1","messageType":"ComplianceChangeNotification","newEvaluationResult":{"evaluationResultIdentifier":{"orderingTimestamp":"2024-03-14T09:26:50Z","evaluationResultQualifier":{"configRuleName":"restricted-ssh","resourceType":"AWS::EC2::SecurityGroup","resourceId":"sg-1"}},"complianceType":"NON_COMPLIANT","resultRecordedTime":"2024-03-14T09:26:52Z"},"notificationCreationTime":"2024-03-14T09:26:53Z","resourceType":"AWS::EC2::SecurityGroup"}}`,
		"Compliance Finding: Create", map[string]any{"compliance.status": "Fail", "compliance.control": "restricted-ssh", "resources.0.uid": "sg-1", "finding_info.title": "restricted-ssh"}},
	{"a name asked for", "aws.route53resolver", `{"version":"1.1","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-1","query_timestamp":"2024-03-14T09:26:53Z","query_name":"bad.example.com.","query_type":"A","query_class":"IN","rcode":"NXDOMAIN","answers":[{"Rdata":"192.0.2.1","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.5","srcport":"53000","transport":"UDP","srcids":{"instance":"i-1"},"firewall_rule_action":"BLOCK","firewall_rule_group_id":"rslvr-1"}`,
		"DNS Activity: Traffic", map[string]any{"query.hostname": "bad.example.com.", "rcode": "NXDomain", "answers.0.rdata": "192.0.2.1", "src_endpoint.instance_uid": "i-1", "src_endpoint.port": 53000.0, "connection_info.protocol_name": "udp", "disposition": "Blocked", "firewall_rule.uid": "rslvr-1"}},
	{"nothing known", "json", `{"action":"did a thing","user":"alice","ip":"192.0.2.7","id":"j-1"}`, "Base Event: Other", map[string]any{"activity_name": "did a thing", "actor.user.uid": "alice", "unmapped.src_ip": "192.0.2.7", "metadata.profiles.0": "host"}},
}

func cloudTrail(service, name, more string) string {
	return fmt.Sprintf(`{"eventVersion":"1.10","userIdentity":{"type":"IAMUser","principalId":"AIDAX","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"alice"},`+
		`"eventTime":"2024-03-14T09:26:53Z","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli","requestID":"r-1","eventID":"e-1","eventType":"AwsApiCall","recipientAccountId":"111122223333",%s}`, service, name, more)
}

func entra(name, more string) string {
	return fmt.Sprintf(`{"id":"d-1","category":"C","correlationId":"c-1","result":"success","activityDisplayName":"%s","activityDateTime":"2024-03-14T09:26:53Z","loggedByService":"Core Directory","initiatedBy":{"user":{"id":"u-1","userPrincipalName":"alice@example.com","ipAddress":"192.0.2.7"}},%s}`, name, more)
}

func gcp(service, method, more string) string {
	return fmt.Sprintf(`{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"alice@example.com"},"requestMetadata":{"callerIp":"192.0.2.7"},"serviceName":"%s","methodName":"%s",%s},`+
		`"insertId":"i-1","resource":{"type":"project","labels":{"project_id":"p"}},"timestamp":"2024-03-14T09:26:53Z","receiveTimestamp":"2024-03-14T09:26:54Z","logName":"projects/p/logs/cloudaudit.googleapis.com%%2Factivity"}`, service, method, more)
}

// TestClasses decodes records and holds their classes and the fields that matter, which are
// also valid.
func TestClasses(t *testing.T) {
	dec, err := decode.New(decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rec, err := dec.NewReader(strings.NewReader(c.record), "x.json").Next()
			if err != nil {
				t.Fatal(err)
			}
			e := rec.Event()
			if e.Format != c.format {
				t.Fatalf("decoded as %s", e.Format)
			}
			hold(t, &e, c.typ, c.want)
		})
	}
}

// hold maps an event and compares.
func hold(t *testing.T, e *yagura.Event, typ string, want map[string]any) {
	t.Helper()
	line, err := ocsf.New(ocsf.Options{Version: "1"}).Append(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	if wrong := ocsftest.Load().Check(line); wrong != nil {
		t.Errorf("%v\n%s", wrong, line)
	}
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatal(err)
	}
	if m["type_name"] != typ {
		t.Errorf("is %v, want %s\n%s", m["type_name"], typ, line)
	}
	for path, w := range want {
		var parts []any
		for p := range strings.SplitSeq(path, ".") {
			var n int
			if _, err := fmt.Sscanf(p, "%d", &n); err == nil {
				parts = append(parts, n)
			} else {
				parts = append(parts, p)
			}
		}
		if d := cmp.Diff(w, dig(m, parts...)); d != "" {
			t.Errorf("%s: %s\n%s", path, d, line)
		}
	}
}
