package notifytest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
)

// Refuser is a [Bench] whose service remembers what it refused because of its form: too long,
// too many, not of the schema.
type Refuser interface {
	Refusals() []string
}

// pieces are what hostile and strange texts are made of. Some are longer in bytes than in
// UTF-16 units, some in units than in characters, some in markup than as they stand.
var pieces = []string{"x", "あ", "😀", "👩‍👩‍👧‍👦", "e\u0301\u0323", "&", "<", ">", "&lt;", "`", "```", "\"", "\\", "\n", "\r\n", "\t", " ", "\u00a0", "\u2028", "\u202e",
	"\u200b", "\ufeff", "\x00", "\x1b[31m", "\xff", "\xc3", "\xed\xa0\x80", "@everyone ", "<!channel>", "<!-- x -->", "*", "_", "~", "|", ":", ",", ";", "{", "}", "{{.}}", "%", "%00",
	"#1 ", "https://evil.example/?a=b&c=<d> ", "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789 ", "/", "aws/", "yagura", "$", "="}

// limits are lengths about which services have something to say.
var limits = []int{0, 1, 2, 15, 24, 49, 50, 51, 64, 75, 99, 100, 127, 128, 149, 150, 151, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 2000, 2048, 2999, 3000, 3001, 4000, 8192, 65_535, 65_536, 262_144}

// strange makes a text of at most about so many bytes.
func strange(r *rand.Rand, most int) string {
	n := min(limits[r.IntN(len(limits))]+r.IntN(3), most)
	var b strings.Builder
	one := pieces[r.IntN(len(pieces))]
	mixed := r.IntN(2) == 0
	for k := 0; k < n && b.Len() < most; k++ {
		if mixed {
			one = pieces[r.IntN(len(pieces))]
		}
		b.WriteString(one)
	}
	return b.String()
}

var instants = []time.Time{{}, time.Unix(0, 0), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999, time.UTC),
	time.Date(2026, 11, 27, 9, 0, 0, 123456789, time.FixedZone("x", 14*3600+59*60)), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}

// extreme puts strange things into everything of an issue, its finding and its entry that is
// not made by Yagura itself.
func extreme(r *rand.Rand, i *yagura.Issue, f *yagura.Finding) {
	empty := r.IntN(8) == 0
	text := func(most int) string {
		if empty || r.IntN(6) == 0 {
			return ""
		}
		return strange(r, most)
	}
	list := func(most int) []string {
		if empty {
			return nil
		}
		out := make([]string, r.IntN(most))
		for k := range out {
			out[k] = text(600)
		}
		return out
	}
	instant := func() time.Time { return instants[r.IntN(len(instants))] }
	actor := func() yagura.Actor {
		return yagura.Actor{Type: text(300), ID: text(5000), Name: text(5000), SessionOf: text(5000)}
	}
	kinds := []string{yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityKey, yagura.EntityIP, yagura.EntityHost, yagura.EntityResource, yagura.EntityAccount, yagura.EntityDomain}
	entities := func() []yagura.Entity {
		out := make([]yagura.Entity, r.IntN(300))
		for k := range out {
			out[k] = yagura.Entity{Type: kinds[r.IntN(len(kinds))], ID: text(3000)}
			if r.IntN(10) == 0 {
				out[k].Type = text(300)
			}
		}
		return out
	}
	tags := append(list(60), "attack.t1562.008", "attack.impact", "attack."+text(200))
	f.Rule = yagura.RuleRef{ID: text(3000), Title: text(5000), Engine: f.Rule.Engine, File: text(3000), Tags: tags}
	f.Output, f.ID, f.CauseKey = text(300_000), text(300), text(3000)
	f.Format, f.Source, f.SeverityOriginal, f.Time = text(500), text(500), text(500), instant()
	f.Event = yagura.EventRef{ID: text(3000), Time: instant(), Account: text(500), Region: text(500), Action: text(3000), Actor: actor(), SrcIP: text(500), Outcome: text(100)}
	f.Events, f.Caps, f.Entities, f.Why = list(200), list(20), entities(), nil
	for range r.IntN(100) {
		f.Why = append(f.Why, yagura.Why{Field: text(500), Op: text(100), Value: text(5000), Actual: text(50_000)})
	}
	i.Rule, i.Format, i.SeverityOriginal = f.Rule, f.Format, f.SeverityOriginal
	i.Title, i.TitleJA, i.CauseKey = text(300_000), text(300_000), text(5000)
	i.Severity = []yagura.Severity{yagura.SeverityNone, yagura.SeverityLow, yagura.SeverityMedium, yagura.SeverityHigh, yagura.SeverityCritical}[r.IntN(5)]
	i.Kind = []yagura.Kind{yagura.Posture, yagura.Behaviour}[r.IntN(2)]
	i.FirstSeen, i.LastSeen, i.Count = instant(), instant(), []uint64{0, 1, math.MaxUint64}[r.IntN(3)]
	i.Account = text(500)
	i.AccountInfo = yagura.AccountInfo{ID: text(500), Name: text(3000), Cloud: text(100), Organisation: text(3000), Owner: text(3000), Environment: text(3000), Tags: list(50)}
	i.Actor, i.Entities, i.Assignee, i.Labels = actor(), entities(), text(500), list(300)
	i.Runbook = &yagura.Runbook{Check: list(30), Do: list(30), CheckJA: list(30), DoJA: list(30)}
	i.Links, i.Explained, i.SuppressReason = nil, list(20), text(5000)
	for range r.IntN(40) {
		i.Links = append(i.Links, yagura.Link{Title: text(3000), URL: []string{"https://example.com/" + text(3000), "https://example.com/runbook", text(3000)}[r.IntN(3)]})
	}
}

// extremes tells issues that are as strange, as long and as empty as can be. A service that
// is held to its schema has nothing to refuse.
func extremes(t *testing.T, h Harness) {
	seeds := uint64(4)
	if os.Getenv("YAGURA_PROVE") != "" {
		seeds = 100
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // the same texts at every run
			b := h.New(t)
			s := NewStory(b, 1)
			for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpComment, yagura.OpAck, yagura.OpClose, yagura.OpReopen, yagura.OpAsk} {
				extreme(r, s.Issue(), s.Finding())
				o := s.Next(op)
				o.Entry.Text, o.Entry.Who, o.Entry.Rule, o.Entry.EventTime = strange(r, 300_000), strange(r, 3000), strange(r, 3000), instants[r.IntN(len(instants))]
				o.Deliver(t, b)
				s.Ref = o.Ref
				b.Advance(time.Minute)
			}
			if x, ok := b.(Refuser); ok {
				for _, why := range x.Refusals() {
					t.Errorf("refused: %.300s", why)
				}
			} else {
				t.Error("the bench does not tell what its service refused")
			}
		})
	}
}
