package yagura

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Key identifies one event for the search of repeats: 128 bits made by the
// documented recipe of its format.
type Key [16]byte

// String returns the key as 32 hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// MarshalText returns what [Key.String] returns.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what [Key.MarshalText] wrote.
func (k *Key) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(k[:], text[:min(len(text), 2*len(k))]); err != nil || len(text) != 2*len(k) || n != len(k) {
		return fmt.Errorf("event key %q: want 32 hexadecimal digits", text)
	}
	return nil
}

// Outcomes of an event.
const (
	OutcomeSuccess = "success"
	OutcomeFailure = "failure"
	OutcomeUnknown = "unknown"
)

// Event is one log record: the bytes as received and a small header in OCSF terms.
// Its JSON form is one line of `yagura decode` (contract version 1).
type Event struct {
	V        int             `json:"v"`
	ID       string          `json:"id"` // the native id as printed in the record
	Key      Key             `json:"key"`
	Content  uint64          `json:"-"`      // hash of time, actor, action, target and outcome: what tells events with one key apart
	Format   string          `json:"format"` // "aws.cloudtrail", "entra.audit", …
	Source   string          `json:"source"` // the collector: "file", "s3", "stdin"
	Time     time.Time       `json:"time"`   // when it happened, by the record itself; zero if it does not say
	Seen     time.Time       `json:"seen"`   // when it arrived here
	Account  string          `json:"account"`
	Region   string          `json:"region"`
	Action   string          `json:"action"`
	Actor    Actor           `json:"actor"`
	Targets  []Entity        `json:"targets"`
	SrcIP    string          `json:"src_ip"`
	Outcome  string          `json:"outcome"`
	Entities []Entity        `json:"entities"` // all that are named: actor, targets, source address, account and others, each once
	File     string          `json:"file"`
	Offset   int64           `json:"offset"` // of the record's first byte in the decompressed file
	Raw      json.RawMessage `json:"raw"`    // the record as received, envelope removed
	Detail   Detail          `json:"-"`      // for whoever asks decode for it
}

// Detail is what the lake keeps of a record beside its header, in columns of their own.
type Detail struct {
	Service   string // that was asked: "iam.amazonaws.com", "Microsoft.Compute"
	UserAgent string
	AccessKey string
	Error     string // the code
	SrcHost   string // what the record names in place of a source address
	More      []Column
}

// Column is a column of the lake that one format has of its own, and its value.
type Column struct{ Name, Value string }

// Ref is the part of an event's header that a finding carries.
func (e *Event) Ref() EventRef {
	return EventRef{ID: e.ID, Key: e.Key, Time: e.Time, Account: e.Account, Region: e.Region,
		Action: e.Action, Actor: e.Actor, SrcIP: e.SrcIP, Outcome: e.Outcome}
}

// EventRef is the part of an event's header that a finding carries.
type EventRef struct {
	ID      string    `json:"id"`
	Key     Key       `json:"key"`
	Time    time.Time `json:"time"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Action  string    `json:"action"`
	Actor   Actor     `json:"actor"`
	SrcIP   string    `json:"src_ip"`
	Outcome string    `json:"outcome"`
}
