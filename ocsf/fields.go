package ocsf

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// loose returns the first member that has a value and one of some names, which are written
// in small letters and digits only: account-id, Account_ID and accountId are all accountid.
// The columns of text logs have such names.
func (v value) loose(names ...string) value {
	v = v.opened()
	if v.kind() != object {
		return value{}
	}
	for _, name := range names {
		for i := v.node().child; i != 0; i = v.t.nodes[i].next {
			if looseEqual(v.t.nodes[i].key, name) {
				if w := (value{v.t, i}); !w.empty() && w.scalar() != "-" {
					return w
				}
			}
		}
	}
	return value{}
}

func looseEqual(key, name string) bool {
	n := 0
	for i := 0; i < len(key); i++ {
		c := key[i] | 0x20
		if (c < 'a' || c > 'z') && (key[i] < '0' || key[i] > '9') {
			continue
		}
		if key[i] >= '0' && key[i] <= '9' {
			c = key[i]
		}
		if n >= len(name) || name[n] != c {
			return false
		}
		n++
	}
	return n == len(name)
}

func (v value) looseStr(names ...string) string { return v.loose(names...).scalar() }

func (v value) looseNum(names ...string) any { return v.loose(names...).num("") }

// millis reads a time as OCSF writes it, nil for none: RFC 3339 with or without a zone, or
// seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size.
func millis(s string) any {
	if s == "" {
		return nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case !(f > 0) || f > 4e18:
			return nil
		case f < 1e11:
			return int64(f * 1e3)
		case f < 1e14:
			return int64(f)
		case f < 1e17:
			return int64(f / 1e3)
		}
		return int64(f / 1e6)
	}
	s = strings.ReplaceAll(s, "\u202f", " ")
	for _, layout := range [...]string{time.RFC3339, "Jan 2, 2006, 3:04:05 PM", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli()
		}
	}
	return nil
}

// time reads the time at the first of some paths that has one.
func (v value) time(paths ...string) any {
	for _, p := range paths {
		if t := millis(v.str(p)); t != nil {
			return t
		}
	}
	return nil
}

// data is a value taken over whole, nil where it is no object or beyond the bound.
func data(v value) json.RawMessage {
	v = v.opened()
	if v.kind() != object || v.empty() {
		return nil
	}
	b := v.append(nil)
	if len(b) > maxData {
		return nil
	}
	return b
}

// port reads a port number, nil for none.
func port(v any) any {
	if n, ok := v.(int64); ok && n >= 0 && n <= 65535 {
		return n
	}
	return nil
}

// number reads a whole number, nil for none.
func whole(s string) any {
	if n, err := strconv.ParseInt(s, 10, 53); err == nil {
		return n
	}
	return nil
}

// decimal reads a number with a fraction, nil for none.
func decimal(s string) any {
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == f && f < 1e15 && f > -1e15 {
		return f
	}
	return nil
}

// hostPort cuts an address and its port, with or without brackets.
func hostPort(s string) (host, at string) {
	if strings.HasPrefix(s, "[") {
		host, at, _ = strings.Cut(s[1:], "]")
		return host, strings.TrimPrefix(at, ":")
	}
	if strings.Count(s, ":") == 1 {
		host, at, _ = strings.Cut(s, ":")
		return host, at
	}
	return s, ""
}

// named returns the value of the pair that has a name in a list of pairs such as
// [{"key":"User-Agent","value":"…"}].
func named(list value, name string) value {
	var found value
	list.each(func(p value) bool {
		if strings.EqualFold(p.str("name", "key", "displayName"), name) {
			found = p.any("value", "newValue", "multiValue", "multiStrValue", "intValue", "boolValue")
		}
		return found.n == 0
	})
	return found
}

// location is a place of the schema, nothing without one of its names. A country is told by
// its two letters; the name of one is a description.
func location(country, region, city string, lat, long any) Object {
	o := Of("region", region, "city", city)
	if len(country) == 2 {
		o.Set("country", country)
		country = ""
	}
	if len(o) > 0 {
		o.Set("desc", country)
		o.Set("lat", lat)
		o.Set("long", long)
	}
	return o
}
