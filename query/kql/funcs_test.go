//go:build cgo

package kql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/query/kql"
)

// Each function through the compiler and the engine: what it answers, as text,
// and the type of the answer (null where it is none). Null, empty text, bounds
// and types are the point of it; the arithmetic itself is tested in fn.
func TestFunctions(t *testing.T) {
	e := engine(t)
	var q strings.Builder
	cases := [][2]string{
		{`strcat("a", 1, true, 1d, dynamic({"x":[1,"y"]}))`, `a1True1.00:00:00{"x":[1,"y"]} string`},
		{`strcat_delim("-", 1, "", "b")`, `1--b string`},
		{`strcat_array(dynamic(["a",1,null]), "-")`, `a-1- string`},
		{`substring("abcdef", 2)`, `cdef string`},
		{`substring("abcdef", -2, 1)`, `e string`},
		{`substring("abc", 9)`, ` string`},
		{`split("a/b/c", "/")[1]`, `b string`},
		{`split("a/b/c", "/")[-1]`, `c string`},
		{`split("a/b/c", "/", 1)`, `["b"] array`},
		{`split("a", "/")[4]`, ` null`},
		{`countof("The cat sat on the mat", "at")`, `3 long`},
		{`countof("aaa", "a.", "regex")`, `1 long`},
		{`trim(" ", " a ")`, `a string`},
		{`extract("x=([0-9]+)", 1, "hello x=45")`, `45 string`},
		{`extract("x=([0-9]+)", 1, "hello x=45", typeof(long))`, `45 long`},
		{`extract("x=([0-9]+)", 0, "hello x=45")`, `x=45 string`},
		{`extract("x=([0-9]+)", 1, "hello")`, ` string`},
		{`extract("x=([0-9]+)", 7, "x=1")`, ` string`},
		{`extract_all("([a-z])([0-9])", dynamic([2]), "a1b2")`, `["1","2"] array`},
		{`extract_all("([a-z])", "a1b2")`, `["a","b"] array`},
		{`extract_all("([a-z])", "12")`, ` null`},
		{`extract_all("(?:x)([a-z]*)", "xx")`, `["x"] array`},
		{`extract_json("$.a.b", '{"a":{"b":7}}', typeof(int))`, `7 int`},
		{`extract_json("$.a.c", '{"a":{"b":7}}')`, ` string`},
		{`reverse("abc")`, `cba string`},
		{`strlen("Kästchen")`, `8 long`},
		{`string_size("Kästchen")`, `9 long`},
		{`strrep("ab", 2, "/")`, `ab/ab string`},
		{`tolower(dynamic("ABC"))`, `abc string`},
		{`strcmp("a", "b")`, `-1 long`},
		{`make_string(75, dynamic([117, 115]))`, `Kus string`},
		{`tohex(toint(-256), 8)`, `ffffff00 string`},
		{`series_fill_linear(dynamic([null,1,null,3]))`, `[1,1,2,3] array`},
		{`tohex(255, 4)`, `00ff string`},
		{`replace_regex("a1b2", "([a-z])([0-9])", @"\2\1")`, `1a2b string`},
		{`replace_string("aaa", "a", "")`, ` string`},
		{`base64_encode_tostring("Kusto")`, `S3VzdG8= string`},
		{`base64_decode_tostring("S3VzdG8=")`, `Kusto string`},
		{`hash_md5("World")`, `f5a7924e621e84c9280a9a27e1bcb7f6 string`},
		{`hash_sha1(datetime(2020-01-01))`, `e903e533f4d636b4fc0dcf3cf81e7b7f330de776 string`},
		{`hash_sha256("World")`, `78ae647dc5544d227130a0682a51e30bc7777fbb6d8a8f17007463a3ecd1d524 string`},
		{`hash("World", 100)`, `51 long`},
		{`hash_xxhash64(datetime("2015-01-01"))`, `1380966698541616202 long`},
		{`parse_url("https://u:p@example.com:8443/a/b?x=1&y=a%20b#f").Host`, `example.com string`},
		{`parse_url("https://example.com/a/b?x=1&y=a%20b#f")["Query Parameters"].y`, `a b string`},
		{`parse_urlquery("a=1")["Query Parameters"].a`, `1 string`},
		{`parse_path("/usr/lib/x.tar.gz").Extension`, `gz string`},
		{`parse_csv("a,b")[1]`, `b string`},
		{`parse_xml("<a><b>1</b></a>").a.b`, `1 string`},
		{`parse_command_line("a \"b c\"", "windows")[1]`, `b c string`},
		{`parse_version("1.2.3.4") > parse_version("1.2.3")`, `True bool`},
		{`parse_user_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", "browser").Browser.Family`, `Chrome string`},
		{`tostring(parse_user_agent("Mozilla/5.0 (SymbianOS/9.4; Series60/5.0 Nokia5800d-1/21.0; Profile/MIDP-2.1) AppleWebKit/525 (KHTML, like Gecko) Safari/525", dynamic(["browser","os","device"])))`,
			`{"Browser":{"Family":"Nokia OSS Browser","MajorVersion":"5","MinorVersion":"0","Patch":""},"OperatingSystem":{"Family":"Symbian OS","MajorVersion":"9","MinorVersion":"4","Patch":"","PatchMinor":""},"Device":{"Family":"Nokia 5800d","Brand":"Nokia","Model":"5800d-1"}} string`},
		{`has_any_ipv4("a 192.0.2.1 b", "192.0.2.1", "192.0.2.2")`, `True bool`},
		{`has_any_index("one two", dynamic(["x", "two"]))`, `1 long`},
		{`has_any_index("one two", dynamic(["x"]))`, `-1 long`},
		{`dynamic_to_json(dynamic({"b":1,"a":2}))`, `{"a":2,"b":1} string`},
		{`parse_ipv6_mask("::192.0.2.129/25", 128)`, `0000:0000:0000:0000:0000:ffff:c000:0280 string`},
		{`parse_ipv6_mask("::192.0.2.129/121", 128)`, `0000:0000:0000:0000:0000:ffff:c000:0280 string`},
		{`round(welch_test(10.0, 4.0, 20, 11.0, 9.0, 30), 6)`, `0.163754 real`},
		{`welch_test(10.0, 0.0, 20, 11.0, 0.0, 30)`, `NaN real`},
		{`round(convert_volume(1, "UsGallon", "Liter"), 6)`, `3.785412 real`},
		{`round(convert_length(1, "Megaparsec", "Kiloparsec"), 6)`, `1000.0 real`},
		// Time.
		{`datetime("Sat, 8 Nov 14 15:05")`, `2014-11-08T15:05:00.0000000Z datetime`},
		{`datetime(2014-11-08 15:05 GMT)`, `2014-11-08T15:05:00.0000000Z datetime`},
		{`bin(datetime(2017-05-16 10:20:30), 1h)`, `2017-05-16T10:00:00.0000000Z datetime`},
		{`bin(datetime(null), 1h)`, ` null`},
		{`bin(1h + 30m, 1h)`, `01:00:00 timespan`},
		{`bin(7, 5)`, `5 long`},
		{`bin(-1.5, 1)`, `-2.0 real`},
		{`floor(4.7, 2)`, `4.0 real`},
		{`bin_at(6.5, 2.5, 7)`, `4.5 real`},
		{`bin_at(1h, 1d, 12h)`, `-12:00:00 timespan`},
		{`startofweek(datetime(2017-01-01 10:10:17))`, `2017-01-01T00:00:00.0000000Z datetime`},
		{`startofmonth(datetime(2017-03-31), -1)`, `2017-02-01T00:00:00.0000000Z datetime`},
		{`endofmonth(datetime(2016-02-10)) - startofday(datetime(2016-02-29))`, `23:59:59.9999990 timespan`},
		{`datetime_add("month", 1, datetime(2017-01-31))`, `2017-02-28T00:00:00.0000000Z datetime`},
		{`datetime_add("hour", -25, datetime(2017-01-31))`, `2017-01-29T23:00:00.0000000Z datetime`},
		{`datetime_diff("year", datetime(2017-01-01), datetime(2000-12-31))`, `17 long`},
		{`datetime_diff("hour", datetime(2017-10-31 01:00), datetime(2017-10-30 23:59))`, `2 long`},
		{`datetime_diff("Day", datetime(2017-10-29), datetime(2017-11-02))`, `-4 long`},
		{`datetime_diff("week", datetime(2017-10-29), datetime(2017-09-30 23:59))`, `5 long`},
		{`datetime_part("quarter", datetime(2017-10-30 01:02:03.7654321))`, `4 int`},
		{`datetime_part("millisecond", datetime(2017-10-30 01:02:03.7654321))`, `765 int`},
		{`dayofweek(datetime(2015-12-14))`, `1.00:00:00 timespan`},
		{`dayofyear(datetime(2015-12-14))`, `348 int`},
		{`hourofday(datetime(2015-12-14 18:54))`, `18 int`},
		{`monthofyear(datetime(2015-12-14))`, `12 int`},
		{`getyear(datetime(2015-12-14))`, `2015 int`},
		{`week_of_year(datetime(2020-12-31))`, `53 long`},
		{`format_datetime(datetime(2017-01-29 09:00:05), "yyyy-MM-dd HH:mm tt")`, `2017-01-29 09:00 AM string`},
		{`format_datetime(datetime(2017-01-29 13:00:05.0123456), "yy/MM/dd hh:mm:ss.fff tt")`, `17/01/29 01:00:05.012 PM string`},
		{`format_datetime(datetime(2017-01-29 13:00:05.0123456), "HH.ffffff")`, `13.012345 string`},
		{`format_datetime(datetime(2017-01-29 13:00:05.0123456), "y-M-d H:m:s.ff")`, `17-1-29 13:0:5.01 string`},
		{`format_datetime(datetime(null), "yyyy")`, ` string`},
		{`format_timespan(1d + 2h, "d.hh:mm")`, `1.02:00 string`},
		{`make_datetime(2017, 13, 1)`, ` null`},
		{`make_datetime(dynamic("2017-10-01 12:10"))`, `2017-10-01T12:10:00.0000000Z datetime`},
		{`make_datetime(datetime(2017-10-01) + 1h)`, `2017-10-01T01:00:00.0000000Z datetime`},
		{`make_timespan("01:30")`, `01:30:00 timespan`},
		{`make_timespan(1, 30)`, `01:30:00 timespan`},
		{`make_timespan(1, 2, 30, 55.123)`, `1.02:30:55.1230000 timespan`},
		{`unixtime_seconds_todatetime(1546300800)`, `2019-01-01T00:00:00.0000000Z datetime`},
		{`unixtime_milliseconds_todatetime(tolong("x"))`, ` null`},
		{`datetime_utc_to_local(datetime(2020-07-01), "Europe/Paris")`, `2020-07-01T02:00:00.0000000Z datetime`},
		{`range(1, 5, 2)`, `[1,3,5] array`},
		{`range(datetime(2007-01-01), datetime(2007-01-02), 1d)[1]`, `2007-01-02T00:00:00.0000000Z string`},
		{`array_length(range(1h, 5h))`, `5 long`},
		{`todatetime("2020-02-30")`, ` null`},
		{`totimespan("1.02:03:04")`, `1.02:03:04 timespan`},
		// Numbers.
		{`abs(-5)`, `5 long`},
		{`abs(-1h)`, `01:00:00 timespan`},
		{`round(2.98765, 3)`, `2.988 real`},
		{`round(-50.55, -2)`, `-100.0 real`},
		{`sign(-4.2)`, `-1.0 real`},
		{`sqrt(-1)`, ` null`},
		{`sin(real(+inf))`, `NaN real`},
		{`(-9223372036854775807 - 1) % toint("-1")`, `0 long`},
		{`-7 % -3`, `2 long`},
		{`cot(real(null))`, ` null`},
		{`substring("abc", 9223372036854775807)`, ` string`},
		{`bin_at(long(-9223372036854775807), 2, 9)`, `-9223372036854775807 long`},
		{`totimespan(real(nan))`, ` null`},
		{`tohex(255, long(-9223372036854775807))`, `ff string`},
		{`pow(2, 10)`, `1024.0 real`},
		{`log(-1)`, `NaN real`},
		{`isnan(log(-1))`, `True bool`},
		{`isinf(1.0 / 0.0)`, `True bool`},
		{`isfinite(real(null))`, `False bool`},
		{`ceiling(1.1)`, `2.0 real`},
		{`binary_and(12, 10)`, `8 long`},
		{`binary_xor(12, 10)`, `6 long`},
		{`binary_not(100)`, `-101 long`},
		{`binary_shift_left(1, 10)`, `1024 long`},
		{`bitset_count_ones(42)`, `3 long`},
		{`rand() < 1.0 and rand(5) < 5`, `True bool`},
		{`format_bytes(10332, 1)`, `10.1 KB string`},
		// Addresses.
		{`parse_ipv4("192.0.2.1")`, `3221225985 long`},
		{`parse_ipv4("192.0.2.1/24")`, `3221225984 long`},
		{`parse_ipv4("192.0.2.256")`, ` null`},
		{`ipv4_is_match("192.0.2.1", "192.0.2.9/24")`, `True bool`},
		{`ipv4_is_private("192.168.1.1")`, `True bool`},
		{`ipv4_is_private("x")`, ` null`},
		{`format_ipv4("192.0.2.77", 24)`, `192.0.2.0 string`},
		{`format_ipv4(3221225985)`, `192.0.2.1 string`},
		{`format_ipv4_mask("192.0.2.77/25")`, `192.0.2.0/25 string`},
		{`ipv6_is_in_any_range("2001:db8::1", "2001:db8::/32")`, `True bool`},
		{`ipv4_is_in_any_range("198.51.100.7", dynamic(["192.0.2.0/24", "198.51.100.0/24"]))`, `True bool`},
		// Dynamic values.
		{`pack_array(1, "a", 1d, real(null), dynamic(null))`, `[1,"a","1.00:00:00",null,null] array`},
		{`bag_pack("a", 1, "b", dynamic([1]), "c", "")`, `{"a":1,"b":[1],"c":""} dictionary`},
		{`bag_pack(strcat("a", ""), 1, "a", 2)`, `{"a":2} dictionary`},
		{`bag_merge(dynamic({"a":1}), dynamic(null), dynamic({"a":2,"b":2}))`, `{"a":1,"b":2} dictionary`},
		{`array_concat(dynamic([1]), dynamic([]), dynamic(["x"]))`, `[1,"x"] array`},
		{`array_length(dynamic({"a":1}))`, ` null`},
		{`array_slice(dynamic([1,2,3]), 0, 1)`, `[1,2] array`},
		{`array_shift_right(dynamic([1,2,3]), 1)`, `[null,1,2] array`},
		{`array_sort_asc(dynamic([3,1,2]))`, `[1,2,3] array`},
		{`array_index_of(dynamic(["this","is"]), "is")`, `1 long`},
		{`array_sum(dynamic([1,2.5]))`, `3.5 real`},
		{`set_union(dynamic([1,2]), dynamic([2,3]))`, `[1,2,3] array`},
		{`set_has_element(dynamic(["a"]), "A")`, `False bool`},
		{`zip(dynamic([1]), dynamic([2,3]))`, `[[1,2],[null,3]] array`},
		{`bag_keys(dynamic({"b":1,"a":2}))`, `["b","a"] array`},
		{`repeat("x", 2)`, `["x","x"] array`},
		{`series_add(dynamic([1,2]), dynamic([10,20]))`, `[11,22] array`},
		{`series_fill_const(dynamic([null,1]), 0)`, `[0,1] array`},
		{`series_fit_line_dynamic(dynamic([1,2,3])).slope`, `1.0 double`},
		{`series_stats_dynamic(dynamic([4,2,6])).max_idx`, `2 long`},
		{`treepath(dynamic({"a":{"b":1}}))`, `["['a']","['a']['b']"] array`},
	}
	q.WriteString("print dummy = 0")
	for i, c := range cases {
		fmt.Fprintf(&q, "\n| extend v%d = %s", i, c[0])
		fmt.Fprintf(&q, "\n| extend s%d = strcat(tostring(v%d), \" \", gettype(v%d))", i, i, i)
	}
	q.WriteString("\n| project ")
	for i := range cases {
		if i > 0 {
			q.WriteString(", ")
		}
		fmt.Fprintf(&q, "s%d", i)
	}
	p, err := kql.Compile(q.String(), kql.Tables{}, kql.Options{Now: docNow})
	if err != nil {
		t.Fatalf("%v\n%s", err, q.String())
	}
	rows, err := run(t, e, p)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if got := rows[0][i]; got != c[1] {
			t.Errorf("%s\n got %v\nwant %s", c[0], got, c[1])
		}
	}
}

