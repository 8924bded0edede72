package detections_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule"
)

// TestOneDeedOneIssue judges every firing event of every test.yml by all shipped rules: a
// single event makes one issue at medium or above, whatever number of rules find it.
func TestOneDeedOneIssue(t *testing.T) {
	tests, err := detections.Tests()
	if err != nil {
		t.Fatal(err)
	}
	j := newJudge(t)
	events, met := 0, map[string]bool{}
	for _, f := range tests {
		var doc struct {
			Fires []struct {
				Name  string
				Event any
			}
		}
		if err := yaml.Unmarshal(f.Data, &doc); err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		for _, c := range doc.Fires {
			if c.Event == nil {
				continue // several events are several deeds
			}
			data := []byte(fmt.Sprint(c.Event))
			if _, ok := c.Event.(string); !ok {
				if data, err = json.Marshal(c.Event); err != nil {
					t.Fatal(err)
				}
			}
			events++
			found, _ := j.read(t, bytes.NewReader(append(data, '\n')), "event.json")
			if names := opens(found); len(names) > 1 {
				pair := strings.Join(names, " + ")
				if met[pair] = true; !apart[pair] {
					t.Errorf("%s: %s: issues of %s: leave out of the general rule what the other finds, or let it join (docs/detections.md)", f.Path, c.Name, pair)
				}
			}
		}
	}
	for pair := range apart {
		if !met[pair] {
			t.Errorf("%s is named as an exception, and no event is", pair)
		}
	}
	if events < 500 {
		t.Errorf("only %d events were judged", events)
	}
}

// apart are rules that one event gives an issue each, and should.
var apart = map[string]bool{
	// A range of ports may open both, and each is closed by itself.
	"aws/ec2-security-group-admin-port-open + aws/ec2-security-group-data-port-open": true,
}

// opens names the rules at medium or above of which a finding opens an issue of its own.
func opens(found []yagura.Finding) []string {
	keys, names := map[string]bool{}, []string{}
	for _, f := range found {
		if f.Severity < yagura.SeverityMedium || f.Mode == string(rule.ModeCount) || slices.Contains(names, folder(f.Rule.File)) {
			continue
		}
		if !keys[f.CauseKey] {
			names = append(names, folder(f.Rule.File))
		}
		keys[f.CauseKey] = true
	}
	slices.Sort(names)
	return names
}

func folder(file string) string {
	vendor, name := detections.Folder(file)
	return vendor + "/" + name
}
