package falco

import (
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// value is a compiled operand: a field of the source, or a transformer over some.
type value struct {
	shown string // as the rule writes it
	base  string // the field's own name, for messages
	typ   ftype
	list  bool
	field query.Field
	// always says that the field reads as "" where the record lacks it.
	always bool
	// nul says that Falco counts a NUL at the end of each text, so that the set
	// operators find such a text equal to none without.
	nul bool
	pad bool
	// window is the number of seconds of a count over time, else 0.
	window int
	notes  []string
}

// compiler compiles the conditions and the output of one rule.
type compiler struct {
	src      *eventSource
	mem      *memory
	warnings []warning
	fields   []query.Field // that the rule reads
	seen     map[string]bool
	pointers []string // of json.value, for the old cloud style
	own      bool     // a field of the source's own plugin was read
	counts   bool     // a field was read that depends on the records before
}

// warning is something that the author of a rule should know.
type warning struct {
	code, msg, hint string
	at              place
}

func newCompiler(src *eventSource, mem *memory) *compiler {
	return &compiler{src: src, mem: mem, seen: map[string]bool{}}
}

func (c *compiler) warn(code, msg, hint string, at place) {
	c.warnings = append(c.warnings, warning{code, msg, hint, at})
}

// value compiles an operand.
func (c *compiler) value(o operand) (*value, *syntaxError) {
	switch o := o.(type) {
	case *fieldRef:
		return c.fieldValue(o)
	case *transform:
		if o.name == "val" {
			return c.value(o.args[0])
		}
		return c.transformValue(o)
	}
	return nil, &syntaxError{msg: "filter error: missing field", at: o.place()}
}

// define finds the field that a reference names and reads its argument.
func (c *compiler) define(o *fieldRef) (def fieldDef, arg string, err *syntaxError) {
	fail := func(format string, args ...any) *syntaxError {
		return &syntaxError{msg: fmt.Sprintf(format, args...), at: o.at}
	}
	d := c.src.fields[o.name]
	if d == nil {
		e := fail("filter_check called with nonexistent field %s", o.shown())
		e.hint = c.fieldHint(o.name)
		return def, "", e
	}
	// Falco reads name and argument again from one text, which a blank ends.
	full, _, _ := strings.Cut(o.shown(), " ")
	if o.arg == "" {
		if d.arg == argKey || d.arg == argMustFind {
			e := fail("filter '%s': %s requires an argument but none provided", full, o.name)
			e.hint = "write " + o.name + "[…]"
			return def, "", e
		}
	} else {
		if strings.HasPrefix(o.name, "evt.") {
			return def, "", fail("filter_check called with nonexistent field %s", o.shown())
		}
		rest := full[len(o.name)+1:]
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			e := fail("filter '%s': %s has unbalanced argument brackets", full, o.name)
			e.hint = "Falco's language has no way to write a key with a space"
			return def, "", e
		}
		arg = rest[:end]
		if d.arg == argNone {
			return def, "", fail("filter '%s': %s does not allow nor require an argument but one is provided: %s", full, o.name, arg)
		}
		if d.arg == argIndex || d.arg == argMustFind {
			if msg := badIndex(arg); msg != "" {
				return def, "", fail("filter %s %s%s%s", full, o.name, msg, arg)
			}
		}
		if len(o.name)+end+2 != len(o.shown()) {
			e := fail("filter_check called with nonexistent field %s", o.shown())
			e.hint = "Falco's language has no way to write a key with ] or a space"
			return def, "", e
		}
	}
	if d.bind == nil {
		return *d, arg, nil
	}
	def = d.bind(arg)
	def.typ, def.list, def.always, def.pad, def.window, def.note = d.typ, d.list, d.always, d.pad, d.window, d.note
	return def, arg, nil
}

// badIndex says what is wrong with an index, "" if nothing.
func badIndex(arg string) string {
	for i := range len(arg) {
		if !isDigit(arg[i]) {
			return " has an invalid index argument not composed only by digits: "
		}
	}
	if arg == "" || len(arg) > 1 && arg[0] == '0' {
		return " has an invalid index argument starting with 0: "
	}
	if len(arg) > 19 {
		return " has an invalid index argument not representable on 64 bit: "
	}
	return ""
}

