package sql

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// maxPaths bounds the aliases of one field, maxSegs the steps of one path.
const (
	maxPaths = 64
	maxSegs  = 24
)

// items writes the list of a field's values as yagura_items makes them.
func (w *writer) items(f query.Field, s scope) (string, error) {
	if f.Derive != nil {
		return "", computed(f)
	}
	values, err := w.values(f, s)
	if err != nil {
		return "", err
	}
	switch f.Conv {
	case query.ConvAny:
		return "yagura_items(" + values + ", " + s.raw + ")", nil
	case query.ConvString:
		return "yagura_items_string(" + values + ")", nil
	case query.ConvRaw:
		return "yagura_items_raw(" + values + ", " + s.raw + ")", nil
	}
	return "", &Refusal{Field: f.Name, Reason: "has an unknown conversion"}
}

// values writes the list of a field's values as JSON.
func (w *writer) values(f query.Field, s scope) (string, error) {
	if len(f.Paths) > maxPaths {
		return "", &Refusal{Field: f.Name, Reason: fmt.Sprintf("stands in more than %d places", maxPaths), Hint: hintRetro}
	}
	var plain, exact []slot.Path
	for _, p := range f.Paths {
		if p.Exact {
			exact = append(exact, p)
		} else {
			plain = append(plain, p)
		}
	}
	var lists []string
	if len(plain) > 0 {
		v, err := w.reached(plain, s)
		if err != nil {
			return "", err
		}
		lists = append(lists, "yagura_spread("+v+")")
	}
	if len(exact) > 0 {
		v, err := w.reached(exact, s)
		if err != nil {
			return "", err
		}
		lists = append(lists, v)
	}
	return concat(lists), nil
}

func concat(lists []string) string {
	switch len(lists) {
	case 0:
		return "[]::JSON[]"
	case 1:
		return lists[0]
	}
	return "flatten([" + strings.Join(lists, ", ") + "])"
}

// reached writes the list of the values where paths end, arrays not yet spread.
func (w *writer) reached(paths []slot.Path, s scope) (string, error) {
	lists := make([]string, len(paths))
	for i, p := range paths {
		if len(p.Segs) > maxSegs {
			return "", &Refusal{Reason: fmt.Sprintf("a path of more than %d steps", maxSegs), Hint: hintRetro}
		}
		var err error
		if p.Exact {
			lists[i], err = exactPath(p, s)
		} else {
			lists[i], err = plainPath(p, s)
		}
		if err != nil {
			return "", err
		}
	}
	return concat(lists), nil
}

func exactPath(p slot.Path, s scope) (string, error) {
	if p.Fold {
		return "", &Refusal{Reason: "a pointer that ignores case", Hint: hintRetro}
	}
	root := "yagura_root(" + s.doc + ")"
	v := root + "[1]"
	for _, seg := range p.Segs {
		var at string
		if seg.IsIndex {
			if seg.Index < 0 {
				return "[]::JSON[]", nil
			}
			at = fmt.Sprintf("'$[%d]'", seg.Index)
		} else {
			ptr, err := pointer(seg.Key)
			if err != nil {
				return "", err
			}
			at = ptr
		}
		v = "json_extract(" + v + ", " + at + ")"
	}
	return "yagura_exact(" + root + ", " + v + ")", nil
}

// pointer writes the JSON pointer of one key as a SQL string.
func pointer(key string) (string, error) {
	if strings.ContainsRune(key, 0) {
		return "", &Refusal{Reason: "a key with a NUL character", Hint: hintRetro}
	}
	return literal("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
}

func plainPath(p slot.Path, s scope) (string, error) {
	v := "yagura_root(" + s.doc + ")"
	var dotted []string
	for i, seg := range p.Segs {
		if seg.IsIndex {
			if seg.Index < 0 {
				return "[]::JSON[]", nil
			}
			v = fmt.Sprintf("yagura_index(%s, '$[%d]')", v, seg.Index)
			continue
		}
		key := seg.Key
		if p.Fold {
			key = lowerASCII(key)
		}
		text, err := literal(key)
		if err != nil {
			return "", err
		}
		ptr, err := pointer(seg.Key)
		if err != nil {
			return "", err
		}
		if p.Fold {
			v = "yagura_step_fold(" + v + ", " + text + ")"
		} else {
			v = "yagura_step(" + v + ", " + text + ", " + ptr + ")"
		}
		if i > 0 && !p.Segs[i-1].IsIndex {
			dotted = append(dotted, regexp.QuoteMeta(p.Segs[i-1].Key+"."+seg.Key))
		}
	}
	if len(dotted) == 0 {
		return v, nil
	}
	// A key of the record may stand for several steps, written with its dots. Whether one
	// does is not looked into: where the record holds such a text, or letters in the form
	// \u0061, SQL does not say.
	expr := strings.Join(dotted, "|") + `|\\u00(?:2[de]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])`
	if p.Fold {
		expr = "(?i)" + expr
	}
	for _, seg := range p.Segs {
		if !seg.IsIndex && !isWord(seg.Key) {
			expr += `|\\`
			break
		}
	}
	text, err := literal(expr)
	if err != nil {
		return "", err
	}
	return "(CASE WHEN regexp_matches(" + s.doc + ", " + text + ") THEN [NULL::JSON] ELSE " + v + " END)", nil
}

// isWord reports whether a key is letters, digits, points, dashes and underscores, which
// JSON writes without an escape or as \u00xx.
func isWord(key string) bool {
	for _, c := range []byte(key) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

func lowerASCII(key string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, key)
}
