package fn

import (
	"math"
	"strconv"
	"strings"
)

func funcsNumber() []Func {
	fs := []Func{
		total("gamma", []Type{Real}, Real, func(r row) any { return finite1(r, math.Gamma) }),
		total("loggamma", []Type{Real}, Real, func(r row) any {
			return finite1(r, func(x float64) float64 { l, _ := math.Lgamma(x); return l })
		}),
		total("erf", []Type{Real}, Real, func(r row) any { return finite1(r, math.Erf) }),
		total("erfc", []Type{Real}, Real, func(r row) any { return finite1(r, math.Erfc) }),
		total("beta_cdf", []Type{Real, Real, Real}, Real, func(r row) any {
			x, a, b := r.real(0, -1), r.real(1, -1), r.real(2, -1)
			if a <= 0 || b <= 0 || x < 0 || x > 1 {
				return math.NaN()
			}
			return betaCDF(x, a, b)
		}),
		total("beta_inv", []Type{Real, Real, Real}, Real, func(r row) any {
			p, a, b := r.real(0, -1), r.real(1, -1), r.real(2, -1)
			if a <= 0 || b <= 0 {
				return math.NaN()
			}
			if p < 0 || p > 1 {
				return nil
			}
			lo, hi := 0.0, 1.0
			for range 200 {
				mid := (lo + hi) / 2
				if betaCDF(mid, a, b) < p {
					lo = mid
				} else {
					hi = mid
				}
			}
			return (lo + hi) / 2
		}),
		total("beta_pdf", []Type{Real, Real, Real}, Real, func(r row) any {
			x, a, b := r.real(0, -1), r.real(1, -1), r.real(2, -1)
			if a <= 0 || b <= 0 || x < 0 || x > 1 {
				return math.NaN()
			}
			return math.Exp((a-1)*math.Log(x) + (b-1)*math.Log1p(-x) - lbeta(a, b))
		}),
		total("format_bytes", []Type{Real, Long, String}, String, func(r row) any {
			if r.null(0) {
				return ""
			}
			return formatBytes(r.real(0, 0), r.long(1, 0), r.text(2))
		}),
		total("convert", []Type{String, Real, String, String}, Real, func(r row) any {
			if r.null(1) {
				return nil
			}
			v, ok := convertUnit(r.text(0), r.real(1, 0), r.text(2), r.text(3))
			if !ok {
				return nil
			}
			return v
		}),
	}
	return fs
}

func finite1(r row, f func(float64) float64) any {
	if r.null(0) {
		return nil
	}
	return f(r.real(0, 0))
}

func lbeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

// betaCDF is the regularised incomplete beta function.
func betaCDF(x, a, b float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a/2+0.5)/(a/2+b/2+1) { // halves: the sum of two large numbers is infinite
		return 1 - betaFraction(1-x, b, a)
	}
	return betaFraction(x, a, b)
}

// betaFraction is betaCDF by its continued fraction, which converges fast for a small x.
func betaFraction(x, a, b float64) float64 {
	front := math.Exp(a*math.Log(x)+b*math.Log1p(-x)-lbeta(a, b)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := 0; i <= 300; i++ {
		m := float64(i / 2)
		var num float64
		switch {
		case i == 0:
			num = 1
		case i%2 == 0:
			num = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			num = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + num*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		c = 1 + num/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-16 {
			break
		}
	}
	return front * (f - 1)
}

var byteUnits = []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB"}

func formatBytes(n float64, precision int64, unit string) string {
	if precision < 0 || precision > 20 || math.IsNaN(n) || math.IsInf(n, 0) {
		return ""
	}
	at := -1
	for i, u := range byteUnits {
		if strings.EqualFold(u, unit) || i == 0 && strings.EqualFold(unit, "Byte") {
			at = i
		}
	}
	if at < 0 {
		at = 0
		for x := math.Abs(n); x >= 1024 && at < len(byteUnits)-1; x /= 1024 {
			at++
		}
	}
	f := n / math.Pow(1024, float64(at))
	p := math.Pow(10, float64(precision))
	return strconv.FormatFloat(math.Round(f*p)/p, 'f', -1, 64) + " " + byteUnits[at]
}
