package kql

// scalars and aggs are what a query can call. They are read only.
var (
	scalars = withNames(tableOf([][]Func{
		funcsCore(), funcsText(), funcsTime(), funcsNumber(), funcsDynamic(), funcsSeries(), funcsSketch(),
	}, func(f Func) string { return f.Name }))
	aggs = tableOf([][]Agg{
		aggsCore(), aggsMore(), aggsSketch(),
	}, func(a Agg) string { return a.Name })
)

// firstNames are functions that give a column without a name that of their first
// argument, and prefixed those that put something before it, both as Kusto does.
var (
	firstNames = []string{
		"split", "tohex", "parse_csv", "parse_xml", "format_datetime", "format_timespan", "startofday", "binary_and", "binary_or", "binary_xor",
		"binary_not", "binary_shift_right", "binary_shift_left", "bitset_count_ones", "series_fir", "series_iir", "series_outliers",
		"series_fill_backward", "series_fill_forward", "series_fill_const", "series_fill_linear", "round", "ceiling", "pow", "sqrt", "log", "log2",
		"log10", "exp", "exp2", "exp10", "cos", "sin", "tan", "acos", "asin", "atan", "atan2", "abs", "gamma", "loggamma", "erf", "erfc", "format_bytes",
	}
	prefixed = map[string]string{
		"strlen": "strlen_", "string_size": "string_size_", "gettype": "type_", "treepath": "tree_", "dcount_hll": "dcount_hll_",
		"percentile_tdigest": "percentile_tdigest_",
	}
)

func withNames(m map[string]Func) map[string]Func {
	for _, n := range firstNames {
		if f, ok := m[n]; ok {
			f.FirstName = true
			m[n] = f
		}
	}
	for n, p := range prefixed {
		if f, ok := m[n]; ok {
			f.Prefix = p
			m[n] = f
		}
	}
	return m
}
