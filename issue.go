package yagura

import (
	"fmt"
	"time"
)

// Status is where an issue stands in its life.
type Status string

// The statuses. A re-opened issue is open, in an episode after the first.
const (
	StatusOpen         Status = "open"         // 未対応
	StatusAcknowledged Status = "acknowledged" // 対応中
	StatusClosed       Status = "closed"       // 完了
)

// Conclusion is what people found an issue to be. It is apart from the status: a
// closed issue may have none, an open one may have one already.
type Conclusion string

// The conclusions.
const (
	ConcludedNothing       Conclusion = ""
	ConcludedTruePositive  Conclusion = "true_positive"
	ConcludedBenign        Conclusion = "benign"
	ConcludedFalsePositive Conclusion = "false_positive"
	ConcludedAccepted      Conclusion = "accepted" // the risk is
)

// ParseConclusion reads one of the conclusions; "" is [ConcludedNothing].
func ParseConclusion(s string) (Conclusion, error) {
	switch c := Conclusion(s); c {
	case ConcludedNothing, ConcludedTruePositive, ConcludedBenign, ConcludedFalsePositive, ConcludedAccepted:
		return c, nil
	}
	return "", fmt.Errorf("conclusion %q: want true_positive, benign, false_positive or accepted", s)
}

// CloseReason says why an episode ended.
type CloseReason string

// The reasons. There is none for silence: what is not heard of again is not fixed.
const (
	ClosedFixed    CloseReason = "fixed_verified"     // a re-check, or the counter-event of a posture
	ClosedBySource CloseReason = "resolved_by_source" // the vendor's own alert was resolved
	ClosedGone     CloseReason = "resource_gone"
	ClosedByHuman  CloseReason = "human"
)

// Runbook is what a person does about an issue, in the words of the rule that opened it.
type Runbook struct {
	Check   []string `json:"check,omitempty"` // what to find out, a sentence each
	Do      []string `json:"do,omitempty"`    // what to do where it is what it seems
	CheckJA []string `json:"check_ja,omitempty"`
	DoJA    []string `json:"do_ja,omitempty"`
}

// In returns the two lists in Japanese where they are wanted and there.
func (r *Runbook) In(japanese bool) (check, do []string) {
	if r == nil {
		return nil, nil
	}
	if japanese && len(r.CheckJA)+len(r.DoJA) > 0 {
		return r.CheckJA, r.DoJA
	}
	return r.Check, r.Do
}

// Issue is one cause for its whole life. Its JSON form is what sinks, the API and
// `yagura issue show --format jsonl` carry (contract version 1).
type Issue struct {
	V        int    `json:"v"`
	ID       string `json:"id"` // a ULID; it never changes
	CauseKey string `json:"cause_key"`
	Kind     Kind   `json:"kind"`
	Title    string `json:"title"`
	TitleJA  string `json:"title_ja,omitempty"`
	// Runbook is that of the rule, as it was when the issue was opened; nil for none.
	Runbook *Runbook `json:"runbook,omitempty"`
	// Rule is that of the finding that opened the issue.
	Rule             RuleRef    `json:"rule"`
	Format           string     `json:"format"`
	Severity         Severity   `json:"severity"` // it may rise; a rise is told
	SeverityOriginal string     `json:"severity_original"`
	Status           Status     `json:"status"`
	Conclusion       Conclusion `json:"conclusion,omitempty"`
	// Episode counts from 1; each re-opening begins the next.
	Episode     int         `json:"episode"`
	Flapping    bool        `json:"flapping,omitempty"`
	Opened      time.Time   `json:"opened"` // of this episode, by our clock
	Updated     time.Time   `json:"updated"`
	Closed      time.Time   `json:"closed,omitzero"`
	CloseReason CloseReason `json:"close_reason,omitempty"`
	Acked       time.Time   `json:"acked,omitzero"` // in this episode
	// Fixed is the event time of the last counter-event of a posture: a finding from
	// before it, however late it comes, re-opens nothing.
	Fixed time.Time `json:"fixed,omitzero"`
	// Known is the event time of the latest finding that was known when the issue was
	// closed: what comes late from before it re-opens nothing.
	Known time.Time `json:"known,omitzero"`
	// FirstSeen and LastSeen are event times of its findings.
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Count     uint64    `json:"count"` // findings, of all episodes
	Account   string    `json:"account"`
	// AccountInfo is what the registry said when the issue changed last.
	AccountInfo AccountInfo `json:"account_info,omitzero"`
	Actor       Actor       `json:"actor,omitzero"`
	Entities    []Entity    `json:"entities"`
	Assignee    string      `json:"assignee,omitempty"`
	Labels      []string    `json:"labels,omitempty"`
	Links       []Link      `json:"links,omitempty"`
	// Routes are the names of the sinks that are told of the issue.
	Routes []string `json:"routes,omitempty"`
	// Told are those of them that were: a suppressed issue, or one below an umbrella, has
	// told nobody yet.
	Told []string `json:"told,omitempty"`
	// ToldClosed says that what they were told last of its state is that it is closed.
	ToldClosed bool `json:"told_closed,omitempty"`
	// Announced is the severity that people were told last.
	Announced Severity `json:"announced,omitempty"`
	// SuppressedUntil is zero for an issue that is not suppressed.
	SuppressedUntil time.Time `json:"suppressed_until,omitzero"`
	SuppressReason  string    `json:"suppress_reason,omitempty"`
	// Explained are the policy's decisions of the last judgement, in order.
	Explained []string `json:"explained,omitempty"`
	// Umbrella is the id of the issue that a storm put this one under.
	Umbrella string `json:"umbrella,omitempty"`
	// Latest is the last finding that changed the issue.
	Latest *Finding `json:"latest,omitempty"`
	// Version counts the changes.
	Version int64 `json:"version"`
}

