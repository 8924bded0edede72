//go:build cgo

package app

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/usual"
	"github.com/yagura-sec/yagura/usual/geo"
	"github.com/yagura-sec/yagura/usual/geo/geotest"
)

var updateUsual = flag.Bool("update-usual", false, "write testdata/usual.golden")

// habits are calls of an actor over days: some each day from one network, in the morning.
func habits(user, net string, days, perDay, id int) (out []call) {
	for d := range days {
		for i := range perDay {
			out = append(out, call{at: begun.Add(time.Duration(d)*24*time.Hour + 9*time.Hour + time.Duration(i)*17*time.Minute), id: id, user: user, name: "ListUsers", ip: fmt.Sprintf("%s.%d", net, 1+i%3), read: true})
			id++
		}
	}
	return out
}

func who(name string) yagura.Entity {
	return yagura.Entity{Type: yagura.EntityUser, ID: "arn:aws:iam::111122223333:user/" + name}
}

// usualHouse is a lake in which alice, carol and dave have habits, and alice does something new
// in the last hour of the 20th day.
func usualHouse(t *testing.T, engine *duck.Engine, dir string, texts ...string) (h *lakeHouse, calls []call, end time.Time) {
	t.Helper()
	end = begun.Add(20 * 24 * time.Hour)
	calls = slices.Concat(habits("alice", "192.0.2", 20, 4, 1), habits("carol", "198.51.100", 20, 4, 1001), habits("dave", "198.51.100", 5, 4, 2001))
	last := end.Add(-time.Hour)
	calls = append(calls, call{at: last, id: 5000, user: "alice", name: "CreateAccessKey", ip: "203.0.113.9", agent: "Boto3/1.2", region: "us-east-1", target: "arn:aws:iam::111122223333:user/eve"},
		call{at: last, id: 5001, user: "Alice", name: "CreateUser", ip: "2001:db8:0:1::9", region: "us-east-1"}, // the same name in another case
		call{at: last, id: 5002, user: "alice", name: "Decrypt", ip: "kms.amazonaws.com", service: "kms.amazonaws.com"})
	return newLakeHouse(t, engine, dir, texts...), calls, end
}

// usualQuestions are about all dimensions and kinds.
func usualQuestions(end time.Time) []usual.Question {
	q := func(e yagura.Entity, of usual.Dimension, value string, before time.Time) usual.Question {
		return usual.Question{Entity: e, Of: of, Value: value, Before: before}
	}
	last := end.Add(-time.Hour)
	return []usual.Question{
		q(who("alice"), usual.Network, "198.51.100.77", end), q(who("ALICE"), usual.Network, "192.0.2.200", end), q(who("alice"), usual.Network, "203.0.113.9", last),
		q(who("alice"), usual.Network, "203.0.113.9", end), q(who("alice"), usual.Network, "2001:db8:0:ffff::1", end), q(who("alice"), usual.Network, "kms.amazonaws.com", end),
		q(who("dave"), usual.Network, "203.0.113.9", end), q(who("nobody"), usual.API, "iam:ListUsers", end), q(who("alice"), usual.API, "iam:ListUsers", end),
		q(who("alice"), usual.API, "kms:Decrypt", last), q(who("alice"), usual.Country, "203.0.113.9", end), q(who("carol"), usual.Agent, "Boto3", end), q(who("alice"), usual.Agent, "aws-cli", end),
		q(yagura.Entity{Type: yagura.EntityAccount, ID: "111122223333"}, usual.Region, "us-east-1", last), q(yagura.Entity{Type: yagura.EntityAccount, ID: "111122223333"}, usual.Region, "us-east-1", end),
		q(who("alice"), usual.Hour, end.Add(3*time.Hour).Format(time.RFC3339), end), q(who("carol"), usual.Hour, "09", end), q(who("carol"), usual.Weekday, "Mon", end),
		q(who("alice"), usual.Resource, "arn:aws:iam::111122223333:user/eve", last), q(who("alice"), usual.Account, "111122223333", end),
		q(yagura.Entity{Type: yagura.EntityIP, ID: "198.51.100.1"}, usual.API, "iam:CreateUser", end), q(yagura.Entity{Type: yagura.EntityIP, ID: "2001:DB8:0:1:0:0:0:9"}, usual.API, "iam:CreateUser", end),
		q(yagura.Entity{Type: yagura.EntityKey, ID: "AKIAIOSFODNN7EXAMPLE"}, usual.Agent, "Boto3", end),
	}
}

