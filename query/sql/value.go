package sql

import (
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// number is a text that reads as a decimal number.
type number struct {
	value float64
	// short says that no other number of so few digits has the same float64.
	short bool
	// whole is the number as JSON writes it, where it is a whole one.
	whole string
	// text is what the value is compared by.
	text string
}

func readNumber(text string) (number, bool) {
	if len(text) == 0 || len(text) > 400 {
		return number{}, false
	}
	point, exp := -1, -1
	for i := range len(text) {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
		case (c == '-' || c == '+') && (i == 0 || exp >= 0 && i == exp+1):
		case c == '.' && point < 0 && exp < 0:
			point = i
		case (c == 'e' || c == 'E') && exp < 0:
			exp = i
		default:
			return number{}, false
		}
	}
	mantissa, end := strings.TrimLeft(text[:1], "+-")+text[1:], len(text)
	if exp >= 0 {
		end = exp
		if tail := strings.TrimLeft(text[exp+1:], "+-"); tail == "" {
			return number{}, false
		}
		mantissa = mantissa[:len(mantissa)-(len(text)-exp)]
	}
	before, after, dot := strings.Cut(mantissa, ".")
	if before == "" || dot && after == "" {
		return number{}, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return number{}, false
	}
	n := number{value: f, text: text, short: exp < 0 && len(mantissa) <= 15}
	if exp < 0 && end <= 64 {
		if r, ok := new(big.Rat).SetString(text); ok && r.IsInt() {
			n.whole = r.Num().String()
		}
	}
	return n, true
}

// sameNumber writes whether an item is the number that an argument names, however it is
// written; "" for an argument that is none.
func sameNumber(a *query.Arg, i, t string) string {
	n, ok := readNumber(a.Text)
	if !ok {
		return ""
	}
	value := float(n.value)
	equal := "NULL"
	if n.short {
		equal = "CASE WHEN yagura_short(" + t + ") THEN true ELSE NULL END"
	}
	whole := "CASE WHEN " + i + ".n::DOUBLE <> " + value + " THEN false ELSE NULL END"
	if n.short {
		// Both are written without an exponent: the digits say it all.
		whole = "false"
		if n.whole != "" {
			whole = "(" + i + ".n = '" + n.whole + "')"
		}
	}
	rest := "false"
	if a.Number {
		rest = "CASE WHEN " + i + ".k IS NULL THEN NULL WHEN NOT yagura_isnum(" + t + ") THEN false WHEN TRY_CAST(" + t + " AS DOUBLE) <> " + value + " THEN false ELSE " + equal + " END"
	}
	return "CASE WHEN " + i + ".n IS NOT NULL THEN " + whole +
		" WHEN " + i + ".k = 'DOUBLE' THEN CASE WHEN " + i + ".d <> " + value + " THEN false ELSE " + equal + " END" +
		" ELSE " + rest + " END"
}

// compareNumber writes whether an item is a number, or a text that reads as one, that
// stands to the argument as x's operator says.
func compareNumber(x *query.Pred, a *query.Arg, i, t string) string {
	value := float(a.Num)
	d := "coalesce(" + i + ".d, TRY_CAST(" + t + " AS DOUBLE))"
	equal := "false"
	if x.Op == query.Lte || x.Op == query.Gte {
		equal = "true"
	}
	if n, ok := readNumber(a.Text); ok && n.value == a.Num {
		// Numbers that are one float64 are compared digit by digit.
		if n.short {
			equal = "CASE WHEN yagura_short(" + t + ") THEN " + equal + " ELSE NULL END"
		} else {
			equal = "NULL"
		}
	}
	return "CASE WHEN " + i + ".k IS NULL THEN NULL" +
		" WHEN " + i + ".d IS NULL AND NOT yagura_isnum(" + t + ") THEN false" +
		" WHEN " + d + " IS NULL OR isinf(" + d + ") THEN NULL" +
		" WHEN " + d + " <> " + value + " THEN " + d + " " + comparison(x.Op) + " " + value +
		" ELSE " + equal + " END"
}

