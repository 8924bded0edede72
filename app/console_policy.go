package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/triage"
)

// consolePolicy reads, tries and writes the severity policy and what is suppressed.
type consolePolicy struct{ s *Serve }

var (
	_ api.Policy       = (*consolePolicy)(nil)
	_ api.Suppressions = (*consolePolicy)(nil)
)

// The bounds of a replay that a page waits for.
const (
	replayUsual    = 7 * 24 * time.Hour
	replayFindings = 200_000
	replayExamples = 10
	policyVersions = 200 // that are kept
)

// policyFile is the file that the policy that holds is in, or will be in.
func (c *consolePolicy) policyFile() string {
	cfg := c.s.config.Load()
	return cmp.Or(PolicyFile(cfg), OwnPolicy(cfg.Data))
}

// Policy implements [api.Policy].
func (c *consolePolicy) Policy(context.Context) (*api.PolicyText, error) {
	file := c.policyFile()
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && c.s.config.Load().Policy == "" {
		text := triage.DefaultPolicyText()
		return &api.PolicyText{Text: text, ETag: tagOf([]byte(text)), File: file, Shipped: true}, nil
	}
	if err != nil {
		return nil, err
	}
	return &api.PolicyText{Text: string(data), ETag: tagOf(data), File: file}, nil
}

// check reads a text as the policy of this service.
func (c *consolePolicy) check(text string) (*triage.Policy, []triage.Problem) {
	cfg, now := c.s.config.Load(), c.s.o.Now()
	p, problems := triage.ParsePolicy(filepath.Base(c.policyFile()), []byte(text), triage.PolicyOptions{Now: now, Sinks: SinkNames(cfg)})
	if p == nil {
		return nil, problems
	}
	o := triage.CheckOptions{Now: now, Sinks: SinkNames(cfg), Unusual: NoBaselines(cfg)}
	if registry := c.s.registry.load(); !registry.Empty() && !cfg.Organizations.Enabled {
		o.Accounts = registry
	}
	return p, append(problems, p.Check(o)...)
}

// CheckPolicy implements [api.Policy].
func (c *consolePolicy) CheckPolicy(_ context.Context, text string) (*api.PolicyChecked, error) {
	p, problems := c.check(text)
	out := &api.PolicyChecked{Problems: []api.PolicyProblem{}, Refused: triage.Refused(problems)}
	if p != nil {
		out.Clauses = len(p.Counts())
	}
	for i := range problems {
		x := &problems[i]
		out.Problems = append(out.Problems, api.PolicyProblem{Line: x.Line, Column: x.Column, Clause: x.Clause, Code: x.Code, Reason: x.Reason, Hint: x.Hint, Warning: x.Warning})
	}
	return out, nil
}

// policyProblem says why a text is no policy.
func policyProblem(problems []triage.Problem) error {
	bad := slices.DeleteFunc(slices.Clone(problems), func(p triage.Problem) bool { return p.Warning })
	p := api.Refuse(api.CodeUnprocessable, "the policy is refused: "+bad[0].Error(), "ポリシーが拒否されました: "+bad[0].Error())
	p.Problems = problemFaults(bad)
	return p
}

// ReplayPolicy implements [api.Policy].
func (c *consolePolicy) ReplayPolicy(ctx context.Context, in api.PolicyTrial) (*api.Replayed, error) {
	p, problems := c.check(in.Text)
	if triage.Refused(problems) {
		return nil, policyProblem(problems)
	}
	after, err := WithSuppressions(c.s.config.Load(), p)
	if err != nil {
		return nil, err
	}
	got, past, err := c.replay(ctx, in.From, in.To, c.s.policy.Load(), after, nil)
	if err != nil {
		return nil, err
	}
	return c.s.replayedOf(got, past), nil
}

// pastFindings reads stored findings, the newest of them where there are too many.
type pastFindings struct {
	from, to time.Time
	cut      bool
}

// replay judges the findings of a time by two policies. each, where it is not nil, is told of
// every finding and says whether it is looked at.
func (c *consolePolicy) replay(ctx context.Context, from, to time.Time, before, after *triage.Policy, each func(*yagura.Filed) bool) (*triage.Comparison, *pastFindings, error) {
	s := c.s
	past := &pastFindings{from: from, to: to}
	if past.to.IsZero() {
		past.to = s.o.Now()
	}
	if past.from.IsZero() {
		past.from = past.to.Add(-replayUsual)
	}
	if !past.from.Before(past.to) {
		return nil, nil, api.Refuse(api.CodeBadRequest, "from is not before to", "from は to より前の時刻にしてください")
	}
	b := &Books{DB: s.db, data: s.o.Config.Data, cfg: s.o.Config}
	since := b.Since(past.from)
	since.to, since.most = past.to, replayFindings
	o := triage.ReplayOptions{Accounts: s.registry.load(), Tenant: s.o.Config.Tenant, Examples: replayExamples}
	var err error
	if before.ReadsEvent() || after.ReadsEvent() {
		if o.Event, err = since.Records(ctx); err != nil {
			return nil, nil, err
		}
	}
	var reader FiledReader = since
	if of := UsualOf(before, after); of != nil {
		reader = Learning{From: since, Baselines: s.baselines, Of: of, Event: o.Event}
	}
	got, err := triage.Replay(func(yield func(yagura.Filed) error) error {
		return reader.Filed(ctx, func(f yagura.Filed) error {
			if each != nil && !each(&f) {
				return nil
			}
			return yield(f)
		})
	}, before, after, o)
	past.cut = since.cut
	return got, past, err
}

