package fn

import (
	"fmt"
	"strings"
)

// wrap is the macro kql_x over the Go function kqlg_x: it casts JSON text to
// JSON, so that nobody has to remember which is which.
func wrap(f Func) string {
	args := make([]string, len(f.Args))
	for i := range args {
		args[i] = fmt.Sprintf("a%d", i+1)
	}
	list := strings.Join(args, ", ")
	call := f.Name + "(" + list + ")"
	if f.Result == Dynamic {
		call = "CAST(" + call + " AS JSON)"
	}
	return "CREATE MACRO kql_" + strings.TrimPrefix(f.Name, "kqlg_") + "(" + list + ") AS " + call
}

// create makes CREATE MACRO statements of lines "name(args) AS body".
func create(defs ...string) []string {
	out := make([]string, len(defs))
	for i, d := range defs {
		out[i] = "CREATE MACRO kql_" + strings.TrimSpace(d)
	}
	return out
}

// macrosTerm are about terms: maximal runs of letters and digits. Both texts
// come in lower case where case is not to matter. Borders are only looked at where
// the text is there at all.
func macrosTerm() []string {
	return create(
		`term(h, n, l, r) AS CASE WHEN n = '' THEN true WHEN contains(h, n) THEN kqlg_bordered(h, n, l, r) ELSE false END`,
		`has(s, t) AS kql_term(lower(s), lower(t), true, true)`,
		`has_cs(s, t) AS kql_term(s, t, true, true)`,
		`hasprefix(s, t) AS kql_term(lower(s), lower(t), true, false)`,
		`hasprefix_cs(s, t) AS kql_term(s, t, true, false)`,
		`hassuffix(s, t) AS kql_term(lower(s), lower(t), false, true)`,
		`hassuffix_cs(s, t) AS kql_term(s, t, false, true)`,
	)
}

func macrosText() []string {
	return create(
		`substring(s, i, n) AS CASE WHEN n <= 0 THEN '' WHEN i >= 0 THEN substr(s, least(i, 16777216) + 1, least(n, 16777216))
			ELSE substr(s, greatest(length(s) + i, 0) + 1, least(n, 16777216)) END`,
		`split(s, d) AS CASE WHEN d = '' THEN to_json([s]) ELSE to_json(string_split(s, d)) END`,
		`split_at(s, d, i) AS CASE WHEN i < 0 OR i >= len(string_split(s, d)) THEN '[]'::JSON ELSE to_json([string_split(s, d)[i + 1]]) END`,
		`trim_start(re, s) AS regexp_replace(s, '^(?:' || re || ')', '')`,
		`trim_end(re, s) AS regexp_replace(s, '(?:' || re || ')$', '')`,
		`trim(re, s) AS kql_trim_end(re, kql_trim_start(re, s))`,
		`strcmp(a, b) AS CASE WHEN a < b THEN -1 WHEN a > b THEN 1 ELSE 0 END`,
		`strrep(s, n, d) AS CASE WHEN n <= 0 THEN '' WHEN length(s || d) * least(n, 1024) > 65536 THEN ''
			ELSE repeat(s || d, least(n, 1024) - 1) || s END`,
		`regex_quote(s) AS regexp_replace(s, '([\\.+*?()|\[\]{}^$])', '\\\1', 'g')`,
		`string_size(s) AS CAST(strlen(s) AS BIGINT)`,
		`isascii(s) AS NOT regexp_matches(s, '[^\x00-\x7f]')`,
		`tohex(n, w) AS CASE WHEN length(lower(to_hex(n))) >= w THEN lower(to_hex(n)) ELSE lpad(lower(to_hex(n)), CAST(greatest(0, least(w, 64)) AS INTEGER), '0') END`,
		`hash_mod(h, m) AS CASE WHEN m > 0 THEN CAST((((CAST(h AS HUGEINT) + 18446744073709551616) % 18446744073709551616) % m) AS BIGINT) END`,
	)
}

