package triage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// Bounds of one evaluation. The unit of cost is CEL's: about one step, or ten bytes of a
// text that is looked through.
const (
	maxCost  = 100_000   // of one expression
	maxNodes = 2000      // of one expression
	maxDepth = 60        // of one expression
	maxTotal = 1_000_000 // of all conditions on one finding
)

// language is CEL with our types, names and functions. It is made once: making it takes
// milliseconds.
var language = sync.OnceValue(func() *cel.Env {
	base, err := types.NewRegistry()
	if err != nil {
		panic("types of the policy language: " + err.Error())
	}
	p := provider{base}
	opts := []cel.EnvOption{
		cel.StdLib(), cel.OptionalTypes(),
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p),
		cel.CrossTypeNumericComparisons(true), cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxWhen), cel.ParserRecursionLimit(maxDepth),
		cel.ExpressionNodeLimit(maxNodes), cel.ExpressionNestingDepthLimit(maxDepth),
		cel.RegexProgramSizeLimit(5000),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals(),
			cel.ValidateComprehensionNestingLimit(2)),
		cel.Variable("finding", findingType), cel.Variable("event", eventType),
		cel.Variable("entities", cel.ListType(entityType)), cel.Variable("account", accountType),
		cel.Variable("issue", issueType), cel.Variable("severity", severityType), cel.Variable("now", cel.TimestampType),
		cel.Variable("intel", eventType), cel.Variable("usual", usualType),
	}
	for _, s := range yagura.Severities() {
		opts = append(opts, cel.Constant(s.String(), severityType, level(s)))
	}
	env, err := cel.NewCustomEnv(append(opts, functions()...)...)
	if err != nil {
		panic("the policy language: " + err.Error()) // it is the same in every run
	}
	return env
})

// expr is one compiled expression of a policy.
type expr struct {
	text  string // as CEL writes it
	prog  cel.Program
	ast   *cel.Ast
	roots []string // of our names, those that it asks
	usual []string // the dimensions of usual that it asks
	node  *yaml.Node
	spots []spot
}

// expression compiles the expression that a scalar holds. Want is the type that it must
// have; nil leaves that to the caller.
func (r *reader) expression(n *yaml.Node, what string, want *cel.Type) *expr {
	if n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		r.fault(n, fmt.Sprintf("%s begins with %s, which YAML takes for a tag", what, shortText(n.Tag)), "put the condition in quotes, or in a block: "+what+": |")
		return nil
	}
	if len(n.Value) > maxWhen {
		r.fault(n, fmt.Sprintf("%s has %d bytes, more than %d", what, len(n.Value), maxWhen), "")
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
		r.fault(n, what+" is "+strings.Replace(kindName(n), "one value", "empty", 1), "write a condition like finding.severity >= high")
		return nil
	}
	x := &expr{node: n, spots: r.src.spots(n)}
	env := language()
	parsed, issues := env.Parse(n.Value)
	if r.celIssues(x, what, issues, nil) {
		return nil
	}
	tree := parsed.NativeRep()
	if !r.severities(x, tree) {
		return nil
	}
	checked, issues := env.Check(parsed)
	if r.celIssues(x, what, issues, tree) {
		return nil
	}
	if t := checked.OutputType(); want != nil && !t.IsExactType(want) && t.Kind() != types.DynKind {
		r.at(x, 0, fmt.Sprintf("%s is a %s, and must be a %s", what, cel.FormatCELType(t), cel.FormatCELType(want)), "")
		return nil
	}
	if !r.literals(x, checked.NativeRep()) {
		return nil
	}
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize), cel.OptimizeRegex(interpreter.MatchesRegexOptimization), cel.CustomDecorator(once)}
	if grows(checked.NativeRep()) {
		opts = append(opts, cel.CostLimit(maxCost), cel.CostTracking(costs{}))
	}
	prog, err := env.Program(checked, opts...)
	if err != nil {
		r.at(x, 0, what+": "+err.Error(), "")
		return nil
	}
	x.ast, x.prog, x.roots, x.usual = checked, prog, roots(checked.NativeRep()), dimensions(checked.NativeRep())
	if x.text, err = cel.AstToString(checked); err != nil {
		x.text = strings.TrimSpace(n.Value)
	}
	return x
}

// at tells of a fault at a character of an expression.
func (r *reader) at(x *expr, offset int, reason, hint string) {
	s := x.spots[min(max(offset, 0), len(x.spots)-1)]
	r.fault(&yaml.Node{Line: s.line, Column: s.column}, reason, hint)
}

// maxFaults bounds what is said of one expression: more follow from the first.
const maxFaults = 5

