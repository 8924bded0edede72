//go:build cgo

package app

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/usual"
	"github.com/yagura-sec/yagura/usual/geo"
)

// plainUsual answers questions by going through all events for each, as the documentation says
// it: what the query that answers many at once is held to.
type plainUsual struct {
	events []yagura.Event
	values usual.Values
	bounds usual.Bounds
}

// who is the entity of a kind that an event is of.
func (p *plainUsual) who(k usual.Kind, e *yagura.Event) string {
	switch k {
	case usual.AccessKey:
		return e.Detail.AccessKey
	case usual.OfAccount:
		return e.Account
	case usual.Address:
		return e.SrcIP
	}
	return strings.ToLower(usual.ActorOf(e.Actor))
}

// value is what an event has of a dimension.
func (p *plainUsual) value(of usual.Dimension, e *yagura.Event) string {
	switch of {
	case usual.Network:
		return p.values.Of(of, e.SrcIP)
	case usual.Country:
		for _, c := range e.Detail.More {
			if c.Name == "country" && c.Value != "" {
				return p.values.Of(of, c.Value)
			}
		}
		return p.values.Of(of, "@"+e.SrcIP)
	case usual.Agent:
		return p.values.Of(of, e.Detail.UserAgent)
	case usual.API:
		return usual.APIOf(e.Detail.Service, e.Action)
	case usual.Hour, usual.Weekday:
		return p.values.Of(of, e.Time.UTC().Format(time.RFC3339))
	case usual.Resource:
		if len(e.Targets) == 0 {
			return ""
		}
		return p.values.Of(of, e.Targets[0].ID)
	case usual.Region:
		return p.values.Of(of, e.Region)
	}
	return p.values.Of(of, e.Account)
}

// row is the row that answers a question.
func (p *plainUsual) row(n int, q usual.Question) []any {
	k := usual.KindOf(q.Entity)
	who := q.Entity.ID
	switch a, ok := usual.ParseAddress(who); {
	case k == usual.Actor:
		who = strings.ToLower(who)
	case k == usual.Address && ok:
		who = a.String()
	}
	type place struct{ account, actor string }
	var total, count int64
	var since, logSince, last any
	days, known, places, accounts, peers, with := map[string]bool{}, map[string]bool{}, map[place]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	first := map[string]time.Time{}
	asked := p.values.Of(q.Of, q.Value)
	before, from := q.Before, q.Before.Add(-p.bounds.Period)
	within := func(e *yagura.Event) bool { return !e.Time.IsZero() && !e.Time.Before(from) && e.Time.Before(before) }
	sooner := func(t any, e *yagura.Event) any {
		if have, ok := t.(time.Time); ok && !e.Time.Before(have) {
			return t
		}
		return e.Time
	}
	for i := range p.events {
		e := &p.events[i]
		if !within(e) || p.who(k, e) != who {
			continue
		}
		places[place{e.Account, e.Actor.Type}], accounts[e.Account] = true, true
		v := p.value(q.Of, e)
		if v == "" {
			continue
		}
		day := e.Time.UTC().Format(time.DateOnly)
		total++
		known[day] = true
		since = sooner(since, e)
		if t, ok := first[v]; !ok || e.Time.Before(t) {
			first[v] = e.Time
		}
		if v == asked {
			count++
			days[day] = true
			if have, ok := last.(time.Time); !ok || e.Time.After(have) {
				last = e.Time
			}
		}
	}
	for i := range p.events {
		e := &p.events[i]
		if !within(e) {
			continue
		}
		if accounts[e.Account] {
			logSince = sooner(logSince, e)
		}
		peer, v := p.who(k, e), p.value(q.Of, e)
		if k != usual.Actor || !places[place{e.Account, e.Actor.Type}] || peer == who || peer == "" || v == "" {
			continue
		}
		peers[peer] = true
		if v == asked {
			with[peer] = true
		}
	}
	fresh := 0
	for _, t := range first {
		if !t.Before(before.Add(-p.bounds.Learning)) {
			fresh++
		}
	}
	n64 := func(n int) int64 { return int64(n) }
	return []any{n64(n), asked, count, total, n64(len(days)), n64(len(known)), n64(len(first)), n64(fresh), since, logSince, last, n64(len(peers)), n64(len(with))}
}