// Link is a page about an issue: a runbook, a ticket at a sink.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Episode is one open-to-close stretch of an issue.
type Episode struct {
	IssueID     string      `json:"issue_id"`
	N           int         `json:"n"` // from 1
	Opened      time.Time   `json:"opened"`
	Acked       time.Time   `json:"acked,omitzero"`
	Closed      time.Time   `json:"closed,omitzero"`
	CloseReason CloseReason `json:"close_reason,omitempty"`
	ClosedBy    string      `json:"closed_by,omitempty"`
}

// Entry is one line of an issue's timeline: every change, with who and why.
type Entry struct {
	IssueID string    `json:"issue_id"`
	Seq     int64     `json:"seq"` // from 1, without gaps, per issue
	At      time.Time `json:"at"`  // by our clock
	// EventTime is when what the entry tells of happened; zero when that is At.
	EventTime time.Time `json:"event_time,omitzero"`
	Who       string    `json:"who"`  // "yagura", "github:mary", "cli:root", …
	What      EntryKind `json:"what"` // one of the constants below
	Text      string    `json:"text"` // for people, in English; may hold hostile text
	FindingID string    `json:"finding_id,omitempty"`
	Rule      string    `json:"rule,omitempty"` // title of the finding's rule
}

// EntryKind says what an entry of a timeline tells.
type EntryKind string

// The kinds of entries.
const (
	EntryOpened     EntryKind = "opened"
	EntryReopened   EntryKind = "reopened"
	EntryClosed     EntryKind = "closed"
	EntryAcked      EntryKind = "acknowledged"
	EntrySeverity   EntryKind = "severity"
	EntryAssigned   EntryKind = "assigned"
	EntryLabels     EntryKind = "labels"
	EntryNote       EntryKind = "note"
	EntryConcluded  EntryKind = "conclusion"
	EntrySuppressed EntryKind = "suppressed"
	EntryFinding    EntryKind = "finding"       // a finding that changed something, or the first of a kind
	EntryCounter    EntryKind = "counter_event" // the counter-event of a behaviour, which closes nothing
	EntryFlapping   EntryKind = "flapping"
	EntryOverdue    EntryKind = "overdue"
	EntryAnswer     EntryKind = "answer" // of the person concerned, to "was this you?"
	EntryStorm      EntryKind = "storm"
	EntryMerged     EntryKind = "alias"   // the cause key's template changed
	EntryRelated    EntryKind = "related" // another issue of the same actor, at about the same time
)

// AccountInfo is what the registry knows of an account, project, subscription or tenant.
type AccountInfo struct {
	ID           string   `json:"id"`
	Name         string   `json:"name,omitempty"`
	Cloud        string   `json:"cloud,omitempty"` // "aws", "gcp", "azure", or what the registry calls it
	Organisation string   `json:"organisation,omitempty"`
	Owner        string   `json:"owner,omitempty"` // team
	Environment  string   `json:"environment,omitempty"`
	Tags         []string `json:"tags,omitempty"`
	Channel      string   `json:"channel,omitempty"`    // where Slack tells of it
	Repository   string   `json:"repository,omitempty"` // owner/name, where GitHub issues go
	// Pipelines are the identities that deploy to the account: roles, service accounts,
	// service principals, as its log writes them; a * is any text.
	Pipelines []string `json:"pipelines,omitempty"`
	Listed    bool     `json:"listed"` // false: an account that sends but is not in the registry
}
