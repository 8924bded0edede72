package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// PastPiece is a part of the records that were kept, such as one file of the lake. Pieces
// are judged at once, so many of them keep all processors at work.
type PastPiece struct {
	Name  string
	Bytes int64 // of its records, about
	// Records hands the records out. An entry is valid until the next one is asked for; an
	// error ends the piece.
	Records func(ctx context.Context) iter.Seq2[*keep.Entry, error]
}

// RetroOptions say which past is judged anew.
type RetroOptions struct {
	ScanOptions
	// From and To bound the times of events: From is within, To is not. Zero is no bound.
	// Events that do not say their time are judged, as in a scan.
	From, To time.Time
	Pieces   []PastPiece
	// May, where it is not nil, says of a record as it was received whether a rule may match
	// it at all. It must be safe for concurrent use.
	May func(raw []byte) bool
}

// NewRetro makes a scan of the past: the rules judge records that were kept, as they were
// when they came. Its findings have the ids that they had then, or would have had.
//
// Rules that ask for the number of a record in its file, or for the time since the first
// one, cannot be judged so: their names are returned, and they are left out.
func NewRetro(rules *Rules, o RetroOptions) (*Scan, source.Source, []string, error) {
	kept := *rules
	kept.Rules = nil
	var left []string
	for _, r := range rules.Rules {
		if r.Counted != nil {
			left = append(left, r.Title)
			continue
		}
		kept.Rules = append(kept.Rules, r)
	}
	if len(kept.Rules) == 0 {
		return nil, nil, left, errors.New("there is no rule that can judge the past (hint: rules that count the records of a file judge files, with yagura scan)")
	}
	s, err := NewScan(&kept, o.ScanOptions)
	if err != nil {
		return nil, nil, left, err
	}
	return s, &past{o}, left, nil
}

// past lists pieces as objects of a scan.
type past struct{ o RetroOptions }

// Objects lists the pieces.
func (p *past) Objects(context.Context) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		for _, piece := range p.o.Pieces {
			o := source.Object{Source: "lake", Name: piece.Name, Size: piece.Bytes, Open: func(ctx context.Context) (io.ReadCloser, error) {
				next, stop := iter.Pull2(piece.Records(ctx))
				return &pastBody{from: p.o.From, to: p.o.To, may: p.o.May, next: next, stop: stop}, nil
			}}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// pastBody is the text of a piece: its records, one after the other, each ended by a line
// end. It remembers where each came from until the reader of the records has passed it.
type pastBody struct {
	from, to time.Time
	may      func(raw []byte) bool
	next     func() (*keep.Entry, error, bool)
	stop     func()
	rest     []byte // of the record that is being handed out
	ended    bool   // rest is out but for its line end
	at       int64  // bytes handed out, of rest all
	origins  []origin
	first    int // of origins that is still of use
	err      error
}

// Read hands out records.
func (b *pastBody) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(b.rest) > 0 {
			k := copy(p[n:], b.rest)
			n, b.rest = n+k, b.rest[k:]
			continue
		}
		if b.ended {
			p[n] = '\n'
			n, b.ended = n+1, false
			continue
		}
		if b.err != nil {
			break
		}
		b.err = b.load()
	}
	if n > 0 {
		return n, nil
	}
	if b.err == nil {
		return 0, nil
	}
	return 0, b.err
}

// load takes the next record that is asked for.
func (b *pastBody) load() error {
	for {
		e, err, ok := b.next()
		switch {
		case !ok:
			return io.EOF
		case err != nil:
			return err
		case !e.Time.IsZero() && (!b.from.IsZero() && e.Time.Before(b.from) || !b.to.IsZero() && !e.Time.Before(b.to)):
			continue
		case len(bytes.TrimSpace(e.Raw)) == 0 || b.may != nil && !b.may(e.Raw):
			continue
		}
		b.rest, b.ended = e.Raw, true
		b.at += int64(len(e.Raw)) + 1
		o := origin{end: b.at, key: e.Key}
		if k := len(b.origins); k > 0 && b.origins[k-1].object == e.Object && b.origins[k-1].source == e.Source {
			o.object, o.source = b.origins[k-1].object, b.origins[k-1].source // one text for all of an object
		} else {
			o.object, o.source = strings.Clone(e.Object), strings.Clone(e.Source)
		}
		if b.first > 4096 && b.first > len(b.origins)/2 {
			b.origins = append(b.origins[:0], b.origins[b.first:]...)
			b.first = 0
		}
		b.origins = append(b.origins, o)
		return nil
	}
}

// origin says of the record that begins at an offset where it came from. Offsets ascend.
func (b *pastBody) origin(offset int64) *origin {
	for b.first < len(b.origins) && b.origins[b.first].end <= offset {
		b.first++
	}
	if b.first == len(b.origins) {
		return nil
	}
	return &b.origins[b.first]
}

