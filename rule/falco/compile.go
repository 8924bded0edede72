package falco

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// Limits of conditions with their lists and macros put in: the nodes of one, and
// the bytes and parts (nodes and values) of all together.
const (
	maxNodes = 50_000
	maxText  = 256 << 20
	maxParts = 5_000_000
)

// compile turns what the files define into rules.
func (l *loader) compile() []*rule.Rule {
	lists := l.compileLists()
	l.compileMacros(lists)
	l.choose()
	var out []*rule.Rule
	low := 0
	for _, d := range l.ruleOrder {
		if l.opts.Strict && l.failed() {
			return nil
		}
		if d.bad {
			continue
		}
		switch r := l.compileRule(d, lists); {
		case r == nil:
		case l.tooLow(d):
			low++
		default:
			out = append(out, r)
		}
	}
	l.sayLow(low)
	if l.opts.Strict && !l.failed() {
		for _, m := range l.macroOrder {
			if !m.used {
				l.warn("", codeUnusedMacro, msgUnusedMacro, "", m.at)
			}
		}
		for _, d := range l.listOrder {
			if !d.used {
				l.warn("", codeUnusedList, msgUnusedList, "", d.at)
			}
		}
	}
	return out
}

// compileLists puts lists into the lists that name them: those that were defined
// before the last word on the list.
func (l *loader) compileLists() map[*listDef][]string {
	out := map[*listDef][]string{}
	total := 0
	for _, d := range l.listOrder {
		items := []string{}
		for _, item := range d.items {
			if ref := l.lists[item]; ref != nil && ref.index < d.visibility {
				ref.used = true
				items = append(items, ref.items...)
			} else {
				items = append(items, item)
			}
			if total+len(items) > maxParts {
				l.badLists[d.name] = true
				l.refuse("", &fault{codeValidate, fmt.Sprintf("the lists have more than %d items with the lists in them", maxParts), "", d.at})
				items = nil
				break
			}
		}
		total += len(items)
		out[d] = items
	}
	return out
}

// parse puts the lists into a condition and parses it.
func (l *loader) parse(t text, lists map[*listDef][]string) (node, *fault) {
	for _, name := range slices.Sorted(maps.Keys(l.badLists)) {
		probe := t
		if probe.putList(name, nil) {
			return nil, &fault{codeValidate, "uses list '" + name + "', which was refused", "", t.place(strings.Index(t.s, name))}
		}
	}
	for _, d := range l.listOrder {
		if t.putList(d.name, lists[d]) {
			d.used = true
		}
		if len(t.s) > maxCondition {
			break
		}
	}
	if len(t.s) > maxCondition {
		return nil, &fault{codeCompileCond, fmt.Sprintf("condition is longer than %d bytes with its lists", maxCondition), "", t.place(0)}
	}
	if l.written += len(t.s); l.written > maxText {
		return nil, &fault{codeValidate, fmt.Sprintf("conditions have more than %d MB together with their lists", maxText>>20), "", t.place(0)}
	}
	n, err := parseCondition(t)
	if err != nil {
		return nil, &fault{codeCompileCond, err.msg, err.hint, err.at}
	}
	return n, nil
}

func (l *loader) compileMacros(lists map[*listDef][]string) {
	refuse := func(m *macroDef, f *fault) {
		m.bad = true
		l.badMacros[m.name] = true
		f.msg = strings.TrimSuffix(f.msg, "\n")
		l.refuse("", f)
	}
	for _, m := range l.macroOrder {
		if l.opts.Strict && l.failed() {
			return
		}
		body, f := l.parse(m.cond.text(), lists)
		if f != nil {
			refuse(m, f)
			continue
		}
		m.body = body
	}
	for _, m := range l.macroOrder {
		if m.bad {
			continue
		}
		if l.opts.Strict && l.failed() {
			return
		}
		body, f := l.resolve(m.body, m.visibility)
		if f != nil {
			refuse(m, f)
			continue
		}
		l.resolved[m] = body
	}
}

