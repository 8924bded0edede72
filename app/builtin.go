package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/triage"
)

// The rules that the product itself brings: what it says about the logs and not about
// what happened in them.
var (
	brokenRule   = yagura.RuleRef{ID: "yagura-broken-record", Title: "Broken record in a log", Engine: yagura.EngineBuiltin, Tags: []string{}}
	conflictRule = yagura.RuleRef{ID: "yagura-id-conflict", Title: "Same event id with different content", Engine: yagura.EngineBuiltin, Tags: []string{}}
)

// builtinJapanese is the Japanese title of a rule that the product brings, "" where it has
// none. The title of a vendor's alert is the vendor's own text: it is said whose it is.
func builtinJapanese(ref yagura.RuleRef) string {
	switch ref.ID {
	case deadNotice.ID:
		return "通知先による通知の拒否"
	case reloadRule.ID:
		return "再読み込みの拒否"
	case silentRule.ID:
		return "アカウントからのログの途絶"
	case unlistedRule.ID:
		return "台帳にないアカウントからのログ"
	case ownRule.ID:
		return "Yagura 自身のロールの目的外使用"
	case keyRule.ID:
		return "イベントキーの記録の破損"
	case unsubscribedRule.ID:
		return "トピックの購読の解除"
	case stoppedRule.ID:
		return "Yagura の処理の一部の異常終了"
	case staleRule.ID:
		return "組織のアカウント一覧の取得不能"
	case recheckRule.ID:
		return "未完了の課題の再確認の失敗"
	case triage.StormRule.ID:
		return "多数の新しい課題の同時発生"
	}
	if family, ok := strings.CutPrefix(ref.ID, "alert-"); ok && ref.Engine == yagura.EngineBuiltin {
		family, _, _ = strings.Cut(family, "/")
		return vendors[family] + "アラート: " + ref.Title
	}
	return intake.Rules()[ref.ID]
}

// vendors are the families of alerts as Japanese texts name them.
var vendors = map[string]string{"guardduty": "GuardDuty の", "securityhub": "Security Hub の", "falco": "Falco の"}

func builtinID(rule string, about string) string {
	h := sha256.Sum256([]byte(rule + "\x00" + about))
	return hex.EncodeToString(h[:16])
}

type moreBroken uint64

// Error counts what was not said one by one.
func (n moreBroken) Error() string { return fmt.Sprintf("%d more broken records", uint64(n)) }

// brokenFinding is the one finding about the broken records of an object.
func brokenFinding(o source.Object, first *decode.RecordError, n uint64) *report.Item {
	f := &yagura.Finding{V: 1, ID: builtinID(brokenRule.ID, o.Name), CauseKey: brokenRule.ID + "/" + o.Name, Kind: yagura.Behaviour,
		Rule: brokenRule, Severity: yagura.SeverityLow, SeverityOriginal: "low", Source: o.Source,
		Event: yagura.EventRef{Outcome: yagura.OutcomeUnknown}, Events: []string{}, Entities: []yagura.Entity{},
		Why:    []yagura.Why{{Field: "record", Op: "cannot be decoded", Actual: first.Reason}},
		Output: fmt.Sprintf("%s of %s could not be decoded, the first at byte %d: %s", records(n), o.Name, first.Offset, first.Reason)}
	return &report.Item{Finding: f, File: o.Name, Offset: first.Offset}
}

func records(n uint64) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// writeConflicts writes one finding for every id that had several contents. The
// records are read again for their native id; one that cannot be is named by its key.
func (q *sequencer) writeConflicts(ctx context.Context) {
	if q.scan.o.RulesOnly {
		return
	}
	q.fewerConflicts()
	for at := 0; at < len(q.conflicts); {
		same := at + 1
		for same < len(q.conflicts) && q.conflicts[same].job.object.Name == q.conflicts[at].job.object.Name {
			same++
		}
		for _, it := range q.reread(ctx, q.conflicts[at:same]) {
			q.write(it)
		}
		at = same
	}
	if more := q.sum.Conflicts - uint64(len(q.conflicts)); q.named > maxConflicts {
		f := conflictFinding(&yagura.Event{})
		f.Finding.ID, f.Finding.CauseKey = builtinID(conflictRule.ID, "more"), conflictRule.ID+"/more"
		f.Finding.Output = fmt.Sprintf("%d more events have an id that was there before with other content", more)
		f.Finding.Caps = []string{fmt.Sprintf("the first %d are named one by one", maxConflicts)}
		q.write(f)
	}
}

// reread decodes the records of conflicts in one object, which are in order.
func (q *sequencer) reread(ctx context.Context, list []conflict) []*report.Item {
	out := make([]*report.Item, len(list))
	for i, c := range list {
		out[i] = conflictFinding(&yagura.Event{Key: c.item.Key, Format: c.format.Name, Source: c.job.object.Source, File: c.file, Offset: -1})
	}
	o := list[0].job.object
	if o.Streaming || ctx.Err() != nil {
		return out
	}
	body, err := o.Open(ctx)
	if err != nil {
		return out
	}
	defer body.Close() //nolint:errcheck // it was read once already
	r := q.scan.decoder.NewReader(body, o.Name)
	r.Around(written(&o, q.scan.o.Now))
	defer r.Close()
	for i := 0; i < len(list); {
		rec, err := r.Next()
		if bad := (*decode.RecordError)(nil); errors.As(err, &bad) {
			continue
		}
		if err != nil {
			break
		}
		c := list[i]
		if rec.Num != c.num || rec.File != c.file || rec.Key != c.item.Key {
			continue
		}
		var e yagura.Event
		rec.Head(&e)
		e.Source = o.Source
		out[i] = conflictFinding(&e)
		i++
	}
	return out
}

// conflictFinding says of an event what its versions have in common, so that it does
// not matter which of them came first: who did what is in the findings about each.
func conflictFinding(e *yagura.Event) *report.Item {
	events, entities, what := []string{}, []yagura.Entity{}, "the event with the key "+e.Key.String()
	if e.ID != "" {
		events, what = append(events, e.ID), "event "+e.ID
	}
	if e.Account != "" {
		entities = append(entities, yagura.Entity{Type: yagura.EntityAccount, ID: e.Account})
	}
	f := &yagura.Finding{V: 1, ID: builtinID(conflictRule.ID, e.Key.String()), CauseKey: conflictRule.ID + "/" + e.Key.String(), Kind: yagura.Behaviour,
		Rule: conflictRule, Severity: yagura.SeverityMedium, SeverityOriginal: "medium", Format: e.Format, Source: e.Source,
		Event:  yagura.EventRef{ID: e.ID, Key: e.Key, Account: e.Account, Outcome: yagura.OutcomeUnknown},
		Events: events, Entities: entities,
		Why:    []yagura.Why{{Field: "key", Op: "was there before with other content", Actual: e.Key.String()}},
		Output: what + " is in the logs with different contents: all of them are kept"}
	return &report.Item{Finding: f, File: e.File, Offset: e.Offset}
}