// Close ends the reading.
func (b *pastBody) Close() error {
	b.stop()
	return nil
}

// The bounds of what a preview holds; beyond them it counts, and says so.
const (
	maxRetroKept  = 200_000
	maxRetroBytes = 512 << 20
	maxRetroRows  = 100_000
)

// Retro collects what judging the past came to: the preview, and the findings that are kept
// if that is wanted. It is a [report.Writer], and writes on to another where one is given.
type Retro struct {
	Next report.Writer // nil: nobody
	// Wanted says whether a rule was asked for; nil: all were.
	Wanted func(yagura.RuleRef) bool
	// Keep holds on to findings, for [Books.Keep].
	Keep bool
	// Counter says of a rule that was not asked for whether its findings are counter-events; nil:
	// none is.
	Counter func(yagura.RuleRef) bool

	Findings   []yagura.Finding
	Counters   []yagura.Finding // counter-events that nobody asked for, for those that were
	Total      int
	Unheld     int // findings that Findings does not hold, as there are too many
	Rows       map[RetroRow]int
	Unlisted   int // findings of rows that are not told apart
	First      time.Time
	Last       time.Time
	bySeverity map[yagura.Severity]int
	bytes      int
}

// RetroRule names the rule of a line.
type RetroRule struct{ ID, Title, File string }

// RetroRow is one line of a preview.
type RetroRow struct {
	Rule     RetroRule
	Severity yagura.Severity
	Account  string
	Day      string // "" where the time is not known
}

// Write takes a finding in.
func (r *Retro) Write(it report.Item) error {
	f := it.Finding
	if r.Wanted != nil && !r.Wanted(f.Rule) {
		if r.Keep && r.Counter != nil && r.Counter(f.Rule) {
			f.Retro = true
			r.hold(&r.Counters, f)
		}
		return nil
	}
	f.Retro = true
	r.Total++
	if r.Rows == nil {
		r.Rows, r.bySeverity = map[RetroRow]int{}, map[yagura.Severity]int{}
	}
	r.bySeverity[f.Severity]++
	row := RetroRow{Rule: RetroRule{ID: f.Rule.ID, Title: f.Rule.Title, File: f.Rule.File}, Severity: f.Severity, Account: f.Event.Account}
	if !f.Time.IsZero() {
		row.Day = f.Time.UTC().Format(time.DateOnly)
		if r.First.IsZero() || f.Time.Before(r.First) {
			r.First = f.Time
		}
		if f.Time.After(r.Last) {
			r.Last = f.Time
		}
	}
	if _, ok := r.Rows[row]; ok || len(r.Rows) < maxRetroRows {
		r.Rows[row]++
	} else {
		r.Unlisted++
	}
	if r.Keep {
		r.hold(&r.Findings, f)
	}
	if r.Next != nil {
		return r.Next.Write(it)
	}
	return nil
}

// hold keeps a finding in a list, within the bounds.
func (r *Retro) hold(list *[]yagura.Finding, f *yagura.Finding) {
	r.bytes += 2<<10 + len(f.Output)
	if len(*list) < maxRetroKept && r.bytes < maxRetroBytes {
		*list = append(*list, *f)
	} else {
		r.Unheld++
	}
}

// Flush sends on what is known.
func (r *Retro) Flush() error {
	if r.Next != nil {
		return r.Next.Flush()
	}
	return nil
}

// Close ends the preview.
func (r *Retro) Close() error {
	if r.Next != nil {
		return r.Next.Close()
	}
	return nil
}

// Sorted returns the rows, the worst first, then by rule, account and day.
func (r *Retro) Sorted() []RetroRow {
	return slices.SortedFunc(maps.Keys(r.Rows), func(a, b RetroRow) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule.Title, b.Rule.Title), cmp.Compare(a.Rule.ID, b.Rule.ID),
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Day, b.Day))
	})
}

// Severities counts the findings of a severity.
func (r *Retro) Severities(s yagura.Severity) int { return r.bySeverity[s] }

// RetroKept is what keeping retrospective findings came to.
type RetroKept struct {
	Fresh   int // that were not there before
	Known   int
	Issues  int // opened, re-opened or risen
	Notices int // that are owed
}

// retroBatch is how many findings go into one transaction.
const retroBatch = 500

