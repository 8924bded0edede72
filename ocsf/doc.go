// Package ocsf says events in the Open Cybersecurity Schema Framework (OCSF): which class
// a record is of, and where each of its fields stands there.
//
// It is a map from one vocabulary to another, a pure function of the event: no I/O, no
// clock, no state that one event leaves for the next. It is not a decoder (decode has read
// the header: time, account, actor, action, address, outcome) and it is no judge: severity
// is Informational unless the record is an alert, which brings its own.
//
// Every event comes out valid. A class is chosen only where the record has what the class
// requires; else the event is an API Activity of the header alone, or a base event. The
// record itself is in raw_data, up to a bound. docs/ocsf.md has the table of classes, and
// the tests hold every event to the schema (ocsf/ocsftest).
//
// A worked example:
//
//	m := ocsf.New(ocsf.Options{Version: "0.4.0"})
//	line, err := m.Append(nil, &event) // {"class_uid":6003,"class_name":"API Activity",…}
//
// Adding a format is one function that reads the vendor's fields (see describe) and one
// line in formats.go.
package ocsf

// Version is the version of the schema that is written. It is the first in which a
// Detection Finding has is_alert and cloud resources have an inventory class of their own,
// and old enough for the tools that read OCSF today.
const Version = "1.4.0"
