package kql

import (
	"maps"
	"slices"
	"strings"
)

// operators are the names behind a pipe, as people write them.
var operators = []string{
	"as", "consume", "count", "distinct", "evaluate", "extend", "getschema", "invoke", "join", "limit", "lookup", "make-series", "mv-apply",
	"mv-expand", "order by", "parse", "parse-kv", "parse-where", "partition by", "project", "project-away", "project-by-names", "project-keep",
	"project-rename", "project-reorder", "render", "sample", "sample-distinct", "scan", "search", "serialize", "sort by", "summarize", "take", "top",
	"top-nested", "union", "where",
}

// Operators lists what may stand behind a pipe.
func Operators() []string { return slices.Clone(operators) }

// Functions lists what may be called in an expression, and what in summarize.
func Functions() (scalar, aggregate []string) {
	scalar = append(slices.Collect(maps.Keys(scalars)), slices.Collect(maps.Keys(special))...)
	scalar = slices.DeleteFunc(scalar, func(name string) bool { return strings.HasPrefix(name, "__") })
	slices.Sort(scalar)
	return slices.Compact(scalar), slices.Sorted(maps.Keys(aggs))
}
