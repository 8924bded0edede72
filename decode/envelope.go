package decode

import (
	"encoding/base64"
	"fmt"

	"github.com/yagura-sec/yagura/slot"
)

// Envelope knows one kind of record that only carries others: a notification, a
// queue's message, a batch. Like a format it is one entry; its functions are pure
// and read the record's slots, numbered as in Fields.
type Envelope struct {
	Name   string
	Fields []slot.Field
	// Is says whether a record that no format took is this envelope, by content.
	Is func(r *Record) bool
	// Open hands out the payloads in order, each of them JSON text or gzip of it; emit
	// copies what it is given. A payload may be an envelope again. The error is that of
	// a payload that cannot be read.
	Open func(r *Record, emit func(payload []byte)) error
	// OnlyKnown leaves the record whole unless its one payload is of a known format.
	OnlyKnown bool
}

// envelopes are asked in this order.
var envelopes = []Envelope{
	cloudWatchLogs,
	lambdaLogs,
	securityHubFindings,
	eventBridgeTrail,
	eventBridge,
	snsNotification,
	lambdaSNS,
	queueMessage,
	lambdaQueueMessage,
	kinesisRecord,
	firehoseRecord,
	pubSubPush,
	pubSubMessage,
	lookupEvent,
	configRule,
	configQuery,
	datadogContent,
	datadogData,
	datadogArchive,
	datadogAttributes,
	oktaHook,
	duoResponse,
	auditData,
	cloudTrailRow,
	cloudAppEvent,
	aksAudit,
	azureFlowLog,
	splunkEvent,
	elasticHit,
	githubSyslog,
	textLine,
	heldData,
}

// opens reports whether text is a JSON object or array: what an envelope carries as
// text may be anything.
func opens(text []byte) bool {
	i := skipSpace(text, 0)
	return i < len(text) && (text[i] == '{' || text[i] == '[') && slot.Valid(text)
}

// cloudWatchLogs is the message of a CloudWatch Logs subscription. A control message
// carries nothing. A log event whose message is neither JSON nor of a known form stays as it
// is. An audit event of EKS, which does not name its cluster, gets the log group and its owner.
var cloudWatchLogs = Envelope{
	Name:   "CloudWatch Logs subscription",
	Fields: fieldList(false, []string{"messageType", "logGroup", "logEvents", "logEvents.message", "owner"}),
	Is: func(r *Record) bool {
		return r.has(0) && r.has(1) && r.kind(2) == slot.Array
	},
	Open: func(r *Record, emit func([]byte)) error {
		if string(r.scalar(0)) == "CONTROL_MESSAGE" {
			return nil
		}
		msg := r.First(3)
		eks := isEKS(r.scalar(1)) && r.kind(4) == slot.String
		// logEvents holds the array itself and then its members.
		for v := r.Doc.Next(r.First(2)); v >= 0; v = r.Doc.Next(v) {
			event := r.Doc.Raw(v)
			if msg >= 0 && r.Doc.Inside(msg, v) {
				if text := r.Doc.Text(msg); carries(text) {
					if event = text; eks && opens(text) {
						event = withOrigin(text, r.Doc.Raw(r.First(4)), r.Doc.Raw(r.First(1)))
					}
				}
				msg = r.Doc.Next(msg)
			}
			emit(event)
		}
		return nil
	},
}

// lambdaLogs is a CloudWatch Logs subscription as it calls a Lambda function: the
// message in gzip and base64.
var lambdaLogs = Envelope{
	Name:   "CloudWatch Logs event",
	Fields: fieldList(false, []string{"awslogs.data"}),
	Is:     func(r *Record) bool { return packed(r.Text(0)) },
	Open:   emitBase64(0),
}

// securityHubFindings is an EventBridge event of Security Hub, of either generation, whose
// detail lists findings.
var securityHubFindings = Envelope{
	Name:   "Security Hub findings",
	Fields: fieldList(false, []string{"detail-type", "source", "detail.findings"}),
	Is: func(r *Record) bool {
		return r.has(0) && string(r.scalar(1)) == "aws.securityhub" && r.kind(2) == slot.Array
	},
	Open: func(r *Record, emit func([]byte)) error { emit(r.Doc.Raw(r.First(2))); return nil },
}

// eventBridgeTrail is an EventBridge event whose detail is a CloudTrail record.
var eventBridgeTrail = Envelope{
	Name:   "EventBridge",
	Fields: fieldList(false, []string{"detail-type", "detail", "detail.eventSource", "detail.eventName"}),
	Is: func(r *Record) bool {
		return r.has(0) && r.kind(1) == slot.Object && r.has(2) && r.has(3)
	},
	Open: func(r *Record, emit func([]byte)) error { emit(r.Doc.Raw(r.First(1))); return nil },
}

