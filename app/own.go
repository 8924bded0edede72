package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/intake"
)

// ownRule is the rule of findings about what Yagura's own role did and may not.
var ownRule = yagura.RuleRef{ID: "yagura-own-role-misused", Title: "Yagura's own role was used for something else", Engine: yagura.EngineBuiltin,
	Tags: []string{"attack.t1078.004"}}

// own recognises what Yagura itself does in the logs that it reads.
type own struct {
	needles [][]byte                    // texts without which no record is ours
	roles   map[string]bool             // ARNs
	allowed map[string][]*regexp.Regexp // resources, by "s3:GetObject"
	notices *ownNotices
	// The role of re-checks is one of every account: what stands before and behind the account.
	before, behind string
	listed         func(account string) bool
}

func newOwn(cfg *config.Config, notices *ownNotices, listed func(account string) bool) *own {
	o := &own{notices: notices, listed: listed, roles: map[string]bool{}, allowed: ownActions(cfg)}
	for _, arn := range cfg.Own.Roles {
		o.roles[arn] = true
		o.needles = append(o.needles, []byte(arn))
	}
	if r := cfg.Recheck; r.Enabled {
		o.before, o.behind, _ = strings.Cut(r.Role, accountMark)
		o.needles = append(o.needles, []byte(o.behind))
	}
	return o
}

// ours reports whether a role is one that Yagura runs as or takes on.
func (o *own) ours(arn string) bool { return o.roles[arn] || o.looks(arn) }

// looks reports whether a role is that of re-checks in a listed account.
func (o *own) looks(arn string) bool {
	account := strings.TrimSuffix(strings.TrimPrefix(arn, o.before), o.behind)
	return o.behind != "" && arn == o.before+account+o.behind && len(account) == 12 && o.listed != nil && o.listed(account)
}

// may reports whether the published policies allow an action on a resource. What a record
// does not name is not held against it.
func (o *own) may(action, resource string) bool {
	patterns, ok := o.allowed[action]
	return ok && (resource == "" || slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(resource) }))
}

// ownTrail is what is looked at of a CloudTrail record.
type ownTrail struct {
	EventSource string    `json:"eventSource"`
	EventName   string    `json:"eventName"`
	EventID     string    `json:"eventID"`
	EventTime   time.Time `json:"eventTime"`
	Account     string    `json:"recipientAccountId"`
	Region      string    `json:"awsRegion"`
	SrcIP       string    `json:"sourceIPAddress"`
	ErrorCode   string    `json:"errorCode"`
	Request     struct {
		Bucket   string `json:"bucketName"`
		Key      string `json:"key"`
		RoleARN  string `json:"roleArn"`
		SecretID string `json:"secretId"`
		Name     string `json:"name"`
		QueueURL string `json:"queueUrl"`
	} `json:"requestParameters"`
	UserIdentity struct {
		ARN            string `json:"arn"`
		SessionContext struct {
			SessionIssuer struct {
				ARN string `json:"arn"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
}

// iamAction is the IAM action of a call: most have its name.
func iamAction(source, name string) string {
	service, _, _ := strings.Cut(source, ".")
	if service == "s3" {
		switch name {
		case "HeadObject":
			name = "GetObject"
		case "ListObjects", "ListObjectsV2", "HeadBucket":
			name = "ListBucket"
		}
	}
	return service + ":" + name
}

// resource is what was called on, as the published policies name it; "" where the record
// does not say.
func (r *ownTrail) resource(action string) string {
	q := &r.Request
	switch service, _, _ := strings.Cut(action, ":"); {
	case service == "s3" && q.Bucket != "" && q.Key != "":
		return "arn:aws:s3:::" + q.Bucket + "/" + q.Key
	case service == "s3" && q.Bucket != "":
		return "arn:aws:s3:::" + q.Bucket
	case service == "sts":
		return q.RoleARN
	case service == "secretsmanager" && q.SecretID != "" && !strings.HasPrefix(q.SecretID, "arn:"):
		return "arn:aws:secretsmanager:::secret:" + q.SecretID + "-AAAAAA"
	case service == "secretsmanager":
		return q.SecretID
	case service == "ssm" && q.Name != "" && !strings.HasPrefix(q.Name, "arn:"):
		return "arn:aws:ssm:::parameter/" + strings.TrimPrefix(q.Name, "/")
	case service == "ssm":
		return q.Name
	case service == "sqs" && q.QueueURL != "":
		return queueARN(q.QueueURL)
	}
	return ""
}

// denied reports whether IAM did not let a call through: with the published policy in
// place, that is a call outside it.
func (r *ownTrail) denied() bool {
	return strings.Contains(r.ErrorCode, "AccessDenied") || strings.Contains(r.ErrorCode, "Unauthorized")
}

// look says what a record is to us. Only a record whose caller is one of our roles, by
// the ARN that AWS itself wrote there, is ours: a text that somebody put into a log is not.
func (o *own) look(format string, record []byte) intake.Own {
	if format != "aws.cloudtrail" {
		return intake.Own{Own: o.notices != nil && o.notices.look(format, record)}
	}
	if len(o.needles) == 0 {
		return intake.Own{}
	}
	found := false
	for _, n := range o.needles {
		found = found || bytes.Contains(record, n)
	}
	if !found {
		return intake.Own{}
	}
	var r ownTrail
	if json.Unmarshal(record, &r) != nil {
		return intake.Own{}
	}
	role := r.UserIdentity.SessionContext.SessionIssuer.ARN
	if !o.ours(role) && !o.roles[r.UserIdentity.ARN] {
		return intake.Own{}
	}
	action := iamAction(r.EventSource, r.EventName)
	resource := r.resource(action)
	may := o.may(action, resource)
	// A look that is denied has a finding of its own: the role may be missing in an account that
	// was listed just now, and a bucket may be another's by now.
	look := o.looks(role) || action == "sts:AssumeRole" && o.looks(resource)
	if !may || r.denied() && !look {
		on := action
		if resource != "" {
			on += " on " + resource
		}
		id, text := r.EventID+"/"+r.Account, fmt.Sprintf("the role that Yagura runs as called %s, which its published IAM policy does not allow", on)
		if may { // somebody tries what is near, or a permission is missing: one finding an hour
			id = role + " " + action + " " + r.Account + r.EventTime.UTC().Format("/2006-01-02T15")
			text = fmt.Sprintf("the role that Yagura runs as called %s and was denied: that is outside its published IAM policy, or the policy is not in place", on)
		}
		f := builtinFinding(ownRule, yagura.SeverityHigh, id, "role="+role+" action="+action, text, r.EventTime)
		f.CauseKey = r.Account + f.CauseKey[1:]
		f.Format = format
		f.Events = []string{r.EventID}
		f.Event = yagura.EventRef{ID: r.EventID, Time: r.EventTime, Account: r.Account, Region: r.Region, Action: r.EventName, SrcIP: r.SrcIP,
			Actor: yagura.Actor{Type: yagura.EntityRole, ID: r.UserIdentity.ARN, SessionOf: role}, Outcome: yagura.OutcomeSuccess}
		if r.ErrorCode != "" {
			f.Event.Outcome = yagura.OutcomeFailure
		}
		f.Entities = []yagura.Entity{{Type: yagura.EntityRole, ID: role}}
		f.Why = []yagura.Why{{Field: "userIdentity", Op: "equals", Value: role, Actual: role}, {Field: "eventName", Op: "not allowed by", Value: "the published IAM policy", Actual: action}}
		return intake.Own{Finding: &f} // and the rules judge it as anybody's
	}
	return intake.Own{Own: true}
}