// celIssues tells of what CEL found wrong, in our words where we have some.
func (r *reader) celIssues(x *expr, what string, issues *cel.Issues, tree *ast.AST) bool {
	if issues == nil || issues.Err() == nil {
		return false
	}
	for i, e := range issues.Errors() {
		if i == maxFaults {
			break
		}
		offset := 0
		if e.Location != nil && e.Location.Line() > 0 {
			offset = runeOffset(x.node.Value, e.Location.Line(), e.Location.Column())
		}
		reason, hint, inside := inOurWords(e.Message, e.ExprID, tree)
		r.at(x, offset+inside, what+": "+reason, hint)
	}
	return true
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
)

// inOurWords says an error of CEL for people who write policies. Inside is how far
// behind the place of the error the word in question is.
func inOurWords(message string, id int64, tree *ast.AST) (reason, hint string, inside int) {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("there is no %q", m[1]), near(m[1], slices.Concat(variableNames, levelWords(), functionNames)), 0
	}
	if m := undefined.FindStringSubmatch(message); m != nil {
		hint := "docs/policy.md lists the fields"
		if typ := operandType(id, tree); typ != "" {
			return fmt.Sprintf("%s has no field %q", typ, m[1]), near(m[1], slices.Sorted(maps.Keys(objects[typ]))), 1
		}
		return fmt.Sprintf("there is no field %q", m[1]), hint, 1
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		op := m[1]
		if name, ok := operators.FindReverse(op); ok && name != "" {
			op = name
		}
		hint := ""
		if strings.Contains(m[2], "severity") {
			hint = `compare a severity with none, low, medium, high or critical`
		}
		return fmt.Sprintf("%s does not take %s", op, m[2]), hint, 0
	}
	if after, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		return "syntax: " + after, "", 0
	}
	return message, "", 0
}

// functionNames are the functions that a wrong name may have meant.
var functionNames = []string{"cidr", "glob", "lower", "email", "between", "weekday", "values", "text", "has", "size",
	"contains", "startsWith", "endsWith", "matches", "exists", "all", "filter", "map", "timestamp", "duration", "string", "int"}

func levelWords() (out []string) {
	for _, s := range yagura.Severities() {
		out = append(out, s.String())
	}
	return out
}

// operandType finds the type of the object that the selection with an id selects from,
// where it is a chain of fields from one of our names.
func operandType(id int64, tree *ast.AST) (typ string) {
	if tree == nil {
		return ""
	}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id && e.Kind() == ast.SelectKind {
			typ = chainType(e.AsSelect().Operand())
		}
	}))
	return typ
}

func chainType(e ast.Expr) string {
	path := chain(e)
	if path == nil || objects[path[0]] == nil || path[0] == "event" {
		return ""
	}
	typ := path[0]
	for _, name := range path[1:] {
		f, ok := objects[typ][name]
		if !ok {
			return ""
		}
		typ = f.typ.TypeName()
	}
	return typ
}

// chain returns the names of a.b.c, nil for what is none.
func chain(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		if of := chain(e.AsSelect().Operand()); of != nil {
			return append(of, e.AsSelect().FieldName())
		}
	}
	return nil
}

// isSeverity says whether an expression is a severity by its form.
func isSeverity(e ast.Expr) bool {
	switch strings.Join(chain(e), ".") {
	case "severity", "finding.severity", "issue.severity":
		return true
	}
	return false
}

// severities makes levels of the texts that severities are compared with, so that
// finding.severity == "medium" and "中" are what they say, and another text is a fault.
func (r *reader) severities(x *expr, tree *ast.AST) bool {
	good := true
	factory := ast.NewExprFactory()
	text := func(e ast.Expr) {
		if e.Kind() != ast.LiteralKind {
			return
		}
		s, ok := e.AsLiteral().(types.String)
		if !ok {
			return
		}
		sev, err := yagura.ParseSeverity(string(s))
		if err != nil {
			r.at(x, r.offset(tree, e), fmt.Sprintf("there is no severity %q", string(s)), near(string(s), levelWords()))
			good = false
			return
		}
		e.SetKindCase(factory.NewIdent(e.ID(), sev.String()))
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.StructKind {
			r.at(x, r.offset(tree, e), "a condition makes no objects", "")
			good = false
		}
		if e.Kind() != ast.CallKind {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
			for i := range args {
				if isSeverity(args[i]) {
					text(args[1-i])
				}
			}
		case operators.In:
			if isSeverity(args[0]) && args[1].Kind() == ast.ListKind {
				for _, item := range args[1].AsList().Elements() {
					text(item)
				}
			}
		}
	}))
	return good
}