// eventBridge is an EventBridge event whose detail is a record of another known
// format. Any other event is itself the record.
var eventBridge = Envelope{
	Name:      "EventBridge",
	Fields:    fieldList(false, []string{"detail-type", "detail", "source"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.has(0) && r.kind(1) == slot.Object && r.has(2) },
	Open:      func(r *Record, emit func([]byte)) error { emit(r.Doc.Raw(r.First(1))); return nil },
}

// snsNotification is what SNS sends over HTTP or into a queue.
var snsNotification = Envelope{
	Name:   "SNS notification",
	Fields: fieldList(false, []string{"Type", "TopicArn", "Message"}),
	Is: func(r *Record) bool {
		return string(r.scalar(0)) == "Notification" && r.has(1) && carries(r.Text(2))
	},
	Open: emitText(2),
}

// lambdaSNS is a record of an SNS event of Lambda.
var lambdaSNS = Envelope{
	Name:   "SNS event",
	Fields: fieldList(false, []string{"EventSource", "Sns.TopicArn", "Sns.Message"}),
	Is:     func(r *Record) bool { return r.has(0) && r.has(1) && carries(r.Text(2)) },
	Open:   emitText(2),
}

// queueMessage is a message as SQS hands it out.
var queueMessage = Envelope{
	Name:   "SQS message",
	Fields: fieldList(false, []string{"MessageId", "ReceiptHandle", "Body"}),
	Is:     func(r *Record) bool { return r.has(0) && r.has(1) && carries(r.Text(2)) },
	Open:   emitText(2),
}

// lambdaQueueMessage is a record of an SQS event of Lambda.
var lambdaQueueMessage = Envelope{
	Name:   "SQS event",
	Fields: fieldList(false, []string{"messageId", "receiptHandle", "body"}),
	Is:     func(r *Record) bool { return r.has(0) && r.has(1) && carries(r.Text(2)) },
	Open:   emitText(2),
}

// kinesisRecord is a record of a Kinesis event of Lambda, or of the answer of get-records.
var kinesisRecord = Envelope{
	Name:   "Kinesis record",
	Fields: fieldList(false, []string{"kinesis.sequenceNumber|SequenceNumber", "kinesis.data|Data"}),
	Is:     func(r *Record) bool { return r.has(0) && packed(r.Text(1)) },
	Open:   emitBase64(1),
}

// firehoseRecord is a record of a Firehose transformation event, or of what Firehose
// sends over HTTP.
var firehoseRecord = Envelope{
	Name:   "Firehose record",
	Fields: fieldList(false, []string{"recordId", "approximateArrivalTimestamp", "data"}),
	Is: func(r *Record) bool {
		// Over HTTP a record has its data and nothing else.
		alone := len(r.Text(2))+64 > len(r.Doc.Record())
		return (r.has(0) || r.has(1) || alone) && packed(r.Text(2))
	},
	Open: emitBase64(2),
}

// pubSubPush is a message that Pub/Sub pushes or hands out, also as the CloudEvent that
// Eventarc makes of it. The message of a push also carries names with underscores, for
// older clients.
var pubSubPush = Envelope{
	Name: "Pub/Sub message",
	Fields: fieldList(false, []string{"message.data|data.message.data",
		"message.messageId|message.message_id|data.message.messageId|data.message.message_id", "subscription|ackId|data.subscription"}),
	Is:   func(r *Record) bool { return r.has(1) && r.has(2) && packed(r.Text(0)) },
	Open: emitBase64(0),
}

// pubSubMessage is a message of Pub/Sub without what delivers it.
var pubSubMessage = Envelope{
	Name:   "Pub/Sub message",
	Fields: fieldList(false, []string{"data", "messageId|message_id", "publishTime|publish_time"}),
	Is:     func(r *Record) bool { return r.has(1) && r.has(2) && packed(r.Text(0)) },
	Open:   emitBase64(0),
}

// lookupEvent is an event as CloudTrail's lookup-events lists it, with the record as
// text inside.
var lookupEvent = Envelope{
	Name:   "CloudTrail event history",
	Fields: fieldList(false, []string{"EventId", "CloudTrailEvent"}),
	Is:     func(r *Record) bool { return r.has(0) && opens(r.Text(1)) },
	Open:   emitText(1),
}

// oktaHook is a call of an Okta event hook.
var oktaHook = Envelope{
	Name:   "Okta event hook",
	Fields: fieldList(false, []string{"data.events", "eventType"}),
	Is: func(r *Record) bool {
		return string(r.scalar(1)) == "com.okta.event_hook" && r.kind(0) == slot.Array
	},
	Open: func(r *Record, emit func([]byte)) error { emit(r.Doc.Raw(r.First(0))); return nil },
}

func (r *Record) kind(i int) slot.Kind { return r.Doc.Kind(r.First(i)) }

func emitText(i int) func(*Record, func([]byte)) error {
	return func(r *Record, emit func([]byte)) error {
		emit(r.Text(i))
		return nil
	}
}

func emitBase64(i int) func(*Record, func([]byte)) error {
	return func(r *Record, emit func([]byte)) error {
		data, err := unbase64(r.Text(i))
		if err != nil {
			return fmt.Errorf("base64: %w", err)
		}
		emit(data)
		return nil
	}
}

func unbase64(text []byte) ([]byte, error) {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	return out[:n], err
}

// packed reports whether text is base64 of JSON, of lines of a known form or of gzip.
func packed(text []byte) bool {
	if len(text) < 4 {
		return false
	}
	head, err := unbase64(text[:min(len(text)/4*4, 64)])
	if err != nil || len(head) == 0 {
		return false
	}
	if kind := kindOf(head); kind == inGzip || kind == inZstd {
		return true
	}
	i := skipSpace(head, 0)
	if i == len(head) || head[i] == '{' || head[i] == '[' {
		return true
	}
	if len(text) > 2*maxLine {
		return false
	}
	whole, err := unbase64(text)
	return err == nil && textual(whole, false)
}
