package schedule

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue bounds a value as it is shown.
const maxValue = 1000

// text returns a value as people, ids and digests see it. It is the same for the same set of
// events, in whatever order a query met them: the members of a list are sorted, and numbers
// that are sums are given to 12 digits.
func text(v any, kind string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if kind == "dynamic" {
			return dynamic(v)
		}
		return strings.ToValidUTF8(v, "\uFFFD")
	case bool:
		return strconv.FormatBool(v)
	case int64:
		if kind == "timespan" {
			return timespan(v)
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', 12, 64)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z")
	}
	return fmt.Sprint(v)
}

// timespan writes ticks of 100 ns as Kusto does: [-][d.]hh:mm:ss[.fffffff].
func timespan(ticks int64) string {
	sign := ""
	u := uint64(ticks)
	if ticks < 0 {
		sign, u = "-", -u
	}
	const second = 10_000_000
	days, rest := u/(86400*second), u%(86400*second)
	if days > 0 {
		sign += strconv.FormatUint(days, 10) + "."
	}
	s := fmt.Sprintf("%s%02d:%02d:%02d", sign, rest/(3600*second), rest/(60*second)%60, rest/second%60)
	if f := rest % second; f > 0 {
		s += fmt.Sprintf(".%07d", f)
	}
	return s
}

// dynamic writes JSON without what depends on order: keys of objects and members of lists
// are sorted. What is no JSON stays as it is.
func dynamic(s string) string {
	if len(s) > 1<<20 || s == "" || s == "null" {
		return strings.TrimPrefix(strings.ToValidUTF8(s, "\uFFFD"), "null")
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	if s, ok := v.(string); ok {
		return s
	}
	return string(canonical(v))
}

func canonical(v any) []byte {
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, x := range list {
			parts[i] = string(canonical(x))
		}
		slices.Sort(parts)
		return []byte("[" + strings.Join(parts, ",") + "]")
	}
	if m, ok := v.(map[string]any); ok {
		out := map[string]json.RawMessage{}
		for k, x := range m {
			out[k] = canonical(x)
		}
		v = out
	}
	b, err := json.Marshal(v)
	if err != nil { // what was read can be written
		return []byte(fmt.Sprint(v))
	}
	return b
}

// members returns the texts of a list, or the one text of anything else.
func members(v any, kind string) []string {
	if s, ok := v.(string); ok && kind == "dynamic" && strings.HasPrefix(strings.TrimSpace(s), "[") {
		var list []any
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		if dec.Decode(&list) == nil {
			var out []string
			for _, x := range list {
				switch x := x.(type) {
				case string:
					out = append(out, x)
				case json.Number:
					out = append(out, x.String())
				}
			}
			slices.Sort(out)
			return slices.Compact(out)
		}
	}
	if s := text(v, kind); s != "" {
		return []string{s}
	}
	return nil
}

// plain makes a text of a log fit for one line on a screen: what steers a terminal or turns
// the direction of writing is spelt out, and a long text is cut.
func plain(s string, limit int) string {
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, `\u{%X}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return r == utf8.RuneError || !unicode.IsPrint(r) && r != ' '
}

// isAddress reports whether a text is an address, and returns it without a port.
func isAddress(s string) (string, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.String(), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().String(), true
	}
	return s, false
}
