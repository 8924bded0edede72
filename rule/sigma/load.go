package sigma

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// Options say how rules are read.
type Options struct {
	// Pipelines map logsources to formats and field names; nil means
	// [ShippedPipelines], an empty list none.
	Pipelines []*Pipeline
	// NoRouting makes every rule judge every format, whatever its logsource. Field
	// names are mapped all the same.
	NoRouting bool
	// Placeholders holds the values of placeholders (%name% under the modifier
	// expand), by name without percent signs. Values may hold wildcards.
	Placeholders map[string][]string
	// Optional names placeholders that may have no value: a rule that reads one is whole, and
	// disabled until it has.
	Optional []string
	// SideFields names fields that overlays read from the events of rules.
	SideFields []string
}

// Load reads rule files. All files of a rule set must be given at once:
// correlations and filters refer to rules in other files. A document with a fault
// is refused alone. Rules stand in the order of their documents; a rule on which
// a correlation is built stands in the list too, silent unless the correlation
// says generate.
func Load(files []rule.File, opts Options) ([]*rule.Rule, []rule.Refusal) {
	l := &loader{opts: opts, usual: opts.Pipelines == nil}
	for _, values := range opts.Placeholders {
		l.usual = l.usual && len(values) == 0
	}
	if opts.Pipelines == nil {
		l.opts.Pipelines = ShippedPipelines()
	}
	l.optional()
	parts := make([]loader, len(files))
	parallel(len(files), func(i int) {
		parts[i] = l.part()
		parts[i].read(files[i], readFile(files[i]))
	})
	for i := range parts {
		l.docs = append(l.docs, parts[i].docs...)
		l.filters = append(l.filters, parts[i].filters...)
		l.told(&parts[i])
	}
	l.twice()
	l.filter()
	l.detections()
	l.correlate()
	l.wait()
	var rules []*rule.Rule
	for _, d := range l.docs {
		if d.rule != nil {
			rules = append(rules, d.rule)
		}
	}
	return rules, l.refusals
}

// loader holds what is known between the steps of Load.
type loader struct {
	opts     Options
	docs     []*document // detection rules and correlations, in order
	filters  []*document
	refused  []*document // for correlations that name them
	refusals []rule.Refusal
	unset    []string // optional placeholders without a value
	// usual says that the rules are read as they were proven: by the shipped pipelines, and
	// no placeholder has a value of the user's.
	usual bool
}

func (l *loader) refuse(d *document, f *fault) {
	l.refusals = append(l.refusals, f.refusal(d.file, d.label()))
	l.refused = append(l.refused, d)
}

func (l *loader) warn(d *document, f *fault) {
	r := f.refusal(d.file, d.label())
	r.Warning = true
	l.refusals = append(l.refusals, r)
}

// fileDocuments are the documents of one file.
type fileDocuments struct {
	docs  []parsed
	fault *fault
	// proven says that they are from a tree: whoever wrote it had the rules compiled.
	proven bool
}

func readFile(f rule.File) fileDocuments {
	if len(f.Tree) > 0 {
		if docs, err := readTree(f.Tree); err == nil {
			return fileDocuments{docs: legacy(docs), proven: true}
		} // without it, the file is read as any other
	}
	docs, flt := documents(f.Data)
	return fileDocuments{docs: legacy(docs), fault: flt}
}

// read sorts the documents of one file.
func (l *loader) read(f rule.File, t fileDocuments) {
	for _, d := range t.docs {
		l.document(f.Path, d, t.proven)
	}
	if t.fault != nil {
		l.refusals = append(l.refusals, t.fault.refusal(f.Path, ""))
	}
	if len(t.docs) == 0 && t.fault == nil {
		l.refusals = append(l.refusals, rule.Refusal{File: f.Path, Reason: "the file holds no rule", Warning: true})
	}
}

