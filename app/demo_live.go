package app

import (
	"context"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura/demo/generate"
)

// The pace of what goes on after the week.
const (
	liveEvery  = 4 * time.Second
	livePeriod = 75 * time.Second
)

// Live goes on with the week into the folders of the sources, at the pace of the clock, until
// ctx ends: ordinary work as it comes, and every now and then something that makes an issue
// move. A demo that goes on after a pause catches up with the work of the last day.
func (d *Demo) Live(ctx context.Context, now func() time.Time) error {
	l := newLive(d, now())
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for {
		if err := l.upTo(now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// liveCatchUp is how much of what happened while nobody looked on is made.
const liveCatchUp = 24 * time.Hour

// newLive goes on where the demo was left.
func newLive(d *Demo, now time.Time) *live {
	l := &live{d: d, last: d.state.Last, n: d.state.Live, next: now.Add(livePeriod / 3)}
	if from := now.Add(-liveCatchUp); l.last.Before(from) {
		l.last = from
	}
	// What is made in an hour may arrive in the next.
	l.hour = int(l.last.Sub(d.week.Start())/time.Hour) - 1
	return l
}

// live is how far the time after the week has come.
type live struct {
	d       *Demo
	last    time.Time // what arrived by then is written
	hour    int       // the next to be made
	waiting []generate.Record
	next    time.Time // of the next small thing
	n       int
}

// upTo writes what has arrived by a time.
func (l *live) upTo(now time.Time) error {
	w := l.d.week
	for !w.Start().Add(time.Duration(l.hour) * time.Hour).After(now) {
		for _, r := range w.Hour(l.hour) {
			if r.At.After(l.last) {
				l.waiting = append(l.waiting, r)
			}
		}
		l.hour++
	}
	if !now.Before(l.next) {
		l.waiting = append(l.waiting, stamped(w.Live(l.n, now.Add(-30*time.Second)), now)...)
		l.n, l.next = l.n+1, now.Add(livePeriod)
	}
	var there []generate.Record
	there, l.waiting = arrivedBy(l.waiting, now)
	l.last = now
	if len(there) == 0 {
		return nil
	}
	_, err := l.d.write(there)
	if err == nil {
		l.d.state.Last, l.d.state.Live = l.last, l.n
		err = l.d.save()
	}
	if err != nil {
		return fmt.Errorf("what goes on after the week: %w", err)
	}
	return nil
}

// stamped has records arrive now: who looks on does not wait for the delay of a service.
func stamped(list []generate.Record, now time.Time) []generate.Record {
	for i := range list {
		list[i].At = now
	}
	return list
}