func macrosConvert() []string {
	whole := func(t string) string {
		return `CASE WHEN contains(s, '.') OR contains(s, 'e') OR contains(s, 'E') THEN TRY_CAST(trunc(TRY_CAST(s AS DOUBLE)) AS ` + t + `) ELSE TRY_CAST(s AS ` + t + `) END`
	}
	return create(
		`toint_text(s) AS `+whole("INTEGER"),
		`tolong_text(s) AS `+whole("BIGINT"),
		`tobool_text(s) AS CASE lower(s) WHEN 'true' THEN true WHEN 'false' THEN false ELSE TRY_CAST(TRY_CAST(s AS BIGINT) AS BOOLEAN) END`,
		`real_text(d) AS CASE WHEN isnan(d) THEN 'NaN' WHEN isinf(d) THEN CASE WHEN d > 0 THEN '∞' ELSE '-∞' END ELSE CAST(d AS VARCHAR) END`,
		`real_json(d) AS CASE WHEN d IS NULL THEN NULL WHEN isfinite(d) THEN to_json(d) WHEN isnan(d) THEN to_json('NaN') WHEN d > 0 THEN to_json('Infinity') ELSE to_json('-Infinity') END`,
		`decimal_text(d) AS CASE WHEN contains(CAST(d AS VARCHAR), '.') THEN rtrim(rtrim(CAST(d AS VARCHAR), '0'), '.') ELSE CAST(d AS VARCHAR) END`,
		`datetime_text(d) AS strftime(d, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'`,
		`datetime_json_text(d) AS kql_datetime_text(d)`,
		// The engine reads the form of almost every log itself; it ignores an
		// offset, so only UTC goes that way.
		`todatetime(s) AS CASE WHEN s < ':' AND s[5] = '-' AND s[11] = 'T' AND suffix(s, 'Z') THEN TRY_CAST(s AS TIMESTAMP) ELSE kqlg_datetime_parse(s) END`,
		`totimespan(s) AS kqlg_timespan_parse(s)`,
		`toguid(s) AS CASE WHEN length(replace(s, '-', '')) IN (32, 34) THEN CAST(TRY_CAST(replace(trim(s, '{}'), '-', '') AS UUID) AS VARCHAR) END`,
		`parse_json(s) AS CASE WHEN s = '' THEN NULL ELSE nullif(coalesce(TRY_CAST(s AS JSON), to_json(s)), 'null'::JSON) END`,
		`parse_json_loose(s) AS TRY_CAST(s AS JSON)`,
	)
}

