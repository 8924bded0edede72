package kql

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// optional is a function whose last arguments may be left out: what stands for
// one that is missing is SQL.
func optional(name string, result Type, sql string, least int, types []Type, missing ...string) Func {
	return Func{Name: name, Min: least, Max: len(types), Bind: func(c *Call) (*Expr, error) {
		as := make([]*Expr, len(types))
		for i, t := range types {
			if i >= len(c.Args) {
				as[i] = E(t, missing[i-least])
				continue
			}
			e, err := c.Arg(i, t)
			if err != nil {
				return nil, err
			}
			as[i] = e
		}
		f := fill(sql, as)
		if result == fn.String {
			return str(f), nil
		}
		return &Expr{Type: result, SQL: f}, nil
	}}
}

// alias is the same function under another name.
func alias(f Func, names ...string) []Func {
	out := []Func{f}
	for _, n := range names {
		f.Name = n
		out = append(out, f)
	}
	return out
}

// texts converts all arguments to text, as strcat does.
func (c *Call) texts(from int) []*Expr {
	var out []*Expr
	for _, a := range c.Args[from:] {
		out = append(out, convert(a, fn.String))
	}
	return out
}

// list writes the arguments from one on as one JSON array; a single dynamic
// argument is the list itself where the function takes a list or single values.
func (c *Call) list(from int) Frag {
	if len(c.Args) == from+1 && c.Args[from].Type == fn.Dynamic {
		return c.Args[from].SQL
	}
	var xs []*Expr
	for _, a := range c.Args[from:] {
		xs = append(xs, asDynamic(a))
	}
	return S("json_array(", List(", ", xs), ")")
}

// array writes the arguments from one on as one JSON array, whatever they are.
func (c *Call) array(from int) Frag {
	var xs []*Expr
	for _, a := range c.Args[from:] {
		xs = append(xs, asDynamic(a))
	}
	return S("json_array(", List(", ", xs), ")")
}

// constRegex checks a pattern where it is known.
func (c *Call) constRegex(i int) error {
	v := c.Args[i].Const
	if v == nil || c.Args[i].Type != fn.String {
		return nil
	}
	if _, err := re2(v.Str); err != nil {
		return c.Errorf(i, "the syntax is RE2's: no look-ahead, no back-references", "bad regular expression: %v", err)
	}
	return nil
}

// checked is f with the pattern at argument i checked.
func checked(i int, f Func) Func {
	bind := f.Bind
	f.Bind = func(c *Call) (*Expr, error) {
		if err := c.constRegex(i); err != nil {
			return nil, err
		}
		return bind(c)
	}
	return f
}

