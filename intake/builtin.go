package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// The rules that the intake itself brings: what it says about the way of the logs and not
// about what happened in them.
var (
	BrokenRule   = builtin("yagura-broken-record", "Broken record in a log")
	PanicRule    = builtin("yagura-rule-panic", "A rule stopped on a record")
	ConflictRule = builtin("yagura-id-conflict", "Same event id with different content")
	UnreadRule   = builtin("yagura-object-unread", "A log object could not be read")
	RefusedRule  = builtin("yagura-finding-refused", "A finding could not be filed")
	MessageRule  = builtin("yagura-message-refused", "A message of a source was not understood")
)

// Rules lists them with their Japanese titles.
func Rules() map[string]string {
	return map[string]string{
		BrokenRule.ID:   "ログ内の壊れたレコード",
		PanicRule.ID:    "レコードの評価中にルールが異常終了",
		ConflictRule.ID: "同じイベント ID で内容が異なるイベント",
		UnreadRule.ID:   "読み取れないログオブジェクト",
		RefusedRule.ID:  "登録できない検出結果",
		MessageRule.ID:  "収集元からの解釈できないメッセージ",
	}
}

func builtin(id, title string) yagura.RuleRef {
	return yagura.RuleRef{ID: id, Title: title, Engine: yagura.EngineBuiltin, Tags: []string{}}
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// letterID names a dead letter, so that the same record is kept once.
func letterID(source, object string, record int64) string {
	return hash("dead", source, object, fmt.Sprint(record))
}

// about makes a finding of a built-in rule. Its cause is the rule and the source: a hundred
// broken records of one source are one issue, and a hundred findings.
func about(rule yagura.RuleRef, severity yagura.Severity, source, id, cause, output string, at time.Time, why ...yagura.Why) yagura.Finding {
	if why == nil {
		why = []yagura.Why{}
	}
	return yagura.Finding{V: 1, ID: hash(rule.ID, id), CauseKey: "- " + rule.ID + " " + cause, Kind: yagura.Behaviour, Rule: rule, Severity: severity,
		SeverityOriginal: severity.String(), Source: source, Time: at, Event: yagura.EventRef{Outcome: yagura.OutcomeUnknown},
		Events: []string{}, Entities: []yagura.Entity{}, Why: why, Output: output}
}

func brokenFinding(d *yagura.DeadLetter, n int64) yagura.Finding {
	what := "a record"
	if n > 1 {
		what = fmt.Sprintf("%d records", n)
	}
	return about(BrokenRule, yagura.SeverityLow, d.Source, d.ID, "source="+d.Source,
		fmt.Sprintf("%s of %s could not be decoded (record %d, byte %d): %s; see yagura dead show %s", what, d.Object, d.Record, d.Offset, d.Reason, d.ID), d.At,
		yagura.Why{Field: "record", Op: "cannot be decoded", Actual: d.Reason})
}

func panicFinding(d *yagura.DeadLetter) yagura.Finding {
	return about(PanicRule, yagura.SeverityHigh, d.Source, "panic "+d.ID, "source="+d.Source,
		fmt.Sprintf("record %d of %s stopped a rule, so it may not be judged whole: %s; see yagura dead show %s", d.Record, d.Object, d.Reason, d.ID), d.At,
		yagura.Why{Field: "record", Op: "stopped a rule", Actual: d.Reason})
}

func unreadFinding(d *yagura.DeadLetter) yagura.Finding {
	return about(UnreadRule, yagura.SeverityMedium, d.Source, "unread "+d.ID, "source="+d.Source,
		fmt.Sprintf("%s could not be read to its end: %s; see yagura dead show %s", d.Object, d.Reason, d.ID), d.At,
		yagura.Why{Field: "object", Op: "cannot be read", Actual: d.Reason})
}

func refusedFinding(d *yagura.DeadLetter) yagura.Finding {
	return about(RefusedRule, yagura.SeverityHigh, d.Source, "refused "+d.ID, "source="+d.Source,
		fmt.Sprintf("something that was found in %s cannot be filed and is kept as a dead letter: %s; see yagura dead show %s", d.Object, d.Reason, d.ID), d.At,
		yagura.Why{Field: "finding", Op: "cannot be filed", Actual: d.Reason})
}

func messageFinding(d *yagura.DeadLetter) yagura.Finding {
	return about(MessageRule, yagura.SeverityLow, d.Source, "message "+d.ID, "source="+d.Source,
		fmt.Sprintf("a message of source %s was not understood: %s; see yagura dead show %s", d.Source, d.Reason, d.ID), d.At,
		yagura.Why{Field: "message", Op: "not understood", Actual: d.Reason})
}

func conflictFinding(source, object string, at itemPlace, key yagura.Key, content uint64, seen time.Time) yagura.Finding {
	f := about(ConflictRule, yagura.SeverityMedium, source, fmt.Sprintf("conflict %s %x", key, content), "source="+source,
		fmt.Sprintf("an event of %s has the id of an earlier one and other content: both are judged", object), seen,
		yagura.Why{Field: "id", Op: "was there with other content", Actual: key.String()})
	if at.event.ID != "" {
		f.Event = at.event
	}
	return f
}