func (c *compiler) fieldValue(o *fieldRef) (*value, *syntaxError) {
	def, arg, err := c.define(o)
	if err != nil {
		return nil, err
	}
	v := &value{shown: o.shown(), base: o.name, typ: def.typ, list: def.list, always: def.always, pad: def.pad}
	if def.window {
		v.window = index(arg)
	}
	c.counts = c.counts || def.counts
	if def.note != "" {
		v.notes = append(v.notes, def.note)
	}
	v.field = query.Field{Name: v.shown, Paths: def.paths, Conv: def.conv}
	if def.fn != nil {
		v.field = query.Field{Name: v.shown, Derive: &query.Derived{Name: "falco " + c.src.key + " " + v.shown, Deps: def.deps, Fn: def.fn}}
	}
	switch {
	case strings.HasSuffix(o.name, ".value") && def.arg == argNone && len(def.paths) > 0 &&
		(strings.HasPrefix(o.name, "json.") || strings.HasPrefix(o.name, "jevt.")):
		c.pointers = append(c.pointers, pointerKeys(arg)[0])
	case !strings.HasPrefix(o.name, "evt.") && !strings.HasPrefix(o.name, "json.") && !strings.HasPrefix(o.name, "jevt."):
		c.own = true
	}
	if !strings.HasPrefix(o.name, "evt.") && !c.seen[v.shown] {
		c.seen[v.shown] = true
		c.fields = append(c.fields, v.field)
	}
	return v, nil
}

// full is the value as a field that is never absent where Falco never finds it so.
func (c *compiler) full(v *value) query.Field {
	if !v.always {
		return v.field
	}
	return query.Field{Name: v.shown, Derive: &query.Derived{
		Name: "falco present " + c.src.key + " " + v.shown,
		Deps: []query.Field{v.field}, Fn: func(in query.Input, out *query.Values) {
			text, _ := dep(in, 0)
			out.Add(text)
		},
	}}
}

// transformValue compiles a transformer, with all that is inside it, to one field.
func (c *compiler) transformValue(o *transform) (*value, *syntaxError) {
	b := builder{c: c}
	expr, v, err := b.build(o)
	if err != nil {
		return nil, err
	}
	v.field = query.Field{Name: v.shown, Derive: &query.Derived{
		Name: "falco " + c.src.key + " " + v.shown, Deps: b.deps,
		Fn: func(in query.Input, out *query.Values) {
			values := c.mem.get()
			if expr.eval(in, c.mem, values) {
				for i := range values.Len() {
					out.Add(cString(values.At(i)))
				}
			}
			c.mem.put(values)
		},
	}}
	return v, nil
}

// builder collects what a transformer reads.
type builder struct {
	c    *compiler
	deps []query.Field
}

// build compiles one operand inside a transformer.
func (b *builder) build(o operand) (expression, *value, *syntaxError) {
	switch o := o.(type) {
	case *literal:
		return constExpr(o.text), &value{shown: fmt.Sprintf("%q", o.text), base: o.text}, nil
	case *fieldRef:
		v, err := b.c.fieldValue(o)
		if err != nil {
			return nil, nil, err
		}
		b.deps = append(b.deps, b.c.full(v))
		return fieldExpr(len(b.deps) - 1), v, nil
	case *tuple:
		items, values, err := b.buildAll(o.items)
		if err != nil {
			return nil, nil, err
		}
		shown := make([]string, len(values))
		for i, v := range values {
			shown[i] = v.shown
			if v.typ != tString {
				return nil, nil, &syntaxError{msg: "transformer list elements must be strings", at: o.items[i].place()}
			}
		}
		return &listExpr{items: items}, &value{shown: "(" + strings.Join(shown, ", ") + ")", base: "list", list: true}, nil
	case *transform:
		return b.transform(o)
	}
	return nil, nil, &syntaxError{msg: "filter error: missing field", at: o.place()}
}

func (b *builder) buildAll(list []operand) (items []expression, values []*value, err *syntaxError) {
	for _, o := range list {
		item, v, err := b.build(o)
		if err != nil {
			return nil, nil, err
		}
		items, values = append(items, item), append(values, v)
	}
	return items, values, nil
}

