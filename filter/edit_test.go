package filter

import "testing"

func TestEdit(t *testing.T) {
	f := func(text, how, field, value, want string) {
		t.Helper()
		q, err := Parse(Issues, text)
		if err != nil {
			t.Fatal(err)
		}
		var n *Query
		switch how {
		case "with":
			n, err = q.With(field, value)
		case "except":
			n, err = q.Except(field, value)
		case "without":
			n, err = q.Without(field, value)
		case "clear":
			n, err = q.Without(field)
		}
		got := ""
		if err != nil {
			got = err.Error()
		} else if got = n.String(); n.Text != got {
			t.Errorf("%s: text is %s", got, n.Text)
		}
		if got != want {
			t.Errorf("%s %s %s %q\n got %s\nwant %s", text, how, field, value, got, want)
		}
		if q.Text != text {
			t.Errorf("the query itself was changed: %s", q.Text)
		}
	}
	f("", "with", "severity", "high", "severity:high")
	f("severity:high x", "with", "severity", "critical", "severity:high,critical x")
	f("severity:high", "with", "severity", "high", "severity:high")
	f("severity:high", "with", "severity", ">=low", "severity:high,>=low")
	f("-label:a", "with", "label", "b, c*", `-label:a label:"b, c*"`)
	f("", "with", "label", "none", `label:"none"`)
	f("", "with", "assignee", "", "assignee:none")
	f("", "with", "assignee", "me", `assignee:"me"`)
	f("", "with", "entity", "user=Mary Smith", `entity:user="Mary Smith"`)
	f("", "with", "entity", "arn:aws:iam::1:user/x", `entity:arn:aws:iam::1:user/x`)
	f("", "with", "ip", "2001:DB8::1", "ip:2001:db8::1")
	f("", "with", "opened", "2026-05-01", "opened:2026-05-01")
	f("", "with", "severity", "", "severity always has a value")
	f("", "with", "severity", "hihg", `1:1: "hihg" is no severity: want critical, high, medium, low or none (hint: did you mean high?)`)
	f("", "with", "severity", "high low", `"high low" is more than one value of severity`)
	f("", "with", "nope", "x", `issues cannot be asked by "nope"`)
	f("status:open", "except", "label", "known", "status:open -label:known")
	f("-label:known", "except", "label", "b", "-label:known,b")
	f("severity:high,low x", "without", "severity", "low", "severity:high x")
	f("severity:高 x", "without", "severity", "high", "x")
	f("-label:a label:a,b", "without", "label", "a", "-label:a label:b")
	f("-label:a label:a,b x", "clear", "label", "", "x")
}
