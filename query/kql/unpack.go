package kql

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// unpackArgs are what bag_unpack(column, prefix, conflict, ignored) says behind the
// column, in this order or by name.
type unpackArgs struct {
	prefix   string
	conflict string   // of a key with a column: "", error, replace_source or keep_source
	ignored  []string // keys
}

func (b *binder) unpackArgs(n *callNode, e *env) (u unpackArgs, err error) {
	for i, a := range n.args[1:] {
		name := ""
		if len(a.names) > 0 {
			name = a.names[0]
		} else if i < 3 {
			name = []string{"OutputColumnPrefix", "columnsConflict", "ignoredProperties"}[i]
		}
		x, err := b.scalar(a.value, e)
		if err != nil {
			return u, err
		}
		if x.Const == nil {
			return u, b.errAt(a.Span, "", "bag_unpack() takes constants behind the column")
		}
		switch name {
		case "OutputColumnPrefix":
			u.prefix = x.Const.Str
		case "columnsConflict":
			u.conflict = x.Const.Str
			if !slices.Contains([]string{"error", "replace_source", "keep_source"}, u.conflict) {
				return u, b.errAt(a.Span, "error, replace_source or keep_source", "columnsConflict of bag_unpack() is %q", u.conflict)
			}
		case "ignoredProperties":
			if x.Type != fn.Dynamic || json.Unmarshal([]byte(x.Const.Str), &u.ignored) != nil {
				return u, b.errAt(a.Span, `such as dynamic(["a", "b"])`, "ignoredProperties of bag_unpack() are an array of texts")
			}
		default:
			return u, b.errAt(a.Span, "", "bag_unpack() has no argument %s", name)
		}
	}
	return u, nil
}

// key is a key of a bag that becomes a column; no type is dynamic.
type key struct {
	name string
	typ  Type
}

// discoverKeys asks the data for the keys of bags and the types of their values. Where
// the values are of several types, or nothing else, it is dynamic.
func (b *binder) discoverKeys(r *rel, x *Expr, sp Span, ignored []string) ([]key, error) {
	pair := S("unnest(kql_items_pairs(CASE WHEN json_type(", x, ") = 'OBJECT' THEN ", x, " END))")
	const between = "\x1f"
	found, err := b.discover(r, S("(json_extract_string(", pair, ", '$[0]') || chr(31) || coalesce(json_type(", pair, ", '$[1]'), 'NULL'))"), sp, "bag_unpack")
	if err != nil {
		return nil, err
	}
	types := map[string]Type{}
	for _, f := range found {
		i := strings.LastIndex(f, between)
		if i < 0 || slices.Contains(ignored, f[:i]) {
			continue
		}
		was, ok := types[f[:i]]
		var t Type
		switch f[i+1:] {
		case "NULL":
			t = was
		case "VARCHAR":
			t = fn.String
		case "BIGINT", "UBIGINT":
			t = fn.Long
		case "DOUBLE":
			t = fn.Real
		case "BOOLEAN":
			t = fn.Bool
		default:
			t = fn.Dynamic
		}
		switch {
		case !ok || was == "" || was == t:
		case isNumber(was) && isNumber(t):
			t = fn.Real
		case t != "":
			t = fn.Dynamic
		}
		types[f[:i]] = t
	}
	var keys []key
	for _, k := range slices.Sorted(maps.Keys(types)) {
		keys = append(keys, key{k, types[k]})
	}
	return keys, nil
}
