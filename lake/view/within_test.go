//go:build cgo

package view_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake/view"
)

// TestWithin: in tables of every kind, what two halves of the accounts see is together what all see,
// each row once, and the same of two halves of the formats; within nothing is nothing.
func TestWithin(t *testing.T) {
	l := newLake(t)
	for _, f := range decode.Formats() {
		files, err := filepath.Glob(filepath.Join(fixtures, f.Name, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if !strings.HasSuffix(path, ".golden.jsonl") {
				l.addFile(t, path)
			}
		}
	}
	l.write(t)
	accounts, formats := map[string]bool{}, []string{}
	for format, rows := range l.rows {
		formats = append(formats, format)
		for _, r := range rows {
			accounts[r.event.Account] = true
		}
	}
	slices.Sort(formats)
	names := slices.Sorted(maps.Keys(accounts))
	if len(names) < 4 {
		t.Fatalf("the fixtures have the accounts %q: too few to tell them apart", names)
	}
	rows := func(tab *view.Table, within *view.Within) (out []string) {
		t.Helper()
		q, err := tab.SelectWithin(nil, l.files, time.Time{}, time.Time{}, nil, within)
		if err != nil {
			t.Fatal(err)
		}
		list, err := l.query(t, q)
		if err != nil {
			t.Fatalf("%v\n%s", err, q)
		}
		for _, r := range list {
			line, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(line))
		}
		return out
	}
	told := 0
	// One of each kind: of the head alone, of one format, with its own condition, of many formats.
	for _, name := range []string{"events", "AWSCloudTrail", "SigninLogs", "_Im_Authentication"} {
		tab, ok := view.Lookup(name)
		if !ok {
			t.Fatalf("there is no table %s", name)
		}
		all := slices.Sorted(slices.Values(rows(tab, nil)))
		half := func(cut func(first bool) view.Bound) (parts [2][]string) {
			for i := range parts {
				parts[i] = rows(tab, &view.Within{Bounds: []view.Bound{cut(i == 0)}})
			}
			return parts
		}
		byAccount := half(func(first bool) view.Bound {
			if first {
				return view.Bound{Accounts: names[:len(names)/2]}
			}
			return view.Bound{Accounts: names[len(names)/2:]}
		})
		byFormat := half(func(first bool) view.Bound {
			if first {
				return view.Bound{Formats: formats[:len(formats)/2]}
			}
			return view.Bound{Formats: formats[len(formats)/2:]}
		})
		for what, parts := range map[string][2][]string{"accounts": byAccount, "formats": byFormat} {
			if d := cmp.Diff(all, slices.Sorted(slices.Values(slices.Concat(parts[0], parts[1])))); d != "" {
				t.Errorf("%s, halves of the %s (-all +both): %s", tab.Name, what, d)
			}
			if len(parts[0]) > 0 && len(parts[1]) > 0 {
				told++
			}
		}
		if none := rows(tab, &view.Within{}); len(none) > 0 {
			t.Errorf("%s: within nothing there is %s", tab.Name, none[0])
		}
	}
	if told < 2 {
		t.Errorf("only %d tables had rows in both halves", told)
	}
}
