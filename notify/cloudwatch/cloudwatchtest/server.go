package cloudwatchtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Fault is what goes wrong with a call.
type Fault struct {
	Status     int // 0: nothing goes wrong
	Code       string
	RetryAfter string
	Lose       bool // act, then close the connection without an answer
	Cut        bool // close the connection before acting
	Hang       bool // act, then never answer
}

// Event is a stored event.
type Event struct {
	At       time.Time
	Message  string
	Ingested time.Time
}

// Server is the fake.
type Server struct {
	*httptest.Server

	mu        sync.Mutex
	now       func() time.Time
	fault     func(action string) Fault
	denied    map[string]bool
	hidden    int
	retention time.Duration
	groups    map[string]map[string][]Event
	stats     Stats
}

// Seconds is a duration as a Retry-After header has it.
func Seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// Stats are what the server counted.
type Stats struct {
	Calls    map[string]int
	Events   int // stored
	Rejected int
	Refused  []string // reasons of refused batches
	Largest  int      // events in one batch
}

// New starts a server whose clock is now, nil for the real one; Close ends it.
func New(now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	s := &Server{now: now, denied: map[string]bool{}, groups: map[string]map[string][]Event{},
		retention: 100 * 365 * 24 * time.Hour, stats: Stats{Calls: map[string]int{}}}
	s.Server = httptest.NewServer(s)
	return s
}

// Config is a connection to the server.
func (s *Server) Config() aws.Config {
	return aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(s.URL), HTTPClient: s.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", "")}
}

// AddGroup makes a log group without streams.
func (s *Server) AddGroup(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[name] == nil {
		s.groups[name] = map[string][]Event{}
	}
}

// SetRetention is that of all groups.
func (s *Server) SetRetention(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retention = d
}

// SetFault decides what goes wrong with each call, by its name; nil ends it.
func (s *Server) SetFault(f func(action string) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Deny takes the permission for an action away, or gives it back.
func (s *Server) Deny(action string, denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[action] = denied
}

// Hide makes the last n events of every stream not searchable yet.
func (s *Server) Hide(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = n
}

// Events are those of a stream, in the order of writing.
func (s *Server) Events(group, stream string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.groups[group][stream])
}

// Notices counts the events of a stream by their notice.
func (s *Server) Notices(group, stream string) map[string]int {
	out := map[string]int{}
	for _, e := range s.Events(group, stream) {
		out[field(e.Message, "notice")]++
	}
	return out
}

// Stats returns what was counted.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Calls, out.Refused = maps.Clone(out.Calls), slices.Clone(out.Refused)
	return out
}

type failure struct {
	status        int
	code, message string
}

func invalid(format string, args ...any) *failure {
	return &failure{400, "InvalidParameterException", fmt.Sprintf(format, args...)}
}

