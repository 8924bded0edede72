package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/iceberg"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// house does what time alone brings: it folds counts, reminds, warns, sends the digest,
// drops what is too old, pings the watchdog and reconciles the sinks.
type house struct {
	s    *Serve
	jobs []chore

	// Each of its chore alone; nil until it is first done.
	compactor *lake.Compactor
	retainer  *lake.Retainer
	retention *lake.Retention

	published atomic.Int64 // the lake's number when its Iceberg tables were brought to it, -1 for never

	storied map[string]time.Time // issues whose story was told lately, and when they were opened
}

// chore is something that is done again and again. Two replicas may both do it: each is
// safe to do twice, or asks the store who is first.
type chore struct {
	name  string
	every time.Duration
	do    func(ctx context.Context, now time.Time) error
	done  bool // at the start already: the first time is one pace later
}

// The pace of the house.
const (
	foldEvery      = time.Second
	tickEvery      = time.Minute
	reconcileEvery = 10 * time.Minute
	pruneEvery     = time.Hour
	foldAtOnce     = 500
	pruneAtOnce    = 1000
	choreWithin    = 5 * time.Minute
)

func newHouse(s *Serve) *house {
	h := &house{s: s, storied: map[string]time.Time{}}
	h.published.Store(-1)
	h.jobs = []chore{
		{name: "tell how sources are", every: statusEvery, do: h.status},
		{name: "look at the key window", every: tickEvery, do: h.keyWindow},
		{name: "fold counts", every: foldEvery, do: h.fold},
		{name: "tell stories", every: storyEvery, do: h.story},
		{name: "remind", every: tickEvery, do: h.tick},
		{name: "watch sources", every: tickEvery, do: h.silence},
		{name: "digest", every: tickEvery, do: h.digest},
		{name: "tell what panicked", every: tickEvery, do: h.tellStopped},
		{name: "drop kept records", every: tickEvery, do: h.dropKept},
		{name: "merge files of the lake", every: reconcileEvery, do: h.compact, done: true},
		{name: "drop copies of originals that no record is left of", every: reconcileEvery, do: h.copies, done: true},
		{name: "prune", every: pruneEvery, do: h.prune},
		{name: "remove sessions that are over", every: pruneEvery, do: h.sweepSignIns},
		{name: "count what rules find", every: tickEvery, do: s.tally.chore},
		{name: "seal what arrived", every: tickEvery, do: h.sealHours},
	}
	if s.o.Config.Lake.Iceberg {
		h.jobs = append(h.jobs, chore{name: "publish the lake as Iceberg tables", every: icebergEvery, do: h.iceberg})
	}
	if every := time.Duration(s.o.Config.Watchdog.Every); s.o.Config.Watchdog.URL != "" {
		if every <= 0 {
			every = time.Minute
		}
		h.jobs = append(h.jobs, chore{name: "ping the watchdog", every: every, do: h.ping})
	}
	if s.o.Config.Organizations.Enabled {
		h.jobs = append(h.jobs, chore{name: "list the accounts of the organisation", every: organisationEvery, do: s.readOrganisation, done: true})
	}
	if s.looks != nil {
		h.jobs = append(h.jobs, chore{name: "re-check issues", every: time.Minute, do: s.looks.round, done: true})
	}
	for _, sink := range s.sinks {
		if r, ok := sink.(notify.Reader); ok {
			h.jobs = append(h.jobs, chore{name: "reconcile " + sink.Name(), every: reconcileEvery,
				do: func(ctx context.Context, now time.Time) error { return h.s.reconcile(ctx, sink, r, now) }})
		}
	}
	return h
}

// run does the chores until ctx ends, each at its own pace: one that is slow, such as
// reading back a sink, holds up no other.
func (h *house) run(ctx context.Context) {
	var chores sync.WaitGroup
	for _, j := range h.jobs {
		chores.Go(func() { h.again(ctx, j) })
	}
	chores.Wait()
}

