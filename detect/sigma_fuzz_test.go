package detect

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/slot"
)

// fuzzRecords have the fields that the seeds ask for.
var fuzzRecords = []string{
	`{"a":"b","EventID":4625,"User":"mary","user":"mary","ComputerName":"h","host":["h","i"],"bytes":5,"b":[1,"2",null],"p":[{"Name":"A","Value":"x"}]}`,
	`{"a":"b","EventID":4624,"User":"mary","user":"john","host":"h","bytes":"7","eventName":"ConsoleLogin"}`,
	`{"a":["b","c"],"EventID":4625,"User":["mary","zoe"],"x":{"y":[{"z":1}]}}`,
}

// FuzzSigmaRules: whatever the Sigma reader loads the engine takes, judges by and
// evaluates windows of.
func FuzzSigmaRules(f *testing.F) {
	paths, err := filepath.Glob("../rule/sigma/testdata/*/correlation*.yml")
	if err != nil || len(paths) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range []string{
		"title: Many\nname: many\ncorrelation: {type: event_count, rules: [failed_logon], group-by: [ComputerName], timespan: 1h, condition: {gte: 1}}\n---\ntitle: O\ncorrelation: {type: temporal_ordered, rules: [many, successful_logon], group-by: [User], timespan: 1h}\n",
		"title: Many\nname: many\ncorrelation: {type: value_avg, rules: [failed_logon], timespan: 1h, condition: {lt: 9, field: bytes}}\n---\ntitle: O\ncorrelation: {type: value_count, rules: [many], group-by: [User], timespan: 1h, condition: {gte: 1, field: [host, b]}}\n",
	} {
		f.Add([]byte(specLogons[1:] + c))
	}
	pipeline, refusals := sigma.ParsePipeline(rule.File{Path: "p.yml", Data: []byte("name: p\ntransformations: [{type: field_name_mapping, mapping: {x: 'p{Name=A}.Value', y: [b, 'p{Name=B}.Value']}}]\n")})
	if pipeline == nil {
		f.Fatal(refusals)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		rules, _ := sigma.Load([]rule.File{{Path: "f.yml", Data: data}}, sigma.Options{NoRouting: true, Pipelines: []*sigma.Pipeline{pipeline}})
		if len(rules) == 0 || len(rules) > 50 {
			return
		}
		e, err := New(rules, Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := slot.NewBuilder()
		e.Want(testFormat, b)
		plan := b.Plan()
		doc, m, w := plan.NewDoc(), e.NewMatcher(), e.NewWindows()
		defer w.Close()
		for i := range 3 * len(fuzzRecords) {
			if _, err := plan.Scan([]byte(fuzzRecords[i%len(fuzzRecords)]), doc); err != nil {
				t.Fatal(err)
			}
			ev := &yagura.Event{ID: fmt.Sprint(i), Key: yagura.Key{byte(i)}, Format: testFormat, Time: time.Unix(int64(i*i), 0).UTC()}
			for _, h := range m.Match(testFormat, doc, query.Meta{Format: testFormat}) {
				m.finding(h, m.st, ev)
				if err := w.Add(m.Base(h, ev)); err != nil {
					t.Fatal(err)
				}
			}
		}
		err = w.Finish(func(f yagura.Finding) error {
			if len(f.ID) != 32 || len(f.Events) == 0 || f.Time.IsZero() {
				t.Errorf("%+v", f)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
