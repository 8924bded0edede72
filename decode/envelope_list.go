package decode

import (
	"bytes"
	"errors"

	"github.com/yagura-sec/yagura/slot"
)

// Objects around a list of records: {"Records":[…]} and its kin. They are not read
// whole like the envelopes of envelope.go, because the list may be as long as the
// file: the reader steps into it.

// listKeys are the keys that lists of records stand under. The weak ones are also
// keys of ordinary records, so that what stands beside them must be of no interest.
var listKeys = map[string]bool{ // to whether it is weak
	"Records":          false, // CloudTrail files, SQS, SNS and Kinesis events of Lambda
	"records":          false, // Azure Event Hubs and storage, Firehose
	"value":            true,  // Microsoft Graph, Office 365
	"events":           true,  // get-log-events and filter-log-events of CloudWatch Logs
	"Events":           true,  // lookup-events of CloudTrail
	"Findings":         true,  // get-findings of Security Hub and GuardDuty
	"items":            true,  // Kubernetes EventList, Google Workspace reports
	"entries":          true,  // entries.list of Google Cloud Logging
	"data":             true,  // Datadog log search
	"logs":             true,  // the same, version 1
	"Messages":         true,  // receive-message of SQS
	"receivedMessages": true,  // pull of Pub/Sub
	"entities":         true,  // events of the audit API of Bitbucket Data Center
	"response":         true,  // Duo's Admin API

	"configurationItems":     false, // history, snapshots and the API of AWS Config
	"baseConfigurationItems": false, // batch-get-resource-config of AWS Config
	"EvaluationResults":      false, // get-compliance-details-by-config-rule of AWS Config
	"findings":               true,  // reports and lists of Inspector, Access Analyzer and Macie
	"listFindingsResults":    false, // findings.list of Security Command Center
	"assets":                 true,  // assets.list of Cloud Asset Inventory
	"alerts":                 true,  // alerts.list of Google Workspace's Alert Center
	"result":                 true,  // the API of Cloudflare
}

// besides are the keys that stand beside a list of records and say nothing about
// the records.
var besides = map[string]bool{
	"kind": true, "apiVersion": true, "metadata": true, "etag": true, "nextPageToken": true, "nextToken": true,
	"NextToken": true, "next": true, "nextLink": true, "links": true, "meta": true, "count": true, "total": true,
	"next_page": true, "has_more": true, "cursor": true, "status": true, "nextLogId": true,
	"nextForwardToken": true, "nextBackwardToken": true, "searchedLogStreams": true, "ResponseMetadata": true,
	"invocationId": true, "deliveryStreamArn": true, "region": true, "sourceKinesisStreamArn": true,
	"requestId": true, "timestamp": true, "pagingInfo": true, "stat": true,
	"fileVersion": true, "configSnapshotId": true, "unprocessedResourceKeys": true, "readTime": true, "totalSize": true,
}

// beside says whether key may stand beside a list of records.
func beside(key []byte) bool {
	return besides[string(key)] || len(key) > 0 && (key[0] == '@' || key[0] == '$')
}

// memberOf reads the key at i and what stands before its value. It returns where the
// value starts and the key.
func memberOf(b []byte, i int) (value int, name []byte, err error) {
	n, err := slot.Skip(b[i:])
	if err != nil {
		return 0, nil, shift(err, i)
	}
	if name = b[i+1 : i+n-1]; bytes.IndexByte(name, '\\') >= 0 {
		name = slot.Unescape(nil, name)
	}
	i = skipSpace(b, i+n)
	if i >= len(b) {
		return 0, nil, slot.ErrShort
	}
	if b[i] != ':' {
		return 0, nil, &slot.SyntaxError{Offset: int64(i), Msg: "a colon should follow the object key"}
	}
	if i = skipSpace(b, i+1); i >= len(b) {
		return 0, nil, slot.ErrShort
	}
	return i, name, nil
}