// again does one chore until ctx ends. When it goes wrong that is said, and it is done again
// at its time.
func (h *house) again(ctx context.Context, j chore) {
	first := foldEvery
	if j.done {
		first = j.every
	}
	pause := time.NewTimer(first)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		cctx, cancel := context.WithTimeout(ctx, choreWithin)
		if err := h.safely(cctx, j); err != nil && ctx.Err() == nil {
			h.s.log.Warn("a chore was not done: it is tried again", "chore", j.name, "error", err)
		}
		cancel()
		pause.Reset(j.every)
	}
}

// keyRule is the rule of findings about damage of the key window.
var keyRule = yagura.RuleRef{ID: "yagura-key-window-damaged", Title: "The window of event keys is damaged", Engine: yagura.EngineBuiltin, Tags: []string{}}

// keyWindow tells of damage that was found in the key window: repeats of that stretch are
// not noticed, and nothing is lost.
func (h *house) keyWindow(ctx context.Context, now time.Time) error {
	var findings []yagura.Finding
	for _, err := range h.s.keys.Problems() {
		h.s.log.Error("the window of event keys", "error", err)
		findings = append(findings, builtinFinding(keyRule, yagura.SeverityMedium, err.Error()+now.String(), "keys", "repeats of some events may be judged again: "+err.Error(), now))
	}
	if findings == nil {
		return nil
	}
	return h.s.take(ctx, findings...)
}

func (h *house) fold(ctx context.Context, _ time.Time) error {
	for {
		n := 0
		err := h.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = tx.FoldCounts(ctx, foldAtOnce)
			return err
		})
		if err != nil {
			return err
		}
		if n < foldAtOnce {
			break
		}
	}
	return h.index(ctx)
}

// index brings what is new into what lists are asked by.
func (h *house) index(ctx context.Context) error {
	for {
		n, m := 0, 0
		err := h.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if n, err = tx.IndexFindings(ctx); err == nil {
				m, err = tx.IndexIssues(ctx, foldAtOnce)
			}
			return err
		})
		if err != nil || n+m == 0 {
			return err
		}
	}
}

// tick looks at all issues that are not closed for what time brings them.
func (h *house) tick(ctx context.Context, now time.Time) error {
	s := h.s
	targets := triage.Targets{}
	for level, t := range s.config.Load().Targets {
		if sev, err := yagura.ParseSeverity(level); err == nil {
			targets[sev] = triage.Target{Acknowledge: time.Duration(t.Acknowledge), Close: time.Duration(t.Close)}
		}
	}
	var errs []error
	err := eachPage(ctx, s.db, issuesThat(notClosed()), func(list []yagura.Issue) error {
		for i := range list {
			if !triage.TimeMatters(&list[i], targets, now) {
				continue
			}
			err := s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
				return s.desk.Tick(ctx, bookTx{tx}, list[i].ID, targets, bookTx{tx})
			})
			errs = append(errs, err)
		}
		return nil
	})
	if err == nil {
		s.wake()
	}
	return errors.Join(append(errs, err)...)
}

// dropKept drops kept records that are too old or too many, and what the store knows of
// where they are. It costs nothing when there is nothing to drop, so it is done often: a limit
// that is passed and a disk that fills up do not wait.
func (h *house) dropKept(ctx context.Context, now time.Time) error {
	s := h.s
	if h.retainer == nil {
		var err error
		if h.retainer, h.retention, err = Retainer(ctx, s.o.Config, s.db, s.db.Replica()+"/retain", false, s.o.Now); h.retainer == nil {
			return err
		}
	}
	done, err := h.retainer.Run(ctx, *h.retention)
	if len(done.Dropped)+done.Rewritten > 0 {
		s.log.Info("kept records were dropped", "files", len(done.Dropped), "rewritten", done.Rewritten, "bytes", done.Freed, "copies", done.Copies.Copies, "copy_bytes", done.Copies.Bytes)
		if s.o.Config.Lake.Iceberg { // those files are gone, and the tables should not name them
			err = errors.Join(err, h.iceberg(ctx, now))
		}
	}
	return err
}

