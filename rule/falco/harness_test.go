package falco

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// judge evaluates rules over records of one source, record by record, without the
// engine's index.
type judge struct {
	set    *query.Set
	plan   *slot.Plan
	rules  []*rule.Rule
	progs  []*query.Program
	fields [][]query.FieldID // of the rules' outputs
}

func newJudge(t testing.TB, rules []*rule.Rule, format string) *judge {
	t.Helper()
	b := slot.NewBuilder()
	j := &judge{set: query.NewSet(b)}
	for _, r := range rules {
		if r.Disabled || r.When == nil || !slices.Contains(r.Formats, format) {
			continue
		}
		r = r.On(format)
		p, err := j.set.Add(r.When)
		if err != nil {
			t.Fatalf("%s: %v", r.Title, err)
		}
		var ids []query.FieldID
		if r.Output != nil {
			for _, f := range r.Output.Fields() {
				id, err := j.set.Field(f)
				if err != nil {
					t.Fatalf("%s: output: %v", r.Title, err)
				}
				ids = append(ids, id)
			}
		}
		j.rules, j.progs, j.fields = append(j.rules, r), append(j.progs, p), append(j.fields, ids)
	}
	j.set.Seal()
	j.plan = b.Plan()
	return j
}

// alert is a rule that fired, with its output.
type alert struct{ rule, output string }

// fire returns the alerts on one record.
func (j *judge) fire(t testing.TB, record []byte, meta query.Meta) []alert {
	t.Helper()
	doc := j.plan.NewDoc()
	if _, err := j.plan.Scan(record, doc); err != nil {
		t.Fatalf("scan %.80s: %v", record, err)
	}
	st := j.set.NewState()
	st.Begin(doc, meta)
	var out []alert
	for i, p := range j.progs {
		if p.Holds(st) {
			text := ""
			if j.rules[i].Output != nil {
				text = j.rules[i].Output.Render(st.Input(j.fields[i]))
			}
			out = append(out, alert{j.rules[i].Title, text})
		}
	}
	return out
}

// cloudtrailMeta reads what the decoder would know of a CloudTrail record. ok is
// false for a record that Falco's plugin does not deliver.
func cloudtrailMeta(t testing.TB, record []byte, num uint64, first int64) (meta query.Meta, id string, ok bool) {
	t.Helper()
	var head struct{ EventID, EventTime, EventType any }
	if err := json.Unmarshal(record, &head); err != nil {
		t.Fatal(err)
	}
	id, _ = head.EventID.(string)
	s, _ := head.EventTime.(string)
	at, err := time.Parse(time.RFC3339, s)
	kind, _ := head.EventType.(string)
	if err != nil || kind == "" || kind == "AwsCloudTrailInsight" {
		return meta, id, false
	}
	if first == 0 {
		first = at.UnixNano()
	}
	return query.Meta{Num: num, Time: at.UnixNano(), First: first, Format: "aws.cloudtrail"}, id, true
}

// always is a condition that holds for every record with an event name.
func always(c *compiler) query.Expr {
	n, err := parseCondition(newText(&fragment{value: "ct.name exists"}))
	if err != nil {
		panic(err.msg)
	}
	e, err := c.expr(n)
	if err != nil {
		panic(err.msg)
	}
	return e
}