func (r *reader) offset(tree *ast.AST, e ast.Expr) int {
	if o, ok := tree.SourceInfo().GetOffsetRange(e.ID()); ok {
		return int(o.Start)
	}
	return 0
}

// literals looks at the constant arguments of our functions: what is wrong with them is
// wrong for every finding.
func (r *reader) literals(x *expr, tree *ast.AST) bool {
	good := true
	each := func(e ast.Expr, check func(string) error) {
		list := []ast.Expr{e}
		if e.Kind() == ast.ListKind {
			list = e.AsList().Elements()
		}
		for _, item := range list {
			if item.Kind() != ast.LiteralKind {
				continue
			}
			if s, ok := item.AsLiteral().(types.String); ok {
				if err := check(string(s)); err != nil {
					r.at(x, r.offset(tree, item), err.Error(), "")
					good = false
				}
			}
		}
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case "cidr":
			each(args[0], func(s string) error { _, err := parseCIDRs([]string{s}); return err })
		case "between":
			for _, a := range args[:2] {
				each(a, func(s string) error { _, err := minutes(s); return err })
			}
			each(args[2], func(s string) error { _, err := location(s); return err })
		case "weekday":
			each(args[0], func(s string) error { _, err := location(s); return err })
		case "values", "text":
			each(args[0], func(s string) error {
				if s == "" || slices.Contains(strings.Split(s, "."), "") {
					return fmt.Errorf("%q is no path: want one like userIdentity.arn", s)
				}
				return nil
			})
		}
	}))
	return good
}

// grows says whether the work of an expression can grow beyond one look at the texts that
// it asks: by a loop, or by texts that it puts together. The steps of the others are
// bounded by their length and are not counted, which would take most of the time.
func grows(tree *ast.AST) bool {
	found := false
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.ComprehensionKind || e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Add
	}))
	return found
}

// roots lists the names of ours that an expression asks.
func roots(tree *ast.AST) []string {
	var out []string
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && slices.Contains(variableNames, e.AsIdent()) && !slices.Contains(out, e.AsIdent()) {
			out = append(out, e.AsIdent())
		}
	}))
	return out
}

// once computes calls of pure functions with constant arguments at load.
func once(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok || !isPure(call.Function()) {
		return i, nil
	}
	for _, a := range call.Args() {
		if _, ok := a.(interpreter.InterpretableConst); !ok {
			return i, nil
		}
	}
	v := call.Eval(interpreter.EmptyActivation())
	if types.IsUnknownOrError(v) {
		return i, nil
	}
	return interpreter.NewConstValue(call.ID(), v), nil
}

// costs tells CEL what our functions cost.
type costs struct{}

// CallCost returns the cost of a call; nil where CEL's own estimate will do.
func (costs) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	var cost uint64
	switch function {
	case "glob":
		cost = 1 + size(args[0])*(1+size(args[1]))/10
	case "lower", "email":
		cost = 1 + size(args[0])/5
	case operators.Equals, operators.NotEquals, operators.In:
		// CEL counts the members of the outermost list or map only.
		cost = 1
		for _, a := range args {
			cost += uint64(weigh(a.Value(), maxCost))
		}
	case "values", "text":
		cost = 200 // a walk is bounded by maxWalk
	case "between", "weekday":
		cost = 10
	default:
		return nil
	}
	return &cost
}

// weigh counts the values in a value of the event, up to a bound.
func weigh(v any, most int) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v) / 10
	case []any:
		for _, x := range v {
			if n >= most {
				break
			}
			n += weigh(x, most-n)
		}
	case map[string]any:
		for _, x := range v {
			if n >= most {
				break
			}
			n += weigh(x, most-n)
		}
	}
	return n
}

func size(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v))
	case interface{ Size() ref.Val }:
		if n, ok := v.Size().(types.Int); ok && n >= 0 {
			return 20 * uint64(n)
		}
	}
	return 1
}

// eval evaluates an expression on a case.
func (x *expr) eval(c *Case) (ref.Val, error) {
	if c.spent > maxTotal {
		return nil, fmt.Errorf("the conditions before cost more than %d steps together", maxTotal)
	}
	v, details, err := x.prog.Eval(c.cel)
	if details != nil && details.ActualCost() != nil {
		c.spent += *details.ActualCost()
	}
	return v, err
}

// isAbsent says whether an evaluation ended at a member, or an item, that the event does
// not have.
func isAbsent(err error) bool {
	s := err.Error()
	return strings.HasPrefix(s, "no such key: ") || strings.HasPrefix(s, "index out of bounds: ")
}

// shortError writes an error of an evaluation: it may hold texts of the event.
func shortError(err error) string {
	s := err.Error()
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return strings.Trim(strconv.Quote(s), `"`)
}