// Keep files retrospective findings: the policy judges them, and their issues are opened.
// Findings that are there already change nothing. Nobody is told unless notify is set.
//
// What was undone in the past does not stay open: findings of the rules that are
// counter-events come first, in the order of event time, and so it is known of every finding
// whether something undid it later. (One after the other, a port that was opened and closed
// again and again over a year would flap, as all of it happens now.) Nobody is told of what
// was undone since. Of beside, which nobody asked for, counter-events of the causes of findings
// are filed, and nothing else.
func (b *Books) Keep(ctx context.Context, findings, beside []yagura.Finding, rules *Rules, notify bool) (RetroKept, error) {
	var out RetroKept
	counters := counterRules(rules.Rules)
	desk := &triage.Desk{Policy: b.desk.Policy, Account: b.desk.Account, Now: b.desk.Now, NewID: b.desk.NewID, Tenant: b.desk.Tenant,
		Counter: func(id string) bool { return counters[id] }}
	causes := map[string]bool{}
	for i := range findings {
		for _, key := range triage.CauseKeys(desk.Tenant, &findings[i]) {
			causes[key] = true
		}
	}
	all := slices.Clone(findings)
	for i := range beside {
		if counters[beside[i].Rule.ID] && slices.ContainsFunc(triage.CauseKeys(desk.Tenant, &beside[i]), func(key string) bool { return causes[key] }) {
			all = append(all, beside[i])
		}
	}
	slices.SortStableFunc(all, func(x, y yagura.Finding) int {
		first := func(f *yagura.Finding) int {
			if counters[f.Rule.ID] {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(first(&x), first(&y)), x.Time.Compare(y.Time), cmp.Compare(x.ID, y.ID))
	})
	undone := map[string]time.Time{} // when a cause was undone last
	for i := range all {
		if f := &all[i]; counters[f.Rule.ID] {
			for _, key := range triage.CauseKeys(desk.Tenant, f) {
				if f.Time.After(undone[key]) {
					undone[key] = f.Time
				}
			}
		}
	}
	// over says that what a finding is about was undone later: nobody needs to be called for it.
	over := func(f *yagura.Finding) bool {
		return f.Kind == yagura.Posture && !counters[f.Rule.ID] && slices.ContainsFunc(triage.CauseKeys(desk.Tenant, f), func(key string) bool { return undone[key].After(f.Time) })
	}
	for part := range slices.Chunk(all, retroBatch) {
		found := make([]triage.Found, len(part))
		for i, f := range part {
			f.Retro = true
			found[i] = triage.Found{Finding: f, Generation: rules.Hash, Quiet: !notify || over(&f)}
		}
		b.desk.Learn(ctx, found)
		var taken triage.Taken
		force := false
		for {
			err := b.DB.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				taken, err = desk.Take(ctx, bookTx{tx}, found, force)
				return err
			})
			if errors.Is(err, triage.ErrUpgrade) && !force {
				force = true
				continue
			}
			if err != nil {
				return out, fmt.Errorf("keep retrospective findings: %w", err)
			}
			break
		}
		out.Fresh += taken.Fresh
		out.Known += len(part) - taken.Fresh
		out.Issues += len(taken.Issues)
		out.Notices += taken.Notices
	}
	return out, nil
}

// Counter says of a rule whether its findings are counter-events of others.
func (r *Rules) Counter() func(yagura.RuleRef) bool {
	counters := counterRules(r.Rules)
	return func(ref yagura.RuleRef) bool { return counters[ref.ID] }
}

// Only returns the rules that words name: "all", an id, a name or title (see
// [Rules.Lookup]). The rules that a correlation is made of come with it, and those that find
// what undoes a posture; wanted says of a finding whether its own rule was named.
func (r *Rules) Only(words []string) (rules *Rules, wanted func(yagura.RuleRef) bool, err error) {
	if len(words) == 0 || slices.Contains(words, "all") {
		return r, func(yagura.RuleRef) bool { return true }, nil
	}
	named, take := map[string]bool{}, map[*rule.Rule]bool{}
	all := byWord(r.Rules)
	var add func(x *rule.Rule)
	add = func(x *rule.Rule) {
		if take[x] {
			return
		}
		take[x] = true
		if x.Correlation != nil {
			for _, base := range x.Correlation.Rules {
				add(base)
			}
		}
		for _, by := range counterEvents(x, all) {
			add(by)
		}
	}
	for _, w := range words {
		found := r.Lookup(w)
		if len(found) == 0 {
			return nil, nil, fmt.Errorf("no rule is called %q (hint: yagura rule list says them all)", w)
		}
		for _, x := range found {
			named[refKey(x.ID, x.Title, x.File)] = true
			add(x)
		}
	}
	out := *r
	out.Rules = nil
	for _, x := range r.Rules {
		if take[x] {
			out.Rules = append(out.Rules, x)
		}
	}
	out.Scheduled = nil
	for _, x := range r.Scheduled {
		if take[&x.Rule] {
			out.Scheduled = append(out.Scheduled, x)
		}
	}
	if len(out.Rules) == 0 && len(out.Scheduled) == 0 {
		return nil, nil, fmt.Errorf("disabled: %s (hint: a rule that is disabled judges nothing)", strings.Join(words, ", "))
	}
	return &out, func(ref yagura.RuleRef) bool { return named[refKey(ref.ID, ref.Title, ref.File)] }, nil
}
