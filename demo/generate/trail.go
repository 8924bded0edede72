package generate

import (
	"hash/fnv"
	"strings"
	"time"
)

// caller is who calls an AWS service.
type caller struct {
	account string // whose the identity is
	json    raw    // userIdentity
	ip      string
	agent   string
	console bool   // sessionCredentialFromConsole
	arn     string // for responses
}

// call is one API call, as CloudTrail records it.
type call struct {
	source, name string // "ec2", "RunInstances"
	account      string // where; "" is the caller's
	region       string // "" is the company's
	write        bool
	params, resp raw
	code, reason string // of a failure
	data         raw    // resources of a data event; "" for a management event
	kind         string // eventType; "" is AwsApiCall
	more         raw    // additionalEventData
	endpoint     string // vpcEndpointId
}

// pick hashes a name to one that looks as if chance had made it, the same each time.
func pick(prefix, name, alphabet string, n int) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(prefix + name))
	v := h.Sum64()
	b := []byte(prefix)
	for range n {
		v = v*6364136223846793005 + 1442695040888963407
		b = append(b, alphabet[(v>>33)%uint64(len(alphabet))])
	}
	return string(b)
}

const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// temporary is the access key of a session. The letters EXAMPLE mark all keys as invented.
func temporary(name string) string { return pick("ASIAEXAMPLE", name, upper, 9) }

// assumed is a session of a role.
func assumed(account, role, path, session, ip, agent string, created time.Time) caller {
	id := pick("AROAEXAMPLE", account+role, upper, 10)
	arn := "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session
	var by any // a service that acts as the role
	if strings.HasSuffix(ip, ".amazonaws.com") {
		by = ip
	}
	return caller{account: account, ip: ip, agent: agent, arn: arn, json: doc(
		"type", "AssumedRole", "principalId", id+":"+session, "arn", arn, "accountId", account,
		"accessKeyId", temporary(arn+created.Format("2006010215")),
		"sessionContext", doc("sessionIssuer", doc("type", "Role", "principalId", id, "arn", "arn:aws:iam::"+account+":role/"+path+role, "accountId", account, "userName", role),
			"attributes", doc("creationDate", seconds(created), "mfaAuthenticated", "false")),
		"invokedBy", by)}
}

// service is a service of AWS that acts by itself.
func service(account, name string) caller {
	host := name + ".amazonaws.com"
	return caller{account: account, ip: host, agent: host, json: doc("type", "AWSService", "invokedBy", host)}
}

// user is an IAM user.
func user(account, name, key, ip, agent string) caller {
	arn := "arn:aws:iam::" + account + ":user/" + name
	return caller{account: account, ip: ip, agent: agent, arn: arn, json: doc("type", "IAMUser", "principalId", pick("AIDAEXAMPLE", name, upper, 10), "arn", arn,
		"accountId", account, "accessKeyId", key, "userName", name)}
}

// The agents of programs.
const (
	agentTerraform = "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 (+https://www.terraform.io) terraform-provider-aws/6.20.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.5 ua/2.1 os/linux lang/go#1.24.9 md/GOARCH#amd64"
	agentBoto      = "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#6.12.53 md/arch#x86_64 lang/python#3.13.9 md/pyimpl#CPython cfg/retry-mode#standard Botocore/1.40.61"
	agentCLI       = "aws-cli/2.31.27 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe sid/" // and the id of a session
	agentGo        = "aws-sdk-go-v2/1.39.5 ua/2.1 os/linux lang/go#1.25.3 md/GOOS#linux md/GOARCH#arm64 api/s3#1.89.1"
	agentBrowser   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	agentMac       = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15"
)

// sso is a person's session of a permission set of IAM Identity Center.
func (g *gen) sso(p *person, account, set string, t time.Time, console bool) caller {
	role := "AWSReservedSSO_" + set + "_" + pick("", account+set, hexDigits, 16)
	c := assumed(account, role, "aws-reserved/sso.amazonaws.com/"+region+"/", p.mail(), g.place(p, t), agentCLI+g.hex(12), t.Truncate(4*time.Hour))
	if console {
		c.agent, c.console = agentBrowser, true
	}
	return c
}

// place is the address where a person works from at a time: the office, one of two, or home.
func (g *gen) place(p *person, t time.Time) string {
	day := t.In(tokyo)
	switch {
	case bustle(t) < 0.3, (day.YearDay()+len(p.name))%5 < 2:
		return p.home
	case p.team == "sales" || p.team == "warehouse":
		return officeOsaka
	}
	return officeTokyo
}

// trail writes a call.
func (g *gen) trail(t time.Time, who caller, c call) {
	account := c.account
	if account == "" {
		account = who.account
	}
	where := c.region
	if where == "" {
		where = region
	}
	source := c.source
	if !strings.Contains(source, ".") {
		source += ".amazonaws.com"
	}
	kind, category := c.kind, "Management"
	if kind == "" {
		kind = "AwsApiCall"
	}
	if c.data != "" {
		category = "Data"
	}
	m := []any{"eventVersion", "1.11", "userIdentity", who.json, "eventTime", seconds(t), "eventSource", source, "eventName", c.name, "awsRegion", where,
		"sourceIPAddress", who.ip, "userAgent", who.agent}
	if c.code != "" {
		m = append(m, "errorCode", c.code, "errorMessage", c.reason)
	}
	m = append(m, "requestParameters", orNull(c.params), "responseElements", orNull(c.resp))
	if c.more != "" {
		m = append(m, "additionalEventData", c.more)
	}
	m = append(m, "requestID", g.uuid(), "eventID", g.uuid(), "readOnly", !c.write)
	if c.data != "" {
		m = append(m, "resources", c.data)
	}
	m = append(m, "eventType", kind, "managementEvent", c.data == "", "recipientAccountId", account)
	if c.endpoint != "" {
		m = append(m, "vpcEndpointId", c.endpoint, "vpcEndpointAccountId", account)
	}
	m = append(m, "eventCategory", category)
	if !strings.HasSuffix(who.ip, ".amazonaws.com") && !who.console && kind == "AwsApiCall" {
		m = append(m, "tlsDetails", doc("tlsVersion", "TLSv1.3", "cipherSuite", "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader", c.source+"."+where+".amazonaws.com"))
	}
	if who.console {
		m = append(m, "sessionCredentialFromConsole", "true")
	}
	g.put(CloudTrail, account+"_"+where, t, []byte(doc(m...)))
}

func orNull(r raw) raw {
	if r == "" {
		return null
	}
	return r
}

// object is the resources of a data event on an object.
func object(account, bucket, key string) raw {
	return list(doc("type", "AWS::S3::Object", "ARN", "arn:aws:s3:::"+bucket+"/"+key), doc("accountId", account, "type", "AWS::S3::Bucket", "ARN", "arn:aws:s3:::"+bucket))
}
