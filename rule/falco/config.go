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
}

// configIgnored are keys of falco.yaml that change what Falco reports and that mean
// nothing here.
func configIgnored() map[string]string {
	return map[string]string{
		"priority":      "choose by severity when reading the findings",
		"rules":         "rules are enabled and disabled in rule files",
		"append_output": "output is what the rule says",
	}
}

// ParseConfig reads falco.yaml. Keys that have nothing to do with rules are passed
// over; those that change what Falco reports and mean nothing here are warned of.
func ParseConfig(f rule.File) (*Config, []rule.Refusal) {
	var refusals []rule.Refusal
	say := func(n *yaml.Node, warning bool, code, reason, hint string) {
		refusals = append(refusals, rule.Refusal{File: f.Path, Line: n.Line, Column: n.Column, Code: code, Reason: reason, Hint: hint, Warning: warning})
	}
	var doc yaml.Node
	if len(f.Data) > maxFile {
		say(&yaml.Node{Line: 1, Column: 1}, false, codeYAMLParse, "falco.yaml is too large", "")
		return nil, refusals
	}
	if err := yaml.Unmarshal(f.Data, &doc); err != nil {
		say(&yaml.Node{Line: max(errorLine(err), 1), Column: 1}, false, codeYAMLParse, "yaml: "+cutPrefixLine(err.Error()), "")
		return nil, refusals
	}
	cfg := &Config{File: f.Path}
	if len(doc.Content) == 0 {
		return cfg, nil
	}
	root := deref(doc.Content[0])
	if root.Kind != yaml.MappingNode {
		say(root, false, codeYAMLValidate, "falco.yaml is not a mapping", "")
		return nil, refusals
	}
	for _, key := range []string{"rules_files", "rules_file"} {
		_, n := get(root, key)
		if isNull(n) || len(cfg.RulesFiles) > 0 {
			continue
		}
		list := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			list = n.Content
		}
		for _, item := range list {
			if item = deref(item); item.Kind != yaml.ScalarNode || item.Value == "" {
				say(item, false, codeYAMLValidate, key+" holds something other than a path", "")
				continue
			}
			cfg.RulesFiles = append(cfg.RulesFiles, item.Value)
		}
	}
	if _, n := get(root, "rule_matching"); n != nil {
		switch n.Value {
		case "first":
			cfg.FirstMatch = true
		case "all":
		default:
			say(n, false, codeYAMLValidate, "rule_matching '"+n.Value+"'", "write first or all")
		}
	}
	for key, hint := range configIgnored() {
		if k, v := get(root, key); k != nil && !isNull(v) && (key != "priority" || !strings.EqualFold(v.Value, "debug")) {
			say(k, true, "", "the key '"+key+"' is not honoured", hint)
		}
	}
	slices.SortFunc(refusals, func(a, b rule.Refusal) int { return a.Line - b.Line })
	return cfg, refusals
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
	for _, name := range c.RulesFiles {
		var found []int
		for i, f := range files {
			if !taken[i] && means(name, f.Path) {
				found = append(found, i)
			}
		}
		if len(found) == 0 {
			warn("rules_files names '"+name+"', which is not among the rule files",
				(&source{path: c.File}).nodeAt(&yaml.Node{Line: 1, Column: 1}))
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
