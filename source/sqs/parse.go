package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/source/s3"
)

// Parsed is what a message says.
type Parsed struct {
	// Refs are the objects that it names, in its order, each version once.
	Refs []s3.Ref
	// Record is the body of a message that is itself a record or a list of records, without
	// what SNS put around it.
	Record []byte
	// Test says that it is only a test, sent when a notification is set up.
	Test bool
	// Ignored counts what it names that is of no interest: objects that were deleted,
	// restored, tagged.
	Ignored int
}

// Limits of a message.
const (
	maxWraps = 4    // of SNS around SNS
	maxRefs  = 5000 // objects in one message; a message of 1 MB names fewer in practice
)

// envelope has the fields by which the forms are told apart.
type envelope struct {
	// SNS
	Type    string
	Message *string
	Topic   string `json:"TopicArn"`
	// S3
	Records []json.RawMessage
	Event   string
	// EventBridge
	DetailType string `json:"detail-type"`
	Source     string `json:"source"`
	Account    string `json:"account"`
	Region     string `json:"region"`
	Time       time.Time
	Detail     json.RawMessage `json:"detail"`
	// CloudTrail's own
	TrailBucket string   `json:"s3Bucket"`
	TrailKeys   []string `json:"s3ObjectKey"`
}

// Parse reads the body of a message. anyJSON takes every JSON object or array that is no
// notification for a record; without it a body has to look like one that is known.
func Parse(body []byte, anyJSON bool) (Parsed, error) {
	return parse(body, anyJSON, 0)
}

const validation = "CloudTrail validation message."

func parse(body []byte, anyJSON bool, wraps int) (Parsed, error) {
	text := strings.TrimSpace(string(body))
	place := strings.Repeat("Message of ", wraps) + "the body"
	switch {
	case text == "":
		return Parsed{}, fmt.Errorf("%s is empty", place)
	case text == validation:
		return Parsed{Test: true}, nil
	case text[0] == '[' && json.Valid([]byte(text)) && (anyJSON || list(text)):
		return Parsed{Record: []byte(text)}, nil
	case text[0] != '{':
		return Parsed{}, fmt.Errorf("%s is not JSON: it begins with %.20q", place, text)
	}
	fields, err := fieldsOf(text)
	if err != nil {
		return Parsed{}, fmt.Errorf("%s: %w", place, err)
	}
	e, err := envelopeOf(fields)
	switch {
	case err != nil:
		return Parsed{}, fmt.Errorf("%s: %w", place, err)
	case e.Type == "SubscriptionConfirmation" && fields["SubscribeURL"] != nil:
		return Parsed{}, fmt.Errorf("%s asks to confirm the subscription of %.200q: confirm it in SNS, nothing comes before", place, e.Topic)
	case e.Message != nil && (e.Type == "Notification" || e.Topic != "") && fields["TopicArn"] != nil:
		if wraps == maxWraps {
			return Parsed{}, fmt.Errorf("%s is wrapped more than %d times", place, maxWraps)
		}
		return parse([]byte(*e.Message), anyJSON, wraps+1)
	case e.Event == "s3:TestEvent":
		return Parsed{Test: true}, nil
	case fields["s3Bucket"] != nil && fields["s3ObjectKey"] != nil:
		return trail(e, place)
	case e.Source == "aws.s3" && e.Detail != nil && (e.DetailType == "" || strings.HasPrefix(e.DetailType, "Object ")):
		return bridge(e, place)
	case len(e.Records) > 0 && notification(e.Records[0]):
		return records(e.Records, place)
	case fields["bucket"] != nil && (fields["key"] != nil || fields["files"] != nil):
		return custom(text, place)
	case anyJSON || record(fields):
		return Parsed{Record: []byte(text)}, nil
	}
	return Parsed{}, fmt.Errorf("%s names no object and is no record that is known; its fields are %s", place, some(fields))
}

// fieldsOf reads the fields of an object whose names tell the forms apart.
func fieldsOf(text string) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		if at := (*json.SyntaxError)(nil); errors.As(err, &at) {
			return nil, fmt.Errorf("byte %d: %w", at.Offset, err)
		}
		return nil, err
	}
	return fields, nil
}

// envelopeOf reads the fields of the forms, by their exact names; one of another kind than
// the forms have is left out, because a record may use the name for something else.
func envelopeOf(fields map[string]json.RawMessage) (e envelope, err error) {
	for name, into := range map[string]any{"Type": &e.Type, "Message": &e.Message, "TopicArn": &e.Topic, "Records": &e.Records,
		"Event": &e.Event, "detail-type": &e.DetailType, "source": &e.Source, "account": &e.Account, "region": &e.Region,
		"time": &e.Time, "s3Bucket": &e.TrailBucket} {
		if raw := fields[name]; raw != nil {
			_ = json.Unmarshal(raw, into) // left out
		}
	}
	e.Detail = fields["detail"]
	if raw := fields["s3ObjectKey"]; raw != nil && fields["s3Bucket"] != nil {
		if err := json.Unmarshal(raw, &e.TrailKeys); err != nil {
			return e, fmt.Errorf("s3ObjectKey: %w", err)
		}
	}
	return e, nil
}

// named keeps each version of an object once, in the order of the message.
type named struct {
	refs []s3.Ref
	seen map[[3]string]bool
}

