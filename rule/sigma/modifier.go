package sigma

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/yagura-sec/yagura/query"
)

// modifiers lists every modifier, the spell-outs of pySigma included.
var modifiers = []string{
	"all", "base64", "base64offset", "cased", "cidr", "contains", "day", "dotall", "endswith", "exists", "expand",
	"fieldref", "gt", "gte", "hour", "i", "ignorecase", "lt", "lte", "m", "minute", "month", "multiline", "neq", "re",
	"s", "startswith", "utf16", "utf16be", "utf16le", "week", "wide", "windash", "year",
}

var timeUnits = map[string]query.TimeUnit{
	"minute": query.Minute, "hour": query.Hour, "day": query.Day, "week": query.Week, "month": query.Month, "year": query.Year,
}

// timeRange holds the least and the greatest value of each part of a time.
var timeRange = map[query.TimeUnit][2]float64{
	query.Minute: {0, 59}, query.Hour: {0, 23}, query.Day: {1, 31}, query.Week: {1, 53}, query.Month: {1, 12}, query.Year: {0, 9999},
}

var comparisons = map[string]query.Op{"lt": query.Lt, "lte": query.Lte, "gt": query.Gt, "gte": query.Gte}

var regexFlags = map[string]string{"i": "i", "ignorecase": "i", "m": "m", "multiline": "m", "s": "s", "dotall": "s"}

// chain applies the modifiers of one field to its values, in the order written.
type chain struct {
	at           query.Span
	keyword      bool
	placeholders map[string][]string
	applied      []string // modifiers so far, but for `all` and `neq`
	later        []string // modifiers that follow
}

// apply returns the values after the modifiers.
func (c *chain) apply(it *item) *fault {
	for i, m := range it.mods {
		c.later = it.mods[i+1:]
		switch {
		case !slices.Contains(modifiers, m):
			hint := nearest(m, modifiers)
			if m == "" {
				hint = "write one modifier between two bars"
			}
			return faultAt(c.at, hint, "unknown modifier %q", m)
		case m == "all":
			it.all = true
			continue
		case m == "neq":
			it.negated = true
			continue
		}
		total := 0
		for i := range it.values {
			v, f := c.one(m, it.values[i])
			if f != nil {
				return f
			}
			it.values[i] = v
			if total += len(v.each); total > maxExpr {
				return faultAt(c.at, "split the list", "the values stand for more than %d texts", maxExpr)
			}
		}
		c.applied = append(c.applied, m)
	}
	return nil
}

// one applies one modifier to one value.
func (c *chain) one(m string, v value) (value, *fault) {
	if v.kind == valueNull {
		return v, faultAt(v.at, "null goes without modifiers but neq", "modifier %q on null", m)
	}
	if v.kind == valueExpansion && m != "cidr" {
		out := v
		out.each = nil
		for _, e := range v.each {
			x, f := c.one(m, e)
			if f != nil {
				return v, f
			}
			if x.kind == valueExpansion {
				out.each = append(out.each, x.each...)
			} else {
				out.each = append(out.each, x)
			}
			if len(out.each) > maxVariants {
				return v, faultAt(v.at, "split the value", "the value stands for more than %d texts", maxVariants)
			}
		}
		return out, nil
	}
	switch m {
	case "contains", "startswith", "endswith":
		return c.bind(m, v)
	case "cased":
		switch {
		case v.kind == valueRef:
			v.cased = true
		case v.kind == valueRegex:
			return v, faultAt(c.at, "a regular expression regards case unless it has the modifier i", "modifier \"cased\" on a regular expression")
		case v.asText():
			v.str.cased = true
		default:
			return v, c.wrong(m, v, "")
		}
		return v, nil
	case "windash":
		if !v.asText() {
			return v, c.wrong(m, v, "")
		}
		v.str = v.str.markDashes()
		return v, nil
	case "wide", "utf16le", "utf16be", "utf16", "base64", "base64offset":
		if !v.asText() {
			return v, c.wrong(m, v, "")
		}
		return encode(m, v)
	case "re":
		return c.regex(v)
	case "i", "ignorecase", "m", "multiline", "s", "dotall":
		if v.kind != valueRegex {
			return v, faultAt(c.at, "write re|"+m, "modifier %q without re before it", m)
		}
		if f := regexFlags[m]; !strings.Contains(v.flags, f) {
			v.flags += f
		}
		return v, nil
	case "cidr":
		return c.cidr(v)
	case "exists":
		if c.keyword {
			return v, faultAt(c.at, "name a field", "modifier \"exists\" on keywords")
		}
		if len(c.applied) > 0 {
			return v, faultAt(c.at, "exists stands alone", "modifier \"exists\" after %q", c.applied[len(c.applied)-1])
		}
		if v.kind != valueBool {
			return v, faultAt(v.at, "write true or false, without quotes", "modifier \"exists\" wants true or false, not %q", v.shown)
		}
		v.kind = valueExists
		return v, nil
	case "lt", "lte", "gt", "gte":
		return c.compare(m, v)
	case "minute", "hour", "day", "week", "month", "year":
		return c.timePart(m, v)
	case "fieldref":
		if c.keyword {
			return v, faultAt(c.at, "name a field", "modifier \"fieldref\" on keywords")
		}
		if v.kind != valueStr {
			return v, c.wrong(m, v, "write the name of a field")
		}
		name, ok := v.str.literal()
		if !ok {
			return v, faultAt(c.at, "put fieldref before contains, startswith and endswith, and name one field", "the referenced field %q holds wildcards", v.str)
		}
		if name == "" {
			return v, faultAt(v.at, "write the name of a field", "the referenced field has no name")
		}
		v.kind, v.text, v.refs, v.cased = valueRef, name, []string{name}, v.str.cased
		return v, nil
	case "expand":
		for _, a := range c.applied {
			if encodings[a] {
				return v, faultAt(c.at, "put expand before "+a, "modifier \"expand\" after %q, which leaves no placeholder", a)
			}
		}
		if v.kind != valueRegex && v.kind != valueCIDR && !v.asText() {
			return v, c.wrong(m, v, "")
		}
		return c.expand(v)
	}
	return v, faultAt(c.at, "", "modifier %q", m) // not reached: every modifier is above
}

