package fn

import (
	"math"
	"slices"
	"strconv"
)

// A series is an array of numbers; what is no number in it is NaN here.

// series is argument i as numbers; ok is false where it is no array.
func (r row) series(i int) (s []float64, ok bool) {
	v := r.dyn(i)
	if v.kind != isArray {
		return nil, false
	}
	s = make([]float64, len(v.list))
	for j, e := range v.list {
		f, ok := e.real()
		if !ok || e.kind == isText && e.text == "" {
			f = math.NaN()
		}
		s[j] = f
	}
	return s, true
}

// seriesValue writes numbers; what is none is null.
func seriesValue(s []float64) value {
	l := make([]value, len(s))
	for i, f := range s {
		if !math.IsNaN(f) {
			l[i] = realValue(f)
		}
	}
	return arrayValue(l)
}

var seriesPairs = map[string]func(a, b float64) float64{
	"add":      func(a, b float64) float64 { return a + b },
	"subtract": func(a, b float64) float64 { return a - b },
	"multiply": func(a, b float64) float64 { return a * b },
	"divide":   func(a, b float64) float64 { return a / b },
	"pow":      math.Pow,
}

var seriesTests = map[string]func(a, b float64) bool{
	"greater":        func(a, b float64) bool { return a > b },
	"greater_equals": func(a, b float64) bool { return a >= b },
	"less":           func(a, b float64) bool { return a < b },
	"less_equals":    func(a, b float64) bool { return a <= b },
	"equals":         func(a, b float64) bool { return a == b },
	"not_equals":     func(a, b float64) bool { return a != b },
}

var seriesEach = map[string]func(float64) float64{
	"abs": math.Abs, "acos": math.Acos, "asin": math.Asin, "atan": math.Atan, "ceiling": math.Ceil, "cos": math.Cos,
	"exp": math.Exp, "floor": math.Floor, "log": math.Log, "sin": math.Sin, "tan": math.Tan,
	"sign": func(f float64) float64 {
		switch {
		case f > 0:
			return 1
		case f < 0:
			return -1
		}
		return f
	},
}

