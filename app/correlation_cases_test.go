package app

const byUser = "group-by: [userIdentity.userName]\ntimespan: 60s\n"

// The base rules make no findings of their own unless a case says generate: the
// findings of rules that no correlation names are there, so cases use the others.
var correlationCases = []correlationCase{
	// event_count.
	{"gte", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 3}", "0A/x 30A/x 60A/x 200A/x", "X high 1,2,3 userName=x gte 3"},
	{"gt", "type: event_count\nrules: [a]\n" + byUser + "condition: {gt: 2}", "0A/x 30A/x 60A/x 200A/x 210A/x", "X high 1,2,3 userName=x gt 3"},
	{"lt", "type: event_count\nrules: [a]\n" + byUser + "condition: {lt: 3}", "0A/x 30A/x 60A/x 200A/x 210A/x", "X high 4,5 userName=x lt 2"},
	{"lte", "type: event_count\nrules: [a]\n" + byUser + "condition: {lte: 1}", "0A/x 30A/x 60A/x 200A/x", "X high 4 userName=x lte 1"},
	{"eq", "type: event_count\nrules: [a]\n" + byUser + "condition: {eq: 2}", "0A/x 30A/x 60A/x 200A/x 201A/x", "X high 4,5 userName=x eq 2"},
	{"neq", "type: event_count\nrules: [a]\n" + byUser + "condition: {neq: 2}", "0A/x 30A/x 60A/x 200A/x 201A/x", "X high 1,2,3 userName=x neq 3"},
	{"range", "type: event_count\nrules: [a]\n" + byUser + "condition: {gt: 1, lte: 2}", "0A/x 1A/x 2A/x 200A/x 201A/x 400A/x", "X high 4,5 userName=x gt 2 lte 2"},
	{"the end of the timespan is in it", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}", "0A/x 60A/x 200A/y 261A/y", "X high 1,2 userName=x gte 2"},
	{"a window starts anywhere", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 3}", "0A/x 50A/x 70A/x 100A/x", "X high 2,3,4 userName=x gte 3"},
	{"one burst is one finding", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}", "0A/x 1A/x 2A/x 3A/x 4A/x", "X high 1,2,3,4,5 userName=x gte 5"},
	{"two bursts are two", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}", "0A/x 1A/x 500A/x 501A/x", "X high 1,2 userName=x gte 2\nX high 3,4 userName=x gte 2"},
	{"groups do not mix", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}", "0A/x 1A/y 2A/z 3A/y", "X high 2,4 userName=y gte 2"},
	{"groups keep case", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}", "0A/x 1A/X", ""},
	{"several fields group together", "type: event_count\nrules: [a]\ngroup-by: [userIdentity.userName, sourceIPAddress]\ntimespan: 60s\ncondition: {gte: 2}", "0A/x@p 1A/x@q 2A/y@p 3A/x@q", "X high 2,4 userName=x sourceIPAddress=q gte 2"},
	{"values that only look alike when joined", "type: event_count\nrules: [a]\ngroup-by: [userIdentity.userName, sourceIPAddress]\ntimespan: 60s\ncondition: {gte: 2}", "0A/xy@p 1A/x@yp", ""},
	{"no group-by", "type: event_count\nrules: [a]\ntimespan: 60s\ncondition: {gte: 2}", "0A/x 1A/y", "X high 1,2 gte 2"},
	{"without a group's field an event counts nowhere", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}", "0A 1A 2A/x", ""},
	{"an event in several groups", "type: event_count\nrules: [a]\ngroup-by: requestParameters.v\ntimespan: 60s\ncondition: {gte: 2}", `0A=["p","q"] 1A="q" 2A="r"`, "X high 1,2 v=q gte 2"},
	{"several rules count together", "type: event_count\nrules: [a, b]\n" + byUser + "condition: {gte: 3}", "0A/x 1B/x 2A/x 3C/x", "Rule c 4\nX high 1,2,3 userName=x gte 3"},
	{"an event of two rules counts once", "type: event_count\nrules: [a, b]\n" + byUser + "condition: {gte: 2}", "0AB/x 100AB/y 101A/y", "X high 2,3 userName=y gte 2"},
	{"minutes", "type: event_count\nrules: [a]\ntimespan: 5m\ncondition: {gte: 2}", "0A 300A 1000A 1301A", "X high 1,2 gte 2"},
	{"hours", "type: event_count\nrules: [a]\ntimespan: 1h\ncondition: {gte: 2}", "0A 3600A 10000A 13601A", "X high 1,2 gte 2"},
	{"days", "type: event_count\nrules: [a]\ntimespan: 1d\ncondition: {gte: 2}", "0A 86400A 200000A 286401A", "X high 1,2 gte 2"},
	{"by id", "type: event_count\nrules: [00000000-0000-4000-8000-00000000000A]\ntimespan: 60s\ncondition: {gte: 2}", "0A 1A", "X high 1,2 gte 2"},
	{"by title", "type: event_count\nrules: [Rule a]\ntimespan: 60s\ncondition: {gte: 2}", "0A 1A", "X high 1,2 gte 2"},
	{"silence is not found", "type: event_count\nrules: [a]\n" + byUser + "condition: {lt: 1}", "0C/x", "Rule c 1"},

	// value_count.
	{"different values", "type: value_count\nrules: [a]\n" + byUser + "condition: {gte: 3, field: sourceIPAddress}", "0A/x@p 1A/x@p 2A/x@q 3A/y@r 4A/x@s", "X high 1,2,3,5 userName=x gte 3"},
	{"a value that comes back counts once", "type: value_count\nrules: [a]\n" + byUser + "condition: {gte: 2, field: sourceIPAddress}", "0A/x@p 61A/x@q 122A/x@q 130A/x@p", "X high 3,4 userName=x gte 2"},
	{"few values", "type: value_count\nrules: [a]\n" + byUser + "condition: {lte: 1, field: sourceIPAddress}", "0A/x@p 1A/x@q 200A/x@p 201A/x@p", "X high 3,4 userName=x lte 1"},
	{"tuples", "type: value_count\nrules: [a]\n" + byUser + "condition: {gte: 3, field: [sourceIPAddress, requestParameters.v]}", "0A/x@p=1 1A/x@p=2 2A/x@p=1 3A/x@q=1", "X high 1,2,3,4 userName=x gte 3"},
	{"members of a list are values", "type: value_count\nrules: [a]\n" + byUser + "condition: {gte: 3, field: requestParameters.v}", `0A/x=["p","q"] 1A/x=["q","r"]`, "X high 1,2 userName=x gte 3"},
	{"no value, no count", "type: value_count\nrules: [a]\n" + byUser + "condition: {gte: 1, field: requestParameters.v}", "0A/x 1A/x=null 2A/x=1", "X high 3 userName=x gte 1"},

	// What measures numbers.
	{"sum", "type: value_sum\nrules: [a]\n" + byUser + "condition: {gte: 10, field: requestParameters.v}", `0A/x=4 1A/x="5.5" 2A/x=0.5 3A/y=9`, "X high 1,2,3 userName=x gte 10"},
	{"sum slides", "type: value_sum\nrules: [a]\n" + byUser + "condition: {gt: 10, field: requestParameters.v}", "0A/x=8 50A/x=2 61A/x=9", "X high 2,3 userName=x gt 11"},
	{"sum takes no words", "type: value_sum\nrules: [a]\n" + byUser + "condition: {gte: 1, field: requestParameters.v}", `0A/x="many" 1A/x=true 2A/x=1`, "X high 3 userName=x gte 1"},
	{"a sum that falls again held at its highest", "type: value_sum\nrules: [a]\n" + byUser + "condition: {gte: 10, field: requestParameters.v}", "0A/x=12 1A/x=-7", "X high 1,2 userName=x gte 12"},
	{"no number breaks a sum", "type: value_sum\nrules: [a]\n" + byUser + "condition: {gte: 10, field: requestParameters.v}", "0A/x=-1.7e308 1A/x=-1.7e308 200A/x=1e999 300A/x=12", "X high 4 userName=x gte 12"},
	{"average", "type: value_avg\nrules: [a]\n" + byUser + "condition: {gt: 2, field: requestParameters.v}", "0A/x=1 1A/x=5 200A/x=1 201A/x=3", "X high 1,2 userName=x gt 3"},
	{"median", "type: value_median\nrules: [a]\n" + byUser + "condition: {gte: 3, field: requestParameters.v}", "0A/x=1 1A/x=100 2A/x=3 200A/x=1 201A/x=2 202A/x=100", "X high 1,2,3 userName=x gte 3"},
	{"median of an even number", "type: value_median\nrules: [a]\n" + byUser + "condition: {eq: 2.5, field: requestParameters.v}", "0A/x=1 1A/x=2 2A/x=3 3A/x=9", "X high 1,2,3,4 userName=x eq 2.5"},
	{"percentile", "type: value_percentile\nrules: [a]\n" + byUser + "condition: {gte: 9, field: requestParameters.v, percentile: 75}", "0A/x=1 1A/x=5 2A/x=9 3A/x=9 4A/x=10", "X high 1,2,3,4,5 userName=x gte 9"},

	// temporal.
	{"all rules in any order", "type: temporal\nrules: [a, b, c]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0C/x 10A/x 60B/x", "X high 1,2,3 userName=x"},
	{"one rule is missing", "type: temporal\nrules: [a, b, c]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0C/x 10A/x 20A/x", ""},
	{"too far apart", "type: temporal\nrules: [a, b, c]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0C/x 10A/x 61B/x", ""},
	{"in other groups", "type: temporal\nrules: [a, b]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0A/x 10B/y", ""},
	{"one event of both rules", "type: temporal\nrules: [a, b]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0AB/x", "X high 1 userName=x"},
	{"some of the rules", "type: temporal\nrules: [a, b, c]\ngroup-by: [userIdentity.userName]\ntimespan: 60s\ncondition: {gte: 2}", "0C/x 1C/x 200A/x 210C/x", "X high 3,4 userName=x"},
	{"and not", "type: temporal\nrules: [a, b]\ngroup-by: [userIdentity.userName]\ntimespan: 60s\ncondition: a and not b", "0A/x 10B/x 300A/x 400A/y 461B/y", "X high 3 userName=x\nX high 4 userName=y"},
	{"or", "type: temporal\nrules: [a, b, c]\ngroup-by: [userIdentity.userName]\ntimespan: 60s\ncondition: a and (b or c)", "0B/x 1C/x 200A/x 201C/x", "X high 3,4 userName=x"},
	{"the name of pySigma", "type: temporal_extended\nrules: [a, b]\ngroup-by: [userIdentity.userName]\ntimespan: 60s\ncondition: a and not b", "0A/x", "X high 1 userName=x"},

	// temporal_ordered.
	{"in order", "type: temporal_ordered\nrules: [a, b, c]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0A/x 10B/x 60C/x", "X high 1,2,3 userName=x"},
	{"out of order", "type: temporal_ordered\nrules: [a, b, c]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0A/x 10C/x 20B/x 100B/y 101A/y 102C/y", ""},
	{"others in between", "type: temporal_ordered\nrules: [a, b]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0B/x 1A/x 2A/x 3B/x", "X high 2,3,4 userName=x"},
	{"in order over too long", "type: temporal_ordered\nrules: [a, b]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0A/x 61B/x", ""},
	{"in the same second", "type: temporal_ordered\nrules: [a, b]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "5B/x 5A/x", "X high 2,1 userName=x"},
	{"the other name", "type: ordered_temporal\nrules: [b, a]\ngroup-by: [userIdentity.userName]\ntimespan: 60s", "0B/x 1A/x 100A/y 101B/y", "X high 1,2 userName=x"},

	// Aliases, other logs, chains, generate, level, filters.
	{"aliases", "type: temporal\nrules: [a, b]\ngroup-by: [inside, outside]\ntimespan: 10s\naliases:\n  inside: {a: userIdentity.userName, b: sourceIPAddress}\n  outside: {a: sourceIPAddress, b: userIdentity.userName}",
		"0A/p@q 1B/q@p 100A/p@q 101B/p@q", "X high 1,2 inside=p outside=q"},
	{"two log types", "type: temporal_ordered\nrules: [Rule d, a]\ngroup-by: [who]\ntimespan: 60s\naliases:\n  who: {Rule d: actor.alternateId, a: userIdentity.userName}", "0D/x 10A/x 20D/y 30A/z", "X high 1,2 who=x"},
	{"a chain: failures and then success", `title: Brute force
level: critical
correlation: {type: temporal_ordered, rules: [many, b], group-by: [userIdentity.userName], timespan: 10m}
---
title: Many
name: many
level: medium
correlation: {type: event_count, rules: [a], group-by: [userIdentity.userName, sourceIPAddress], timespan: 10m, condition: {gte: 3}}`,
		"0A/x@p 1A/x@p 2A/x@p 100B/x@q 200A/y@p 201A/y@q 202A/y@p 203B/y@p 2000B/z 2001A/z@p 2002A/z@p 2003A/z@p",
		"Brute force critical 1,2,3,4 userName=x"},
	{"a chain that generates", `title: Both
level: high
correlation: {type: temporal, rules: [many, b], group-by: [userIdentity.userName], timespan: 10m, generate: true}
---
title: Many
name: many
level: medium
correlation: {type: event_count, rules: [a], group-by: [userIdentity.userName], timespan: 10m, condition: {gte: 2}}`,
		"0A/x 1A/x 100B/x", "Both high 1,2,3 userName=x\nMany medium 1,2 userName=x gte 2\nRule b 3"},
	{"a chain of three", `title: Outer
level: high
correlation: {type: event_count, rules: [middle], group-by: [userIdentity.userName], timespan: 1d, condition: {gte: 2}}
---
title: Middle
name: middle
correlation: {type: temporal_ordered, rules: [inner, b], group-by: [userIdentity.userName], timespan: 10m}
---
title: Inner
name: inner
correlation: {type: event_count, rules: [a], group-by: [userIdentity.userName], timespan: 1m, condition: {gte: 2}}`,
		"0A/x 1A/x 100B/x 5000A/x 5001A/x 5100B/x", "Outer high 1,2,3,4,5,6 userName=x gte 2"},
	{"a count of what a correlation found", `title: Wide
level: high
correlation: {type: value_count, rules: [many], group-by: [sourceIPAddress], timespan: 1h, condition: {gte: 2, field: userIdentity.userName}}
---
title: Many
name: many
correlation: {type: event_count, rules: [a], group-by: [userIdentity.userName, sourceIPAddress], timespan: 10m, condition: {gte: 2}}`,
		"0A/x@p 1A/x@p 10A/y@p 11A/y@p 20A/z@q 21A/z@q", "Wide high 1,2,3,4 sourceIPAddress=p gte 2"},
	{"generate", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}\ngenerate: true", "0A/x 1A/x 100A/x", "Rule a 1\nRule a 2\nRule a 3\nX high 1,2 userName=x gte 2"},
	{"generate: false", "type: event_count\nrules: [a]\n" + byUser + "condition: {gte: 2}\ngenerate: false", "0A/x 1A/x 2C/x", "Rule c 3\nX high 1,2 userName=x gte 2"},
	{"no level", "title: X\ncorrelation: {type: event_count, rules: [a], timespan: 60s, condition: {gte: 2}}", "0A/x 1A/x", "X 1,2 gte 2"},
	{"a filter works on the base rules", "title: X\nlevel: high\ncorrelation: {type: event_count, rules: [a], timespan: 60s, condition: {gte: 2}}\n---\ntitle: F\nlogsource: {product: aws, service: cloudtrail}\nfilter: {rules: [a], s: {userIdentity.userName: robot}, condition: not s}",
		"0A/robot 1A/x 200A/robot 201A/robot 300A/x 301A/y", "X high 5,6 gte 2"},
	{"two correlations of one rule", "title: X\nlevel: high\ncorrelation: {type: event_count, rules: [a], timespan: 60s, condition: {gte: 2}}\n---\ntitle: Y\nlevel: high\ncorrelation: {type: value_count, rules: [a], timespan: 60s, condition: {gte: 2, field: sourceIPAddress}}",
		"0A/x@p 1A/x@p 2A/x@q", "X high 1,2,3 gte 3\nY high 1,2,3 gte 2"},
}
