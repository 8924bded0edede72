package app

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/falco"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// RuleOptions say which rules are loaded and how they are read.
type RuleOptions struct {
	// Paths are files and folders of rules; none means the shipped detections, and
	// [Shipped] among them adds these; [Unusual] adds the rules about what is unusual.
	Paths []string
	// Overlays are files and folders of overlays for whatever rules are loaded. They
	// come after those that stand among the rules, so they win.
	Overlays []string
	// Pipelines are files of processing pipelines, in place of the shipped ones;
	// [Shipped] among them keeps these.
	Pipelines []string
	// Formats are the log types that are known, as [LoadMappings] returns them: a Sigma
	// rule whose logsource is product acme, service vpn judges the format acme.vpn of
	// a mapping file. Nil means the built-in ones.
	Formats      []*decode.Format
	Placeholders map[string][]string
	NoRouting    bool
	// Files are rules that are at hand, beside Paths. With them, no Paths are none.
	Files []rule.File
	// Data is the data folder of a service, "" for none: the rules that were made in the console
	// stand in its folder rules, and what was tuned there in tuned.yaml, which comes last.
	Data string
	// Strict has a service not start when a rule is refused.
	Strict bool
	// FalcoConfig is an existing falco.yaml: its order of rules_files, its rule_matching
	// and what it enables, disables and adds to outputs hold, and without Paths its
	// rules_files are what is loaded.
	FalcoConfig string
	// Check compiles the queries of rules on a schedule; nil: for the tables of the lake alone,
	// without watchlists and what the store has.
	Check sentinel.Checker
}

// Rules is what was loaded.
type Rules struct {
	Rules []*rule.Rule
	// Disabled are the rules that could run and do not, because their file or falco.yaml
	// says so.
	Disabled []*rule.Rule
	// Scheduled are the rules that run on a schedule over the lake, and hunting queries. They
	// are not among Rules, which judge records as they come.
	Scheduled []*sentinel.Rule
	// Refusals are the rules that were not loaded, and warnings about those that were.
	Refusals []rule.Refusal
	Files    int // that hold rules
	// Hash is of the content of everything that was read.
	Hash    string
	byRef   map[string]*rule.Rule
	texts   map[string][]byte // of the files, by their paths
	configs []string          // absolute paths of falco.yaml and its parts
}

// Shipped is the word for what is shipped, where files are named.
const Shipped = "shipped"

// Unusual is the word for the shipped rules about what is unusual, which run on a schedule.
const Unusual = "unusual"

// maxRuleFile bounds one rule file.
const maxRuleFile = 16 << 20

// Refused counts the refusals that are not warnings.
func (r *Rules) Refused() (n int) {
	for i := range r.Refusals {
		if !r.Refusals[i].Warning {
			n++
		}
	}
	return n
}

// All lists every rule that loads: those that judge records, those on a schedule, and those
// that are disabled.
func (r *Rules) All() []*rule.Rule {
	out := slices.Clone(r.Rules)
	var off []*rule.Rule
	for _, x := range r.Scheduled {
		if x.Disabled {
			off = append(off, &x.Rule)
			continue
		}
		out = append(out, &x.Rule)
	}
	return slices.Concat(out, r.Disabled, off)
}

// OnSchedule returns the rule on a schedule that a rule of All is, nil for another.
func (r *Rules) OnSchedule(x *rule.Rule) *sentinel.Rule {
	for _, s := range r.Scheduled {
		if &s.Rule == x {
			return s
		}
	}
	return nil
}

// runs reports whether there is a rule that runs on a schedule.
func (r *Rules) runs() bool {
	return slices.ContainsFunc(r.Scheduled, func(x *sentinel.Rule) bool { return x.Schedule != nil && !x.Disabled })
}

// Find returns the rule that a finding names, nil for a built-in one.
func (r *Rules) Find(ref yagura.RuleRef) *rule.Rule {
	return r.byRef[refKey(ref.ID, ref.Title, ref.File)]
}

func refKey(id, title, file string) string { return id + "\x00" + title + "\x00" + file }

// Japanese returns the title of a rule in Japanese, or its own where it has none.
func (r *Rules) Japanese(ref yagura.RuleRef) string {
	own := ""
	if x := r.Find(ref); x != nil {
		own = x.Japanese.Title
	}
	return cmp.Or(own, builtinJapanese(ref), ref.Title, ref.ID)
}

// Runbook returns what the rule of a finding says a person should do, nil where it says
// nothing.
func (r *Rules) Runbook(ref yagura.RuleRef) *yagura.Runbook {
	x := r.Find(ref)
	if x == nil {
		return nil
	}
	return runbookOf(x)
}

// Text returns what a rule says of itself.
func (r *Rules) Text(ref yagura.RuleRef) report.RuleText {
	x := r.Find(ref)
	if x == nil {
		return report.RuleText{}
	}
	t := report.RuleText{Description: x.Description}
	if len(x.References) > 0 {
		t.HelpURI = x.References[0]
	}
	return t
}

