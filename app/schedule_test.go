//go:build cgo

package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/schedule"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
	"github.com/yagura-sec/yagura/usual"
)

// lakeHouse is a lake with its engine, a store with its desk, and a runner of rules, with a
// clock that the test sets.
type lakeHouse struct {
	t      *testing.T
	now    testClock
	db     *store.DB
	lake   *lake.Lake
	engine *lakeQuery
	desk   *triage.Desk
	dec    *decode.Decoder
	runner *schedule.Runner
	rules  []*sentinel.Rule
	n      int
	files  lake.Options
}

// testClock is a clock that a test sets while others read it.
type testClock struct{ nanos atomic.Int64 }

func (c *testClock) get() time.Time  { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *testClock) set(t time.Time) { c.nanos.Store(t.UnixNano()) }

func newLakeHouse(t *testing.T, shared *duck.Engine, dir string, texts ...string) *lakeHouse {
	t.Helper()
	h := &lakeHouse{t: t}
	h.now.set(begun)
	clock := h.now.get
	data := t.TempDir()
	var err error
	if h.db, err = store.Open(t.Context(), store.Options{Dir: data, Now: clock, AcceptLoss: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.db.Close() })
	place := filepath.Join(dir, fmt.Sprintf("lake%d", rand.Uint64()))
	cfg := &config.Config{}
	cfg.Lake.Dir, cfg.Lake.Flush = place, config.Duration(time.Hour)
	lo, err := lakeOptions(t.Context(), cfg, h.db, nil, "w", clock)
	h.files = lo
	if err == nil {
		h.lake, err = lake.Open(t.Context(), lo)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.lake.Close() })
	if h.dec, err = decode.New(decode.Options{Detail: true}); err != nil {
		t.Fatal(err)
	}
	h.engine = newLakeQuery(cfg, h.db, &hunt.Hunter{Engine: duckEngine{shared}, Lake: lakeFiles{catalogue: h.db.Lake(), dir: place}, Now: clock}, place)
	for i, text := range texts {
		rules, refusals := sentinel.Load([]rule.File{{Path: fmt.Sprintf("rule%d.yaml", i), Data: []byte(text)}}, sentinel.Options{Check: queryChecker()})
		for i := range refusals {
			t.Fatal(&refusals[i])
		}
		h.rules = append(h.rules, rules...)
	}
	h.plan(h.engine)
	return h
}

// plan makes a runner of the rules over an engine.
func (h *lakeHouse) plan(e schedule.Engine) {
	desk := &triage.Desk{Policy: triage.DefaultPolicy, Account: func(string) yagura.AccountInfo { return yagura.AccountInfo{} },
		Counter: func(string) bool { return false }, Now: h.now.get, NewID: NewID(h.now.get)}
	h.desk = desk
	h.runner = schedule.New(schedule.Options{Rules: func() []*sentinel.Rule { return h.rules }, Engine: e,
		Store: scheduleStore{h.db, desk, func() string { return "g" }}, Learn: learnAll(desk), Now: h.now.get, Owner: "me", Begin: begun, CatchUp: 60 * 24 * time.Hour, Late: 30 * 24 * time.Hour})
}

// call is a record of CloudTrail. The empty fields from agent on have a value that is the same
// in all records.
type call struct {
	at    time.Time
	id    int
	user  string
	name  string
	error string
	ip    string

	agent, service, region, key, target string
	read                                bool
}

