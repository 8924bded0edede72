package generate

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// quote writes a JSON string as services do, without escaping what HTML would need.
func quote(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }) < 0 {
		return `"` + s + `"`
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // strings can always be written
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// doc writes a JSON object whose members keep their order: names and values alternate. A
// string is written as one, raw as it is, a member whose value is nil is left out.
func doc(members ...any) raw {
	b := make([]byte, 0, 512)
	b = append(b, '{')
	for i := 0; i+1 < len(members); i += 2 {
		if members[i+1] == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, quote(members[i].(string))...)
		b = append(b, ':')
		b = append(b, value(members[i+1])...)
	}
	return raw(append(b, '}'))
}

// list writes a JSON array.
func list(items ...any) raw {
	b := []byte{'['}
	for i, x := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, value(x)...)
	}
	return raw(append(b, ']'))
}

// raw is JSON already.
type raw string

const null = raw("null")

func value(x any) string {
	switch v := x.(type) {
	case raw:
		return string(v)
	case string:
		return quote(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = s
		}
		return string(list(items...))
	}
	panic("generate: a value of a kind that is not written") // the callers are all in this room
}

// The ways in which services write times.
func seconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
func millis(t time.Time) string  { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
func micros(t time.Time) string  { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
func ticks(t time.Time) string   { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }
