package s3

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/sourcetest"
)

// kept is a cursor in memory.
type kept struct {
	mu    sync.Mutex
	data  []byte
	saves int
	fail  error
}

func (k *kept) Load(context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.data, k.fail
}

func (k *kept) Save(_ context.Context, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail == nil {
		k.data, k.saves = slices.Clone(data), k.saves+1
	}
	return k.fail
}

func (s *store) objects(t *testing.T) *Store {
	t.Helper()
	o, err := NewStore(t.Context(), StoreOptions{Options: s.options()})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (s *store) list(t *testing.T, o ListingOptions) *Listing {
	t.Helper()
	o.Name, o.Store = "backfill", s.objects(t)
	if o.Address == "" {
		o.Address = "s3://trail/"
	}
	l, err := NewListing(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestListingConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Harness {
		s, clock, cursor := serve(t), sourcetest.NewClock(), &kept{}
		return sourcetest.Harness{
			Clock: clock, Uncounted: true, Repeats: true,
			Open: func(t *testing.T) source.Receiver {
				return s.list(t, ListingOptions{Every: time.Second, Now: clock.Now, Wake: clock.Wake, Cursor: cursor})
			},
			Put: func(t *testing.T, name, body string) {
				s.put(t, "logs/"+name+".json", body)
				clock.Advance(time.Second)
			},
		}
	})
}

// drain receives to the end, a batch at a time, and acknowledges by ack.
func drain(t *testing.T, l *Listing, ack func(m *source.Message) bool) (names []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		ms, err := l.Receive(ctx)
		if errors.Is(err, source.ErrFinished) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			if ack != nil && !ack(m) {
				return names
			}
			names = append(names, strings.TrimPrefix(m.Objects[0].Name, "s3://trail/"))
			if err := l.Ack(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func trail(org, account, region, day string, n int) string {
	return fmt.Sprintf("AWSLogs/%s%s/CloudTrail/%s/%s/%s_CloudTrail_%03d.json.gz", org, account, region, day, account, n)
}

// TestBackfill lists what was asked for by account, region and day.
func TestBackfill(t *testing.T) {
	s := serve(t)
	const a, b, org = "111122223333", "444455556666", "o-abc123/"
	for _, o := range []string{"", org} {
		for _, acc := range []string{a, b} {
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				for d := range 5 {
					s.put(t, trail(o, acc, region, fmt.Sprintf("2026/03/%02d", 10+d), d), "x")
				}
			}
			s.put(t, "AWSLogs/"+o+acc+"/CloudTrail-Digest/eu-west-1/2026/03/11/d.json.gz", "x")
			s.put(t, "AWSLogs/"+o+acc+"/Config/eu-west-1/2026/3/11/c.json.gz", "x")
		}
	}
	march := func(d int) time.Time { return time.Date(2026, 3, d, 7, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		o    ListingOptions
		want []string
	}{
		"days": {ListingOptions{Address: "s3://trail/AWSLogs/", Accounts: []string{b}, Regions: []string{"us-east-1"}, From: march(11), To: march(12)},
			[]string{trail("", b, "us-east-1", "2026/03/11", 1), trail("", b, "us-east-1", "2026/03/12", 2), trail(org, b, "us-east-1", "2026/03/11", 1), trail(org, b, "us-east-1", "2026/03/12", 2)}},
		"one account": {ListingOptions{Address: "s3://trail/AWSLogs/" + org + a + "/", From: march(14)},
			[]string{trail(org, a, "eu-west-1", "2026/03/14", 4), trail(org, a, "us-east-1", "2026/03/14", 4)}},
		"one region": {ListingOptions{Address: "s3://trail/AWSLogs/" + a + "/CloudTrail/us-east-1/", To: march(10)},
			[]string{trail("", a, "us-east-1", "2026/03/10", 0)}},
		"globs": {ListingOptions{Address: "s3://trail/AWSLogs/", Include: []string{"*/2026/03/13/*"}, Exclude: []string{"*/" + a + "/*"}, Regions: []string{"eu-west-1"}},
			[]string{trail("", b, "eu-west-1", "2026/03/13", 3), trail(org, b, "eu-west-1", "2026/03/13", 3)}},
		"another service": {ListingOptions{Address: "s3://trail/AWSLogs/", Service: "Config", Accounts: []string{a}},
			[]string{"AWSLogs/" + a + "/Config/eu-west-1/2026/3/11/c.json.gz", "AWSLogs/" + org + a + "/Config/eu-west-1/2026/3/11/c.json.gz"}},
		"generic": {ListingOptions{Address: "s3://trail/AWSLogs/" + a + "/Con"}, []string{"AWSLogs/" + a + "/Config/eu-west-1/2026/3/11/c.json.gz"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := s.list(t, c.o)
			if d := cmp.Diff(c.want, drain(t, l, nil)); d != "" {
				t.Error(d)
			}
			if p := l.Progress(); p.Done != int64(len(c.want)) || p.Bytes != p.Done || !p.Complete {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestResume stops a backfill at every possible place, and goes on; acknowledgements come in
// any order and some never.
func TestResume(t *testing.T) {
	s := serve(t)
	var want []string
	for i := range 2500 {
		key := trail("", "111122223333", []string{"eu-west-1", "us-east-1"}[i%2], fmt.Sprintf("2026/03/%02d", 1+i/100), i)
		s.put(t, key, "x")
		want = append(want, key)
	}
	cursor := &kept{}
	got := map[string]int{}
	for stop := 0; ; stop++ {
		l := s.list(t, ListingOptions{Address: "s3://trail/AWSLogs/", Cursor: cursor, Batch: 50})
		n, finished := 0, false
		for !finished && n < 400 {
			ms, err := l.Receive(t.Context())
			if errors.Is(err, source.ErrFinished) {
				finished = true
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(ms)
			for i, m := range ms {
				n++
				if n > 350 && stop < 5 && (i+n)%7 == 0 {
					continue // never acknowledged by this one
				}
				if err := l.Ack(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				got[strings.TrimPrefix(m.Objects[0].Name, "s3://trail/")]++
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if finished {
			break
		}
		if stop > 50 {
			t.Fatal("it does not get to the end")
		}
	}
	if d := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(got))); d != "" {
		t.Fatal(d)
	}
	again := 0
	for _, n := range got {
		again += n - 1
	}
	if again == 0 || again > 600 {
		t.Errorf("%d objects came again", again) // those behind the first that was not finished
	}
	// It is at its end, and stays there.
	if names := drain(t, s.list(t, ListingOptions{Address: "s3://trail/AWSLogs/", Cursor: cursor}), nil); len(names) != 0 {
		t.Errorf("%d objects after the end", len(names))
	}
	// Another question begins anew.
	names := drain(t, s.list(t, ListingOptions{Address: "s3://trail/AWSLogs/", Cursor: cursor, Regions: []string{"us-east-1"}}), nil)
	if len(names) != 1250 {
		t.Errorf("%d objects of another plan", len(names))
	}
}

// TestContinuous finds what is new, and what is late, once.
func TestContinuous(t *testing.T) {
	s, clock, cursor := serve(t), sourcetest.NewClock(), &kept{}
	day := func(d int) string { return clock.Now().AddDate(0, 0, d).Format("2006/01/02") }
	put := func(region, day string, n int) string {
		key := trail("", "111122223333", region, day, n)
		s.put(t, key, "x")
		return "s3://trail/" + key
	}
	put("eu-west-1", day(-30), 0) // before anybody asked
	o := ListingOptions{Address: "s3://trail/AWSLogs/", Cursor: cursor, Every: 10 * time.Minute, Now: clock.Now, Wake: clock.Wake}
	l := s.list(t, o)
	next := func(l *Listing, want ...string) {
		t.Helper()
		var got []string
		for len(got) < len(want) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			ms, err := l.Receive(ctx)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ms {
				got = append(got, m.Objects[0].Name)
				if err := l.Ack(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	a := put("eu-west-1", day(0), 5)
	next(l, a)
	late, b := put("eu-west-1", day(-1), 9), put("eu-west-1", day(0), 1)
	c := put("ap-south-1", day(0), 1) // a region that was not there
	clock.Advance(11 * time.Minute)
	next(l, c, late, b)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Three days without it: nothing is missed, and what the record of deliveries knows does
	// not come again.
	d := put("eu-west-1", day(1), 1)
	clock.Advance(72 * time.Hour)
	e := put("eu-west-1", day(0), 1)
	o.Known = func(_ context.Context, objects []source.Object) ([]bool, error) {
		out := make([]bool, len(objects))
		for i, x := range objects {
			out[i] = slices.Contains([]string{a, late, b, c}, x.Name)
		}
		return out, nil
	}
	next(s.list(t, o), d, e)
}

// TestStuck: one object that is never finished holds the cursor and nothing else.
func TestStuck(t *testing.T) {
	s, clock, cursor := serve(t), sourcetest.NewClock(), &kept{}
	for i := range 20 {
		s.put(t, fmt.Sprintf("k%02d", i), "x")
	}
	o := ListingOptions{Cursor: cursor, Every: time.Minute, Now: clock.Now, Wake: clock.Wake}
	l := s.list(t, o)
	done := 0
	for done < 29 {
		ms, err := l.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			if strings.HasSuffix(m.Objects[0].Name, "k03") {
				if err := l.Release(t.Context(), m, time.Hour, errors.New("not now")); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := l.Ack(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if done++; done >= 19 && done < 29 {
				s.put(t, fmt.Sprintf("n%02d", done), "x")
				clock.Advance(2 * time.Minute)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(cursor.data), `"key":"k02"`) {
		t.Errorf("the cursor is at %s", cursor.data)
	}
}

func TestListingErrors(t *testing.T) {
	s := serve(t)
	s.put(t, "AWSLogs/x", "x")
	for want, o := range map[string]ListingOptions{
		"there are no logs of CloudTrail":             {Address: "s3://trail/AWSLogs/"},
		"there is no such bucket":                     {Address: "s3://nowhere/"},
		"its cursor cannot be read":                   {Cursor: &kept{fail: errors.New("disk")}},
		"its cursor is of another program or version": {Cursor: &kept{data: []byte(`{"v":9}`)}},
	} {
		if _, err := s.list(t, o).Receive(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	for want, o := range map[string]ListingOptions{
		"not an address":           {Address: "trail", Name: "n"},
		"without a name":           {Address: "s3://b/"},
		"no store":                 {Address: "s3://b/", Name: "n"},
		"last day lies before":     {Address: "s3://b/", Name: "n", Store: &Store{}, From: time.Now(), To: time.Now().AddDate(0, 0, -2)},
		"an end for what goes on":  {Address: "s3://b/", Name: "n", Store: &Store{}, Every: time.Minute, To: time.Now()},
		"is no account":            {Address: "s3://b/", Name: "n", Store: &Store{}, Accounts: []string{"1"}},
		"CloudTrail's layout only": {Address: "s3://b/", Name: "n", Store: &Store{}, Regions: []string{"eu-west-1"}},
		"a time that cannot be":    {Address: "s3://b/", Name: "n", Store: &Store{}, Every: time.Millisecond},
		"a pattern of 0 bytes":     {Address: "s3://b/", Name: "n", Store: &Store{}, Include: []string{""}},
	} {
		if _, err := NewListing(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	// A page that fails is asked for again.
	failed := false
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !failed && r.URL.Query().Has("list-type") {
			failed = true
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}
	l := s.list(t, ListingOptions{})
	if _, err := l.Receive(t.Context()); err == nil || !strings.Contains(err.Error(), "access denied") {
		t.Errorf("got %v", err)
	}
	if names := drain(t, l, nil); len(names) != 1 {
		t.Errorf("got %q", names)
	}
	// A cursor that cannot be kept is said, and nothing is held up.
	full := &kept{}
	l = s.list(t, ListingOptions{Cursor: full})
	ms, err := l.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	full.mu.Lock()
	full.fail = errors.New("no space")
	full.mu.Unlock()
	if err := l.Ack(t.Context(), ms[0]); err != nil {
		t.Error(err)
	}
	if _, err := l.Receive(t.Context()); err == nil || !strings.Contains(err.Error(), "its cursor cannot be kept: no space") {
		t.Errorf("got %v", err)
	}
}
