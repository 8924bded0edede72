package falco

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// readRule reads a rule, an append to one or an override of one.
func (l *loader) readRule(r reader) {
	name := r.string("rule")
	l.unknownKeys(r, name, ruleKeys())
	old := r.flagOr("append", false)
	if old {
		l.warn(name, codeDeprecated, msgAppend, "", r.at("append"))
	}
	appends, replaces := r.overrides(appendable(), replaceable())
	switch {
	case old && len(appends)+len(replaces) > 0:
		r.fail(codeYAMLValidate, r.item, "%s", msgOverrideAppend)
	case len(appends)+len(replaces) > 0:
		l.readOverride(r, name, appends, replaces)
	case old:
		u := update{at: r.src.nodeAt(r.item)}
		if r.has("condition") {
			t := r.text("condition")
			u.cond = &t
		}
		if r.has("exceptions") {
			x := r.exceptions(true, l.warner(name))
			u.exceptions = &x
		}
		l.appendRule(r, name, &u)
	case !r.has("condition") && !r.has("output") && !r.has("desc") && !r.has("priority"):
		enabled := r.flag("enabled")
		l.warn(name, codeDeprecated, msgEnabled, "", r.at("enabled"))
		prev := l.rules[name]
		if prev == nil {
			r.fail(codeValidate, r.item, "Rule has 'enabled' key but no rule by that name already exists")
		}
		prev.enabled = enabled
	default:
		l.defineRule(r, name)
	}
}

func (l *loader) warner(name string) func(code, msg, hint string, at place) {
	return func(code, msg, hint string, at place) { l.warn(name, code, msg, hint, at) }
}

// readOverride reads a rule with the key override.
func (l *loader) readOverride(r reader, name string, appends, replaces map[string]bool) {
	waiting := map[string]bool{}
	for _, k := range replaceable() {
		if r.has(k) {
			waiting[k] = true
		}
	}
	read := func(named map[string]bool, kind string) *update {
		u := &update{at: r.src.nodeAt(r.item)}
		if r.expect(waiting, named, kind, "condition") {
			t := r.text("condition")
			u.cond = &t
		}
		if r.expect(waiting, named, kind, "exceptions") {
			x := r.exceptions(kind == "append", l.warner(name))
			u.exceptions = &x
		}
		if r.expect(waiting, named, kind, "output") {
			t := r.text("output")
			u.output = &t
		}
		if r.expect(waiting, named, kind, "desc") {
			s := r.string("desc")
			u.desc = &s
		}
		if r.expect(waiting, named, kind, "tags") {
			s := r.strings("tags")
			u.tags = &s
		}
		if r.expect(waiting, named, kind, "priority") {
			s := r.priority()
			u.priority = &s
		}
		if r.expect(waiting, named, kind, "enabled") {
			b := r.flag("enabled")
			u.enabled = &b
		}
		if r.expect(waiting, named, kind, "skip-if-unknown-filter") {
			b := r.flag("skip-if-unknown-filter")
			u.skip = &b
		}
		if r.expect(waiting, named, kind, "warn_evttypes") {
			r.flag("warn_evttypes")
			u.other = true
		}
		for _, k := range []string{"capture", "capture_duration"} {
			if r.expect(waiting, named, kind, k) {
				u.other = true
			}
		}
		return u
	}
	if len(appends) > 0 {
		l.appendRule(r, name, read(appends, "append"))
	}
	if len(replaces) > 0 {
		l.replaceRule(r, name, read(replaces, "replace"))
	}
	for _, k := range replaceable() {
		if waiting[k] {
			key, _ := get(r.item, k)
			r.fail(codeYAMLValidate, key, "Unexpected key '%s': no corresponding entry under 'override' is defined.", k)
		}
	}
}

func (l *loader) appendRule(r reader, name string, u *update) {
	prev := l.rules[name]
	if prev == nil {
		r.fail(codeValidate, r.item, "%s", msgNoRuleAppend)
	}
	if u.empty() {
		r.fail(codeValidate, r.item, "Appended rule must have exceptions or condition property")
	}
	if u.cond != nil {
		prev.cond.then(*u.cond)
	}
	if u.output != nil {
		prev.output.then(*u.output)
	}
	if u.desc != nil {
		prev.desc += " " + *u.desc
	}
	if u.tags != nil {
		prev.tags = append(prev.tags, *u.tags...)
	}
	if u.exceptions != nil {
		for _, x := range *u.exceptions {
			l.appendException(r, prev, x)
		}
	}
	l.next()
	l.spoil(r, prev)
}