func funcsText() []Func {
	s, l, d, b := fn.String, fn.Long, fn.Dynamic, fn.Bool
	out := []Func{
		{Name: "strcat", Min: 1, Max: -1, Bind: func(c *Call) (*Expr, error) {
			return E(s, "concat(", List(", ", c.texts(0)), ")").NotNull(), nil
		}},
		{Name: "strcat_delim", Min: 2, Max: -1, Bind: func(c *Call) (*Expr, error) {
			return E(s, "concat_ws(", List(", ", c.texts(0)), ")").NotNull(), nil
		}},
		Tmpl("strcat_array", s, "kql_strcat_array($1, $2)", d, s),
		Tmpl("array_strcat", s, "kql_strcat_array($1, $2)", d, s),
		optional("substring", s, "kql_substring($1, $2, $3)", 2, []Type{s, l, l}, "16777216"),
		{Name: "indexof", Min: 2, Max: 5, Bind: func(c *Call) (*Expr, error) {
			c.Args[0], c.Args[1] = convert(c.Args[0], s), convert(c.Args[1], s)
			return optional("indexof", l, "kql_indexof($1, $2, $3, $4, $5)", 2, []Type{s, s, l, l, l}, "0", "-1", "1").Bind(c)
		}},
		checked(1, optional("indexof_regex", l, "kql_indexof_regex($1, $2, $3, $4, $5)", 2, []Type{s, s, l, l, l}, "0", "-1", "1")),
		{Name: "split", Min: 2, Max: 3, Bind: func(c *Call) (*Expr, error) {
			as, err := c.As(s, s, l)
			if err != nil {
				return nil, err
			}
			if len(as) == 3 {
				return E(d, fill("kql_split_at($1, $2, $3)", as)), nil
			}
			e := E(d, fill("kql_split($1, $2)", as))
			if v := as[1].Const; v != nil && v.Str != "" {
				e.texts = S("string_split(", as[0], ", ", as[1], ")")
			}
			return e, nil
		}},
		{Name: "countof", Min: 2, Max: 3, Bind: func(c *Call) (*Expr, error) {
			as, err := c.As(s, s, s)
			if err != nil {
				return nil, err
			}
			kind := "normal"
			if len(as) == 3 {
				v, err := c.Lit(2)
				if err != nil {
					return nil, err
				}
				kind = v.Str
			}
			switch kind {
			case "normal":
				return E(l, fill("kql_countof($1, $2)", as)).NotNull(), nil
			case "regex":
				if err := c.constRegex(1); err != nil {
					return nil, err
				}
				return E(l, fill("kql_countof_regex($1, $2)", as)).NotNull(), nil
			}
			return nil, c.Errorf(2, "'normal' or 'regex'", "countof() has no kind %q", kind)
		}},
		Tmpl("replace_strings", s, "kql_replace_strings($1, $2, $3)", s, d, d),
		checked(0, Tmpl("trim", s, "kql_trim($1, $2)", s, s)),
		checked(0, Tmpl("trim_start", s, "kql_trim_start($1, $2)", s, s)),
		checked(0, Tmpl("trim_end", s, "kql_trim_end($1, $2)", s, s)),
		{Name: "extract", Min: 3, Max: 4, Bind: extract},
		checked(0, Func{Name: "extract_all", Min: 2, Max: 3, Bind: func(c *Call) (*Expr, error) {
			if len(c.Args) == 2 {
				as, err := c.As(s, s)
				if err != nil {
					return nil, err
				}
				if p := as[0].Const; p != nil && groups(p.Str) == 1 {
					return E(d, fill("kql_nonempty(regexp_extract_all($2, $1, 1))", as)), nil
				}
				return E(d, fill("kql_extract_all($1, NULL, $2)", as)), nil
			}
			as, err := c.As(s, d, s)
			if err != nil {
				return nil, err
			}
			return E(d, fill("kql_extract_all($1, $2, $3)", as)), nil
		}}),
		{Name: "reverse", Min: 1, Max: 1, Bind: func(c *Call) (*Expr, error) {
			return str("reverse(", convert(c.Args[0], s), ")"), nil
		}},
		Tmpl("strlen", l, "CAST(length($1) AS BIGINT)", s),
		Tmpl("string_size", l, "kql_string_size($1)", s),
		{Name: "strrep", Min: 2, Max: 3, Bind: func(c *Call) (*Expr, error) {
			v := convert(c.Args[0], s)
			n, err := c.Arg(1, l)
			if err != nil {
				return nil, err
			}
			delim := E(s, "''")
			if len(c.Args) == 3 {
				delim = convert(c.Args[2], s)
			}
			return str("kql_strrep(", v, ", ", n, ", ", delim, ")"), nil
		}},
		Tmpl("translate", s, "kql_translate($1, $2, $3)", s, s, s),
		inCase("tolower", "lower"),
		inCase("toupper", "upper"),
		Tmpl("strcmp", l, "kql_strcmp($1, $2)", s, s),
		Tmpl("regex_quote", s, "kql_regex_quote($1)", s),
		Tmpl("isascii", b, "kql_isascii($1)", s),
		Tmpl("isutf8", b, "($1 IS NOT NULL)", s),
		{Name: "make_string", Min: 1, Max: -1, Bind: func(c *Call) (*Expr, error) {
			return str("kql_make_string(", c.array(0), ")"), nil
		}},
		{Name: "tohex", Min: 1, Max: 2, Bind: func(c *Call) (*Expr, error) {
			sql := "kql_tohex($1, $2)"
			if c.Args[0].Type == fn.Int {
				sql = "kql_tohex($1 & 4294967295, $2)" // an int has 32 bits
			}
			return optional("tohex", s, sql, 1, []Type{l, l}, "0").Bind(c)
		}},
		// Codes.
		Tmpl("url_encode", s, "kql_url_encode($1)", s),
		Tmpl("url_encode_component", s, "kql_url_encode_component($1)", s),
		Tmpl("url_decode", s, "kql_url_decode($1)", s),
		Tmpl("base64_decode_toarray", d, "kql_base64_decode_toarray($1)", s),
		Tmpl("base64_decode_toguid", fn.GUID, "kql_base64_decode_toguid($1)", s),
		Tmpl("base64_encode_fromarray", s, "kql_base64_encode_fromarray($1)", d),
		Tmpl("base64_encode_fromguid", s, "kql_base64_encode_fromguid($1)", fn.GUID),
		Tmpl("gzip_compress_to_base64_string", s, "kql_gzip_compress($1)", s),
		Tmpl("gzip_decompress_from_base64_string", s, "kql_gzip_decompress($1)", s),
		Tmpl("zlib_compress_to_base64_string", s, "kql_zlib_compress($1)", s),
		Tmpl("zlib_decompress_from_base64_string", s, "kql_zlib_decompress($1)", s),
		Tmpl("punycode_from_string", s, "kql_punycode_from_string($1)", s),
		Tmpl("punycode_to_string", s, "kql_punycode_to_string($1)", s),
		Tmpl("punycode_domain_from_string", s, "kql_punycode_domain_from_string($1)", s),
		Tmpl("punycode_domain_to_string", s, "kql_punycode_domain_to_string($1)", s),
		Tmpl("new_guid", fn.GUID, "CAST(uuid() AS VARCHAR)"),
		// Parsed text.
		Tmpl("parse_urlquery", d, "kql_parse_urlquery($1)", s),
		Tmpl("parseurlquery", d, "kql_parse_urlquery($1)", s),
		Tmpl("parse_path", d, "kql_parse_path($1)", s),
		Tmpl("parse_csv", d, "kql_parse_csv($1)", s),
		Tmpl("parse_xml", d, "kql_parse_xml($1)", s),
		Tmpl("parse_command_line", d, "kql_parse_command_line($1, $2)", s, s),
		Tmpl("parse_version", fn.Decimal, "TRY_CAST(kql_parse_version($1) AS DECIMAL(38,0))", s),
		{Name: "parse_user_agent", Min: 1, Max: 2, Bind: func(c *Call) (*Expr, error) {
			x, err := c.Arg(0, s)
			if err != nil {
				return nil, err
			}
			look := S("CAST(NULL AS JSON)")
			if len(c.Args) == 2 {
				look = asDynamic(c.Args[1]).SQL
			}
			return E(d, "kql_parse_user_agent(", x, ", ", look, ")"), nil
		}},
		// Terms in lists.
		{Name: "has_ipv4", Min: 2, Max: 2, Bind: anyText("kql_has_ipv4")},
		{Name: "has_any_ipv4", Min: 2, Max: -1, Bind: anyText("kql_has_ipv4")},
		{Name: "has_ipv4_prefix", Min: 2, Max: 2, Bind: anyText("kql_has_ipv4_prefix")},
		{Name: "has_any_ipv4_prefix", Min: 2, Max: -1, Bind: anyText("kql_has_ipv4_prefix")},
		{Name: "has_any_index", Min: 2, Max: 2, Bind: func(c *Call) (*Expr, error) {
			x, err := c.Arg(0, s)
			if err != nil {
				return nil, err
			}
			list := S("coalesce(kql_texts(", asDynamic(c.Args[1]), "), CAST([] AS VARCHAR[]))")
			return E(l, "coalesce(list_position(list_transform(", list, ", lambda e : kql_has(", x, ", e)), true) - 1, -1)"), nil
		}},
	}
	for _, f := range []string{"md5", "sha1", "sha256"} {
		out = append(out, Func{Name: "hash_" + f, Min: 1, Max: 1, Bind: func(c *Call) (*Expr, error) {
			x := convert(c.Args[0], s)
			return E(s, f+"(", x, ")").NotNull(), nil
		}})
	}
	out = append(out, alias(Func{Name: "hash_combine", Min: 1, Max: -1, Bind: func(c *Call) (*Expr, error) {
		return nil, c.Errorf(-1, "hash the values together: hash(strcat(a, '|', b))", "how %s() mixes hashes is not public", c.Name)
	}}, "hash_many")...)
	out = append(out, alias(Func{Name: "hash", Min: 1, Max: 2, Bind: xxhash}, "hash_xxhash64")...)
	out = append(out, alias(Tmpl("replace_string", s, "replace($1, $2, $3)", s, s, s))...)
	out = append(out, alias(checked(1, Func{Name: "replace_regex", Min: 3, Max: 3, Bind: func(c *Call) (*Expr, error) {
		as, err := c.As(s, s, s)
		if err != nil {
			return nil, err
		}
		return str(fill("regexp_replace($1, $2, $3, 'g')", as)), nil
	}}))...)
	// The old replace(regex, with, text) has another order of arguments.
	out = append(out, checked(0, Tmpl("replace", s, "regexp_replace($3, $1, $2, 'g')", s, s, s)))
	out = append(out, alias(Tmpl("parse_url", d, "kql_parse_url($1)", s), "parseurl")...)
	out = append(out, alias(Tmpl("base64_decode_tostring", s, "kql_base64_decode_tostring($1)", s), "base64_decodestring", "base64_decode_string")...)
	out = append(out, alias(Tmpl("base64_encode_tostring", s, "base64(encode($1))", s), "base64_encodestring", "base64_encode_string")...)
	out = append(out, alias(Tmpl("unicode_codepoints_from_string", d, "kql_codepoints($1)", s), "to_utf8")...)
	out = append(out, alias(Func{Name: "unicode_codepoints_to_string", Min: 1, Max: -1, Bind: func(c *Call) (*Expr, error) {
		return str("kql_make_string(", c.array(0), ")"), nil
	}})...)
	out = append(out, alias(Func{Name: "extract_json", Min: 2, Max: 3, Bind: extractJSON}, "extractjson")...)
	return out
}

