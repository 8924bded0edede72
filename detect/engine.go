package detect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// Options configure an Engine.
type Options struct {
	// NoIndex judges every record by every rule of its format. The hits are the same;
	// it is there to prove that.
	NoIndex bool
	// Windows bounds the evaluation of correlations.
	Windows WindowOptions
}

// Engine judges records by a fixed set of rules. It is safe for concurrent use; each
// goroutine has its own [Matcher].
type Engine struct {
	options Options
	rules   []*rule.Rule
	info    []ruleInfo
	corrs   []*correlation
	mu      sync.RWMutex
	formats map[string]*formatRules

	keyOnce  sync.Once // see keys
	byKey    map[yagura.Key]int
	corrKeys []yagura.Key
}

// ruleInfo is what the engine knows of a rule apart from its condition.
type ruleInfo struct {
	ref    yagura.RuleRef
	key    string // what ids are made of
	digest [16]byte
	scope  string // the rule's part of a cause key
	finds  bool   // makes findings of its own
	feeds  []feed // correlations that it is a base of
}

// feed says that a rule is the base-th base rule of a correlation.
type feed struct {
	corr int
	base int
}

// New makes an Engine. Base rules that correlations refer to and that are not in
// rules themselves are judged too, silently. The error names the rule that cannot
// be compiled.
func New(rules []*rule.Rule, o Options) (*Engine, error) {
	e := &Engine{options: o, formats: map[string]*formatRules{}}
	number := map[*rule.Rule]int{}
	var add func(r *rule.Rule, finds bool, chain []*rule.Rule) error
	add = func(r *rule.Rule, finds bool, chain []*rule.Rule) error {
		if slices.Contains(chain, r) {
			return fmt.Errorf("%s: rule %q: the correlation refers to itself", r.File, r.Title)
		}
		if i, ok := number[r]; ok {
			e.info[i].finds = e.info[i].finds || finds
			return nil
		}
		if r.Correlation != nil {
			for _, base := range r.Correlation.Rules {
				if err := add(base, false, append(chain, r)); err != nil {
					return err
				}
			}
		} else if err := checkRule(r); err != nil {
			return fmt.Errorf("%s: rule %q: %w", r.File, r.Title, err)
		}
		number[r] = len(e.rules)
		e.rules = append(e.rules, r)
		e.info = append(e.info, newInfo(r, finds))
		return nil
	}
	for _, r := range rules {
		if r.Disabled {
			continue
		}
		if err := add(r, !r.Silent, nil); err != nil {
			return nil, err
		}
	}
	e.resolve()
	for i, r := range e.rules {
		if r.Correlation == nil {
			continue
		}
		c, err := e.newCorrelation(i, number)
		if err != nil {
			return nil, fmt.Errorf("%s: rule %q: %w", r.File, r.Title, err)
		}
		e.corrs = append(e.corrs, c)
	}
	return e, nil
}

func checkRule(r *rule.Rule) error {
	if r.When == nil {
		return fmt.Errorf("no condition")
	}
	formats := slices.Sorted(maps.Keys(r.Variants))
	if !r.Checked {
		formats = append(formats, "")
	}
	for _, format := range formats {
		if _, err := compileRule(query.NewSet(slot.NewBuilder()), r.On(format)); err != nil {
			return err
		}
	}
	if r.EffectiveSeverity() == 0 {
		return fmt.Errorf("severity is empty")
	}
	return nil
}

func newInfo(r *rule.Rule, finds bool) ruleInfo {
	tags := r.Tags
	if tags == nil {
		tags = []string{}
	}
	in := ruleInfo{finds: finds, key: r.ID,
		ref: yagura.RuleRef{ID: r.ID, Title: r.Title, Engine: r.Engine, File: r.File, Tags: tags}}
	if in.key == "" {
		in.key = r.File + "#" + r.Title
	}
	in.scope = in.key
	in.digest = digest("event", []byte(in.key))
	return in
}

// resolve gives a rule that resolves exactly one other, or is noted by it, that one's
// scope, so that their findings about one thing have the same cause key.
func (e *Engine) resolve() {
	targets := map[string][]string{}
	for i, r := range e.rules {
		for _, by := range []string{r.SideCar.ResolvedBy, r.SideCar.NotedBy} {
			if by != "" && !slices.Contains(targets[by], e.info[i].key) {
				targets[by] = append(targets[by], e.info[i].key)
			}
		}
	}
	for i, r := range e.rules {
		for _, name := range []string{r.ID, r.Title} {
			if t := targets[name]; name != "" && len(t) == 1 {
				e.info[i].scope = t[0]
			}
		}
	}
	e.join()
}

// join gives a rule that joins another that one's scope. A chain of rules that join is
// followed to its end; one that leads back to itself joins nothing.
func (e *Engine) join() {
	byWord := map[string]int{}
	for i, r := range e.rules {
		byWord[r.Title] = i
	}
	for i, r := range e.rules {
		byWord[r.ID] = i
	}
	for i, r := range e.rules {
		to, steps := r, 0
		for to.SideCar.Joins != "" && steps <= len(e.rules) {
			at, ok := byWord[to.SideCar.Joins]
			if !ok {
				break
			}
			to, steps = e.rules[at], steps+1
		}
		if at, ok := byWord[to.ID]; ok && steps > 0 && steps <= len(e.rules) {
			e.info[i].scope = e.info[at].scope
		}
	}
}

