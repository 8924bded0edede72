package generate

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Hours is how long the week is.
const Hours = 7 * 24

// Options say which week.
type Options struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// End is when the week ends; it is cut to the minute.
	End time.Time
}

// Feed names where a record comes from: one source of the configuration.
type Feed string

// The feeds.
const (
	CloudTrail Feed = "aws-cloudtrail"
	GuardDuty  Feed = "aws-guardduty"
	FlowLogs   Feed = "aws-vpcflow"
	LoadLogs   Feed = "aws-alb"
	WAF        Feed = "aws-waf" // it falls silent
	Entra      Feed = "entra"
	M365       Feed = "m365"
	Google     Feed = "gcp-audit"
	Cluster    Feed = "eks-audit"
	Falco      Feed = "falco"
	GitHub     Feed = "github-audit"
)

// Feeds returns all of them, in the order in which people list them.
func Feeds() []Feed {
	return []Feed{CloudTrail, GuardDuty, FlowLogs, LoadLogs, WAF, Entra, M365, Google, Cluster, Falco, GitHub}
}

// Record is one record of a log.
type Record struct {
	Feed Feed
	// Part tells apart what one feed delivers in several files: an account, a category.
	Part string
	// Time is when it happened, At when it arrives where Yagura reads it.
	Time, At time.Time
	// Line is the record as its service writes it, without an end of line.
	Line []byte
	// Broken says that it cannot be read: the transport cut it.
	Broken bool
}

// Week is one week of the company.
type Week struct {
	seed       uint64
	start, end time.Time
	company    *company
	story      []Record
}

// New plans a week.
func New(o Options) *Week {
	end := o.End.UTC().Truncate(time.Minute)
	w := &Week{seed: o.Seed, start: end.Add(-Hours * time.Hour), end: end, company: newCompany()}
	w.story = w.tell()
	return w
}

// Start is when the week begins.
func (w *Week) Start() time.Time { return w.start }

// End is when it ends.
func (w *Week) End() time.Time { return w.end }

// Story returns what does not happen every week, in the order of arrival: the attacks, what
// was done about them in the clouds, and some mishaps.
func (w *Week) Story() []Record { return slices.Clone(w.story) }

// Hour returns the ordinary work of an hour, in the order of arrival. Hours are counted from
// the start of the week; those from [Hours] on are the time after it.
func (w *Week) Hour(n int) []Record {
	from := w.start.Add(time.Duration(n) * time.Hour)
	var out []Record
	for _, part := range []struct {
		name string
		do   func(*gen)
	}{
		{"aws", (*gen).aws}, {"network", (*gen).network}, {"people", (*gen).people}, {"office", (*gen).office},
		{"google", (*gen).google}, {"cluster", (*gen).cluster}, {"github", (*gen).github},
	} {
		g := w.gen(part.name, n, from)
		part.do(g)
		out = append(out, g.out...)
	}
	sortByArrival(out)
	return out
}

func sortByArrival(list []Record) {
	slices.SortStableFunc(list, func(a, b Record) int { return a.At.Compare(b.At) })
}

// gen makes the records of one part of one hour. Each has a chance of its own, so that a
// change in one part changes no other.
type gen struct {
	*rand.Rand
	w    *Week
	c    *company
	from time.Time // of the hour
	out  []Record
}

func (w *Week) gen(name string, n int, from time.Time) *gen {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return &gen{Rand: rand.New(rand.NewPCG(w.seed^h.Sum64(), uint64(n))), w: w, c: w.company, from: from} //nolint:gosec // it must be the same each time
}

// moment is a time within the hour.
func (g *gen) moment() time.Time {
	return g.from.Add(time.Duration(g.Int64N(int64(time.Hour)))).Truncate(time.Millisecond)
}

