package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// CheckOptions is what a policy is checked against.
type CheckOptions struct {
	Now      time.Time
	Sinks    []SinkName // nil: words of routes are not looked at
	Accounts *Accounts  // nil: ids of accounts are not looked at
	// Unusual says why nothing answers what is usual where the policy will hold; "" where
	// something does.
	Unusual string
}

// endsSoon is how long before its end a suppression is warned of.
const endsSoon = 14 * 24 * time.Hour

// Check says what in a policy cannot be what was meant, in the order of the file. All of
// it are warnings, but for a suppression that reaches too far, whose Code is "far".
func (p *Policy) Check(o CheckOptions) []Problem {
	k := checker{p: p, o: o}
	k.levels()
	behind := ""
	for _, c := range p.clauses {
		k.c = c
		if behind != "" {
			k.say(nil, "shadowed", "is never asked: "+behind+" always holds and says stop", "put it before that one, or give that one a condition")
		}
		always := c.when == nil
		if c.when != nil {
			always = k.condition(c.when)
		}
		if always && c.stop && behind == "" {
			behind = fmt.Sprintf("clause %q", c.name)
		}
		k.suppression()
		if c.route != nil {
			k.words(c.route.words, "route")
		}
		for _, x := range c.expressions() {
			k.constants(x)
		}
		k.foldByEvent()
	}
	slices.SortStableFunc(k.out, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return k.out
}

type checker struct {
	p   *Policy
	o   CheckOptions
	c   *clause
	out []Problem
}

func (k *checker) say(at *yaml.Node, code, reason, hint string) {
	pr := Problem{File: k.p.file, Code: code, Reason: reason, Hint: hint, Warning: true}
	if k.c != nil {
		pr.Clause, pr.Line, pr.Column = k.c.name, k.c.line, k.c.column
	}
	if at != nil {
		pr.Line, pr.Column = at.Line, at.Column
	}
	k.out = append(k.out, pr)
}

// levels looks at who is told of each level.
func (k *checker) levels() {
	if k.o.Sinks == nil {
		return
	}
	for _, level := range yagura.Severities() {
		w := k.p.levels[level]
		if level == yagura.SeverityNone {
			continue
		}
		k.words(w, "routes."+level.String())
		if len(w.list) > 0 && len(meant(w.list, k.o.Sinks)) == 0 {
			k.say(nil, "nobody", fmt.Sprintf("nobody is told of %s: no sink is configured that %s mean", level, strings.Join(w.list, ", ")), "")
		}
	}
}

// words says which words mean no sink. The routes of levels may name kinds of which there
// is none, as the shipped policy does.
func (k *checker) words(w words, what string) {
	if k.o.Sinks == nil {
		return
	}
	names := SinkKinds()
	for _, s := range k.o.Sinks {
		names = append(names, s.Name)
	}
	for i, word := range w.list {
		if len(mean(word, k.o.Sinks)) > 0 {
			continue
		}
		var at *yaml.Node
		if i < len(w.nodes) {
			at = w.nodes[i]
		}
		switch {
		case !slices.Contains(SinkKinds(), word):
			k.say(at, "sink", fmt.Sprintf("%s: there is no sink %q", what, word), near(word, names))
		case what == "route":
			k.say(at, "sink", fmt.Sprintf("%s: no sink of kind %s is configured", what, word), "")
		}
	}
}

// condition says whether a condition can never hold, and returns whether it always does.
func (k *checker) condition(x *expr) (always bool) {
	prog, err := language().Program(x.ast, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptPartialEval))
	if err != nil {
		return false
	}
	var unknown []*cel.AttributePatternType
	for _, name := range variableNames {
		if name != "intel" && (name != "usual" || k.o.Unusual == "") {
			unknown = append(unknown, cel.AttributePattern(name))
		}
	}
	vars, err := cel.PartialVars(map[string]any{"intel": nothing, "usual": newUsual(nil)}, unknown...)
	if err != nil {
		return false
	}
	v, _, err := prog.Eval(vars)
	switch {
	case err == nil && types.IsUnknown(v):
		if rooms := k.emptyRooms(x); rooms != "" {
			k.say(x.node, "empty", "asks "+rooms, "the rest of the condition decides alone")
		}
		return false
	case err == nil && v == types.True:
		return true
	}
	if rooms := k.emptyRooms(x); rooms != "" {
		k.say(x.node, "never", "cannot match: it asks "+rooms, "")
		return false
	}
	k.say(x.node, "never", "can never hold: its condition is false whatever the finding", "")
	return false
}