// anyText is a search for one of several texts, or of a list of them.
func anyText(f string) func(c *Call) (*Expr, error) {
	return func(c *Call) (*Expr, error) {
		x, err := c.Arg(0, fn.String)
		if err != nil {
			return nil, err
		}
		return E(fn.Bool, f+"(", x, ", ", c.list(1), ")").NotNull(), nil
	}
}

// typeOf is the type a constant argument names, as typeof(long) gives it.
func (c *Call) typeOf(i int) (Type, error) {
	v, err := c.Lit(i)
	if err != nil {
		return "", err
	}
	switch t := strings.ToLower(v.Str); t {
	case "string", "bool", "int", "long", "real", "decimal", "guid", "datetime", "timespan", "dynamic":
		return Type(t), nil
	case "double":
		return fn.Real, nil
	case "boolean":
		return fn.Bool, nil
	case "date":
		return fn.Datetime, nil
	case "time":
		return fn.Timespan, nil
	}
	return "", c.Errorf(i, "such as typeof(long)", "no type %q", v.Str)
}

// inCase is tolower() or toupper().
func inCase(name, sql string) Func {
	return Func{Name: name, Min: 1, Max: 1, Bind: func(c *Call) (*Expr, error) {
		x, err := c.Arg(0, fn.String)
		if err != nil {
			return nil, err
		}
		e := E(fn.String, sql, "(", x, ")").NotNull()
		e.lower = sql == "lower"
		return e, nil
	}}
}

