package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/ruletest"
)

// TestRules runs the tests that stand beside rules: the test files in the same files
// and folders that the rules were loaded from, or those of the shipped detections.
func TestRules(rules *Rules, paths []string, formats []*decode.Format) (ruletest.Report, error) {
	var tests []rule.File
	if len(paths) == 0 {
		paths = []string{Shipped}
	}
	for _, name := range paths {
		if name == Shipped {
			shipped, err := detections.Tests()
			if err != nil {
				return ruletest.Report{}, err
			}
			tests = append(tests, shipped...)
			continue
		}
		found, err := testFiles(name)
		if err != nil {
			return ruletest.Report{}, err
		}
		tests = append(tests, found...)
	}
	return ruletest.Run(rules.Rules, tests, ruletest.Options{Decode: decode.Options{Formats: formats}}), nil
}

// throughLink makes a walk of a folder follow a link that names it.
func throughLink(name string) string { return name + string(filepath.Separator) }

// testFiles lists the test files under a path; of a rule file, those in its folder.
func testFiles(name string) ([]rule.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, readError(name, err)
	}
	root := name
	switch {
	case info.IsDir():
		root = throughLink(name)
	case !ruletest.IsTest(name):
		root = filepath.Dir(name)
	}
	var out []rule.File
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return readError(p, err)
		case d.IsDir() && p != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !ruletest.IsTest(p) || !d.Type().IsRegular() && d.Type() != fs.ModeSymlink:
			return nil
		}
		f, err := readRule(p)
		if err != nil {
			return err
		}
		out = append(out, f)
		return nil
	})
	return out, err
}
