package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/ruletest"
)

// sortedFiles are rule files by what they hold.
type sortedFiles struct {
	sigma, falco, sentinel, overlays []rule.File
	seen                             map[string]bool // by their real paths: a file is read once
	onlyOverlays                     bool            // are asked for
}

// wanted names what is asked for, and says by what it is known.
func (s *sortedFiles) wanted() (article, what, hint string) {
	if s.onlyOverlays {
		return "an ", "overlay", "an overlay has overlay:, and what it changes below"
	}
	return "a ", "rule", "a Sigma rule has detection:, a Falco file is a list of rule:, macro: and list:, a rule of Sentinel has query:"
}

// logsHint is said where logs may have been named as rules.
const logsHint = "--rules names rules; logs are named without a flag"

func (s *sortedFiles) count() int {
	return len(s.sigma) + len(s.falco) + len(s.sentinel) + len(s.overlays)
}

// first says whether a file or folder is met for the first time, whatever links lead to it.
func (s *sortedFiles) first(name string) bool {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return true // to be said when it is opened
	}
	if real, err = filepath.Abs(real); err != nil || s.seen[real] {
		return err != nil
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[real] = true
	return true
}

// walk sorts the files under one path.
func (r *Rules) walk(name string, into *sortedFiles) error {
	info, err := os.Stat(name)
	if err != nil {
		return readError(name, err)
	}
	if !info.IsDir() {
		if !into.first(name) {
			return nil
		}
		f, err := readRule(name)
		if err != nil {
			return err
		}
		r.sort(f, true, into)
		return nil
	}
	known := into.count() + len(r.Refusals)
	met := len(into.seen)
	yaml := r.folder(name, into)
	article, what, hint := into.wanted()
	switch {
	case into.count()+len(r.Refusals) > known, met > 0 && len(into.seen) == met:
	case !yaml:
		if !into.onlyOverlays {
			hint = logsHint
		}
		r.warn(name, "there is no file .yml or .yaml in this folder, so no "+what, hint)
	default:
		r.warn(name, "no YAML file in this folder holds "+article+what, hint)
	}
	return nil
}

// folder sorts the files of a folder, those of folders and links in it too. It reports
// whether there is a YAML file.
func (r *Rules) folder(name string, into *sortedFiles) (yaml bool) {
	if !into.first(name) {
		return false // a link back, or to what was read already
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		r.Refusals = append(r.Refusals, rule.Refusal{File: filepath.Clean(name), Reason: reason(err)})
	}
	for _, e := range entries {
		p := filepath.Join(name, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		isRule := slices.Contains([]string{".yml", ".yaml"}, strings.ToLower(filepath.Ext(p)))
		info, err := os.Stat(p)
		switch {
		case err != nil && isRule:
			r.Refusals = append(r.Refusals, rule.Refusal{File: p, Reason: reason(err)})
		case err != nil:
		case info.IsDir():
			yaml = r.folder(p, into) || yaml
		case strings.ToLower(filepath.Ext(p)) == ".json" && info.Mode().IsRegular() && info.Size() <= maxRuleFile:
			r.template(p, into)
		case !isRule || !into.first(p):
		case !info.Mode().IsRegular():
			r.warn(p, "not a file that can be read", "name it with --rules to read it all the same")
		default:
			yaml = true
			f, err := readRule(p)
			if err != nil {
				r.Refusals = append(r.Refusals, rule.Refusal{File: p, Reason: reason(err)})
				continue
			}
			r.sort(f, false, into)
		}
	}
	return yaml
}

// template takes a JSON file of a folder when it holds rules of Sentinel. Any other is
// somebody's data.
func (r *Rules) template(name string, into *sortedFiles) {
	f, err := readRule(name)
	if err != nil || !looksTemplate(f.Data) || !into.first(name) {
		return
	}
	into.sentinel = append(into.sentinel, f)
}

// walkOverlays takes the overlays under one path.
func (r *Rules) walkOverlays(name string, into *sortedFiles) error {
	found := sortedFiles{onlyOverlays: true}
	if err := r.walk(name, &found); err != nil {
		return err
	}
	for _, f := range slices.Concat(found.sigma, found.falco, found.sentinel) {
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
	case contentSentinel:
		into.sentinel = append(into.sentinel, f)
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
		if !named && ruletest.IsTest(f.Path) {
			return // rule test says what is wrong with it
		}
		r.Refusals = append(r.Refusals, rule.Refusal{File: f.Path, Line: 1, Column: 1, Reason: "not YAML, and nothing in it looks like a rule"})
	default:
		if named {
			_, what, hint := into.wanted()
			if look := bytes.TrimLeft(f.Data, " \t\r\n\ufeff"); len(look) > 0 && (look[0] == '{' || look[0] == '[') && !into.onlyOverlays {
				hint = logsHint
			}
			r.Refusals = append(r.Refusals, rule.Refusal{File: f.Path, Line: 1, Column: 1, Reason: "there is no " + what + " in it", Hint: hint})
		}
	}
}

func (r *Rules) warn(file, reason, hint string) {
	r.Refusals = append(r.Refusals, rule.Refusal{File: file, Reason: reason, Hint: hint, Warning: true})
}

// readRule reads a rule file, or what comes out of a pipe that stands for one.
func readRule(name string) (rule.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return rule.File{}, readError(name, err)
	}
	defer f.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(f, maxRuleFile+1))
	if err == nil && len(data) > maxRuleFile {
		err = fmt.Errorf("more than %d bytes, the limit for a rule file", maxRuleFile)
		if info, _ := f.Stat(); info != nil && info.Mode().IsRegular() {
			err = fmt.Errorf("%d bytes are more than the limit of %d for a rule file", info.Size(), maxRuleFile)
		}
	}
	if err != nil {
		return rule.File{}, readError(name, err)
	}
	return rule.File{Path: name, Data: data}, nil
}

func readError(name string, err error) error {
	return &Problem{Name: name, Err: errors.New(reason(err))}
}

// reason drops the path that the standard library, or a [Problem], says.
func reason(err error) string {
	if p := (*Problem)(nil); errors.As(err, &p) {
		err = p.Err
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// texts are the files by their paths.
func (s *sortedFiles) texts() map[string][]byte {
	out := make(map[string][]byte, s.count())
	for _, f := range slices.Concat(s.sigma, s.falco, s.sentinel, s.overlays) {
		out[f.Path] = f.Data
	}
	return out
}

// OwnRules is the folder of the rules that were made in the console.
func OwnRules(data string) string { return filepath.Join(data, "rules") }

// TunedRules is the overlay of what was tuned there.
func TunedRules(data string) string { return filepath.Join(data, "tuned.yaml") }

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// holdsYAML reports whether a folder is there and has a file that may hold rules.
func holdsYAML(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return slices.Contains([]string{".yml", ".yaml"}, strings.ToLower(filepath.Ext(e.Name()))) && !strings.HasPrefix(e.Name(), ".")
	})
}

// hash is of everything that decides how the rules judge.
func (s *sortedFiles) hash(o RuleOptions) string {
	h := sha256.New()
	put := func(text []byte) {
		fmt.Fprintf(h, "%d:", len(text))
		h.Write(text)
	}
	for _, list := range [][]rule.File{s.sigma, s.falco, s.sentinel, s.overlays} {
		for _, f := range list {
			put([]byte(f.Path))
			put(f.Data)
		}
		put(nil)
	}
	put(fmt.Append(nil, o.Paths, o.Overlays, o.Pipelines, o.Placeholders, o.NoRouting, o.FalcoConfig))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
