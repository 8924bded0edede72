package app

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestOwnMarks: where our sinks write their marks, and nowhere else. The notice must be
// there, and be of the issue beside it.
func TestOwnMarks(t *testing.T) {
	now := time.Unix(1772445600, 0)
	asked := 0
	var fault error
	o := &ownNotices{now: func() time.Time { return now }, known: map[string]ownAnswer{}, ask: func(_ context.Context, notice string) (string, bool, error) {
		asked++
		return "ISSUE1", notice == "NOTICE1", fault
	}}
	asff := func(generator, issue, notice string) string {
		return fmt.Sprintf(`{"Id":"yagura/issue/ISSUE1","ProductArn":"arn:aws:securityhub:eu-west-1:1:product/1/default","GeneratorId":%q,"ProductFields":{"yagura/issue":%q,"yagura/notice":%q}}`, generator, issue, notice)
	}
	for _, c := range []struct {
		name, format, record string
		want                 bool
	}{
		{"Security Hub", "aws.securityhub", asff("yagura/x", "ISSUE1", "NOTICE1"), true},
		{"Security Hub, unknown notice", "aws.securityhub", asff("yagura/x", "ISSUE1", "NOTICE2"), false},
		{"Security Hub, of another generator", "aws.securityhub", asff("x", "ISSUE1", "NOTICE1"), false},
		{"Security Hub, of another issue", "aws.securityhub", asff("yagura/x", "ISSUE2", "NOTICE1"), false},
		{"Security Hub, in a text", "aws.securityhub", `{"Id":"x","Title":"{\"yagura/notice\":\"NOTICE1\"}"}`, false},
		{"OCSF", "ocsf.finding", `{"metadata":{"uid":"NOTICE1","product":{"vendor_name":"Yagura"}},"unmapped":{"notice":"NOTICE1","issue":"ISSUE1"}}`, true},
		{"OCSF of no issue", "json", `{"metadata":{"uid":"NOTICE1","product":{"vendor_name":"Yagura"}},"unmapped":{"notice":"NOTICE1"}}`, true},
		{"OCSF, of another issue", "ocsf.finding", `{"metadata":{"uid":"NOTICE1","product":{"vendor_name":"Yagura"}},"unmapped":{"notice":"NOTICE1","issue":"ISSUE2"}}`, false},
		{"OCSF of another vendor", "ocsf.finding", `{"metadata":{"uid":"NOTICE1","product":{"vendor_name":"Other"}},"unmapped":{"notice":"NOTICE1","issue":"ISSUE1"}}`, false},
		{"falcosidekick", "falco.alert", `{"source":"yagura","tags":["yagura"],"output_fields":{"yagura.notice":"NOTICE1","yagura.issue":"ISSUE1"}}`, true},
		{"falcosidekick, of another source", "falco.alert", `{"source":"syscall","tags":["yagura"],"output_fields":{"yagura.notice":"NOTICE1","yagura.issue":"ISSUE1"}}`, false},
		{"CloudWatch Logs", "json", `{"v":1,"from":"yagura","notice":"NOTICE1","op":"open"}`, true},
		{"CloudWatch Logs, unknown", "json", `{"v":1,"from":"yagura","notice":"NOTICE3","op":"open"}`, false},
		{"GitHub", "github.webhook", `{"action":"opened","issue":{"body":"\u003c!-- yagura:issue=ISSUE1 v=1 --><!-- yagura:notice=NOTICE1 -->\nx"}}`, true},
		{"GitHub, a comment of ours", "github.webhook", `{"action":"created","issue":{"body":"x"},"comment":{"body":"<!-- yagura:notice=NOTICE1 -->\nx"}}`, true},
		{"GitHub, a comment of others on our issue", "github.webhook", `{"action":"created","issue":{"body":"<!-- yagura:issue=ISSUE1 v=1 --><!-- yagura:notice=NOTICE1 -->"},"comment":{"body":"hello"}}`, false},
		{"GitHub, deleted", "github.webhook", `{"action":"deleted","issue":{"body":"<!-- yagura:issue=ISSUE1 v=1 --><!-- yagura:notice=NOTICE1 -->"}}`, false},
		{"GitHub, not in the first line", "github.webhook", `{"action":"opened","issue":{"body":"x\n<!-- yagura:issue=ISSUE1 v=1 --><!-- yagura:notice=NOTICE1 -->"}}`, false},
		{"of a format that no sink writes", "okta.system", `{"v":1,"from":"yagura","notice":"NOTICE1"}`, false},
	} {
		if got := o.look(c.format, []byte(c.record)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if asked != 3 { // NOTICE1, NOTICE2, NOTICE3
		t.Errorf("the store was asked %d times", asked)
	}
	now = now.Add(time.Minute)
	if o.ours("", "NOTICE2") || asked != 4 {
		t.Error("a no is remembered for good")
	}
	fault = errors.New("away")
	if o.ours("", "NOTICE4") {
		t.Error("a store that is away makes a record ours")
	}
}
