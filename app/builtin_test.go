package app

import (
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/triage"
)

// TestBuiltinJapanese: every rule that the product brings has a title in Japanese, and of a
// vendor's alert it is said whose it is.
func TestBuiltinJapanese(t *testing.T) {
	all := []yagura.RuleRef{brokenRule, conflictRule, deadNotice, reloadRule, silentRule, unlistedRule, ownRule, keyRule, unsubscribedRule, staleRule, stoppedRule,
		triage.StormRule, intake.BrokenRule, intake.PanicRule, intake.ConflictRule, intake.UnreadRule, intake.RefusedRule, intake.MessageRule}
	seen := map[string]string{}
	for _, ref := range all {
		title := builtinJapanese(ref)
		if title == "" || title == ref.Title {
			t.Errorf("%s has no Japanese title", ref.ID)
		}
		if other := seen[title]; other != "" && other != ref.ID {
			t.Errorf("%s and %s have one title: %s", ref.ID, other, title)
		}
		seen[title] = ref.ID
	}
	ref := yagura.RuleRef{ID: "alert-guardduty/Recon:EC2/Portscan", Title: "Outbound portscan", Engine: yagura.EngineBuiltin}
	if got := builtinJapanese(ref); got != "GuardDuty のアラート: Outbound portscan" {
		t.Error(got)
	}
	ref.ID = "alert-ocsf/prowler/check"
	if got := builtinJapanese(ref); got != "アラート: Outbound portscan" {
		t.Error(got)
	}
	ref.Engine = yagura.EngineSigma // somebody's own rule of such a name
	if got := builtinJapanese(ref); got != "" {
		t.Error(got)
	}
}
