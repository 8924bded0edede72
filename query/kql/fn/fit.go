package fn

import (
	"math"
	"slices"
)

// fit is a straight line through a series.
type fit struct {
	rsquare, slope, variance, rvariance, interception float64
	line                                              []float64
}

func fitLine(s []float64) fit {
	var n, sx, sy, sxx, sxy float64
	for i, y := range s {
		if math.IsNaN(y) {
			continue
		}
		x := float64(i)
		n++
		sx += x
		sy += y
		sxx += x * x
		sxy += x * y
	}
	var f fit
	if d := n*sxx - sx*sx; d != 0 {
		f.slope = (n*sxy - sx*sy) / d
	}
	if n > 0 {
		f.interception = (sy - f.slope*sx) / n
	}
	f.line = make([]float64, len(s))
	m := sy / n
	for i, y := range s {
		f.line[i] = f.interception + f.slope*float64(i)
		if math.IsNaN(y) {
			continue
		}
		f.variance += (y - m) * (y - m)
		f.rvariance += (y - f.line[i]) * (y - f.line[i])
	}
	if f.variance > 0 {
		f.rsquare = 1 - f.rvariance/f.variance
	}
	if n > 1 {
		f.variance /= n - 1
		f.rvariance /= n - 1
	}
	return f
}

func (f fit) bag() value {
	return bagValue(member{"rsquare", realValue(f.rsquare)}, member{"slope", realValue(f.slope)}, member{"variance", realValue(f.variance)},
		member{"rvariance", realValue(f.rvariance)}, member{"interception", realValue(f.interception)}, member{"line_fit", seriesValue(f.line)})
}

// fit2Lines finds the place where two lines follow a series best.
func fit2Lines(s []float64) value {
	sse := func(f fit, s []float64) float64 {
		sum := 0.0
		for i, y := range s {
			if !math.IsNaN(y) {
				sum += (y - f.line[i]) * (y - f.line[i])
			}
		}
		return sum
	}
	// Every place is tried on short series only: the work is square.
	step := max(1, len(s)/1024)
	best, at := math.Inf(1), 1
	for i := 2; i <= len(s)-2; i += step {
		if e := sse(fitLine(s[:i]), s[:i]) + sse(fitLine(s[i:]), s[i:]); e < best {
			best, at = e, i
		}
	}
	left, right := fitLine(s[:at]), fitLine(s[at:])
	all := fitLine(s)
	var rsquare, rvariance float64
	n := float64(len(s))
	if v := all.variance * (n - 1); v > 0 {
		rsquare = 1 - best/v
	}
	rvariance = best / (n - 1)
	return bagValue(member{"rsquare", realValue(rsquare)}, member{"split_idx", longValue(int64(at))}, member{"variance", realValue(all.variance)},
		member{"rvariance", realValue(rvariance)}, member{"line_fit", seriesValue(slices.Concat(left.line, right.line))},
		member{"right_rsquare", realValue(right.rsquare)}, member{"right_slope", realValue(right.slope)}, member{"right_interception", realValue(right.interception)},
		member{"right_variance", realValue(right.variance)}, member{"right_rvariance", realValue(right.rvariance)},
		member{"left_rsquare", realValue(left.rsquare)}, member{"left_slope", realValue(left.slope)}, member{"left_interception", realValue(left.interception)},
		member{"left_variance", realValue(left.variance)}, member{"left_rvariance", realValue(left.rvariance)})
}