// TestUsualAsk holds the answers of the real engine to a golden file.
func TestUsualAsk(t *testing.T) {
	engine, dir := testEngine(t)
	h, calls, end := usualHouse(t, engine, dir)
	h.deliver(calls)
	questions := usualQuestions(end)
	answers, err := (&UsualAsker{Hunter: h.engine.hunter}).Ask(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, a := range answers {
		line, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s before %s\n  %s\n  %s\n  %s\n", questions[i].Entity.ID, a.Of, questions[i].Value, a.Before.Format(time.RFC3339), a.Words("en"), a.Words("ja"), line)
	}
	golden := filepath.Join("testdata", "usual.golden")
	if *updateUsual {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if _, err := (&UsualAsker{Hunter: h.engine.hunter}).Ask(cancelled(t), questions); err == nil {
		t.Error("a question was answered after its time")
	}
	if list, err := (&UsualAsker{Hunter: h.engine.hunter}).Ask(t.Context(), nil); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	return ctx
}

// TestUsualMany: more questions than one query takes are answered each as alone.
func TestUsualMany(t *testing.T) {
	engine, dir := testEngine(t)
	h, calls, end := usualHouse(t, engine, dir)
	h.deliver(calls)
	asker := &UsualAsker{Hunter: h.engine.hunter}
	var many []usual.Question
	for i := range 2*usual.MaxQuestions + 30 {
		many = append(many, usual.Question{Entity: who([]string{"alice", "carol", "dave"}[i%3]), Of: usual.Network, Value: fmt.Sprintf("198.51.%d.1", 90+i%20), Before: end.Add(-time.Duration(i%7) * time.Hour)})
	}
	got, err := asker.Ask(t.Context(), many)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 99, 100, 137, 229, usual.MaxQuestions - 1, usual.MaxQuestions, 2*usual.MaxQuestions + 29} {
		alone, err := asker.Ask(t.Context(), many[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(alone[0], got[i]); d != "" {
			t.Errorf("question %d: %s", i, d)
		}
	}
}

// TestUsualHeads: what is asked of the lake reads columns, and no record.
func TestUsualHeads(t *testing.T) {
	engine, dir := testEngine(t)
	h, calls, end := usualHouse(t, engine, dir)
	h.deliver(calls)
	queries := map[string]usual.Query{}
	var err error
	if queries["ask"], _, _, err = usual.Ask(usualQuestions(end), usual.Bounds{}); err != nil {
		t.Fatal(err)
	}
	if queries["baseline"], _, _, err = usual.Baseline(who("alice"), usual.Dimensions(), end, usual.Bounds{}, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	queries["named"], _, _ = usual.Named("alice", end, usual.Bounds{})
	for _, of := range usual.Dimensions() {
		s := usual.Spec{Kind: usual.Actor, Of: of, Every: time.Hour, Where: "outcome = 'success'"}
		queries["new "+string(of)] = usual.Query{SQL: s.Query()}
		s.Rare = true
		queries["rare "+string(of)] = usual.Query{SQL: s.Query()}
	}
	queries["travel"] = usual.Query{SQL: (&usual.Spec{Kind: usual.Actor, Travel: true, Every: time.Hour}).Query()}
	for name, q := range queries {
		p, err := h.engine.hunter.Plan(t.Context(), hunt.Request{Language: hunt.SQL, Text: q.SQL, Params: q.Params, From: begun, To: end, Now: end})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.Stats.Files == 0 || p.Stats.RawFiles > 0 {
			t.Errorf("%s reads the records of %d of %d files", name, p.Stats.RawFiles, p.Stats.Files)
		}
	}
}

// TestUsualFiles: answers and findings do not depend on how the records are cut into files, in
// which order they came, how often, and whether the files were merged.
func TestUsualFiles(t *testing.T) {
	engine, dir := testEngine(t)
	var want []usual.Answer
	var found []yagura.Finding
	for i, how := range []string{"one file", "shuffled pieces, some twice", "merged"} {
		h, calls, end := usualHouse(t, engine, dir, newNetwork)
		questions := usualQuestions(end)
		r := rand.New(rand.NewPCG(7, uint64(i)))
		if i == 0 {
			h.deliver(calls)
		} else {
			r.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
			for len(calls) > 0 {
				n := min(1+r.IntN(20), len(calls))
				h.deliver(calls[:n])
				if r.IntN(3) == 0 {
					h.deliver(calls[:n])
				}
				calls = calls[n:]
			}
		}
		if i == 2 {
			c, err := lake.NewCompactor(lake.CompactOptions{Catalogue: h.files.Catalogue, Blobs: h.files.Blobs, Writer: "c", Settled: -1, Now: h.now.get})
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Run(t.Context())
			if err != nil || s.Files <= s.Into {
				t.Fatalf("%+v %v", s, err)
			}
		}
		got, err := (&UsualAsker{Hunter: h.engine.hunter}).Ask(t.Context(), questions)
		if err != nil {
			t.Fatal(err)
		}
		list := over(t, h, end.Add(-6*time.Hour), end.Add(time.Hour))
		if i == 0 {
			want, found = got, list
			if len(found) != 2 {
				t.Fatalf("%d findings", len(found))
			}
			continue
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("%s: other answers:\n%s", how, d)
		}
		if d := gocmp.Diff(found, list); d != "" {
			t.Errorf("%s: other findings:\n%s", how, d)
		}
	}
}

// hostileTexts are texts that somebody may write into a log, and that decoding lets pass.
var hostileTexts = []string{"'", "'' OR true --", `a"b`, `a\b`, "%", "_", "$id", "$$x$$", "{who}", "a\nb", "\u202eabc", "\x1b[31m", strings.Repeat("長", 700), "usual_value('agent', 'x')", "NULL", "*/ /*"}

// TestUsualHostile: whatever the texts in a log are, a value that is asked about is the value
// that is counted, in every dimension that holds free text, and nothing is more than a text.
func TestUsualHostile(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir)
	var calls []call
	for i, s := range hostileTexts {
		for d := range 20 {
			calls = append(calls, call{at: begun.Add(time.Duration(d)*24*time.Hour + time.Duration(i)*time.Minute), id: 100*i + d, user: "u" + s, name: "Call" + s, service: "s" + s, agent: "A" + s + "/1", region: "r" + s, target: "arn:" + s, ip: "192.0.2.1", key: "AKIA" + s})
		}
	}
	h.deliver(calls)
	end := begun.Add(21 * 24 * time.Hour)
	asker := &UsualAsker{Hunter: h.engine.hunter, Bounds: usual.Bounds{Events: 5}}
	for _, s := range hostileTexts {
		var questions []usual.Question
		for of, value := range map[usual.Dimension]string{usual.API: usual.APIOf("s"+s, "Call"+s), usual.Agent: "A" + s + "/1", usual.Region: "r" + s, usual.Resource: "arn:" + s} {
			questions = append(questions, usual.Question{Entity: who("u" + s), Of: of, Value: value, Before: end}, usual.Question{Entity: yagura.Entity{Type: yagura.EntityKey, ID: "AKIA" + s}, Of: of, Value: value, Before: end},
				usual.Question{Entity: who("u" + s), Of: of, Value: "other" + s, Before: end})
		}
		answers, err := asker.Ask(t.Context(), questions)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		for i, a := range answers {
			if want := int64(20); i%3 < 2 && (a.Count != want || a.Total != want) || i%3 == 2 && (a.Count != 0 || !a.First) {
				t.Errorf("%.20q: %s of %.40q, %.40q: %+v", s, a.Of, questions[i].Entity.ID, questions[i].Value, a)
			}
		}
		list, err := asker.UsualEntities(t.Context(), "u"+s, end)
		if err != nil || len(list) != 1 || list[0].Events != 20 {
			t.Errorf("%q: %v %v", s, list, err)
		}
	}
}

// TestUsualReport: what is new in the last day is said with why, and the rest is a baseline.
func TestUsualReport(t *testing.T) {
	engine, dir := testEngine(t)
	h, calls, end := usualHouse(t, engine, dir)
	h.deliver(calls)
	asker := &UsualAsker{Hunter: h.engine.hunter}
	r, err := asker.Report(t.Context(), who("alice"), usual.Dimensions(), end, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range r.Unusual {
		got = append(got, fmt.Sprintf("%s %s %t", a.Of, a.Value, a.First))
	}
	slices.Sort(got)
	want := []string{"agent Boto3 true", "api iam:CreateAccessKey true", "api iam:CreateUser true", "api kms:Decrypt true", "hour 23 true", "network 2001:db8::/48 true", "network 203.0.113.0/24 true",
		"region us-east-1 true", "resource arn:aws:iam::111122223333:user/eve false"} // too few of its events name one
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	i := slices.IndexFunc(r.Habits, func(x usual.Habit) bool { return x.Of == usual.Network && x.Value == "192.0.2.0/24" })
	if i < 0 || r.Habits[i].Times != 80 || r.Habits[i].Days != 20 || !r.Habits[i].First.Equal(begun.Add(9*time.Hour)) {
		t.Errorf("%+v", r.Habits)
	}
	list, err := asker.UsualEntities(t.Context(), "ALICE", end)
	if err != nil || len(list) != 1 || !strings.EqualFold(list[0].Entity.ID, who("alice").ID) || list[0].Events != 83 {
		t.Errorf("%v %v", list, err)
	}
}

// testPlaces are databases of a few networks.
func testPlaces(t *testing.T) *geo.Places {
	t.Helper()
	dir := t.TempDir()
	asn, city := filepath.Join(dir, "asn.mmdb"), filepath.Join(dir, "city.mmdb")
	for name, data := range map[string][]byte{
		asn:  geotest.Systems(map[string]geotest.System{"192.0.2.0/24": {Number: 64500, Name: "Home"}, "203.0.113.0/24": {Number: 64501, Name: "Away"}}),
		city: geotest.Cities(map[string]geotest.City{"192.0.2.0/24": {Country: "JP", Lat: 35.6895, Lon: 139.6917}, "198.51.100.0/24": {Country: "JP", Lat: 34.69, Lon: 135.50}, "203.0.113.0/24": {Country: "BR", Lat: -23.55, Lon: -46.63}})} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := geo.Open(asn, city)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// placesEngine is an engine with databases of addresses; one network is that of a VPN.
func placesEngine(t *testing.T) (*duck.Engine, string) {
	t.Helper()
	dir := t.TempDir()
	v := &usual.Values{Places: testPlaces(t), Ignore: []netip.Prefix{netip.MustParsePrefix("203.0.113.128/25")}}
	e, err := duck.Open(duck.Options{Threads: 1, Memory: 512 << 20, Temp: t.TempDir(), Dirs: []string{dir}, Functions: usualFunctions(v)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e, dir
}

// TestUsualPlaces: with databases a network is a system, and countries are known.
func TestUsualPlaces(t *testing.T) {
	engine, dir := placesEngine(t)
	h, calls, end := usualHouse(t, engine, dir)
	h.deliver(calls)
	got, err := (&UsualAsker{Hunter: h.engine.hunter}).Ask(t.Context(), []usual.Question{{Entity: who("alice"), Of: usual.Network, Value: "203.0.113.1", Before: end.Add(-time.Hour)},
		{Entity: who("alice"), Of: usual.Country, Value: "203.0.113.1", Before: end.Add(-time.Hour)}, {Entity: who("alice"), Of: usual.Country, Value: "198.51.100.1", Before: end}, {Entity: who("alice"), Of: usual.Country, Value: "10.0.0.1", Before: end}})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Value != "AS64501 Away" || !got[0].First || got[1].Value != "BR" || !got[1].First || got[2].Value != "JP" || got[2].First || got[2].Count != 80 || !got[3].Unknown {
		t.Errorf("%+v", got)
	}
}

// TestUsualFunctions: the functions stand wherever SQL takes one, and NULL is an empty text to them.
func TestUsualFunctions(t *testing.T) {
	engine, dir := testEngine(t)
	h, calls, end := usualHouse(t, engine, dir)
	h.deliver(calls)
	for text, want := range map[string]string{
		"SELECT usual_value('network', NULL)":                "",
		"SELECT usual_value(NULL, 'x')":                      "x",
		"SELECT usual_value('agent', 'Boto3/1' || chr(233))": "Boto3",
		"SELECT min(v) FROM (SELECT usual_value('network', (SELECT e.src_ip WHERE e.account <> '')) AS v FROM events e)":                                                  "",
		"SELECT max(usual_value('agent', e.user_agent)) FROM events e WHERE EXISTS (SELECT 1 FROM events f WHERE f.id = e.id AND usual_value('network', f.src_ip) <> '')": "aws-cli",
		"SELECT list_transform(['b/1', 'a/2'], lambda x: usual_value('agent', x))[2]":                                                                                     "a",
	} {
		rows, err := usualRows(t.Context(), h.engine.hunter, usual.Query{SQL: text}, begun, end)
		if err != nil || len(rows) != 1 || rows[0][0] != want {
			t.Errorf("%s: %v %v", text, rows, err)
		}
	}
}
