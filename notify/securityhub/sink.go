package securityhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/awscall"
)

// Limits of one call.
const (
	maxFindings = 100
	maxFinding  = 240 << 10
	maxBatch    = 5 << 20 // of 6 MB, for what the envelope and other ways to write a string add
	maxLookUps  = 20      // values of one filter
)

// Sink is a [notify.Sink], a [notify.Reader] and a [notify.Tester].
type Sink struct {
	o       Options
	sts     *sts.Client
	own     *hub
	hubs    map[string]*hub // by account, without ours
	imports *notify.Gather[*shipment]
	looks   *notify.Gather[*look]

	mu      sync.Mutex
	account string
	known   map[string]sent
}

var (
	_ notify.Sink   = (*Sink)(nil)
	_ notify.Reader = (*Sink)(nil)
	_ notify.Tester = (*Sink)(nil)
)

// hub is the Security Hub of one account.
type hub struct {
	client  *securityhub.Client
	region  string
	account string // "" for ours, which STS knows
	imports bucket // 10 calls a second, 30 at once
	reads   bucket // 3 calls a second, 6 at once
}

// shipment is a finding on its way, and look one that is looked for.
type (
	shipment struct {
		hub     *hub
		finding types.AwsSecurityFinding
	}
	look struct {
		hub   *hub
		arn   string
		id    string
		found *types.AwsSecurityFinding
	}
)

// New makes a sink. It calls nobody.
func New(o Options) (*Sink, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Sink{o: o, hubs: map[string]*hub{}, account: o.Account, known: map[string]sent{}}
	s.own = s.connect(o.AWS, o.Account)
	s.sts = sts.NewFromConfig(awscall.Config(o.AWS))
	for id, c := range o.Accounts {
		if id != o.Account {
			s.hubs[id] = s.connect(c, id)
		}
	}
	s.imports = &notify.Gather[*shipment]{Window: o.Window, MaxItems: maxFindings, MaxSize: maxBatch, Timeout: o.Timeout, Send: s.send}
	s.looks = &notify.Gather[*look]{Window: o.Window, MaxItems: maxLookUps, MaxSize: maxLookUps, Timeout: o.Timeout, Send: s.lookUp}
	return s, nil
}

func (s *Sink) connect(c aws.Config, account string) *hub {
	return &hub{region: c.Region, account: account,
		client:  securityhub.NewFromConfig(awscall.Config(c)),
		imports: bucket{rate: 10, burst: 30, now: s.o.Now}, reads: bucket{rate: 3, burst: 6, now: s.o.Now}}
}

// Name is the sink's name in the configuration.
func (s *Sink) Name() string { return s.o.Name }

// Kind is "securityhub".
func (s *Sink) Kind() string { return "securityhub" }

// Deliver imports the finding of a notice's issue.
func (s *Sink) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	switch n.Op {
	case yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose, yagura.OpReopen, yagura.OpComment:
	case yagura.OpTest:
		return s.deliverTest(ctx, n)
	default:
		return yagura.Receipt{Detail: "nothing to do: Security Hub has no place for " + string(n.Op)}, nil
	}
	if n.Issue == nil || n.Issue.ID == "" {
		return yagura.Receipt{}, notify.Permanent("securityhub %s: notice %s has no issue", s.o.Name, n.ID)
	}
	h, at, err := s.place(ctx, n.Issue.Account)
	if err != nil {
		return yagura.Receipt{}, err
	}
	id := issuePrefix + n.Issue.ID
	receipt := yagura.Receipt{Ref: id, URL: s.url(n.Issue.ID)}
	last := s.remembered(id)
	t := last.times
	if n.Uncertain || n.Seq > 1 || n.Ref != "" {
		found, err := s.find(ctx, h, at, id)
		switch {
		case err == nil && found != nil:
			t = t.latest(seen(found))
			if n.Uncertain && found.ProductFields[fieldNotice] == n.ID {
				s.remember(id, t, n.ID)
				receipt.Detail = "already there"
				return receipt, nil
			}
		case err == nil || denied(err) || last.notice != "" && !n.Uncertain:
			// The clock, and what we sent last, have to do.
		default:
			return yagura.Receipt{}, unsent(err)
		}
	}
	// An import of the same Id is an update; one whose UpdatedAt is not newer is ignored.
	// The same notice again has the time that it had, so it is either new or ignored.
	if last.notice == n.ID && last.updated >= t.updated {
		t.updated = last.updated
	} else {
		t.updated = max(s.o.Now().UnixMilli(), t.updated+1)
	}
	if t.created == 0 {
		t.created = t.updated
	}
	err = s.ship(ctx, h, s.finding(n, at, id, t))
	if e := (*notify.Error)(nil); err == nil || !errors.As(err, &e) || !e.NotSent {
		s.remember(id, t, n.ID)
	}
	if err != nil {
		return yagura.Receipt{}, err
	}
	receipt.Detail = "imported " + id
	return receipt, nil
}