func TestAggregates(t *testing.T) {
	e := engine(t)
	const data = `let T = datatable(g:string, n:long, r:real, s:string, d:dynamic, w:timespan, at:datetime) [
		"a", 1, 1.5, "x", dynamic([1,2]), 1h, datetime(2024-01-01),
		"a", 3, real(null), "y", dynamic([2,3]), 3h, datetime(2024-01-03),
		"a", long(null), 4.5, "x", dynamic(null), timespan(null), datetime(null),
		"b", 10, 2.0, "", dynamic({"k":1}), 2h, datetime(2024-02-01)];
	T | where g == "a" `
	for _, c := range [][2]string{
		{`sum(n)`, `4 long`},
		{`sum(w)`, `04:00:00 timespan`},
		{`sumif(n, n > 2)`, `3 long`},
		{`avg(n)`, `2.0 real`},
		{`avg(r)`, `3.0 real`},
		{`avgif(n, n > 100)`, `NaN real`},
		{`avg(w)`, `02:00:00 timespan`},
		{`avg(at)`, `2024-01-02T00:00:00.0000000Z datetime`},
		{`stdevp(n)`, `1.0 real`},
		{`variance(n)`, `2.0 real`},
		{`varianceif(n, n > 2)`, `0.0 real`},
		{`stdev(n * 1e200)`, `NaN real`},
		{`varianceif(n * 1e200, n > 100)`, `0.0 real`},
		{`make_list_if(s, parse_json(iff(n > 2, "true", "\"\"")))`, `["y"] array`},
		{`unixtime_seconds_todatetime(max(n))`, `1970-01-01T00:00:03.0000000Z datetime`},
		{`dcount(s)`, `2 long`},
		{`dcountif(s, n > 2)`, `1 long`},
		{`count_distinct(n)`, `2 long`},
		{`minif(n, n > 1)`, `3 long`},
		{`maxif(s, n > 0)`, `y string`},
		{`percentile(n, 50)`, `1 long`},
		{`percentile(at, 99)`, `2024-01-03T00:00:00.0000000Z datetime`},
		{`percentiles_array(n, 50, 100)`, `[1,3] array`},
		{`percentilew(n, n, 50)`, `3 long`},
		{`make_list(n)`, `[1,3] array`},
		{`make_list(r)`, `[1.5,4.5] array`},
		{`make_list(at, 1)`, `["2024-01-01T00:00:00.0000000Z"] array`},
		{`make_list_if(s, n > 2)`, `["y"] array`},
		{`make_list_if(n, isnull(n))`, `[] array`},
		{`make_list_with_nulls(n)`, `[1,3,null] array`},
		{`make_set(s)`, `["x","y"] array`},
		{`array_length(makeset(range(1, 300)))`, `128 long`},
		{`count(n)`, `3 long`},
		{`array_length(make_set(d))`, `3 long`},
		{`make_set_if(s, n > 2)`, `["y"] array`},
		{`make_set(s, 1)`, `["x"] array`},
		{`make_bag(bag_pack(s, n))`, `{"x":1,"y":3} dictionary`},
		{`take_anyif(s, n > 2)`, `y string`},
		{`binary_all_or(n)`, `3 long`},
		{`covariancep(n, n)`, `1.0 real`},
		{`buildschema(d)`, "{\"`indexer`\":\"long\"} dictionary"},
	} {
		src := data + "| summarize v = " + c[0] + " | project strcat(tostring(v), ' ', gettype(v))"
		p, err := kql.Compile(src, kql.Tables{}, kql.Options{Now: docNow})
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		rows, err := run(t, e, p)
		if err != nil {
			t.Errorf("%s: %v\n%s", c[0], err, p.SQL)
			continue
		}
		if got := rows[0][0]; got != c[1] {
			t.Errorf("%s\n got %v\nwant %s", c[0], got, c[1])
		}
	}
}