func (c call) json() string {
	text := func(s, otherwise string) string {
		b, err := json.Marshal(cmp.Or(s, otherwise))
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	more := ""
	if c.error != "" {
		more = `"errorCode":` + text(c.error, "") + ","
	}
	if c.target != "" {
		more += `"resources":[{"ARN":` + text(c.target, "") + `,"type":"AWS::IAM::User"}],`
	}
	key := ""
	if c.key != "" {
		key = `"accessKeyId":` + text(c.key, "") + ","
	}
	return fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":%s,"accountId":"111122223333",%s"userName":%s},"eventTime":"%s","eventSource":%s,"eventName":%s,%s"awsRegion":%s,"sourceIPAddress":%s,"userAgent":%s,"requestParameters":null,"responseElements":null,"requestID":"r-%d","eventID":"00000000-0000-4000-8000-%012d","readOnly":%t,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`,
		text("arn:aws:iam::111122223333:user/"+c.user, ""), key, text(c.user, ""), c.at.UTC().Format("2006-01-02T15:04:05Z"), text(c.service, "iam.amazonaws.com"), text(c.name, ""), more,
		text(c.region, "eu-west-1"), text(c.ip, ""), text(c.agent, "aws-cli/2"), c.id, c.id, c.read)
}

// deliver puts one object with calls into the lake; they arrive now.
func (h *lakeHouse) deliver(calls []call) {
	h.t.Helper()
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i, c := range calls {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c.json())
	}
	b.WriteString(`]}`)
	h.n++
	object := fmt.Sprintf("s3://example/%d.json", h.n)
	in := h.dec.NewReader(strings.NewReader(b.String()), object)
	defer in.Close()
	var records []keep.Record
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			h.t.Fatal(err)
		}
		ev := rec.Event()
		ev.Seen = h.now.get()
		records = append(records, keep.Record{Raw: bytes.Clone(ev.Raw), Time: ev.Time, Key: ev.Key, Event: &ev, Keyed: true})
	}
	if len(records) != len(calls) {
		h.t.Fatalf("%d records of %d calls", len(records), len(calls))
	}
	h.keep(object, "aws.cloudtrail", records)
}

