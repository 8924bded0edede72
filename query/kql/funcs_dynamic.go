package kql

import (
	"github.com/yagura-sec/yagura/query/kql/fn"
)

func funcsDynamic() []Func {
	s, l, r, b, d := fn.String, fn.Long, fn.Real, fn.Bool, fn.Dynamic
	lists := func(name string, least int) Func {
		return Func{Name: name, Min: least, Max: -1, Bind: func(c *Call) (*Expr, error) {
			return E(d, "kql_"+name+"(", c.array(0), ")"), nil
		}}
	}
	out := []Func{
		{Name: "pack_array", Min: 0, Max: -1, Bind: func(c *Call) (*Expr, error) {
			if len(c.Args) == 0 {
				return E(d, "'[]'::JSON"), nil
			}
			return E(d, c.array(0)), nil
		}},
		lists("array_concat", 1), lists("zip", 2), lists("bag_merge", 1),
		lists("set_union", 1), lists("set_intersect", 1), lists("set_difference", 2),
		Tmpl("array_length", l, "kql_array_length($1)", d),
		Tmpl("array_slice", d, "kql_array_slice($1, $2, $3)", d, l, l),
		Tmpl("array_split", d, "kql_array_split($1, $2)", d, d),
		optional("array_shift_left", d, "kql_array_shift($1, $2, $3)", 2, []Type{d, l, d}, "CAST(NULL AS JSON)"),
		tried(optional("array_shift_right", d, "kql_array_shift($1, -($2), $3)", 2, []Type{d, l, d}, "CAST(NULL AS JSON)"), 1),
		Tmpl("array_rotate_left", d, "kql_array_rotate($1, $2)", d, l),
		tried(Tmpl("array_rotate_right", d, "kql_array_rotate($1, -($2))", d, l), 1),
		Tmpl("array_reverse", d, "kql_array_reverse($1)", d),
		Tmpl("array_sum", r, "kql_array_sum($1)", d),
		Tmpl("array_iff", d, "kql_array_iff($1, $2, $3)", d, d, d),
		Tmpl("array_iif", d, "kql_array_iff($1, $2, $3)", d, d, d),
		optional("array_index_of", l, "kql_array_index_of($1, $2, $3, $4, $5)", 2, []Type{d, d, l, l, l}, "0", "-1", "1"),
		Tmpl("bag_keys", d, "kql_bag_keys($1)", d),
		Tmpl("bag_has_key", b, "kql_bag_has_key($1, $2)", d, s),
		Tmpl("bag_remove_keys", d, "kql_bag_remove_keys($1, $2)", d, d),
		Tmpl("bag_set_key", d, "kql_bag_set_key($1, $2, $3)", d, s, d),
		Tmpl("bag_zip", d, "kql_bag_zip($1, $2)", d, d),
		Tmpl("repeat", d, "kql_repeat($1, $2)", d, l),
		Tmpl("set_has_element", b, "kql_set_has_element($1, $2)", d, d),
		Tmpl("set_equals", b, "kql_set_equals($1, $2)", d, d),
		Tmpl("jaccard_index", r, "kql_jaccard_index($1, $2)", d, d),
		Tmpl("treepath", d, "kql_treepath($1)", d),
		Tmpl("dynamic_to_json", s, "kql_dynamic_to_json($1)", d),
	}
	pack := Func{Name: "bag_pack", Min: 2, Max: -1, Bind: func(c *Call) (*Expr, error) {
		if len(c.Args)%2 != 0 {
			return nil, c.Errorf(len(c.Args)-1, "give a value for every key", "%s() takes pairs of key and value", c.Name)
		}
		var xs []*Expr
		for i := 0; i < len(c.Args); i += 2 {
			xs = append(xs, convert(c.Args[i], s), asDynamic(c.Args[i+1]))
		}
		for _, x := range xs {
			if x.Const == nil && x.Type == s {
				// Keys that are computed may be equal; the engine would keep both.
				return E(d, "kql_bag_pack(json_array(", List(", ", xs), "))"), nil
			}
		}
		return E(d, "json_object(", List(", ", xs), ")"), nil
	}}
	out = append(out, alias(pack, "pack", "pack_dictionary", "map")...)
	return out
}
