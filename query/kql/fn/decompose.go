package fn

import (
	"math"
	"slices"
	"sort"
)

// parts are what a series is made of: baseline = seasonal + trend, and residual
// is what is left.
type parts struct {
	baseline, seasonal, trend, residual []float64
}

// trained is the number of points, of n, that a decomposition learns from.
func trained(n int, test int64) int {
	if test <= 0 || test >= int64(n) {
		return n
	}
	return n - int(test)
}

// decompose takes a series apart. season is a period in points, 0 for none, -1
// to look for one whose correlation is at least the threshold; kind is the trend:
// avg, linefit or none. The last test points are foretold, not learnt from.
func decompose(s []float64, season int64, kind string, test int64, threshold float64) parts {
	n := len(s)
	learn := s[:trained(n, test)]
	level := fitLine(learn)
	flat := make([]float64, len(learn))
	for i, x := range learn {
		flat[i] = x - level.line[i]
	}
	p := int(min(season, int64(n)))
	if season < 0 {
		p = period(flat, threshold)
	}
	c := parts{trend: make([]float64, n), baseline: make([]float64, n), residual: make([]float64, n)}
	// The season comes first, and the trend from what it leaves.
	c.seasonal = make([]float64, n)
	if p >= 1 && p <= len(learn) {
		for i, m := 0, medians(learn, p); i < n; i++ {
			c.seasonal[i] = m[i%p]
		}
	}
	rest := make([]float64, len(learn))
	for i, x := range learn {
		rest[i] = x - c.seasonal[i]
	}
	switch kind {
	case "none":
	case "linefit":
		f := fitLine(rest)
		for i := range c.trend {
			c.trend[i] = f.interception + f.slope*float64(i)
		}
	default:
		m := mean(rest)
		for i := range c.trend {
			c.trend[i] = m
		}
	}
	for i, x := range s {
		c.baseline[i] = c.seasonal[i] + c.trend[i]
		c.residual[i] = x - c.baseline[i]
	}
	return c
}

// medians are the median of each place within a period of p points, over and over; zeros
// where there is no such period.
func medians(s []float64, p int) []float64 {
	out := make([]float64, len(s))
	if p < 1 || p > len(s) {
		return out
	}
	for at := range p {
		var l []float64
		for i := at; i < len(s); i += p {
			if !math.IsNaN(s[i]) {
				l = append(l, s[i])
			}
		}
		m := math.NaN()
		if len(l) > 0 {
			slices.Sort(l)
			m = quantile(l, 50)
		}
		for i := at; i < len(s); i += p {
			out[i] = m
		}
	}
	return out
}

const (
	shortestPeriod = 4    // points
	longestPeriod  = 4096 // the work of looking for one grows with it
	faintest       = 0.1  // a score below it is none
)

// repeats scores a period of p points: the lesser of the autocorrelation at p and at twice
// p, so what comes back once only does not count, between 0 and 1.
func repeats(s []float64, p int) float64 {
	if 2*p >= len(s) {
		return 0
	}
	score := min(correlation(s, p), correlation(s, 2*p), 1)
	if score < faintest {
		return 0
	}
	return score
}

// correlation is the autocorrelation of s at a lag.
func correlation(s []float64, lag int) float64 {
	m := mean(s)
	var top, low float64
	for i, x := range s {
		if math.IsNaN(x) {
			continue
		}
		low += (x - m) * (x - m)
		if i+lag < len(s) && !math.IsNaN(s[i+lag]) {
			top += (x - m) * (s[i+lag] - m)
		}
	}
	if low == 0 {
		return 0
	}
	return top / low * float64(len(s)) / float64(len(s)-lag)
}

// period is the most marked period of s, 0 where none reaches the threshold.
func period(s []float64, threshold float64) int {
	p, scores := periods(s, 0, float64(len(s))/2, 1)
	if len(p) == 0 || scores[0] < threshold {
		return 0
	}
	return int(p[0])
}

// periods are the peaks of the autocorrelation between two lengths that come back, best
// first.
func periods(s []float64, lo, hi float64, n int) (lengths, scores []float64) {
	if len(s) < 4 {
		return nil, nil
	}
	if len(s) > 2*longestPeriod {
		s = s[:2*longestPeriod]
	}
	most := min(len(s)/2, longestPeriod)
	ac := make([]float64, most+2)
	for i := 1; i < len(ac) && i < len(s); i++ {
		ac[i] = correlation(s, i)
	}
	type peak struct {
		at    int
		score float64
	}
	var found []peak
	for i := max(shortestPeriod, int(math.Ceil(lo))); i <= most && float64(i) <= hi; i++ {
		if ac[i] > 0 && ac[i] >= ac[i-1] && ac[i] >= ac[i+1] {
			score := repeats(s, i)
			// A multiple of a period found is that period again.
			again := slices.ContainsFunc(found, func(p peak) bool { return i%p.at == 0 && p.score >= score-0.05 })
			if score > 0 && !again {
				found = append(found, peak{i, score})
			}
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].score > found[j].score })
	for _, p := range found[:min(n, len(found))] {
		lengths = append(lengths, float64(p.at))
		scores = append(scores, p.score)
	}
	return lengths, scores
}

// quantile is the value at a percentile of sorted numbers, between two where it
// falls between them.
func quantile(s []float64, p float64) float64 {
	at := p / 100 * float64(len(s)-1)
	i := int(at)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (s[i+1]-s[i])*(at-float64(i))
}

// outliers scores each point by Tukey's fences between two percentiles of learn:
// how many times the distance between the fences it lies outside of them.
func outliers(s, learn []float64, lo, hi float64) []float64 {
	known := slices.DeleteFunc(slices.Clone(learn), math.IsNaN)
	out := make([]float64, len(s))
	if len(known) == 0 || !(lo >= 0 && hi <= 100 && lo < hi) {
		return out
	}
	slices.Sort(known)
	a, b := quantile(known, lo), quantile(known, hi)
	d := b - a
	if d == 0 {
		d = math.Max(math.Abs(a), 1) * 1e-9
	}
	for i, x := range s {
		switch {
		case math.IsNaN(x):
			out[i] = x
		case x > b:
			out[i] = (x - b) / d
		case x < a:
			out[i] = (x - a) / d
		}
	}
	return out
}
