package cloudwatch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/awscall"
)

// Limits of one call.
const (
	maxEvents   = 10000
	maxBatch    = 1048576
	perEvent    = 26 // bytes that count for every event
	largest     = maxBatch - perEvent
	defaultSize = 256<<10 - perEvent // what subscribers of a stream take whole
	smallest    = 16 << 10
)

// fresh is how old the time of an event may be: well within a day, which is the shortest
// retention and the longest span of one call.
const fresh = 23 * time.Hour

// Options configure a sink.
type Options struct {
	Name string // in the configuration
	// AWS is where and as whom to call: region, credentials, endpoint, HTTP client.
	AWS           aws.Config
	Group, Stream string // Stream "" is "yagura"
	CreateGroup   bool   // where it is missing
	// MaxEvent bounds one event in bytes (0: 256 KB; at most 1 MB).
	MaxEvent int
	// NoReadBack never searches the stream after an attempt without an answer.
	NoReadBack bool
	Lang       notify.Lang // of the headline
	// Window is how long a notice waits for others that go out in the same call (0: 50 ms).
	Window time.Duration
	// Timeout bounds one call (0: 30 s).
	Timeout time.Duration
	Now     func() time.Time // nil: time.Now
}

var (
	groupForm  = regexp.MustCompile(`^[-._/#A-Za-z0-9]{1,512}$`)
	streamForm = regexp.MustCompile(`^[^:*\x00-\x1f]{1,512}$`)
)

// Sink is a [notify.Sink] and a [notify.Tester].
type Sink struct {
	o      Options
	client *cloudwatchlogs.Client
	puts   *notify.Gather[*event]
}

var (
	_ notify.Sink   = (*Sink)(nil)
	_ notify.Tester = (*Sink)(nil)
)

// event is one event on its way.
type event struct {
	at   int64 // milliseconds
	body string
}

// New makes a sink. It calls nobody.
func New(o Options) (*Sink, error) {
	o.Stream = cmp.Or(o.Stream, "yagura")
	o.MaxEvent = cmp.Or(o.MaxEvent, defaultSize)
	o.Window = cmp.Or(o.Window, 50*time.Millisecond)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Name == "":
		return nil, fmt.Errorf("cloudwatch: a sink needs a name")
	case o.AWS.Region == "":
		return nil, fmt.Errorf("cloudwatch %s: there is no region (hint: set region, or AWS_REGION)", o.Name)
	case !groupForm.MatchString(o.Group):
		return nil, fmt.Errorf("cloudwatch %s: log group %q: want 1 to 512 letters, digits or . - _ / #", o.Name, o.Group)
	case !streamForm.MatchString(o.Stream):
		return nil, fmt.Errorf("cloudwatch %s: log stream %q: want 1 to 512 characters without : and *", o.Name, o.Stream)
	case o.MaxEvent < smallest || o.MaxEvent > largest:
		return nil, fmt.Errorf("cloudwatch %s: largest event %d: want %d to %d bytes", o.Name, o.MaxEvent, smallest, largest)
	}
	s := &Sink{o: o}
	s.client = cloudwatchlogs.NewFromConfig(awscall.Config(o.AWS))
	s.puts = &notify.Gather[*event]{Window: o.Window, MaxItems: maxEvents, MaxSize: maxBatch, Timeout: o.Timeout, Send: s.send}
	return s, nil
}

// Name is the sink's name in the configuration.
func (s *Sink) Name() string { return s.o.Name }

// Kind is "cloudwatch".
func (s *Sink) Kind() string { return "cloudwatch" }

// Deliver writes a notice as one event.
func (s *Sink) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	body, err := s.render(n)
	if err != nil {
		return yagura.Receipt{}, notify.Permanent("cloudwatch %s: notice %s: %w", s.o.Name, n.ID, err)
	}
	if len(body) > s.o.MaxEvent {
		return yagura.Receipt{}, notify.Permanent("cloudwatch %s: notice %s has %d bytes, and %d are allowed", s.o.Name, n.ID, len(body), s.o.MaxEvent)
	}
	if n.Uncertain && !s.o.NoReadBack && s.written(ctx, n) {
		return yagura.Receipt{Detail: "already there"}, nil
	}
	at := n.Created
	if now := s.o.Now(); at.After(now.Add(time.Minute)) || now.Sub(at) > fresh {
		at = now
	}
	e := &event{at: at.UnixMilli(), body: string(body)}
	if err := s.puts.Do(ctx, "", n.ID, e, len(body)+perEvent); err != nil {
		return yagura.Receipt{}, err
	}
	r := yagura.Receipt{Detail: "written to " + s.o.Group + " " + s.o.Stream}
	if n.Uncertain {
		// The attempt before may have been written and not be searchable yet.
		r.Doubled, r.Detail = true, r.Detail+"; an earlier attempt may be there too"
	}
	return r, nil
}

// Marker is the value of `from` in every event of ours.
const Marker = "yagura"

// Own says whether the message of a log event that comes back through a source is one of
// ours, and the notice that it is. Anybody who may write to a log can write the same, so
// whoever drops own events should look at the log group that they came from too.
func Own(message []byte) (notice string, own bool) {
	if !bytes.Contains(message[:min(len(message), 200)], []byte(`"`+Marker+`"`)) {
		return "", false
	}
	var e struct {
		From   string `json:"from"`
		Notice string `json:"notice"`
	}
	if json.Unmarshal(message, &e) != nil || e.From != Marker || e.Notice == "" {
		return "", false
	}
	return e.Notice, true
}

// record is the JSON form of an event.
type record struct {
	V        int             `json:"v"`
	From     string          `json:"from"`
	Notice   string          `json:"notice"`
	Sink     string          `json:"sink"`
	Op       yagura.Op       `json:"op"`
	Seq      int64           `json:"seq,omitempty"`
	Created  time.Time       `json:"created"`
	Headline string          `json:"headline,omitempty"`
	Severity string          `json:"severity,omitempty"` // of the issue, for filters
	Text     string          `json:"text,omitempty"`
	To       string          `json:"to,omitempty"`
	Entry    *yagura.Entry   `json:"entry,omitempty"`
	Issue    *yagura.Issue   `json:"issue,omitempty"`
	Finding  *yagura.Finding `json:"finding,omitempty"`
	// Cut counts texts and lists that are shorter than they were.
	Cut int `json:"cut,omitempty"`
}

// render writes a notice as JSON within the sink's bound.
func (s *Sink) render(n *yagura.Notice) ([]byte, error) {
	if n.ID == "" {
		return nil, fmt.Errorf("the notice has no id")
	}
	headline := notify.NewText(n, notify.TextOptions{Lang: s.o.Lang}).Headline
	return notify.Fit(n, s.o.MaxEvent, func(n *yagura.Notice, cut int) ([]byte, error) {
		r := record{V: 1, From: Marker, Notice: n.ID, Sink: n.Sink, Op: n.Op, Seq: n.Seq, Created: n.Created.UTC(), Headline: headline,
			Text: n.Text, To: n.To, Entry: n.Entry, Issue: n.Issue, Finding: n.Finding, Cut: cut}
		if n.Issue != nil {
			r.Severity = n.Issue.Severity.String()
			if n.Finding != nil && n.Issue.Latest != nil && n.Issue.Latest.ID == n.Finding.ID {
				r.Issue.Latest = nil // it is below "finding"
			}
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		err := enc.Encode(r)
		return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
	})
}

// quoted is an id within a filter pattern.
func quoted(id string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id) + `"`
}
