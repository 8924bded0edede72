package decode

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// quoted writes text as a JSON string.
func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func base64Of(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// TestEnvelopes opens what records travel in.
func TestEnvelopes(t *testing.T) {
	a, b := trail("A"), trail("BB")
	records := `{"Records":[` + a + "," + b + "]}"
	logs := func(kind string, messages ...string) string {
		var events []string
		for i, m := range messages {
			events = append(events, fmt.Sprintf(`{"id":"%d","timestamp":1714557600000,"message":%s}`, i, quoted(m)))
		}
		return `{"messageType":"` + kind + `","owner":"111122223333","logGroup":"trail","logStream":"s","subscriptionFilters":["f"],"logEvents":[` +
			strings.Join(events, ",") + "]}"
	}
	notification := func(message string) string {
		return `{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:us-east-1:111122223333:t","Message":` + quoted(message) +
			`,"Timestamp":"2024-05-01T10:00:00.000Z","SignatureVersion":"1"}`
	}
	sqs := func(body string) string {
		return `{"MessageId":"m","ReceiptHandle":"h","MD5OfBody":"d","Body":` + quoted(body) + `}`
	}
	lambdaSQS := func(body string) string {
		return `{"messageId":"m","receiptHandle":"h","body":` + quoted(body) + `,"attributes":{"SentTimestamp":"1"},"eventSource":"aws:sqs","awsRegion":"us-east-1"}`
	}
	bridge := func(typ, detail string) string {
		return `{"version":"0","id":"i","detail-type":"` + typ + `","source":"aws.iam","account":"111122223333","time":"2024-05-01T10:00:00Z","region":"us-east-1","resources":[],"detail":` + detail + `}`
	}
	kinesis := func(data []byte) string {
		return `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"p","sequenceNumber":"495","data":"` + base64Of(data) +
			`","approximateArrivalTimestamp":1714557600.1},"eventSource":"aws:kinesis","eventName":"aws:kinesis:record","awsRegion":"us-east-1"}`
	}
	push := func(data string) string {
		return `{"message":{"attributes":{"k":"v"},"data":"` + base64Of([]byte(data)) + `","messageId":"1","publishTime":"2024-05-01T10:00:00Z"},"subscription":"projects/p/subscriptions/s"}`
	}
	lookup := func(rec string) string {
		return `{"EventId":"e","EventName":"A","EventTime":1714557600.0,"CloudTrailEvent":` + quoted(rec) + `}`
	}
	okta := `{"uuid":"u","published":"2024-05-01T10:00:00Z","eventType":"user.session.start","outcome":{"result":"SUCCESS"}}`
	duty := bridge("GuardDuty Finding", `{"id":"g","type":"Recon:EC2/PortProbe","severity":2}`)
	text := notification("plain words, no JSON")
	digest := `{"awsAccountId":"111122223333","digestStartTime":"2024-05-01T09:00:00Z","logFiles":[{"s3Bucket":"b","hashValue":"00"}]}`
	nine := a
	for range 9 {
		nine = notification(nine)
	}
	wrapped := notification(notification(notification(a)))
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"CloudWatch Logs to Lambda", `{"awslogs":{"data":"` + base64Of(gzipped([]byte(logs("DATA_MESSAGE", a, b)))) + `"}}`, []string{a, b}},
		{"Okta event hook", `{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","source":"https://example.okta.com/api/v1/eventHooks/w","eventId":"i","data":{"events":[` + okta + "," + okta + `]},"eventTime":"2024-05-01T10:00:01Z","contentType":"application/json"}`, []string{okta, okta}},
		{"Datadog log search, version 1", `{"logs":[{"id":"i","content":{"timestamp":"2024-05-01T10:00:00Z","tags":[],"attributes":` + okta + `}}],"nextLogId":"n","status":"done","requestId":"r"}`, []string{okta}},
		{"EventBridge", bridge("AWS API Call via CloudTrail", a), []string{a}},
		{"EventBridge, console sign-in", bridge("AWS Console Sign In via CloudTrail", a) + "\n" + bridge("AWS API Call via CloudTrail", b), []string{a, b}},
		{"EventBridge with what is no record", duty, []string{duty}},
		{"CloudWatch Logs", logs("DATA_MESSAGE", a, b), []string{a, b}},
		{"CloudWatch Logs, control message", logs("CONTROL_MESSAGE", "CWL CONTROL MESSAGE: Checking health of destination Firehose."), nil},
		{"CloudWatch Logs, text", logs("DATA_MESSAGE", "START RequestId: 1", a),
			[]string{`{"id":"0","timestamp":1714557600000,"message":"START RequestId: 1"}`, a}},
		{"CloudWatch Logs, in a list, put end to end", "[" + logs("DATA_MESSAGE", a) + "]" + logs("DATA_MESSAGE", b), []string{a, b}},
		{"a list below an escaped key", `{"n\u0065xt":"p","Recor\u0064s" : [` + a + "," + b + "]}", []string{a, b}},
		{"SNS", notification(a), []string{a}},
		{"SNS, with lists and spaces", notification(" \n" + records + " "), []string{a, b}},
		{"SNS, text", text, []string{text}},
		{"SQS", `{"Messages":[` + sqs(a) + "," + sqs(b) + "]}", []string{a, b}},
		{"SNS in SQS in EventBridge", sqs(notification(bridge("AWS API Call via CloudTrail", a))), []string{a}},
		{"SQS event", `{"Records":[` + lambdaSQS(a) + "," + lambdaSQS(notification(records)) + "]}", []string{a, a, b}},
		{"SNS event", `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:us-east-1:111122223333:t:s","Sns":` + notification(a) + "}]}", []string{a}},
		{"Kinesis", `{"Records":[` + kinesis([]byte(a)) + "," + kinesis(gzipped([]byte(logs("DATA_MESSAGE", a, b)))) + "]}", []string{a, a, b}},
		{"Kinesis, get-records", `{"Records":[{"SequenceNumber":"495","ApproximateArrivalTimestamp":1714557600.1,"Data":"` + base64Of([]byte(a)) +
			`","PartitionKey":"p"},{"SequenceNumber":"496","ApproximateArrivalTimestamp":"2024-05-01T10:00:00+00:00","Data":"` +
			base64Of(gzipped([]byte(logs("DATA_MESSAGE", b)))) + `","PartitionKey":"p","EncryptionType":"KMS"}],"NextShardIterator":"n","MillisBehindLatest":0}`, []string{a, b}},
		{"Firehose", `{"invocationId":"i","deliveryStreamArn":"d","region":"us-east-1","records":[{"recordId":"1","approximateArrivalTimestamp":1714557600000,"data":"` + base64Of([]byte(a)) + `"}]}`, []string{a}},
		{"Firehose over HTTP", `{"requestId":"r","timestamp":1714557600000,"records":[{"data":"` + base64Of(gzipped([]byte(records))) + `"}]}`, []string{a, b}},
		{"Pub/Sub push", push(a), []string{a}},
		{"Pub/Sub pull", `{"receivedMessages":[{"ackId":"x","message":{"data":"` + base64Of([]byte(b)) + `","messageId":"1"}}]}`, []string{b}},
		{"Pub/Sub in a CloudEvent", `{"specversion":"1.0","id":"1","type":"google.cloud.pubsub.topic.v1.messagePublished","source":"//pubsub.googleapis.com/projects/p/topics/t","data":` + push(a) + `}`, []string{a}},
		{"Pub/Sub message alone", `{"data":"` + base64Of([]byte(a)) + `","attributes":{},"message_id":"1","publish_time":"2024-05-01T10:00:00Z"}`, []string{a}},
		{"event history", `{"Events":[` + lookup(a) + "," + lookup(b) + `],"NextToken":"n"}`, []string{a, b}},
		{"get-log-events", `{"events":[{"timestamp":1714557600000,"message":` + quoted(a) + `,"ingestionTime":1714557600001}],"nextForwardToken":"f/1","nextBackwardToken":"b/1"}`, []string{a}},
		{"digest", digest, []string{digest}},
		{"three envelopes", wrapped, []string{a}},
		{"a broken payload", notification(a+"\n") + "\n" + `{"Records":[` + kinesis([]byte(`{"a":tru}`)) + "," + kinesis([]byte(b)) + "]}", []string{a, "! a malformed literal (byte 8 of the record)", b}},
		{"a cut payload", `{"Records":[` + kinesis(gzipped([]byte(a))[:60]) + "," + kinesis([]byte(b)) + "]}", []string{"! gzip: unexpected EOF", b}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t, Options{})
			list := readAll(t, d, strings.NewReader(c.text), "f")
			if diff := cmp.Diff(c.want, raws(list)); diff != "" {
				t.Fatalf("records (-want +got):\n%s", diff)
			}
			for i, g := range list {
				if g.Num != uint64(i+1) {
					t.Errorf("record %d has number %d", i+1, g.Num)
				}
				if (g.Raw == a || g.Raw == b) && g.Format != "aws.cloudtrail" {
					t.Errorf("record %d has format %s", i+1, g.Format)
				}
			}
			if diff := cmp.Diff(list, readAll(t, d, iotest.OneByteReader(bytes.NewReader(gzipped([]byte(c.text)))), "f")); diff != "" {
				t.Errorf("compressed, byte by byte (-whole +bytes):\n%s", diff)
			}
		})
	}
	t.Run("nine envelopes", func(t *testing.T) {
		list := readAll(t, newDecoder(t, Options{}), strings.NewReader(nine), "f")
		if len(list) != 1 || list[0].Format != "json" || !strings.HasPrefix(list[0].Raw, `{"Type":"Notification"`) {
			t.Errorf("got %+v", list)
		}
	})
}