// some is a whole number around n: what is meant to happen n times an hour does not happen
// equally often in each.
func (g *gen) some(n float64) int {
	n *= 0.8 + 0.4*g.Float64()
	whole := int(n)
	if g.Float64() < n-float64(whole) {
		whole++
	}
	return whole
}

// chance holds with a probability.
func (g *gen) chance(p float64) bool { return g.Float64() < p }

// put takes a record that arrives within a service's usual delay.
func (g *gen) put(feed Feed, part string, t time.Time, line []byte) {
	var d time.Duration
	switch feed {
	case CloudTrail:
		d = 2*time.Minute + time.Duration(g.Int64N(int64(4*time.Minute)))
	case GuardDuty:
		d = 4 * time.Minute
	case FlowLogs, LoadLogs, M365:
		d = 5*time.Minute + time.Duration(g.Int64N(int64(5*time.Minute)))
	case Entra:
		d = time.Minute + time.Duration(g.Int64N(int64(3*time.Minute)))
	case WAF, GitHub:
		d = time.Minute
	case Google, Cluster:
		d = 10*time.Second + time.Duration(g.Int64N(int64(20*time.Second)))
	case Falco:
		d = time.Second
	}
	g.out = append(g.out, Record{Feed: feed, Part: part, Time: t, At: t.Add(d), Line: line})
}

// one picks something.
func one[T any](g *gen, list []T) T { return list[g.IntN(len(list))] }

const hexDigits = "0123456789abcdef"

func (g *gen) letters(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[g.IntN(len(alphabet))])
	}
	return b.String()
}

func (g *gen) hex(n int) string { return g.letters(hexDigits, n) }

// uuid is a random one (version 4).
func (g *gen) uuid() string {
	return g.hex(8) + "-" + g.hex(4) + "-4" + g.hex(3) + "-" + string("89ab"[g.IntN(4)]) + g.hex(3) + "-" + g.hex(12)
}

// tokyo is the zone of the company's days. Japan has had no summer time since 1951.
var tokyo = time.FixedZone("JST", 9*60*60)

// bustle is how much of the company is at work at a time, from 0 to 1: office hours with
// lunch, a few who stay late, almost nobody at weekends and on holidays.
func bustle(t time.Time) float64 {
	t = t.In(tokyo)
	if t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || holiday(t) {
		return 0.03
	}
	switch h := t.Hour(); {
	case h == 9 || h == 18:
		return 0.6
	case h == 12:
		return 0.35
	case h >= 10 && h < 18:
		return 1
	case h >= 19 && h < 22:
		return 0.15
	case h == 8:
		return 0.2
	}
	return 0.01
}

// shoppers is how busy the shop is, from 0 to 1: most in the evening, more at weekends.
func shoppers(t time.Time) float64 {
	t = t.In(tokyo)
	by := [24]float64{.35, .2, .12, .08, .07, .08, .15, .3, .4, .45, .5, .55, .7, .6, .5, .5, .5, .55, .65, .8, .95, 1, .9, .6}
	v := by[t.Hour()]
	if t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || holiday(t) {
		v *= 1.1
	}
	return min(v, 1)
}

// holiday reports whether a day is a public holiday of Japan with a fixed date or on a fixed
// Monday, or one of the company's around the new year. The two equinoxes are left out.
func holiday(t time.Time) bool {
	monday := func(n int) bool { return t.Weekday() == time.Monday && (t.Day()-1)/7 == n-1 }
	switch t.Month() {
	case time.January:
		return t.Day() <= 3 || monday(2)
	case time.February:
		return t.Day() == 11 || t.Day() == 23
	case time.April:
		return t.Day() == 29
	case time.May:
		return t.Day() >= 3 && t.Day() <= 5
	case time.July:
		return monday(3)
	case time.August:
		return t.Day() == 11
	case time.September:
		return monday(3)
	case time.October:
		return monday(2)
	case time.November:
		return t.Day() == 3 || t.Day() == 23
	case time.December:
		return t.Day() >= 29
	}
	return false
}
