package sourcetest

import (
	"crypto/md5" // what the service answers with
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SQS is a fake of the queue service that speaks its JSON protocol and keeps its limits.
// Standard queues only.
type SQS struct {
	service
	queues  map[string]*queue // by name
	changed chan struct{}     // closed and replaced when something may have become visible
}

type queue struct {
	name       string
	visibility time.Duration
	maxReceive int
	dead       *queue
	messages   []*queued
	count      int
}

type queued struct {
	id, body     string
	sent         time.Time
	receives     int
	firstReceive time.Time
	lastReceive  time.Time
	visible      time.Time
	handle       string // the newest; "" before the first receive
	handles      []string
}

// Limits of the service.
const (
	sqsBatch      = 10
	sqsWait       = 20
	sqsVisibility = 12 * 60 * 60
	sqsMessage    = 1 << 20
	sqsInFlight   = 120_000
	sqsAccount    = "111122223333"
	sqsRegion     = "us-east-1"
)

// NewSQS serves queues on loopback.
func NewSQS(t testing.TB, clock Time) *SQS {
	s := &SQS{queues: map[string]*queue{}, changed: make(chan struct{})}
	s.serve(t, "sqs", clock, s.answer)
	return s
}

// Create makes a queue and returns its URL. A queue with a deadLetter (the name of another)
// gives it what was received maxReceive times.
func (s *SQS) Create(name, deadLetter string, maxReceive int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[name] = &queue{name: name, visibility: 30 * time.Second, maxReceive: maxReceive, dead: s.queues[deadLetter]}
	if deadLetter != "" && s.queues[deadLetter] == nil {
		panic("there is no queue " + deadLetter)
	}
	return s.url(name)
}

// Delete removes a queue.
func (s *SQS) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, name)
	s.wake()
}

func (s *SQS) url(name string) string { return s.URL + "/" + sqsAccount + "/" + name }

// wake is called with the lock held.
func (s *SQS) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Send puts a message into a queue and returns its id.
func (s *SQS) Send(name, body string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil || body == "" || len(body) > sqsMessage {
		panic(fmt.Sprintf("queue %q does not take a message of %d bytes", name, len(body)))
	}
	q.count++
	sum := md5.Sum(fmt.Appendf(nil, "%s %d", name, q.count))
	id := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:])
	now := s.time.Now()
	q.messages = append(q.messages, &queued{id: id, body: body, sent: now, visible: now})
	s.wake()
	return id
}

// Redeliver makes a message that is out visible, as a standard queue may do at any time.
func (s *SQS) Redeliver(name, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.queues[name].messages {
		if m.id == id {
			m.visible = s.time.Now()
		}
	}
	s.wake()
}

// Bodies are the messages that a queue holds, those that are out among them.
func (s *SQS) Bodies(name string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.queues[name].messages {
		out = append(out, m.body)
	}
	return out
}

const sqsTypes = "com.amazonaws.sqs#"

func (s *SQS) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if !ok || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-amz-json-1.0" {
		faultf("UnknownOperationException", "not a request of this protocol").write(w, sqsTypes)
		return
	}
	if answered, err := s.admit(w, r, action); answered {
		return
	} else if err != nil {
		code := "AccessDeniedException"
		if errors.Is(err, errUnsigned) {
			code = "MissingAuthenticationToken"
		}
		faultf(code, "%v", err).write(w, sqsTypes)
		return
	}
	var out any
	var f *fault
	switch action {
	case "ReceiveMessage":
		out, f = s.receive(r, body)
	case "DeleteMessage":
		out, f = s.delete(body)
	case "DeleteMessageBatch":
		out, f = s.deleteBatch(body)
	case "ChangeMessageVisibility":
		out, f = s.change(body)
	case "ChangeMessageVisibilityBatch":
		out, f = s.changeBatch(body)
	case "GetQueueAttributes":
		out, f = s.attributes(body)
	case "GetQueueUrl":
		out, f = s.find(body)
	case "SendMessage":
		out, f = s.send(body)
	default:
		f = faultf("UnknownOperationException", "%s", action)
	}
	if f != nil {
		f.write(w, sqsTypes)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
}