// resolve puts macros that were defined before limit into a condition.
func (l *loader) resolve(n node, limit int) (node, *fault) {
	var bad *fault
	nodes := 0
	var walk func(n node, path []string) node
	walk = func(n node, path []string) node {
		return substitute(n, func(name string) (node, bool) {
			m := l.macros[name]
			if bad != nil || m == nil || m.index >= limit {
				return nil, false
			}
			at := n.where()
			switch {
			case m.bad:
				bad = &fault{codeValidate, "uses macro '" + name + "', which was refused", "", at}
				return nil, false
			case slices.Contains(path, name):
				bad = &fault{codeValidate, "reference loop in macro '" + name + "'", "", at}
				return nil, false
			case len(path) > maxNesting:
				bad = &fault{codeValidate, "macros are nested too deep", "", at}
				return nil, false
			}
			m.used = true
			if body, ok := l.resolved[m]; ok {
				return body, true
			}
			if nodes++; nodes > maxNodes {
				bad = &fault{codeValidate, fmt.Sprintf("condition has more than %d parts with its macros", maxNodes), "", at}
				return nil, false
			}
			return walk(m.body, append(slices.Clone(path), name)), true
		}, func(id *identifier) {
			if bad == nil {
				bad = l.undefined(id)
			}
		})
	}
	out := walk(n, nil)
	if bad == nil {
		if count, depth := size(out, maxNodes); count > maxNodes || depth > maxNesting {
			bad = &fault{codeValidate, fmt.Sprintf("condition has more than %d parts or %d levels with its macros", maxNodes, maxNesting), "", n.where()}
		}
	}
	return out, bad
}

// undefined says that a macro is not there.
func (l *loader) undefined(id *identifier) *fault {
	f := &fault{codeValidate, "Undefined macro '" + id.name + "' used in filter.", "", id.at}
	switch {
	case l.badMacros[id.name]:
		f.msg, f.hint = "uses macro '"+id.name+"', which was refused", ""
	case l.macros[id.name] != nil:
		f.hint = "a macro is defined before the macro that uses it"
	default:
		names := make([]string, 0, len(l.macroOrder))
		for _, m := range l.macroOrder {
			names = append(names, m.name)
		}
		f.hint = closest(id.name, names)
	}
	return f
}

// compileRule compiles one rule; nil means that it was refused.
func (l *loader) compileRule(d *ruleDef, lists map[*listDef][]string) *rule.Rule {
	src := l.sources[d.source]
	if src == nil {
		l.unknownSource(d)
		return nil
	}
	cond, f := withExceptions(d.cond.text(), d.exceptions)
	if f != nil {
		l.refuse(d.name, f)
		return nil
	}
	b := newCompiler(src, l.mem)
	built, f := l.build(b, d, cond, lists)
	if f == nil && d.source == "k8s_audit" {
		built, f = l.oldStyle(b, d, cond, lists, built)
	}
	if f != nil {
		if d.skip && unknownField(f.msg) {
			f.code, f.hint = codeUnknownFilter, "the rule is skipped, as its skip-if-unknown-filter asks"
			l.say(d.name, f, true)
			return nil
		}
		l.refuse(d.name, f)
		return nil
	}
	switch r := built.out; {
	case r.When == nil:
	case r.Formats[0] == "kubernetes.audit":
		l.addGKE(d, cond, lists, r)
	case r.Formats[0] == "gcp.audit":
		addWorkspace(r)
	}
	for _, w := range built.warnings {
		l.warn(d.name, w.code, w.msg, w.hint, w.at)
	}
	if !l.sideCar(d, built.out) {
		return nil
	}
	built.out.Disabled = !d.enabled
	return built.out
}

// sideCar reads the key yagura of a rule; false says that it was refused, and the
// rule with it.
func (l *loader) sideCar(d *ruleDef, r *rule.Rule) bool {
	if d.car == nil {
		return true
	}
	var refusals []rule.Refusal
	r.SideCar, r.Japanese, refusals = rule.ParseSideCar(d.car, d.from.path)
	for i := range r.SideCar.Named {
		r.SideCar.Named[i].Line += d.from.line
	}
	good := true
	for _, x := range refusals {
		x.Rule, x.Line = d.name, x.Line+d.from.line
		good = good && x.Warning
		l.refusals = append(l.refusals, x)
	}
	return good
}

// built is a compiled rule with what is to be said of it.
type built struct {
	out      *rule.Rule
	warnings []warning
}

