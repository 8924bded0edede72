//go:build linux

package main

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/yagura-sec/yagura/store/storetest"
)

// TestHotCause brings events of one cause to three replicas at once: one issue, every
// finding counted once, and not one deadlock in the database. The long form brings 5,000
// events a second for a minute.
func TestHotCause(t *testing.T) {
	rate, seconds := 600, 3
	if long() {
		rate, seconds = 5000, 60
	}
	l := newLab(t, false)
	hook := newArrivals()
	defer hook.server.Close()
	l.only = hook.server.URL
	l.store = storetest.Postgres(t)
	const replicas, perSecond = 3, 5
	var procs []*process
	for n := range replicas {
		procs = append(procs, l.start(n))
	}
	deadlocks := func() (n int64) {
		t.Helper()
		db, err := sql.Open("pgx", l.store)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRowContext(t.Context(), `SELECT sum(deadlocks) FROM pg_stat_database`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, begin := deadlocks(), time.Now()
	each := rate / replicas / perSecond
	var wait sync.WaitGroup
	for r, p := range procs {
		wait.Go(func() {
			tick := time.NewTicker(time.Second / perSecond)
			defer tick.Stop()
			for n := range seconds * perSecond {
				<-tick.C
				var b strings.Builder
				for k := range each {
					id := (n*replicas+r)*each + k + 1
					b.WriteString(trailEvent(id, trafficStart.Add(time.Duration(id)*time.Millisecond), "dev", "198.51.100.7", "cloudtrail", "StopLogging", `{"name":"hot"}`, "") + "\n")
				}
				for try := 0; !l.push(p.addr, []byte(b.String())); try++ {
					if try == 100 {
						t.Errorf("replica %d does not take a body", r)
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	wait.Wait()
	took := time.Since(begin)
	total := int64(each * replicas * perSecond * seconds)
	l.until("all is judged and kept", 5*time.Minute, func() bool {
		s := l.ledger().Sources
		return len(s) == 1 && s[0].Judged >= total && s[0].Waiting == 0
	})
	l.delivered(time.Minute)
	settled := time.Since(begin)
	if n := deadlocks() - before; n != 0 {
		t.Errorf("%d deadlocks", n)
	}
	list := l.issues()
	if len(list) != 1 || list[0].Count != uint64(total) {
		for _, is := range list {
			t.Errorf("issue %s: %d findings", is.Title, is.Count)
		}
		t.Errorf("%d issues, want one of %d findings", len(list), total)
	}
	if got := int64(len(l.found())); got != total {
		t.Errorf("%d findings are filed, want %d", got, total)
	}
	if led := l.ledger(); !led.Balanced {
		t.Errorf("the books do not balance: %v", led.Faults)
	}
	var words []string
	for n, p := range procs {
		now, _ := p.memory(t)
		words = append(words, fmt.Sprintf("%d MB, %v of processor time", now, p.cpu(t).Round(10*time.Millisecond)))
		l.term(n)
	}
	t.Logf("%d events of one cause in %v, settled after %v; replicas: %s", total, took.Round(time.Millisecond), settled.Round(time.Millisecond), strings.Join(words, "; "))
}