// unsent says of an error of a look-up that nothing was imported yet. Whether an earlier
// attempt was is as open as before.
func unsent(err error) error {
	e := (*notify.Error)(nil)
	if !errors.As(err, &e) {
		return &notify.Error{NotSent: true, Err: err}
	}
	return &notify.Error{NotSent: true, After: e.After, All: e.All, Err: e.Err}
}

// sent is what this process sent of a finding last.
type sent struct {
	times
	notice string
}

func (s *Sink) remembered(id string) sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[id]
}

// remember keeps some thousand findings; others are read.
func (s *Sink) remember(id string, t times, notice string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= 10000 {
		clear(s.known)
	}
	s.known[id] = sent{t, notice}
}

func (s *Sink) url(issueID string) string {
	if s.o.Link == nil {
		return ""
	}
	return s.o.Link(issueID)
}

// seen is what Security Hub says of a finding's times.
func seen(f *types.AwsSecurityFinding) (out times) {
	if t, ok := parseTime(aws.ToString(f.UpdatedAt)); ok {
		out.updated = t.UnixMilli()
	}
	if t, ok := parseTime(aws.ToString(f.CreatedAt)); ok {
		out.created = t.UnixMilli()
	}
	return out
}

// deliverTest imports an archived finding without weight, and always the same one.
func (s *Sink) deliverTest(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	h, at, err := s.place(ctx, "")
	if err != nil {
		return yagura.Receipt{}, err
	}
	now := s.o.Now().UnixMilli()
	id := cut(testPrefix+clean(s.o.Name), 512)
	f := s.finding(&yagura.Notice{ID: n.ID, Op: yagura.OpClose, Issue: &yagura.Issue{
		ID: "test", Title: "Yagura test", Severity: yagura.SeverityNone, Status: yagura.StatusClosed,
		Rule: yagura.RuleRef{ID: "test", Title: "Yagura test"}, Latest: &yagura.Finding{Output: n.Text}}}, at, id, times{now, now})
	delete(f.ProductFields, fieldIssue)
	if err := s.ship(ctx, h, f); err != nil {
		return yagura.Receipt{}, err
	}
	return yagura.Receipt{Detail: "imported an archived finding " + id}, nil
}

// place says which Security Hub the issues of an account go to.
func (s *Sink) place(ctx context.Context, account string) (*hub, place, error) {
	if h := s.hubs[account]; h != nil {
		return h, place{account, h.region}, nil
	}
	id, err := s.ourAccount(ctx)
	return s.own, place{id, s.own.region}, err
}

// ourAccount asks STS once.
func (s *Sink) ourAccount(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.account != "" {
		return s.account, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	out, err := s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		e := s.explain("sts:GetCallerIdentity", err)
		e.NotSent = true
		return "", e
	}
	id := aws.ToString(out.Account)
	if !accountID.MatchString(id) {
		return "", &notify.Error{NotSent: true, Err: fmt.Errorf("securityhub %s: STS names no account", s.o.Name)}
	}
	s.account = id
	return id, nil
}

// ship brings one finding away, together with others.
func (s *Sink) ship(ctx context.Context, h *hub, f types.AwsSecurityFinding) error {
	// The SDK's structs have the names of the format, and nulls that are not sent.
	body, err := json.Marshal(f)
	if err != nil {
		return notify.Permanent("securityhub %s: %w", s.o.Name, err)
	}
	if len(body) > maxFinding {
		return notify.Permanent("securityhub %s: the finding has %d bytes, Security Hub takes %d", s.o.Name, len(body), maxFinding)
	}
	return s.imports.Do(ctx, h.account+"/"+h.region, *f.Id, &shipment{h, f}, len(body))
}

// find looks for a finding of ours by its Id; nil when there is none.
func (s *Sink) find(ctx context.Context, h *hub, at place, id string) (*types.AwsSecurityFinding, error) {
	l := &look{hub: h, arn: productARN(at.region, at.account), id: id}
	err := s.looks.Do(ctx, h.account+"/"+h.region, id, l, 1)
	return l.found, err
}