// queue finds a queue by its URL. It is called with the lock held.
func (s *SQS) queue(url string) (*queue, *fault) {
	name := url[strings.LastIndex(url, "/")+1:]
	if q := s.queues[name]; q != nil && url == s.url(name) {
		return q, nil
	}
	return nil, &fault{code: "QueueDoesNotExist", query: "AWS.SimpleQueueService.NonExistentQueue", message: "The specified queue does not exist."}
}

func invalid(value any, parameter, reason string) *fault {
	return &fault{code: "InvalidParameterValue", query: "InvalidParameterValue",
		message: fmt.Sprintf("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)}
}

type receiveInput struct {
	QueueUrl                    string   //nolint:revive // the name of the protocol
	AttributeNames              []string `json:",omitempty"`
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	ReceiveRequestAttemptId     string //nolint:revive // the name of the protocol
}

func within(v *int, fallback, low, high int, name string) (int, *fault) {
	if v == nil {
		return fallback, nil
	}
	if *v < low || *v > high {
		return 0, invalid(*v, name, fmt.Sprintf("Must be >= %d and <= %d, if provided.", low, high))
	}
	return *v, nil
}

func (s *SQS) receive(r *http.Request, body []byte) (any, *fault) {
	var in receiveInput
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	number, f := within(in.MaxNumberOfMessages, 1, 1, sqsBatch, "MaxNumberOfMessages")
	if f != nil {
		return nil, f
	}
	wait, f := within(in.WaitTimeSeconds, 0, 0, sqsWait, "WaitTimeSeconds")
	if f != nil {
		return nil, f
	}
	until := s.time.Now().Add(time.Duration(wait) * time.Second)
	for {
		s.mu.Lock()
		q, f := s.queue(in.QueueUrl)
		if f != nil {
			s.mu.Unlock()
			return nil, f
		}
		visibility, f := within(in.VisibilityTimeout, int(q.visibility/time.Second), 0, sqsVisibility, "VisibilityTimeout")
		if f != nil {
			s.mu.Unlock()
			return nil, f
		}
		// A client that is gone gets nothing; the real service would give it what is lost
		// until its time is over.
		if r.Context().Err() != nil {
			s.mu.Unlock()
			return nil, nil
		}
		out, f := s.take(q, number, time.Duration(visibility)*time.Second, in.MessageSystemAttributeNames)
		now, changed := s.time.Now(), s.changed
		next := until
		for _, m := range q.messages {
			if m.visible.After(now) && m.visible.Before(next) {
				next = m.visible
			}
		}
		s.mu.Unlock()
		if f != nil {
			return nil, f
		}
		if len(out) > 0 || !now.Before(until) {
			return map[string]any{"Messages": out}, nil
		}
		select {
		case <-changed:
		case <-s.time.Wake(next):
		case <-r.Context().Done():
		}
	}
}

// take hands messages out. It is called with the lock held.
func (s *SQS) take(q *queue, number int, visibility time.Duration, want []string) (out []map[string]any, f *fault) {
	now := s.time.Now()
	size, inFlight := 0, 0
	for _, m := range q.messages {
		if m.visible.After(now) {
			inFlight++
		}
	}
	for _, m := range slices.Clone(q.messages) {
		if m.visible.After(now) {
			continue
		}
		if q.dead != nil && m.receives >= q.maxReceive {
			q.messages = slices.DeleteFunc(q.messages, func(x *queued) bool { return x == m })
			q.dead.messages = append(q.dead.messages, &queued{id: m.id, body: m.body, sent: m.sent, visible: now})
			continue
		}
		if inFlight >= sqsInFlight {
			return nil, &fault{code: "OverLimit", query: "OverLimit", message: "too many messages are in flight"}
		}
		if size += len(m.body); len(out) == number || size > sqsMessage {
			break
		}
		inFlight++
		m.receives++
		m.lastReceive, m.visible = now, now.Add(visibility)
		if m.firstReceive.IsZero() {
			m.firstReceive = now
		}
		m.handle = fmt.Sprintf("AQEB%s/%d", m.id, m.receives)
		m.handles = append(m.handles, m.handle)
		all := map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(m.receives),
			"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.firstReceive.UnixMilli(), 10),
			"SenderId":                         "AIDAEXAMPLE",
		}
		attributes := map[string]string{}
		for name, v := range all {
			if slices.Contains(want, name) || slices.Contains(want, "All") {
				attributes[name] = v
			}
		}
		sum := md5.Sum([]byte(m.body))
		out = append(out, map[string]any{"MessageId": m.id, "ReceiptHandle": m.handle, "Body": m.body,
			"MD5OfBody": hex.EncodeToString(sum[:]), "Attributes": attributes})
	}
	return out, nil
}

// held finds the message of a receipt handle; newest says whether it is the last one given.
func (q *queue) held(handle string) (m *queued, newest bool, f *fault) {
	if !strings.HasPrefix(handle, "AQEB") {
		return nil, false, &fault{code: "ReceiptHandleIsInvalid", query: "ReceiptHandleIsInvalid", message: "The input receipt handle is invalid."}
	}
	for _, m := range q.messages {
		if slices.Contains(m.handles, handle) {
			return m, m.handle == handle, nil
		}
	}
	return nil, false, nil
}

// remove deletes by a handle. That of a message that is gone, or was received anew, is taken
// and does nothing.
func (s *SQS) remove(q *queue, handle string) *fault {
	m, newest, f := q.held(handle)
	if f != nil {
		return f
	}
	if newest {
		q.messages = slices.DeleteFunc(q.messages, func(x *queued) bool { return x == m })
	}
	return nil
}

type entry struct {
	QueueUrl          string //nolint:revive // the name of the protocol
	ReceiptHandle     string
	VisibilityTimeout *int
}

type batchInput struct {
	QueueUrl string //nolint:revive // the name of the protocol
	Entries  []struct {
		Id                string //nolint:revive // the name of the protocol
		ReceiptHandle     string
		VisibilityTimeout *int
	}
}

func (s *SQS) delete(body []byte) (any, *fault) {
	var in entry
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, f := s.queue(in.QueueUrl)
	if f != nil {
		return nil, f
	}
	return struct{}{}, s.remove(q, in.ReceiptHandle)
}

// setVisibility changes until when a message is out.
func (s *SQS) setVisibility(q *queue, handle string, seconds *int) *fault {
	if seconds == nil {
		return &fault{code: "MissingParameter", query: "MissingParameter", message: "The request must contain the parameter VisibilityTimeout."}
	}
	v, f := within(seconds, 0, 0, sqsVisibility, "VisibilityTimeout")
	if f != nil {
		return f
	}
	m, newest, f := q.held(handle)
	now := s.time.Now()
	switch {
	case f != nil:
		return f
	case m == nil || !newest:
		return invalid(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case !m.visible.After(now):
		return &fault{code: "MessageNotInflight", query: "AWS.SimpleQueueService.MessageNotInflight", message: "The message is not in flight."}
	}
	until := now.Add(time.Duration(v) * time.Second)
	if until.After(m.lastReceive.Add(sqsVisibility * time.Second)) {
		return invalid(v, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	m.visible = until
	s.wake()
	return nil
}

func (s *SQS) change(body []byte) (any, *fault) {
	var in entry
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, f := s.queue(in.QueueUrl)
	if f != nil {
		return nil, f
	}
	return struct{}{}, s.setVisibility(q, in.ReceiptHandle, in.VisibilityTimeout)
}

func (s *SQS) deleteBatch(body []byte) (any, *fault) {
	return s.batch(body, func(q *queue, handle string, _ *int) *fault { return s.remove(q, handle) })
}

func (s *SQS) changeBatch(body []byte) (any, *fault) {
	return s.batch(body, s.setVisibility)
}

func (s *SQS) batch(body []byte, each func(*queue, string, *int) *fault) (any, *fault) {
	var in batchInput
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, f := s.queue(in.QueueUrl)
	switch {
	case f != nil:
		return nil, f
	case len(in.Entries) == 0:
		return nil, &fault{code: "EmptyBatchRequest", query: "AWS.SimpleQueueService.EmptyBatchRequest", message: "no entries"}
	case len(in.Entries) > sqsBatch:
		return nil, &fault{code: "TooManyEntriesInBatchRequest", query: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			message: fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", sqsBatch, len(in.Entries))}
	}
	seen := map[string]bool{}
	for _, e := range in.Entries {
		if seen[e.Id] {
			return nil, &fault{code: "BatchEntryIdsNotDistinct", query: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", message: "Id " + e.Id + " repeated."}
		}
		if e.Id == "" || len(e.Id) > 80 || strings.Trim(e.Id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return nil, &fault{code: "InvalidBatchEntryId", query: "AWS.SimpleQueueService.InvalidBatchEntryId", message: "an Id has letters, digits, - and _, at most 80"}
		}
		seen[e.Id] = true
	}
	done, failed := []map[string]any{}, []map[string]any{}
	for _, e := range in.Entries {
		if f := each(q, e.ReceiptHandle, e.VisibilityTimeout); f != nil {
			failed = append(failed, map[string]any{"Id": e.Id, "Code": f.code, "Message": f.message, "SenderFault": true})
			continue
		}
		done = append(done, map[string]any{"Id": e.Id})
	}
	return map[string]any{"Successful": done, "Failed": failed}, nil
}

func (s *SQS) attributes(body []byte) (any, *fault) {
	var in struct {
		QueueUrl       string //nolint:revive // the name of the protocol
		AttributeNames []string
	}
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, f := s.queue(in.QueueUrl)
	if f != nil {
		return nil, f
	}
	now, waiting, out := s.time.Now(), 0, 0
	for _, m := range q.messages {
		if m.visible.After(now) {
			out++
		} else {
			waiting++
		}
	}
	all := map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(waiting),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(out),
		"ApproximateNumberOfMessagesDelayed":    "0",
		"VisibilityTimeout":                     strconv.Itoa(int(q.visibility / time.Second)),
		"QueueArn":                              arn(q.name),
		"MessageRetentionPeriod":                "345600",
	}
	if q.dead != nil {
		all["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn(q.dead.name), q.maxReceive)
	}
	got := map[string]string{}
	for _, n := range in.AttributeNames {
		if n != "All" && n != "RedrivePolicy" && all[n] == "" {
			return nil, &fault{code: "InvalidAttributeName", query: "InvalidAttributeName", message: "Unknown Attribute " + n + "."}
		}
		for k, v := range all {
			if n == k || n == "All" {
				got[k] = v
			}
		}
	}
	return map[string]any{"Attributes": got}, nil
}

func arn(queue string) string { return "arn:aws:sqs:" + sqsRegion + ":" + sqsAccount + ":" + queue }

func (s *SQS) find(body []byte) (any, *fault) {
	var in struct {
		QueueName              string
		QueueOwnerAWSAccountId string //nolint:revive // the name of the protocol
	}
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.QueueOwnerAWSAccountId != "" && in.QueueOwnerAWSAccountId != sqsAccount {
		return s.queue("")
	}
	if _, f := s.queue(s.url(in.QueueName)); f != nil {
		return nil, f
	}
	return map[string]string{"QueueUrl": s.url(in.QueueName)}, nil
}

func (s *SQS) send(body []byte) (any, *fault) {
	var in struct {
		QueueUrl    string //nolint:revive // the name of the protocol
		MessageBody string
	}
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	s.mu.Lock()
	q, f := s.queue(in.QueueUrl)
	s.mu.Unlock()
	if f != nil {
		return nil, f
	}
	if in.MessageBody == "" || len(in.MessageBody) > sqsMessage {
		return nil, invalid(len(in.MessageBody), "MessageBody", "Message must be shorter than 1048576 bytes and not empty.")
	}
	id := s.Send(q.name, in.MessageBody)
	sum := md5.Sum([]byte(in.MessageBody))
	return map[string]string{"MessageId": id, "MD5OfMessageBody": hex.EncodeToString(sum[:])}, nil
}
