package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/falco"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// RuleOptions say which rules are loaded and how they are read.
type RuleOptions struct {
	// Paths are files and folders of rules; none means the shipped detections.
	Paths []string
	// Pipelines are files of processing pipelines, in place of the shipped ones.
	Pipelines    []string
	Placeholders map[string][]string
	NoRouting    bool
	// FalcoConfig is an existing falco.yaml: its order of rules_files and its
	// rule_matching hold, and without Paths its rules_files are what is loaded.
	FalcoConfig string
}

// Rules is what was loaded.
type Rules struct {
	Rules []*rule.Rule
	// Refusals are the rules that were not loaded, and warnings about those that were.
	Refusals []rule.Refusal
	Files    int // that hold rules
	byRef    map[string]*rule.Rule
}

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
	return cmp.Or(own, builtinJapanese(ref.ID), ref.Title, ref.ID)
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

// Lookup finds rules by id, name or title, or, where none is equal, by a part of the title.
func (r *Rules) Lookup(word string) []*rule.Rule {
	equal := func(x *rule.Rule) bool { return x.ID == word || x.Name == word || strings.EqualFold(x.Title, word) }
	part := func(x *rule.Rule) bool {
		return strings.Contains(strings.ToLower(x.Title), strings.ToLower(word)) || strings.HasPrefix(x.ID, word)
	}
	for _, match := range []func(*rule.Rule) bool{equal, part} {
		var found []*rule.Rule
		for _, x := range r.Rules {
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
	so := sigma.Options{NoRouting: o.NoRouting, Placeholders: o.Placeholders}
	for _, name := range o.Pipelines {
		f, err := readRule(name)
		if err != nil {
			return nil, err
		}
		p, refusals := sigma.ParsePipeline(f)
		if p == nil {
			return nil, refusalErrors(refusals)
		}
		so.Pipelines = append(so.Pipelines, p)
		out.Refusals = append(out.Refusals, refusals...)
	}
	paths := o.Paths
	var falcoConfig *falco.Config
	if o.FalcoConfig != "" {
		var err error
		if falcoConfig, err = out.readFalcoConfig(o.FalcoConfig); err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			paths = out.falcoRules(falcoConfig)
		}
	}
	var sorted sortedFiles
	if len(o.Paths) == 0 && o.FalcoConfig == "" {
		shipped, err := detections.Files()
		if err != nil {
			return nil, err
		}
		sorted.sigma = shipped
	}
	for _, name := range paths {
		if err := out.walk(name, &sorted); err != nil {
			return nil, err
		}
	}
	out.Files = len(sorted.sigma) + len(sorted.falco)
	rules, refusals := sigma.Load(sorted.sigma, so)
	out.add(rules, refusals)
	if len(sorted.falco) > 0 {
		host, _ := os.Hostname() // evt.hostname has no value without it
		rules, refusals = falco.Load(sorted.falco, falco.Options{Config: falcoConfig, Hostname: host})
		out.add(rules, refusals)
	}
	var overlays []rule.Overlay
	for _, f := range sorted.overlays {
		list, bad := rule.ParseOverlay(f)
		overlays = append(overlays, list...)
		out.Refusals = append(out.Refusals, bad...)
	}
	out.Refusals = append(out.Refusals, rule.ApplyOverlays(out.Rules, overlays)...)
	return out, nil
}

func (r *Rules) readFalcoConfig(name string) (*falco.Config, error) {
	f, err := readRule(name)
	if err != nil {
		return nil, err
	}
	c, refusals := falco.ParseConfig(f)
	if c == nil {
		return nil, refusalErrors(refusals)
	}
	r.Refusals = append(r.Refusals, refusals...)
	return c, nil
}

// falcoRules lists the rules_files of falco.yaml that are there: as written, or else
// beside falco.yaml. Those that are not are warned of when the rules are read.
func (r *Rules) falcoRules(c *falco.Config) []string {
	var found []string
	for _, name := range c.RulesFiles {
		for _, p := range []string{name, filepath.Join(filepath.Dir(c.File), name), filepath.Join(filepath.Dir(c.File), filepath.Base(name))} {
			if _, err := os.Stat(p); err == nil {
				found = append(found, p)
				break
			}
		}
	}
	return found
}

func (r *Rules) add(rules []*rule.Rule, refusals []rule.Refusal) {
	r.Rules = append(r.Rules, rules...)
	r.Refusals = append(r.Refusals, refusals...)
	for _, x := range rules {
		r.byRef[refKey(x.ID, x.Title, x.File)] = x
	}
}

// sortedFiles are rule files by what they hold.
type sortedFiles struct{ sigma, falco, overlays []rule.File }

// walk sorts the files under one path.
func (r *Rules) walk(name string, into *sortedFiles) error {
	info, err := os.Stat(name)
	if err != nil {
		return readError(name, err)
	}
	if !info.IsDir() {
		f, err := readRule(name)
		if err != nil {
			return err
		}
		r.sort(f, true, into)
		return nil
	}
	return filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			r.warn(p, readError(p, err).Error(), "")
			return nil
		case p != name && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !slices.Contains([]string{".yml", ".yaml"}, strings.ToLower(filepath.Ext(p))):
			return nil
		}
		f, err := readRule(p)
		if err != nil {
			r.Refusals = append(r.Refusals, rule.Refusal{File: p, Reason: reason(err)})
			return nil
		}
		r.sort(f, false, into)
		return nil
	})
}

