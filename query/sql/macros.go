package sql

// Macros returns the CREATE MACRO statements that the SQL of this package calls. They
// are created once in an engine; all their names begin with yagura_.
//
// A list of values has an element for each; an element that is NULL stands for what
// SQL cannot say, and so differs from JSON's null, which is an element of type NULL.
func Macros() []string { return append([]string(nil), macros[:]...) }

var macros = [...]string{
	// An answer as a number, so that one pass finds the strongest: 2 yes, 1 unknown, 0 no.
	`CREATE OR REPLACE MACRO yagura_say(b) AS coalesce((b)::TINYINT * 2, 1)::TINYINT`,
	`CREATE OR REPLACE MACRO yagura_any(l) AS (CASE list_max(l) WHEN 2 THEN true WHEN 1 THEN NULL ELSE false END)`,

	// The record as a list of one value.
	`CREATE OR REPLACE MACRO yagura_root(r) AS (CASE WHEN json_valid(r) THEN [(r)::JSON] ELSE [NULL::JSON] END)`,

	// ASCII letters in lower case: keys that are compared without regard to case.
	`CREATE OR REPLACE MACRO yagura_lower(t) AS translate(t, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`,

	// The folded form of a text: equal for texts that are equal under Unicode simple
	// folding. DuckDB's lower agrees with it but for these characters, each of which has
	// several lower-case forms; a dotted capital I, which lower takes for an i, is left
	// to the Program.
	`CREATE OR REPLACE MACRO yagura_fold(t) AS (CASE WHEN strlen(t) = length(t) THEN lower(t)
		WHEN contains(t, 'İ') THEN NULL
		ELSE translate(lower(t), 'ſᲆµẛᲅᲄϵϕϱϐᲇϰᲀϖᲂςᲈͅιᲁϑᲃ', 'sъμṡттεφρβѣκвπоσꙋιιдθс') END)`,

	`CREATE OR REPLACE MACRO yagura_order(t) AS (CASE WHEN strlen(t) = length(t) THEN lower(t) END)`,

	// What the text of a string is when it is itself an object or array: a list of that
	// value, of none, or of NULL where DuckDB reads JSON more freely than RFC 8259.
	`CREATE OR REPLACE MACRO yagura_enter(s) AS (list_transform([s], lambda yt: CASE
		WHEN NOT regexp_matches(yt, '^(?:[ \t\r\n]*[\[{]|%)') THEN []::JSON[]
		WHEN starts_with(yt, '%') THEN [NULL::JSON]
		WHEN NOT json_valid(yt) THEN CASE WHEN contains(yt, '\u') THEN [NULL::JSON] ELSE []::JSON[] END
		WHEN regexp_matches(regexp_replace(yt, '"(?:[^"\\]|\\.)*"', '0', 'g'), '(?i),\s*[\]}]|nan|inf|/')
			OR length(yt) - length(translate(yt, '[{', '')) >= 900 THEN [NULL::JSON]
		ELSE [yt::JSON] END)[1])`,

	// One level of arrays and of texts of strings resolved.
	`CREATE OR REPLACE MACRO yagura_open(vs) AS flatten(list_transform(vs, lambda yo: CASE
		WHEN yo IS NULL THEN [NULL::JSON]
		WHEN json_type(yo) = 'ARRAY' THEN json_extract(yo, '$[*]')
		WHEN json_type(yo) = 'VARCHAR' THEN yagura_enter(json_extract_string(yo, '$'))
		ELSE [yo] END))`,

	// The objects that values are, hold as members, or have as their text.
	`CREATE OR REPLACE MACRO yagura_objects(vs) AS (list_transform([vs], lambda yb: CASE
		WHEN len(list_filter(yb, lambda yf: json_type(yf) IN ('ARRAY', 'VARCHAR'))) = 0 THEN yb
		ELSE yagura_open(yagura_open(yagura_open(yagura_open(yb)))) END)[1])`,

	// The members of one object under a key: those of duplicate keys all.
	`CREATE OR REPLACE MACRO yagura_members(o, k, p) AS (CASE len(list_filter(json_keys(o), lambda yk: yk = k))
		WHEN 0 THEN []::JSON[]
		WHEN 1 THEN [json_extract(o, p)]
		ELSE list_transform(list_filter(list_zip(json_keys(o), json_extract(o, '$.*')), lambda yp: yp[1] = k), lambda yp: yp[2]) END)`,
	`CREATE OR REPLACE MACRO yagura_members_fold(o, k) AS list_transform(list_filter(
		list_zip(json_keys(o), json_extract(o, '$.*')), lambda yp: yagura_lower(yp[1]) = k), lambda yp: yp[2])`,

	`CREATE OR REPLACE MACRO yagura_step(vs, k, p) AS flatten(list_transform(yagura_objects(vs), lambda ys: CASE
		WHEN ys IS NULL THEN [NULL::JSON]
		WHEN json_type(ys) = 'OBJECT' THEN yagura_members(ys, k, p)
		WHEN json_type(ys) IN ('ARRAY', 'VARCHAR') THEN [NULL::JSON]
		ELSE []::JSON[] END))`,
	`CREATE OR REPLACE MACRO yagura_step_fold(vs, k) AS flatten(list_transform(yagura_objects(vs), lambda ys: CASE
		WHEN ys IS NULL THEN [NULL::JSON]
		WHEN json_type(ys) = 'OBJECT' THEN yagura_members_fold(ys, k)
		WHEN json_type(ys) IN ('ARRAY', 'VARCHAR') THEN [NULL::JSON]
		ELSE []::JSON[] END))`,

	// The member of an array under an index; a string whose text is an array has members.
	`CREATE OR REPLACE MACRO yagura_index(vs, p) AS flatten(list_transform(vs, lambda yx: CASE
		WHEN yx IS NULL THEN [NULL::JSON]
		WHEN json_type(yx) = 'ARRAY' THEN list_filter([json_extract(yx, p)], lambda ym: ym IS NOT NULL)
		WHEN json_type(yx) = 'VARCHAR' THEN list_transform(list_filter(yagura_enter(json_extract_string(yx, '$')),
			lambda yj: yj IS NULL OR json_extract(yj, p) IS NOT NULL), lambda yj: json_extract(yj, p))
		ELSE []::JSON[] END))`,

	// The value at a JSON pointer.
	`CREATE OR REPLACE MACRO yagura_exact(vs, v) AS (list_transform([v], lambda yb: CASE WHEN vs[1] IS NULL THEN [NULL::JSON] WHEN yb IS NULL THEN []::JSON[] ELSE [yb] END)[1])`,

	// Values with the members of those that are arrays, and of arrays in them.
	`CREATE OR REPLACE MACRO yagura_within(vs) AS flatten(list_transform(vs, lambda yw: CASE
		WHEN yw IS NULL THEN [NULL::JSON]
		WHEN json_type(yw) = 'ARRAY' THEN json_extract(yw, '$[*]')
		ELSE []::JSON[] END))`,
	`CREATE OR REPLACE MACRO yagura_spread(vs) AS (list_transform([vs], lambda yb: CASE
		WHEN len(list_filter(yb, lambda yf: json_type(yf) = 'ARRAY')) = 0 THEN yb
		ELSE list_concat(yb, yagura_spread_1(yagura_within(yb))) END)[1])`,
	`CREATE OR REPLACE MACRO yagura_spread_1(vs) AS (list_transform([vs], lambda yb: list_concat(yb, yagura_spread_2(yagura_within(yb))))[1])`,
	`CREATE OR REPLACE MACRO yagura_spread_2(vs) AS (list_transform([vs], lambda yb: list_concat(yb, yagura_spread_3(yagura_within(yb))))[1])`,
	`CREATE OR REPLACE MACRO yagura_spread_3(vs) AS (list_transform([vs], lambda yb: list_concat(yb,
		list_transform(list_filter(yb, lambda yd: json_type(yd) = 'ARRAY'), lambda yd: NULL::JSON)))[1])`,

	// The members that a question about each member is asked of.
	`CREATE OR REPLACE MACRO yagura_each(vs) AS flatten(list_transform(vs, lambda ye: CASE
		WHEN ye IS NULL THEN [NULL::JSON]
		WHEN json_type(ye) = 'ARRAY' THEN json_extract(ye, '$[*]')
		WHEN json_type(ye) = 'NULL' THEN []::JSON[]
		ELSE [ye] END))`,

	// How a number with a point or an exponent stands in the record, where all numbers of
	// its value that stand there are written in one way.
	`CREATE OR REPLACE MACRO yagura_written(v, r) AS (list_transform([list_distinct(list_filter(
		regexp_extract_all(r, '-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?'),
		lambda yn: TRY_CAST(yn AS DOUBLE) = TRY_CAST((v)::VARCHAR AS DOUBLE)))], lambda yl: CASE WHEN len(yl) = 1 THEN yl[1] END)[1])`,

	// An object or array as compact JSON, where DuckDB writes it as the Program does: no
	// number that it writes anew, no control character.
	`CREATE OR REPLACE MACRO yagura_compact(s, r) AS (list_transform([s], lambda yc: CASE
		WHEN contains(yc, '\u') THEN NULL
		WHEN regexp_matches(yc, '[0-9][.eE][-+0-9]')
			AND regexp_matches(regexp_replace(yc, '"(?:[^"\\]|\\.)*"', '', 'g'), '[0-9][.eE]') THEN NULL
		WHEN regexp_matches(yc, '[\[:,]0[,\]}]') AND regexp_matches(r, '[\[:,]\s*-0\s*[,\]}]') THEN NULL
		ELSE yc END)[1])`,

	// A value as text.
	`CREATE OR REPLACE MACRO yagura_text(v, r) AS (CASE json_type(v)
		WHEN 'VARCHAR' THEN json_extract_string(v, '$')
		WHEN 'DOUBLE' THEN yagura_written(v, r)
		WHEN 'OBJECT' THEN yagura_compact((v)::VARCHAR, r)
		WHEN 'ARRAY' THEN yagura_compact((v)::VARCHAR, r)
		WHEN 'NULL' THEN 'null'
		ELSE CASE WHEN (v)::VARCHAR = '0' AND regexp_matches(r, '[\[:,]\s*-0\s*[,\]}]') THEN NULL ELSE (v)::VARCHAR END END)`,

	// The text of an object or array with the escapes of its strings resolved. The quotes
	// that are not escaped are, by way of two characters that no JSON holds, and the whole
	// is read as one string.
	`CREATE OR REPLACE MACRO yagura_resolve(t) AS json_extract_string('"' || replace(replace(replace(
		regexp_replace(t, '(\\.)|(")', '\1' || chr(1) || '\2' || chr(2), 'g'), chr(1) || chr(2), ''),
		chr(1) || '"' || chr(2), '\"'), chr(2), '') || '"', '$')`,

	// Values as items: their type k, their text t, of objects and arrays the resolved
	// text a, of whole numbers n as DuckDB writes them, of others their value d.
	`CREATE OR REPLACE MACRO yagura_items(vs, r) AS list_transform(list_transform(vs, lambda yi:
		{'k': json_type(yi), 't': yagura_text(yi, r), 'v': yi}), lambda yi:
		{'k': yi.k, 't': yi.t,
		'a': CASE WHEN yi.k IN ('OBJECT', 'ARRAY') AND contains(yi.t, '\') THEN yagura_resolve(yi.t) END,
		'n': CASE WHEN yi.k IN ('UBIGINT', 'BIGINT') THEN yi.v::VARCHAR END,
		'd': CASE WHEN yi.k = 'DOUBLE' THEN TRY_CAST(yi.v::VARCHAR AS DOUBLE) END})`,
	`CREATE OR REPLACE MACRO yagura_cut(t) AS split_part(t, chr(0), 1)`,
	// The same as strings are in C: cut at NUL; what is no string is the empty text.
	`CREATE OR REPLACE MACRO yagura_items_string(vs) AS list_transform(vs, lambda yi: {'k': CASE WHEN yi IS NOT NULL THEN 'VARCHAR' END,
		't': CASE WHEN yi IS NULL THEN NULL WHEN json_type(yi) = 'VARCHAR' THEN yagura_cut(json_extract_string(yi, '$')) ELSE '' END,
		'a': NULL::VARCHAR, 'n': NULL::VARCHAR, 'd': NULL::DOUBLE})`,
	`CREATE OR REPLACE MACRO yagura_items_raw(vs, r) AS list_transform(vs, lambda yi: {'k': CASE WHEN yi IS NOT NULL THEN 'VARCHAR' END,
		't': CASE WHEN yi IS NOT NULL THEN yagura_cut(yagura_text(yi, r)) END,
		'a': NULL::VARCHAR, 'n': NULL::VARCHAR, 'd': NULL::DOUBLE})`,

	// The scalars and keys of a record as items, null left out.
	`CREATE OR REPLACE MACRO yagura_words(r) AS (CASE WHEN json_valid(r) THEN list_transform(list_filter(
		regexp_extract_all(r, '"(?:[^"\\]|\\.)*"|[-0-9a-z][-+.0-9A-Za-z]*'), lambda yq: yq <> 'null'), lambda yq:
		{'k': 'VARCHAR', 't': CASE WHEN starts_with(yq, '"') THEN json_extract_string(yq, '$') ELSE yq END,
		'a': NULL::VARCHAR, 'n': NULL::VARCHAR, 'd': NULL::DOUBLE})
		ELSE [{'k': NULL::VARCHAR, 't': NULL::VARCHAR, 'a': NULL::VARCHAR, 'n': NULL::VARCHAR, 'd': NULL::DOUBLE}] END)`,

	// Whether a text is a number, and whether so short a one that its double is exact.
	`CREATE OR REPLACE MACRO yagura_isnum(t) AS regexp_full_match(t, '[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?')`,
	`CREATE OR REPLACE MACRO yagura_short(t) AS regexp_full_match(t, '[-+]?[0-9.]{1,15}')`,

	// Whether the numbers of two texts are one value, where both are numbers.
	`CREATE OR REPLACE MACRO yagura_same(t, u) AS (CASE
		WHEN TRY_CAST(t AS DOUBLE) <> TRY_CAST(u AS DOUBLE) THEN false
		WHEN yagura_short(t) AND yagura_short(u) THEN true ELSE NULL END)`,

	// An address of IPv4 as a number, -1 for what is none; NULL for an address of IPv6 that
	// may be one of IPv4 in it.
	`CREATE OR REPLACE MACRO yagura_v4(t) AS (list_transform([t], lambda yb: CASE WHEN regexp_full_match(yb,
		'(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])')
		THEN (split_part(yb, '.', 1)::BIGINT << 24) + (split_part(yb, '.', 2)::BIGINT << 16) + (split_part(yb, '.', 3)::BIGINT << 8) + split_part(yb, '.', 4)::BIGINT
		WHEN contains(yb, ':') AND contains(lower(yb), 'ffff') AND strlen(yb) <= 45 THEN NULL
		WHEN yb IS NULL THEN NULL
		ELSE -1 END)[1])`,
	// An address of IPv6 as 32 hexadecimal digits, '' for what is none; NULL for one that is
	// written with an address of IPv4 at its end.
	`CREATE OR REPLACE MACRO yagura_groups(t) AS (CASE WHEN t = '' THEN '' ELSE
		array_to_string(list_transform(string_split(lower(t), ':'), lambda yg: lpad(yg, 4, '0')), '') END)`,
	`CREATE OR REPLACE MACRO yagura_gap(a, b) AS (CASE WHEN strlen(a) + strlen(b) >= 32 THEN '' ELSE a || repeat('0', 32 - strlen(a) - strlen(b)) || b END)`,
	`CREATE OR REPLACE MACRO yagura_v6(t) AS (list_transform([t], lambda yb: CASE
		WHEN yb IS NULL THEN NULL
		WHEN NOT contains(yb, ':') OR strlen(yb) > 45 OR NOT regexp_full_match(yb, '[0-9a-fA-F:.]+') THEN ''
		WHEN contains(yb, '.') THEN NULL
		WHEN regexp_full_match(yb, '(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}') THEN yagura_groups(yb)
		WHEN regexp_full_match(yb, '(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?')
			THEN list_transform([{'a': yagura_groups(split_part(yb, '::', 1)), 'b': yagura_groups(split_part(yb, '::', 2))}], lambda yh: yagura_gap(yh.a, yh.b))[1]
		ELSE '' END)[1])`,

	// A text as a time in UTC; seconds do not matter. NULL in a list is what SQL cannot say.
	`CREATE OR REPLACE MACRO yagura_time(x) AS (list_transform([x], lambda t: CASE
		WHEN t IS NULL OR yagura_isnum(t) OR starts_with(t, '0') THEN [NULL::TIMESTAMP]
		WHEN NOT regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:[.,][0-9]+)?)? ?(?:[-+](?:[01][0-9]|2[0-3]):?[0-5][0-9]|[Zz])?)?')
			THEN []::TIMESTAMP[]
		WHEN regexp_matches(t, ':60') THEN [NULL::TIMESTAMP]
		ELSE list_filter([TRY_CAST(t[1:10] || ' ' || CASE WHEN length(t) > 10 THEN t[12:16] ELSE '00:00' END AS TIMESTAMP)
			- CASE WHEN regexp_matches(t, '[-+][0-9]{2}:?[0-9]{2}$') AND length(t) > 10
			THEN to_minutes((regexp_extract(t, '([-+])[0-9]{2}:?[0-9]{2}$', 1) || '1')::INTEGER *
			(regexp_extract(t, '[-+]([0-9]{2}):?[0-9]{2}$', 1)::INTEGER * 60 + regexp_extract(t, '([0-9]{2})$', 1)::INTEGER))
			ELSE to_minutes(0) END], lambda yt: yt IS NOT NULL) END)[1])`,
}
