package notify

import (
	"fmt"

	"github.com/yagura-sec/yagura"
)

// Lang is the language of what a sink writes.
type Lang string

// The languages.
const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// ParseLang reads "en" or "ja"; "" is English.
func ParseLang(s string) (Lang, error) {
	switch s {
	case "", "en":
		return English, nil
	case "ja":
		return Japanese, nil
	}
	return "", fmt.Errorf("language %q: want en or ja", s)
}

// Vocabulary holds the fixed words of a language, as templates use them.
type Vocabulary struct {
	// Labels of facts and headings.
	What, Who, BehalfOf, From, Where, Region, When, FirstSeen, LastSeen, Count, Episode string
	Severity, Status, Conclusion, Account, Owner, Environment, Organisation             string
	Rule, Techniques, Entities, Why, Timeline, Links, Assignee, Outcome, Action, Labels string
	Check, Do                                                                           string
	Issue, Format, Kind, Original, Updated, CutShort, More                              string
	// Sentences.
	NewIssue, NewEpisode, UpdatedIssue, Rose, RoseFrom, Acked, AckedBy, Closed, ClosedBy, Reopened, Note, NoteBy string
	WasThisYou, Digest, Test, Asked, Flapping, Suppressed                                                        string
	// Buttons and answers.
	Acknowledge, Close, Suppress, Yes, No string

	severities  map[yagura.Severity]string
	statuses    map[yagura.Status]string
	conclusions map[yagura.Conclusion]string
	reasons     map[yagura.CloseReason]string
	kinds       map[yagura.Kind]string
	entities    map[string]string
	outcomes    map[string]string
	entries     map[yagura.EntryKind]string
	ops         map[string]string
}

// Words returns the vocabulary of a language, English for one that is unknown.
func Words(l Lang) *Vocabulary {
	if l == Japanese {
		return &japanese
	}
	return &english
}

// SeverityWord returns a level's name for people.
func (v *Vocabulary) SeverityWord(s yagura.Severity) string { return v.severities[s] }

// StatusWord returns a status's name for people.
func (v *Vocabulary) StatusWord(s yagura.Status) string { return or(v.statuses[s], string(s)) }

// ConclusionWord returns a conclusion's name for people, "" for none.
func (v *Vocabulary) ConclusionWord(c yagura.Conclusion) string {
	return or(v.conclusions[c], string(c))
}

// ReasonWord says why an episode ended.
func (v *Vocabulary) ReasonWord(r yagura.CloseReason) string { return or(v.reasons[r], string(r)) }

// EntityWord returns the name of a type of entities for people.
func (v *Vocabulary) EntityWord(t string) string { return or(v.entities[t], t) }

// EntryWord returns the name of a kind of timeline entries for people.
func (v *Vocabulary) EntryWord(k yagura.EntryKind) string { return or(v.entries[k], string(k)) }

// OpWord returns the name of a clause's operator for people.
func (v *Vocabulary) OpWord(op string) string { return or(v.ops[op], op) }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

