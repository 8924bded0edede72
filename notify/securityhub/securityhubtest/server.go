package securityhubtest

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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Account is the account of callers that [Server.AddCaller] does not know.
const Account = "111122223333"

// Region is the region of [Server.Config].
const Region = "eu-west-1"

// Fault is what goes wrong with a call.
type Fault struct {
	Status     int // 0: nothing goes wrong
	Code       string
	RetryAfter string
	Lose       bool // act, then close the connection without an answer
	Cut        bool // close the connection before acting
	Hang       bool // act, then never answer
}

// Finding is a stored finding in its JSON form.
type Finding map[string]any

// Server is the fake.
type Server struct {
	*httptest.Server
	Now func() time.Time // for throttling; nil: time.Now

	mu       sync.Mutex
	callers  map[string]string // access key to account
	fault    func(action string) Fault
	refuse   map[string]string // finding Id to error code
	denied   map[string]bool
	throttle bool
	tokens   map[string]float64
	filled   map[string]time.Time
	findings map[string]Finding
	stats    Stats
}

// Seconds is a duration as a Retry-After header has it.
func Seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// Stats are what the server counted.
type Stats struct {
	Calls     map[string]int
	Taken     int            // imports that changed something
	Ignored   int            // imports whose UpdatedAt was not newer
	Refused   []string       // reasons
	Throttled int            // calls
	Notices   map[string]int // imports that changed something, by notice id
	Largest   int            // findings in one import
}

// New starts a server; Close ends it.
func New() *Server {
	s := &Server{callers: map[string]string{}, refuse: map[string]string{}, denied: map[string]bool{}, findings: map[string]Finding{},
		tokens: map[string]float64{}, filled: map[string]time.Time{},
		stats: Stats{Calls: map[string]int{}, Notices: map[string]int{}}}
	s.Server = httptest.NewServer(s)
	return s
}

// Config is a connection to the server as an account.
func (s *Server) Config(account string) aws.Config {
	key := "AKIATEST" + account
	s.mu.Lock()
	s.callers[key] = account
	s.mu.Unlock()
	return aws.Config{Region: Region, BaseEndpoint: aws.String(s.URL), HTTPClient: s.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", "")}
}

// SetFault decides what goes wrong with each call; nil ends it. It is called for
// "BatchImportFindings", "GetFindings" and "GetCallerIdentity".
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

// Refuse makes the imports of one finding fail with a code; "" ends it.
func (s *Server) Refuse(id, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[id] = code
}

// Throttle holds callers to the published rates.
func (s *Server) Throttle(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttle = on
}

// Move does what a person does in the console: it sets a workflow status, with a note.
func (s *Server) Move(id, status, note, by string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.findings {
		if f["Id"] == id {
			f["Workflow"] = map[string]any{"Status": status}
			if note != "" {
				f["Note"] = map[string]any{"Text": note, "UpdatedBy": by, "UpdatedAt": s.now().UTC().Format(time.RFC3339Nano)}
			}
			return nil
		}
	}
	return fmt.Errorf("there is no finding %s", id)
}

// Delete forgets a finding, as the service does after 90 days.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.findings, func(_ string, f Finding) bool { return f["Id"] == id })
}

// Findings are copies of what is stored, in the order of their Ids.
func (s *Server) Findings() []Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Finding
	for _, k := range slices.Sorted(maps.Keys(s.findings)) {
		out = append(out, maps.Clone(s.findings[k]))
	}
	return out
}

// Stats returns what was counted.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Calls, out.Notices, out.Refused = maps.Clone(out.Calls), maps.Clone(out.Notices), slices.Clone(out.Refused)
	return out
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

