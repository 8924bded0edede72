package kql

// scalars and aggs are what a query can call. They are read only.
var (
	scalars = tableOf([][]Func{
		funcsCore(),
	}, func(f Func) string { return f.Name })
	aggs = tableOf([][]Agg{
		aggsCore(),
	}, func(a Agg) string { return a.Name })
)
