package falco

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/rule"
)

// Options configure [Load].
type Options struct {
	// Config is what falco.yaml says, nil without one.
	Config *Config
	// Hostname is the value of evt.hostname; without it the field has none.
	Hostname string
	// SideFields names fields that overlays read from the events of rules.
	SideFields []string
	// Strict says what Falco says and we do not otherwise: unused lists and macros,
	// and after the first fault of a file nothing, the rest of that file refused with
	// it. It serves comparison with Falco.
	Strict bool
}

// Load compiles the rules of files. Lists, macros and rules are shared by all files
// and may be appended to and overridden by a later one, so order matters: it is the
// order of files, or that of rules_files in falco.yaml. Each fault refuses the one
// rule that has it. Rules come in the order of their first definition.
func Load(files []rule.File, opts Options) ([]*rule.Rule, []rule.Refusal) {
	l := &loader{
		opts: opts, sources: eventSources(opts), gke: gkeSource(opts), mem: &memory{},
		lists: map[string]*listDef{}, macros: map[string]*macroDef{}, rules: map[string]*ruleDef{},
		badLists: map[string]bool{}, badMacros: map[string]bool{}, badRules: map[string]bool{},
		badFiles: map[string]bool{}, resolved: map[*macroDef]node{}, modern: map[string]map[string]bool{},
	}
	unnamed := func(msg string, at place) { l.warn("", "", msg, "", at) }
	for _, f := range opts.Config.order(files, unnamed) {
		l.readFile(f)
		if opts.Strict && l.failed() {
			return nil, l.refusals
		}
	}
	l.sayEarly()
	rules := l.compile()
	if opts.Strict && l.failed() {
		return nil, l.refusals
	}
	return rules, l.refusals
}

// loader holds everything that files define, in the order of definition.
type loader struct {
	opts     Options
	sources  map[string]*eventSource
	gke      *eventSource // of rules for k8s_audit
	mem      *memory
	refusals []rule.Refusal

	counter    int
	lists      map[string]*listDef
	listOrder  []*listDef
	macros     map[string]*macroDef
	macroOrder []*macroDef
	resolved   map[*macroDef]node // macros with the macros in them put in
	rules      map[string]*ruleDef
	ruleOrder  []*ruleDef

	// Names whose definition or append was refused, and files that require what we
	// are not.
	badLists, badMacros, badRules, badFiles map[string]bool
	// What conditions have taken of maxText and maxParts.
	written, parts int
	// early are the changes of what no file before them defines.
	early []earlyChange
	// modern holds, for each file, the sources that its rules name.
	modern map[string]map[string]bool
}

// failed says whether anything was refused in Falco's eyes.
func (l *loader) failed() bool {
	return slices.ContainsFunc(l.refusals, func(r rule.Refusal) bool { return isError(r.Code) })
}

// isError says whether a code is one of Falco's errors.
func isError(code string) bool {
	return slices.Contains([]string{codeYAMLParse, codeYAMLValidate, codeCompileCond, codeCompileOutput, codeValidate}, code)
}

// refuse says a fault of the named rule, "" for none.
func (l *loader) refuse(name string, f *fault) { l.say(name, f, false) }

// warn says something about a rule that is loaded all the same.
func (l *loader) warn(name, code, msg, hint string, at place) {
	l.say(name, &fault{code, msg, hint, at}, true)
}

func (l *loader) say(name string, f *fault, warning bool) {
	r := rule.Refusal{Rule: name, Code: f.code, Reason: f.msg, Hint: f.hint, Warning: warning}
	if f.at.frag != nil && f.at.frag.file != nil {
		r.File = f.at.frag.file.path
		r.Line, r.Column = f.at.where()
	}
	l.refusals = append(l.refusals, r)
}

func (l *loader) next() int {
	l.counter++
	return l.counter - 1
}

func (l *loader) readFile(f rule.File) {
	items, faults := readEntries(f.Path, f.Data)
	for _, bad := range faults {
		l.refuse("", bad)
		if l.opts.Strict {
			return
		}
	}
	for _, item := range items {
		l.readItem(item)
		if l.opts.Strict && l.failed() {
			return
		}
	}
}

// readItem reads one item of a file's list.
func (l *loader) readItem(e entry) {
	r := reader{e.src, e.node}
	if e.node.Kind != yaml.MappingNode {
		l.refuse("", &fault{
			codeYAMLValidate, "Unexpected element type. Each element should be a yaml associative array.", "",
			e.src.nodeAt(e.node),
		})
		return
	}
	kind, name := "", ""
	for _, k := range []string{"required_engine_version", "required_plugin_versions", "list", "macro", "rule"} {
		if _, v := get(e.node, k); v != nil {
			kind, name = k, v.Value
			break
		}
	}
	bad := catch(func() {
		switch kind {
		case "required_engine_version":
			l.engineVersion(r)
		case "required_plugin_versions":
			l.pluginVersions(r)
		case "list":
			l.readList(r)
		case "macro":
			l.readMacro(r)
		case "rule":
			l.readRule(r)
		default:
			l.warn("", codeUnknownItem, "Unknown top level item", "an item is a rule, macro, list, required_engine_version or "+
				"required_plugin_versions", e.src.nodeAt(e.node))
		}
	})
	if bad == nil {
		return
	}
	if slices.Contains([]string{msgNoRuleAppend, msgNoRuleReplace, msgNoMacro, msgNoList}, bad.msg) {
		l.early = append(l.early, earlyChange{len(l.refusals), kind, name})
	}
	switch kind {
	case "required_engine_version", "required_plugin_versions":
		l.badFiles[e.src.path] = true
		bad.hint = "the rules of this file are refused with it"
		name = ""
	case "list":
		l.badLists[name] = true
		name = ""
	case "macro":
		l.badMacros[name] = true
		name = ""
	case "rule":
		l.badRules[name] = true
		if prev := l.rules[name]; prev != nil {
			prev.bad = true
			if bad.hint == "" {
				bad.hint = "the rule that it changes is refused with it"
			}
		}
	}
	l.refuse(name, bad)
}