func (l *loader) appendException(r reader, prev *ruleDef, x exception) {
	fail := func(msg string) { panic(&fault{code: codeValidate, msg: msg, at: x.at}) }
	i := slices.IndexFunc(prev.exceptions, func(o exception) bool { return o.name == x.name })
	if i >= 0 {
		if x.fields.valid() {
			fail("Can not append exception fields to existing exception, only values")
		}
		if x.comps.valid() {
			fail("Can not append exception comps to existing exception, only values")
		}
		prev.exceptions[i].vals = append(prev.exceptions[i].vals, x.vals...)
		return
	}
	if !x.fields.valid() {
		fail("Rule exception must have fields property with a list of fields")
	}
	if len(x.vals) == 0 {
		fail("Rule exception must have values property with a list of values")
	}
	l.validateException(prev.source, &x)
	prev.exceptions = append(prev.exceptions, x)
}

func (l *loader) replaceRule(r reader, name string, u *update) {
	prev := l.rules[name]
	if prev == nil {
		r.fail(codeValidate, r.item, "%s", msgNoRuleReplace)
	}
	if u.empty() {
		r.fail(codeValidate, r.item, "The rule must have at least one field that can be replaced")
	}
	if u.cond != nil {
		prev.cond = glued(*u.cond)
	}
	if u.output != nil {
		prev.output = glued(*u.output)
	}
	if u.desc != nil {
		prev.desc = *u.desc
	}
	if u.tags != nil {
		prev.tags = *u.tags
	}
	if u.exceptions != nil {
		for i := range *u.exceptions {
			l.validateException(prev.source, &(*u.exceptions)[i])
		}
		prev.exceptions = *u.exceptions
	}
	if u.priority != nil {
		prev.priority = *u.priority
	}
	if u.enabled != nil {
		prev.enabled = *u.enabled
	}
	if u.skip != nil {
		prev.skip = *u.skip
	}
	l.next()
	l.spoil(r, prev)
}

// spoil refuses a rule that a file changes which requires what we are not.
func (l *loader) spoil(r reader, d *ruleDef) {
	if l.badFiles[r.src.path] {
		d.bad = true
	}
}

func (l *loader) defineRule(r reader, name string) {
	d := &ruleDef{name: name, at: r.src.nodeAt(r.item), from: r.src, source: "syscall", enabled: true}
	d.cond = glued(r.text("condition"))
	output := r.text("output")
	d.desc = r.string("desc")
	d.priority = r.priority()
	d.output = glued(output.trim())
	d.sourceAt = d.at
	if r.has("source") {
		d.source, d.sourceAt, d.hasSource = r.string("source"), r.src.nodeAt(r.scalar("source").node), true
	}
	d.enabled = r.flagOr("enabled", true)
	r.flagOr("warn_evttypes", true)
	d.skip = r.flagOr("skip-if-unknown-filter", false)
	r.flagOr("capture", false)
	if r.has("tags") {
		d.tags = r.strings("tags")
	}
	d.exceptions = r.exceptions(false, l.warner(name))
	_, d.car = get(r.item, "yagura")

	prev := l.rules[name]
	if prev != nil && prev.source != d.source {
		r.fail(codeValidate, r.item, "Rule has been re-defined with a different source")
	}
	for i := range d.exceptions {
		if !d.exceptions[i].fields.valid() {
			panic(&fault{code: codeValidate, msg: "Rule exception item must have fields property with a list of fields", at: d.exceptions[i].at})
		}
		l.validateException(d.source, &d.exceptions[i])
	}
	l.next()
	if l.modern[r.src.path] == nil {
		l.modern[r.src.path] = map[string]bool{}
	}
	l.modern[r.src.path][d.source] = true
	delete(l.badRules, name)
	if prev != nil {
		*prev = *d
		d = prev
	} else {
		l.rules[name] = d
		l.ruleOrder = append(l.ruleOrder, d)
	}
	l.spoil(r, d)
}

// withModifier says whether op is an operator on texts with a modifier.
func withModifier(op string) bool {
	words := strings.Fields(op)
	if len(words) != 2 || !slices.Contains(modifiers(), words[1]) {
		return false
	}
	return slices.ContainsFunc(stringOps(), func(o string) bool { return strings.TrimSpace(o) == words[0] })
}

