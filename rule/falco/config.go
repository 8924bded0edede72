package falco

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/rule"
)

// Config is what falco.yaml says of rules.
type Config struct {
	File string
	// RulesFiles is the order in which rule files are read: files, or folders whose
	// files are read in the order of their names.
	RulesFiles []string
	// FirstMatch is rule_matching: first: of the rules that match one event only the
	// first in order is reported. Otherwise, and by default here, each is.
	FirstMatch bool
	// Selections are the entries of rules: in their order they enable and disable.
	Selections []Selection
	// Priority is the least priority that a rule may have; "" for any.
	Priority string
	// ExtraOutputs are what append_output adds to the outputs of rules.
	ExtraOutputs []ExtraOutput

	ruleFileAt []place // of RulesFiles
	priorityAt place
}

// Selection enables or disables rules: by a name, in which * stands for any text, or
// by a tag.
type Selection struct {
	Enable    bool
	Rule, Tag string
	at        place
}

// ExtraOutput is text that follows the output of the rules that have the source, the
// name and all the tags that it names.
type ExtraOutput struct {
	Source, Rule string
	Tags         []string
	text         text
}

// ConfigPart is a file that config_files of falco.yaml names, with the way in which
// it is merged: append (also ""), override or add-only.
type ConfigPart struct {
	rule.File
	Strategy string
}

// ConfigFile is one entry of config_files: a file, or a folder whose files are read
// in the order of their names.
type ConfigFile struct{ Path, Strategy string }

// ConfigFiles lists the config_files of falco.yaml, for the caller to read and to give
// to [ParseConfig]. What is wrong with them is said there.
func ConfigFiles(f rule.File) []ConfigFile {
	s := settings{}
	later := func(*source, *yaml.Node, bool, string, string) {}
	s.merge(ConfigPart{File: f}, later)
	return readConfigFiles(s["config_files"], later)
}

// settings are the keys of falco.yaml, parts merged.
type settings map[string]setting

// setting is the value of one key.
type setting struct {
	src   *source
	key   *yaml.Node
	value *yaml.Node
	more  []sourced // of a list, what other parts append to it
}

// sourced is a node and the file that it is in.
type sourced struct {
	*yaml.Node
	src *source
}

// sayFunc says a fault, or a warning, about a node.
type sayFunc func(src *source, n *yaml.Node, warning bool, reason, hint string)

