package triage

import (
	"time"

	"github.com/yagura-sec/yagura"
)

// Input is what the clauses of a policy are asked about.
type Input struct {
	Finding *yagura.Finding
	// Event is the record of the finding as JSON, nil where there is none (a window).
	Event   []byte
	Account yagura.AccountInfo
	// Issue is the issue that the finding belongs to as it stands, nil for a new cause.
	Issue *yagura.Issue
	Now   time.Time
}

// Judgement is what a policy says of a finding.
type Judgement struct {
	Severity yagura.Severity
	// SuppressUntil is zero for a finding that is not suppressed. A suppressed one is
	// recorded and counted; its issue owes no notice until then.
	SuppressUntil  time.Time
	SuppressReason string
	// Fold replaces the cause key's parts with the values of chosen keys, "" for none: all
	// findings with the same Fold are one issue.
	Fold     string
	Routes   []string // names of sinks
	Assignee string
	Labels   []string
	// Ask is the person who is asked "was this you?", by e-mail or as a sink knows them; ""
	// for nobody.
	Ask string
	// Clauses says what was decided and by which clause, in order, for people.
	Clauses []Decision
	// Stopped says which stage panicked, and why; "" when none did.
	Stopped string
}

// Decision is one thing that a clause decided.
type Decision struct {
	Stage  string // name of one of Stages
	Clause string // its name, or "clause 3"; "" where no clause decided
	Place  string // file:line:column of the clause
	Text   string // "severity medium → high: production account"
}