// TestPlaceKeys says that equal records without an id of their own are events apart, the
// same ones each time the file is read.
func TestPlaceKeys(t *testing.T) {
	text := "{\"q\":1}\n{\"q\":1}\n" + trail("A") + "\n" + trail("A") + "\n"
	read := func(file string) (keys []string) {
		rd := newDecoder(t, Options{}).NewReader(strings.NewReader(text), file)
		for range 4 {
			rec, err := rd.Next()
			if err != nil {
				t.Fatal(err)
			}
			if want := rec.Format.Name != "json"; rec.Keyed != want {
				t.Errorf("format %s: keyed %v", rec.Format.Name, rec.Keyed)
			}
			keys = append(keys, rec.Key.String())
		}
		return keys
	}
	one, again, other := read("f"), read("f"), read("g")
	if diff := cmp.Diff(one, again); diff != "" {
		t.Errorf("read again (-first +second):\n%s", diff)
	}
	if one[0] == one[1] || one[0] == other[0] || one[2] != one[3] || one[2] != other[2] {
		t.Errorf("keys %v, in another file %v", one, other)
	}
}

// TestMixed says that the format of a record does not depend on the records before it.
func TestMixed(t *testing.T) {
	entra := `{"time":"2024-05-01T10:00:00Z","resourceId":"/tenants/t/providers/Microsoft.aadiam","operationName":"Add user","category":"AuditLogs","properties":{"id":"Directory_1","activityDisplayName":"Add user"}}`
	kube := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"11111111-2222-4333-8444-555555555555","stage":"ResponseComplete","requestURI":"/api","verb":"get","user":{"username":"ann"}}`
	want := map[string]string{trail("A"): "aws.cloudtrail", entra: "entra.audit", kube: "kubernetes.audit", `{"q":1}`: "json"}
	var all []string
	for x := range want {
		for y := range want {
			all = append(all, x, y)
		}
	}
	for i, g := range readAll(t, newDecoder(t, Options{Want: wantRules}), strings.NewReader(strings.Join(all, "\n")), "f") {
		if g.Raw != all[i] || g.Format != want[all[i]] {
			t.Errorf("record %d: format %s, want %s", i+1, g.Format, want[all[i]])
		}
	}
}