func (l *loader) document(file string, doc parsed, proven bool) {
	n := doc.root
	d := &document{file: file, node: n, proven: proven, at: spanOf(n), attributes: map[string][]string{}}
	if doc.fault != nil {
		d.meta.id, d.meta.name, d.meta.title = text(get(n, "id")), text(get(n, "name")), text(get(n, "title"))
		l.refuse(d, doc.fault)
		return
	}
	if n.Kind != yaml.MappingNode {
		l.refuse(d, faultNode(n, "write title, logsource and detection", "the document is not a map"))
		return
	}
	warnings, f := readMeta(d)
	for _, w := range warnings {
		l.warn(d, w)
	}
	if f != nil {
		l.refuse(d, f)
		return
	}
	kinds := 0
	for _, key := range []string{"detection", "correlation", "filter"} {
		if get(n, key) != nil {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		l.refuse(d, faultNode(n, "write one document for each", "the document has more than one of detection, correlation and filter"))
	case get(n, "correlation") != nil:
		if x := get(n, "logsource"); x != nil {
			l.warn(d, faultNode(x, "drop it", "the logsource of a correlation is not looked at: those of its rules are"))
		}
		l.docs = append(l.docs, d)
	case get(n, "filter") != nil:
		if f := l.readFilter(d); f != nil {
			l.refuse(d, f)
			return
		}
		l.filters = append(l.filters, d)
	case get(n, "detection") != nil:
		if f := l.readDetection(d); f != nil {
			l.refuse(d, f)
			return
		}
		l.docs = append(l.docs, d)
	default:
		hint := "write detection:, correlation: or filter:"
		for i := 0; i+1 < len(n.Content); i += 2 {
			if m := nearest(n.Content[i].Value, []string{"detection", "correlation", "filter"}); m != "" {
				hint = m
			}
		}
		l.refuse(d, faultNode(n, hint, "the document is neither a rule nor a correlation nor a filter"))
	}
}

// twice warns of ids that two rules have: their findings cannot be told apart.
func (l *loader) twice() {
	first := map[string]*document{}
	for _, d := range l.docs {
		id := strings.ToLower(d.meta.id)
		if id == "" {
			continue
		}
		if other := first[id]; other != nil {
			l.warn(d, faultNode(get(d.node, "id"), "give one of them another id", "%s:%d has the same id", other.file, other.at.Line))
			continue
		}
		first[id] = d
	}
}

func (l *loader) readDetection(d *document) *fault {
	var f *fault
	if d.logsource, f = readLogsource(d.node); f != nil {
		return f
	}
	r := &reader{arrays: d.arrays, placeholders: l.opts.Placeholders}
	d.det, f = r.detections(get(d.node, "detection"), "detection", "timeframe")
	if f != nil {
		return f
	}
	if n := get(get(d.node, "detection"), "timeframe"); n != nil {
		r.warnings = append(r.warnings, faultNode(n, "write a correlation rule with a timespan that refers to this rule",
			"timeframe means nothing without an aggregation of before Sigma 2: the rule looks at single events"))
	}
	for _, w := range append(r.warnings, logsourceWarnings(d.node)...) {
		l.warn(d, w)
	}
	return nil
}

// detections compiles the rules, on as many processors as there are. What is said of them
// is in the order of their documents all the same.
func (l *loader) detections() {
	parts := make([]loader, len(l.docs))
	parallel(len(l.docs), func(i int) {
		if d := l.docs[i]; d.det != nil {
			parts[i] = l.part()
			parts[i].detection(d)
		}
	})
	for i := range parts {
		l.told(&parts[i])
	}
}

// part is a loader for some of the files or documents, on a goroutine of its own.
func (l *loader) part() loader { return loader{opts: l.opts, unset: l.unset, usual: l.usual} }

// told takes over what a part of the work refused or warned of.
func (l *loader) told(part *loader) {
	l.refused = append(l.refused, part.refused...)
	l.refusals = append(l.refusals, part.refusals...)
}

// parallel calls do for each number below n, on as many processors as there are, and few
// calls on one.
func parallel(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), max(1, n/32)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// detection runs the pipelines over a rule and compiles it.
func (l *loader) detection(d *document) {
	if f := l.compile(d); f != nil {
		d.rule = nil
		l.refuse(d, f)
	}
}

func (l *loader) compile(d *document) *fault {
	named := d.logsource.String()
	if f := run(l.opts.Pipelines, d, l.opts.Placeholders); f != nil {
		return f
	}
	c := &compiler{fold: d.folds()}
	when, f := c.compile(d.det)
	if f != nil {
		return f
	}
	if !d.proven || !l.usual {
		if err := query.Check(when); err != nil {
			return faultAt(d.at, "", "%v", err)
		}
	}
	r := d.newRule()
	r.When, r.Checked = when, true
	for _, name := range c.order {
		r.Fields = append(r.Fields, c.fields[name])
	}
	if f := l.sideCar(d, r); f != nil {
		return f
	}
	r.SideFields = d.sideFields(r, slices.Concat(r.SideCar.FieldNames(), l.opts.SideFields))
	if !l.opts.NoRouting {
		// A rule of a logsource that no pipeline knows judges no format: an empty list,
		// where nil would mean every one.
		r.Formats = append([]string{}, d.attributes[attrFormats]...)
		if len(r.Formats) == 0 {
			l.warn(d, faultNode(get(d.node, "logsource"), "give a pipeline that sets "+attrFormats+", or scan without routing",
				"no pipeline knows the logsource %s: the rule judges no log", named))
		}
	}
	r.Waits = l.waits(get(d.node, "detection"))
	r.Disabled = len(r.Waits) > 0
	d.rule = r
	return nil
}

// sideCar reads the key yagura of a rule.
func (l *loader) sideCar(d *document, r *rule.Rule) *fault {
	n := get(d.node, "yagura")
	if n == nil {
		return nil
	}
	car, words, refusals := rule.ParseSideCar(n, d.file)
	for i, x := range refusals {
		if !x.Warning {
			// The first fault refuses the rule; the others are told beside it.
			l.tell(d, refusals[i+1:])
			return &fault{at: query.Span{Line: x.Line, Column: x.Column}, reason: x.Reason, hint: x.Hint}
		}
		l.tell(d, refusals[i:i+1])
	}
	r.SideCar, r.Japanese = car, words
	return nil
}

// sideFields resolves those names of fields that pipelines map and the rule does not
// read itself: a side-car means the same fields as the rule, in whatever shape of the
// log they come.
func (d *document) sideFields(r *rule.Rule, names []string) []query.Field {
	var out []query.Field
	for _, name := range names {
		named := func(f query.Field) bool { return f.Name == name }
		if slices.ContainsFunc(r.Fields, named) || slices.ContainsFunc(out, named) {
			continue
		}
		if mapped := d.mapped(name, d.arrays); len(mapped) == 1 && mapped[0] == name && !d.folds() {
			continue
		}
		if f, fault := d.captured(name, d.at, false); fault == nil {
			out = append(out, f)
		}
	}
	return out
}

func (l *loader) tell(d *document, refusals []rule.Refusal) {
	for _, x := range refusals {
		x.Rule = d.label()
		l.refusals = append(l.refusals, x)
	}
}

// find returns the documents that a reference means: those of its id or name, else
// those of its title.
func (l *loader) find(ref string) []*document {
	var exact, titled []*document
	for _, d := range l.docs {
		switch {
		case !d.is(ref):
		case ref == d.meta.title && ref != d.meta.name && ref != d.meta.id:
			titled = append(titled, d)
		default:
			exact = append(exact, d)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return titled
}

// refers resolves a reference to one document.
func (l *loader) refers(ref string, at query.Span) (*document, *fault) {
	found := l.find(ref)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, faultAt(at, "refer by id", "%q means %d rules: %s", ref, len(found), places(found))
	}
	for _, d := range l.refused {
		if d.is(ref) {
			return nil, faultAt(at, "mend that rule first", "the rule %q was refused (%s:%d)", ref, d.file, d.at.Line)
		}
	}
	var names []string
	for _, d := range l.docs {
		names = append(names, d.meta.name, d.meta.title)
	}
	slices.Sort(names)
	hint := nearest(ref, slices.Compact(names))
	if hint == "" {
		hint = "load the file of the rule too"
	}
	return nil, faultAt(at, hint, "no rule has the id, name or title %q", ref)
}

func places(docs []*document) string {
	var out []string
	for _, d := range docs {
		out = append(out, fmt.Sprintf("%s:%d", d.file, d.at.Line))
		if len(out) == 4 && len(docs) > 4 {
			out = append(out, "…")
			break
		}
	}
	return strings.Join(out, ", ")
}
