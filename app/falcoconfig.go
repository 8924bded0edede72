package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/falco"
)

// falcoConfigFolder is what config_files names in the falco.yaml that Falco ships; it
// is often not there.
const falcoConfigFolder = "/etc/falco/config.d"

// readFalcoConfig reads falco.yaml and the files that its config_files name.
func (r *Rules) readFalcoConfig(name string) (*falco.Config, error) {
	f, err := readRule(name)
	if err != nil {
		return nil, err
	}
	var parts []falco.ConfigPart
	for _, entry := range falco.ConfigFiles(f) {
		p, ok := besideConfig(name, entry.Path)
		if !ok {
			if strings.TrimSuffix(entry.Path, "/") != falcoConfigFolder {
				r.warn(name, "config_files names '"+entry.Path+"', which is not there", "")
			}
			continue
		}
		files, err := configFiles(p)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			parts = append(parts, falco.ConfigPart{File: f, Strategy: entry.Strategy})
		}
	}
	for _, used := range append(parts, falco.ConfigPart{File: f}) {
		if abs, err := filepath.Abs(used.Path); err == nil {
			r.configs = append(r.configs, abs)
		}
	}
	c, refusals := falco.ParseConfig(f, parts...)
	if c == nil {
		return nil, refusalErrors(refusals)
	}
	r.Refusals = append(r.Refusals, refusals...)
	return c, nil
}

// configFiles reads a file, or the YAML files of a folder in the order of their names.
func configFiles(name string) ([]rule.File, error) {
	names := []string{name}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, readError(name, err)
		}
		names = nil
		for _, e := range entries {
			if !e.IsDir() && slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(e.Name()))) {
				names = append(names, filepath.Join(name, e.Name()))
			}
		}
	}
	var files []rule.File
	for _, p := range names {
		f, err := readRule(p)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// falcoRules lists the rules_files of falco.yaml that are there. Those that are not are
// warned of when the rules are read.
func (r *Rules) falcoRules(c *falco.Config) []string {
	var found []string
	for _, name := range c.RulesFiles {
		if p, ok := besideConfig(c.File, name); ok {
			found = append(found, p)
		}
	}
	return found
}

// besideConfig finds a path that falco.yaml names: as written, or else beside it.
func besideConfig(config, name string) (string, bool) {
	dir := filepath.Dir(config)
	for _, p := range []string{name, filepath.Join(dir, name), filepath.Join(dir, filepath.Base(name))} {
		if _, err := os.Stat(p); err == nil {
			return p, true
		}
	}
	return "", false
}
