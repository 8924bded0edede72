package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/intake"
)

// TestAlertClause: the clause of a vendor's alert stands in the record where the vendor names
// what was found, whatever the vendor and the way the alert came.
func TestAlertClause(t *testing.T) {
	d, err := decode.New(decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, format := range decode.AlertFormats() {
		files, err := filepath.Glob(filepath.Join("..", "decode", "testdata", format, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no fixtures: %v", format, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := d.NewReader(bytes.NewReader(data), file)
			for {
				rec, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				found, ok := intake.Alert(rec, "test")
				if !ok {
					continue // evidence, a configuration item
				}
				raw, f := rec.Raw(), found.Finding
				c := clausesIn(rec.Format.Name, raw, f.Why)[0]
				if c.End <= c.Start || c.End > len(raw) || c.Path == "" {
					t.Errorf("%s: %q has no place in %s", file, f.Why[0].Value, raw)
					continue
				}
				var said any
				if err := json.Unmarshal(raw[c.Start:c.End], &said); err != nil {
					t.Errorf("%s: at %s stands %s: %v", file, c.Path, raw[c.Start:c.End], err)
					continue
				}
				text, _ := said.(string)
				rule, title := f.Why[0].Value, f.Rule.Title
				if text == "" || rule != text && !strings.HasSuffix(rule, "/"+text) && !strings.Contains(title, text) {
					t.Errorf("%s: %q is marked at %s, which says %q", file, rule, c.Path, text)
				}
				names[rec.Format.Name+" "+c.Path]++
			}
			r.Close()
		}
	}
	for _, want := range []string{"aws.guardduty type", "aws.securityhub Compliance.SecurityControlId", "gcp.scc category", "microsoft.alert AlertType", "falco.alert rule", "prowler.finding CheckID"} {
		if names[want] == 0 {
			t.Errorf("nothing stands at %s; there are %v", want, names)
		}
	}
}

// TestAlertClauseText: a record that is no JSON has the clause where the name stands first, and
// a clause of a rule that reads a field of the name "alert" is placed as every other.
func TestAlertClauseText(t *testing.T) {
	said := yagura.Why{Field: "alert", Op: "says", Value: "s3_public", Actual: "id-1"}
	if c := clausesIn("prowler.finding", []byte("PASS;s3_public;s3_public in Tokyo"), []yagura.Why{said})[0]; c.Start != 5 || c.End != 14 {
		t.Errorf("%+v", c)
	}
	raw := []byte(`{"type":"other","alert":"x","title":"A title"}`)
	list := clausesIn("aws.guardduty", raw, []yagura.Why{said, {Field: "alert", Op: "equals", Value: "x", Actual: "x"}})
	var at []string
	for _, c := range list {
		at = append(at, c.Path)
	}
	if !slices.Equal(at, []string{"title", "alert"}) {
		t.Errorf("placed at %q", at)
	}
	if c := clausesIn("aws.cloudtrail", raw, []yagura.Why{said})[0]; c.End != 0 {
		t.Errorf("a format without alerts: %+v", c)
	}
}
