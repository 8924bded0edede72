package filter

import (
	"slices"
	"strings"
	"unicode"
)

// String returns the query in its one canonical form: the names and words of the list in
// English, quotes only where they are needed, one space between terms. [Parse] reads it as the
// same query.
func (q *Query) String() string {
	var b strings.Builder
	for i, t := range q.Terms {
		if i > 0 {
			b.WriteByte(' ')
		}
		if t.Not {
			b.WriteByte('-')
		}
		if t.Field == nil {
			b.WriteString(quoteWord(t.Values[0].Text))
			continue
		}
		b.WriteString(t.Field.Name + ":")
		for j, v := range t.Values {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(v.print(t.Field))
		}
	}
	return b.String()
}

// print returns a value of a field as it is written.
func (v *Value) print(f *Field) string {
	switch {
	case v.Op == Has:
		return "*"
	case v.Op == Lacks:
		return "none"
	case v.Parts != nil:
		s := make([]string, len(v.Parts))
		for i, p := range v.Parts {
			s[i] = escapeBare(p)
		}
		return v.entity() + strings.Join(s, "*")
	case v.Me:
		return "me"
	}
	op := [...]string{Is: "", Less: "<", AtMost: "<=", More: ">", AtLeast: ">=", Between: ""}[v.Op]
	switch f.Kind {
	case Number, Severity, Length:
		n := v.Number
		switch v.Op {
		case Between:
			return f.printNumber(v.Number) + ".." + f.printNumber(v.To)
		case AtMost:
			n = v.To
		case Less:
			n = v.To + 1
		case More:
			n = v.Number - 1
		}
		return op + f.printNumber(n)
	case Time:
		if v.Op == Between {
			return v.from.String() + ".." + v.until.String()
		}
		return op + v.from.String()
	case Word, Flag:
		return v.Text
	}
	return v.entity() + quoteValue(v.Text, f, v.Entity != "")
}

func (v *Value) entity() string {
	if v.Entity == "" {
		return ""
	}
	return v.Entity + "="
}

// escapeBare writes a piece of a text with stars, which cannot be in quotes.
func escapeBare(s string) string {
	var b strings.Builder
	for _, r := range s {
		if isQuotable(r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// quote writes a text in quotes.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r == '\\' || r == '"' || r == '＂' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}

// quoteValue writes a text as a value of a field, in quotes where it would be read as anything
// else without them.
func quoteValue(s string, f *Field, typed bool) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool { return isQuotable(r) || unicode.IsControl(r) })
	for i, r := range s {
		plain = plain && (i > 0 || !isCompare(r))
	}
	if !typed {
		switch Fold(s) {
		case "none", "なし":
			plain = false
		case "me", "自分":
			plain = plain && !f.Me
		}
		plain = plain && (f.Kind != Entity || !strings.ContainsAny(s, "=＝"))
	}
	if f.Kind == Address && plain {
		// What only looks like an address had to be in quotes.
		plain = strings.Trim(narrow(s), "0123456789./") != "" || isBlock(s)
	}
	if plain {
		return s
	}
	return quote(s)
}

func isBlock(s string) bool {
	_, ok := parseBlock(s)
	return ok
}

// quoteWord writes free text, in quotes where it would be read as anything else without them.
func quoteWord(s string) string {
	plain := !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || isStar(r) || isColon(r) || isCompare(r) || r == '\\'
	})
	for _, r := range s {
		plain = plain && closers(r) == "" && !isMinus(r) && !strings.ContainsRune("(（!！", r)
		break
	}
	if plain && !slices.Contains([]string{"AND", "OR", "NOT", "&&", "||"}, s) {
		return s
	}
	return quote(s)
}