// copies drops copies of originals that no record is left of, and what crashes left of others,
// where no retention does.
func (h *house) copies(ctx context.Context, _ time.Time) error {
	gone, err := h.s.lake.SweepCopies(ctx)
	if gone.Copies > 0 {
		h.s.log.Info("no record is left of some originals: their copies go once they are a day old", "copies", gone.Copies, "bytes", gone.Bytes)
	}
	return err
}

// icebergEvery is how often the Iceberg tables follow the lake. Files that were merged away stay
// for longer (compactGrace), so the tables never name one that is not there.
const (
	icebergEvery = 5 * time.Minute
	compactGrace = 10 * time.Minute
)

// iceberg brings the Iceberg tables to what the lake has. Where nothing changed since it last did,
// it asks the store for one number, and reads no file.
func (h *house) iceberg(ctx context.Context, _ time.Time) error {
	s := h.s
	seq, err := s.db.LakeSeq(ctx) // before the files are listed: what changes meanwhile is published next time
	if err != nil || seq == h.published.Load() {
		return err
	}
	tables, err := PublishIceberg(ctx, s.o.Config, s.db, "", s.o.Now)
	for _, t := range tables {
		if t.Added+t.Removed > 0 {
			s.log.Info("an Iceberg table follows the lake", "table", t.Name, "version", t.Version, "files", t.Files, "added", t.Added, "removed", t.Removed)
		}
	}
	if errors.Is(err, iceberg.ErrConcurrent) {
		return nil // another replica did it, perhaps of an older list
	}
	if err == nil {
		h.published.Store(seq)
	}
	return err
}

// serveCompact is how many bytes of records the service makes one file of unless it is told
// otherwise: they are in memory meanwhile.
const serveCompact = 128 << 20

// compact makes few sorted files of the many that days were written as.
func (h *house) compact(ctx context.Context, _ time.Time) error {
	s := h.s
	if h.compactor == nil {
		o, err := CompactOptions(ctx, s.o.Config, s.db, s.db.Replica(), s.o.Now)
		if err != nil {
			return err
		}
		o.Bytes, o.Grace, o.Version = int64(s.o.Config.Lake.Compact), compactGrace, s.o.Version
		if o.Bytes == 0 {
			o.Bytes = serveCompact
		}
		k, err := lake.NewCompactor(o)
		if err != nil {
			return err
		}
		if err := k.Clean(ctx); err != nil {
			return err
		}
		h.compactor = k
	}
	st, err := h.compactor.Run(ctx)
	if st.Files > 0 {
		s.log.Info("files of the lake were merged", "files", st.Files, "into", st.Into, "before", st.Before, "after", st.After)
	}
	return err
}