// Over no rows at all, counts and sums are 0, lists are empty and the rest is null.
func TestAggregatesOfNothing(t *testing.T) {
	p, err := kql.Compile(`datatable(n:long, s:string) [] | summarize count(), sum(n), dcount(s), l = make_list(n), x = make_set(s), b = make_bag(pack(s, n)), m = max(n), a = avg(n)
		| project strcat_delim(" ", count_, sum_n, dcount_s, l, x, b, isnull(m), isnan(a))`, kql.Tables{}, kql.Options{Now: docNow})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := run(t, engine(t), p)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows[0][0], "0 0 0 [] [] {} True True"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What a function cannot do is refused when the query is compiled, with its place.
func TestFunctionsRefused(t *testing.T) {
	for _, c := range [][2]string{
		{`print extract("(", 1, "x")`, "bad regular expression"},
		{`print extract("(?=a)", 1, "x")`, "bad regular expression"},
		{`print datetime_add("fortnight", 1, now())`, `no period "fortnight"`},
		{`print hash_combine(1, 2)`, "not public"},
		{`datatable(x:string) [] | summarize tdigest(x)`, "a number or a time"},
		{`datatable(x:long) [] | summarize percentile(x, x)`, "constants"},
		{`print bag_pack("a")`, "2 or more"},
		{`print countof("a", "a", "fuzzy")`, "no kind"},
		{`print abs("x")`, "needs a number"},
	} {
		_, err := kql.Compile(c[0], kql.Tables{}, kql.Options{Now: docNow})
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", c[0], err, c[1])
		}
	}
}
