package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/lake/duck"
)

// signInRecord is a sign-in of Entra ID from a country.
func signInRecord(n int, at, who, from, country string) string {
	return fmt.Sprintf(`{"time":"%[2]s","resourceId":"/tenants/0a1b2c3d-0000-4000-8000-000000000001/providers/Microsoft.aadiam","operationName":"Sign-in activity","category":"SignInLogs","tenantId":"0a1b2c3d-0000-4000-8000-000000000001","resultType":"0","callerIpAddress":"%[4]s","location":"%[5]s",`+
		`"properties":{"id":"10000000-0000-4000-8000-%012[1]d","createdDateTime":"%[2]s","userDisplayName":"%[3]s","userPrincipalName":"%[3]s@example.com","userId":"u-%[3]s","appId":"a1","appDisplayName":"Mail","ipAddress":"%[4]s","clientAppUsed":"Browser","status":{"errorCode":0},"location":{"city":"x","countryOrRegion":"%[5]s"}}}`,
		n, at, who, from, country)
}

// eventStand is a service with a few records of two accounts and of a tenant of Entra ID.
func eventStand(t *testing.T) *stand {
	t.Helper()
	if !duck.Available {
		t.Skip(duck.ErrNoEngine)
	}
	s := consoleStand(t) // two records of CloudTrail, at 09:00 and 10:00
	s.post(trail("2026-03-01T08:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"漏洩調査"}`),
		signInRecord(1, "2026-03-02T11:00:00Z", "mary", "203.0.113.9", "JP"), signInRecord(2, "2026-03-02T11:10:00Z", "mary", "2001:db8::7", "Japan"),
		signInRecord(3, "2026-02-20T11:00:00Z", "jo", "192.0.2.200", "NL"))
	return s
}

func (s *stand) events(reach api.Reach, q string, change func(*api.Ask)) (*api.List[api.Event], error) {
	s.t.Helper()
	ask := s.ask(filter.Events, q)
	ask.Limit = 100
	if change != nil {
		change(&ask)
	}
	return s.serve.console.ListEvents(s.t.Context(), reach, "user:test", ask)
}

// TestEventsAsked: every field of the grammar is answered, as the records say.
func TestEventsAsked(t *testing.T) {
	s := eventStand(t)
	const bob, theirs = "111122223333", "999988887777"
	named := map[string]string{}
	all, err := s.events(everything, "", nil)
	if err != nil || len(all.Items) != 6 || all.Next != "" || *all.Total != (api.Total{N: 6, Exact: true}) {
		t.Fatalf("%v %+v", err, all)
	}
	for i, e := range all.Items {
		if i > 0 && e.Time.After(all.Items[i-1].Time) {
			t.Errorf("%s stands behind %s", e.Time, all.Items[i-1].Time)
		}
		named[e.Key.String()] = e.Time.Format("02T15:04")
	}
	newest := all.Items[0]
	for q, want := range map[string]string{
		"time:2026-03-02":                         "02T11:10 02T11:00 02T10:00 02T09:00",
		"time:<2026-03-01":                        "20T11:00",
		"-time:2026-03-02":                        "01T08:00 20T11:00",
		"time:2026-03-02T09:00..2026-03-02T10:00": "02T10:00 02T09:00",
		"time:*":                "02T11:10 02T11:00 02T10:00 02T09:00 01T08:00 20T11:00",
		"seen:<1h":              "02T11:10 02T11:00 02T10:00 02T09:00 01T08:00 20T11:00",
		"seen:none":             "",
		"format:aws":            "02T10:00 02T09:00 01T08:00",
		"format:AWS.CloudTrail": "02T10:00 02T09:00 01T08:00",
		"-format:aws account:*": "02T11:10 02T11:00 20T11:00",
		"account:" + theirs:     "02T10:00",
		"account:1111*":         "02T09:00 01T08:00",
		"action:stoplogging":    "02T10:00 02T09:00",
		"action:Stop*,CreateUser -account:" + bob:       "02T10:00",
		"service:iam.amazonaws.com":                     "01T08:00",
		"actor:mary*":                                   "02T11:10 02T11:00",
		"actor:bob":                                     "02T10:00 02T09:00 01T08:00",
		"actor_type:user actor:arn:aws:iam::*:user/bob": "02T09:00 01T08:00",
		"region:eu-west-1 outcome:success":              "02T10:00 02T09:00 01T08:00",
		"outcome:failure":                               "",
		"ip:203.0.113.0/24":                             "02T11:00",
		"ip:203.0.113.9":                                "02T11:00",
		"ip:2001:db8::/32":                              "02T11:10",
		"ip:2001:0db8::7":                               "02T11:10",
		"-ip:198.51.100.0/24":                           "02T11:10 02T11:00 20T11:00",
		"country:jp":                                    "02T11:10 02T11:00",
		"country:Japan":                                 "02T11:10 02T11:00",
		"country:日本":                                    "02T11:10 02T11:00",
		"country:NL,JP":                                 "02T11:10 02T11:00 20T11:00",
		"country:none":                                  "02T10:00 02T09:00 01T08:00",
		"-country:JP country:*":                         "20T11:00",
		"country:N*":                                    "20T11:00",
		"agent:aws-cli":                                 "02T10:00 02T09:00 01T08:00",
		"error:none source:in":                          "02T11:10 02T11:00 02T10:00 02T09:00 01T08:00 20T11:00",
		"size:>100":                                     "02T11:10 02T11:00 02T10:00 02T09:00 01T08:00 20T11:00",
		"size:>1000000":                                 "",
		"entity:ip=203.0.113.9":                         "02T11:00",
		"entity:user=203.0.113.9":                       "",
		"entity:" + theirs:                              "02T10:00",
		"entity:user=arn:aws:iam::*:user/bob":           "02T09:00 01T08:00",
		"target:none":                                   "",
		"session_of:none access_key:none object:*":      "02T11:10 02T11:00 02T10:00 02T09:00 01T08:00 20T11:00",
		"SECRET":                                        "02T10:00",
		"漏洩":                                            "01T08:00",
		"-cloudtrail time:2026-03-02":                   "02T11:10 02T11:00",
		`"requestParameters" country:none`:              "02T10:00 02T09:00 01T08:00",
		"key:" + newest.Key.String():                    "02T11:10",
		"id:" + newest.ID:                               "02T11:10",
		"tenant:home":                                   "",
		"tenant:none owner:none environment:none":       "02T11:10 02T11:00 02T10:00 02T09:00 01T08:00 20T11:00",
		`action:"' OR 1=1 --"`:                          "",
		`"') UNION SELECT raw FROM events --"`:          "",
		`object:"x\' ESCAPE '%"`:                        "",
		"action:%":                                      "", "action:Stop_ogging": "",
	} {
		if q == "target:none" {
			if l, err := s.events(everything, "target:*", nil); err != nil {
				t.Errorf("target:*: %v", err)
			} else if m, err := s.events(everything, "target:none", nil); err != nil || len(l.Items)+len(m.Items) != 6 || len(l.Items) == 0 {
				t.Errorf("%d have targets and %v none: %v", len(l.Items), m, err)
			}
			continue
		}
		l, err := s.events(everything, q, nil)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		var got []string
		for _, e := range l.Items {
			got = append(got, e.Time.Format("02T15:04"))
		}
		if strings.Join(got, " ") != want || l.Total == nil || l.Total.N != int64(len(got)) {
			t.Errorf("%s: %v (%+v), want %s", q, got, l.Total, want)
		}
	}
	for _, e := range all.Items {
		if e.Format != "aws.cloudtrail" {
			continue
		}
		for _, x := range e.Targets {
			l, err := s.events(everything, fmt.Sprintf("target:%s=%q entity:%q", x.Type, x.ID, x.ID), nil)
			if err != nil || !slices.ContainsFunc(l.Items, func(y api.Event) bool { return y.Key == e.Key }) {
				t.Errorf("%+v is not found by its target %+v: %v", e, x, err)
			}
		}
	}
	if _, err := s.events(everything, "time:none", nil); err == nil {
		t.Error("events without a time are listed")
	} else if p := (*api.Problem)(nil); !errors.As(err, &p) || p.Code != api.CodeBadQuery {
		t.Errorf("time:none: %v", err)
	}
	// No field of the grammar is forgotten.
	for i := range filter.Events.Fields {
		f := &filter.Events.Fields[i]
		if _, err := (&eventQuestion{params: map[string]any{}}).holds(&filter.Term{Field: f}, &filter.Value{Op: filter.Is, Text: "x", Number: math.MinInt64, To: math.MaxInt64}, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestEventsWithin: who sees a part sees nothing of the rest, neither in a list, nor as a number,
// nor by a key.
func TestEventsWithin(t *testing.T) {
	s := eventStand(t)
	all, err := s.events(everything, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	mine := ofAccount("111122223333")
	for _, q := range []string{"", "SECRET", "account:999988887777", "country:none", "-account:111122223333", "entity:999988887777", "ip:198.51.100.7"} {
		l, err := s.events(mine, q, nil)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		body, _ := json.Marshal(l)
		if n := len(l.Items); l.Total.N != int64(n) || strings.Contains(string(body), "SECRET") || strings.Contains(string(body), "999988887777") || n > 2 || n == 0 && q == "" {
			t.Errorf("%s: %s", q, body)
		}
	}
	if l, err := s.events(api.Reach{Scopes: []yagura.Scope{{Formats: []string{"entra.signin"}}}}, "", nil); err != nil || len(l.Items) != 3 || l.Total.N != 3 {
		t.Errorf("of a format: %v %+v", err, l)
	}
	if l, err := s.events(api.Reach{}, "", nil); err != nil || len(l.Items) != 0 || l.Total.N != 0 {
		t.Errorf("of nobody: %v %+v", err, l)
	}
	for _, e := range all.Items {
		for name, ask := range map[string]struct {
			at     time.Time
			format string
		}{"by its key": {}, "with its time": {at: e.Time}, "with its format": {at: e.Time, format: e.Format}, "with a wrong time": {at: e.Time.AddDate(-1, 0, 0)}} {
			p, err := s.serve.console.Event(t.Context(), everything, "user:test", e.Key, ask.at, ask.format)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got, _ := json.Marshal(p.Event)
			want, _ := json.Marshal(e)
			if string(got) != string(want) || !json.Valid([]byte(p.Raw)) || int64(len(p.Raw)) != e.Size || p.Missing != "" {
				t.Errorf("%s: %s, want %s (%d bytes)", name, got, want, len(p.Raw))
			}
			if e.Action == "StopLogging" && (len(p.Findings) == 0 || p.Findings[0].Event.Key != e.Key) {
				t.Errorf("%s: the findings of %s are %+v", name, e.Key, p.Findings)
			}
			_, err = s.serve.console.Event(t.Context(), mine, "user:test", e.Key, ask.at, ask.format)
			if beyond := e.Account != "111122223333"; beyond != errors.Is(err, api.NotFound) {
				t.Errorf("%s: of %s to who sees one account: %v", name, e.Account, err)
			}
		}
	}
	if _, err := s.serve.console.Event(t.Context(), everything, "user:test", yagura.Key{1, 2}, time.Time{}, ""); !errors.Is(err, api.NotFound) {
		t.Errorf("a key that nobody has: %v", err)
	}
	// Beside the service the same is found, without the engine.
	beside := s.serve.newConsole()
	beside.serve = nil
	for _, e := range all.Items {
		p, err := beside.Event(t.Context(), everything, "cli:x", e.Key, time.Time{}, "")
		if err != nil || p.Key != e.Key || p.Raw == "" {
			t.Errorf("beside: %v %+v", err, p)
		}
		if _, err := beside.Event(t.Context(), mine, "cli:x", e.Key, time.Time{}, ""); (e.Account != "111122223333") != errors.Is(err, api.NotFound) {
			t.Errorf("beside, of %s: %v", e.Account, err)
		}
	}
}

// TestEventsPaged: pages of any size have each event once, in either order, and an end; a cursor
// that was not given out is refused.
func TestEventsPaged(t *testing.T) {
	s := eventStand(t)
	var many []string
	for i := range 40 { // many at the same moment
		many = append(many, trail(fmt.Sprintf("2026-02-27T%02d:00:00Z", i/10), "iam.amazonaws.com", "GetUser", `null`))
	}
	s.post(many...)
	whole, err := s.events(everything, "", nil)
	if err != nil || len(whole.Items) != 46 {
		t.Fatalf("%v %d", err, len(whole.Items))
	}
	for _, down := range []bool{true, false} {
		for _, limit := range []int{1, 7, 46} {
			var got []api.Event
			after := ""
			for pages := 0; ; pages++ {
				if pages > 200 {
					t.Fatal("it does not end")
				}
				l, err := s.events(everything, "", func(a *api.Ask) { a.Limit, a.After, a.Order.Down, a.Total = limit, after, down, false })
				if err != nil || len(l.Items) > limit || l.Total != nil {
					t.Fatalf("%v %+v", err, l)
				}
				got = append(got, l.Items...)
				if after = l.Next; after == "" {
					break
				}
			}
			if !down {
				slices.Reverse(got)
			}
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(whole.Items)
			if string(a) != string(b) {
				t.Errorf("pages of %d, down %v, have %d events of %d, or others", limit, down, len(got), len(whole.Items))
			}
			if limit != 7 {
				continue
			}
			// Another order does not take it for its own.
			l, err := s.events(everything, "", func(a *api.Ask) { a.Limit, a.Order.Down = 7, down })
			if err != nil {
				t.Fatal(err)
			}
			for _, cursor := range []string{l.Next, "x", "e30x", strings.Repeat("A", 10)} {
				if _, err := s.events(everything, "", func(a *api.Ask) { a.After, a.Order.Down = cursor, !down }); err == nil {
					t.Errorf("the cursor %q is taken", cursor)
				}
			}
		}
	}
	// Who goes away is not answered.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.serve.console.ListEvents(ctx, everything, "user:test", s.ask(filter.Events, "")); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone: %v", err)
	}
}

// TestOverviewCountries: the events of a week by the country that the records say, each with a
// question to the list that has as many, and nothing of what lies beyond a scope.
func TestOverviewCountries(t *testing.T) {
	s := eventStand(t)
	c := s.serve.newConsole() // nobody makes its sums behind the answers: they are there at once
	o, err := c.Overview(t.Context(), everything, s.clock().Add(-24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, x := range o.Countries {
		got[x.Country] = x.Events
		l, err := s.events(everything, x.Q, nil)
		if err != nil || l.Total.N != x.Events {
			t.Errorf("%s: %v %+v, want %d", x.Q, err, l, x.Events)
		}
		if (x.Findings == nil) != (x.Country == "") {
			t.Errorf("the findings of %q: %v", x.Country, x.Findings)
		}
	}
	if len(got) != 2 || got["JP"] != 2 || got[""] != 3 || o.Countries[0].Country != "JP" {
		t.Errorf("%+v", o.Countries)
	}
	mine, err := c.Overview(t.Context(), ofAccount("999988887777"), s.clock().Add(-24*time.Hour))
	if err != nil || len(mine.Countries) != 1 || mine.Countries[0].Country != "" || mine.Countries[0].Events != 1 {
		t.Errorf("of one account: %v %+v", err, mine.Countries)
	}
	if l := o.Lake; l == nil || l.In != "folder" || l.RetentionDays != 0 || l.PerDay == 0 {
		t.Errorf("%+v", l)
	}
}

func TestCountryCode(t *testing.T) {
	for text, want := range map[string]string{"JP": "JP", "jp": "JP", "Japan": "JP", "日本": "JP", "United States": "US", "The Netherlands": "NL", "South Korea": "KR", "Korea, Republic of": "KR",
		"Czechia": "CZ", "Czech Republic": "CZ", "ＵＳＡ": "US", "": "", "-": "-", "Atlantis": "Atlantis", "ZZ": "ZZ", "EU": "EU"} {
		if got := countryCode(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		for _, s := range countrySpellings(want) {
			if want != text && len(want) == 2 && countryCode(s) != want {
				t.Errorf("the spelling %q of %s is of %s", s, want, countryCode(s))
			}
		}
	}
}