func (n *named) add(place string, ref s3.Ref) error {
	switch {
	case ref.Bucket == "" || strings.ContainsAny(ref.Bucket, "/\\ \n"):
		return fmt.Errorf("%s: %.100q is not the name of a bucket", place, ref.Bucket)
	case ref.Key == "" || len(ref.Key) > 1024:
		return fmt.Errorf("%s: a key of %d bytes", place, len(ref.Key))
	case len(n.refs) == maxRefs:
		return fmt.Errorf("%s: more than %d objects in one message", place, maxRefs)
	}
	ref.ETag = strings.Trim(ref.ETag, `"`)
	key := [3]string{ref.Bucket, ref.Key, ref.ETag}
	if n.seen[key] {
		return nil
	}
	if n.seen == nil {
		n.seen = map[[3]string]bool{}
	}
	n.seen[key] = true
	n.refs = append(n.refs, ref)
	return nil
}

// trail is what CloudTrail itself tells SNS: a bucket and an array of keys as they are.
func trail(e envelope, place string) (Parsed, error) {
	var n named
	for i, key := range e.TrailKeys {
		if err := n.add(fmt.Sprintf("%s: s3ObjectKey[%d]", place, i), s3.Ref{Bucket: e.TrailBucket, Key: key, Size: -1}); err != nil {
			return Parsed{}, err
		}
	}
	if len(n.refs) == 0 {
		return Parsed{}, fmt.Errorf("%s: s3ObjectKey names no object", place)
	}
	return Parsed{Refs: n.refs}, nil
}

// bridge is EventBridge's event of S3. Keys are as they are. Security Lake sends the same.
func bridge(e envelope, place string) (Parsed, error) {
	if e.DetailType != "" && e.DetailType != "Object Created" {
		return Parsed{Ignored: 1}, nil
	}
	var d struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key     string `json:"key"`
			Size    *int64 `json:"size"`
			ETag    string `json:"etag"`
			Version string `json:"version-id"`
		} `json:"object"`
	}
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return Parsed{}, fmt.Errorf("%s: detail: %w", place, err)
	}
	var n named
	err := n.add(place+": detail", s3.Ref{Bucket: d.Bucket.Name, Key: d.Object.Key, Size: size(d.Object.Size), ETag: d.Object.ETag,
		VersionID: d.Object.Version, Account: e.Account, Region: e.Region, Modified: e.Time})
	return Parsed{Refs: n.refs}, err
}

func size(s *int64) int64 {
	if s == nil || *s < 0 {
		return -1
	}
	return *s
}

// notification reports whether a record is S3's. Others of the same shape are records of
// logs, above all CloudTrail's.
func notification(raw json.RawMessage) bool {
	fields, err := fieldsOf(string(raw))
	return err == nil && fields["s3"] != nil && fields["eventName"] != nil
}

// records are S3's own notifications. Keys are encoded as in a form: + is a space.
func records(raws []json.RawMessage, place string) (p Parsed, err error) {
	var n named
	for i, raw := range raws {
		at := fmt.Sprintf("%s: Records[%d]", place, i)
		var r struct {
			Name   string    `json:"eventName"`
			Region string    `json:"awsRegion"`
			Time   time.Time `json:"eventTime"`
			S3     struct {
				Bucket struct {
					Name string `json:"name"`
				} `json:"bucket"`
				Object struct {
					Key     string `json:"key"`
					Size    *int64 `json:"size"`
					ETag    string `json:"eTag"`
					Version string `json:"versionId"`
				} `json:"object"`
			} `json:"s3"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return Parsed{}, fmt.Errorf("%s: %w", at, err)
		}
		if !strings.HasPrefix(strings.TrimPrefix(r.Name, "s3:"), "ObjectCreated:") {
			p.Ignored++
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return Parsed{}, fmt.Errorf("%s: key: %w", at, err)
		}
		if strings.HasSuffix(key, "/") && size(r.S3.Object.Size) == 0 {
			p.Ignored++ // the marker of a folder
			continue
		}
		if err := n.add(at, s3.Ref{Bucket: r.S3.Bucket.Name, Key: key, Size: size(r.S3.Object.Size), ETag: r.S3.Object.ETag,
			VersionID: r.S3.Object.Version, Region: r.Region, Modified: r.Time}); err != nil {
			return Parsed{}, err
		}
	}
	p.Refs = n.refs
	return p, nil
}

// custom is what people send by hand, {"bucket":"b","key":"k"}, and what some vendors do,
// {"bucket":"b","files":[{"path":"k","size":1}]}. Keys are as they are.
func custom(text, place string) (Parsed, error) {
	var c struct {
		Bucket  string `json:"bucket"`
		Key     string `json:"key"`
		Size    *int64 `json:"size"`
		ETag    string `json:"etag"`
		Version string `json:"version_id"`
		Files   []struct {
			Path string `json:"path"`
			Size *int64 `json:"size"`
		} `json:"files"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Parsed{}, fmt.Errorf("%s: %w", place, err)
	}
	var n named
	if c.Key != "" || len(c.Files) == 0 {
		if err := n.add(place, s3.Ref{Bucket: c.Bucket, Key: c.Key, Size: size(c.Size), ETag: c.ETag, VersionID: c.Version}); err != nil {
			return Parsed{}, err
		}
	}
	for i, f := range c.Files {
		if err := n.add(fmt.Sprintf("%s: files[%d]", place, i), s3.Ref{Bucket: c.Bucket, Key: f.Path, Size: size(f.Size)}); err != nil {
			return Parsed{}, err
		}
	}
	return Parsed{Refs: n.refs}, nil
}
