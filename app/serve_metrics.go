package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// metrics serves the counters for Prometheus: to whoever has the token, or without one
// to this machine only.
func (s *Serve) metrics() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &books{s})
	h := promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := s.secrets.Load().Server.MetricsToken.Reveal()
		want := sha256.Sum256([]byte(token))
		got := sha256.Sum256([]byte(bearer(r)))
		if token == "" && !loopback(r) || token != "" && subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "a token is needed: server.metrics_token"})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// books collects what the ledger counts.
type books struct{ s *Serve }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("yagura_"+name, help, labels, nil)
}

var (
	descReceived  = desc("records_received_total", "Records of objects whose end was read.", "source")
	descJudged    = desc("records_judged_total", "Records that are judged.", "source")
	descKept      = desc("records_kept_total", "Records that are kept.", "source")
	descRepeats   = desc("records_repeated_total", "Records that came again.", "source")
	descBroken    = desc("records_broken_total", "Records that could not be decoded.", "source")
	descOwn       = desc("records_own_total", "Records of our own traffic.", "source")
	descWaiting   = desc("objects_waiting", "Objects that are not judged and kept to their end.", "source")
	descLastEvent = desc("source_last_event_timestamp_seconds", "Event time of the latest record.", "source")
	descLag       = desc("source_waiting_messages", "Messages that wait at the source.", "source")
	descOwed      = desc("notices_owed_total", "Notices that were owed.", "sink")
	descDelivered = desc("notices_delivered_total", "Notices that the sink has.", "sink")
	descUnsent    = desc("notices_waiting", "Notices that wait.", "sink")
	descDead      = desc("notices_dead", "Notices that the sink refused for good.", "sink")
	descDoubled   = desc("notices_doubled_total", "Messages that are, or may be, at the sink twice.", "sink")
	descIssues    = desc("issues_open", "Issues that are not closed.", "severity")
	descLetters   = desc("dead_letters", "Records that wait as dead letters.")
	descLooks     = desc("rechecks_total", "Looks at the cloud about open issues, by what came of them.", "result")
	descScheduled = desc("schedule_lag_seconds", "How far a rule on a schedule is behind, by arrival time.", "rule")
	descPending   = desc("schedule_waiting_windows", "Windows of a rule on a schedule that are still to be run.", "rule")
	descRuns      = desc("schedule_windows_total", "Windows of a rule on a schedule that were run.", "rule")
	descReopened  = desc("schedule_reopened_windows_total", "Windows that late data opened again.", "rule")
	descSkipped   = desc("schedule_skipped_windows_total", "Windows that were not caught up after a stop.", "rule")
	descFailing   = desc("schedule_failing", "1 where the last try of a rule on a schedule failed.", "rule")
	descUsual     = desc("usual_questions_total", "Questions of what is usual, by where their answer came from; unknown: there was none.", "answer")
	descRules     = desc("rules_loaded", "Rules of the generation that judges.")
	descCommits   = desc("commits_total", "Commits of this process.")
	descStopped   = desc("panics_total", "Times that a part of this process panicked and the rest went on.")
	descLakeRows  = desc("lake_records_total", "Records that this process wrote into the lake.")
	descLakeTwice = desc("lake_repeats_total", "Records that came to the lake again and were left out.")
	descLakeFiles = desc("lake_files_total", "Files that this process wrote into the lake.")
	descLakeIn    = desc("lake_bytes_received_total", "Size of the records that were written into the lake.")
	descLakeKept  = desc("lake_bytes_written_total", "Size of the files that were written into the lake.")
	descLakeWait  = desc("lake_waiting_bytes", "Memory of the records that wait for their file.")
	descLakeLag   = desc("lake_lag_seconds", "For how long the oldest record waits for its file; 0 when none does.")
	descLakeStuck = desc("lake_stuck", "1 when the lake could not write at the last try.")
	descRetried   = desc("commit_retries_total", "Commits that the store did not take at once.")
)

// Describe lists nothing: what there is depends on sources and sinks.
func (b *books) Describe(ch chan<- *prometheus.Desc) { ch <- descRules }

// Collect reads the books.
func (b *books) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s := b.s
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descRules, float64(len(s.rules.Load().rules.Rules)))
	counter(descCommits, float64(s.in.Stats.Commits.Load()))
	counter(descStopped, float64(s.stops.total.Load()))
	counter(descRetried, float64(s.in.Stats.Retries.Load()))
	b.schedules(ctx, gauge, counter)
	if u := s.baselines; u != nil {
		for answer, n := range map[string]uint64{"lake": u.stats.lake.Load(), "remembered": u.stats.remembered.Load(), "filed": u.stats.filed.Load(), "unknown": u.stats.unknown.Load()} {
			counter(descUsual, float64(n), answer)
		}
	}
	if l := s.looks; l != nil {
		for result, n := range map[string]int64{"open": l.open.Load(), "fixed": l.fixed.Load(), "gone": l.gone.Load(), "failed": l.failed.Load()} {
			counter(descLooks, float64(n), result)
		}
	}
	l := s.lake.Stats()
	counter(descLakeRows, float64(l.Rows))
	counter(descLakeTwice, float64(l.Repeats))
	counter(descLakeFiles, float64(l.Files))
	counter(descLakeIn, float64(l.RawBytes))
	counter(descLakeKept, float64(l.Bytes))
	gauge(descLakeWait, float64(l.Memory))
	lag, stuck := 0.0, 0.0
	if !l.Oldest.IsZero() {
		lag = max(0, s.o.Now().Sub(l.Oldest).Seconds())
	}
	if l.LastError != "" {
		stuck = 1
	}
	gauge(descLakeLag, lag)
	gauge(descLakeStuck, stuck)
	for _, src := range s.in.Sources() {
		gauge(descLag, float64(src.Lag.Waiting), src.Name)
	}
	var sources []yagura.SourceTotals
	var sinks []yagura.SinkTotals
	var letters int64
	open := map[yagura.Severity]int64{}
	err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if sources, err = tx.SourceTotals(ctx); err != nil {
			return err
		}
		if sinks, err = tx.SinkTotals(ctx); err != nil {
			return err
		}
		if open, err = tx.OpenIssues(ctx); err != nil {
			return err
		}
		letters, _, err = tx.DeadTotals(ctx)
		return err
	})
	if err != nil {
		s.log.Warn("the books could not be read for metrics", "error", err)
		return
	}
	for _, x := range sources {
		counter(descReceived, float64(x.Received), x.Source)
		counter(descJudged, float64(x.Judged), x.Source)
		counter(descKept, float64(x.Kept), x.Source)
		counter(descRepeats, float64(x.Repeats), x.Source)
		counter(descBroken, float64(x.Broken), x.Source)
		counter(descOwn, float64(x.Own), x.Source)
		gauge(descWaiting, float64(x.Objects-x.ObjectsDone), x.Source)
		if !x.LastEvent.IsZero() {
			gauge(descLastEvent, float64(x.LastEvent.Unix()), x.Source)
		}
	}
	for _, x := range sinks {
		counter(descOwed, float64(x.Owed), x.Sink)
		counter(descDelivered, float64(x.Delivered), x.Sink)
		gauge(descUnsent, float64(x.Waiting), x.Sink)
		gauge(descDead, float64(x.Dead), x.Sink)
		counter(descDoubled, float64(x.Doubled), x.Sink)
	}
	for _, sev := range yagura.Severities() {
		gauge(descIssues, float64(open[sev]), sev.String())
	}
	gauge(descLetters, float64(letters))
}