func funcsSeries() []Func {
	d := Dynamic
	whole := func(v value) bool {
		return !slices.ContainsFunc(v.list, func(e value) bool { return e.kind != isNull && !e.whole() })
	}
	fs := []Func{
		total("series_pair", []Type{String, d, d}, d, func(r row) any {
			x, ok := r.series(1)
			y, ok2 := r.series(2)
			if !ok || !ok2 {
				return nil
			}
			name := r.text(0)
			long := name != "divide" && name != "pow" && whole(r.dyn(1)) && whole(r.dyn(2))
			out := make([]value, max(len(x), len(y)))
			for i := range out {
				if i >= len(x) || i >= len(y) || math.IsNaN(x[i]) || math.IsNaN(y[i]) {
					continue
				}
				if t, ok := seriesTests[name]; ok {
					out[i] = boolValue(t(x[i], y[i]))
					continue
				}
				f, ok := seriesPairs[name]
				if !ok {
					return nil
				}
				z := f(x[i], y[i])
				if long && math.Abs(z) < 1<<53 {
					out[i] = longValue(int64(z))
				} else if !math.IsNaN(z) {
					out[i] = realValue(z)
				}
			}
			return arrayValue(out).result()
		}),
		total("series_each", []Type{String, d}, d, func(r row) any {
			x, ok := r.series(1)
			f, ok2 := seriesEach[r.text(0)]
			if !ok || !ok2 {
				return nil
			}
			long := (r.text(0) == "abs" || r.text(0) == "sign") && whole(r.dyn(1))
			out := make([]value, len(x))
			for i := range x {
				if y := f(x[i]); !math.IsNaN(y) && long && math.Abs(y) < 1<<53 {
					out[i] = longValue(int64(y))
				} else if !math.IsNaN(y) {
					out[i] = realValue(y)
				}
			}
			return arrayValue(out).result()
		}),
		total("series_sum", []Type{d}, Real, func(r row) any { return fold(r, 0, func(a, b float64) float64 { return a + b }) }),
		total("series_product", []Type{d}, Real, func(r row) any { return fold(r, 1, func(a, b float64) float64 { return a * b }) }),
		total("series_magnitude", []Type{d}, Real, func(r row) any {
			s := fold(r, 0, func(a, b float64) float64 { return a + b*b })
			if f, ok := s.(float64); ok {
				return math.Sqrt(f)
			}
			return nil
		}),
		total("series_dot_product", []Type{d, d}, Real, func(r row) any {
			x, y, ok := twoSeries(r)
			if !ok {
				return nil
			}
			return real2(dot(x, y))
		}),
		total("series_cosine_similarity", []Type{d, d}, Real, func(r row) any {
			x, y, ok := twoSeries(r)
			if !ok {
				return nil
			}
			return real2(dot(x, y) / math.Sqrt(dot(x, x)*dot(y, y)))
		}),
		total("series_pearson_correlation", []Type{d, d}, Real, func(r row) any {
			x, y, ok := twoSeries(r)
			if !ok || len(x) == 0 {
				return nil
			}
			mx, my := mean(x), mean(y)
			var xy, xx, yy float64
			for i := range x {
				xy += (x[i] - mx) * (y[i] - my)
				xx += (x[i] - mx) * (x[i] - mx)
				yy += (y[i] - my) * (y[i] - my)
			}
			return real2(xy / math.Sqrt(xx*yy))
		}),
		total("series_fill", []Type{String, d, d, d, Bool}, d, seriesFill),
		total("series_fir", []Type{d, d, Bool, Bool}, d, func(r row) any {
			x, ok := r.series(0)
			f, ok2 := r.series(1)
			if !ok || !ok2 || len(f) == 0 || len(f) > 1024 {
				return nil
			}
			flat := r.flag(3, false)
			if !r.null(2) && r.flag(2, true) || r.null(2) {
				if sum := total1(f); sum != 0 {
					f = slices.Clone(f)
					for i := range f {
						f[i] /= sum
					}
				}
			}
			shift := 0
			if flat {
				shift = len(f) / 2
			}
			out := make([]float64, len(x))
			for i := range x {
				for j := range f {
					if k := i + shift - j; k >= 0 && k < len(x) {
						out[i] += f[j] * x[k]
					}
				}
			}
			return seriesValue(out).result()
		}),
		total("series_iir", []Type{d, d, d}, d, func(r row) any {
			x, ok := r.series(0)
			b, ok2 := r.series(1)
			a, ok3 := r.series(2)
			if !ok || !ok2 || !ok3 || len(b) == 0 || len(a) == 0 || a[0] == 0 || len(a) > 1024 || len(b) > 1024 {
				return nil
			}
			y := make([]float64, len(x))
			for i := range x {
				for j := range b {
					if i-j >= 0 {
						y[i] += b[j] * x[i-j]
					}
				}
				for j := 1; j < len(a); j++ {
					if i-j >= 0 {
						y[i] -= a[j] * y[i-j]
					}
				}
				y[i] /= a[0]
			}
			return seriesValue(y).result()
		}),
		total("series_stats", []Type{d}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok {
				return nil
			}
			return seriesStats(s).result()
		}),
		total("series_fit_line", []Type{d}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok || len(s) == 0 {
				return nil
			}
			return fitLine(s).bag().result()
		}),
		total("series_fit_2lines", []Type{d}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok || len(s) < 4 || len(s) > 16384 {
				return nil
			}
			return fit2Lines(s).result()
		}),
		total("series_outliers", []Type{d, Real, Real}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok {
				return nil
			}
			lo, hi := r.real(1, 10), r.real(2, 90)
			return seriesValue(outliers(s, s, lo, hi)).result()
		}),
		total("series_decompose", []Type{d, Long, String, Long, Real}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok {
				return nil
			}
			c := decompose(s, r.long(1, -1), r.text(2), r.long(3, 0), r.real(4, 0.6))
			return bagValue(member{"baseline", seriesValue(c.baseline)}, member{"seasonal", seriesValue(c.seasonal)},
				member{"trend", seriesValue(c.trend)}, member{"residual", seriesValue(c.residual)}).result()
		}),
		total("series_decompose_forecast", []Type{d, Long, Long, String, Real}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok {
				return nil
			}
			c := decompose(s, r.long(2, -1), r.text(3), r.long(1, 0), r.real(4, 0.6))
			return bagValue(member{"forecast", seriesValue(c.baseline)}, member{"seasonal", seriesValue(c.seasonal)},
				member{"trend", seriesValue(c.trend)}, member{"residual", seriesValue(c.residual)}).result()
		}),
		total("series_decompose_anomalies", []Type{d, Real, Long, String, Long, String, Real}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok {
				return nil
			}
			lo, hi := 10.0, 90.0
			if r.text(5) == "tukey" {
				lo, hi = 25, 75
			}
			test := r.long(4, 0)
			c := decompose(s, r.long(2, -1), r.text(3), test, r.real(6, 0.6))
			scores := outliers(c.residual, c.residual[:trained(len(s), test)], lo, hi)
			limit := r.real(1, 1.5)
			flags := make([]value, len(s))
			for i, x := range scores {
				switch {
				case x > limit:
					flags[i] = longValue(1)
				case x < -limit:
					flags[i] = longValue(-1)
				default:
					flags[i] = longValue(0)
				}
			}
			return bagValue(member{"ad_flag", arrayValue(flags)}, member{"ad_score", seriesValue(scores)},
				member{"baseline", seriesValue(c.baseline)}).result()
		}),
		total("series_seasonal", []Type{d, Long}, d, func(r row) any {
			s, ok := r.series(0)
			if !ok {
				return nil
			}
			p := int(r.long(1, -1))
			if p < 0 {
				p = period(s, 0.7)
			}
			return seriesValue(medians(s, p)).result()
		}),
		total("series_periods_detect", []Type{d, Real, Real, Long}, d, func(r row) any {
			s, ok := r.series(0)
			n := r.long(3, 1)
			if !ok || n < 1 || n > 64 {
				return nil
			}
			p, scores := periods(s, r.real(1, 0), r.real(2, float64(len(s))), int(n))
			for range int(n) - len(p) { // as many as were asked for
				p, scores = append(p, 0), append(scores, 0)
			}
			return bagValue(member{"periods", seriesValue(p)}, member{"scores", seriesValue(scores)}).result()
		}),
		total("series_periods_validate", []Type{d, d}, d, func(r row) any {
			s, ok := r.series(0)
			p, _ := r.series(1)
			if !ok {
				return nil
			}
			scores := make([]float64, len(p))
			for i, x := range p {
				if x >= shortestPeriod && x <= float64(min(len(s)/2, longestPeriod)) {
					scores[i] = repeats(s, int(math.Round(x)))
				}
			}
			return bagValue(member{"periods", seriesValue(p)}, member{"scores", seriesValue(scores)}).result()
		}),
	}
	return fs
}

