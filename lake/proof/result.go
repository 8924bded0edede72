package proof

import (
	"fmt"
	"time"
)

// Status is what came out of looking at one thing.
type Status string

// What is proven, what is broken, and what is only worth knowing. [Status.Fault] tells the
// broken from the others.
const (
	Valid      Status = "valid"      // it is what it was
	Altered    Status = "altered"    // its content is not what was signed or recorded
	Missing    Status = "missing"    // it was recorded and is not there
	BadSign    Status = "signature"  // its signature does not hold
	Unsigned   Status = "unsigned"   // nothing at hand signs it
	NoKey      Status = "no-key"     // the key that it names is not at hand, or was not in use then
	Moved      Status = "moved"      // it lies where another object belongs
	Unreadable Status = "unreadable" // it cannot be read or parsed
	Unproven   Status = "unproven"   // what names it is itself not proven
	Unlisted   Status = "unlisted"   // nothing names it, though it lies in a time that is covered
	Ends       Status = "ends"       // the chain ends before the time that was asked for
	Broken     Status = "broken"     // a manifest does not continue the one before it
	Gap        Status = "gap"        // a time that no digest covers
	Begins     Status = "begins"     // the chain begins here, by the time that was asked for
	Outside    Status = "outside"    // it lies before the first or behind the last digest
	Expired    Status = "expired"    // it was dropped by retention, which a later manifest records
)

// Fault says whether the status means that something is not proven.
func (s Status) Fault() bool {
	switch s {
	case Valid, Gap, Begins, Outside, Expired:
		return false
	}
	return true
}

// Result is one line of a verification.
type Result struct {
	V      int       `json:"v"`    // 1
	Kind   string    `json:"kind"` // digest, log, manifest, head, raw
	Status Status    `json:"status"`
	OK     bool      `json:"ok"`
	Object string    `json:"object"`             // where it was put
	File   string    `json:"file,omitempty"`     // the copy that was read
	Want   string    `json:"want,omitempty"`     // what was expected, mostly a SHA-256
	Got    string    `json:"got,omitempty"`      // what was found
	By     string    `json:"named_by,omitempty"` // what says so
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Detail string    `json:"detail,omitempty"`
}

// Summary counts results.
type Summary struct {
	Digests, Logs  int // that are valid
	Empty          int // valid digests that name no log file
	Manifests      int // that are valid
	Files          int // Parquet files that are valid
	Originals      int // copies of originals that are valid
	Unsealed       int // lake files that no manifest names yet
	Bytes          int64
	Faults, Notes  int
	From, To       time.Time // what the valid digests or manifests cover
	ByStatus       map[Status]int
	FirstFault     *Result
	UnsignedAtEnds int // chain ends that were accepted without a signature
}

// OK says whether everything is proven, and that there was something.
func (s *Summary) OK() bool { return s.Faults == 0 && s.Digests+s.Manifests+s.Files > 0 }

func (s *Summary) count(r *Result) {
	r.V, r.OK = 1, !r.Status.Fault()
	if s.ByStatus == nil {
		s.ByStatus = map[Status]int{}
	}
	s.ByStatus[r.Status]++
	switch {
	case !r.OK:
		s.Faults++
		if s.FirstFault == nil {
			c := *r
			s.FirstFault = &c
		}
	case r.Status != Valid:
		s.Notes++
	case r.Kind == "digest":
		s.Digests++
	case r.Kind == "log":
		s.Logs++
	case r.Kind == "manifest":
		s.Manifests++
	case r.Kind == "original":
		s.Originals++
	default:
		s.Files++
	}
	if r.Status == Valid && (r.Kind == "digest" || r.Kind == "manifest") {
		if s.From.IsZero() || r.From.Before(s.From) {
			s.From = r.From
		}
		if r.To.After(s.To) {
			s.To = r.To
		}
	}
}

// String is one line for people.
func (r Result) String() string {
	s := fmt.Sprintf("%s %s: %s", r.Kind, r.Object, r.Status)
	if !r.From.IsZero() && r.Kind != "log" {
		s += fmt.Sprintf(" [%s, %s]", r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339))
	}
	if r.Want != "" {
		s += " want " + r.Want
	}
	if r.Got != "" {
		s += " got " + r.Got
	}
	if r.By != "" {
		s += " (named by " + r.By + ")"
	}
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}