// keep puts the records of an object into the lake.
func (h *lakeHouse) keep(object, format string, records []keep.Record) {
	h.t.Helper()
	done := make(chan error, 1)
	err := h.lake.Put(h.t.Context(), &keep.Batch{Source: "s3", Object: object, Seen: h.now.get(), Runs: []keep.Run{{Format: format, Records: records}},
		Done: func(_ []yagura.KeptRange, err error) { done <- err }})
	if err == nil {
		err = h.lake.Sync(h.t.Context())
	}
	if err == nil {
		err = <-done
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// pass lets the runner work until nothing waits.
func (h *lakeHouse) pass() {
	h.t.Helper()
	for i := 0; ; i++ {
		more, err := h.runner.Pass(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if !more {
			return
		}
		if i > 1000 {
			h.t.Fatal("windows wait for ever")
		}
	}
}

// found lists the findings that hold.
func (h *lakeHouse) found() (out []yagura.Finding) {
	h.t.Helper()
	err := h.db.View(h.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for after := ""; ; {
			list, next, err := tx.FindingsBetween(ctx, begun.Add(-time.Hour), begun.Add(1000*24*time.Hour), after, 500)
			if err != nil {
				return err
			}
			for _, f := range list {
				out = append(out, f.Finding)
			}
			if after = next; after == "" {
				return nil
			}
		}
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.SortFunc(out, func(a, b yagura.Finding) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func testEngine(t *testing.T) (*duck.Engine, string) {
	t.Helper()
	dir := t.TempDir()
	e, err := duck.Open(duck.Options{Threads: 1, Memory: 512 << 20, Temp: t.TempDir(), Dirs: []string{dir}, Functions: usualFunctions(&usual.Values{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e, dir
}

const failuresSQL = `
id: sql-failures
name: Many refused calls
severity: Medium
kind: Scheduled
language: sql
queryFrequency: 3h
queryPeriod: 4h
triggerOperator: gt
triggerThreshold: 0
tactics: [Discovery]
query: |
  SELECT actor_id, count(*) AS n, min(time) AS first, max(time) AS last
  FROM events WHERE error = 'AccessDenied' GROUP BY actor_id HAVING count(*) >= 2
entityMappings:
  - entityType: Account
    fieldMappings:
      - {identifier: FullName, columnName: actor_id}
`

const eachSQL = `
id: sql-each
name: An access key was made
severity: High
kind: Scheduled
language: sql
queryFrequency: 6h
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
query: |
  SELECT id AS event_id, time, actor_id, src_ip FROM events WHERE action = 'CreateAccessKey'
`

const failuresKQL = `
id: kql-failures
name: Many refused calls of an address
severity: Medium
kind: Scheduled
queryFrequency: 3h
queryPeriod: 6h
triggerOperator: gt
triggerThreshold: 0
tactics: [Discovery]
relevantTechniques: [T1087]
query: |
  AWSCloudTrail
  | where TimeGenerated > ago(3h)
  | where ErrorCode == "AccessDenied"
  | summarize n = count(), StartTime = min(TimeGenerated), EndTime = max(TimeGenerated) by SourceIpAddress, UserIdentityArn
  | where n >= 2
entityMappings:
  - entityType: Account
    fieldMappings:
      - {identifier: FullName, columnName: UserIdentityArn}
  - entityType: IP
    fieldMappings:
      - {identifier: Address, columnName: SourceIpAddress}
alertDetailsOverride:
  alertDisplayNameFormat: "{{n}} refused calls from {{SourceIpAddress}}"
`

const newcomerKQL = `
id: kql-newcomer
name: A call from an address that was not seen the day before
severity: Low
kind: Scheduled
queryFrequency: 6h
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
eventGroupingSettings: {aggregationKind: AlertPerResult}
query: |
  let before = AWSCloudTrail | where TimeGenerated < ago(6h) | distinct SourceIpAddress;
  AWSCloudTrail
  | where TimeGenerated >= ago(6h) and EventName == "CreateAccessKey"
  | join kind=leftanti before on SourceIpAddress
  | project TimeGenerated, AwsEventId, EventName, SourceIpAddress, UserIdentityArn
entityMappings:
  - entityType: Account
    fieldMappings:
      - {identifier: FullName, columnName: UserIdentityArn}
`

const quietSQL = `
id: sql-quiet
name: Nobody signed in
severity: Low
kind: Scheduled
language: sql
queryFrequency: 6h
queryPeriod: 6h
triggerOperator: lt
triggerThreshold: 1
suppressionDuration: 1d
suppressionEnabled: true
query: |
  SELECT id AS event_id FROM events WHERE action = 'ConsoleLogin'
`

const newAPI = `
id: unusual-new
name: A call that is new for an actor
severity: Low
kind: Unusual
new: api
queryFrequency: 3h
period: 36h
learning: 6h
events: 5
fresh: 4h
formats: [aws.cloudtrail]
`

const rareAPI = `
id: unusual-rare
name: A call that is rare for an address
severity: Low
kind: Unusual
entity: address
rare: {of: api, below: 0.2, days: 3}
queryFrequency: 6h
period: 30h
learning: 3h
events: 5
where: error = ''
`

// history makes calls of some days, in the order of their time.
func history(r *rand.Rand, days int) []call {
	var out []call
	for i := range days * 80 {
		c := call{at: begun.Add(time.Duration(r.Int64N(int64(days) * 24 * int64(time.Hour)))).Truncate(time.Second), id: i,
			user: []string{"alice", "carol", "dave"}[r.IntN(3)], name: "ListUsers", ip: fmt.Sprintf("192.0.2.%d", r.IntN(4))}
		switch r.IntN(6) {
		case 0, 1:
			c.error = "AccessDenied"
		case 2:
			if r.IntN(4) == 0 {
				c.name = "CreateAccessKey"
			}
		case 3:
			if r.IntN(10) == 0 {
				c.name = "ConsoleLogin"
			}
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b call) int { return a.at.Compare(b.at) })
	return out
}

// TestScheduleDelivery: delivery that is late, out of order by days and repeated comes to the
// same findings as delivery in the order of time, and both to what one run over history finds.
func TestScheduleDelivery(t *testing.T) {
	engine, dir := testEngine(t)
	const days = 2
	texts := scheduleTexts()
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 8))
		calls := history(r, days)
		end := begun.Add((days + 3) * 24 * time.Hour)
		// In order: a delivery every three hours, and a look after each.
		ordered := newLakeHouse(t, engine, dir, texts...)
		rest := calls
		for ordered.now.set(begun); ordered.now.get().Before(end); ordered.now.set(ordered.now.get().Add(3 * time.Hour)) {
			n := 0
			for n < len(rest) && rest[n].at.Before(ordered.now.get()) {
				n++
			}
			if n > 0 {
				ordered.deliver(rest[:n])
			}
			rest = rest[n:]
			ordered.now.set(ordered.now.get().Add(10 * time.Minute))
			ordered.pass()
			ordered.now.set(ordered.now.get().Add(-10 * time.Minute))
		}
		// Permuted: each piece arrives up to two days late, some twice, the runner looks at odd
		// times.
		type piece struct {
			due   time.Time
			calls []call
		}
		var pieces []piece
		for from := 0; from < len(calls); {
			n := min(1+r.IntN(20), len(calls)-from)
			last := calls[from+n-1].at
			for range 1 + r.IntN(2) {
				pieces = append(pieces, piece{last.Add(time.Minute + time.Duration(r.Int64N(int64(48*time.Hour)))), calls[from : from+n]})
			}
			from += n
		}
		slices.SortFunc(pieces, func(a, b piece) int { return a.due.Compare(b.due) })
		mixed := newLakeHouse(t, engine, dir, texts...)
		for mixed.now.set(begun); mixed.now.get().Before(end.Add(24 * time.Hour)); mixed.now.set(mixed.now.get().Add(5 * time.Hour)) {
			var now []call
			for len(pieces) > 0 && pieces[0].due.Before(mixed.now.get()) {
				now = append(now, pieces[0].calls...)
				pieces = pieces[1:]
			}
			r.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
			if len(now) > 0 {
				mixed.deliver(now)
			}
			mixed.now.set(mixed.now.get().Add(7 * time.Minute))
			mixed.pass()
			mixed.now.set(mixed.now.get().Add(-7 * time.Minute))
		}
		mixed.now.set(end.Add(48 * time.Hour))
		mixed.pass()
		ordered.now.set(end.Add(48 * time.Hour))
		ordered.pass()
		want, got := ordered.found(), mixed.found()
		if len(want) < 20 {
			t.Fatalf("seed %d: only %d findings: the events are made wrongly: %v", seed, len(want), len(calls))
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("seed %d: permuted delivery finds other things (-in order +permuted):\n%.4000s", seed, d)
		}
		// One run over history.
		var once []yagura.Finding
		for _, x := range ordered.rules {
			if _, err := schedule.Over(t.Context(), ordered.engine, x, begun, end.Add(48*time.Hour-schedule.DefaultSettle), func(f yagura.Finding) error {
				once = append(once, f)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(once, func(a, b yagura.Finding) int { return strings.Compare(a.ID, b.ID) })
		if d := gocmp.Diff(want, once); d != "" {
			t.Errorf("seed %d: one run over history finds other things (-runner +once):\n%.4000s", seed, d)
		}
		byRule := map[string]int{}
		for _, f := range want {
			byRule[f.Rule.ID]++
		}
		st, err := mixed.runner.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var reopened int64
		for _, s := range st {
			reopened += s.Reopened
		}
		if reopened == 0 {
			t.Error("no window was opened again: the delivery was not late")
		}
		t.Logf("seed %d: %d calls, %d findings %v, %d windows opened again", seed, len(calls), len(want), byRule, reopened)
	}
}

func scheduleTexts() []string {
	return []string{failuresSQL, eachSQL, quietSQL, failuresKQL, newcomerKQL, newAPI, rareAPI}
}