// TestUsualPlain: the query that answers many questions at once says what going through all
// events says, whatever the events hold, and however many are asked together.
func TestUsualPlain(t *testing.T) {
	for name, places := range map[string]*geo.Places{"no databases": nil, "databases": testPlaces(t)} {
		t.Run(name, func(t *testing.T) {
			engine, dir := testEngine(t)
			p := plainUsual{bounds: usual.Bounds{Period: 20 * 24 * time.Hour, Learning: 5 * 24 * time.Hour, Events: 3}.Filled()}
			if places != nil {
				engine, dir = placesEngine(t)
				p.values.Places = places
			}
			h := newLakeHouse(t, engine, dir)
			r := rand.New(rand.NewPCG(11, 5))
			var questions []usual.Question
			for i := range 3 {
				events := plainEvents(r, 400, 1000*i)
				p.events = append(p.events, events...)
				h.put(events)
			}
			for range 700 {
				questions = append(questions, plainQuestion(r))
			}
			asker := &UsualAsker{Hunter: h.engine.hunter, Bounds: p.bounds}
			got, err := asker.Ask(t.Context(), questions)
			if err != nil {
				t.Fatal(err)
			}
			var rows [][]any
			for i, q := range questions {
				rows = append(rows, p.row(i, q))
			}
			want, err := usual.Judge(questions, p.bounds, rows)
			if err != nil {
				t.Fatal(err)
			}
			known := map[string]int{}
			for i := range want {
				if d := gocmp.Diff(want[i], got[i]); d != "" {
					t.Errorf("%+v: (-plain +query)\n%s", questions[i], d)
				}
				for what, is := range map[string]bool{"first": want[i].First, "rare": want[i].Rare, "learning": want[i].Learning, "there": want[i].Count > 0, "peers": want[i].PeersWith > 0 && want[i].PeersWith < want[i].Peers} {
					if is {
						known[what]++
					}
				}
			}
			for _, what := range []string{"first", "learning", "there", "peers"} {
				if known[what] < 20 {
					t.Errorf("only %d answers are of the sort %q: the test says little", known[what], what)
				}
			}
			for range 10 { // alone it is the same
				i := r.IntN(len(questions))
				alone, err := asker.Ask(t.Context(), questions[i:i+1])
				if err != nil {
					t.Fatal(err)
				}
				if d := gocmp.Diff(got[i], alone[0]); d != "" {
					t.Errorf("%+v: (-together +alone)\n%s", questions[i], d)
				}
			}
		})
	}
}

// What events and questions of the test are made of: cases, empty texts, separators, and texts
// that are not what their columns are for.
var (
	plainActors    = []string{"", "alice", "Alice", "ALICE", "bob", "Bob ", "arn:aws:sts::1:assumed-role/r/s1", "arn:aws:sts::1:assumed-role/r/S2", "é", "É"}
	plainSessions  = []string{"", "", "", "role/deploy", "Role/Deploy", "arn:x/AWSReservedSSO_Admin_1", "alice"}
	plainAddresses = []string{"", "192.0.2.1", "192.0.2.77", "203.0.113.9", "198.51.100.1", "2001:db8::1", "::ffff:192.0.2.1", "kms.amazonaws.com", "AWS Internal", "AS64500 Home", "192.0.2.0/24", "-"}
	plainAgents    = []string{"", "-", "aws-cli/2.1", "AWS-CLI/1", "Boto3/1.2", "[Boto3/1.9]", "Mozilla/5.0 (X) Firefox/1", "x terraform-provider-aws/5", "curl_8", "/1.2", "  ", "kubec\u212Atl/1"}
	plainServices  = []string{"", "iam.amazonaws.com", "iam", "a", "a:b", ".amazonaws.com", "s\x1ft", " iam ", "x\n"}
	plainActions   = []string{"", "CreateUser", "b:c", "c", "b", ":", " ", "t\x1fu", strings.Repeat("長", 300), strings.Repeat("x", 505)}
	plainTexts     = []string{"", "eu-west-1", " eu-west-1 ", "EU-WEST-1", "a\nb", "a b", "'", "\u202e", strings.Repeat("y", 600)}
	plainTypes     = []string{"user", "session", "role", ""}
	plainAccounts  = []string{"", "1", "2", "3"}
	plainCountries = []string{"", "", "jp", "JP", "Brazil", "@192.0.2.1"}
)

func plainOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func plainTime(r *rand.Rand) time.Time {
	return begun.Add(time.Duration(r.IntN(40*24*60)) * time.Minute).Add(time.Duration(r.IntN(2)) * 999_999 * time.Microsecond)
}

func plainEvents(r *rand.Rand, n, first int) []yagura.Event {
	out := make([]yagura.Event, n)
	for i := range out {
		e := yagura.Event{Format: "aws.cloudtrail", Time: plainTime(r), Account: plainOf(r, plainAccounts), Region: plainOf(r, plainTexts), Action: plainOf(r, plainActions), SrcIP: plainOf(r, plainAddresses),
			Actor: yagura.Actor{Type: plainOf(r, plainTypes), ID: plainOf(r, plainActors), SessionOf: plainOf(r, plainSessions)}}
		e.Detail = yagura.Detail{Service: plainOf(r, plainServices), UserAgent: plainOf(r, plainAgents), AccessKey: plainOf(r, []string{"", "K1", "k1", "K2"})}
		if r.IntN(3) == 0 {
			e.Format = "okta.system"
			e.Detail.More = []yagura.Column{{Name: "country", Value: plainOf(r, plainCountries)}}
		}
		if r.IntN(3) > 0 {
			e.Targets = []yagura.Entity{{Type: yagura.EntityResource, ID: plainOf(r, plainTexts)}}
		}
		if r.IntN(30) == 0 {
			e.Time = time.Time{}
		}
		binary.BigEndian.PutUint64(e.Key[:], uint64(first+i+1))
		e.ID = fmt.Sprint(first + i)
		e.Raw = fmt.Appendf(nil, `{"n":%d}`, first+i)
		out[i] = e
	}
	return out
}

func plainQuestion(r *rand.Rand) usual.Question {
	q := usual.Question{Of: plainOf(r, usual.Dimensions()), Before: plainTime(r)}
	if r.IntN(2) == 0 {
		q.Before = begun.Add(time.Duration(20+r.IntN(10)) * 24 * time.Hour) // some are asked together in truth
	}
	switch r.IntN(8) {
	case 0:
		q.Entity = yagura.Entity{Type: yagura.EntityAccount, ID: plainOf(r, plainAccounts)}
	case 1:
		q.Entity = yagura.Entity{Type: yagura.EntityIP, ID: plainOf(r, plainAddresses)}
	case 2:
		q.Entity = yagura.Entity{Type: yagura.EntityKey, ID: plainOf(r, []string{"K1", "k1", "K3"})}
	default:
		q.Entity = yagura.Entity{Type: plainOf(r, []string{"user", "role", "session"}), ID: plainOf(r, slices.Concat(plainActors, plainSessions))}
	}
	switch q.Of {
	case usual.Network:
		q.Value = plainOf(r, plainAddresses)
	case usual.Country:
		q.Value = plainOf(r, slices.Concat(plainCountries, plainAddresses))
	case usual.Agent:
		q.Value = plainOf(r, slices.Concat(plainAgents, []string{"Boto3", "Terraform"}))
	case usual.API:
		q.Value = usual.APIOf(plainOf(r, plainServices), plainOf(r, plainActions))
	case usual.Hour, usual.Weekday:
		q.Value = plainOf(r, []string{"00", "13", "Mon", plainTime(r).Format(time.RFC3339)})
	case usual.Account:
		q.Value = plainOf(r, plainAccounts)
	default:
		q.Value = plainOf(r, plainTexts)
	}
	return q
}

// put puts events into the lake, an object for each format.
func (h *lakeHouse) put(events []yagura.Event) {
	h.t.Helper()
	runs := map[string][]keep.Record{}
	for i := range events {
		e := &events[i]
		runs[e.Format] = append(runs[e.Format], keep.Record{Raw: e.Raw, Time: e.Time, Key: e.Key, Event: e, Keyed: true})
	}
	for format, records := range runs {
		h.n++
		h.keep(fmt.Sprintf("s3://example/%d.json", h.n), format, records)
	}
}