// emptyRooms names what an expression asks and nothing answers.
func (k *checker) emptyRooms(x *expr) string {
	var out []string
	if slices.Contains(x.roots, "intel") {
		out = append(out, "intel, which is always empty as yet")
	}
	if k.o.Unusual != "" && slices.Contains(x.roots, "usual") {
		out = append(out, "usual, which is empty: "+k.o.Unusual)
	}
	return strings.Join(out, ", and ")
}

func (k *checker) suppression() {
	s := k.c.pause
	if s == nil || k.o.Now.IsZero() {
		return
	}
	left := s.until.Sub(k.o.Now)
	end := s.until.In(k.p.zone).Format(time.RFC3339)
	switch {
	case left <= 0:
		k.say(s.node, "ended", fmt.Sprintf("its suppression (%s) has ended at %s", s.reason, end), "remove the clause, or renew it")
	case left <= endsSoon:
		k.say(s.node, "ending", fmt.Sprintf("its suppression (%s) ends at %s", s.reason, end), "")
	case left > maxPause:
		k.say(s.node, "far", fmt.Sprintf("its suppression (%s) ends at %s, more than a year from now", s.reason, end), "write a date that somebody will look at")
		k.out[len(k.out)-1].Warning = false
	}
}

// enums are the fields with few values; what they are compared with is one of these.
var enums = map[string][]string{
	"finding.kind":             {string(yagura.Posture), string(yagura.Behaviour)},
	"finding.rule.engine":      {string(yagura.EngineSigma), string(yagura.EngineFalco), string(yagura.EngineKQL), string(yagura.EngineBuiltin)},
	"finding.event.outcome":    {yagura.OutcomeSuccess, yagura.OutcomeFailure, yagura.OutcomeUnknown},
	"finding.mode":             {"count", ""},
	"issue.status":             {string(yagura.StatusOpen), string(yagura.StatusAcknowledged), string(yagura.StatusClosed), ""},
	"issue.conclusion":         {"true_positive", "benign", "false_positive", "accepted", ""},
	"finding.event.actor.type": append(entityTypes(), ""),
}

func entityTypes() []string {
	return []string{yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal, yagura.EntityKey,
		yagura.EntityIP, yagura.EntityDomain, yagura.EntityHost, yagura.EntityResource, yagura.EntityAccount}
}

// constants looks at the texts that fields are compared with.
func (k *checker) constants(x *expr) {
	tree := x.ast.NativeRep()
	compare := func(of ast.Expr, with ast.Expr) {
		if with.Kind() != ast.LiteralKind {
			return
		}
		s, ok := with.AsLiteral().(types.String)
		if !ok {
			return
		}
		path := strings.Join(chain(of), ".")
		at := k.at(x, tree, with)
		switch path {
		case "account.id", "finding.event.account":
			if k.o.Accounts != nil && !k.o.Accounts.Lookup(string(s)).Listed {
				k.say(at, "account", fmt.Sprintf("account %q is not in the registry", string(s)), "")
			}
		default:
			allowed, ok := enums[path]
			if !ok && isEntityType(of, tree) {
				path, allowed = "the type of an entity", entityTypes()
			}
			if allowed != nil && !slices.Contains(allowed, string(s)) {
				k.say(at, "never", fmt.Sprintf("%s is never %q", path, string(s)), near(string(s), slices.DeleteFunc(slices.Clone(allowed), func(a string) bool { return a == "" })))
			}
		}
	}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			compare(args[0], args[1])
			compare(args[1], args[0])
		case operators.In:
			if args[1].Kind() == ast.ListKind {
				for _, item := range args[1].AsList().Elements() {
					compare(args[0], item)
				}
			}
		}
	}))
}

// isEntityType says whether an expression is the type of a member of entities.
func isEntityType(e ast.Expr, tree *ast.AST) bool {
	return e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == "type" && tree.GetType(e.AsSelect().Operand().ID()).IsExactType(entityType)
}

func (k *checker) at(x *expr, tree *ast.AST, e ast.Expr) *yaml.Node {
	offset := 0
	if o, ok := tree.SourceInfo().GetOffsetRange(e.ID()); ok {
		offset = int(o.Start)
	}
	s := x.spots[min(max(offset, 0), len(x.spots)-1)]
	return &yaml.Node{Line: s.line, Column: s.column}
}

// foldByEvent warns of keys from the record that are another for every record.
func (k *checker) foldByEvent() {
	for _, f := range k.c.fold {
		if f.from == nil || !slices.Contains(f.from.roots, "event") {
			continue
		}
		if field := ephemeralField(f.name); field != "" {
			k.say(f.from.node, "fold", fmt.Sprintf("folds by %s, which is another in every record", field), "every finding opens an issue of its own")
		}
	}
}