var signed = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/[a-z0-9-]+/logs/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$`)

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "Logs_20140328.")
	if !ok || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		fail(w, failure{400, "UnknownOperationException", "there is no such call here"})
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	s.stats.Calls[action]++
	fault := Fault{}
	if s.fault != nil {
		fault = s.fault(action)
	}
	var answer any
	var f *failure
	switch {
	case fault.Cut:
	case fault.Status != 0 && !fault.Lose && !fault.Hang:
		f = &failure{fault.Status, fault.Code, "as the test wants"}
	case !signed.MatchString(r.Header.Get("Authorization")):
		f = &failure{400, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	case s.denied[action]:
		f = &failure{400, "AccessDeniedException", "User is not authorized to perform: logs:" + action}
	default:
		answer, f = s.act(action, body)
	}
	s.mu.Unlock()
	if fault.Hang {
		<-r.Context().Done()
	}
	if fault.Lose || fault.Cut || fault.Hang {
		panic(http.ErrAbortHandler)
	}
	if fault.RetryAfter != "" {
		w.Header().Set("Retry-After", fault.RetryAfter)
	}
	if f != nil {
		fail(w, *f)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer)
}

func fail(w http.ResponseWriter, f failure) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": f.code, "message": f.message})
}

type request struct {
	LogGroupName, LogStreamName string
	LogStreamNames              []string
	LogEvents                   []struct {
		Timestamp *int64
		Message   *string
	}
	StartTime, EndTime       *int64
	FilterPattern, NextToken string
	Limit                    *int
}

var (
	groupName  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	streamName = regexp.MustCompile(`^[^:*]{1,512}$`)
)

func (s *Server) act(action string, body []byte) (any, *failure) {
	var in request
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &failure{400, "SerializationException", err.Error()}
	}
	if !groupName.MatchString(in.LogGroupName) {
		return nil, invalid("logGroupName")
	}
	streams, known := s.groups[in.LogGroupName]
	if action == "CreateLogGroup" {
		if known {
			return nil, &failure{400, "ResourceAlreadyExistsException", "The specified log group already exists"}
		}
		s.groups[in.LogGroupName] = map[string][]Event{}
		return struct{}{}, nil
	}
	if action == "PutLogEvents" {
		if f := checkShape(in); f != nil {
			s.stats.Refused = append(s.stats.Refused, f.message)
			return nil, f
		}
	}
	if !known {
		return nil, &failure{400, "ResourceNotFoundException", "The specified log group does not exist."}
	}
	switch action {
	case "CreateLogStream":
		if !streamName.MatchString(in.LogStreamName) {
			return nil, invalid("logStreamName")
		}
		if _, ok := streams[in.LogStreamName]; ok {
			return nil, &failure{400, "ResourceAlreadyExistsException", "The specified log stream already exists"}
		}
		streams[in.LogStreamName] = []Event{}
		return struct{}{}, nil
	case "PutLogEvents":
		return s.put(in, streams)
	case "FilterLogEvents":
		return s.filter(in, streams)
	}
	return nil, &failure{400, "UnknownOperationException", action}
}

// checkShape holds a batch to what does not depend on the time.
func checkShape(in request) *failure {
	if len(in.LogEvents) < 1 || len(in.LogEvents) > 10000 {
		return invalid("logEvents must have between 1 and 10000 members, and has %d", len(in.LogEvents))
	}
	total, last := 0, int64(-1)
	for i, e := range in.LogEvents {
		switch {
		case e.Timestamp == nil || e.Message == nil || *e.Timestamp < 0:
			return invalid("logEvents.%d: timestamp and message are required", i+1)
		case *e.Message == "":
			return invalid("logEvents.%d.message must have length greater than or equal to 1", i+1)
		case !utf8.ValidString(*e.Message):
			return &failure{400, "SerializationException", "not UTF-8"}
		case len(*e.Message)+26 > 1048576:
			return invalid("Log event too large: %d bytes exceeds limit of 1048576", len(*e.Message)+26)
		case *e.Timestamp < last:
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		last = *e.Timestamp
		total += len(*e.Message) + 26
	}
	if total > 1048576 {
		return invalid("Upload too large: %d bytes exceeds limit of 1048576", total)
	}
	return nil
}

func (s *Server) put(in request, streams map[string][]Event) (any, *failure) {
	if _, ok := streams[in.LogStreamName]; !ok {
		return nil, &failure{400, "ResourceNotFoundException", "The specified log stream does not exist."}
	}
	now := s.now()
	oldest, newest := now.Add(-14*24*time.Hour), now.Add(2*time.Hour)
	rejected := map[string]int{}
	var taken []Event
	for i, e := range in.LogEvents {
		at := time.UnixMilli(*e.Timestamp)
		switch {
		case at.Before(oldest):
			rejected["tooOldLogEventEndIndex"] = i + 1
		case at.Before(now.Add(-s.retention)):
			rejected["expiredLogEventEndIndex"] = i + 1
		case at.After(newest):
			if _, ok := rejected["tooNewLogEventStartIndex"]; !ok {
				rejected["tooNewLogEventStartIndex"] = i
			}
		default:
			taken = append(taken, Event{at, *e.Message, now})
		}
	}
	// The whole batch has a span, also where some of it would be rejected singly.
	if n := len(in.LogEvents); *in.LogEvents[n-1].Timestamp-*in.LogEvents[0].Timestamp > (24 * time.Hour).Milliseconds() {
		s.stats.Refused = append(s.stats.Refused, "span")
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	s.stats.Largest = max(s.stats.Largest, len(in.LogEvents))
	s.stats.Events += len(taken)
	s.stats.Rejected += len(in.LogEvents) - len(taken)
	streams[in.LogStreamName] = append(streams[in.LogStreamName], taken...)
	out := map[string]any{"nextSequenceToken": "49590302"}
	if len(rejected) > 0 {
		out["rejectedLogEventsInfo"] = rejected
	}
	return out, nil
}

// pattern is the one form of patterns that is known here.
var pattern = regexp.MustCompile(`^\{ \$\.([a-z_]+) = "((?:[^"\\]|\\.)*)" \}$`)

func (s *Server) filter(in request, streams map[string][]Event) (any, *failure) {
	if in.Limit != nil && (*in.Limit < 1 || *in.Limit > 10000) || len(in.LogStreamNames) > 100 {
		return nil, invalid("limit")
	}
	key, want := "", ""
	if len(in.FilterPattern) > 1024 {
		return nil, invalid("filterPattern must have length less than or equal to 1024")
	}
	if in.FilterPattern != "" {
		m := pattern.FindStringSubmatch(in.FilterPattern)
		if m == nil {
			return nil, invalid("Invalid filter pattern")
		}
		key, want = m[1], strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[2])
	}
	type found struct {
		LogStreamName string `json:"logStreamName"`
		Timestamp     int64  `json:"timestamp"`
		Message       string `json:"message"`
		IngestionTime int64  `json:"ingestionTime"`
		EventID       string `json:"eventId"`
	}
	var all []found
	for name, events := range streams {
		if len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, name) {
			continue
		}
		for i, e := range events[:max(0, len(events)-s.hidden)] {
			at := e.At.UnixMilli()
			if in.StartTime != nil && at < *in.StartTime || in.EndTime != nil && at > *in.EndTime {
				continue
			}
			all = append(all, found{name, at, e.Message, e.Ingested.UnixMilli(), strconv.Itoa(i)})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return int(min(1, max(-1, a.Timestamp-b.Timestamp))) })
	// A page looks at some events, and may find none among them.
	const look = 50
	start, _ := strconv.Atoi(strings.TrimPrefix(in.NextToken, "page-"))
	start = min(max(start, 0), len(all))
	stop := min(start+look, len(all))
	events := []found{}
	for _, e := range all[start:stop] {
		if key == "" || field(e.Message, key) == want {
			events = append(events, e)
		}
	}
	out := map[string]any{"events": events, "searchedLogStreams": []string{}}
	if stop < len(all) {
		out["nextToken"] = "page-" + strconv.Itoa(stop)
	}
	return out, nil
}

func field(message, key string) string {
	var m map[string]any
	if json.Unmarshal([]byte(message), &m) != nil {
		return ""
	}
	v, _ := m[key].(string)
	return v
}
