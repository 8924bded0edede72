// Package yagura is the vocabulary of the watchtower: the words that every room
// speaks, and nothing else. It imports the standard library only and does no I/O.
//
// An [Event] is one log record. A rule judges events and says [Finding]. Each
// finding names its [Severity], its [Entity] list and why it was made ([Why]).
// docs/glossary.md gives every word in English and Japanese.
//
// A worked example, the way of one record through the house:
//
//	source/file  reads   trail.json.gz
//	decode       makes   Event{Format: "aws.cloudtrail", Action: "StopLogging", …}
//	detect       says    Finding{Rule: "CloudTrail logging disabled", Severity: high, Why: …}
package yagura
