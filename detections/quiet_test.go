package detections_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
)

// logBook writes CloudTrail records, one per line, and remembers what each is a part of.
type logBook struct {
	b     strings.Builder
	at    time.Time
	parts map[string]string // by event id
}

func newLogBook() *logBook {
	return &logBook{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), parts: map[string]string{}}
}

// add writes one call; more has further fields of the record.
func (l *logBook) add(part string, who map[string]any, ip, service, name string, request, more map[string]any) {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(l.parts))
	l.parts[id] = part
	read := false
	for _, verb := range []string{"Get", "List", "Describe", "Head", "AssumeRole"} {
		read = read || strings.HasPrefix(name, verb)
	}
	rec := map[string]any{
		"eventVersion": "1.11", "userIdentity": who, "eventTime": l.at.Format(time.RFC3339), "eventSource": service + ".amazonaws.com", "eventName": name,
		"awsRegion": "eu-west-1", "sourceIPAddress": ip, "userAgent": "aws-sdk-go/1.44", "requestParameters": request, "responseElements": nil,
		"requestID": id, "eventID": id, "readOnly": read, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "222233334444", "eventCategory": "Management",
	}
	maps.Copy(rec, more)
	line, err := json.Marshal(rec)
	if err != nil {
		panic(err)
	}
	l.b.Write(append(line, '\n'))
}

// user is somebody of an account for which the tests name no pipeline.
func user(name string) map[string]any {
	return map[string]any{"type": "IAMUser", "principalId": "AIDA" + strings.ToUpper(name), "arn": "arn:aws:iam::222233334444:user/" + name, "accountId": "222233334444", "accessKeyId": "AKIA" + strings.ToUpper(name), "userName": name}
}

func roleSession(path, role, session string) map[string]any {
	return map[string]any{
		"type": "AssumedRole", "principalId": "AROAEXAMPLE:" + session, "arn": "arn:aws:sts::222233334444:assumed-role/" + role + "/" + session, "accountId": "222233334444", "accessKeyId": "ASIAEXAMPLE000000000",
		"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": "Role", "arn": "arn:aws:iam::222233334444:role/" + path + role, "accountId": "222233334444", "userName": role}},
	}
}

type fields = map[string]any

// everyPort is the entry that a new security group has for what goes out.
func everyPort() fields {
	return fields{"groupId": "sg-1", "ipPermissions": fields{"items": []any{fields{"ipProtocol": "-1", "groups": fields{}, "ipRanges": fields{"items": []any{fields{"cidrIp": "0.0.0.0/0"}}}}}}}
}

