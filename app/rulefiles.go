package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/rule"
)

// sortedFiles are rule files by what they hold.
type sortedFiles struct{ sigma, falco, overlays []rule.File }

func (s *sortedFiles) count() int { return len(s.sigma) + len(s.falco) + len(s.overlays) }

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
	known, yaml := into.count()+len(r.Refusals), false
	root := throughLink(name)
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			r.Refusals = append(r.Refusals, rule.Refusal{File: filepath.Clean(p), Reason: reason(err)})
			return nil
		case p != root && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !slices.Contains([]string{".yml", ".yaml"}, strings.ToLower(filepath.Ext(p))):
			return nil
		}
		yaml = true
		f, err := readRule(p)
		if err != nil {
			r.Refusals = append(r.Refusals, rule.Refusal{File: p, Reason: reason(err)})
			return nil
		}
		r.sort(f, false, into)
		return nil
	})
	switch {
	case err != nil || into.count()+len(r.Refusals) > known:
	case !yaml:
		r.warn(name, "there is no file .yml or .yaml in this folder, so no rule", logsHint)
	default:
		r.warn(name, "no YAML file in this folder holds a rule", ruleHint)
	}
	return err
}

// What is said of a path that holds no rule.
const (
	ruleHint = "a Sigma rule has detection:, a Falco file is a list of rule:, macro: and list:"
	logsHint = "--rules names rules; logs are named without a flag"
)

// throughLink makes a walk of a folder follow a link that names it.
func throughLink(name string) string { return name + string(filepath.Separator) }

// walkOverlays takes the overlays under one path.
func (r *Rules) walkOverlays(name string, into *sortedFiles) error {
	var found sortedFiles
	if err := r.walk(name, &found); err != nil {
		return err
	}
	for _, f := range slices.Concat(found.sigma, found.falco) {
		r.warn(f.Path, "a rule, not an overlay", "give it with --rules")
	}
	into.overlays = append(into.overlays, found.overlays...)
	return nil
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
		if abs, err := filepath.Abs(f.Path); err == nil && slices.Contains(r.configs, abs) {
			return
		}
		r.warn(f.Path, "a configuration of Falco, not a rule", "give it with --falco-config")
	case contentBroken:
		r.Refusals = append(r.Refusals, rule.Refusal{File: f.Path, Line: 1, Column: 1, Reason: "not YAML, and nothing in it looks like a rule"})
	default:
		if named {
			hint := ruleHint
			if look := bytes.TrimLeft(f.Data, " \t\r\n\ufeff"); len(look) > 0 && (look[0] == '{' || look[0] == '[') {
				hint = logsHint
			}
			r.Refusals = append(r.Refusals, rule.Refusal{File: f.Path, Line: 1, Column: 1, Reason: "there is no rule in it", Hint: hint})
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
