package yagura

import "time"

// Op is what a notice asks of a sink.
type Op string

// The operations. The first five make and keep the ticket of one issue.
const (
	OpOpen    Op = "open"   // the issue is new to the sink
	OpUpdate  Op = "update" // counts, labels, assignee, text changed; may be folded with an update that waits
	OpRise    Op = "rise"   // the severity rose: tell people, not only the ticket
	OpAck     Op = "acknowledge"
	OpClose   Op = "close"
	OpReopen  Op = "reopen"
	OpComment Op = "comment" // one more text below the ticket
	OpAsk     Op = "ask"     // "was this you?", to the person concerned
	OpDigest  Op = "digest"  // the daily list; of no issue
	OpTest    Op = "test"    // `yagura sink test`; of no issue
)

// Notice is one message that is owed to one sink, until the sink has it. It carries the
// issue as it was when the notice was owed, so every attempt says the same.
type Notice struct {
	ID      string `json:"id"` // a ULID; the same at every attempt, so sinks can drop doubles
	IssueID string `json:"issue_id,omitempty"`
	Sink    string `json:"sink"` // name in the configuration
	// Seq orders the notices of one sink and issue: from 1, delivered strictly in order.
	Seq     int64     `json:"seq"`
	Op      Op        `json:"op"`
	Created time.Time `json:"created"`
	Issue   *Issue    `json:"issue,omitempty"`
	Entry   *Entry    `json:"entry,omitempty"`   // what happened; the text of a comment
	Finding *Finding  `json:"finding,omitempty"` // that caused it, where one did
	Text    string    `json:"text,omitempty"`    // of a digest or test
	To      string    `json:"to,omitempty"`      // of an ask: the person, by e-mail or the sink's id

	// What follows is of the delivery and not of the message.

	// Attempts counts the attempts begun before this one.
	Attempts int `json:"-"`
	// Uncertain says that an earlier attempt ended without an answer (a time-out, a crash):
	// the sink may have the message already and has to look before it makes anything.
	Uncertain bool `json:"-"`
	// FirstTried is when the first attempt began; zero before it.
	FirstTried time.Time `json:"-"`
	// Ref is what the sink calls the issue's ticket (a number, a thread), "" before there is
	// one; it is what the sink's own Receipt said.
	Ref string `json:"-"`
}

// Receipt is what a sink says of a delivered notice.
type Receipt struct {
	Ref     string // of the issue's ticket, "" to leave it as it is
	URL     string // of the ticket, for people
	Detail  string // what was done, for the ledger: "created #12", "already there"
	Doubled bool   // the sink knows that the message is there twice
}

// NoticeState is where a notice stands.
type NoticeState string

// The states.
const (
	NoticeWaiting   NoticeState = "waiting"
	NoticeDelivered NoticeState = "delivered"
	NoticeDead      NoticeState = "dead" // refused for good; a finding says so through another sink
)

// Owed is a notice with its delivery record, as the ledger shows it.
type Owed struct {
	Notice    Notice
	State     NoticeState
	Due       time.Time
	Attempts  int
	LastError string
	Done      time.Time
	Detail    string
}

// Change is what a person did at a sink, at the API or on the command line. It is
// applied once: ID tells repeats.
type Change struct {
	ID      string     // unique within Via: a webhook's delivery id, an action's timestamp
	Via     string     // the sink's name, "cli", "api"
	IssueID string     // or Ref
	Ref     string     // what the sink calls the ticket, where IssueID is empty
	Who     string     // as the sink names the person: "github:mary"
	At      time.Time  // when it was done there
	What    ChangeKind // one of the constants below
	Text    string     // of a comment, or the reason of a close or suppression
	Labels  []string   // added or removed
	To      string     // assignee; "" takes the assignee away
	Until   time.Time  // of a suppression
	Verdict Conclusion // of a close or conclude
	Yes     bool       // of an answer
}

// ChangeKind is what a [Change] does.
type ChangeKind string

// The changes.
const (
	ChangeAck      ChangeKind = "acknowledge"
	ChangeClose    ChangeKind = "close"
	ChangeReopen   ChangeKind = "reopen"
	ChangeAssign   ChangeKind = "assign"
	ChangeLabel    ChangeKind = "label"
	ChangeUnlabel  ChangeKind = "unlabel"
	ChangeComment  ChangeKind = "comment"
	ChangeConclude ChangeKind = "conclude"
	ChangeSuppress ChangeKind = "suppress"
	ChangeAnswer   ChangeKind = "answer" // to "was this you?"
)
