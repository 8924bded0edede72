package falco

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// element is the comparison with one value: natively where query has the operator,
// as a function in any case.
type element struct {
	native bool
	op     query.Op
	arg    query.Arg
	test   func(text []byte) bool
}

// newElement compiles the comparison of a field of type typ with one value. The
// message says what is wrong with the value.
func newElement(op string, typ ftype, v string) (element, string) {
	v = string(cString([]byte(v)))
	if typ.numeric() {
		return numberElement(op, v)
	}
	if typ == tBool {
		if v != "true" && v != "false" {
			return element{}, "filter error: unrecognized boolean value " + v
		}
	}
	e := element{native: true, arg: query.Arg{Text: v}}
	b := []byte(v)
	switch op {
	case "=", "in", "intersects":
		e.op, e.test = query.Eq, func(t []byte) bool { return string(t) == v }
	case "!=":
		e.native, e.test = false, func(t []byte) bool { return string(t) != v }
	case "<":
		e.op, e.test = query.StrLt, func(t []byte) bool { return bytes.Compare(t, b) < 0 }
	case "<=":
		e.op, e.test = query.StrLte, func(t []byte) bool { return bytes.Compare(t, b) <= 0 }
	case ">":
		e.op, e.test = query.StrGt, func(t []byte) bool { return bytes.Compare(t, b) > 0 }
	case ">=":
		e.op, e.test = query.StrGte, func(t []byte) bool { return bytes.Compare(t, b) >= 0 }
	case "contains":
		e.op, e.test = query.Contains, func(t []byte) bool { return bytes.Contains(t, b) }
	case "startswith":
		e.op, e.test = query.Prefix, func(t []byte) bool { return bytes.HasPrefix(t, b) }
	case "endswith":
		e.op, e.test = query.Suffix, func(t []byte) bool { return bytes.HasSuffix(t, b) }
	case "icontains":
		lower := lowerASCII(v)
		e.native, e.test = false, func(t []byte) bool { return containsFold(t, lower) }
	case "glob", "iglob":
		if len(v) > maxGlob {
			return element{}, fmt.Sprintf("a pattern of more than %d bytes", maxGlob)
		}
		return globElement(v, op == "iglob"), ""
	case "regex":
		re, msg := compileRegex(v)
		if msg != "" {
			return element{}, msg
		}
		e.op, e.arg.Regexp, e.test = query.Regex, re, re.Match
	case "pmatch":
		if len(v) > maxGlob {
			return element{}, fmt.Sprintf("a path of more than %d bytes", maxGlob)
		}
		path := parsePath(v)
		e.native, e.test = false, path.prefixes
	}
	return e, ""
}

func numberElement(op, v string) (element, string) {
	n, ok := parseNumber(v)
	if !ok {
		return element{}, v + " is not a valid number"
	}
	of := func(cmp func(x uint64) bool) func([]byte) bool {
		return func(t []byte) bool {
			x, err := strconv.ParseUint(string(t), 10, 64)
			return err == nil && cmp(x)
		}
	}
	e := element{arg: query.Arg{Text: v}}
	switch op {
	case "=", "in", "intersects":
		text := strconv.FormatUint(n, 10)
		e.native, e.op, e.arg.Text, e.arg.Shown = true, query.Eq, text, v
		e.test = func(t []byte) bool { return string(t) == text }
	case "!=":
		e.test = of(func(x uint64) bool { return x != n })
	case "<":
		e.test = of(func(x uint64) bool { return x < n })
	case "<=":
		e.test = of(func(x uint64) bool { return x <= n })
	case ">":
		e.test = of(func(x uint64) bool { return x > n })
	case ">=":
		e.test = of(func(x uint64) bool { return x >= n })
	}
	return e, ""
}

// parseNumber reads what C's %lu reads if nothing follows it: a negative number
// wraps around, one that is too large becomes the largest.
func parseNumber(s string) (uint64, bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	digits := strings.TrimPrefix(s, "-")
	negative := digits != s
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return math.MaxUint64, true
	}
	if negative {
		n = -n
	}
	return n, true
}

// globElement compiles a glob, in the cheapest form that says the same.
func globElement(v string, fold bool) element {
	parts, ok := parseGlob(v, fold)
	if !ok {
		return element{test: func([]byte) bool { return false }, arg: query.Arg{Text: v}}
	}
	e := element{arg: query.Arg{Text: v}, test: func(t []byte) bool { return matchGlob(parts, t, fold) }}
	var text []byte
	stars, simple := []int{}, !fold
	for _, p := range parts {
		switch p.kind {
		case 'c':
			text = append(text, p.c)
		case '*':
			stars = append(stars, len(text))
		default:
			simple = false
		}
	}
	if !simple || len(text) == 0 {
		return e
	}
	start := len(stars) > 0 && stars[0] == 0
	end := len(stars) > 0 && stars[len(stars)-1] == len(text)
	switch {
	case len(stars) == 0:
		e.op = query.Eq
	case len(stars) == 1 && end:
		e.op = query.Prefix
	case len(stars) == 1 && start:
		e.op = query.Suffix
	case len(stars) == 2 && start && end:
		e.op = query.Contains
	default:
		return e
	}
	e.native = true
	e.arg = query.Arg{Text: string(text), Shown: v}
	return e
}

func elementHint(op, v string) string {
	switch {
	case strings.HasSuffix(op, "glob"):
		return "split the pattern"
	case op == "regex" && strings.Contains(v, `\`):
		return `regex is POSIX: write [0-9] for \d, [[:space:]] for \s, [[:alnum:]_] for \w`
	case op == "regex" && strings.Contains(v, "(?"):
		return "regex is POSIX and knows no (?…): lower the text with tolower(field), or use icontains or iglob"
	case op == "regex":
		return "regex is POSIX extended and must match the whole text"
	case strings.HasPrefix(v, "0x"):
		return "write the number in decimal"
	}
	return "the field is a number"
}

func sameNative(elements []element) bool {
	return !slices.ContainsFunc(elements, func(e element) bool { return !e.native || e.op != elements[0].op })
}

func anyOf(elements []element) func([]byte) bool {
	return func(text []byte) bool {
		return slices.ContainsFunc(elements, func(e element) bool { return e.test(text) })
	}
}