var english = Vocabulary{
	What: "What", Who: "Who", BehalfOf: "On behalf of", From: "From", Where: "Where", Region: "Region", When: "When",
	FirstSeen: "First seen", LastSeen: "Last seen", Count: "Findings", Episode: "Episode",
	Severity: "Severity", Status: "Status", Conclusion: "Conclusion", Account: "Account", Owner: "Owner",
	Environment: "Environment", Organisation: "Organisation",
	Rule: "Rule", Techniques: "ATT&CK", Entities: "Involved", Why: "Why", Timeline: "Timeline", Links: "Links", Check: "Check", Do: "Do",
	Assignee: "Assignee", Outcome: "Outcome", Action: "Action", Labels: "Labels",
	Issue: "Issue", Format: "Log", Kind: "Kind", Original: "as the rule says", Updated: "Updated",
	CutShort: "cut, %d characters more", More: "%d more",
	NewIssue: "New issue", NewEpisode: "It is back: episode %d", UpdatedIssue: "Updated", Rose: "Severity rose to %s",
	RoseFrom: "Severity rose from %s to %s", Acked: "Acknowledged", AckedBy: "Acknowledged by %s", Closed: "Closed: %s",
	ClosedBy: "Closed by %s", Reopened: "Re-opened: episode %d", Note: "Note", NoteBy: "Note by %s",
	WasThisYou: "Was this you?", Digest: "Daily digest", Test: "Test of this sink", Asked: "We asked",
	Flapping: "It opens and closes again and again", Suppressed: "Suppressed until %s",
	Acknowledge: "Acknowledge", Close: "Close", Suppress: "Suppress", Yes: "Yes, this was me", No: "No, this was not me",
	severities: map[yagura.Severity]string{
		yagura.SeverityCritical: "Critical", yagura.SeverityHigh: "High", yagura.SeverityMedium: "Medium",
		yagura.SeverityLow: "Low", yagura.SeverityNone: "None",
	},
	statuses: map[yagura.Status]string{yagura.StatusOpen: "open", yagura.StatusAcknowledged: "acknowledged", yagura.StatusClosed: "closed"},
	conclusions: map[yagura.Conclusion]string{
		yagura.ConcludedTruePositive: "true positive", yagura.ConcludedBenign: "benign",
		yagura.ConcludedFalsePositive: "false positive", yagura.ConcludedAccepted: "risk accepted",
	},
	reasons: map[yagura.CloseReason]string{
		yagura.ClosedFixed: "fixed, verified", yagura.ClosedBySource: "resolved by its source",
		yagura.ClosedGone: "the resource is gone", yagura.ClosedByHuman: "closed by a person",
	},
	kinds: map[yagura.Kind]string{yagura.Posture: "posture", yagura.Behaviour: "behaviour"},
	entities: map[string]string{
		yagura.EntityUser: "user", yagura.EntityRole: "role", yagura.EntitySession: "session",
		yagura.EntityServicePrincipal: "service principal", yagura.EntityKey: "key", yagura.EntityIP: "IP address",
		yagura.EntityDomain: "domain", yagura.EntityHost: "host", yagura.EntityResource: "resource", yagura.EntityAccount: "account",
	},
	outcomes: map[string]string{yagura.OutcomeSuccess: "success", yagura.OutcomeFailure: "failure"},
	entries: map[yagura.EntryKind]string{
		yagura.EntryOpened: "opened", yagura.EntryReopened: "re-opened", yagura.EntryClosed: "closed", yagura.EntryAcked: "acknowledged",
		yagura.EntrySeverity: "severity", yagura.EntryAssigned: "assigned", yagura.EntryLabels: "labels", yagura.EntryNote: "note",
		yagura.EntryConcluded: "conclusion", yagura.EntrySuppressed: "suppressed", yagura.EntryFinding: "finding",
		yagura.EntryCounter: "counter-event", yagura.EntryFlapping: "flapping", yagura.EntryOverdue: "overdue",
		yagura.EntryAnswer: "answer", yagura.EntryStorm: "storm", yagura.EntryMerged: "merged", yagura.EntryRelated: "same actor",
	},
}

