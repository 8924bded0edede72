package usual

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func TestNetworkOf(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.7": "203.0.113.0/24", " 203.0.113.7 ": "203.0.113.0/24", "203.0.113.7:443": "203.0.113.0/24", "::ffff:203.0.113.7": "203.0.113.0/24",
		"2001:DB8:1:2::9": "2001:db8:1::/48", "[2001:db8:1:2::9]:443": "2001:db8:1::/48", "[2001:db8:1:2::9]": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48",
		"": "", "-": "", "0.0.0.0": "", "::": "", "cloudtrail.amazonaws.com": "", "AWS Internal": "", "203.0.113": "", "203.0.113.0/24": "", strings.Repeat("1", 1000): "",
	} {
		if got := NetworkOf(in); got != want {
			t.Errorf("NetworkOf(%.40q) is %q, want %q", in, got, want)
		}
	}
}

func TestAgentOf(t *testing.T) {
	for in, want := range map[string]string{
		"aws-cli/2.15.30 Python/3.11.8 Linux/5.10 exe/x86_64 prompt/off command/iam.list-users": "aws-cli",
		"Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux":                                     "Boto3",
		"[Boto3/1.9 Python/3.6]": "Boto3",
		"APN/1.0 HashiCorp/1.0 Terraform/1.7.4 (+https://www.terraform.io) terraform-provider-aws/5.39.1 aws-sdk-go-v2/1.25":            "Terraform",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36":               "Chrome",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0": "Edge",
		"Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0":                                                        "Firefox",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15":         "Safari",
		"python-requests/2.31.0": "python-requests", "python-requests-2.31": "python-requests", "curl/8.4.0": "curl", "Go-http-client/1.1": "Go-http-client",
		"cloudtrail.amazonaws.com": "cloudtrail.amazonaws.com", "AWS Internal": "AWS", "": "", "-": "", "[]": "", "  ": "", "/1.2": "/1.2", "kubectl/v1.29.0 (linux/amd64)": "kubectl",
	} {
		if got := AgentOf(in); got != want {
			t.Errorf("AgentOf(%q) is %q, want %q", in, got, want)
		}
	}
}

