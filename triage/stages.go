package triage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Stage is one step of a judgement.
type Stage struct {
	Name     string
	Text     string // one line for people
	Japanese string // the same
	// Run is the step; nil for a step that is the life and needs the store.
	Run func(*Case)
}

// Case is a finding on its way through the stages.
type Case struct {
	Input
	Judgement
	policy *Policy
	routes []routing // of the clauses that matched, in order
	pauses []pause
	folds  []*clause
	cel    *activation
	spent  uint64           // steps of conditions
	failed int              // expressions that could not be evaluated
	told   map[*clause]bool // whose first decision says what is usual
}

type pause struct {
	by    *clause
	until time.Time
	why   string
}

type routing struct {
	by *clause
	do routes
}

var stages = [...]Stage{
	{"account", "what the registry knows of the account", "アカウント台帳の情報", (*Case).account},
	{"own traffic", "our own notices and reads are counted and not judged", "Yagura 自身の通信は数えるだけで判定しません", nil},
	{"policy", "the clauses of the policy, in order: level, assignee, labels, question", "重大度ポリシーの条項を順に適用 (重大度、担当、ラベル、本人確認)", (*Case).clauses},
	{"suppression", "suppressed until a date, for a reason", "期限と理由のある抑止", (*Case).suppression},
	{"fold", "which findings are one cause", "同じ原因としてまとめる単位", (*Case).fold},
	{"issue", "the one issue of the cause: opened, counted, re-opened, closed", "原因ごとに一つの課題を作成・更新・再オープン・完了", nil},
	{"storm", "many new issues in a minute come under one umbrella", "短時間に大量発生した課題を一つに集約", nil},
	{"routes", "the sinks that are told", "通知先", (*Case).route},
}

// Stages lists the steps of a judgement in their order. Those without Run are part of
// the life.
func Stages() []Stage { return slices.Clone(stages[:]) }

func (c *Case) say(stage string, by *clause, format string, args ...any) {
	d := Decision{Stage: stage, Text: fmt.Sprintf(format, args...)}
	if by != nil {
		d.Clause, d.Place = by.name, by.place
		if by.because != "" {
			d.Text += ": " + by.because
		}
		d.Text += c.habits(by)
	}
	c.Clauses = append(c.Clauses, d)
}

func (c *Case) account() {
	if !c.Account.Listed && c.Account.ID != "" && c.policy.mentions("account") {
		c.say("account", nil, "account %s is not in the registry: what clauses ask of it is empty", c.Account.ID)
	}
}

func (p *Policy) mentions(name string) bool {
	return slices.ContainsFunc(p.clauses, func(c *clause) bool { return c.mentions(name) })
}

func (c *Case) clauses() {
	c.cel = newActivation(c)
	c.unknown()
	for _, cl := range c.policy.clauses {
		if !cl.holds(c) {
			continue
		}
		cl.apply(c)
		if cl.stop {
			c.say("policy", cl, "no later clause is asked")
			return
		}
	}
}

// suppression takes the longest of the suppressions that hold.
func (c *Case) suppression() {
	for _, p := range c.pauses {
		if !p.until.After(c.Now) {
			continue // it has ended: Check says so
		}
		c.say("suppression", p.by, "suppressed until %s: %s", p.until.In(c.policy.zone).Format(time.RFC3339), p.why)
		if p.until.After(c.SuppressUntil) {
			c.SuppressUntil, c.SuppressReason = p.until, p.why
		}
	}
}

// fold takes the last fold that can be made.
func (c *Case) fold() {
	for _, cl := range c.folds {
		key, err := cl.foldKey(c)
		switch {
		case err != nil:
			c.say("fold", cl, "not folded: %v", err)
		default:
			c.Fold = key
			c.say("fold", cl, "one cause with all of %s", key)
		}
	}
}

func (c *Case) route() {
	level := c.Severity
	if level <= yagura.SeverityNone {
		c.say("routes", nil, "none: recorded, never pushed")
		return
	}
	p := c.policy
	c.Routes = slices.Clone(meant(p.levels[level].list, p.sinks))
	for _, r := range c.routes {
		before := strings.Join(c.Routes, " ")
		if r.do.set != nil {
			c.Routes = slices.Clone(meant(r.do.set, p.sinks))
		}
		c.Routes = union(c.Routes, meant(r.do.add, p.sinks))
		gone := meant(r.do.remove, p.sinks)
		c.Routes = slices.DeleteFunc(c.Routes, func(s string) bool { return slices.Contains(gone, s) })
		if strings.Join(c.Routes, " ") != before {
			c.say("routes", r.by, "told: %s", quoteAll(c.Routes))
		}
	}
}

// union returns list with those of more that it has not, as a new list.
func union(list, more []string) []string {
	out := slices.Clone(list)
	for _, m := range more {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
