package sqs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/source/s3"
)

func sns(message string) string {
	quoted, _ := json.Marshal(message) // a string always has a form
	return `{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:1:t","Message":` + string(quoted) + `,"Signature":"x"}`
}

const direct = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2026-03-14T01:02:03.000Z","eventName":"ObjectCreated:CompleteMultipartUpload","s3":{"bucket":{"name":"b"},"object":{"key":"a+b%2Bc/%E6%AB%93.json","size":7,"eTag":"e-2","versionId":"v","sequencer":"1"}}}]}`

var at = time.Date(2026, 3, 14, 1, 2, 3, 0, time.UTC)

func TestParse(t *testing.T) {
	ref := s3.Ref{Bucket: "b", Key: "a b+c/櫓.json", ETag: "e-2", VersionID: "v", Size: 7, Region: "eu-west-1", Modified: at}
	for name, c := range map[string]struct {
		body string
		want Parsed
	}{
		"direct":           {direct, Parsed{Refs: []s3.Ref{ref}}},
		"through SNS":      {sns(direct), Parsed{Refs: []s3.Ref{ref}}},
		"wrapped twice":    {sns(sns(direct)), Parsed{Refs: []s3.Ref{ref}}},
		"of another store": {strings.Replace(direct, `"ObjectCreated:`, `"s3:ObjectCreated:`, 1), Parsed{Refs: []s3.Ref{ref}}},
		"EventBridge": {`{"version":"0","detail-type":"Object Created","source":"aws.s3","account":"111122223333","time":"2026-03-14T01:02:03Z","region":"eu-west-1","detail":{"bucket":{"name":"b"},"object":{"key":"a+b%2Bc","size":7,"etag":"e","version-id":"v"}}}`,
			Parsed{Refs: []s3.Ref{{Bucket: "b", Key: "a+b%2Bc", ETag: "e", VersionID: "v", Size: 7, Account: "111122223333", Region: "eu-west-1", Modified: at}}}},
		"Security Lake": {`{"source":"aws.s3","time":"2026-03-14T01:02:03Z","account":"111122223333","region":"eu-west-1","resources":["arn:aws:s3:::b"],"detail":{"bucket":{"name":"b"},"object":{"key":"k","size":5,"etag":"e"},"request-id":"r"}}`,
			Parsed{Refs: []s3.Ref{{Bucket: "b", Key: "k", ETag: "e", Size: 5, Account: "111122223333", Region: "eu-west-1", Modified: at}}}},
		"EventBridge, deleted": {`{"detail-type":"Object Deleted","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`, Parsed{Ignored: 1}},
		"EventBridge, tags":    {`{"detail-type":"Object Tags Added","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`, Parsed{Ignored: 1}},
		"CloudTrail's own": {sns(`{"s3Bucket":"b","s3ObjectKey":["x+y%20z","w","w"]}`),
			Parsed{Refs: []s3.Ref{{Bucket: "b", Key: "x+y%20z", Size: -1}, {Bucket: "b", Key: "w", Size: -1}}}},
		"CloudTrail's own, raw": {`{"s3Bucket":"b","s3ObjectKey":["w"]}`, Parsed{Refs: []s3.Ref{{Bucket: "b", Key: "w", Size: -1}}}},
		"validation":            {sns("CloudTrail validation message."), Parsed{Test: true}},
		"validation, raw":       {"CloudTrail validation message.\n", Parsed{Test: true}},
		"test":                  {`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`, Parsed{Test: true}},
		"by hand":               {`{"bucket":"b","key":"a+b"}`, Parsed{Refs: []s3.Ref{{Bucket: "b", Key: "a+b", Size: -1}}}},
		"a list of files":       {`{"bucket":"b","files":[{"path":"p/1.gz","size":9},{"path":"p/2.gz"}],"pathPrefix":"p"}`, Parsed{Refs: []s3.Ref{{Bucket: "b", Key: "p/1.gz", Size: 9}, {Bucket: "b", Key: "p/2.gz", Size: -1}}}},
		"a folder":              {`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"f/","size":0}}}]}`, Parsed{Ignored: 1}},
		"mixed": {`{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}},{"eventName":"ObjectCreated:Copy","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}`,
			Parsed{Ignored: 1, Refs: []s3.Ref{{Bucket: "b", Key: "k", Size: -1}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(c.body), false)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestParseRecords: bodies that are records are kept as they are.
func TestParseRecords(t *testing.T) {
	for _, body := range []string{
		`{"version":"0","detail-type":"GuardDuty Finding","source":"aws.guardduty","detail":{}}`,
		`{"detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":{"eventName":"PutBucketPolicy","bucket":{"name":"b"}}}`,
		`{"detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","detail":{"findings":[]}}`,
		`{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`,
		`{"Records":[{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject"}]}`,
		`{"class_uid":2004,"metadata":{"version":"1.1.0"},"finding_info":{}}`,
		`[{"class_uid":2004,"metadata":{}}]`,
		`{"SchemaVersion":"2018-10-08","ProductArn":"arn"}`,
		`{"rule":"r","priority":"Critical","output_fields":{}}`,
	} {
		for _, wrapped := range []string{body, sns(body)} {
			got, err := Parse([]byte(wrapped), false)
			if err != nil || string(got.Record) != body {
				t.Errorf("%s\ngot %+v, %v", wrapped, got, err)
			}
		}
	}
	any := `{"host":"a","what":"b"}`
	if got, err := Parse([]byte(any), true); err != nil || string(got.Record) != any {
		t.Errorf("any JSON: %+v, %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	deep := direct
	for range 6 {
		deep = sns(deep)
	}
	for body, want := range map[string]string{
		"":                                   "the body is empty",
		"hello <b>":                          `the body is not JSON: it begins with "hello <b>"`,
		`{"a":`:                              "the body: byte 5: unexpected end",
		sns("hello"):                         `Message of the body is not JSON: it begins with "hello"`,
		sns(`{"x":1}`):                       `Message of the body names no object and is no record that is known; its fields are "x"`,
		`{}`:                                 "its fields are none",
		deep:                                 "wrapped more than 4 times",
		`{"bucket":"b"}`:                     `its fields are "bucket"`,
		`{"bucket":"b","key":""}`:            "a key of 0 bytes",
		`{"bucket":"a/b","key":"k"}`:         `"a/b" is not the name of a bucket`,
		`{"bucket":"b","files":[{}]}`:        "files[0]: a key of 0 bytes",
		`{"s3Bucket":"b","s3ObjectKey":[]}`:  "s3ObjectKey names no object",
		`{"s3Bucket":"b","s3ObjectKey":"k"}`: "s3ObjectKey: json: cannot unmarshal string",
		`{"s3Bucket":"b","s3ObjectKey":["k", ""]}`:                                                               "the body: s3ObjectKey[1]: a key of 0 bytes",
		`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}}}]}`:    `Records[0]: key: invalid URL escape "%zz"`,
		`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":["k"]}}}]}`:    "Records[0]: json: cannot unmarshal array",
		`{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":""},"object":{}}}`:         `detail: "" is not the name of a bucket`,
		`{"Type":"SubscriptionConfirmation","TopicArn":"arn:t","SubscribeURL":"https://x","Message":"You have"}`: "confirm it in SNS",
	} {
		got, err := Parse([]byte(body), false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %+v, %v\nwant %s", body, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(direct), false)
	f.Add([]byte(sns(sns(`{"s3Bucket":"b","s3ObjectKey":["w"]}`))), false)
	f.Add([]byte(`{"detail-type":"Object Created","source":"aws.s3","time":"x","detail":{"bucket":{"name":"b"},"object":{"key":"k","size":-1}}}`), true)
	f.Add([]byte(`{"bucket":"b","files":[{"path":"p"}]}`), false)
	f.Add([]byte(`{"Type":1,"Message":null,"TopicArn":{},"Records":{}}`), true)
	f.Add([]byte(`[{"class_uid":1,"metadata":2}]`), false)
	f.Fuzz(func(t *testing.T, body []byte, any bool) {
		p, err := Parse(body, any)
		if err != nil {
			if len(err.Error()) > 4096 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			if p.Refs != nil || p.Record != nil || p.Test {
				t.Fatalf("refused and taken: %+v", p)
			}
			return
		}
		kinds := 0
		for _, is := range []bool{len(p.Refs) > 0 || p.Ignored > 0, p.Record != nil, p.Test} {
			if is {
				kinds++
			}
		}
		if kinds > 1 || kinds == 0 && !strings.Contains(string(body), "Records") {
			t.Fatalf("%d kinds: %+v", kinds, p)
		}
		seen := map[string]bool{}
		for _, r := range p.Refs {
			id := fmt.Sprintf("%q %q %q", r.Bucket, r.Key, r.ETag)
			if r.Bucket == "" || r.Key == "" || len(r.Key) > 1024 || r.Size < -1 || seen[id] {
				t.Fatalf("%+v", r)
			}
			seen[id] = true
		}
		if len(p.Record) > len(body) {
			t.Fatal("a record longer than its message")
		}
		// The same through SNS says the same.
		if q, err := Parse([]byte(sns(string(body))), any); utf8Valid(body) && (err != nil || cmp.Diff(p, q) != "") {
			t.Fatalf("wrapped: %+v, %v; bare: %+v", q, err, p)
		}
	})
}

func utf8Valid(b []byte) bool { return strings.ToValidUTF8(string(b), "") == string(b) }
