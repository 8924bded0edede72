package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// A suppression that is made in the console is a clause of a policy of its own, which stands
// before that of the team: so one engine judges by both, and the decisions of an issue name it
// as they name any other clause. Who made it, and of which query, stands in a comment above.

const suppressHead = "# Suppressions that were made in the console: clauses that come before those of the policy.\n# The console writes the whole file anew, so comments of yours would go.\n"

// madeMark begins the comment that says who made a suppression.
const madeMark = "made: "

// madeBy is what the comment says.
type madeBy struct {
	ID     string         `json:"id"`
	By     string         `json:"by"`
	At     time.Time      `json:"at"`
	Rule   string         `json:"rule,omitempty"`
	Query  string         `json:"q,omitempty"`
	Within []yagura.Scope `json:"within,omitempty"` // accounts and formats that it holds for alone
}

// suppressClause is one clause.
type suppressClause struct {
	madeBy
	line, column int
	Name         string `yaml:"name"`
	When         string `yaml:"when"`
	Suppress     struct {
		Until  time.Time `yaml:"until"`
		Reason string    `yaml:"reason"`
	} `yaml:"suppress"`
}

// maxSuppressions bounds the clauses of the file.
const maxSuppressions = 500

// readSuppressions reads the file of suppressions.
func (s *Serve) readSuppressions() ([]suppressClause, error) {
	file := SuppressionFile(s.o.Config.Data)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var doc struct {
		Clauses []yaml.Node `yaml:"clauses"`
	}
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var out []suppressClause
	for i := range doc.Clauses {
		n := &doc.Clauses[i]
		x := suppressClause{line: n.Line, column: n.Column}
		if err := n.Decode(&x); err != nil {
			return nil, fmt.Errorf("%s:%d:%d: %w", file, n.Line, n.Column, err)
		}
		for line := range strings.Lines(n.HeadComment) {
			if text, ok := strings.CutPrefix(strings.TrimLeft(line, "# "), madeMark); ok {
				_ = json.Unmarshal([]byte(text), &x.madeBy) // somebody edited it: then nobody knows
			}
		}
		x.ID = cmp.Or(x.ID, x.Name)
		out = append(out, x)
	}
	return out, nil
}

// suppressText writes suppressions as a policy.
func suppressText(list []suppressClause) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(suppressHead + "version: 1\nclauses:\n")
	for _, x := range list {
		about, err := json.Marshal(x.madeBy)
		if err != nil {
			return nil, err
		}
		data, err := yaml.Marshal([]map[string]any{{"name": x.Name, "when": x.When, "suppress": map[string]string{"until": x.Suppress.Until.UTC().Format(time.RFC3339), "reason": x.Suppress.Reason}}})
		if err != nil {
			return nil, err
		}
		b.WriteString("# " + madeMark + oneLine(about) + "\n")
		b.Write(data)
	}
	return b.Bytes(), nil
}

