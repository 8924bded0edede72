package filter

import (
	"strings"
	"testing"
	"unicode/utf8"
)

var completeHelp = Help{Values: func(field, prefix string) []string {
	var values []string
	for _, v := range map[string][]string{
		"account": {"123456789012", "prod web", "none"},
		"entity":  {"user=alice", "user=Mary Smith", "ip=203.0.113.7"},
		"label":   {"known", "a,b"},
	}[field] {
		if strings.HasPrefix(v, prefix) {
			values = append(values, v)
		}
	}
	return values
}}

// TestComplete: at | the text that stands between the brackets may become what is beside it; a
// + at its end says that there is more.
func TestComplete(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		at := strings.Index(text, "|")
		text = text[:at] + text[at+1:]
		c := Complete(Issues, text, at, completeHelp)
		got := text[:c.From] + "[" + text[c.From:c.To] + "]" + text[c.To:]
		for i, item := range c.Items {
			if i == 8 {
				got += " +"
				break
			}
			got += " " + item.Text
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	f(`|`, `[] id: status: severity: conclusion: kind: engine: account: tenant: +`)
	f(`sev|`, `[sev] severity:`)
	f(`status:open se|v:high x`, `status:open [sev:]high x severity: seen:`)
	f(`-la|`, `-[la] label: seen:`)
	f(`重|`, `[重] severity:`)
	f(`crit|`, `[crit] severity:critical`)
	f(`未|`, `[未] status:open`)
	f(`"se|`, `["se]`)
	f(`"x y" op|`, `"x y" [op] opened: status:open`)
	f(`status:|`, `status:[] open acknowledged closed reopened`)
	f(`status:open,c|l x`, `status:open,[cl] x closed`)
	f(`状況：完|`, `状況：[完] closed`)
	f(`severity:|`, `severity:[] critical high medium low none >= <= > +`)
	f(`severity:>=|`, `severity:[>=] >=critical >=high >=medium >=low >=none`)
	f(`severity:>=h|`, `severity:[>=h] >=high`)
	f(`severity>=h|`, `severity[>=h] >=high`)
	f(`seen:|`, `seen:[] today yesterday <1h <24h <7d >30d 7d..24h 2026-05-01..2026-05-07 +`)
	f(`seen:<|`, `seen:[<] <1h <24h <7d <30d`)
	f(`seen:<2|`, `seen:[<2] <24h`)
	f(`count:|`, `count:[] 1..9 >= <= > <`)
	f(`account:|`, `account:[] 123456789012 "prod web" "none"`)
	f(`account:"prod| we" x`, `account:["prod we"] x "prod web"`)
	f(`entity:|`, `entity:[] user= role= session= service_principal= key= ip= domain= host= +`)
	f(`entity:user=|`, `entity:[user=] user=alice user="Mary Smith"`)
	f(`label:known,a|`, `label:known,[a] "a,b"`)
	f(`assignee:|`, `assignee:[] me none`)
	f(`cause:no|`, `cause:[no] none`)
	f(`title:a |`, `title:a [] id: status: severity: conclusion: kind: engine: account: tenant: +`)
}

func TestCompleteJapanese(t *testing.T) {
	c := Complete(Issues, "sev", 3, Help{Japanese: true})
	if len(c.Items) != 1 || c.Items[0].Doc != "重大度：重大度（緊急・高・中・低・対応不要）" || c.Items[0].Kind != "field" {
		t.Errorf("%+v", c)
	}
}

// FuzzComplete: whatever the text and the place, what is offered stands in place of a part of
// the text, and a field or a value that is put there is read.
func FuzzComplete(f *testing.F) {
	f.Add(`severity:>=high st "x y" seen:<`, 5)
	f.Add(`-重大度：緊急、`, 20)
	f.Add(`entity:user="a b`, 16)
	f.Fuzz(func(t *testing.T, text string, at int) {
		for _, l := range Lists() {
			c := Complete(l, text, at, completeHelp)
			if c.From < 0 || c.From > c.To || c.To > len(text) {
				t.Fatalf("%q at %d: %d to %d", text, at, c.From, c.To)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[:c.From]+text[c.To:]) {
				t.Errorf("%q at %d: %d to %d is within a character", text, at, c.From, c.To)
			}
			for _, item := range c.Items {
				alone := item.Text
				if item.Kind != "term" {
					continue
				}
				if _, err := Parse(l, alone); err != nil {
					t.Errorf("%q is offered: %v", alone, err)
				}
			}
		}
	})
}

// TestOffered: all that is offered for a field with nothing written yet, but an operator and a
// type of entities, is a value of the field.
func TestOffered(t *testing.T) {
	n := 0
	for _, l := range Lists() {
		for i := range l.Fields {
			text := l.Fields[i].Name + ":"
			for _, item := range Complete(l, text, len(text), completeHelp).Items {
				if item.Kind == "operator" || strings.HasSuffix(item.Text, "=") {
					continue
				}
				n++
				q, err := Parse(l, text+item.Text)
				if err != nil {
					t.Errorf("%s: %q is offered: %v", l.Name, text+item.Text, err)
				} else if item.Kind == "value" && q.String() != text+item.Text {
					t.Errorf("%s: %q is offered for %q", l.Name, text+item.Text, q)
				}
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d items", n)
	}
}
