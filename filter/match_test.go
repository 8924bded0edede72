package filter

import (
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
)

var testNow = time.Date(2026, 5, 8, 3, 0, 0, 0, time.UTC)

// TestMatch: whether an issue answers a query.
func TestMatch(t *testing.T) {
	jst := time.FixedZone("JST", 9*3600)
	row := func(field string) []any {
		return map[string][]any{
			"":          {"Root sign-in without MFA", "ルートでのサインイン（ＭＦＡなし）", "権限の昇格"},
			"status":    {yagura.StatusOpen},
			"severity":  {yagura.SeverityHigh},
			"title":     {"Root sign-in without MFA"},
			"account":   {"123456789012", "Prod-Web"},
			"technique": {"T1078.004"},
			"format":    {"aws.cloudtrail"},
			"label":     {"known", "x"},
			"assignee":  {""},
			"seen":      {testNow.Add(-23 * time.Hour)},
			"opened":    {time.Date(2026, 5, 7, 15, 30, 0, 0, time.UTC)}, // 00:30 of the 8th in Tokyo
			"closed":    {time.Time{}},
			"count":     {int64(5)},
			"ip":        {"203.0.113.77", "AWS Internal"},
			"entity":    {yagura.Entity{Type: "user", ID: "alice"}, yagura.Entity{Type: "ip", ID: "203.0.113.77"}},
		}[field]
	}
	f := func(text string, want bool) {
		t.Helper()
		q, err := Parse(Issues, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.At(testNow, jst).As("mary").Match(row); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		again, err := Parse(Issues, q.String())
		if err != nil {
			t.Fatal(err)
		}
		if got := again.At(testNow, jst).As("mary").Match(row); got != want {
			t.Errorf("%s: %v, want %v", again, got, want)
		}
	}
	yes := func(text string) { t.Helper(); f(text, true) }
	no := func(text string) { t.Helper(); f(text, false) }
	yes(``)
	yes(`root`)
	yes(`"ROOT sign" mfaなし 権限`)
	yes(`ＲＯＯＴ`)
	no(`root nowhere`)
	yes(`-nowhere`)
	yes(`severity:>=medium severity:high,low severity:medium..critical severity:<critical`)
	no(`severity:>high`)
	no(`severity:<=medium`)
	yes(`status:open title:SIGN title:root*mfa`)
	no(`title:mfa*root`)
	yes(`account:prod-web account:1234* account:*90* account:*12`)
	no(`account:prod`)
	no(`account:"prod*"`)
	no(`account:123456789012*123456789012`)
	yes(`technique:t1078 technique:T1078.004 format:aws`)
	no(`technique:T10`)
	no(`format:aws.cloud`)
	yes(`label:known label:none,x -label:y -label:none`)
	no(`-label:x,y`)
	yes(`assignee:none -assignee:* -assignee:me -closed:* closed:none seen:* label:*`)
	yes(`seen:24h seen:<24h seen:>22h seen:48h..1h seen:1h..48h seen:..1h seen:24h..`)
	no(`seen:<22h`)
	no(`seen:>24h`)
	no(`seen:..24h`)
	yes(`opened:today opened:2026-05-08 opened:2026-05-08T00 opened:2026-05-07T15:30Z opened:2026-05 opened:>=2026-05-08 opened:<=2026-05-08 opened:>2026-05-07 opened:<2026-05-09 opened:2026-05-07..2026-05-08 opened:yesterday..now`)
	no(`opened:yesterday`)
	no(`opened:2026-05-07`)
	no(`opened:>2026-05-08`)
	no(`opened:<2026-05-08`)
	yes(`count:5 count:>4 count:<=5 count:1..5 count:5..`)
	no(`count:6..`)
	yes(`ip:203.0.113.0/24 ip:203.0.113.77 ip:203.* ip:"aws internal" -ip:10.0.0.0/8 ip:10.0.0.1,203.0.0.0/16`)
	no(`ip:203.0.113.0/26`)
	yes(`entity:alice entity:user=ALICE entity:user=* entity:ip=203.0.113.* entity:a*e`)
	no(`entity:role=alice`)
	no(`entity:role=*`)
	yes(`suppressed:no`)
	no(`suppressed:yes`)
}

// TestAhead: times that lie ahead are counted from now onwards.
func TestAhead(t *testing.T) {
	f := func(text string, days int, want bool) {
		t.Helper()
		q, err := Parse(Tokens, text)
		if err != nil {
			t.Fatal(err)
		}
		row := func(string) []any { return []any{testNow.AddDate(0, 0, days)} }
		if got := q.At(testNow, time.UTC).Match(row); got != want {
			t.Errorf("%s in %d days: %v, want %v", text, days, got, want)
		}
	}
	f(`expires:<7d`, 6, true)
	f(`expires:<7d`, 8, false)
	f(`expires:<7d`, -1, true)
	f(`expires:7d`, 6, true)
	f(`expires:7d`, -1, false)
	f(`expires:>7d`, 8, true)
	f(`expires:>7d`, 6, false)
	f(`expires:1d..7d`, 6, true)
	f(`expires:..7d`, 6, true)
	f(`expires:7d..`, 6, false)
}

// TestMe: who asks takes the place of "me", and of nothing else.
func TestMe(t *testing.T) {
	row := func(string) []any { return []any{"mary"} }
	for text, want := range map[string]bool{`assignee:me`: true, `-assignee:me`: false, `assignee:"me"`: false, `assignee:bob,me`: true} {
		q, err := Parse(Issues, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.As("Mary").Match(row); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestMatchUnresolved: a query with times does not answer before somebody says when it is.
func TestMatchUnresolved(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it answered")
		}
	}()
	q, err := Parse(Issues, `seen:<24h`)
	if err != nil {
		t.Fatal(err)
	}
	q.Match(func(string) []any { return []any{testNow} })
}