var credential = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([a-z0-9-]+)/([a-z]+)/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$`)

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action := map[string]string{"/findings/import": "BatchImportFindings", "/findings": "GetFindings", "/": "GetCallerIdentity"}[r.URL.Path]
	if action == "" || r.Method != http.MethodPost {
		fail(w, 404, "UnknownOperationException", "there is no such call here")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 7<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	s.stats.Calls[action]++
	fault := Fault{}
	if s.fault != nil {
		fault = s.fault(action)
	}
	answer, status, code, message := any(nil), 0, "", ""
	switch m := credential.FindStringSubmatch(r.Header.Get("Authorization")); {
	case fault.Cut:
	case fault.Status != 0 && !fault.Lose && !fault.Hang:
		status, code, message = fault.Status, fault.Code, "as the test wants"
	case m == nil:
		status, code, message = 403, "MissingAuthenticationTokenException", "Missing Authentication Token"
	case s.denied[action]:
		status, code, message = 403, "AccessDeniedException", "User is not authorized to perform: "+action
	case s.throttle && !s.spend(action, m[1]):
		s.stats.Throttled++
		status, code, message = 429, "TooManyRequestsException", "Too Many Requests"
	default:
		account := s.callers[m[1]]
		if account == "" {
			account = Account
		}
		answer, status, code, message = s.act(action, account, m[2], body)
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
	switch x := answer.(type) {
	case nil:
		fail(w, status, code, message)
	case string:
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, x)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Code": code, "Message": message})
}

// spend takes a token of a caller: 10 a second and 30 at once for imports, 3 and 6 for reads.
func (s *Server) spend(action, caller string) bool {
	rate, burst := 10.0, 30.0
	if action == "GetFindings" {
		rate, burst = 3, 6
	}
	key, now := action+" "+caller, s.now()
	if last, ok := s.filled[key]; ok {
		s.tokens[key] = min(burst, s.tokens[key]+max(0, now.Sub(last).Seconds())*rate)
	} else {
		s.tokens[key] = burst
	}
	s.filled[key] = now
	if s.tokens[key] < 1 {
		return false
	}
	s.tokens[key]--
	return true
}

func (s *Server) act(action, account, region string, body []byte) (answer any, status int, code, message string) {
	switch action {
	case "GetCallerIdentity":
		if !strings.Contains(string(body), "Action=GetCallerIdentity") {
			return nil, 400, "InvalidAction", "no such action"
		}
		return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:sts::` +
			account + `:assumed-role/yagura/i-1</Arn><UserId>AROATEST:i-1</UserId><Account>` + account +
			`</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`, 0, "", ""
	case "GetFindings":
		return s.get(account, body)
	}
	return s.importBatch(account, region, body)
}

