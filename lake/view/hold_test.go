//go:build cgo

package view_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/lake/view"
)

// TestHolding: rows that hold a text are found by it however their records write it, and
// records that do not have it are not parsed.
func TestHolding(t *testing.T) {
	l := newLake(t)
	for i, name := range []string{
		`needle-kit`, `NEEDLE-KIT`, `n\u0065edle-kit`, "needle-\u212ait", `needle-\u212ait`, "needle-k\u0130t", `needle-k\u0130t`, `x/needle-kit`, `hay`, `needle kit`, `1e3`,
	} {
		record := fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%08d-0000-4000-8000-000000000000","eventTime":"2024-03-05T0%d:00:00Z","eventSource":"iam.amazonaws.com","eventName":"GetRole","awsRegion":"us-east-1","recipientAccountId":"111122223333","requestParameters":{"name":"%s"}}`, i, i%9, name)
		l.add(t, strings.NewReader(`{"Records":[`+record+`]}`), "trail.json")
	}
	l.write(t)
	tab, _ := view.Lookup("AWSCloudTrail")
	count := func(holds []view.Hold, cond string) int {
		t.Helper()
		sql, err := tab.SelectHolding([]string{"AwsEventId", "RequestParameters"}, l.files, time.Time{}, time.Time{}, holds)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := l.query(t, "SELECT * FROM ("+sql+") WHERE "+cond)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	hold := func(texts ...string) []view.Hold {
		var h view.Hold
		for _, s := range texts {
			h.Any = append(h.Any, view.Text{Column: "RequestParameters", Text: s})
		}
		return []view.Hold{h}
	}
	for _, c := range []struct {
		holds  []view.Hold
		cond   string
		want   int
		parsed int // at most
	}{
		{hold("needle-kit"), "contains(lower(RequestParameters), 'needle-kit')", 8, 8},
		{hold("needle-kit", "hay"), "contains(lower(RequestParameters), 'needle-kit') OR contains(RequestParameters, 'hay')", 9, 9},
		{hold(`"name":"needle-kit"`), "contains(lower(RequestParameters), '\"name\":\"needle-kit\"')", 7, 8},
		{hold("1000.0"), "contains(RequestParameters, '1e3')", 1, 11}, // it may be a number
		{hold("ab"), "true", 11, 11},
		{[]view.Hold{{Any: []view.Text{{Column: "EventName", Text: "nowhere"}}}}, "true", 11, 11}, // of the head
		{nil, "true", 11, 11},
	} {
		if got := count(c.holds, c.cond); got != c.want {
			t.Errorf("%v: %d rows, want %d", c.holds, got, c.want)
		}
		if got := count(nil, c.cond); got != c.want {
			t.Errorf("%s: %d rows without holds, want %d", c.cond, got, c.want)
		}
		if got := count(c.holds, "true"); got > c.parsed {
			t.Errorf("%v: %d records are parsed, want at most %d", c.holds, got, c.parsed)
		}
	}
}
