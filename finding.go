package yagura

import "time"

// Kind says how the issue of a finding ends: a posture (an open port) closes by
// its counter-event or a re-check; a behaviour (someone stopped the trail)
// never closes by itself.
type Kind string

// The two kinds.
const (
	Posture   Kind = "posture"
	Behaviour Kind = "behaviour"
)

// Engine names the language that a rule was written in.
type Engine string

// The engines.
const (
	EngineSigma   Engine = "sigma"
	EngineFalco   Engine = "falco"
	EngineKQL     Engine = "kql"
	EngineBuiltin Engine = "builtin"
)

// Finding is what a rule says about one event, or about a window of events.
// Its JSON form is one line of `yagura scan --format jsonl` (contract version 1).
type Finding struct {
	V                int       `json:"v"`
	ID               string    `json:"id"` // a pure function of rule, event key and content (and cause, where one event has several), or of rule, group and window
	CauseKey         string    `json:"cause_key"`
	Kind             Kind      `json:"kind"`
	Rule             RuleRef   `json:"rule"`
	Severity         Severity  `json:"severity"`
	SeverityOriginal string    `json:"severity_original"`
	Format           string    `json:"format"`
	Source           string    `json:"source"`
	Time             time.Time `json:"time"`
	Event            EventRef  `json:"event"`  // the event, or the window's last
	Events           []string  `json:"events"` // native ids of all events; the key of one that has none
	Entities         []Entity  `json:"entities"`
	Why              []Why     `json:"why"`
	Output           string    `json:"output"`
	// Mode is "count" for a rule that is counted and shown but not notified, else "".
	Mode string `json:"mode,omitempty"`
	// Retro says that the finding was made by judging the past anew, not as its event came.
	Retro bool `json:"retro,omitempty"`
	// Caps names every bound that cut this finding short, in words. Empty: whole.
	Caps []string `json:"caps,omitempty"`
	// Usual is what was known of how usual its values are, where the policy asked.
	Usual []Usual `json:"usual,omitempty"`
	// FormerKeys are the cause keys that former templates of the rule would have made, so
	// that the issue of the cause is found again. They are not part of the contract.
	FormerKeys []string `json:"-"`
	// AliasKeys are further keys of the same cause, by which a counter-event may name it: the
	// id that the service gave the entry. They are not part of the contract.
	AliasKeys []string `json:"-"`
}

// RuleRef names the rule of a finding.
type RuleRef struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Engine Engine   `json:"engine"`
	File   string   `json:"file"`
	Tags   []string `json:"tags"`
}

// Why is one clause of a rule that held.
type Why struct {
	Field  string `json:"field"`  // as the rule writes it
	Op     string `json:"op"`     // "equals", "not contains", "gte", …
	Value  string `json:"value"`  // what the rule asks for
	Actual string `json:"actual"` // what the event holds; "" when absent
}