var japanese = Vocabulary{
	What: "内容", Who: "実行者", BehalfOf: "元の主体", From: "送信元", Where: "場所", Region: "リージョン", When: "発生日時",
	FirstSeen: "初回", LastSeen: "最終", Count: "検出数", Episode: "発生回数",
	Severity: "重大度", Status: "状態", Conclusion: "結論", Account: "アカウント", Owner: "担当チーム",
	Environment: "環境", Organisation: "組織",
	Rule: "ルール", Techniques: "ATT&CK", Entities: "関係するもの", Why: "検出理由", Timeline: "タイムライン", Links: "リンク", Check: "確認すること", Do: "対応",
	Assignee: "担当者", Outcome: "結果", Action: "操作", Labels: "ラベル",
	Issue: "課題", Format: "ログ", Kind: "種類", Original: "ルールの値", Updated: "更新",
	CutShort: "省略、残り %d 文字", More: "ほか %d 件",
	NewIssue: "新しい課題です", NewEpisode: "再発しました（第 %d 回）", UpdatedIssue: "更新されました", Rose: "重大度が%sに上がりました",
	RoseFrom: "重大度が%sから%sに上がりました", Acked: "対応を開始しました", AckedBy: "%s が対応を開始しました", Closed: "完了しました（%s）",
	ClosedBy: "%s が完了にしました", Reopened: "再オープンしました（第 %d 回）", Note: "メモ", NoteBy: "%s のメモ",
	WasThisYou: "これはあなたの操作ですか？", Digest: "日次のまとめ", Test: "通知先のテストです", Asked: "本人に確認中です",
	Flapping: "発生と解消を繰り返しています", Suppressed: "%s まで通知を抑止しています",
	Acknowledge: "対応を開始", Close: "完了", Suppress: "抑止", Yes: "はい、私です", No: "いいえ、違います",
	severities: map[yagura.Severity]string{
		yagura.SeverityCritical: "緊急", yagura.SeverityHigh: "高", yagura.SeverityMedium: "中", yagura.SeverityLow: "低", yagura.SeverityNone: "対応不要",
	},
	statuses: map[yagura.Status]string{yagura.StatusOpen: "未対応", yagura.StatusAcknowledged: "対応中", yagura.StatusClosed: "完了"},
	conclusions: map[yagura.Conclusion]string{
		yagura.ConcludedTruePositive: "真の脅威", yagura.ConcludedBenign: "問題なし",
		yagura.ConcludedFalsePositive: "誤検知", yagura.ConcludedAccepted: "リスク受容",
	},
	reasons: map[yagura.CloseReason]string{
		yagura.ClosedFixed: "修正を確認", yagura.ClosedBySource: "検出元で解決", yagura.ClosedGone: "リソースが消滅", yagura.ClosedByHuman: "担当者による完了",
	},
	kinds: map[yagura.Kind]string{yagura.Posture: "状態", yagura.Behaviour: "行為"},
	entities: map[string]string{
		yagura.EntityUser: "ユーザー", yagura.EntityRole: "ロール", yagura.EntitySession: "セッション",
		yagura.EntityServicePrincipal: "サービスプリンシパル", yagura.EntityKey: "キー", yagura.EntityIP: "IP アドレス",
		yagura.EntityDomain: "ドメイン", yagura.EntityHost: "ホスト", yagura.EntityResource: "リソース", yagura.EntityAccount: "アカウント",
	},
	outcomes: map[string]string{yagura.OutcomeSuccess: "成功", yagura.OutcomeFailure: "失敗"},
	entries: map[yagura.EntryKind]string{
		yagura.EntryOpened: "発生", yagura.EntryReopened: "再オープン", yagura.EntryClosed: "完了", yagura.EntryAcked: "対応開始",
		yagura.EntrySeverity: "重大度", yagura.EntryAssigned: "担当者", yagura.EntryLabels: "ラベル", yagura.EntryNote: "メモ",
		yagura.EntryConcluded: "結論", yagura.EntrySuppressed: "抑止", yagura.EntryFinding: "検出",
		yagura.EntryCounter: "打ち消す操作", yagura.EntryFlapping: "再発の繰り返し", yagura.EntryOverdue: "期限超過",
		yagura.EntryAnswer: "本人の回答", yagura.EntryStorm: "大量発生", yagura.EntryMerged: "統合", yagura.EntryRelated: "同じ実行者",
	},
	ops: map[string]string{
		"equals": "が次と一致", "not equals": "が次と不一致", "contains": "が次を含む", "not contains": "が次を含まない",
		"startswith": "が次で始まる", "endswith": "が次で終わる", "in": "が次のいずれか", "exists": "がある", "not exists": "がない",
		"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "is null": "が空", "not is null": "が空でない",
		"matches": "が次のパターンに一致", "not matches": "が次のパターンに不一致", "re": "が次の正規表現に一致", "not re": "が次の正規表現に不一致",
		"cidr": "が次の範囲内", "not cidr": "が次の範囲外", "not startswith": "が次で始まらない", "not endswith": "が次で終わらない",
		"not in": "が次のいずれでもない", "keyword": "次の語を含む", "not keyword": "次の語を含まない", "group-by": "でまとめて", "within": "が次の期間内",
		"occurs": "が発生", "not occurs": "が発生していない", "more": "ほか", "says": "の内容", "not allowed by": "が次で許可されていない",
		"cannot be decoded": "を解釈できない", "cannot be read": "を読み取れない", "not understood": "を解釈できない", "cannot be filed": "を登録できない",
		"stopped a rule": "でルールが異常終了", "was there with other content": "が別の内容で存在", "was there before with other content": "が別の内容で存在",
	},
}
