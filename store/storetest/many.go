package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// Many fills a database with issues and findings of an invented company, the same every time,
// which end at a time and go back 90 days. tell, where it is not nil, is told of how far it is.
func Many(ctx context.Context, db *store.DB, issues, findings int, end time.Time, tell func(findings int)) error {
	m := many{r: rand.New(rand.NewPCG(1, 2)), end: end}
	const issuesAtOnce, findingsAtOnce = 500, 2000
	list := make([]*yagura.Issue, 0, issues)
	for i := range issues {
		list = append(list, m.issue(i, issues))
	}
	for from := 0; from < issues; from += issuesAtOnce {
		part := list[from:min(from+issuesAtOnce, issues)]
		if err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutIssues(ctx, part); err != nil {
				return err
			}
			var notes []yagura.Entry
			for i, x := range part {
				if i%10 == 0 {
					notes = append(notes, yagura.Entry{IssueID: x.ID, At: x.Updated, Who: "user:mary", What: yagura.EntryNote, Text: noteTexts[i/10%len(noteTexts)]})
				}
			}
			if err := tx.AddEntries(ctx, notes); err != nil {
				return err
			}
			_, err := tx.IndexIssues(ctx, issuesAtOnce)
			return err
		}); err != nil {
			return err
		}
	}
	for from := 0; from < findings; from += findingsAtOnce {
		part := make([]yagura.Filed, 0, findingsAtOnce)
		for i := from; i < min(from+findingsAtOnce, findings); i++ {
			part = append(part, m.finding(i, findings, list))
		}
		if err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PutFindings(ctx, part)
			return err
		}); err != nil {
			return err
		}
		for n := 1; n > 0; {
			if err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = tx.IndexFindings(ctx)
				return err
			}); err != nil {
				return err
			}
		}
		if tell != nil && from/findingsAtOnce%50 == 0 {
			tell(from)
		}
	}
	return nil
}

const manyDays = 90

var noteTexts = []string{"顧客情報の漏洩ではないことを確認した", "asked the owner, who rotated the key", "監査ログに残っていた操作は計画どおり", "seen in the maintenance window of last week", "権限を戻した。再発防止は別の課題で扱う"}

var ruleTitles = [][2]string{
	{"Root account signed in to the console", "ルートアカウントがコンソールにサインインした"}, {"Trail was stopped", "監査ログの記録が停止された"},
	{"Bucket was made public", "バケットの公開設定が変更された"}, {"Administrator permissions were attached to a user", "利用者に管理者権限が付与された"},
	{"Access key was used from a new country", "アクセスキーが新しい国から使われた"}, {"Secret was read by an unusual role", "普段と異なるロールが機密情報を読み取った（漏洩の疑い）"},
	{"Security group opened to the world", "セキュリティグループが全世界に公開された"}, {"Snapshot was shared with another account", "スナップショットが他のアカウントと共有された"},
}

var (
	manyFormats = []string{"aws.cloudtrail", "aws.guardduty", "gcp.audit", "entra.signin", "aws.config"}
	manyActions = []string{"ConsoleLogin", "StopLogging", "PutBucketAcl", "AttachUserPolicy", "GetSecretValue", "AuthorizeSecurityGroupIngress", "ModifySnapshotAttribute", "AssumeRole"}
	manyRegions = []string{"ap-northeast-1", "us-east-1", "eu-west-1", "us-west-2"}
)

type many struct {
	r   *rand.Rand
	end time.Time
}

func (m *many) rule(i int) yagura.RuleRef {
	t := ruleTitles[i%len(ruleTitles)]
	return yagura.RuleRef{ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i*2654435761, i), Title: fmt.Sprintf("%s (%d)", t[0], i), Engine: yagura.EngineSigma, File: fmt.Sprintf("detections/aws/rule_%d/rule.yml", i),
		Tags: []string{"attack.initial-access", fmt.Sprintf("attack.t%d.%03d", 1000+i%200, i%5)}}
}

func manyAccount(i int) yagura.AccountInfo {
	return yagura.AccountInfo{ID: fmt.Sprintf("%012d", 100000000000+i*7919), Name: fmt.Sprintf("本番-%d", i), Cloud: "aws", Organisation: []string{"acme", "globex"}[i%2], Owner: fmt.Sprintf("team-%d", i%9), Environment: []string{"prod", "dev", "staging"}[i%3], Listed: true}
}

// some returns a number below n, small ones much more often.
func (m *many) some(n int) int {
	x := m.r.Float64()
	return int(x * x * x * float64(n))
}

func hexOf(i int, n int) string {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(i))
	sum := sha256.Sum256(b[:])
	return hex.EncodeToString(sum[:])[:n]
}

func (m *many) actor() yagura.Actor {
	i := m.some(4000)
	return yagura.Actor{Type: "user", ID: "arn:aws:iam::" + manyAccount(i%60).ID + ":user/" + fmt.Sprintf("person%d", i), Name: fmt.Sprintf("person%d", i)}
}

func (m *many) ip() string {
	i := m.some(60000)
	return fmt.Sprintf("%d.%d.%d.%d", 11+i%150, i>>8&255, i*7&255, i&255)
}