// extract is extract(regex, group, text [, type]).
func extract(c *Call) (*Expr, error) {
	if err := c.constRegex(0); err != nil {
		return nil, err
	}
	as, err := c.As(fn.String, fn.Long, fn.String, fn.String)
	if err != nil {
		return nil, err
	}
	var x *Expr
	if g := c.Args[1].Const; g != nil && c.Args[0].Const != nil && g.Int >= 0 && g.Int <= 9 && g.Int <= groups(c.Args[0].Const.Str) {
		x = E(fn.String, "regexp_extract(", as[2], ", ", as[0], ", "+strconv.FormatInt(g.Int, 10)+")").NotNull()
	} else {
		x = str("json_extract_string(kql_extract_groups(", as[0], ", ", as[2], "), '$[' || CAST(", as[1], " AS VARCHAR) || ']')")
	}
	if len(c.Args) == 4 {
		t, err := c.typeOf(3)
		if err != nil {
			return nil, err
		}
		return convert(x, t), nil
	}
	return x, nil
}

func extractJSON(c *Call) (*Expr, error) {
	as, err := c.As(fn.String, fn.String, fn.String)
	if err != nil {
		return nil, err
	}
	x := E(fn.Dynamic, "json_extract(kql_parse_json_loose(", as[1], "), ", as[0], ")")
	if len(c.Args) == 3 {
		t, err := c.typeOf(2)
		if err != nil {
			return nil, err
		}
		return convert(x, t), nil
	}
	return convert(x, fn.String), nil
}

// xxhash is hash(value [, modulus]).
func xxhash(c *Call) (*Expr, error) {
	x := c.Args[0]
	name := string(x.Type)
	switch x.Type {
	case fn.Timespan:
		name = "long"
	case fn.GUID, fn.Dynamic, fn.Decimal:
		x, name = convert(x, fn.String), "string"
	}
	h := E(fn.Long, "kql_hash_xxhash64_"+name+"(", x, ")")
	if len(c.Args) == 1 {
		return h, nil
	}
	m, err := c.Arg(1, fn.Long)
	if err != nil {
		return nil, err
	}
	return E(fn.Long, "kql_hash_mod(", h, ", ", m, ")"), nil
}

// groups is the number of groups in a pattern.
func groups(p string) int64 {
	re, err := regexp.Compile(p)
	if err != nil {
		return 0
	}
	return int64(re.NumSubexp())
}

func init() {
	special["typeof"] = func(b *binder, n *callNode, _ *scope) (*Expr, error) {
		if len(n.args) == 1 {
			if t, ok := n.args[0].value.(*nameNode); ok {
				return constExpr(fn.String, &Value{Str: t.name}), nil
			}
		}
		return nil, b.errAt(n.Span, "such as typeof(long)", "typeof() takes the name of a type")
	}
}
