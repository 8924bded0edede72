package filter

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// readNumber reads a number, a severity or a length, or a range of them.
func (v *Value) readNumber(f *Field, from, until piece) (said, Span) {
	end := func(c piece, open int64) (int64, said) {
		if c.text == "" && v.Op == Between && !c.quoted {
			return open, said{}
		}
		return f.number(c.text)
	}
	a, what := end(from, math.MinInt64)
	if what.text != "" {
		return what, from.Span
	}
	if v.Op == Between {
		b, what := end(until, math.MaxInt64)
		switch {
		case what.text != "":
			return what, until.Span
		case a == math.MinInt64 && b == math.MaxInt64:
			return saidf("a range has an end", "範囲には端が要ります").expecting(f), v.Span
		case a > b:
			return saidf("the range ends before it begins", "範囲の終わりが始まりより前です").advised("turn it round", "順序を入れ替えてください"), v.Span
		case a == math.MinInt64:
			v.Op, a = AtMost, b
		case b == math.MaxInt64:
			v.Op = AtLeast
		default:
			v.Number, v.To = a, b
		}
	}
	switch v.Op {
	case Is:
		v.Number, v.To = a, a
		if f.Kind == Length {
			return saidf("a length is compared", "長さは比べるものです").expecting(f), v.Span
		}
	case Less, More:
		if v.Op == Less && a == math.MinInt64 || v.Op == More && a == math.MaxInt64 {
			return saidf("there is no such number", "そのような数はありません"), from.Span
		}
		v.Number, v.To = math.MinInt64, a-1
		if v.Op == More {
			v.Number, v.To = a+1, math.MaxInt64
		}
	case AtMost:
		v.Number, v.To = math.MinInt64, a
	case AtLeast:
		v.Number, v.To = a, math.MaxInt64
	}
	v.Text = f.printNumber(a)
	return said{}, Span{}
}

// scales are what may stand behind a number.
var scales = []struct {
	name string
	by   int64
}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"万", 1e4}, {"億", 1e8}, {"件", 1}, {"回", 1}}

// number reads one number of a field.
func (f *Field) number(text string) (int64, said) {
	plain := strings.ToLower(narrow(text))
	switch f.Kind {
	case Severity:
		if w := f.choice(text); w != "" {
			s, _ := yagura.ParseSeverity(w)
			return int64(s), said{}
		}
		return 0, f.noWord(text)
	case Length:
		if d, _, ok := parseLength(plain); ok {
			return int64(d), said{}
		}
		return 0, saidf("%q is no length of time", "「%s」は時間の長さではありません", text).expecting(f)
	}
	by := int64(1)
	for _, s := range scales {
		if n, found := strings.CutSuffix(plain, s.name); found {
			plain, by = n, s.by
			break
		}
	}
	n, err := strconv.ParseInt(plain, 10, 64)
	if err != nil || n > math.MaxInt64/by || n < math.MinInt64/by {
		return 0, saidf("%q is no number", "「%s」は数ではありません", text).expecting(f)
	}
	return n * by, said{}
}

// printNumber returns what [Field.number] reads.
func (f *Field) printNumber(n int64) string {
	switch f.Kind {
	case Severity:
		return yagura.Severity(n).String()
	case Length:
		return printLength(time.Duration(n))
	}
	return strconv.FormatInt(n, 10)
}