// sort puts a file where it belongs. A file in a folder that is plainly no rule is
// passed over; one that was named is spoken of.
func (r *Rules) sort(f rule.File, named bool, into *sortedFiles) {
	switch classify(f.Data) {
	case contentSigma:
		into.sigma = append(into.sigma, f)
	case contentFalco:
		into.falco = append(into.falco, f)
	case contentOverlay:
		into.overlays = append(into.overlays, f)
	case contentPipeline:
		r.warn(f.Path, "a processing pipeline, not a rule", "give it with --pipeline")
	case contentFalcoConfig:
		r.warn(f.Path, "a configuration of Falco, not a rule", "give it with --falco-config")
	case contentBroken:
		r.Refusals = append(r.Refusals, rule.Refusal{File: f.Path, Line: 1, Column: 1, Reason: "not YAML, and nothing in it looks like a rule"})
	default:
		if named {
			r.Refusals = append(r.Refusals, rule.Refusal{File: f.Path, Line: 1, Column: 1, Reason: "there is no rule in it",
				Hint: "a Sigma rule has detection:, a Falco file is a list of rule:, macro: and list:"})
		}
	}
}

func (r *Rules) warn(file, reason, hint string) {
	r.Refusals = append(r.Refusals, rule.Refusal{File: file, Reason: reason, Hint: hint, Warning: true})
}

func readRule(name string) (rule.File, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxRuleFile {
		err = fmt.Errorf("%d bytes are more than the limit of %d for a rule file", info.Size(), maxRuleFile)
	}
	if err != nil {
		return rule.File{}, readError(name, err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return rule.File{}, readError(name, err)
	}
	return rule.File{Path: name, Data: data}, nil
}

func readError(name string, err error) error {
	return &Problem{Name: name, Err: errors.New(reason(err))}
}

// reason drops the path that the standard library says.
func reason(err error) string {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func refusalErrors(list []rule.Refusal) error {
	errs := make([]error, len(list))
	for i := range list {
		errs[i] = &list[i]
	}
	return errors.Join(errs...)
}

// LoadMappings reads mapping files and returns them with the formats that are known.
func LoadMappings(paths []string) ([]*decode.Format, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	var formats []*decode.Format
	for _, name := range paths {
		f, err := readRule(name)
		if err != nil {
			return nil, err
		}
		format, err := decode.ParseMapping(name, f.Data)
		if err != nil {
			return nil, err
		}
		formats = append(formats, format)
	}
	return append(formats, decode.Formats()...), nil
}