// pruneAll prunes until little is left to prune.
func (h *house) pruneAll(ctx context.Context, some func(ctx context.Context, tx *store.Tx) (int64, error)) error {
	for n := int64(pruneAtOnce); n == pruneAtOnce; {
		err := h.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = some(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// prune drops groups of windows that are settled, and ids of what was pushed so long ago that no
// sender sends it again.
func (h *house) prune(ctx context.Context, now time.Time) error {
	before := now.Add(-7 * 24 * time.Hour)
	return errors.Join(
		h.pruneAll(ctx, func(ctx context.Context, tx *store.Tx) (int64, error) {
			return tx.PruneWindowGroups(ctx, before, pruneAtOnce)
		}),
		h.pruneAll(ctx, func(ctx context.Context, tx *store.Tx) (int64, error) {
			return tx.PrunePushed(ctx, before, pruneAtOnce)
		}))
}

// ping tells the watchdog that all is well, and only when it is.
func (h *house) ping(ctx context.Context, _ time.Time) error {
	s := h.s
	if err := s.well(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.secrets.Load().Watchdog.URL.Reveal(), nil)
	if err != nil {
		return errors.New("watchdog.url is no address")
	}
	resp, err := s.client().Do(req)
	if err != nil {
		return errors.New("the watchdog did not answer") // the address may hold a token
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is read of it
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the watchdog answered %d", resp.StatusCode)
	}
	return nil
}

func (s *Serve) client() *http.Client {
	if s.o.Client != nil {
		return s.o.Client
	}
	return &http.Client{Timeout: time.Minute}
}

// digest owes the daily list of what was not told one by one, once a day.
func (h *house) digest(ctx context.Context, now time.Time) error {
	s := h.s
	cfg := s.config.Load()
	if cfg.Digest == "" {
		return nil
	}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return err
	}
	at, err := time.ParseInLocation("15:04", cfg.Digest, zone)
	if err != nil {
		return err
	}
	local := now.In(zone)
	due := time.Date(local.Year(), local.Month(), local.Day(), at.Hour(), at.Minute(), 0, 0, zone)
	if local.Before(due) {
		return nil
	}
	owed := false
	err = s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		owed = false
		first, err := bookTx{tx}.Once(ctx, "digest/"+due.Format("2006-01-02"))
		if err != nil || !first {
			return err
		}
		list, n, err := quietIssues(ctx, tx, due.Add(-24*time.Hour))
		if err != nil || n == 0 {
			return err
		}
		var notices []yagura.Notice
		for i, sink := range s.sinks {
			if sink.Kind() == "slack" || sink.Kind() == "webhook" {
				text := digestText(list, n, now.In(zone), s.o.Config.Sinks[i].Lang == "ja")
				notices = append(notices, yagura.Notice{ID: s.desk.NewID(), Sink: sink.Name(), Op: yagura.OpDigest, Created: now, Text: text})
			}
		}
		owed = len(notices) > 0
		if !owed {
			return nil
		}
		return tx.Owe(ctx, notices)
	})
	if owed {
		s.wake()
	}
	return err
}

// maxDigest bounds the issues that a digest names.
const maxDigest = 50

// quietIssues lists the low and none issues that changed since a time, the latest first, as
// many as a digest names, and counts them all: a noisy day has more than memory should hold.
func quietIssues(ctx context.Context, tx *store.Tx, since time.Time) (first []yagura.Issue, n int, err error) {
	q := issuesThat(ofSeverity(yagura.SeverityLow, yagura.SeverityNone), updatedSince(since))
	for after := ""; ; {
		list, next, err := latest(ctx, tx, q, after, issuePage)
		if err != nil {
			return nil, 0, err
		}
		n += len(list)
		first = append(first, list[:min(len(list), maxDigest-len(first))]...)
		if next == "" {
			return first, n, nil
		}
		after = next
	}
}

// digestText writes the daily list for people: n issues, of which list are the first.
func digestText(list []yagura.Issue, n int, now time.Time, ja bool) string {
	var b strings.Builder
	day := now.Format("2006-01-02 15:04 MST")
	if ja {
		fmt.Fprintf(&b, "%s までの 24 時間の低・対応不要の課題: %d 件\n", day, n)
	} else {
		fmt.Fprintf(&b, "Low and none of the 24 hours to %s: %d\n", day, n)
	}
	for i := range list {
		is := &list[i]
		title, level := is.Title, is.Severity.String()
		if ja {
			level = is.Severity.Japanese()
			if is.TitleJA != "" {
				title = is.TitleJA
			}
		}
		fmt.Fprintf(&b, "[%s] %s ×%d %s\n", level, title, is.Count, orNone(is.Account))
	}
	if more := n - len(list); more > 0 && ja {
		fmt.Fprintf(&b, "… ほか %d 件\n", more)
	} else if more > 0 {
		fmt.Fprintf(&b, "… and %d more\n", more)
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
