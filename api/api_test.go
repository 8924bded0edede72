package api

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var record = flag.Bool("record", false, "write docs/openapi.json anew; read the diff")

// TestDescription keeps docs/openapi.json what the routes are.
func TestDescription(t *testing.T) {
	a, err := New(Options{Gate: Beside("cli:test"), NewID: func() string { return "1" }})
	if err != nil {
		t.Fatal(err)
	}
	const name = "../docs/openapi.json"
	if *record {
		if err := os.WriteFile(name, a.openapi, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(a.openapi)); diff != "" {
		t.Errorf("the description changed (go test ./api -run TestDescription -record): %s", diff)
	}
}

// TestTable: a table that leaves something open does not start.
func TestTable(t *testing.T) {
	h := func() Route { return get("/x/{id}", View, "getX", "X", (&API{}).issue) }
	change := func(f func(*Route)) []Route {
		r := h()
		f(&r)
		return []Route{r}
	}
	for name, c := range map[string]struct {
		routes []Route
		want   string
	}{
		"no access":       {change(func(r *Route) { r.Access = "" }), "who may call it"},
		"unknown access":  {change(func(r *Route) { r.Access = "root" }), "who may call it"},
		"no id":           {change(func(r *Route) { r.ID = "" }), "is empty or another's"},
		"two of one id":   {[]Route{h(), func() Route { r := h(); r.Path = "/y/{id}"; return r }()}, "is empty or another's"},
		"two of one path": {[]Route{h(), func() Route { r := h(); r.ID = "getY"; return r }()}, "is there twice"},
		"path and struct": {change(func(r *Route) { r.Path = "/x" }), "its path has no {id}"},
		"struct and path": {change(func(r *Route) { r.Path = "/x/{id}/{n}" }), "nothing takes {n}"},
		"no summary":      {change(func(r *Route) { r.Summary = "" }), "no summary"},
	} {
		if err := check(c.routes); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := check((&API{}).Routes()); err != nil {
		t.Error(err)
	}
}

// TestStrictJSON: what a body says and nobody reads is refused, with its place.
func TestStrictJSON(t *testing.T) {
	type inner struct {
		A string    `json:"a"`
		T time.Time `json:"t"`
	}
	type body struct {
		Name string            `json:"name"`
		N    int               `json:"n"`
		List []inner           `json:"list"`
		Map  map[string]string `json:"map"`
		Any  any               `json:"any"`
	}
	var b body
	if err := strictJSON([]byte(`{"name":"x","n":1,"list":[{"a":"y","t":"2026-01-02T03:04:05Z"}],"map":{"p":"q"},"any":{"z":[1]}}`), &b); err != nil {
		t.Fatal(err)
	}
	want := body{Name: "x", N: 1, List: []inner{{"y", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}, Map: map[string]string{"p": "q"}, Any: map[string]any{"z": []any{1.0}}}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
	for text, reason := range map[string]string{
		`{"name":"x","role":"admin"}`:         `1:13: there is no key "role"`,
		`{"Name":"x"}`:                        `1:2: there is no key "Name"`,
		"{\"name\":\"日本\",\n \"name\":\"y\"}": `2:2: the key "name" is there twice`,
		`{"list":[{"a":"x","b":1}]}`:          `there is no key "list[0].b"`,
		`{"name":"x"} {}`:                     `1:13: there is more behind the value`,
		`{"name":1}`:                          "a number does not belong here",
		`{"name":"x"`:                         "ends too early",
		`[]`:                                  "a array does not belong here",
		``:                                    "ends too early",
		"{\"name\":\"\xff\"}":                 "not UTF-8",
		`{"any":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`: "nested more than",
	} {
		var b body
		err := strictJSON([]byte(text), &b)
		var p *Problem
		if !errors.As(err, &p) || p.Code != CodeBadRequest || !strings.Contains(p.Detail, reason) || p.DetailJA == "" {
			t.Errorf("%s: %v, want %q", text, err, reason)
		}
	}
}

// TestHarmless: no cell begins a formula, and every other text stays as it is.
func TestHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+cmd": "'+cmd", "-2+3": "'-2+3", "\t=1": "'\t=1", " =1": "' =1", "＝1": "'＝1", "\r=1": "'\r=1",
		"|calc": "'|calc", "": "", "a=b": "a=b", "権限": "権限", "2026-01-02": "2026-01-02", "日本 =": "日本 =", " ": " ",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	type row struct {
		Text string   `json:"text"`
		N    int      `json:"n"`
		List []string `json:"list"`
	}
	var buf bytes.Buffer
	if err := writeCSV(&buf, reflect.ValueOf([]row{{"=HYPERLINK(\"x\")", -3, []string{"=a", "b"}}})); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&buf).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"text", "n", "list"}, {"'=HYPERLINK(\"x\")", "-3", `["=a","b"]`}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestBuckets: a burst, then one at a time; who is forgotten begins anew; there is a bound.
func TestBuckets(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newBuckets(Rate{Burst: 2, Every: time.Second}, 3, func() time.Time { return now })
	for i, want := range []bool{true, true, false} {
		if got := b.take("a") == 0; got != want {
			t.Errorf("take %d: %v", i, got)
		}
	}
	if wait := b.take("a"); wait != time.Second {
		t.Errorf("wait %s", wait)
	}
	if b.take("b") != 0 {
		t.Error("another name waits too")
	}
	now = now.Add(1500 * time.Millisecond)
	if b.take("a") != 0 || b.take("a") != 500*time.Millisecond {
		t.Error("a token a second")
	}
	now = now.Add(-time.Hour) // a clock that goes back gives nothing and takes nothing
	if b.take("a") == 0 {
		t.Error("the clock went back and gave a token")
	}
	for _, name := range []string{"c", "d", "e", "f"} {
		b.take(name)
	}
	if len(b.named) != 3 || b.order.Len() != 3 {
		t.Errorf("%d buckets", len(b.named))
	}
}

// TestAddressGroup: who has a /64 of IPv6 has one rate.
func TestAddressGroup(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "2001:db8:1:2:3::9": "2001:db8:1:2::/64", "": "", "fe80::1%eth0": "fe80::/64"} {
		if got := addressGroup(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