// Lookup finds rules, disabled ones too, by id, name or title, or, where none is equal, by
// a part of the title. The title in Japanese does as well.
func (r *Rules) Lookup(word string) []*rule.Rule {
	equal := func(x *rule.Rule) bool {
		return x.ID == word || x.Name == word || strings.EqualFold(x.Title, word) || x.Japanese.Title == word
	}
	part := func(x *rule.Rule) bool {
		return strings.Contains(strings.ToLower(x.Title), strings.ToLower(word)) || strings.HasPrefix(x.ID, word) || strings.Contains(x.Japanese.Title, word)
	}
	for _, match := range []func(*rule.Rule) bool{equal, part} {
		var found []*rule.Rule
		for _, x := range r.All() {
			if match(x) {
				found = append(found, x)
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// LoadRules reads the rules. A file or rule with a fault is refused alone and named in
// Refusals; the error is about a path that was named and cannot be read, or about
// a pipeline, a placeholder or falco.yaml, without which rules would mean something else.
func LoadRules(o RuleOptions) (*Rules, error) {
	out := &Rules{byRef: map[string]*rule.Rule{}}
	so := sigma.Options{NoRouting: o.NoRouting, Placeholders: o.Placeholders, Optional: slices.Sorted(maps.Keys(detections.Placeholders()))}
	var err error
	if so.Pipelines, err = out.pipelines(o.Pipelines, o.Formats); err != nil {
		return nil, err
	}
	paths := o.Paths
	var falcoConfig *falco.Config
	if o.FalcoConfig != "" {
		if falcoConfig, err = out.readFalcoConfig(o.FalcoConfig); err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			if paths = out.falcoRules(falcoConfig); len(paths) == 0 {
				out.warn(o.FalcoConfig, "it names no rules_files that are there", "name them with --rules")
			}
		}
	} else if len(paths) == 0 && len(o.Files) == 0 {
		paths = []string{Shipped}
	}
	var sorted sortedFiles
	for _, f := range o.Files {
		out.sort(f, true, &sorted)
	}
	for _, name := range paths {
		if name == Shipped {
			shipped, err := detections.Files()
			if err != nil {
				return nil, err
			}
			sorted.sigma = append(sorted.sigma, shipped...)
			continue
		}
		if name == Unusual {
			pack, err := detections.Unusual()
			if err != nil {
				return nil, err
			}
			sorted.sentinel = append(sorted.sentinel, pack...)
			continue
		}
		if err := out.walk(name, &sorted); err != nil {
			return nil, err
		}
	}
	if o.Data != "" {
		if dir := OwnRules(o.Data); holdsYAML(dir) {
			if err := out.walk(dir, &sorted); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range o.Overlays {
		if err := out.walkOverlays(name, &sorted); err != nil {
			return nil, err
		}
	}
	if file := TunedRules(o.Data); o.Data != "" && isFile(file) {
		if err := out.walkOverlays(file, &sorted); err != nil {
			return nil, err
		}
	}
	out.texts = sorted.texts()
	out.Files = len(sorted.sigma) + len(sorted.falco) + len(sorted.sentinel)
	hash := make(chan string, 1) // of megabytes of text, beside the loading
	go func() { hash <- sorted.hash(o) }()
	var overlays []rule.Overlay
	var badOverlays []rule.Refusal
	for _, f := range sorted.overlays {
		list, bad := rule.ParseOverlay(f)
		overlays = append(overlays, list...)
		badOverlays = append(badOverlays, bad...)
	}
	for i := range overlays {
		so.SideFields = append(so.SideFields, overlays[i].SideCar.FieldNames()...)
	}
	rules, refusals := sigma.Load(sorted.sigma, so)
	out.add(rules, refusals)
	if len(sorted.falco) > 0 {
		host, _ := os.Hostname() // evt.hostname has no value without it
		rules, refusals = falco.Load(sorted.falco, falco.Options{Config: falcoConfig, Hostname: host, SideFields: so.SideFields})
		out.add(rules, refusals)
	}
	if len(sorted.sentinel) > 0 {
		var refusals []rule.Refusal
		check := o.Check
		if check == nil {
			check = queryChecker()
		}
		out.Scheduled, refusals = sentinel.Load(sorted.sentinel, sentinel.Options{Check: check})
		out.Refusals = append(out.Refusals, refusals...)
		for _, x := range out.Scheduled {
			out.byRef[refKey(x.ID, x.Title, x.File)] = &x.Rule
		}
	}
	out.Refusals = append(out.Refusals, badOverlays...)
	all := slices.Concat(out.Rules, out.Disabled)
	for _, x := range out.Scheduled {
		all = append(all, &x.Rule)
	}
	out.Refusals = append(out.Refusals, rule.ApplyOverlays(all, overlays)...)
	out.switchOff()
	out.Hash = <-hash
	return out, nil
}

func (r *Rules) add(rules []*rule.Rule, refusals []rule.Refusal) {
	r.Refusals = append(r.Refusals, refusals...)
	for _, x := range rules {
		if x.Disabled {
			r.Disabled = append(r.Disabled, x)
			continue
		}
		r.Rules = append(r.Rules, x)
		r.byRef[refKey(x.ID, x.Title, x.File)] = x
	}
}

// switchOff sorts the rules anew after overlays switched some on or off. One that a correlation
// is made of judges on for it, and finds nothing of its own.
func (r *Rules) switchOff() {
	all := slices.Concat(r.Rules, r.Disabled)
	part := map[*rule.Rule]bool{}
	var use func(x *rule.Rule)
	use = func(x *rule.Rule) {
		if x.Correlation == nil {
			return
		}
		for _, base := range x.Correlation.Rules {
			part[base] = true
			use(base)
		}
	}
	for _, x := range all {
		if !x.Disabled {
			use(x)
		}
	}
	r.Rules, r.Disabled = nil, nil
	for _, x := range all {
		switch {
		case !x.Disabled:
			r.Rules = append(r.Rules, x)
		case part[x] && len(x.Waits) == 0:
			x.Silent = true
			r.Rules = append(r.Rules, x)
		default:
			r.Disabled = append(r.Disabled, x)
			continue
		}
		r.byRef[refKey(x.ID, x.Title, x.File)] = x
	}
}

func refusalErrors(list []rule.Refusal) error {
	errs := make([]error, len(list))
	for i := range list {
		errs[i] = &list[i]
	}
	return errors.Join(errs...)
}