// build compiles output and condition, in Falco's order.
func (l *loader) build(c *compiler, d *ruleDef, cond text, lists map[*listDef][]string) (*built, *fault) {
	output, bad := c.output(l.withExtra(d))
	if bad != nil {
		return nil, &fault{codeCompileOutput, bad.msg, bad.hint, bad.at}
	}
	n, f := l.parse(cond, lists)
	if f != nil {
		return nil, f
	}
	if n, f = l.resolve(n, l.counter); f != nil {
		return nil, f
	}
	if l.parts += weight(n); l.parts > maxParts {
		return nil, &fault{codeValidate, fmt.Sprintf("rules have more than %d parts together with their lists and macros", maxParts), "", n.where()}
	}
	line, _ := d.at.where()
	r := &rule.Rule{
		ID: d.name, Title: d.name, Engine: yagura.EngineFalco, File: d.from.path, Line: line,
		Tags: slices.Compact(slices.Sorted(slices.Values(d.tags))), SeverityOriginal: d.priority, Description: d.desc,
		Formats: c.src.formats(), Output: output, Severity: severity(d.priority),
	}
	if l.opts.Config.firstOnly() {
		r.Exclusive = "falco " + c.src.name
	}
	if windowed, rest := findWindow(c, n); windowed != nil {
		if bad := c.window(r, windowed, rest); bad != nil {
			return nil, &fault{codeCompileCond, bad.msg, bad.hint, bad.at}
		}
	} else if r.When, bad = c.expr(n); bad != nil {
		return nil, &fault{codeCompileCond, bad.msg, l.otherSource(d, bad), bad.at}
	}
	r.Fields = fieldsOf(c.fields, output.fields)
	if c.counts && r.Correlation == nil {
		r.Counted = &c.src.delivered
	}
	r.SideFields = c.sideFields(l.opts.SideFields)
	return &built{r, append(unsafeNA(n), c.warnings...)}, nil
}

// sideFields resolves the names that are fields of the rule's source: an overlay means
// by ct.user what the rule means by it, whether the rule reads it or not.
func (c *compiler) sideFields(names []string) []query.Field {
	var out []query.Field
	for _, name := range names {
		ref := &fieldRef{name: name}
		if base, arg, ok := strings.Cut(strings.TrimSuffix(name, "]"), "["); ok {
			ref.name, ref.arg = base, arg
		}
		if c.src.fields[ref.name] == nil {
			continue
		}
		if v, err := newCompiler(c.src, c.mem).fieldValue(ref); err == nil { // leaves no trace in what the rule reads
			out = append(out, v.field)
		}
	}
	return out
}

// otherSource says which source has a field that a rule's source has not.
func (l *loader) otherSource(d *ruleDef, bad *syntaxError) string {
	if name, ok := strings.CutPrefix(bad.msg, "filter_check called with nonexistent field "); ok {
		name, _, _ = strings.Cut(name, "[")
		for _, s := range []string{"aws_cloudtrail", "gcp_auditlog", "okta", "github", "k8s_audit"} {
			if s != d.source && l.sources[s].fields[name] != nil {
				return name + " is a field of source: " + s
			}
		}
	}
	return bad.hint
}

// unknownField says whether a fault is one that skip-if-unknown-filter forgives.
func unknownField(msg string) bool {
	return strings.Contains(msg, "nonexistent field") || strings.Contains(msg, "unknown filter:")
}

// unknownSource refuses a rule for events that are no logs, or not ours.
func (l *loader) unknownSource(d *ruleDef) {
	f := &fault{
		code: codeUnknownSource, msg: "Unknown source " + d.source + ", skipping", at: d.sourceAt,
		hint: "the sources are aws_cloudtrail, gcp_auditlog, okta, github and k8s_audit",
	}
	if d.source == "syscall" {
		f.code, f.msg = codeSyscall, "syscall rule: it judges the system calls of a host, and Yagura reads logs"
		f.hint = ""
		if !d.hasSource {
			f.hint = "a rule without source means syscall; for logs write source: aws_cloudtrail, gcp_auditlog, okta, github or k8s_audit"
		}
	}
	l.refuse(d.name, f)
}

// unsafeNA warns, as Falco does, of conditions that compare with <NA>.
func unsafeNA(n node) []warning {
	var out []warning
	var walk func(n node)
	walk = func(n node) {
		switch n := n.(type) {
		case *boolean:
			for _, kid := range n.kids {
				walk(kid)
			}
		case *negation:
			walk(n.kid)
		case *check:
			f, ok := n.left.(*fieldRef)
			if !ok || !strings.HasPrefix(f.name, "ka.") && !strings.HasPrefix(f.name, "jevt.") ||
				!slices.Contains([]string{"=", "!=", "in", "intersects", "pmatch"}, n.op) {
				return
			}
			values := []literal{}
			switch right := n.right.(type) {
			case *literal:
				values = append(values, *right)
			case *literals:
				values = right.values
			}
			if slices.ContainsFunc(values, func(v literal) bool { return v.text == notAvailable }) {
				out = append(out, warning{codeUnsafeNA, msgUnsafeNA, "write: " + f.shown() + " exists", n.at})
			}
		}
	}
	walk(n)
	return out
}

// severity says what a priority, known to be one, means.
func severity(priority string) yagura.Severity {
	switch strings.ToLower(priority) {
	case "emergency", "alert", "critical":
		return yagura.SeverityCritical
	case "error":
		return yagura.SeverityHigh
	case "warning":
		return yagura.SeverityMedium
	case "notice":
		return yagura.SeverityLow
	}
	return yagura.SeverityNone
}