func float(f float64) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "'" + strconv.FormatFloat(f, 'g', -1, 64) + "'::DOUBLE"
	}
	return strconv.FormatFloat(f, 'e', -1, 64) + "::DOUBLE"
}

// glob writes whether a text matches a pattern whole.
func glob(p *query.Pattern, fold bool, t string, folded func(string) string) (string, error) {
	if op, text, ok := p.Literal(); ok {
		lit, err := literal(text)
		if err != nil {
			return "", err
		}
		switch op {
		case query.Eq:
			return "(" + folded(t) + " = " + folded(lit) + ")", nil
		case query.Prefix:
			return "starts_with(" + folded(t) + ", " + folded(lit) + ")", nil
		case query.Suffix:
			return "ends_with(" + folded(t) + ", " + folded(lit) + ")", nil
		}
		return "contains(" + folded(t) + ", " + folded(lit) + ")", nil
	}
	var b strings.Builder
	b.WriteString("(?s")
	if fold {
		b.WriteByte('i')
	}
	b.WriteByte(')')
	if !p.OpenStart {
		b.WriteString(`\A`)
	}
	for k, piece := range p.Pieces {
		if k > 0 {
			b.WriteString(".*")
		}
		for n, r := range piece.Runes {
			if piece.Any[n] {
				b.WriteByte('.')
			} else {
				fmt.Fprintf(&b, `\x{%x}`, r)
			}
		}
	}
	if !p.OpenEnd {
		b.WriteString(`\z`)
	}
	lit, err := literal(b.String())
	if err != nil {
		return "", err
	}
	return "regexp_matches(" + t + ", " + lit + ")", nil
}

// maxRegex bounds a regular expression that is handed to the engine.
const maxRegex = 1 << 16

// regexText writes a Go regular expression as one of RE2 in C++, of which Go's is the
// sibling. Go's own writer resolves names of Unicode classes into their ranges and
// spells flags out, so that the tables and defaults of the other do not matter.
func regexText(expr string) (string, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", &Refusal{Reason: "a regular expression that does not parse"}
	}
	text := re.String()
	if len(text) > maxRegex {
		return "", &Refusal{Reason: fmt.Sprintf("a regular expression of more than %d bytes", maxRegex), Hint: hintRetro}
	}
	return literal(text)
}

// inNet writes whether a text is an address inside a network.
func inNet(net netip.Prefix, t string) string {
	if a := net.Addr(); a.Is4In6() && net.Bits() >= 96 {
		net = netip.PrefixFrom(a.Unmap(), net.Bits()-96)
	}
	net = net.Masked()
	addr := net.Addr()
	if addr.Is4() {
		b := addr.As4()
		low := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
		high := low + 1<<(32-net.Bits()) - 1
		return fmt.Sprintf("(yagura_v4(%s) BETWEEN %d AND %d)", t, low, high)
	}
	hex := strings.ReplaceAll(addr.StringExpanded(), ":", "")
	whole, rest := net.Bits()/4, net.Bits()%4
	if rest == 0 {
		if whole == 0 {
			return "(yagura_v6(" + t + ") <> '')"
		}
		return "starts_with(yagura_v6(" + t + "), '" + hex[:whole] + "')"
	}
	first, err := strconv.ParseUint(hex[whole:whole+1], 16, 8)
	if err != nil {
		return "NULL"
	}
	last := first + 1<<(4-rest) - 1
	class := "[" + strconv.FormatUint(first, 16) + "]"
	if last > first {
		class = "["
		for d := first; d <= last; d++ {
			class += strconv.FormatUint(d, 16)
		}
		class += "]"
	}
	return "regexp_matches(yagura_v6(" + t + "), '^" + hex[:whole] + class + "')"
}

// timePart writes whether a part of a text that is a time is what the argument says.
func timePart(a *query.Arg, t string) string {
	unit := map[query.TimeUnit]string{query.Minute: "minute", query.Hour: "hour", query.Day: "day",
		query.Week: "week", query.Month: "month", query.Year: "year"}[a.Unit]
	return "yagura_any(list_transform(yagura_time(" + t + "), lambda yu: yagura_say(date_part('" + unit + "', yu) " +
		comparison(a.Cmp) + " " + float(a.Num) + ")))"
}
