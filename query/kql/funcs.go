package kql

// scalars and aggs are what a query can call. They are read only.
var (
	scalars = tableOf([][]Func{
		funcsCore(), funcsText(), funcsTime(), funcsNumber(), funcsDynamic(), funcsSeries(),
	}, func(f Func) string { return f.Name })
	aggs = tableOf([][]Agg{
		aggsCore(), aggsMore(),
	}, func(a Agg) string { return a.Name })
)