// Rules lists the rules of e, base rules included, in the order of their numbers.
func (e *Engine) Rules() []*rule.Rule { return e.rules }

// formatRules are the rules of one format, compiled for its records when the first
// of them comes: a set of rules that judge every format costs memory only for the
// formats that there are.
type formatRules struct {
	once    sync.Once
	name    string
	builder *slot.Builder
	pending []int32 // numbers of the rules
	set     *query.Set
	rules   []compiled // in the order of the engine's rules
	index   index
	counted []query.FieldID // what counted records have, see [rule.Rule].Counted; empty where no rule asks
}

// compiled is one rule for one format.
type compiled struct {
	num      int32 // of the rule
	prog     *query.Program
	captures []query.FieldID
	output   []query.FieldID
	cause    []part
	former   [][]part        // by SideCar.FormerCauseKeys
	alias    []part          // by SideCar.CauseAlias
	entries  [][]slot.ID     // by SideCar.Entries
	entities []query.FieldID // by SideCar.Entities
	fields   []query.FieldID // by Rule.Fields
	counted  []query.FieldID // Rule.Counted
}

// part is one part of a cause key: a header word or a field.
type part struct {
	word   string
	header bool
	field  query.FieldID
	except string // the value that counts as none
}

// Want asks b for the fields that the rules read of records of a format. It is to
// be given to decode.Options, which calls it once for a format, before its first record;
// an Engine serves one Decoder. b must not be used for more once that record is judged.
func (e *Engine) Want(format string, b *slot.Builder) {
	f := &formatRules{name: format, builder: b}
	for i, r := range e.rules {
		if r.When == nil || r.Formats != nil && !slices.Contains(r.Formats, format) {
			continue
		}
		f.pending = append(f.pending, int32(i))
		r = r.On(format)
		query.Want(r.When, b)
		for _, fd := range extraFields(r) {
			query.WantField(fd, b)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.formats[format] = f
}

// compile compiles the rules of a format.
func (f *formatRules) compile(e *Engine) {
	slots := f.builder.Len()
	f.set = query.NewSet(f.builder)
	for _, num := range f.pending {
		r := e.rules[num].On(f.name)
		c, err := compileRule(f.set, r)
		if err != nil || f.builder.Len() != slots {
			// New has compiled every rule already, and Want has asked for its fields.
			panic(fmt.Sprintf("detect: %s: rule %q: %d slots, want %d: %v", r.File, r.Title, f.builder.Len(), slots, err))
		}
		c.num = num
		f.rules = append(f.rules, c)
		if f.counted == nil {
			f.counted = c.counted
		}
	}
	f.index = newIndex(f, e.options.NoIndex)
	f.set.Seal()
	f.builder, f.pending = nil, nil
}

// extraFields lists what is read for a rule apart from its condition.
func extraFields(r *rule.Rule) []query.Field {
	out := slices.Concat(r.Captures, r.Fields)
	if r.Counted != nil {
		out = append(out, *r.Counted)
	}
	if r.Output != nil {
		out = append(out, r.Output.Fields()...)
	}
	for _, name := range r.SideCar.FieldNames() {
		out = append(out, fieldNamed(r, name))
	}
	return out
}

func compileRule(set *query.Set, r *rule.Rule) (compiled, error) {
	var c compiled
	prog, err := set.Add(r.When)
	if err != nil {
		return c, err
	}
	c.prog = prog
	ask := func(list ...query.Field) []query.FieldID {
		var ids []query.FieldID
		for _, fd := range list {
			id, ferr := set.Field(fd)
			if ferr != nil {
				err = ferr
			}
			ids = append(ids, id)
		}
		return ids
	}
	c.captures = ask(r.Captures...)
	c.fields = ask(r.Fields...)
	if r.Counted != nil {
		c.counted = ask(*r.Counted)
	}
	if r.Output != nil {
		c.output = ask(r.Output.Fields()...)
	}
	parts := func(list []string) (out []part) {
		for _, entry := range list {
			word, name := rule.CausePart(entry)
			p := part{word: word, header: isHeaderWord(word), except: rule.CauseExcept(entry)}
			if !p.header {
				p.field = ask(fieldNamed(r, name))[0]
			}
			out = append(out, p)
		}
		return out
	}
	c.cause = parts(r.SideCar.CauseKey)
	for _, list := range r.SideCar.FormerCauseKeys {
		c.former = append(c.former, parts(list))
	}
	c.alias = parts(r.SideCar.CauseAlias)
	for _, list := range r.SideCar.Entries {
		var slots []slot.ID
		for _, name := range list {
			slots = append(slots, set.Slots(ask(fieldNamed(r, name))[0])...)
		}
		c.entries = append(c.entries, slots)
	}
	for _, x := range r.SideCar.Entities {
		c.entities = append(c.entities, ask(fieldNamed(r, x.Field))...)
	}
	return c, err
}

// fieldNamed returns the field that a side-car names: that of the rule with the same
// name, with its aliases, or else the path that the name spells with dots.
func fieldNamed(r *rule.Rule, name string) query.Field {
	for _, list := range [...][]query.Field{r.Fields, r.SideFields} {
		for _, f := range list {
			if f.Name == name {
				return f
			}
		}
	}
	return query.Field{Name: name, Paths: []slot.Path{slot.Keys(strings.Split(name, ".")...)}}
}