func (s *Server) importBatch(account, region string, body []byte) (answer any, status int, code, message string) {
	var in struct {
		Findings []json.RawMessage `json:"Findings"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, 400, "SerializationException", err.Error()
	}
	if len(in.Findings) < 1 || len(in.Findings) > 100 {
		return nil, 400, "InvalidInputException", "Findings must have between 1 and 100 items"
	}
	if len(body) > 6<<20 {
		return nil, 413, "RequestEntityTooLargeException", "the request is larger than 6 MB"
	}
	s.stats.Largest = max(s.stats.Largest, len(in.Findings))
	failed := []map[string]string{}
	for _, raw := range in.Findings {
		f := Finding{}
		id, code, why := "", "InvalidInput", ""
		if err := json.Unmarshal(raw, &f); err != nil {
			why = err.Error()
		} else {
			id, _ = f["Id"].(string)
			switch {
			case s.refuse[id] != "":
				code, why = s.refuse[id], "as the test wants"
			case len(raw) > 240<<10:
				why = "the finding is larger than 240 KB"
			default:
				if why = check(f); why != "" {
					why = "Finding does not adhere to Amazon Finding Format. " + why
				} else if f["AwsAccountId"] != account {
					code, why = "InvalidAccess", "the account of the finding is not that of the caller"
				} else if want := "arn:aws:securityhub:" + region + ":" + account + ":product/" + account + "/default"; f["ProductArn"] != want {
					code, why = "InvalidAccess", "the product is not subscribed to"
				}
			}
		}
		if why != "" {
			failed = append(failed, map[string]string{"Id": id, "ErrorCode": code, "ErrorMessage": why})
			s.stats.Refused = append(s.stats.Refused, id+": "+code+": "+why)
			continue
		}
		s.put(f, region)
	}
	return map[string]any{"FailedCount": len(failed), "SuccessCount": len(in.Findings) - len(failed), "FailedFindings": failed}, 0, "", ""
}

// put stores a finding as the service does.
func (s *Server) put(f Finding, region string) {
	key := f["ProductArn"].(string) + " " + f["Id"].(string)
	old := s.findings[key]
	if old != nil {
		was, _ := time.Parse(time.RFC3339Nano, old["UpdatedAt"].(string))
		is, _ := time.Parse(time.RFC3339Nano, f["UpdatedAt"].(string))
		if !is.After(was) {
			s.stats.Ignored++
			return
		}
	}
	s.stats.Taken++
	if fields, ok := f["ProductFields"].(map[string]any); ok {
		if n, ok := fields["yagura/notice"].(string); ok {
			s.stats.Notices[n]++
		}
	}
	f["Region"] = region
	if f["RecordState"] == nil {
		f["RecordState"] = "ACTIVE"
	}
	// Customers own these.
	for _, k := range []string{"Note", "UserDefinedFields", "VerificationState", "Workflow"} {
		delete(f, k)
		if old != nil && old[k] != nil {
			f[k] = old[k]
		}
	}
	status, _ := f["Workflow"].(map[string]any)
	if old == nil || old["RecordState"] == "ARCHIVED" && f["RecordState"] == "ACTIVE" && status["Status"] != "SUPPRESSED" ||
		compliance(old) == "PASSED" && compliance(f) != "PASSED" && status["Status"] != "SUPPRESSED" {
		f["Workflow"] = map[string]any{"Status": "NEW"}
	}
	s.findings[key] = f
}

func compliance(f Finding) string {
	c, _ := f["Compliance"].(map[string]any)
	v, _ := c["Status"].(string)
	return v
}

type stringFilter struct{ Value, Comparison string }

func (s *Server) get(account string, body []byte) (answer any, status int, code, message string) {
	var in struct {
		Filters    map[string]json.RawMessage
		MaxResults *int
		NextToken  string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, 400, "SerializationException", err.Error()
	}
	if in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > 100) {
		return nil, 400, "InvalidInputException", "MaxResults must be between 1 and 100"
	}
	if len(in.Filters) > 10 {
		return nil, 400, "InvalidInputException", "at most 10 filters"
	}
	limit := 100
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	var found []Finding
	for _, k := range slices.Sorted(maps.Keys(s.findings)) {
		f := s.findings[k]
		if f["AwsAccountId"] != account {
			continue
		}
		ok, err := matches(f, in.Filters)
		if err != nil {
			return nil, 400, "InvalidInputException", err.Error()
		}
		if ok {
			found = append(found, f)
		}
	}
	start := 0
	if in.NextToken != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(in.NextToken, "page-"))
		if err != nil || n < 0 {
			return nil, 400, "InvalidInputException", "NextToken"
		}
		start = min(n, len(found))
	}
	end := min(start+limit, len(found))
	out := map[string]any{"Findings": append([]Finding{}, found[start:end]...)}
	if end < len(found) {
		out["NextToken"] = "page-" + strconv.Itoa(end)
	}
	// It is encoded here, while nobody changes the findings.
	encoded, err := json.Marshal(out)
	if err != nil {
		return nil, 500, "InternalException", err.Error()
	}
	return json.RawMessage(encoded), 0, "", ""
}

func matches(f Finding, filters map[string]json.RawMessage) (bool, error) {
	for name, raw := range filters {
		if name == "UpdatedAt" {
			var dates []struct{ Start, End string }
			if err := json.Unmarshal(raw, &dates); err != nil || len(dates) != 1 || !timestamp.MatchString(dates[0].Start) || !timestamp.MatchString(dates[0].End) {
				return false, fmt.Errorf("filter UpdatedAt: %s", raw)
			}
			from, _ := time.Parse(time.RFC3339Nano, dates[0].Start)
			to, _ := time.Parse(time.RFC3339Nano, dates[0].End)
			at, _ := time.Parse(time.RFC3339Nano, f["UpdatedAt"].(string))
			if at.Before(from) || at.After(to) {
				return false, nil
			}
			continue
		}
		value, ok := "", true
		switch name {
		case "Id", "ProductArn", "GeneratorId", "RecordState", "AwsAccountId":
			value, _ = f[name].(string)
		case "WorkflowStatus":
			w, _ := f["Workflow"].(map[string]any)
			value, _ = w["Status"].(string)
		default:
			return false, fmt.Errorf("filter %s is not known here", name)
		}
		var some []stringFilter
		if err := json.Unmarshal(raw, &some); err != nil || len(some) == 0 || len(some) > 20 {
			return false, fmt.Errorf("filter %s: want 1 to 20 values", name)
		}
		ok = slices.ContainsFunc(some, func(x stringFilter) bool {
			return x.Comparison == "EQUALS" && value == x.Value || x.Comparison == "PREFIX" && strings.HasPrefix(value, x.Value)
		})
		if !ok {
			return false, nil
		}
	}
	return true, nil
}