func real2(f float64) any {
	if math.IsNaN(f) {
		return nil
	}
	return f
}

// twoSeries are the first two arguments where both are arrays of one length.
func twoSeries(r row) (x, y []float64, ok bool) {
	x, ok1 := r.series(0)
	y, ok2 := r.series(1)
	if f, ok := r.dyn(1).real(); ok && ok1 && !ok2 {
		// A number stands for a series of it.
		y, ok2 = slices.Repeat([]float64{f}, len(x)), true
	}
	return x, y, ok1 && ok2 && len(x) == len(y)
}

func fold(r row, start float64, f func(a, b float64) float64) any {
	s, ok := r.series(0)
	if !ok {
		return nil
	}
	for _, x := range s {
		start = f(start, x)
	}
	return real2(start)
}

func dot(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

func total1(s []float64) float64 {
	sum := 0.0
	for _, x := range s {
		if !math.IsNaN(x) {
			sum += x
		}
	}
	return sum
}

func mean(s []float64) float64 {
	n := 0
	for _, x := range s {
		if !math.IsNaN(x) {
			n++
		}
	}
	return total1(s) / float64(n)
}

// seriesFill fills what is missing, null or what argument 3 says: forward,
// backward, by a constant, or linear between two known values; then argument 4
// says whether the edges get the nearest, and the constant stands where nothing
// is known. Among whole numbers what is filled in is one, too, cut off.
func seriesFill(r row) any {
	v := r.dyn(1)
	if v.kind != isArray {
		return nil
	}
	l := slices.Clone(v.list)
	missing := r.dyn(3)
	known := func(e value) bool { return e.kind != isNull && (missing.kind == isNull || !same(e, missing)) }
	switch r.text(0) {
	case "forward":
		for i := 1; i < len(l); i++ {
			if !known(l[i]) {
				l[i] = l[i-1]
			}
		}
	case "backward":
		for i := len(l) - 2; i >= 0; i-- {
			if !known(l[i]) {
				l[i] = l[i+1]
			}
		}
	case "const":
		for i := range l {
			if !known(l[i]) {
				l[i] = r.dyn(2)
			}
		}
	case "linear":
		last := -1
		whole := !slices.ContainsFunc(l, func(e value) bool { return known(e) && !isWhole(e) })
		for i := range l {
			if !known(l[i]) {
				continue
			}
			if last < 0 {
				if !r.flag(4, true) {
					last = i
					continue
				}
				for j := range i {
					l[j] = l[i]
				}
			} else if i-last > 1 {
				a, _ := l[last].real()
				b, _ := l[i].real()
				for j := last + 1; j < i; j++ {
					x := a + (b-a)*float64(j-last)/float64(i-last)
					if l[j] = realValue(x); whole {
						l[j] = longValue(int64(x))
					}
				}
			}
			last = i
		}
		switch {
		case last < 0 && !r.null(2):
			for j := range l {
				l[j] = r.dyn(2)
			}
		case last >= 0 && r.flag(4, true):
			for j := last + 1; j < len(l); j++ {
				l[j] = l[last]
			}
		}
	default:
		return nil
	}
	return arrayValue(l).result()
}

func isWhole(v value) bool {
	if v.kind != isNumber {
		return false
	}
	_, err := strconv.ParseInt(v.text, 10, 64)
	return err == nil
}

func seriesStats(s []float64) value {
	n, minAt, maxAt := 0, -1, -1
	for i, x := range s {
		if math.IsNaN(x) {
			continue
		}
		n++
		if minAt < 0 || x < s[minAt] {
			minAt = i
		}
		if maxAt < 0 || x > s[maxAt] {
			maxAt = i
		}
	}
	if n == 0 {
		return nothing
	}
	m := mean(s)
	sq := 0.0
	for _, x := range s {
		if !math.IsNaN(x) {
			sq += (x - m) * (x - m)
		}
	}
	variance := 0.0
	if n > 1 {
		variance = sq / float64(n-1)
	}
	return bagValue(member{"min", realValue(s[minAt])}, member{"min_idx", longValue(int64(minAt))},
		member{"max", realValue(s[maxAt])}, member{"max_idx", longValue(int64(maxAt))},
		member{"avg", realValue(m)}, member{"stdev", realValue(math.Sqrt(variance))}, member{"variance", realValue(variance)},
		member{"sum", realValue(total1(s))}, member{"len", longValue(int64(len(s)))})
}
