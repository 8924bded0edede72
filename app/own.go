package app

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	needles [][]byte        // texts without which no record is ours
	roles   map[string]bool // ARNs
	allowed map[string]bool // "s3:GetObject"
	notices *ownNotices
}

func newOwn(cfg *config.Config, notices *ownNotices) *own {
	o := &own{notices: notices, roles: map[string]bool{}, allowed: map[string]bool{}}
	for _, arn := range cfg.Own.Roles {
		o.roles[arn] = true
		o.needles = append(o.needles, []byte(arn))
	}
	for _, a := range ownActions(cfg) {
		o.allowed[a] = true
	}
	for _, a := range cfg.Own.Actions {
		o.allowed[a] = true
	}
	return o
}

// ownTrail is what is looked at of a CloudTrail record.
type ownTrail struct {
	EventSource  string    `json:"eventSource"`
	EventName    string    `json:"eventName"`
	EventID      string    `json:"eventID"`
	EventTime    time.Time `json:"eventTime"`
	Account      string    `json:"recipientAccountId"`
	Region       string    `json:"awsRegion"`
	SrcIP        string    `json:"sourceIPAddress"`
	ErrorCode    string    `json:"errorCode"`
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

// look says what a record is to us. Only a record whose caller is one of our roles, by
// the ARN that AWS itself wrote there, is ours: a text that somebody put into a log is not.
func (o *own) look(format string, record []byte) intake.Own {
	if format != "aws.cloudtrail" {
		return intake.Own{Own: o.notices != nil && o.notices.look(format, record)}
	}
	if len(o.roles) == 0 {
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
	if !o.roles[role] && !o.roles[r.UserIdentity.ARN] {
		return intake.Own{}
	}
	if action := iamAction(r.EventSource, r.EventName); !o.allowed[action] {
		f := builtinFinding(ownRule, yagura.SeverityHigh, r.EventID+"/"+r.Account, "role="+role+" action="+action,
			fmt.Sprintf("the role that Yagura runs as called %s, which its published IAM policy does not allow", action), r.EventTime)
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