// build is what a deployment tool does to build a machine in a network of its own, each
// change with the questions that wait for it.
func (l *logBook) build(n int) {
	id := func(kind string) string { return fmt.Sprintf("%s-0%016d", kind, n) }
	role := fmt.Sprintf("machine-%d", n)
	steps := []struct {
		service, name string
		request       fields
		asks          string
		times         int
	}{
		{"ec2", "CreateVpc", fields{"cidrBlock": "10.0.0.0/16"}, "DescribeVpcs", 8},
		{"ec2", "CreateSubnet", fields{"vpcId": id("vpc"), "cidrBlock": "10.0.1.0/24"}, "DescribeSubnets", 3},
		{"ec2", "CreateSubnet", fields{"vpcId": id("vpc"), "cidrBlock": "10.0.2.0/24"}, "DescribeSubnets", 3},
		{"ec2", "ModifySubnetAttribute", fields{"subnetId": id("subnet"), "mapPublicIpOnLaunch": fields{"value": true}}, "DescribeSubnets", 2},
		{"ec2", "CreateInternetGateway", fields{}, "DescribeInternetGateways", 2},
		{"ec2", "AttachInternetGateway", fields{"internetGatewayId": id("igw"), "vpcId": id("vpc")}, "DescribeInternetGateways", 2},
		{"ec2", "CreateRouteTable", fields{"vpcId": id("vpc")}, "DescribeRouteTables", 2},
		{"ec2", "CreateRoute", fields{"routeTableId": id("rtb"), "destinationCidrBlock": "0.0.0.0/0", "gatewayId": id("igw")}, "DescribeRouteTables", 2},
		{"ec2", "AllocateAddress", fields{"domain": "vpc"}, "DescribeAddresses", 2},
		{"ec2", "CreateNatGateway", fields{}, "DescribeNatGateways", 15},
		{"ec2", "CreateSecurityGroup", fields{"groupName": role, "vpcId": id("vpc")}, "DescribeSecurityGroups", 1},
		{"ec2", "RevokeSecurityGroupEgress", everyPort(), "DescribeSecurityGroups", 1},
		{"iam", "CreateRole", fields{"roleName": role, "assumeRolePolicyDocument": `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}, "GetRole", 3},
		{"iam", "AttachRolePolicy", fields{"roleName": role, "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}, "ListAttachedRolePolicies", 1},
		{"iam", "PutRolePolicy", fields{"roleName": role, "policyName": "p", "policyDocument": `{"Statement":[{"Effect":"Allow","Action":"ec2:DescribeInstances","Resource":"*"}]}`}, "GetRolePolicy", 1},
		{"iam", "CreateInstanceProfile", fields{"instanceProfileName": role}, "GetInstanceProfile", 1},
		{"iam", "AddRoleToInstanceProfile", fields{"instanceProfileName": role, "roleName": role}, "GetInstanceProfile", 1},
		{"ec2", "RunInstances", fields{"instanceType": "t3.micro", "instancesSet": fields{"items": []any{fields{"imageId": "ami-1", "minCount": 1, "maxCount": 1}}}}, "DescribeInstances", 8},
		{"s3", "CreateBucket", fields{"bucketName": role}, "GetBucketAcl", 10},
		{"s3", "DeleteBucket", fields{"bucketName": role}, "HeadBucket", 1},
		{"ec2", "TerminateInstances", fields{"instancesSet": fields{"items": []any{fields{"instanceId": id("i")}}}}, "DescribeInstances", 8},
		{"iam", "RemoveRoleFromInstanceProfile", fields{"instanceProfileName": role, "roleName": role}, "GetInstanceProfile", 1},
		{"iam", "DeleteInstanceProfile", fields{"instanceProfileName": role}, "GetInstanceProfile", 1},
		{"iam", "DetachRolePolicy", fields{"roleName": role, "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}, "ListAttachedRolePolicies", 1},
		{"iam", "DeleteRolePolicy", fields{"roleName": role, "policyName": "p"}, "ListRolePolicies", 1},
		{"iam", "DeleteRole", fields{"roleName": role}, "ListInstanceProfilesForRole", 1},
		{"ec2", "DeleteSecurityGroup", fields{"groupId": id("sg")}, "DescribeNetworkInterfaces", 1},
		{"ec2", "DeleteNatGateway", fields{}, "DescribeNatGateways", 10},
		{"ec2", "ReleaseAddress", fields{"allocationId": id("eipalloc")}, "DescribeAddresses", 1},
		{"ec2", "DeleteRoute", fields{"routeTableId": id("rtb"), "destinationCidrBlock": "0.0.0.0/0"}, "DescribeRouteTables", 1},
		{"ec2", "DeleteRouteTable", fields{"routeTableId": id("rtb")}, "DescribeRouteTables", 1},
		{"ec2", "DeleteSubnet", fields{"subnetId": id("subnet")}, "DescribeNetworkInterfaces", 1},
		{"ec2", "DeleteSubnet", fields{"subnetId": id("subnet")}, "DescribeNetworkInterfaces", 1},
		{"ec2", "DetachInternetGateway", fields{"internetGatewayId": id("igw"), "vpcId": id("vpc")}, "DescribeInternetGateways", 1},
		{"ec2", "DeleteVpc", fields{"vpcId": id("vpc")}, "DescribeVpcs", 1},
	}
	for _, s := range steps {
		l.at = l.at.Add(time.Second)
		l.add("deployment", user("carol"), "198.51.100.7", s.service, s.name, s.request, nil)
		for range s.times {
			l.add("deployment", user("carol"), "198.51.100.7", s.service, s.asks, fields{}, nil)
		}
	}
}

// TestDeploymentHour: a tool that builds and tears down a network with a role, a machine and
// a bucket twenty times in an hour is not loud.
func TestDeploymentHour(t *testing.T) {
	l := newLogBook()
	for n := range 20 {
		l.build(n)
	}
	found, records := newJudge(t).read(t, strings.NewReader(l.b.String()), "hour.jsonl")
	_, high := atLeast(found, yagura.SeverityHigh)
	titles, medium := atLeast(found, yagura.SeverityMedium)
	t.Logf("%d records: %d events at high or above, %d at medium or above: %s", records, len(high), len(medium), strings.Join(titles, "; "))
	if len(high)*50 > records || len(medium)*100 > records*13 {
		t.Errorf("too loud: more than 2 %% at high or more than 13 %% at medium")
	}
}

// TestLaboratoryMonth: in an account whose keys everybody has, a month of refusals of services
// and of strangers comes to a few issues, and each step of the one who gets through is found.
func TestLaboratoryMonth(t *testing.T) {
	l, r := newLogBook(), rand.New(rand.NewPCG(1, 2))
	begin, denied := l.at, fields{"errorCode": "AccessDenied", "errorMessage": "not authorized"}
	hour := func(h int) { l.at = begin.Add(time.Duration(h) * time.Hour) }
	for h := range 28 * 24 {
		for k := range 12 { // a service that was never given its permission
			hour(h)
			l.add("noise", roleSession("aws-service-role/resource-explorer-2.amazonaws.com/", "AWSServiceRoleForResourceExplorer", fmt.Sprintf("s%d", h)), "resource-explorer-2.amazonaws.com", fmt.Sprintf("svc%d", k), "ListThings", fields{}, denied)
		}
		if h%3 != 0 {
			continue
		}
		l.at = l.at.Add(time.Minute) // a stranger with the leaked key
		agent := []string{"Boto3/1.26 Linux/6.1.0-kali9-amd64", "aws-cli/2.9.19", "Pacu/1.0"}[r.IntN(3)]
		stranger := func(service, name string, request, more fields) {
			l.at = l.at.Add(time.Duration(1+r.IntN(4)) * time.Second)
			with := fields{"userAgent": agent}
			maps.Copy(with, more)
			l.add("noise", user("leaked"), fmt.Sprintf("203.0.113.%d", 1+r.IntN(250)), service, name, request, with)
		}
		stranger("sts", "GetCallerIdentity", nil, nil)
		stranger("s3", "ListBuckets", nil, nil)
		for _, name := range []string{"ListUsers", "ListRoles", "CreateUser", "CreateAccessKey", "AttachUserPolicy", "ListGroups", "GetAccountSummary", "ListPolicies", "GetUser", "ListMFADevices", "ListInstanceProfiles"} {
			stranger("iam", name, fields{"userName": "leaked"}, denied)
		}
		for _, region := range []string{"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-central-1", "sa-east-1", "ap-south-1"} {
			stranger("ec2", "RunInstances", fields{"instanceType": "p3.16xlarge", "instancesSet": fields{"items": []any{fields{"imageId": "ami-1", "minCount": 1, "maxCount": 20}}}}, fields{"awsRegion": region, "errorCode": "Client.UnauthorizedOperation"})
			stranger("ec2", "DescribeInstances", fields{}, fields{"awsRegion": region})
		}
		l.add("noise", fields{"type": "IAMUser", "accountId": "222233334444", "accessKeyId": "", "userName": "leaked"}, fmt.Sprintf("203.0.113.%d", 1+r.IntN(250)), "signin", "ConsoleLogin", nil, fields{"responseElements": fields{"ConsoleLogin": "Failure"}, "eventType": "AwsConsoleSignIn", "errorMessage": "Failed authentication"})
	}
	hour(400)
	steps := []struct {
		service, name string
		request       fields
	}{
		{"iam", "CreateAccessKey", fields{"userName": "alice"}},
		{"iam", "UpdateLoginProfile", fields{"userName": "alice"}},
		{"iam", "PutUserPolicy", fields{"userName": "alice", "policyName": "p", "policyDocument": `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}},
		{"iam", "CreateUser", fields{"userName": "metrics"}},
		{"cloudtrail", "StopLogging", fields{"name": "audit"}},
		{"ec2", "ModifySnapshotAttribute", fields{"snapshotId": "snap-1", "attributeType": "CREATE_VOLUME_PERMISSION", "createVolumePermission": fields{"add": fields{"items": []any{fields{"userId": "444455556666"}}}}}},
	}
	for _, s := range steps {
		l.at = l.at.Add(time.Minute)
		l.add("attack "+s.name, user("deploy"), "192.0.2.66", s.service, s.name, s.request, nil)
	}

	found, records := newJudge(t).read(t, strings.NewReader(l.b.String()), "month.jsonl")
	causes, noise, taken := map[string]map[string]bool{"noise": {}, "medium noise": {}}, 0, map[string]bool{}
	for _, f := range found {
		part := l.parts[f.Event.ID]
		if part != "noise" {
			if f.Severity >= yagura.SeverityMedium {
				taken[part] = true
			}
			continue
		}
		noise++
		causes["noise"][f.CauseKey] = true
		if f.Severity >= yagura.SeverityMedium {
			causes["medium noise"][f.CauseKey] = true
		}
	}
	t.Logf("%d records: %d findings of noise, %d causes, %d of them at medium", records, noise, len(causes["noise"]), len(causes["medium noise"]))
	if noise*50 > records || len(causes["noise"]) > 12 || len(causes["medium noise"]) > 6 {
		for key := range causes["noise"] {
			t.Log(key)
		}
		t.Error("too many")
	}
	for _, s := range steps {
		if !taken["attack "+s.name] {
			t.Errorf("%s was not found", s.name)
		}
	}
}
