package hunt

import (
	"slices"
	"strings"
	"testing"
)

// TestComplete asks at the mark ^.
func TestComplete(t *testing.T) {
	tables := []Table{
		{Name: "AWSCloudTrail", Title: "CloudTrail", Columns: []ExtraColumn{{"EventName", "string"}, {"SourceIpAddress", "string"}}},
		{Name: "events", Columns: []ExtraColumn{{"action", "string"}, {"日本", "string"}}},
		{Name: "watchlist_vip_list", Group: "watchlist"},
	}
	saved := []*Saved{{Name: "console-logins", Title: Words{En: "Console logins"}}}
	for _, c := range []struct {
		language Language
		text     string
		want     string // the first
		kind     string
		from, to int
		not      string
	}{
		{"", "^", "AWSCloudTrail", "table", 0, 0, "action"},
		{"", "cons^", "console-logins", "hunt", 0, 4, "AWSCloudTrail"},
		{"", "sel^", "SELECT", "keyword", 0, 3, "where"},
		{"", "AWSCloudTrail | wh^", "where", "operator", 16, 18, "EventName"},
		{"", "AWSCloudTrail | where Ev^ == 'x'", "EventName", "column", 22, 24, "action"},
		{"", "AWSCloudTrail | where SourceIpAddress == 'Ev^'", "", "", 42, 44, "EventName"},
		{"", "AWSCloudTrail | summarize dcount^", "dcount", "aggregate", 26, 32, "where"},
		{"", "AWSCloudTrail | where strl^", "strlen", "function", 22, 26, ""},
		{"", "AWSCloudTrail | join vip^", "", "", 21, 24, "EventName"},
		{"", "AWSCloudTrail | union vip^", "_GetWatchlist('vip-list')", "table", 22, 25, "EventName"},
		{SQL, "SELECT ac^ FROM events", "action", "column", 7, 9, "EventName"},
		{SQL, "SELECT count(*) FROM ev^", "events", "table", 21, 23, "EventName"},
		{SQL, "SELECT 日^ FROM events", "日本", "column", 7, 10, "action"},
		{SQL, "SELECT date_t^", "date_trunc", "function", 7, 13, ""},
	} {
		at := strings.Index(c.text, "^")
		got := Complete(tables, saved, c.language, strings.Replace(c.text, "^", "", 1), at)
		if c.from != got.From || c.to != got.To {
			t.Errorf("%s: %d to %d, want %d to %d", c.text, got.From, got.To, c.from, c.to)
		}
		if c.want != "" && (len(got.Items) == 0 || got.Items[0].Text != c.want || got.Items[0].Kind != c.kind) {
			t.Errorf("%s: %+v, want %s %s", c.text, got.Items[:min(3, len(got.Items))], c.kind, c.want)
		}
		if c.not != "" && slices.ContainsFunc(got.Items, func(x Item) bool { return x.Text == c.not }) {
			t.Errorf("%s: %s is among %d", c.text, c.not, len(got.Items))
		}
	}
	// No place of any text is too much to ask.
	for _, text := range []string{"", "日本", "T | where x == '日", "SELECT '\\"} {
		for at := -1; at <= len(text)+1; at++ {
			Complete(tables, nil, "", text, at)
		}
	}
}
