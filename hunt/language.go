package hunt

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Guess says in which language a text is. SQL begins with SELECT, WITH, FROM,
// VALUES or TABLE; KQL has pipes, lets, or is one table's name.
func Guess(text string) Language {
	s := text
	for {
		s = strings.TrimSpace(s)
		switch {
		case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "//"):
			comment := s[:2]
			if _, rest, ok := strings.Cut(s, "\n"); ok {
				s = rest
				continue
			}
			if comment == "--" {
				return SQL
			}
			return KQL
		case strings.HasPrefix(s, "/*"):
			if _, rest, ok := strings.Cut(s, "*/"); ok {
				s = rest
				continue
			}
			return SQL
		case strings.HasPrefix(s, "("):
			s = s[1:]
			continue
		}
		break
	}
	word := strings.ToLower(s[:wordLen(s)])
	switch word {
	case "select", "from", "values", "table", "pivot", "unpivot", "describe", "summarize", "show", "copy", "attach", "pragma", "set", "insert",
		"update", "delete", "create", "drop", "alter", "install", "load", "call", "explain":
		return SQL
	case "with":
		return SQL
	}
	return KQL
}

func wordLen(s string) int {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

// span matches the timespan literals of KQL that are days or hours, and SQL's
// INTERVAL 90 DAY.
var (
	span     = regexp.MustCompile(`(?i)\b(\d{1,4}(?:\.\d+)?)\s*(d|day|days|h|hour|hours|hr|hrs)\b`)
	interval = regexp.MustCompile(`(?i)\binterval\s*\(?\s*'?(\d{1,4})'?\s*\)?\s*(day|week|month|year)`)
)

// maxDefault is how far back a question reaches that gives no range but says long
// spans of time itself.
const maxDefault = 400 * 24 * time.Hour

// defaultRange is DefaultRange, or longer where the question says longer spans: a
// question that says ago(90d) shall not be answered from 30 days. Two spans are
// often added (a learning period before a window), so it is their sum.
func defaultRange(text string) time.Duration {
	return max(DefaultRange, spans(text))
}

// spans is the sum of the spans of time that a question says, each counted once.
func spans(text string) time.Duration {
	var sum time.Duration
	seen := map[string]bool{}
	add := func(number, unit string) {
		if seen[number+unit] {
			return
		}
		seen[number+unit] = true
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return
		}
		per := time.Hour
		switch strings.ToLower(unit)[0] {
		case 'd':
			per = 24 * time.Hour
		case 'w':
			per = 7 * 24 * time.Hour
		case 'm':
			per = 31 * 24 * time.Hour
		case 'y':
			per = 366 * 24 * time.Hour
		}
		sum += min(time.Duration(n*float64(per)), maxDefault)
	}
	for _, m := range span.FindAllStringSubmatch(text, 100) {
		add(m[1], m[2])
	}
	for _, m := range interval.FindAllStringSubmatch(text, 100) {
		add(m[1], m[2])
	}
	return min(sum, maxDefault)
}

// moment matches the times that a question writes out: datetime(2024-03-05) of KQL,
// TIMESTAMP '2024-03-05' of SQL.
var moment = regexp.MustCompile(`(?i)\b(?:(?:to)?datetime\s*\(\s*['"]?|timestamp\s*'|date\s*')(20\d\d-\d\d-\d\d)`)

// earliest is the first day that a question writes out, zero if none.
func earliest(text string) time.Time {
	var first time.Time
	for _, m := range moment.FindAllStringSubmatch(text, 100) {
		if day, err := time.Parse(time.DateOnly, m[1]); err == nil && (first.IsZero() || day.Before(first)) {
			first = day
		}
	}
	return first
}

// Sentinel's hunting queries leave the time range open: its page fills in the range that is
// chosen there. The last day is what it begins with.
const (
	openStart, openEnd = "{{StartTimeISO}}", "{{EndTimeISO}}"
	openRange          = 24 * time.Hour
)

// leftOpen says whether a question is such a query.
func leftOpen(text string) bool { return strings.Contains(text, openStart) }

// fillRange fills the range in. Such a query looks back behind its start for what is usual, by
// spans that it says, so that the tables are read from before it.
func fillRange(text string, rng Range) (string, Range) {
	if !leftOpen(text) {
		return text, rng
	}
	const form = "2006-01-02T15:04:05.000Z"
	text = strings.NewReplacer(openStart, rng.From.UTC().Format(form), openEnd, rng.To.UTC().Format(form)).Replace(text)
	rng.From = rng.From.Add(-spans(text))
	return text, rng
}