// UsualOf lists what two policies ask of usual.
func UsualOf(before, after *triage.Policy) []string {
	list := append(before.Usual(), after.Usual()...)
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *Serve) replayedOf(got *triage.Comparison, past *pastFindings) *api.Replayed {
	out := &api.Replayed{Judged: got.Findings, From: past.from.UTC(), To: past.to.UTC(), Cut: past.cut, Changed: []api.ReplayedRule{}, Sinks: []api.ReplayedSink{},
		BySeverity: api.ReplayedLevels{Before: map[string]int{}, After: map[string]int{}}, Suppressed: api.ReplayedNumbers(got.Suppressed), Causes: api.ReplayedNumbers(got.Causes),
		NoRecord: got.NoRecord, Errors: got.Errors}
	for _, l := range got.Levels {
		out.BySeverity.Before[l.Severity.String()], out.BySeverity.After[l.Severity.String()] = l.Findings.Before, l.Findings.After
	}
	for _, r := range got.Rules {
		out.Changed = append(out.Changed, api.ReplayedRule{Rule: r.Rule, Title: r.Title, TitleJA: s.named(r.Rule, r.Title).TitleJA, Before: r.From, After: r.To, N: r.Findings, Issues: r.Issues, Why: r.Clauses})
	}
	for _, x := range got.Sinks {
		out.Sinks = append(out.Sinks, api.ReplayedSink{Sink: x.Sink, Notices: api.ReplayedNumbers(x.Tickets), Rises: api.ReplayedNumbers(x.Rises)})
	}
	return out
}

// PutPolicy implements [api.Policy]. What held is kept before the new text holds.
func (c *consolePolicy) PutPolicy(ctx context.Context, who string, in api.PolicyPut, match func(tag string) error) (*api.PolicyText, error) {
	s := c.s
	if _, problems := c.check(in.Text); triage.Refused(problems) {
		return nil, policyProblem(problems)
	}
	s.editing.Lock()
	defer s.editing.Unlock()
	now, err := c.Policy(ctx)
	if err != nil {
		return nil, err
	}
	if err := match(now.ETag); err != nil {
		return nil, err
	}
	if now.Text == in.Text && !now.Shipped {
		return now, nil
	}
	was, err := yaml.Marshal(api.PolicyVersion{At: s.o.Now().UTC(), By: who, Reason: strings.Join(strings.Fields(in.Reason), " "), Text: now.Text})
	if err != nil {
		return nil, err
	}
	id := NewID(s.o.Now)()
	edits := []fileEdit{{path: filepath.Join(c.versions(), id+".yaml"), data: was}, {path: now.File, data: []byte(in.Text)}}
	if err := s.editLocked(ctx, edits...); err != nil {
		return nil, err
	}
	c.prune()
	return c.Policy(ctx)
}

// versions is the folder of what held before.
func (c *consolePolicy) versions() string {
	return filepath.Join(c.s.o.Config.Data, "versions", "policy")
}

func (c *consolePolicy) prune() {
	ids, err := c.versionIDs()
	if err != nil {
		return
	}
	for _, id := range ids[min(len(ids), policyVersions):] {
		if err := os.Remove(filepath.Join(c.versions(), id+".yaml")); err != nil {
			c.s.log.Warn("an old version of the policy stays", "error", err)
		}
	}
}

// versionIDs lists what held before, the latest first: ids are in the order of time.
func (c *consolePolicy) versionIDs() (ids []string, err error) {
	entries, err := os.ReadDir(c.versions())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".yaml"); ok && !strings.HasPrefix(id, ".") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, err
}

// PolicyVersions implements [api.Policy].
func (c *consolePolicy) PolicyVersions(ctx context.Context) ([]api.PolicyVersion, error) {
	ids, err := c.versionIDs()
	if err != nil {
		return nil, err
	}
	out := []api.PolicyVersion{}
	for _, id := range ids {
		v, err := c.PolicyVersion(ctx, id)
		if err != nil {
			return nil, err
		}
		v.Text = ""
		out = append(out, *v)
	}
	return out, nil
}

// PolicyVersion implements [api.Policy].
func (c *consolePolicy) PolicyVersion(_ context.Context, id string) (*api.PolicyVersion, error) {
	ids, err := c.versionIDs()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ids, id) { // an id is a name of a file, and never a path
		return nil, api.NotFound
	}
	data, err := os.ReadFile(filepath.Join(c.versions(), id+".yaml"))
	if err != nil {
		return nil, err
	}
	var v api.PolicyVersion
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("version %s of the policy: %w", id, err)
	}
	v.ID = id
	return &v, nil
}
