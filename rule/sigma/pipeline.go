package sigma

import (
	"embed"
	"maps"
	"path"
	"slices"
	"sync"

	"github.com/yagura-sec/yagura/rule"
)

// Pipeline is a processing pipeline in the form of pySigma: a list of
// transformations with the conditions under which each applies. Beyond pySigma,
// two custom attributes say what a logsource is here (see docs/sigma.md):
//
//	type: set_custom_attribute
//	attribute: yagura.formats      # the log formats that the rule judges
//	value: [aws.cloudtrail]
//
//	attribute: yagura.fold_fields  # true: field names are found without regard to case
type Pipeline struct {
	Name     string
	File     string
	Priority int
	items    []*pipeItem
	vars     map[string][]string
}

// The custom attributes that say what a logsource is.
const (
	attrFormats = "yagura.formats"
	attrFold    = "yagura.fold_fields"
)

// backend is the name by which a pipeline says that it is for this engine.
const backend = "yagura"

//go:embed pipelines/*.yml
var shipped embed.FS

// ShippedPipelines returns the pipelines that [Load] uses when it is given none:
// one for each product, in no special order.
func ShippedPipelines() []*Pipeline {
	files := ShippedPipelineFiles()
	out := make([]*Pipeline, len(files))
	var wg sync.WaitGroup
	for i, f := range files {
		wg.Go(func() {
			p, refusals := ParsePipeline(f)
			if p == nil {
				panic(refusals[0].Error()) // a test parses them all
			}
			out[i] = p
		})
	}
	wg.Wait()
	return out
}

// ShippedPipelineFiles returns the text of the shipped pipelines, so that a user
// can start from it.
func ShippedPipelineFiles() []rule.File {
	var out []rule.File
	entries, err := shipped.ReadDir("pipelines")
	if err != nil {
		panic(err) // the folder is embedded
	}
	for _, e := range entries {
		name := path.Join("pipelines", e.Name())
		data, err := shipped.ReadFile(name)
		if err != nil {
			panic(err) // so are its files
		}
		out = append(out, rule.File{Path: name, Data: data})
	}
	return out
}

// pipeItem is one transformation with its conditions.
type pipeItem struct {
	id       string
	place    string // pipeline and place, for refusals of rules
	rules    condSet[*document]
	details  condSet[*item]
	names    condSet[fieldName]
	apply    func(p *pass, d *document, it *pipeItem) *fault
	children []*pipeItem // of nest
}

// fieldName is a field name in the item that holds it (nil for a correlation's).
type fieldName struct {
	name string
	item *item
	doc  *document
}

// condSet is a set of conditions: all of them, one of them, or an expression.
type condSet[T any] struct {
	list  []func(T) bool
	names []string
	expr  cond
	any   bool
	not   bool
}

func (s *condSet[T]) match(x T) bool {
	if len(s.list) == 0 {
		return true
	}
	var held bool
	switch {
	case s.expr != nil:
		held = s.eval(s.expr, x)
	case s.any:
		held = slices.ContainsFunc(s.list, func(c func(T) bool) bool { return c(x) })
	default:
		held = !slices.ContainsFunc(s.list, func(c func(T) bool) bool { return !c(x) })
	}
	return held != s.not
}

func (s *condSet[T]) eval(e cond, x T) bool {
	switch e := e.(type) {
	case condAnd:
		return !slices.ContainsFunc(e, func(y cond) bool { return !s.eval(y, x) })
	case condOr:
		return slices.ContainsFunc(e, func(y cond) bool { return s.eval(y, x) })
	case condNot:
		return !s.eval(e.x, x)
	case condName:
		return s.list[slices.Index(s.names, string(e))](x)
	}
	return false
}

// pass is one run of the pipelines over one rule.
type pass struct {
	vars    map[string][]string
	state   map[string]string
	applied map[string]bool
	mapped  map[string]bool // names of fields that were mapped, before and after
	// placeholders are those of the options, which need no transformation.
	placeholders map[string][]string
}

// run rewrites a rule by the pipelines, in the order of their priority.
func run(pipelines []*Pipeline, d *document, placeholders map[string][]string) *fault {
	ordered := slices.Clone(pipelines)
	slices.SortStableFunc(ordered, func(a, b *Pipeline) int { return a.Priority - b.Priority })
	p := &pass{vars: map[string][]string{}, state: map[string]string{}, applied: map[string]bool{}, mapped: map[string]bool{}, placeholders: placeholders}
	for _, x := range ordered {
		maps.Copy(p.vars, x.vars)
	}
	maps.Copy(p.vars, placeholders)
	d.pass = p
	for _, x := range ordered {
		if f := p.items(x.items, d); f != nil {
			return f
		}
	}
	return nil
}

func (p *pass) items(items []*pipeItem, d *document) *fault {
	for _, it := range items {
		if !it.rules.match(d) {
			continue
		}
		if f := it.apply(p, d, it); f != nil {
			if f.at.Line == 0 {
				f.at = d.at
			}
			if it.children == nil { // or else the place of one of them is there
				f.reason = it.place + ": " + f.reason
			}
			return f
		}
		if it.id != "" {
			p.applied[it.id] = true
		}
	}
	return nil
}