// oneLine writes JSON so that it stays on its line of a comment: YAML ends a line at characters
// that JSON leaves as they are, and refuses others.
func oneLine(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		if unicode.IsControl(r) || r == '\uFEFF' || r == '\u2028' || r == '\u2029' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// condition writes what a suppression holds for as a condition of the policy. It holds within
// reach alone.
func (c *consolePolicy) condition(reach api.Reach, ruleID, query string) (string, error) {
	var all []string
	switch {
	case (ruleID == "") == (strings.TrimSpace(query) == ""):
		return "", api.Refuse(api.CodeBadRequest, "give a rule or a query", "ルールまたはクエリのどちらか一方を指定してください")
	case ruleID != "":
		all = append(all, "finding.rule.id == "+strconv.Quote(ruleID))
	default:
		q, err := filter.Parse(filter.Issues, query)
		if err != nil {
			return "", api.Refuse(api.CodeBadQuery, err.Error(), err.Error())
		}
		if len(q.Terms) == 0 {
			return "", api.Refuse(api.CodeUnprocessable, "the query is empty: everything would be quiet", "クエリが空です。すべてが抑止されてしまいます")
		}
		for i := range q.Terms {
			cond, err := termCondition(&q.Terms[i])
			if err != nil {
				return "", err
			}
			all = append(all, cond)
		}
	}
	if !reach.All {
		within := c.s.within(reach)
		if len(within.Bounds) == 0 {
			return "", api.Refuse(api.CodeForbidden, "there is no account that you may decide about", "判断できるアカウントがありません")
		}
		var any []string
		for _, b := range within.Bounds {
			var and []string
			if len(b.Accounts) > 0 {
				and = append(and, "finding.event.account in "+celList(b.Accounts))
			}
			if len(b.Formats) > 0 {
				and = append(and, "finding.format in "+celList(b.Formats))
			}
			any = append(any, strings.Join(and, " && "))
		}
		all = append(all, "("+strings.Join(any, " || ")+")")
	}
	return strings.Join(all, " && "), nil
}

func celList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// celFields are the fields of the list of issues that the findings of an issue know as well,
// as a policy asks for them.
var celFields = map[string][]string{
	"rule": {"finding.rule.id", "finding.rule.title"}, "title": {"finding.rule.title"}, "kind": {"finding.kind"}, "engine": {"finding.rule.engine"},
	"account": {"finding.event.account", "account.name"}, "tenant": {"account.organisation"}, "owner": {"account.owner"}, "environment": {"account.environment"},
	"format": {"finding.format"}, "actor": {"finding.event.actor.id", "finding.event.actor.name"}, "region": {"finding.event.region"}, "ip": {"finding.event.src_ip"},
}

// termCondition writes one term.
func termCondition(t *filter.Term) (string, error) {
	if t.Field == nil {
		return "", api.Refuse(api.CodeUnprocessable, "free text cannot be suppressed: it is looked for in issues, and a suppression judges findings", "自由文は抑止条件に使えません").
			Hinted("name a field: rule, account, actor, ip, entity, format …", "rule、account、actor、ip、entity、format などの項目で指定してください")
	}
	var any []string
	for i := range t.Values {
		cond, err := valueCondition(t.Field, &t.Values[i])
		if err != nil {
			return "", err
		}
		any = append(any, cond)
	}
	cond := "(" + strings.Join(any, " || ") + ")"
	if t.Not {
		cond = "!" + cond
	}
	return cond, nil
}

func valueCondition(f *filter.Field, x *filter.Value) (string, error) {
	switch f.Name {
	case "severity":
		var levels []string
		for _, sev := range yagura.Severities() {
			if x.Op != filter.Lacks && (x.Op == filter.Has || int64(sev) >= x.Number && int64(sev) <= x.To) {
				levels = append(levels, "string(finding.severity) == "+strconv.Quote(sev.String()))
			}
		}
		if len(levels) == 0 {
			return "false", nil
		}
		return "(" + strings.Join(levels, " || ") + ")", nil
	case "entity":
		one := "e.id.lower() == " + strconv.Quote(strings.ToLower(x.Text))
		if x.Parts != nil {
			one = "e.id.lower().glob(" + strconv.Quote(globOf(x.Parts)) + ")"
		}
		if x.Entity != "" {
			one += " && e.type == " + strconv.Quote(x.Entity)
		}
		return "finding.entities.exists(e, " + one + ")", nil
	case "technique":
		tag := "attack." + strings.ToLower(x.Text)
		return "finding.rule.tags.exists(t, t.lower() == " + strconv.Quote(tag) + " || t.lower().startsWith(" + strconv.Quote(tag+".") + "))", nil
	}
	fields := celFields[f.Name]
	if fields == nil {
		return "", api.Refuse(api.CodeUnprocessable, fmt.Sprintf("%s is of issues, and a suppression judges findings", f.Name), fmt.Sprintf("%s は課題の項目のため、抑止条件に使えません", f.Name)).
			Hinted("use rule, account, severity, format, actor, ip, region, entity, technique, owner, environment", "rule、account、severity、format、actor、ip、region、entity、technique、owner、environment が使えます")
	}
	var any []string
	for _, field := range fields {
		low := field + ".lower()"
		text := strconv.Quote(strings.ToLower(x.Text))
		switch {
		case x.Op == filter.Has:
			any = append(any, field+` != ""`)
		case x.Op == filter.Lacks:
			any = append(any, field+` == ""`)
		case x.Block.IsValid():
			any = append(any, field+" in cidr("+strconv.Quote(x.Block.String())+")")
		case x.Parts != nil:
			any = append(any, low+".glob("+strconv.Quote(globOf(x.Parts))+")")
		case f.Within:
			any = append(any, low+".contains("+text+")")
		case f.Under != "":
			any = append(any, low+" == "+text, low+".startsWith("+strconv.Quote(strings.ToLower(x.Text)+f.Under)+")")
		default:
			any = append(any, low+" == "+text)
		}
	}
	return "(" + strings.Join(any, " || ") + ")", nil
}

// globOf writes parts with stars between them as a policy has patterns.
func globOf(parts []string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`).Replace(strings.ToLower(p))
	}
	return strings.Join(quoted, "*")
}

// Suppress implements [api.Suppressions].
func (c *consolePolicy) Suppress(ctx context.Context, reach api.Reach, who string, in api.SuppressionIn) (*api.Suppression, error) {
	s, now := c.s, c.s.o.Now()
	reason := strings.Join(strings.Fields(in.Reason), " ")
	switch {
	case reason == "" || len(reason) > maxReason:
		return nil, api.Refuse(api.CodeUnprocessable, fmt.Sprintf("a reason is needed, of at most %d bytes", maxReason), fmt.Sprintf("理由を %d バイト以内で入力してください", maxReason))
	case !in.Until.After(now):
		return nil, api.Refuse(api.CodeUnprocessable, "until is not in the future", "期限には未来の時刻を指定してください")
	case in.Until.Sub(now) > 366*24*time.Hour:
		return nil, api.Refuse(api.CodeUnprocessable, "until is more than a year from now", "期限は 1 年以内にしてください")
	}
	when, err := c.condition(reach, in.Rule, in.Query)
	if err != nil {
		return nil, err
	}
	s.editing.Lock()
	defer s.editing.Unlock()
	list, err := s.readSuppressions()
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(x suppressClause) bool { return now.Sub(x.Suppress.Until) > 30*24*time.Hour }) // what ended long ago
	if len(list) >= maxSuppressions {
		return nil, api.Refuse(api.CodeConflict, fmt.Sprintf("there are %d suppressions", len(list)), fmt.Sprintf("抑止が %d 件あります", len(list))).Hinted("lift some, or write clauses into the policy", "不要なものを解除するか、ポリシーに条項を書いてください")
	}
	id := NewID(s.o.Now)()
	x := suppressClause{madeBy: madeBy{ID: id, By: who, At: now.UTC().Truncate(time.Second), Rule: in.Rule, Query: strings.TrimSpace(in.Query)}, Name: "suppression " + id, When: when}
	if !reach.All {
		for _, b := range s.within(reach).Bounds {
			x.Within = append(x.Within, yagura.Scope{Accounts: b.Accounts, Formats: b.Formats})
		}
	}
	x.Suppress.Until, x.Suppress.Reason = in.Until.UTC(), reason
	if err := c.writeSuppressions(ctx, append(list, x)); err != nil {
		return nil, err
	}
	all, err := c.suppressions(ctx, reach)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(y api.Suppression) bool { return y.ID == id })
	if i < 0 {
		return nil, errors.New("the suppression that was written is not there")
	}
	return &all[i], nil
}

func (c *consolePolicy) writeSuppressions(ctx context.Context, list []suppressClause) error {
	edit := fileEdit{path: SuppressionFile(c.s.o.Config.Data), gone: len(list) == 0}
	if !edit.gone {
		var err error
		if edit.data, err = suppressText(list); err != nil {
			return err
		}
	}
	return c.s.editLocked(ctx, edit)
}

// LiftSuppression implements [api.Suppressions].
func (c *consolePolicy) LiftSuppression(ctx context.Context, reach api.Reach, _, id string) error {
	s := c.s
	s.editing.Lock()
	defer s.editing.Unlock()
	list, err := s.readSuppressions()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(x suppressClause) bool { return x.ID == id })
	if i < 0 || !c.mayLift(reach, &list[i]) {
		return api.NotFound
	}
	return c.writeSuppressions(ctx, slices.Delete(list, i, i+1))
}

// mayLift reports whether a suppression holds for nothing beyond a reach.
func (c *consolePolicy) mayLift(reach api.Reach, x *suppressClause) bool {
	if reach.All {
		return true
	}
	part := func(of, whole []string) bool {
		return len(whole) == 0 || len(of) > 0 && !slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(whole, s) })
	}
	bounds := c.s.within(reach).Bounds
	return len(x.Within) > 0 && !slices.ContainsFunc(x.Within, func(a yagura.Scope) bool {
		return !slices.ContainsFunc(bounds, func(b view.Bound) bool { return part(a.Accounts, b.Accounts) && part(a.Formats, b.Formats) })
	})
}

// suppressions lists what was made in the console, the clauses of the policy that suppress, and
// the issues that somebody suppressed.
func (c *consolePolicy) suppressions(ctx context.Context, reach api.Reach) ([]api.Suppression, error) {
	s, now := c.s, c.s.o.Now()
	list, err := s.readSuppressions()
	if err != nil {
		return nil, err
	}
	state := func(until time.Time) string {
		if until.After(now) {
			return "active"
		}
		return "ended"
	}
	file := SuppressionFile(s.o.Config.Data)
	var out []api.Suppression
	for i := range list {
		x := &list[i]
		if !c.mayLift(reach, x) {
			continue
		}
		var named api.NamedRule
		if x.Rule != "" {
			named = s.named(x.Rule, "")
		}
		out = append(out, api.Suppression{ID: x.ID, Kind: "made", Rule: x.Rule, Title: named.Title, TitleJA: named.TitleJA, Query: x.Query, When: x.When, Until: x.Suppress.Until.UTC(), Reason: x.Suppress.Reason,
			By: x.By, Created: x.At, State: state(x.Suppress.Until), Place: fmt.Sprintf("%s:%d:%d", file, x.line, x.column)})
	}
	for _, p := range s.policy.Load().Suppressions() {
		if strings.HasPrefix(p.Place, file+":") {
			continue
		}
		out = append(out, api.Suppression{ID: "policy:" + p.Clause, Kind: "policy", Title: p.Clause, When: p.When, Until: p.Until.UTC(), Reason: p.Reason, State: state(p.Until), Place: p.Place})
	}
	sees := s.seesOf(reach)
	err = s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		after := ""
		for range maxSuppressedPages {
			page, next, err := latest(ctx, tx, issuesThat(notClosed()), after, issuePage)
			if err != nil {
				return err
			}
			for i := range page {
				is := &page[i]
				if is.SuppressedUntil.After(now) && sees(is.Account, is.Format) {
					out = append(out, api.Suppression{ID: "issue:" + is.ID, Kind: "issue", Issue: is.ID, Rule: is.Rule.ID, Title: is.Title, TitleJA: is.TitleJA, Until: is.SuppressedUntil.UTC(), State: "active"})
				}
			}
			if after = next; next == "" {
				return nil
			}
		}
		return nil
	})
	return out, err
}

// maxSuppressedPages bounds the pages of issues that are looked at for suppressed ones.
const maxSuppressedPages = 20

// ListSuppressions implements [api.Suppressions].
func (c *consolePolicy) ListSuppressions(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[api.Suppression], error) {
	all, err := c.suppressions(ctx, reach)
	if err != nil {
		return nil, err
	}
	return page(ask, all, func(x *api.Suppression) row {
		return row{id: x.ID, values: map[string]any{"id": x.ID, "rule": []string{x.Rule, x.Title, x.TitleJA}, "query": []string{x.Query, x.When}, "reason": x.Reason, "by": x.By, "state": x.State,
			"until": x.Until, "created": x.Created}, texts: []string{x.Rule, x.Title, x.TitleJA, x.Query, x.When, x.Reason}}
	})
}

// ReplaySuppression implements [api.Suppressions].
func (c *consolePolicy) ReplaySuppression(ctx context.Context, reach api.Reach, in api.SuppressionTrial) (*api.SuppressionReplay, error) {
	when, err := c.condition(reach, in.Rule, in.Query)
	if err != nil {
		return nil, err
	}
	// A suppression of a replay holds for all the time that is looked at.
	x := suppressClause{Name: "what is tried", When: when}
	x.Suppress.Until, x.Suppress.Reason = c.s.o.Now().Add(366*24*time.Hour), "it is only tried"
	text, err := suppressText([]suppressClause{x})
	if err != nil {
		return nil, err
	}
	first, problems := triage.ParsePolicy("suppression", text, triage.PolicyOptions{})
	if triage.Refused(problems) {
		return nil, policyProblem(problems)
	}
	before := c.s.policy.Load()
	out := &api.SuppressionReplay{Issues: []string{}, BySeverity: map[string]int{}, When: when}
	after, sees := before.Behind(first), c.s.seesOf(reach)
	got, past, err := c.replay(ctx, in.From, in.To, before, after, func(f *yagura.Filed) bool {
		return sees(f.Finding.Event.Account, f.Finding.Format)
	})
	if err != nil {
		return nil, err
	}
	whole := c.s.replayedOf(got, past)
	out.Judged, out.Cut, out.Rules, out.Sinks, out.Causes = whole.Judged, whole.Cut, whole.Changed, whole.Sinks, whole.Causes
	out.Already = got.Suppressed.Before
	out.Quiet = got.Suppressed.After - got.Suppressed.Before
	seen := map[string]bool{}
	for _, r := range got.Rules {
		if !strings.HasSuffix(r.To, " suppressed") {
			continue
		}
		out.BySeverity[strings.TrimSuffix(r.To, " suppressed")] += r.Findings
		for _, id := range r.Issues {
			if !seen[id] && len(out.Issues) < 100 {
				seen[id] = true
				out.Issues = append(out.Issues, id)
			}
		}
	}
	return out, nil
}