func (b *builder) transform(o *transform) (expression, *value, *syntaxError) {
	args, values, err := b.buildAll(o.args)
	if err != nil {
		return nil, nil, err
	}
	shown := make([]string, len(values))
	out := &value{base: o.name}
	for i, v := range values {
		shown[i] = v.shown
		out.notes = append(out.notes, v.notes...)
		out.window = max(out.window, v.window)
	}
	out.shown = o.name + "(" + strings.Join(shown, ", ") + ")"
	fail := func(msg string) (expression, *value, *syntaxError) {
		return nil, nil, &syntaxError{msg: msg, at: o.at}
	}
	if o.arg != nil && o.name != "getopt" {
		return fail("transformer '" + o.name + "' does not support field arguments")
	}
	switch o.name {
	case "join":
		switch {
		case len(args) != 2:
			return fail("join() requires exactly 2 arguments: separator and list")
		case values[0].list:
			return fail("join() first argument (separator) must be a single value, not a list")
		case !values[1].list:
			return fail("join() second argument must be a list")
		case values[0].typ != tString || values[1].typ != tString:
			return fail("join() arguments must be strings")
		}
		return &joinExpr{args[0], args[1]}, out, nil
	case "concat":
		if len(args) < 2 {
			return fail("concat() requires at least 2 arguments")
		}
		for _, v := range values {
			if v.typ != tString || v.list {
				return fail("concat() arguments must be strings")
			}
		}
		return &listExpr{items: args, glue: true}, out, nil
	case "getopt":
		return b.getopt(o, args, values, out)
	}
	if len(args) != 1 {
		return fail("transformer '" + o.name + "' takes exactly one argument")
	}
	v := values[0]
	out.base = v.base
	if o.name == "len" && v.list || v.typ == tString {
		if o.name == "len" {
			out.typ = tUint
			return &lenExpr{args[0], v.list}, out, nil
		}
		out.list, out.nul = v.list, true
		return &mapExpr{args[0], mapper(o.name)}, out, nil
	}
	kind := "field"
	if v.list {
		kind = "list field"
	}
	return fail(fmt.Sprintf("can't add field transformer: type '%s' is not supported by '%s' transformer applied on %s '%s'",
		v.typ, o.name, kind, v.base))
}

func (b *builder) getopt(o *transform, args []expression, values []*value, out *value) (expression, *value, *syntaxError) {
	msg := ""
	switch {
	case len(args) != 2:
		msg = "getopt() requires exactly 2 arguments: args list and optstring"
	case !values[0].list:
		msg = "getopt() first argument must be a list"
	case values[1].list:
		msg = "getopt() second argument (optstring) must be a single value"
	case values[0].typ != tString || values[1].typ != tString:
		msg = "getopt() arguments must be strings"
	case o.arg != nil && len(*o.arg) != 1:
		msg = "getopt() field argument must be a single option character"
	}
	if msg != "" {
		return nil, nil, &syntaxError{msg: msg, at: o.at}
	}
	e := &getoptExpr{words: args[0], spec: args[1]}
	out.list = o.arg == nil
	if o.arg != nil {
		e.selector = (*o.arg)[0]
		out.shown += "[" + *o.arg + "]"
	}
	return e, out, nil
}

// fieldHint guesses which field was meant.
func (c *compiler) fieldHint(name string) string {
	if now, ok := strings.CutPrefix(name, "aws."); ok {
		return oldAWSField(now)
	}
	switch prefix, _, _ := strings.Cut(name, "."); prefix {
	case "proc", "fd", "user", "group", "container", "syscall", "thread", "k8s", "fs":
		return "a field of system calls, which logs do not have"
	case "evt":
		return "of evt. there are num, time, datetime, rawtime, reltime, source, pluginname, plugininfo, hostname and their forms"
	}
	if name == "ct.request.key" {
		return "write s3.key or json.value[/requestParameters/key]"
	}
	best, distance := "", 4
	for known := range c.src.fields {
		if d := rule.Distance(name, known, distance+1); d < distance || d == distance && known < best {
			best, distance = known, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "any value of the record can be read with json.value[/a/b]"
}

// oldAWSField names today's field for a field of Sysdig's older cloud rules.
func oldAWSField(name string) string {
	now := map[string]string{
		"eventName": "ct.name", "eventSource": "ct.src", "user": "ct.user", "region": "ct.region", "awsRegion": "ct.region",
		"sourceIP": "ct.srcip", "sourceIPAddress": "ct.srcip", "errorCode": "ct.error", "errorMessage": "ct.errormessage",
		"accountId": "ct.recipientaccountid", "recipientAccountId": "ct.recipientaccountid", "userAgent": "ct.useragent",
		"eventID": "ct.id", "eventTime": "ct.time", "readOnly": "ct.readonly", "userType": "ct.user.identitytype",
		"user.arn": "ct.user.arn", "user.type": "ct.user.identitytype", "userARN": "ct.user.arn",
	}[name]
	if now == "" {
		return "the fields aws. are no more: write json.value[/" + strings.ReplaceAll(name, ".", "/") + "] or a ct. field"
	}
	return "the fields aws. are no more: write " + now
}