func (c *chain) wrong(m string, v value, hint string) *fault {
	return faultAt(c.at, hint, "modifier %q on %s", m, kindNames[v.kind])
}

// bind is contains, startswith and endswith.
func (c *chain) bind(m string, v value) (value, *fault) {
	star := []part{{kind: partStar}}
	switch {
	case v.kind == valueRegex:
		v.prefix, v.suffix = v.prefix || m == "startswith", v.suffix || m == "endswith"
		if m == "contains" {
			v.prefix, v.suffix = false, false
		}
	case v.kind == valueRef:
		v.prefix, v.suffix = v.prefix || m != "endswith", v.suffix || m != "startswith"
	case v.asText():
		before, after := star, star
		if m == "startswith" {
			before = nil
		}
		if m == "endswith" {
			after = nil
		}
		v.str = v.str.with(before, after)
	default:
		return v, c.wrong(m, v, "")
	}
	return v, nil
}

func (c *chain) regex(v value) (value, *fault) {
	if len(c.applied) > 0 {
		return v, faultAt(c.at, "put re first", "modifier \"re\" after %q", c.applied[len(c.applied)-1])
	}
	if v.kind != valueStr && v.kind != valueNum {
		return v, c.wrong("re", v, "")
	}
	v.kind, v.str = valueRegex, plain(v.shown) // as written: its backslashes and stars are the expression's
	return v, nil
}

// quoteWildcards makes the wildcards of a filled placeholder those of a regular expression.
func quoteWildcards(s str) str {
	var out str
	for _, p := range s.parts {
		switch p.kind {
		case partText:
			out.add(part{partText, quoteRegex(p.text)})
		case partStar:
			out.add(part{partText, ".*"})
		case partMark:
			out.add(part{partText, "."})
		default:
			out.add(p)
		}
	}
	return out
}

func (c *chain) cidr(v value) (value, *fault) {
	if c.keyword {
		return v, faultAt(c.at, "name a field", "modifier \"cidr\" on keywords")
	}
	for _, a := range c.applied {
		if a != "expand" {
			return v, faultAt(c.at, "cidr stands alone", "modifier \"cidr\" after %q", a)
		}
	}
	if v.kind == valueExpansion {
		out := v
		out.each = nil
		for _, e := range v.each {
			x, f := c.cidr(e)
			if f != nil {
				return v, f
			}
			out.each = append(out.each, x)
		}
		return out, nil
	}
	if v.kind != valueStr {
		return v, c.wrong("cidr", v, "write a network such as 10.0.0.0/8")
	}
	v.kind = valueCIDR
	if v.str.has(partHole) || slices.Contains(c.later, "expand") {
		return v, nil // to be filled yet
	}
	return parseNet(v)
}

// parseNet makes a network of a text. An address is the network of itself.
func parseNet(v value) (value, *fault) {
	s, ok := v.str.literal()
	net, err := netip.ParsePrefix(s)
	if err != nil {
		if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
			net, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
	}
	if !ok || err != nil {
		return v, faultAt(v.at, "write a network such as 10.0.0.0/8 or 2001:db8::/32", "%q is not a network", v.str)
	}
	if net.Masked() != net {
		return v, faultAt(v.at, "write "+net.Masked().String(), "network %s has bits set behind its prefix", net)
	}
	v.net = net
	return v, nil
}