// hostile are texts that somebody may write into a log.
var hostile = []string{"'", "''; DROP TABLE events; --", `"`, `\`, "%", "_%", "$id", "$$x$$", "{who}", "{of}", "a\nb", "a\x00b", "\x1f", "x\x1fy", "\x1b[31m", "\u202eabc", "é", "\xff\xfe",
	strings.Repeat("長", 3000), strings.Repeat("x", 100_000), "usual_value('agent', 'x')", "/* ", "NULL", "null", "0", "1e9", "-1", "99999999999999999999", "2026-01-01T00:00:00Z", "::ffff:1.2.3.4", "1.2.3.4/99"}

// TestValuesTotal: a value of anything is short, valid text in one line, and the value of a
// value is itself.
func TestValuesTotal(t *testing.T) {
	v := &Values{Places: atlas{}, Zone: time.FixedZone("", 9*3600)}
	for _, of := range Dimensions() {
		for _, s := range hostile {
			got := v.Of(of, s)
			if len(got) > maxValue || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) {
				t.Errorf("%s of %.40q is %.80q", of, s, got)
			}
			if again := v.Of(of, got); of != API && again != got {
				t.Errorf("%s of %.40q is %.80q, and of that %.80q", of, s, got, again)
			}
		}
	}
	for _, s := range hostile {
		if a, b := APIOf(s, "Call"), v.Of(API, s+"\x1fCall"); strings.Count(s, "\x1f") == 0 && a != b {
			t.Errorf("the API of a finding is %.80q and that of a record %.80q", a, b)
		}
	}
}

// atlas knows a few places.
type atlas struct{}

func (atlas) System(a netip.Addr) string {
	if a.Is4() && a.As4()[0] == 203 {
		return "AS64500 Example\nNet"
	}
	return ""
}
func (atlas) Country(a netip.Addr) string { return "jp" }
func (atlas) Place(a netip.Addr) (lat, lon float64, ok bool) {
	return 35.6895, 139.6917, a != netip.MustParseAddr("192.0.2.1")
}

func TestValues(t *testing.T) {
	v := &Values{Places: atlas{}, Zone: time.FixedZone("", 5*3600+1800), Ignore: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	at := time.Date(2026, 3, 1, 18, 44, 0, 0, time.UTC) // 00:14 of Monday there
	quarters := "1970-01-01T00:00:00Z"
	for _, c := range []struct {
		of        Dimension
		raw, want string
	}{
		{Network, "203.0.113.7", "AS64500 Example Net"}, {Network, "198.51.100.7", "198.51.100.0/24"}, {Network, "AS64500 Example Net", "AS64500 Example Net"}, {Network, "s3.amazonaws.com", ""},
		{Country, "203.0.113.7", "JP"}, {Country, "us", "US"}, {Country, "Brazil", "Brazil"}, {Country, "@203.0.113.7", "JP"}, {Country, "@kms.amazonaws.com", ""}, {Country, "@", ""}, {Hour, at.Format(time.RFC3339), "00"}, {Weekday, at.Format(time.RFC3339), "Mon"},
		{Hour, "1968834", "22"}, {Hour, quarters, "05"}, {Hour, "07", "07"}, {Region, " eu-west-1 ", "eu-west-1"}, {API, "iam.amazonaws.com\x1fCreateUser", "iam:CreateUser"}, {API, "\x1fuser.login", "user.login"},
	} {
		if got := v.Of(c.of, c.raw); got != c.want {
			t.Errorf("%s of %q is %q, want %q", c.of, c.raw, got, c.want)
		}
	}
	if got := (&Values{}).Of(Country, "203.0.113.7"); got != "" {
		t.Errorf("without a database the country of an address is %q", got)
	}
	if a, b, c := v.Place("203.0.113.7"), v.Place("198.51.100.7"), v.Place("192.0.2.1"); a != "35.6895,139.6917" || b != "" || c != "" {
		t.Error(a, b, c)
	}
}

// TestDistance: the haversine formula gives a metric on the sphere, and known ways.
func TestDistance(t *testing.T) {
	if got := distance(35.6895, 139.6917, 51.5074, -0.1278); math.Abs(got-9559) > 10 {
		t.Errorf("from Tokyo to London are %g km", got)
	}
	half := math.Pi * earth
	r := rand.New(rand.NewPCG(1, 2))
	point := func() (float64, float64) {
		switch r.IntN(6) {
		case 0:
			return 90, r.Float64()*360 - 180
		case 1:
			return -90, r.Float64()*360 - 180
		case 2:
			return r.Float64()*180 - 90, 180
		}
		return r.Float64()*180 - 90, r.Float64()*360 - 180
	}
	for range 20_000 {
		a1, a2 := point()
		b1, b2 := point()
		c1, c2 := point()
		ab, ba, bc, ac := distance(a1, a2, b1, b2), distance(b1, b2, a1, a2), distance(b1, b2, c1, c2), distance(a1, a2, c1, c2)
		switch {
		case math.IsNaN(ab) || ab < 0 || ab > half+1e-6:
			t.Fatal("out of bounds", ab)
		case math.Abs(ab-ba) > 1e-6:
			t.Fatal("not symmetric", ab, ba)
		case ac > ab+bc+1e-6:
			t.Fatal("a way round is shorter", ac, ab, bc)
		case distance(a1, a2, a1, a2) > 1e-6:
			t.Fatal("a place is away from itself")
		case math.Abs(distance(a1, a2, -a1, a2+180)-half) > 1e-3:
			t.Fatal("the other side of the Earth is nearer")
		}
	}
}

func TestBetween(t *testing.T) {
	for _, bad := range []string{"", ",", "91,0", "0,181", "NaN,0", "a,b", "1", strings.Repeat("1", 50) + ",1", "Inf,1"} {
		if km, ok := between(bad, "0,0"); ok {
			t.Errorf("%q is %g km away", bad, km)
		}
	}
}

func TestCheckCondition(t *testing.T) {
	for text, want := range map[string]int{"service = 'iam.amazonaws.com' AND (outcome = 'success' OR x IN ('a;b', '--'))": -1, "": -1, "a = 'it''s'": -1,
		"true) UNION SELECT (1": 4, "(a": 2, "a = 'x": 4, "a -- b": 2, "a /* b": 2, "a; b": 1, "a = $id": 4, "a[1": 3, "\"a": 0} {
		at, err := CheckCondition(text)
		if (err == nil) != (want < 0) || err != nil && at != want {
			t.Errorf("%q: %d %v, want %d", text, at, err, want)
		}
	}
}

func TestOf(t *testing.T) {
	at := time.Date(2026, 3, 1, 4, 5, 6, 0, time.UTC)
	f := &yagura.Finding{Time: at, Event: yagura.EventRef{Time: at, Action: "CreateUser", Region: "eu-west-1", SrcIP: "203.0.113.7",
		Actor: yagura.Actor{Type: yagura.EntitySession, ID: "arn:aws:sts::111122223333:assumed-role/deploy/x", SessionOf: "arn:aws:iam::111122223333:role/deploy"}},
		Entities: []yagura.Entity{{Type: yagura.EntityResource, ID: "arn:aws:iam::111122223333:user/eve"}}}
	got := map[Dimension]string{}
	for _, q := range Of(f, yagura.Detail{Service: "iam.amazonaws.com", UserAgent: "Boto3/1.2"}) {
		if q.Entity.ID != "arn:aws:iam::111122223333:role/deploy" || !q.Before.Equal(at) {
			t.Errorf("%+v", q)
		}
		got[q.Of] = q.Value
	}
	want := map[Dimension]string{Network: "203.0.113.7", Country: "203.0.113.7", Agent: "Boto3", API: "iam:CreateUser", Hour: "2026-03-01T04:05:06Z", Region: "eu-west-1", Resource: "arn:aws:iam::111122223333:user/eve"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, q := range Of(f, yagura.Detail{}) {
		if q.Of == API {
			t.Error("an API is asked about whose service nobody knows")
		}
	}
	f.Event.SrcIP = "cloudtrail.amazonaws.com"
	for _, q := range Of(f, yagura.Detail{More: []yagura.Column{{Name: "country", Value: "jp"}}}) {
		if q.Of == Network || q.Of == Country && q.Value != "JP" {
			t.Errorf("%+v", q)
		}
	}
	if list := Of(&yagura.Finding{Time: at}, yagura.Detail{}); list != nil {
		t.Error(list)
	}
	for _, c := range []struct{ id, of, want string }{{"a", "", "a"}, {"s", "r", "r"}, {"s", "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1", "s"}, {"", "x/AWSReservedSSO_A", "x/AWSReservedSSO_A"}} {
		if got := ActorOf(yagura.Actor{ID: c.id, SessionOf: c.of}); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestAskBounds(t *testing.T) {
	good := Question{Entity: yagura.Entity{Type: yagura.EntityUser, ID: "a"}, Of: Network, Value: "203.0.113.7", Before: time.Now()}
	none, other, timeless := good, good, good
	none.Entity.Type, other.Of, timeless.Before = yagura.EntityResource, "shoe size", time.Time{}
	for _, list := range [][]Question{nil, {none}, {other}, {timeless}, make([]Question, MaxQuestions+1)} {
		if _, _, _, err := Ask(list, Bounds{}); err == nil {
			t.Errorf("%d questions were taken", len(list))
		}
	}
	// What people wrote is in no text of the query.
	marked := good
	marked.Entity.ID, marked.Value = "MARK'1", "MARK'2"
	for _, of := range Dimensions() {
		marked.Of = of
		q, from, to, err := Ask([]Question{marked, good}, Bounds{})
		if err != nil || strings.Contains(q.SQL, "MARK") || !to.Equal(good.Before) || to.Sub(from) != DefaultPeriod {
			t.Error(of, err, from, to)
		}
	}
}

func TestWords(t *testing.T) {
	since := time.Date(2026, 8, 2, 9, 0, 0, 0, time.UTC)
	a := Answer{Question: Question{Of: Network, Value: "203.0.113.0/24"}, First: true, Total: 1204, KnownDays: 41, Values: 3, Since: since, Peers: 14}
	if got, want := a.Words("en"), "first time from 203.0.113.0/24 in 90 days; known since 2026-08-02 with 1,204 events on 41 days, from 3 networks; none of its 14 peers came from there"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got, want := a.Words("ja"), "過去 90 日間で初めて: 203.0.113.0/24 からの活動。2026-08-02 から記録あり（41 日、1,204 件、3 個のネットワーク）。同種のエンティティ 14 件のうち該当は 0 件"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	// Every dimension in every state has words without holes in both languages.
	for _, of := range Dimensions() {
		for _, x := range []Answer{{First: true}, {Rare: true, Count: 1, Total: 1000000, Days: 1, Last: since}, {Learning: true}, {Learning: true, Count: 1, Total: 2}, {Restless: true, Fresh: 20}, {Unknown: true}, {Count: 5, Total: 6}} {
			for _, peers := range []int{0, 1, 2} {
				x.Question, x.Since, x.Values, x.KnownDays, x.Peers, x.PeersWith = Question{Of: of, Value: "Mon"}, since, 1+peers, 1, peers, peers/2
				for _, lang := range []string{"en", "ja"} {
					if s := x.Words(lang); strings.Contains(s, "%!") || strings.Contains(s, "  ") || s == "" || strings.Contains(s, " 1 events") || strings.Contains(s, "1 days") {
						t.Errorf("%s %+v: %s", lang, x, s)
					}
				}
			}
		}
	}
	if number(1234567) != "1,234,567" || number(-1234) != "-1,234" || number(999) != "999" {
		t.Error(number(1234567), number(-1234))
	}
}

func TestJudged(t *testing.T) {
	before := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	base := Answer{Question: Question{Before: before}, Total: 1000, KnownDays: 40, Since: before.Add(-40 * 24 * time.Hour)}
	for name, c := range map[string]struct {
		change func(*Answer)
		want   [4]bool // first, rare, learning, restless
	}{
		"new":             {func(a *Answer) {}, [4]bool{true, false, false, false}},
		"rare":            {func(a *Answer) { a.Count, a.Days = 9, 2 }, [4]bool{false, true, false, false}},
		"share":           {func(a *Answer) { a.Count, a.Days = 10, 2 }, [4]bool{}},
		"days":            {func(a *Answer) { a.Count, a.Days = 9, 3 }, [4]bool{}},
		"young":           {func(a *Answer) { a.Since = before.Add(-14*24*time.Hour + time.Second) }, [4]bool{false, false, true, false}},
		"just old enough": {func(a *Answer) { a.Since = before.Add(-14 * 24 * time.Hour) }, [4]bool{true, false, false, false}},
		"few events":      {func(a *Answer) { a.Total = 49 }, [4]bool{false, false, true, false}},
		"unknown":         {func(a *Answer) { a.Since, a.Total = time.Time{}, 0 }, [4]bool{false, false, true, false}},
		"restless":        {func(a *Answer) { a.Fresh = 8 }, [4]bool{false, false, false, true}},
		"not restless":    {func(a *Answer) { a.Fresh = 7 }, [4]bool{true, false, false, false}},
	} {
		a := base
		c.change(&a)
		a = a.judged(Bounds{}.Filled())
		if got := [4]bool{a.First, a.Rare, a.Learning, a.Restless}; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