func macrosTime() []string {
	// The microseconds from year 1 to 1970.
	const base = "62135596800000000"
	defs := []string{
		`ticks(d) AS (epoch_us(d) + ` + base + `) * 10`,
		`from_ticks(n) AS CASE WHEN n >= 0 AND n < 3155378976000000000 THEN make_timestamp(CAST(n // 10 - ` + base + ` AS BIGINT)) END`,
		`bin_long(x, b) AS CASE WHEN b > 0 THEN x - (((x % b) + b) % b) END`,
		`bin_real(x, b) AS CASE WHEN b > 0 THEN floor(x / b) * b END`,
		`bin_datetime(d, b) AS CASE WHEN b > 0 THEN make_timestamp(kql_ticks(d) // b * b // 10 - ` + base + `) END`,
		`bin_at_long(x, b, a) AS TRY_CAST(kql_bin_long(CAST(x AS HUGEINT) - a, b) + a AS BIGINT)`,
		`bin_at_real(x, b, a) AS kql_bin_real(x - a, b) + a`,
		`bin_at_datetime(d, b, a) AS make_timestamp(kql_bin_long(kql_ticks(d) - kql_ticks(a), b) // 10 + epoch_us(a))`,
		`startofday(d, n) AS CAST(CASE WHEN n = 0 THEN date_trunc('day', d) ELSE date_trunc('day', d) + to_days(CAST(n AS INTEGER)) END AS TIMESTAMP)`,
		`startofweek(d, n) AS CAST(date_trunc('day', d) + to_days(CAST(7 * n - dayofweek(d) AS INTEGER)) AS TIMESTAMP)`,
		`startofmonth(d, n) AS CAST(CASE WHEN n = 0 THEN date_trunc('month', d) ELSE date_trunc('month', d) + to_months(CAST(n AS INTEGER)) END AS TIMESTAMP)`,
		`startofyear(d, n) AS CAST(CASE WHEN n = 0 THEN date_trunc('year', d) ELSE date_trunc('year', d) + to_years(CAST(n AS INTEGER)) END AS TIMESTAMP)`,
	}
	for _, p := range []string{"day", "week", "month", "year"} {
		defs = append(defs, fmt.Sprintf(`endof%[1]s(d, n) AS make_timestamp(epoch_us(kql_startof%[1]s(d, n + 1)) - 1)`, p))
	}
	defs = append(defs,
		`datetime_add_span(d, n) AS make_timestamp(epoch_us(d) + n)`,
		`week_diff(a, b) AS (epoch_us(kql_startofweek(a, 0)) - epoch_us(kql_startofweek(b, 0))) // 604800000000`,
		`hms(h, m, s) AS CAST(h AS BIGINT) * 36000000000 + CAST(m AS BIGINT) * 600000000 + CAST(round(s * 10000000) AS BIGINT)`,
		`make_datetime(y, mo, d, h, mi, s) AS CASE WHEN y BETWEEN 1 AND 9999 AND mo BETWEEN 1 AND 12 AND d BETWEEN 1 AND 31
			AND h BETWEEN 0 AND 23 AND mi BETWEEN 0 AND 59 AND s >= 0 AND s < 60 THEN TRY(make_timestamp(y, mo, d, h, mi, 0.0) + to_microseconds(CAST(floor(round(s * 10000000) / 10) AS BIGINT))) END`,
		`make_timespan(d, h, m, s) AS CASE WHEN d BETWEEN 0 AND 10675198 AND h BETWEEN 0 AND 23 AND m BETWEEN 0 AND 59 AND s >= 0 AND s < 60 THEN CAST(d AS BIGINT) * 864000000000 + kql_hms(h, m, s) END`,
		`utc_to_local(d, z) AS timezone(z, timezone('UTC', d))`,
		`local_to_utc(d, z) AS timezone('UTC', timezone(z, d))`,
		`around(d, c, w) AS d BETWEEN make_timestamp(epoch_us(c) - w // 10) AND make_timestamp(epoch_us(c) + w // 10)`,
	)
	return create(defs...)
}

func macrosNumber() []string {
	return create(
		`mod(a, b) AS CASE WHEN b <> 0 THEN CASE WHEN a % b >= 0 THEN a % b WHEN b < 0 THEN a % b - b ELSE a % b + b END END`,
		`mod_long(a, b) AS CASE WHEN b = -1 THEN a - a ELSE kql_mod(a, b) END`, // the engine divides, and the quotient may be no long
		`shift_left(a, n) AS CAST(((CAST(a AS HUGEINT) * CAST(pow(2, n % 64) AS HUGEINT)) & 9223372036854775807) AS BIGINT)`,
		`shift_right(a, n) AS CASE WHEN n >= 0 THEN a >> (n % 64) END`,
		`round(x, n) AS CASE WHEN n BETWEEN -15 AND 15 THEN round(x, CAST(n AS INTEGER)) ELSE x END`,
	)
}

func macrosDynamic() []string {
	return create(
		`texts(j) AS CASE json_type(j) WHEN 'ARRAY' THEN json_extract_string(j, '$[*]') WHEN 'NULL' THEN NULL ELSE [json_extract_string(j, '$')] END`,
		`key(j, k) AS nullif(json_extract(j, '$."' || replace(replace(k, '\', '\\'), '"', '\"') || '"'), 'null'::JSON)`,
		`index(j, i) AS nullif(json_extract(j, CASE WHEN i < 0 THEN '$[#' || i || ']' ELSE '$[' || i || ']' END), 'null'::JSON)`,
		`nonempty(l) AS CASE WHEN len(l) > 0 THEN to_json(l[1:1048576]) END`,
		`array_length(j) AS CASE WHEN json_type(j) = 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) END`,
		`gettype(j) AS CASE json_type(j) WHEN 'VARCHAR' THEN 'string' WHEN 'BIGINT' THEN 'long' WHEN 'UBIGINT' THEN 'long' WHEN 'DOUBLE' THEN 'double'
			WHEN 'BOOLEAN' THEN 'bool' WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' ELSE 'null' END`,
	)
}