func (m *many) issue(i, all int) *yagura.Issue {
	rule := m.rule(m.some(400))
	account := manyAccount(m.some(60))
	updated := m.end.Add(-time.Duration(float64(all-i) / float64(all) * manyDays * 24 * float64(time.Hour)))
	opened := updated.Add(-time.Duration(m.r.IntN(72)) * time.Hour)
	actor := m.actor()
	resource := "arn:aws:s3:::bucket-" + hexOf(i, 12)
	x := &yagura.Issue{V: 1, ID: fmt.Sprintf("01J%023d", i), CauseKey: rule.ID + "|" + account.ID + "|" + actor.ID + "|" + resource, Kind: []yagura.Kind{yagura.Posture, yagura.Behaviour}[m.r.IntN(2)],
		Title: rule.Title + " by " + actor.Name, TitleJA: ruleTitles[i%len(ruleTitles)][1], Rule: rule, Format: manyFormats[m.some(len(manyFormats))],
		Severity: yagura.Severities()[min(m.r.IntN(15)/2, 4)], SeverityOriginal: "high", Status: yagura.StatusClosed, Episode: 1 + m.r.IntN(3), Opened: opened, Updated: updated, FirstSeen: opened, LastSeen: updated,
		Count: uint64(m.some(5000)), Account: account.ID, AccountInfo: account, Actor: actor, Version: 1,
		Entities: []yagura.Entity{{Type: "user", ID: actor.ID}, {Type: "ip", ID: m.ip()}, {Type: "resource", ID: resource}, {Type: "key", ID: "AKIA" + hexOf(i%9000, 16)}},
		Runbook:  &yagura.Runbook{Check: []string{"Ask the owner of the account whether the change was planned.", "Look for other calls of the same session."}, Do: []string{"Take the change back and rotate what was read."}}}
	x.Latest = &yagura.Finding{V: 1, ID: hexOf(i, 32), Rule: rule, Severity: x.Severity, Format: x.Format, Event: yagura.EventRef{Region: manyRegions[m.r.IntN(4)], SrcIP: x.Entities[1].ID, Account: account.ID}, Entities: x.Entities, Why: []yagura.Why{}, Output: x.Title}
	switch k := m.r.IntN(100); {
	case k < 12:
		x.Status = yagura.StatusOpen
	case k < 20:
		x.Status, x.Acked, x.Assignee = yagura.StatusAcknowledged, opened.Add(time.Duration(m.r.IntN(600))*time.Minute), fmt.Sprintf("user:person%d@example.com", m.r.IntN(12))
	default:
		x.Acked, x.Closed, x.CloseReason = opened.Add(time.Duration(m.r.IntN(600))*time.Minute), updated, yagura.ClosedByHuman
	}
	if m.r.IntN(20) == 0 {
		x.Labels = []string{"known", fmt.Sprintf("wave-%d", m.r.IntN(40))}
	}
	return x
}

func (m *many) finding(i, all int, issues []*yagura.Issue) yagura.Filed {
	// A finding is of an issue of about its time.
	near := min(len(issues)-1, max(0, int(float64(i)/float64(all)*float64(len(issues)))-m.some(max(1, min(2000, len(issues))))))
	x := issues[near]
	seen := m.end.Add(-time.Duration(float64(all-i) / float64(all) * manyDays * 24 * float64(time.Hour)))
	action := manyActions[m.r.IntN(len(manyActions))]
	ip := m.ip()
	event := yagura.EventRef{ID: hexOf(i, 36), Key: yagura.Key(must(hex.DecodeString(hexOf(i+1<<40, 32)))), Time: seen.Add(-time.Duration(30+m.r.IntN(300)) * time.Second), Account: x.Account, Region: manyRegions[m.r.IntN(4)],
		Action: action, Actor: x.Actor, SrcIP: ip, Outcome: []string{"success", "failure"}[m.r.IntN(2)]}
	return yagura.Filed{IssueID: x.ID, Episode: x.Episode, Severity: x.Severity, Generation: "g1", Seen: seen, Suppressed: m.r.IntN(50) == 0, Clauses: []string{"default"},
		Finding: yagura.Finding{V: 1, ID: hexOf(i+1<<41, 32), CauseKey: x.CauseKey, Kind: x.Kind, Rule: x.Rule, Severity: x.Severity, SeverityOriginal: "high", Format: x.Format, Source: "trail", Time: event.Time, Event: event,
			Events: []string{event.ID}, Entities: []yagura.Entity{x.Entities[0], {Type: "ip", ID: ip}, x.Entities[2], x.Entities[3]},
			Why:    []yagura.Why{{Field: "eventName", Op: "equals", Value: action, Actual: action}, {Field: "userIdentity.arn", Op: "contains", Value: ":user/", Actual: x.Actor.ID}, {Field: "errorMessage", Op: "contains", Value: "権限", Actual: fmt.Sprintf("権限がありません: %s", action)}},
			Output: fmt.Sprintf("%s did %s on %s from %s (request %s)", x.Actor.Name, action, x.Entities[2].ID, ip, hexOf(i+1<<42, 20))}}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // hexadecimal digits that were made here
	}
	return v
}