func (c *chain) compare(m string, v value) (value, *fault) {
	if c.keyword {
		return v, faultAt(c.at, "name a field", "modifier %q on keywords", m)
	}
	switch v.kind {
	case valueTime:
		v.cmp = comparisons[m]
		return v, nil
	case valueStr:
		s, ok := v.str.literal()
		num, text, isNum := numberOf(s)
		if !ok || !isNum || len(c.applied) > 0 {
			return v, faultAt(v.at, "write a number", "modifier %q wants a number, not %q", m, v.str)
		}
		v.num, v.text = num, text
	case valueNum:
	default:
		return v, c.wrong(m, v, "write a number")
	}
	v.kind, v.cmp = valueCompare, comparisons[m]
	return v, nil
}

func (c *chain) timePart(m string, v value) (value, *fault) {
	if c.keyword {
		return v, faultAt(c.at, "name a field", "modifier %q on keywords", m)
	}
	cmp := query.Eq
	switch v.kind {
	case valueCompare:
		cmp = v.cmp
	case valueNum:
	default:
		return v, c.wrong(m, v, "write a number")
	}
	unit := timeUnits[m]
	if r := timeRange[unit]; v.num < r[0] || v.num > r[1] || v.num != float64(int(v.num)) {
		return v, faultAt(v.at, "", "%s %s: want a whole number from %d to %d", m, v.shown, int(r[0]), int(r[1]))
	}
	v.kind, v.unit, v.cmp = valueTime, unit, cmp
	return v, nil
}

// encodings are the modifiers behind which a text holds no placeholder any more.
var encodings = map[string]bool{"base64": true, "base64offset": true, "wide": true, "utf16": true, "utf16le": true, "utf16be": true}

// expand marks the placeholders of a value and fills those that the options know.
func (c *chain) expand(v value) (value, *fault) {
	v.str = v.str.mapText(markHoles)
	out, ok := v.fill(func(name string, regex bool) ([]str, bool) {
		given, ok := c.placeholders[name]
		return fillers(given, regex), ok && len(given) > 0
	})
	if !ok {
		return v, faultAt(v.at, "give the placeholders fewer values, or split the value", "the placeholders stand for more than %d texts", maxVariants)
	}
	return out, nil
}

// fillers reads the values of a placeholder, which may hold wildcards.
func fillers(given []string, regex bool) []str {
	out := make([]str, len(given))
	for i, g := range given {
		out[i] = parseStr(g)
		if regex {
			out[i] = quoteWildcards(out[i])
		}
	}
	return out
}

// encode applies the modifiers that change the bytes of a text.
func encode(m string, v value) (value, *fault) {
	if m == "base64" || m == "base64offset" {
		if v.str.has(partHole) {
			return v, faultAt(v.at, "give the placeholder's values in the configuration", "%s of a placeholder without a value: %s", m, v.str)
		}
		if v.str.has(partStar, partMark) {
			return v, faultAt(v.at, "put "+m+" before contains, startswith and endswith, and escape stars", "%s of text with wildcards: %s", m, v.str)
		}
	}
	return v.mapStr(func(s str) ([]str, *fault) {
		switch m {
		case "wide", "utf16le", "utf16be", "utf16":
			list, ok := s.variants()
			if !ok {
				return nil, faultAt(v.at, "split the value", "the value stands for more than %d texts", maxVariants)
			}
			for i := range list {
				list[i] = list[i].mapText(func(t string) []part { return []part{{partText, toUTF16(t, m == "utf16be")}} })
				if m == "utf16" {
					list[i] = list[i].with([]part{{partText, "\xff\xfe"}}, nil)
				}
			}
			return list, nil
		}
		list, ok := s.variants()
		if !ok {
			return nil, faultAt(v.at, "split the value", "the value stands for more than %d texts", maxVariants)
		}
		var out []str
		for _, x := range list {
			t, _ := x.literal()
			if m == "base64" {
				out = append(out, str{cased: s.cased, parts: plain(base64.StdEncoding.EncodeToString([]byte(t))).parts})
				continue
			}
			for _, e := range base64Offsets(t) {
				out = append(out, str{cased: s.cased, parts: plain(e).parts})
			}
		}
		return out, nil
	})
}

// base64Offsets returns the parts of the three encodings of t, shifted by zero to
// two bytes, that do not depend on what stands around it.
func base64Offsets(t string) []string {
	start := [3]int{0, 2, 3}
	end := [3]int{0, 3, 2}
	out := make([]string, 0, 3)
	for i := range 3 {
		e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i) + t))
		from, to := start[i], len(e)-end[(len(t)+i)%3]
		if from < to {
			out = append(out, e[from:to])
		}
	}
	return out
}

func toUTF16(t string, bigEndian bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(t)) {
		if bigEndian {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		} else {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
	}
	return b.String()
}
