package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/demo/generate"
	"github.com/yagura-sec/yagura/store"
)

// DemoOptions say what the demo is.
type DemoOptions struct {
	// Dir is where everything of it lies: configuration, logs, data.
	Dir string
	// Listen is the address of the server.
	Listen string
	Seed   uint64
	// End is when the week ends: now, mostly.
	End     time.Time
	Version string
	Log     *slog.Logger
	// Progress is told how many of the steps are done; nil: nobody is.
	Progress func(done, all int, at time.Time)
}

// Demo is the week of a company that does not exist, in a folder.
type Demo struct {
	o     DemoOptions
	week  *generate.Week
	inbox *demoInbox
	lock  io.Closer // of the folder
	state demoState
	// Found is what was in the folder.
	Found DemoFound
	// Filled are the books of the filling.
	Filled DemoFilled
}

// DemoFilled is what a demo was filled with.
type DemoFilled struct {
	Files    int `json:"files"`
	Records  int `json:"records"`
	Broken   int `json:"broken"`
	Findings int `json:"findings"`
	Issues   int `json:"issues"`
	// Missed are acts of people that found no issue: there is none when the shipped rules are
	// those that the week was written for.
	Missed []string `json:"missed,omitempty"`
}

// NewDemo writes the configuration of a demo into its folder, which is missing or empty, or
// holds a demo: one that was filled goes on, one whose filling was interrupted is made anew.
func NewDemo(o DemoOptions) (d *Demo, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(int, int, time.Time) {}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	d = &Demo{o: o}
	made := d // a return of nil takes d away
	defer func() {
		if err != nil {
			err = errors.Join(err, made.Close())
		}
	}()
	if d.Found, err = d.look(); err != nil {
		return nil, err
	}
	end := o.End
	if d.Found == DemoFilledBefore {
		end = d.state.End
	}
	d.week = generate.New(generate.Options{Seed: o.Seed, End: end})
	if d.inbox, err = newDemoInbox(); err != nil {
		return nil, err
	}
	if d.Found == DemoFilledBefore {
		err = d.resume()
	} else {
		err = d.begin()
	}
	if err != nil {
		return nil, err
	}
	for _, f := range generate.Feeds() {
		if err := os.MkdirAll(d.folder(f), 0o700); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Log has what happens said there from now on.
func (d *Demo) Log(log *slog.Logger) { d.o.Log = log }

// Close ends what the demo's sinks deliver to, and lets the folder go, which stays.
func (d *Demo) Close() error {
	var errs []error
	if d.inbox != nil {
		errs = append(errs, d.inbox.close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	d.inbox, d.lock = nil, nil
	return errors.Join(errs...)
}

// End is when its week ended.
func (d *Demo) End() time.Time { return d.week.End() }

// Config is the file of the configuration.
func (d *Demo) Config() string { return filepath.Join(d.o.Dir, "yagura.yaml") }

func (d *Demo) folder(f generate.Feed) string { return filepath.Join(d.o.Dir, "logs", string(f)) }

// configuration is what somebody would write who runs a server over folders of logs.
func (d *Demo) configuration() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# The server of the demo, as a file: `yagura --help` says what else reads it.")
	line("data: %q", filepath.Join(d.o.Dir, "data"))
	line("accept_loss: true # a demo may lie in memory")
	line("tenant: demo")
	line("timezone: Asia/Tokyo")
	line("policy: %q", filepath.Join(d.o.Dir, "policy.yaml"))
	line("registry: %q", filepath.Join(d.o.Dir, "accounts.yaml"))
	line("digest: \"08:30\"")
	line("storm: 200")
	line("placeholders: {allowed_networks: [198.51.100.0/24, 192.0.2.0/24]}")
	line("targets:")
	line("  critical: {acknowledge: 30m, close: 24h}")
	line("  high: {acknowledge: 2h, close: 3d}")
	line("  medium: {acknowledge: 3d}")
	line("server: {listen: %q}", d.o.Listen)
	line("sources:")
	for _, f := range generate.Feeds() {
		line("  - {name: %s, folder: {paths: [%q]}}", f, d.folder(f))
	}
	line("sinks:")
	line("  - {name: on-call, webhook: {url: %q, allow_http: true, allow_private: true}}", d.inbox.url("on-call"))
	line("  - {name: sec-chat, lang: ja, webhook: {url: %q, allow_http: true, allow_private: true}}", d.inbox.url("sec-chat"))
	return b.String()
}

// demoAccounts is the registry.
func demoAccounts() string {
	var b strings.Builder
	fmt.Fprintf(&b, "organisation: %q\naccounts:\n", generate.CompanyName)
	for _, a := range generate.Accounts() {
		fmt.Fprintf(&b, "  %q: {name: %q, cloud: %s, owner: %s, environment: %s", a.ID, a.Name, a.Cloud, a.Owner, a.Environment)
		for _, l := range []struct {
			key  string
			list []string
		}{{"tags", a.Tags}, {"pipelines", a.Pipelines}} {
			if len(l.list) > 0 {
				fmt.Fprintf(&b, ", %s: [\"%s\"]", l.key, strings.Join(l.list, `", "`))
			}
		}
		fmt.Fprintln(&b, "}")
	}
	return b.String()
}

// demoPolicy is the company's severity policy.
const demoPolicy = `# 木枯商店 (Kogarashi Shoten): what a finding is worth, and who is told.
version: 1
zone: Asia/Tokyo

routes:
  critical: [on-call, sec-chat]
  high: [on-call, sec-chat]
  medium: [sec-chat]
  low: []

clauses:
  - name: personal data is one level up
    when: '"personal-data" in account.tags && severity == medium'
    raise: 1
    because: the data project holds orders with names and addresses

  - name: work in the development account is worth less
    when: account.environment == "dev" && account.cloud == "aws" && severity == medium
    lower: 1

  - name: our posture scanner reads everything, every six hours
    when: finding.event.src_ip == "192.0.2.200"
    level: low
    label: [our-scanner]

  - name: the team that owns the account gets it
    when: account.listed && severity >= medium
    assign: {from: account.owner}
`

// load reads the configuration as the server does.
func (d *Demo) load() (*config.Config, RuleOptions, error) {
	cfg, err := config.Load(d.Config(), nil)
	if err != nil {
		return nil, RuleOptions{}, err
	}
	words, err := Placeholders(cfg)
	return cfg, RuleOptions{Placeholders: words}, err
}

// Fill plays the week through a service, with a clock that walks through it. A demo that was
// filled before is left as it is.
func (d *Demo) Fill(ctx context.Context) error {
	if d.Found == DemoFilledBefore {
		return nil
	}
	cfg, rules, err := d.load()
	if err != nil {
		return err
	}
	p, err := newPlayback(ctx, ServeOptions{Config: cfg, Rules: rules, Version: d.o.Version, Log: d.o.Log}, d.week.Start())
	if err != nil {
		return err
	}
	err = d.play(ctx, p)
	if err == nil {
		err = p.finish(ctx)
	}
	if err == nil {
		err = d.count(ctx, p)
	}
	if err = errors.Join(err, p.close()); err != nil {
		return err
	}
	d.state.Filled = &d.Filled
	return d.save()
}

func (d *Demo) play(ctx context.Context, p *playback) error {
	users, err := d.hire(ctx, p)
	if err != nil {
		return err
	}
	ahead, cancel := context.WithCancel(ctx)
	defer cancel()
	steps, all := d.steps(ahead)
	done := 0
	for m := range steps {
		if m.err != nil {
			return m.err
		}
		for _, f := range m.files {
			d.Filled.Files, d.Filled.Records, d.Filled.Broken = d.Filled.Files+1, d.Filled.Records+f.records, d.Filled.Broken+f.broken
		}
		if err := p.step(ctx, m.at, m.files); err != nil {
			return fmt.Errorf("the week at %s: %w", m.at.Format(time.RFC3339), err)
		}
		for _, a := range m.acts {
			if err := d.act(ctx, p, users, a); err != nil {
				return fmt.Errorf("the week at %s: %w", m.at.Format(time.RFC3339), err)
			}
		}
		if len(m.acts) > 0 {
			if err := p.deliver(ctx); err != nil {
				return err
			}
		}
		done++
		d.o.Progress(done, all, m.at)
	}
	return ctx.Err()
}

// Serve makes the service that goes on with a filled demo, on the clock of the world.
func (d *Demo) Serve(ctx context.Context, door *DemoDoor, now func() time.Time) (*Serve, error) {
	cfg, rules, err := d.load()
	if err != nil {
		return nil, err
	}
	return NewServe(ctx, ServeOptions{Config: cfg, File: d.Config(), Rules: rules, Version: d.o.Version, Log: d.o.Log, Now: now, Demo: door, Reload: d.load})
}

// moment is one step of the filling, whose files are there.
type moment struct {
	at    time.Time
	files []received
	acts  []generate.Act
	err   error
}

// steps makes the moments of the week one after the other, ahead of who plays them: every
// hour, and whenever a story's record arrives or somebody acts.
func (d *Demo) steps(ctx context.Context) (<-chan moment, int) {
	story, acts := d.week.Story(), d.week.Acts()
	slices.SortStableFunc(acts, func(a, b generate.Act) int { return a.At.Compare(b.At) })
	var cuts []time.Time
	for h := 1; h <= generate.Hours; h++ {
		cuts = append(cuts, d.week.Start().Add(time.Duration(h)*time.Hour))
	}
	for _, r := range story {
		cuts = append(cuts, r.At.Truncate(demoStep).Add(demoStep))
	}
	for _, a := range acts {
		cuts = append(cuts, a.At)
	}
	slices.SortFunc(cuts, time.Time.Compare)
	cuts = slices.CompactFunc(cuts, time.Time.Equal)
	cuts = slices.DeleteFunc(cuts, func(t time.Time) bool { return t.After(d.week.End()) })
	out := make(chan moment, 8)
	go func() {
		defer close(out)
		var waiting []generate.Record
		hour := 0
		for _, at := range cuts {
			var now []generate.Record
			// Ordinary work comes by the hour: what it is about can wait, and an hour is read
			// faster than its pieces.
			for hour < generate.Hours && !d.week.Start().Add(time.Duration(hour+1)*time.Hour).After(at) {
				waiting = append(waiting, d.week.Hour(hour)...)
				hour++
				now, waiting = arrivedBy(waiting, at)
			}
			for len(story) > 0 && !story[0].At.After(at) {
				now, story = append(now, story[0]), story[1:]
			}
			w := moment{at: at}
			for len(acts) > 0 && !acts[0].At.After(at) {
				w.acts, acts = append(w.acts, acts[0]), acts[1:]
			}
			w.files, w.err = d.write(now)
			select {
			case out <- w:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, len(cuts)
}

// arrivedBy parts records into those that are there at a time and the others.
func arrivedBy(list []generate.Record, at time.Time) (there, later []generate.Record) {
	for _, r := range list {
		if r.At.After(at) {
			later = append(later, r)
		} else {
			there = append(there, r)
		}
	}
	return there, later
}

// demoStep is how exactly the moments follow the stories: what happens within it is judged
// together.
const demoStep = 10 * time.Minute

// write puts records into the folders of the sources, each file at once and whole.
func (d *Demo) write(records []generate.Record) ([]received, error) {
	slices.SortStableFunc(records, func(a, b generate.Record) int { return a.At.Compare(b.At) })
	files, err := generate.Files(records)
	if err != nil {
		return nil, err
	}
	var out []received
	for _, f := range files {
		path := filepath.Join(d.folder(f.Feed), filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		// A hidden file is passed over until it has its name.
		hidden := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
		if err := os.WriteFile(hidden, f.Data, 0o600); err != nil {
			return nil, err
		}
		if err := os.Rename(hidden, path); err != nil {
			return nil, err
		}
		out = append(out, received{string(f.Feed), path, f.Records, f.Broken})
	}
	return out, nil
}

// count writes down what came of the week.
func (d *Demo) count(ctx context.Context, p *playback) error {
	d.Filled.Findings = int(p.serve.in.Stats.Findings.Load()) //nolint:gosec // hundreds
	list, err := p.issues(ctx)
	d.Filled.Issues = len(list)
	return err
}

// hire writes the users and their views into the store, as of the start of the week.
func (d *Demo) hire(ctx context.Context, p *playback) (map[string]string, error) {
	now, id := d.week.Start(), NewID(p.clock.now)
	users := map[string]string{}
	err := p.serve.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		clear(users)
		for _, m := range d.week.Members() {
			u := yagura.User{ID: id(), Name: m.Name, Display: m.Display, Email: m.Name, Via: "local", Bindings: []yagura.Binding{{Role: yagura.Role(m.Role)}},
				Created: now.Add(-90 * 24 * time.Hour), SignedIn: now, Lang: m.Lang, Zone: "Asia/Tokyo", Version: 1}
			if m.Role == string(yagura.RoleViewer) {
				u.Bindings[0].Scope = yagura.Scope{Formats: []string{"entra.audit", "entra.signin", "entra.risk", "m365.audit"}}
			}
			if err := tx.PutUser(ctx, &u); err != nil {
				return fmt.Errorf("user %s: %w", u.Name, err)
			}
			users[u.Name] = u.ID
		}
		for _, v := range demoViews {
			owner := users[v.owner]
			if owner == "" {
				return fmt.Errorf("view %s: nobody is called %s", v.name, v.owner)
			}
			if err := tx.PutView(ctx, &yagura.View{ID: id(), Name: v.name, List: v.list, Query: v.query, Sort: v.sort, Owner: owner, Shared: v.shared, Created: now, Updated: now}); err != nil {
				return fmt.Errorf("view %s: %w", v.name, err)
			}
		}
		return nil
	})
	return users, err
}

// demoViews are lists that people of the company keep.
var demoViews = []struct {
	name, list, query, sort, owner string
	shared                         bool
}{
	{"未対応の高以上", "issues", "severity:>=high status:open", "", "sato.misaki@kogarashi.example", true},
	{"Incident 2031", "issues", "label:incident-2031", "opened", "tanaka.kenji@kogarashi.example", true},
	{"Production, this week", "issues", "account:123456789012 opened:<7d", "-opened", "tanaka.kenji@kogarashi.example", true},
	{"Mine", "issues", "assignee:me -status:closed", "", "lopez.ana@kogarashi.example", false},
}

// act applies what a person did, and writes it into the audit trail as the API does.
func (d *Demo) act(ctx context.Context, p *playback, users map[string]string, a generate.Act) error {
	list, err := p.issues(ctx)
	if err != nil {
		return err
	}
	var is *yagura.Issue
	for i := range list {
		x := &list[i]
		if x.Title == a.Rule && holds(x, a.Of) && (is == nil || x.Opened.After(is.Opened)) {
			is = x
		}
	}
	if is == nil || users[a.Who] == "" {
		d.Filled.Missed = append(d.Filled.Missed, fmt.Sprintf("%s %s: %q %s", a.Who, a.What, a.Rule, a.Of))
		return nil
	}
	who, id := "user:"+a.Who, NewID(p.clock.now)
	if a.What == string(yagura.ChangeAck) && a.To != "" && is.Assignee != a.To {
		assign := yagura.Change{ID: id(), Via: "api", IssueID: is.ID, Who: who, At: a.At, What: yagura.ChangeAssign, To: a.To}
		if err := p.change(ctx, assign); err != nil {
			return err
		}
	}
	c := yagura.Change{ID: id(), Via: "api", IssueID: is.ID, Who: who, At: a.At, What: yagura.ChangeKind(a.What), Text: a.Text, Labels: a.Labels, To: a.To, Until: a.Until, Verdict: yagura.Conclusion(a.Verdict)}
	if err := p.change(ctx, c); err != nil {
		return fmt.Errorf("%s %s %q: %w", a.Who, a.What, a.Rule, err)
	}
	return p.serve.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddAudit(ctx, &yagura.Audit{At: p.clock.now(), Who: who, What: "issue." + a.What, On: "issue/" + is.ID, Outcome: "done", From: "198.51.100.10"})
	})
}

// holds reports whether an issue is about something.
func holds(is *yagura.Issue, of string) bool {
	if of == "" || strings.Contains(is.Account+" "+is.CauseKey, of) {
		return true
	}
	return slices.ContainsFunc(is.Entities, func(e yagura.Entity) bool { return strings.Contains(e.ID, of) })
}