// earlyChange is a refused change of something that was not defined yet.
type earlyChange struct {
	refusal    int // index into the refusals
	kind, name string
}

// sayEarly says where the things are defined that were changed too early.
func (l *loader) sayEarly() {
	for _, e := range l.early {
		var at place
		switch e.kind {
		case "rule":
			if d := l.rules[e.name]; d != nil {
				at = d.at
			}
		case "macro":
			if m := l.macros[e.name]; m != nil {
				at = m.at
			}
		case "list":
			if d := l.lists[e.name]; d != nil {
				at = d.at
			}
		}
		if at.frag == nil || l.refusals[e.refusal].Hint != "" {
			continue
		}
		hint := "it is defined further down"
		if file := at.frag.file.path; file != l.refusals[e.refusal].File {
			hint = "it is defined in " + file + ", which is read later: a folder is read in the order of its names; name the files one by one, or give a falco.yaml"
		}
		l.refusals[e.refusal].Hint = hint
	}
}

// unknownKeys warns of keys that mean nothing.
func (l *loader) unknownKeys(r reader, name string, known []string) {
	for i := 0; i < len(r.item.Content); i += 2 {
		if k := deref(r.item.Content[i]); !slices.Contains(known, k.Value) {
			l.warn(name, codeUnknownKey, "Unknown key '"+k.Value+"'. The key will be ignored.", closest(k.Value, known), r.src.nodeAt(k))
		}
	}
}

// closest says which of words is meant, "" if none is near.
func closest(got string, words []string) string {
	for i, w := range words {
		if i == 1000 {
			break // who reads so many refusals needs no hint
		}
		if d := rule.Distance(got, w, 3); d > 0 && d < 3 {
			return "did you mean " + w + "?"
		}
	}
	return ""
}

// appends says whether an item of a list or macro is an append, in either form.
func (l *loader) appends(r reader, name, key string) bool {
	old := r.flagOr("append", false)
	if old {
		l.warn(name, codeDeprecated, msgAppend, "", r.at("append"))
	}
	appends, replaces := r.overrides([]string{key}, []string{key})
	if old && len(appends)+len(replaces) > 0 {
		r.fail(codeYAMLValidate, r.item, "%s", msgOverrideAppend)
	}
	return old || appends[key]
}

func (l *loader) readList(r reader) {
	name := r.string("list")
	at := r.src.nodeAt(r.item)
	if !listName(name) {
		l.warn("", codeInvalidList, msgInvalidList, "", at)
	}
	l.unknownKeys(r, "", listKeys())
	items := r.strings("items")
	prev := l.lists[name]
	if l.appends(r, "", "items") {
		if prev == nil {
			r.fail(codeValidate, r.item, "%s", msgNoList)
		}
		prev.items = append(prev.items, items...)
		prev.visibility = l.next()
		return
	}
	id := l.next()
	delete(l.badLists, name)
	if prev != nil {
		prev.items, prev.visibility, prev.at = items, id, at
		return
	}
	if len(l.listOrder) >= maxNames {
		r.fail(codeValidate, r.item, "more than %d lists", maxNames)
	}
	d := &listDef{name: name, items: items, index: id, visibility: id, at: at}
	l.lists[name] = d
	l.listOrder = append(l.listOrder, d)
}

func (l *loader) readMacro(r reader) {
	name := r.string("macro")
	at := r.src.nodeAt(r.item)
	p := newParser(text{s: name})
	if !p.ident() || p.pos != len(name) {
		l.warn("", codeInvalidMacro, msgInvalidMacro, "", at)
	}
	l.unknownKeys(r, "", macroKeys())
	cond := r.text("condition")
	prev := l.macros[name]
	if l.appends(r, "", "condition") {
		if prev == nil {
			r.fail(codeValidate, r.item, "%s", msgNoMacro)
		}
		prev.cond.then(cond)
		prev.visibility = l.next()
		return
	}
	id := l.next()
	delete(l.badMacros, name)
	if prev != nil {
		prev.cond, prev.visibility, prev.at = glued(cond), id, at
		return
	}
	if len(l.macroOrder) >= maxNames {
		r.fail(codeValidate, r.item, "more than %d macros", maxNames)
	}
	d := &macroDef{name: name, cond: glued(cond), index: id, visibility: id, at: at}
	l.macros[name] = d
	l.macroOrder = append(l.macroOrder, d)
}

// listName says whether a name can stand for a list in a condition.
func listName(name string) bool {
	p := newParser(text{s: name})
	return p.bare() && p.pos == len(name)
}
