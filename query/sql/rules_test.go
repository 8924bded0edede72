//go:build cgo

package sql_test

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/decode"
	own "github.com/yagura-sec/yagura/query/sql"
)

var all = flag.Bool("all", false, "compare all given rules with all given events")

// given returns a path below the folder of given data beside the repository, or skips.
func given(t testing.TB, path string) string {
	t.Helper()
	p := filepath.Join("..", "..", "..", "shared", "data", path)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("the given data are not here: %v", err)
	}
	return p
}

// records reads the records of files below folders, by format.
func records(t testing.TB, most int, roots ...string) map[string][]string {
	t.Helper()
	dec, err := decode.New(decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := os.Open(p)
			if err != nil {
				return err
			}
			defer f.Close()
			r := dec.NewReader(f, p)
			for {
				rec, err := r.Next()
				if bad := (*decode.RecordError)(nil); errors.As(err, &bad) {
					continue
				}
				if err != nil {
					if err != io.EOF {
						t.Logf("%s: %v", p, err)
					}
					return nil
				}
				raw := rec.Raw()
				if len(out[rec.Format.Name]) < most && utf8.Valid(raw) && len(raw) > 0 && raw[0] == '{' {
					out[rec.Format.Name] = append(out[rec.Format.Name], string(raw))
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestRules holds the given and the shipped rules to their streaming form over the given
// events of their formats.
func TestRules(t *testing.T) {
	rules, err := app.LoadRules(app.RuleOptions{Paths: []string{app.Shipped, given(t, "rules/sigma"), given(t, "rules/falco")}})
	if err != nil {
		t.Fatal(err)
	}
	// All of them take minutes, most of it the engine's planning; unless asked for, one in
	// thirty is compared.
	most, step := 400, 1
	if !*all {
		most, step = 60, 30
	}
	events := records(t, most, given(t, "aws"), given(t, "entra"), given(t, "azure"), given(t, "gcp"), given(t, "graph"), given(t, "datadog"))
	db := engine(t)
	compared, refused, hits, unsaid, answers := 0, map[string]int{}, 0, 0, 0
	for _, format := range slices.Sorted(maps.Keys(events)) {
		load(t, db, events[format])
		n := 0
		for i, r := range rules.Rules {
			if i%step != 0 {
				continue
			}
			if r.Correlation != nil || r.Counted != nil || r.Formats != nil && !slices.Contains(r.Formats, format) {
				continue
			}
			when := r.On(format).When
			p, err := own.Compile(when, own.Options{Narrow: own.Narrow(when, own.Columns{Raw: "raw"})})
			if no := (*own.Refusal)(nil); errors.As(err, &no) {
				refused[no.Reason]++
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", r.File, err)
			}
			compared++
			n++
			got, want := asks(t, db, p.SQL, len(events[format])), program(t, when, events[format])
			for i := range got {
				answers++
				hits += want[i]
				if got[i] == -1 {
					unsaid++
				} else if got[i] != want[i] {
					t.Errorf("%s %q over %s: SQL says %d, the Program %d of\n%s", r.File, r.Title, format, got[i], want[i], events[format][i])
					break
				}
			}
		}
		t.Logf("%s: %d records, %d rules", format, len(events[format]), n)
	}
	t.Logf("%d rules and formats, %d answers, %d hits, %d times SQL could not say; refused %v", compared, answers, hits, unsaid, refused)
	if *all && compared < 1000 || compared < 20 || hits < 1 {
		t.Errorf("only %d rules were compared, with %d hits", compared, hits)
	}
	// SQL that cannot say is no answer: on what clouds write it must be rare.
	if unsaid*1000 > answers {
		t.Errorf("of %d answers SQL could not give %d", answers, unsaid)
	}
}