// shift moves the place of a syntax error.
func shift(err error, by int) error {
	if bad, ok := errors.AsType[*slot.SyntaxError](err); ok {
		return &slot.SyntaxError{Offset: bad.Offset + int64(by), Msg: bad.Msg}
	}
	return err
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

const (
	// maxWalk is how far into an object a list of records is looked for.
	maxWalk = 1 << 20
	// maxField is how long a list may be that is a field of a record.
	maxField = 128 << 10
)

// enter looks whether the object at the unread bytes is one around a list of
// records, and if so steps into the list. If it is not a member of the list that is open,
// it only says so, in s.cut.
func (r *Reader) enter(s *stream) bool {
	r.looked = false
	if len(s.frames)+1 > MaxEnvelopes {
		return false
	}
	for {
		at, short := r.findList(s)
		if at > 0 && s.cutBefore() {
			s.cut = true
			return true
		}
		if at > 0 {
			s.pos += at
			s.frames = append(s.frames, frame{kind: object}, frame{kind: array})
			return true
		}
		if !short || s.end-s.pos >= maxWalk {
			return false
		}
		// The answer must not depend on how much happens to be in the buffer: the end of
		// the text, when it comes, is looked at too.
		if ended := s.eof; !s.more() && (ended || !s.eof) {
			return false
		}
	}
}

// findList returns where the members of a list of records start in the object at the
// unread bytes, 0 when there is no list. short says that more bytes might show one.
func (r *Reader) findList(s *stream) (at int, short bool) {
	b := s.unread()
	b = b[:min(len(b), maxWalk, s.limit)]
	plain := true // every key so far may stand beside a list
	i := 1
	for {
		if i = skipSpace(b, i); i >= len(b) {
			return 0, true
		}
		if b[i] != '"' {
			return 0, false
		}
		v, name, err := memberOf(b, i)
		if err != nil {
			return 0, errors.Is(err, slot.ErrShort)
		}
		if _, list := listKeys[string(name)]; list && b[v] == '[' {
			first := skipSpace(b, v+1)
			if first >= len(b) {
				return 0, true
			}
			if b[first] == '{' || b[first] == ']' {
				switch yes, short := r.isList(s, b, name, v, first, plain); {
				case yes:
					return v + 1, false
				case short:
					return 0, true
				}
			}
		}
		n, err := slot.Skip(b[v:])
		if err != nil {
			return 0, errors.Is(err, slot.ErrShort)
		}
		plain = plain && beside(name)
		if i = skipSpace(b, v+n); i >= len(b) {
			return 0, true
		}
		if b[i] != ',' {
			return 0, false
		}
		i++
	}
}

// isList judges the list at v of b, whose first member starts at first.
func (r *Reader) isList(s *stream, b []byte, name []byte, v, first int, plain bool) (yes, short bool) {
	weak := listKeys[string(name)]
	if plain && !weak {
		return true, false
	}
	if b[first] == '{' {
		// A member that is known settles it.
		last := len(r.d.plans) - 1
		r.looked = true
		_, err := r.scan(last, b[first:])
		if errors.Is(err, slot.ErrShort) {
			return false, !s.eof
		}
		if err == nil && (r.recognise(last) >= 0 || r.envelope(last)) {
			return true, false
		}
	}
	if !plain {
		return false, false
	}
	// Nothing is known of the members: what follows the list must be of no interest.
	n, err := slot.Skip(b[v:])
	short = errors.Is(err, slot.ErrShort)
	if short && s.eof || (short || err == nil) && (n > maxField || short && len(b)-v > maxField) {
		return true, false // cut short, or too long for a field of a record
	}
	if err != nil {
		// A record that is broken would be lost whole: as a list only the member is.
		return !short, short
	}
	i := v + n
	for {
		if i = skipSpace(b, i); i >= len(b) {
			return false, !s.eof
		}
		if b[i] != ',' {
			return b[i] == '}', false
		}
		if i = skipSpace(b, i+1); i >= len(b) {
			return false, !s.eof
		}
		if b[i] != '"' {
			return false, false
		}
		val, name, err := memberOf(b, i)
		if err != nil {
			return false, errors.Is(err, slot.ErrShort) && !s.eof
		}
		if !beside(name) {
			return false, false
		}
		if n, err = slot.Skip(b[val:]); err != nil {
			return false, errors.Is(err, slot.ErrShort) && !s.eof
		}
		i = val + n
	}
}

// envelope says whether the Doc of the last plan holds a record that is an envelope.
func (r *Reader) envelope(last int) bool {
	rec := &r.rec
	for i := range envelopes {
		*rec = Record{Doc: r.doc(last), slots: r.d.plans[last].envelopes[i]}
		if !envelopes[i].OnlyKnown && envelopes[i].Is(rec) {
			return true
		}
	}
	return false
}