// validateException checks fields and operators of an exception and fills in the
// operators that it leaves out.
func (l *loader) validateException(source string, x *exception) {
	fail := func(at place, msg string) { panic(&fault{code: codeValidate, msg: msg, at: at}) }
	src := l.sources[source]
	defined := func(v values) {
		if src == nil {
			return
		}
		c := newCompiler(src, l.mem)
		t := text{s: v.item}
		p := newParser(t)
		o, err := p.fieldOrTransformer()
		if err == nil && o != nil && p.pos == len(p.s) {
			if _, err := c.value(o); err == nil {
				return
			}
		}
		fail(v.at, "'"+v.item+"' is not a supported filter field")
	}
	if !x.fields.list {
		if !x.comps.valid() {
			x.comps = values{item: "in", at: x.fields.at}
		}
		if x.comps.list {
			fail(x.comps.at, "Fields and comps must both be strings")
		}
		if !slices.Contains(listOps(), x.comps.item) && !withModifier(x.comps.item) {
			fail(x.comps.at, "When fields is a single value, comps must be one of (in, pmatch, intersects) or a modifier operator (e.g. startswith oneof)")
		}
		defined(x.fields)
		return
	}
	if !x.comps.valid() {
		x.comps = values{list: true}
		for _, f := range x.fields.sub {
			x.comps.sub = append(x.comps.sub, values{item: "=", at: f.at})
		}
	}
	if len(x.fields.sub) != len(x.comps.sub) {
		fail(x.at, "Fields and comps lists must have equal length")
	}
	for _, v := range x.comps.sub {
		if !slices.Contains(operators(), v.item) && !withModifier(v.item) {
			fail(v.at, "'"+v.item+"' is not a supported comparison operator")
		}
	}
	for _, v := range x.fields.sub {
		defined(v)
	}
}

// withExceptions puts the exceptions of a rule into the text of its condition.
func withExceptions(cond text, exceptions []exception) (text, *fault) {
	if len(exceptions) == 0 {
		return cond, nil
	}
	out := glue{}
	out.add("(", cond.place(0))
	out.join(cond)
	out.add(")", cond.place(len(cond.s)-1))
	for _, x := range exceptions {
		t := glue{}
		if !x.fields.list {
			for i, v := range x.vals {
				if v.list {
					return text{}, &fault{code: codeValidate, msg: "Expected values array to contain a list of strings", at: v.at}
				}
				if i == 0 {
					t.add("("+x.fields.item+" "+x.comps.item+" (", x.fields.at)
				} else {
					t.add(", ", v.at)
				}
				t.add(quoteItem(v.item), v.at)
			}
			if len(t.s) > 0 {
				t.add("))", x.at)
			}
		} else {
			for i, row := range x.vals {
				if len(row.sub) != len(x.fields.sub) {
					return text{}, &fault{code: codeValidate, msg: "Fields and values lists must have equal length", at: row.at}
				}
				if i > 0 {
					t.add(" or ", row.at)
				}
				t.add("(", row.at)
				for k, field := range x.fields.sub {
					if k > 0 {
						t.add(" and ", row.at)
					}
					t.add(" "+field.item, field.at)
					t.add(" "+x.comps.sub[k].item+" ", x.comps.sub[k].at)
					t.add(exceptionValue(row.sub[k], x.comps.sub[k].item), row.sub[k].at)
				}
				t.add(")", row.at)
			}
			if len(t.s) > 0 {
				whole := glue{}
				whole.add("(", x.at)
				whole.join(t.text())
				whole.add(")", x.at)
				t = whole
			}
		}
		if len(t.s) > 0 {
			out.add(" and not ", x.at)
			out.join(t.text())
		}
	}
	return out.text(), nil
}

// exceptionValue writes a value of an exception as the right side of an operator.
func exceptionValue(v values, op string) string {
	if v.list {
		items := make([]string, len(v.sub))
		for i, s := range v.sub {
			items[i] = quoteItem(s.item)
		}
		return "(" + strings.Join(items, ", ") + ")"
	}
	if slices.Contains(listOps(), op) || withModifier(op) {
		return parenItem(v.item)
	}
	return quoteItem(v.item)
}

// fieldsOf lists each field once.
func fieldsOf(lists ...[]query.Field) []query.Field {
	var out []query.Field
	seen := map[string]bool{}
	for _, list := range lists {
		for _, f := range list {
			if !seen[f.Name] {
				seen[f.Name] = true
				out = append(out, f)
			}
		}
	}
	return out
}
