package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/recheck"
)

// IAMStatement is one statement of an AWS IAM policy.
type IAMStatement struct {
	Sid       string                       `json:"Sid,omitempty"`
	Effect    string                       `json:"Effect"`
	Principal map[string]string            `json:"Principal,omitempty"`
	Action    []string                     `json:"Action"`
	Resource  []string                     `json:"Resource,omitempty"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// IAMPolicy is an AWS policy: what a role may, who may take it on, or who may send to a
// queue or topic.
type IAMPolicy struct {
	Version   string         `json:"Version"`
	Statement []IAMStatement `json:"Statement"`
}

// IAMNames are what a configuration does not say and a policy has to. What is empty is
// written as a word in capitals, to be replaced.
type IAMNames struct {
	// Prefixes are s3://bucket/prefix of the logs that queues and topics tell of.
	Prefixes []string
	// Keys are the ARNs of the KMS keys that encrypt buckets and queues.
	Keys []string
}

// IAMRole is a role, with what it may.
type IAMRole struct {
	Role       string // ARN; "" is the one that Yagura runs as
	ExternalID bool   // it is taken on with an external id
	Policy     *IAMPolicy
}

// NewIAMPolicy writes the policy of the role that Yagura runs as, for the sources and
// sinks of a configuration. What it calls beyond this is a finding.
func NewIAMPolicy(cfg *config.Config) *IAMPolicy { return NewIAMRoles(cfg, IAMNames{})[0].Policy }

// NewIAMRoles writes the least policy of the role that Yagura runs as, which is the first,
// and of every role that it takes on.
func NewIAMRoles(cfg *config.Config, names IAMNames) []IAMRole {
	b := &iamBuilder{names: names}
	b.role("", false)
	for i := range cfg.Sources {
		b.source(&cfg.Sources[i])
	}
	for i := range cfg.Sinks {
		b.sink(&cfg.Sinks[i])
	}
	if o := &cfg.Organizations; o.Enabled {
		b.role(o.Role, o.ExternalID != "").add("Organization", []string{"*"}, "organizations:DescribeOrganization", "organizations:ListAccounts",
			"organizations:ListTagsForResource", "organizations:ListRoots", "organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent")
	}
	if r := &cfg.Recheck; r.Enabled {
		b.recheck(b.role(strings.Replace(r.Role, accountMark, "*", 1), r.ExternalID != ""))
	}
	b.secrets(cfg)
	return b.roles
}

type iamBuilder struct {
	names IAMNames
	roles []IAMRole
}

func (p *IAMPolicy) add(sid string, resources []string, actions ...string) *IAMStatement {
	for i := range p.Statement {
		if s := &p.Statement[i]; s.Condition == nil && slices.Equal(s.Action, actions) && slices.Equal(s.Resource, resources) {
			return s
		}
	}
	p.Statement = append(p.Statement, IAMStatement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources})
	return &p.Statement[len(p.Statement)-1]
}

// role returns the policy of a role, "" for the one that Yagura runs as, which may take on
// every other.
func (b *iamBuilder) role(arn string, external bool) *IAMPolicy {
	for i := range b.roles {
		if b.roles[i].Role == arn {
			b.roles[i].ExternalID = b.roles[i].ExternalID || external
			return b.roles[i].Policy
		}
	}
	b.roles = append(b.roles, IAMRole{Role: arn, ExternalID: external, Policy: &IAMPolicy{Version: "2012-10-17", Statement: []IAMStatement{}}})
	if arn != "" {
		b.roles[0].Policy.add("TakeOn"+camel(arn[strings.LastIndexByte(arn, '/')+1:]), []string{arn}, "sts:AssumeRole")
	}
	return b.roles[len(b.roles)-1].Policy
}

// recheck allows to ask how things are: nothing of it reads what buckets or snapshots hold.
func (b *iamBuilder) recheck(p *IAMPolicy) {
	var describe, buckets []string
	for _, k := range recheck.Kinds() {
		list := &describe
		if strings.HasPrefix(k.Action, "s3:") {
			list = &buckets
		}
		if !slices.Contains(*list, k.Action) {
			*list = append(*list, k.Action)
		}
	}
	p.add("Recheck", []string{"*"}, describe...)
	p.add("RecheckBuckets", []string{"arn:aws:s3:::*"}, buckets...)
}

func (b *iamBuilder) source(s *config.Source) {
	sid := camel(s.Name)
	switch {
	case s.SQS != nil:
		queue := queueARN(s.SQS.Queue)
		p := b.role(s.SQS.AWS.Role, s.SQS.AWS.ExternalID != "")
		p.add(sid+"Queue", []string{queue}, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes")
		p.add(sid+"DeadQueue", []string{queue + "-dead"}, "sqs:GetQueueUrl", "sqs:GetQueueAttributes")
		b.keys(p, sid+"QueueKey")
		objects := s.SQS.S3
		if objects == (config.AWS{}) {
			objects = s.SQS.AWS
		}
		b.objects(b.role(objects.Role, objects.ExternalID != ""), sid, b.prefixes())
	case s.Bucket != nil:
		b.objects(b.role(s.Bucket.AWS.Role, s.Bucket.AWS.ExternalID != ""), sid, []string{s.Bucket.URL})
	case s.SNS != nil:
		b.objects(b.role(s.SNS.S3.Role, s.SNS.S3.ExternalID != ""), sid, b.prefixes())
	case s.EventBridge != nil:
		b.objects(b.role(s.EventBridge.S3.Role, s.EventBridge.S3.ExternalID != ""), sid, b.prefixes())
	}
}

// logBucket stands for a bucket that the configuration does not name.
const logBucket = "LOG-BUCKET"

func (b *iamBuilder) prefixes() []string {
	if len(b.names.Prefixes) == 0 {
		return []string{"s3://" + logBucket + "/"}
	}
	return b.names.Prefixes
}

// objects allows to read objects. ListBucket tells an object that is gone from one that may
// not be read.
func (b *iamBuilder) objects(p *IAMPolicy, sid string, prefixes []string) {
	for _, prefix := range prefixes {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(prefix, "s3://"), "/")
		p.add(sid+"Objects", []string{"arn:aws:s3:::" + bucket + "/" + key + "*"}, "s3:GetObject", "s3:GetObjectVersion")
		p.add(sid+"List", []string{"arn:aws:s3:::" + bucket}, "s3:ListBucket")
	}
	b.keys(p, sid+"Key")
}

func (b *iamBuilder) keys(p *IAMPolicy, sid string) {
	if len(b.names.Keys) > 0 {
		p.add(sid, b.names.Keys, "kms:Decrypt")
	}
}

func (b *iamBuilder) sink(s *config.Sink) {
	sid := camel(s.Name)
	switch {
	case s.SecurityHub != nil:
		b.role(s.SecurityHub.AWS.Role, s.SecurityHub.AWS.ExternalID != "").add(sid, []string{"*"}, "securityhub:BatchImportFindings", "securityhub:GetFindings")
		for _, id := range slices.Sorted(maps.Keys(s.SecurityHub.Accounts)) {
			a := s.SecurityHub.Accounts[id]
			b.role(a.Role, a.ExternalID != "").add(sid, []string{"*"}, "securityhub:BatchImportFindings", "securityhub:GetFindings")
		}
	case s.CloudWatch != nil:
		actions := []string{"logs:PutLogEvents", "logs:CreateLogStream", "logs:FilterLogEvents"}
		if s.CloudWatch.CreateGroup {
			actions = append(actions, "logs:CreateLogGroup")
		}
		region := s.CloudWatch.AWS.Region
		if region == "" {
			region = "*"
		}
		arn := "arn:aws:logs:" + region + ":*:log-group:" + s.CloudWatch.Group
		b.role(s.CloudWatch.AWS.Role, s.CloudWatch.AWS.ExternalID != "").add(sid, []string{arn, arn + ":*"}, actions...)
	}
}

// secrets allows to read the secrets of AWS that the configuration refers to.
func (b *iamBuilder) secrets(cfg *config.Config) {
	var manager, parameters []string
	eachSecret(reflect.ValueOf(*cfg), "", func(text, _ string) {
		form := func(scheme, service, sep string) string {
			rest, ok := strings.CutPrefix(text, "ref+"+scheme+"://")
			if !ok {
				return ""
			}
			name, _, _ := strings.Cut(rest, "?")
			if strings.HasPrefix(name, "arn:") {
				return name
			}
			return "arn:aws:" + service + ":*:*:" + sep + strings.TrimPrefix(name, "/")
		}
		if arn := form("awssecrets", "secretsmanager", "secret:"); arn != "" {
			if !strings.Contains(text, "://arn:") {
				arn += "-??????" // the service appends six characters of its own
			}
			manager = append(manager, arn)
		}
		if arn := form("awsssm", "ssm", "parameter/"); arn != "" {
			parameters = append(parameters, arn)
		}
	})
	for _, x := range []struct {
		sid, action string
		list        []string
	}{{"Secrets", "secretsmanager:GetSecretValue", manager}, {"Parameters", "ssm:GetParameter", parameters}} {
		if len(x.list) > 0 {
			slices.Sort(x.list)
			b.roles[0].Policy.add(x.sid, slices.Compact(x.list), x.action)
		}
	}
}

// ownActions are all actions that a configuration needs, of all roles, with the resources
// that they may be called on. A key of the customer's decrypts for whoever reads what it
// encrypts; the log names the reader. Which buckets queues and topics tell of is known
// where own.buckets says so, and any bucket else.
func ownActions(cfg *config.Config) map[string][]*regexp.Regexp {
	any := resourcePattern("*")
	out := map[string][]*regexp.Regexp{"sts:GetCallerIdentity": {any}, "kms:Decrypt": {any}}
	for _, a := range cfg.Own.Actions {
		out[a] = append(out[a], any)
	}
	for _, r := range NewIAMRoles(cfg, IAMNames{Prefixes: cfg.Own.Buckets}) {
		for _, s := range r.Policy.Statement {
			for _, a := range s.Action {
				for _, res := range s.Resource {
					out[a] = append(out[a], resourcePattern(res))
				}
			}
		}
	}
	return out
}

// resourcePattern is the pattern of resources of an IAM policy, in which * is any text and
// ? one character.
func resourcePattern(text string) *regexp.Regexp {
	text = strings.NewReplacer(logBucket, "*").Replace(text)
	return regexp.MustCompile(`(?s)\A` + strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(text)) + `\z`)
}

// NewTrust says that a role may be taken on by a principal, with an external id where one
// is given: {"Service": "ec2.amazonaws.com"} or {"AWS": the ARN of a role}.
func NewTrust(principal map[string]string, externalID string) *IAMPolicy {
	s := IAMStatement{Effect: "Allow", Principal: principal, Action: []string{"sts:AssumeRole"}}
	if externalID != "" {
		s.Condition = map[string]map[string]string{"StringEquals": {"sts:ExternalId": externalID}}
	}
	return &IAMPolicy{Version: "2012-10-17", Statement: []IAMStatement{s}}
}

// NewSender says that a service of AWS may send to a queue or topic, for one bucket, topic
// or rule of one account.
func NewSender(service, action, resource, from, account string) *IAMPolicy {
	return &IAMPolicy{Version: "2012-10-17", Statement: []IAMStatement{{Effect: "Allow", Principal: map[string]string{"Service": service},
		Action: []string{action}, Resource: []string{resource},
		Condition: map[string]map[string]string{"ArnEquals": {"aws:SourceArn": from}, "StringEquals": {"aws:SourceAccount": account}}}}}
}

func camel(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			up = true
			continue
		}
		if up {
			b.WriteString(strings.ToUpper(string(r)))
		} else {
			b.WriteRune(r)
		}
		up = false
	}
	return b.String()
}

// queueARN is the ARN of a queue, by its URL.
func queueARN(url string) string {
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"), "/")
	if len(parts) == 3 {
		if host := strings.Split(parts[0], "."); len(host) >= 3 && host[0] == "sqs" {
			return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", host[1], parts[1], parts[2])
		}
	}
	return "arn:aws:sqs:*:*:*"
}

// JSON writes the policy for people and tools.
func (p *IAMPolicy) JSON() string {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		panic(err) // it holds strings only
	}
	return string(b) + "\n"
}

// actions lists what the policy allows, sorted.
func (p *IAMPolicy) actions() []string {
	var out []string
	for _, s := range p.Statement {
		out = append(out, s.Action...)
	}
	sort.Strings(out)
	return slices.Compact(out)
}
