package hunts_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/hunts"
)

var update = flag.Bool("update", false, "write docs/hunts.md anew")

const page = "../docs/hunts.md"

// TestList keeps the list in the documents true: go test ./hunts -run TestList -update.
func TestList(t *testing.T) {
	list, err := hunt.ReadAll(hunts.FS, "hunts", true)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`# Hunts that come with Yagura

This page is made from the folder hunts; ` + "`go test ./hunts -run TestList -update`" + ` writes it.

A hunt is a question with a name. It is asked over the lake with ` + "`yagura hunt NAME`" + `, its values are given with ` + "`--param NAME=VALUE`" + `, and its time with ` + "`--from`" + ` and ` + "`--to`" + `. ` + "`yagura hunt show NAME`" + ` prints it as a file; a hunt of your own with the same name goes before it. They are written in SQL over the tables in Yagura's own words and in KQL over those of Microsoft Sentinel. Every one is tested on the engine with records that it must find and records that it must not.

`)
	fmt.Fprintf(&b, "There are %d. Parameters with a value in brackets need not be given.\n\n", len(list))
	b.WriteString("| name | finds | 日本語 | language | ATT&CK | parameters |\n|---|---|---|---|---|---|\n")
	for _, s := range list {
		var params []string
		for _, p := range s.Parameters {
			text := "`" + p.Name + "`"
			if p.Default != nil {
				text += fmt.Sprintf(" (`%v`)", strings.ReplaceAll(fmt.Sprint(p.Default), "|", `\|`))
			}
			params = append(params, text)
		}
		fmt.Fprintf(&b, "| `%s` | **%s.** %s | **%s。** %s | %s | %s | %s |\n", s.Name, s.Title.En, s.Description.En, s.Title.Ja, s.Description.Ja,
			s.Language, strings.Join(append(slices.Clone(s.Tactics), s.Techniques...), ", "), strings.Join(params, ", "))
	}
	b.WriteString("\n## Workbooks\n\nA workbook is a fixed set of hunts: `yagura workbook show NAME`.\n\n| name | title | 日本語 | parameter | hunts |\n|---|---|---|---|---|\n")
	for _, w := range hunts.Workbooks() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", w.Name, w.En, w.Ja, w.Required, strings.Join(w.Hunts, ", "))
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), b.String()); diff != "" {
		t.Errorf("docs/hunts.md is not what the hunts are (hint: -update):\n%s", diff)
	}
}

// TestForm holds hunts to what is asked of those that are shipped.
func TestForm(t *testing.T) {
	list, err := hunt.ReadAll(hunts.FS, "hunts", true)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 40 {
		t.Errorf("there are %d hunts", len(list))
	}
	names := map[string]*hunt.Saved{}
	for _, s := range list {
		names[s.Name] = s
		for what, w := range map[string]hunt.Words{"title": s.Title, "description": s.Description} {
			if w.En == "" || !strings.ContainsFunc(w.Ja, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) }) {
				t.Errorf("%s: its %s is not in both languages: %+v", s.Name, what, w)
			}
		}
		if len(s.Tactics) == 0 || s.Range <= 0 {
			t.Errorf("%s has no tactic or no range", s.Name)
		}
		for _, p := range s.Parameters {
			if p.Title.En == "" || p.Title.Ja == "" {
				t.Errorf("%s: parameter %s is not named in both languages", s.Name, p.Name)
			}
		}
		if filepath.Base(s.File) != s.Name+".yaml" {
			t.Errorf("%s stands in %s", s.Name, s.File)
		}
	}
	for _, w := range hunts.Workbooks() {
		for _, name := range w.Hunts {
			s := names[name]
			if s == nil {
				t.Errorf("workbook %s: there is no hunt %s", w.Name, name)
				continue
			}
			for _, p := range s.Parameters {
				if p.Default == nil && p.Name != w.Required {
					t.Errorf("workbook %s: %s needs %s", w.Name, name, p.Name)
				}
			}
		}
	}
}
