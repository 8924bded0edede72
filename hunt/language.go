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
	return min(max(DefaultRange, sum), maxDefault)
}