// merge takes the keys of a part in; false says that it cannot be read.
func (s settings) merge(part ConfigPart, say sayFunc) bool {
	src := &source{path: part.Path, data: part.Data}
	top := &yaml.Node{Line: 1, Column: 1}
	if len(part.Data) > maxFile {
		say(src, top, false, "falco.yaml is too large", "")
		return false
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(part.Data, &doc); err != nil {
		say(src, &yaml.Node{Line: max(errorLine(err), 1), Column: 1}, false, "yaml: "+cutPrefixLine(err.Error()), "")
		return false
	}
	if len(doc.Content) == 0 {
		return true
	}
	root := deref(doc.Content[0])
	if root.Kind != yaml.MappingNode {
		say(src, root, false, "falco.yaml is not a mapping", "")
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		k, v := deref(root.Content[i]), deref(root.Content[i+1])
		if seen[k.Value] || isNull(v) {
			continue
		}
		seen[k.Value] = true
		old, there := s[k.Value]
		switch {
		case there && part.Strategy == "add-only":
		case there && part.Strategy != "override" && old.value.Kind == yaml.SequenceNode && v.Kind == yaml.SequenceNode:
			for _, n := range v.Content {
				old.more = append(old.more, sourced{deref(n), src})
			}
			s[k.Value] = old
		default:
			s[k.Value] = setting{src: src, key: k, value: v}
		}
	}
	return true
}

// items lists the members of a value; what is no list is one member.
func (s setting) items() []sourced {
	switch {
	case s.value == nil:
		return nil
	case s.value.Kind != yaml.SequenceNode:
		return []sourced{{s.value, s.src}}
	}
	var out []sourced
	for _, n := range s.value.Content {
		out = append(out, sourced{deref(n), s.src})
	}
	return append(out, s.more...)
}

// ParseConfig reads falco.yaml and the files that its config_files name. Keys that
// have nothing to do with rules are passed over.
func ParseConfig(f rule.File, parts ...ConfigPart) (*Config, []rule.Refusal) {
	var refusals []rule.Refusal
	say := func(src *source, n *yaml.Node, warning bool, reason, hint string) {
		code := codeYAMLValidate
		switch {
		case warning:
			code = ""
		case strings.HasPrefix(reason, "yaml: "):
			code = codeYAMLParse
		}
		refusals = append(refusals, rule.Refusal{File: src.path, Line: n.Line, Column: n.Column, Code: code, Reason: reason, Hint: hint, Warning: warning})
	}
	s := settings{}
	if !s.merge(ConfigPart{File: f}, say) {
		return nil, refusals
	}
	readConfigFiles(s["config_files"], say)
	for _, part := range parts {
		nested := settings{}
		if !nested.merge(part, say) {
			return nil, refusals
		}
		if inner, ok := nested["config_files"]; ok {
			say(inner.src, inner.key, false, "config_files in a file that config_files names", "name the file in falco.yaml itself")
		}
		s.merge(part, say)
	}
	cfg := &Config{File: f.Path}
	cfg.readRulesFiles(s, say)
	if v, ok := s["rule_matching"]; ok {
		switch v.value.Value {
		case "first":
			cfg.FirstMatch = true
		case "all":
		default:
			say(v.src, v.value, false, "rule_matching '"+v.value.Value+"'", "write first or all")
		}
	}
	if v, ok := s["priority"]; ok {
		if priorityRank(v.value.Value) >= 0 {
			cfg.Priority, cfg.priorityAt = v.value.Value, v.src.nodeAt(v.value)
		} else {
			say(v.src, v.value, false, "priority '"+v.value.Value+"'", "write debug, informational, notice, warning, error, critical, alert or emergency")
		}
	}
	cfg.readSelections(s["rules"], say)
	cfg.readExtraOutputs(s["append_output"], say)
	return cfg, refusals
}

func readConfigFiles(v setting, say sayFunc) []ConfigFile {
	var out []ConfigFile
	for _, n := range v.items() {
		if n.Kind == yaml.ScalarNode {
			out = append(out, ConfigFile{Path: n.Value})
			continue
		}
		_, p := get(n.Node, "path")
		if isNull(p) {
			say(n.src, n.Node, false, "config_files holds something other than a path", "")
			continue
		}
		entry := ConfigFile{Path: p.Value}
		if _, strategy := get(n.Node, "strategy"); !isNull(strategy) {
			entry.Strategy = strategy.Value
			if !slices.Contains([]string{"append", "override", "add-only"}, entry.Strategy) {
				say(n.src, strategy, false, "strategy '"+entry.Strategy+"'", "write append, override or add-only")
			}
		}
		out = append(out, entry)
	}
	return out
}

func (c *Config) readRulesFiles(s settings, say sayFunc) {
	for _, key := range []string{"rules_files", "rules_file"} {
		if len(c.RulesFiles) > 0 {
			break
		}
		for _, n := range s[key].items() {
			if n.Kind != yaml.ScalarNode || n.Value == "" {
				say(n.src, n.Node, false, key+" holds something other than a path", "")
				continue
			}
			c.RulesFiles = append(c.RulesFiles, n.Value)
			c.ruleFileAt = append(c.ruleFileAt, n.src.nodeAt(n.Node))
		}
	}
}

func (c *Config) readSelections(v setting, say sayFunc) {
	for _, n := range v.items() {
		found := false
		for _, op := range []string{"enable", "disable"} {
			_, what := get(n.Node, op)
			if isNull(what) {
				continue
			}
			for _, by := range []string{"rule", "tag"} {
				if _, name := get(what, by); !isNull(name) && name.Kind == yaml.ScalarNode && name.Value != "" {
					sel := Selection{Enable: op == "enable", at: n.src.nodeAt(name)}
					if by == "rule" {
						sel.Rule = name.Value
					} else {
						sel.Tag = name.Value
					}
					c.Selections, found = append(c.Selections, sel), true
				}
			}
		}
		if !found {
			say(n.src, n.Node, false, "an entry of rules without enable or disable of a rule or tag", "write enable: {rule: name} or disable: {tag: name}")
		}
	}
}

func (c *Config) readExtraOutputs(v setting, say sayFunc) {
	for _, n := range v.items() {
		if n.Kind != yaml.MappingNode {
			say(n.src, n.Node, false, "an entry of append_output is not a mapping", "")
			continue
		}
		if k, fields := get(n.Node, "extra_fields"); !isNull(fields) {
			say(n.src, k, true, "extra_fields of append_output are not shown", "a finding has its event's id and header; write the fields into extra_output")
		}
		_, extra := get(n.Node, "extra_output")
		if isNull(extra) || extra.Value == "" {
			continue
		}
		x := ExtraOutput{text: newText(&fragment{file: n.src, node: extra, value: extra.Value})}
		if _, match := get(n.Node, "match"); !isNull(match) {
			for key, to := range map[string]*string{"source": &x.Source, "rule": &x.Rule} {
				if _, is := get(match, key); !isNull(is) {
					*to = is.Value
				}
			}
			if _, tags := get(match, "tags"); !isNull(tags) {
				for _, tag := range tags.Content {
					x.Tags = append(x.Tags, deref(tag).Value)
				}
			}
		}
		c.ExtraOutputs = append(c.ExtraOutputs, x)
	}
}

func (c *Config) firstOnly() bool { return c != nil && c.FirstMatch }

// order puts files in the order of rules_files. A file is meant by an entry that is
// its path, ends its path, or is a folder that it lies in. Files that no entry means
// follow in the order in which they came.
func (c *Config) order(files []rule.File, warn func(msg string, at place)) []rule.File {
	if c == nil || len(c.RulesFiles) == 0 {
		return files
	}
	var out []rule.File
	taken := make([]bool, len(files))
	for k, name := range c.RulesFiles {
		var found []int
		for i, f := range files {
			if !taken[i] && means(name, f.Path) {
				found = append(found, i)
			}
		}
		if len(found) == 0 {
			at := (&source{path: c.File}).nodeAt(&yaml.Node{Line: 1, Column: 1})
			if k < len(c.ruleFileAt) {
				at = c.ruleFileAt[k]
			}
			warn("rules_files names '"+name+"', which is not among the rule files", at)
		}
		slices.SortFunc(found, func(a, b int) int { return strings.Compare(files[a].Path, files[b].Path) })
		for _, i := range found {
			taken[i] = true
			out = append(out, files[i])
		}
	}
	for i, f := range files {
		if !taken[i] {
			out = append(out, f)
		}
	}
	return out
}

// means says whether an entry of rules_files means a file.
func means(entry, file string) bool {
	file = strings.ReplaceAll(file, `\`, "/")
	clean, file := path.Clean(entry), path.Clean(file)
	if clean == file || strings.HasPrefix(file, clean+"/") {
		return true
	}
	base, dir := path.Base(clean), path.Base(path.Dir(file))
	if path.Ext(base) == "" || strings.HasSuffix(entry, "/") || strings.HasSuffix(base, ".d") {
		return base == dir
	}
	return base == path.Base(file)
}
