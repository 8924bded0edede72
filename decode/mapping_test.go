package decode

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func TestMapping(t *testing.T) {
	file := "testdata/mapping/acme.vpn.yml"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseMapping(file, data)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := New(Options{Formats: append([]*Format{f}, Formats()...)})
	if err != nil {
		t.Fatal(err)
	}
	in := `{"product":"acme-vpn","uuid":"v-1","ts":1709640001123,"tenant":"t1","site":"tokyo","event":{"name":"tunnel.open"},"user":{"id":"u-7","mail":"dave@example.com"},"peer":{"ip":"203.0.113.200"},"verdict":"DROPPED","gateway":"gw1","laptop":"lt-9"}
{"product":"acme-vpn","uuid":"v-2","received":"2024-03-05T12:00:02Z","event":{"name":"tunnel.open"},"verdict":"passed"}
{"product":"acme-mail","uuid":"v-3"}
{"product":"acme-vpn","event":{"name":"tunnel.close"}}
{"product":"acme-vpn","event":{"name":"tunnel.close"}}
`
	list := eventsOf(t, dec, []byte(in), "vpn.jsonl")
	if len(list) != 5 {
		t.Fatalf("%d records", len(list))
	}
	e := list[0]
	want := yagura.Event{V: 1, ID: "v-1", Key: e.Key, Content: e.Content, Format: "acme.vpn", Time: timeOf(1709640001123e6), Account: "t1", Region: "tokyo",
		Action: "tunnel.open", Actor: yagura.Actor{Type: "user", ID: "u-7", Name: "dave@example.com"},
		Targets: []yagura.Entity{{Type: "resource", ID: "gw1"}}, SrcIP: "203.0.113.200", Outcome: "failure",
		Entities: []yagura.Entity{{Type: "user", ID: "u-7"}, {Type: "resource", ID: "gw1"}, {Type: "ip", ID: "203.0.113.200"},
			{Type: "host", ID: "lt-9"}, {Type: "account", ID: "t1"}},
		File: "vpn.jsonl", Raw: e.Raw}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	if e := list[1]; e.Time.Unix() != 1709640002 || e.Outcome != "success" || e.Actor.ID != "" {
		t.Errorf("%+v", e)
	}
	if list[2].Format != "json" {
		t.Errorf("another product is taken for %s", list[2].Format)
	}
	if list[3].Format != "acme.vpn" || list[3].Key == list[4].Key {
		t.Errorf("two records without id are one: %+v", list[3:])
	}
}

// TestMappingRefused pins the place and the reason of every fault.
func TestMappingRefused(t *testing.T) {
	const good = "name: acme.vpn\nrecognise:\n  - product\n"
	for _, c := range []struct{ yaml, want string }{
		{"", "m.yml: the file is empty"},
		{"- a\n", "m.yml:1:1: want keys and values here"},
		{"name: acme.vpn\n", "m.yml:1:1: there is no recognise (hint: add recognise: with the fields that tell these records from others)"},
		{"recognise: [product]\n", "m.yml:1:1: there is no name (hint: add name: vendor.log)"},
		{"name: acme.vpn\nrecognise: []\n", "m.yml:2:12: recognise is empty (hint: a format that takes every record would hide all others)"},
		{"name: VPN\nrecognise: [product]\n", `m.yml:1:7: name "VPN": want lower-case words with a dot between them, such as acme.vpn`},
		{"name: okta.system\nrecognise: [product]\n", `m.yml:1:7: name "okta.system" is the name of a format that is built in (hint: choose another)`},
		{good + "actions: x\n", `m.yml:4:1: unknown key "actions" (hint: docs/formats.md lists the keys of a mapping file)`},
		{good + "action: a\naction: b\n", `m.yml:5:1: key "action" stands here twice`},
		{good + "action: a..b\n", `m.yml:4:9: path "a..b": want keys with dots between them, such as user.name (hint: put a key that holds a dot in brackets: user.[first.name])`},
		{good + "action: a.[b\n", `m.yml:4:9: path "a.[b": want keys with dots between them, such as user.name (hint: put a key that holds a dot in brackets: user.[first.name])`},
		{good + "action: a[0].b\n", `m.yml:4:9: path "a[0].b": want keys with dots between them, such as user.name (hint: put a key that holds a dot in brackets: user.[first.name])`},
		{good + "action: '[a]b'\n", `m.yml:4:9: path "[a]b": want keys with dots between them, such as user.name (hint: put a key that holds a dot in brackets: user.[first.name])`},
		{good + "action: [a, [b]]\n", "m.yml:4:13: want one value here"},
		{good + "actor: {type: robot}\n", `m.yml:4:15: type "robot": want one of user, role, session, service_principal, key, ip, domain, host, resource, account`},
		{good + "outcome: {success: ok}\n", "m.yml:4:10: outcome has no field"},
		{good + "targets: [{type: user}]\n", "m.yml:4:11: an entity needs a field"},
		{"name: acme.vpn\nrecognise:\n  - {equals: x}\n", "m.yml:3:5: a condition of recognise needs a field"},
		{good + "ignore_case: maybe\n", "m.yml:4:14: ignore_case: want true or false"},
		{"name: acme.vpn\nrecognise: &a [product]\nid: *a\n", "m.yml:3:5: aliases are not used in mapping files (hint: write the value out)"},
		{"name: VPN\nrecognise:\n  - {field: p, equal: x}\ntim: ts\n", "m.yml:1:7: name \"VPN\": want lower-case words with a dot between them, such as acme.vpn\n" +
			"m.yml:3:16: unknown key \"equal\" (hint: docs/formats.md lists the keys of a mapping file)\n" +
			"m.yml:4:1: unknown key \"tim\" (hint: docs/formats.md lists the keys of a mapping file)"},
		{good + "---\n" + good, "m.yml: one file holds one format (hint: put a second document in a file of its own)"},
		{"name: [", "m.yml: line 1: did not find expected node content"},
	} {
		_, err := ParseMapping("m.yml", []byte(c.yaml))
		var bad *MappingError
		if !errors.As(err, &bad) || err.Error() != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.yaml, err, c.want)
		}
	}
	if _, err := ParseMapping("m.yml", []byte(good+"# "+strings.Repeat("x", maxMapping))); err == nil {
		t.Error("a file of more than 1 MB is read")
	}
}

// FuzzMapping: whatever a mapping file says, what is accepted decodes records.
func FuzzMapping(f *testing.F) {
	data, err := os.ReadFile("testdata/mapping/acme.vpn.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("name: a.b\nrecognise: [x]\nkey: [x, 'y.[a.b]']\ntargets: [{field: x}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		format, err := ParseMapping("m.yml", data)
		if err != nil {
			return
		}
		r := alone(format).scan(t, []byte(`{"x":"1","y":[{"a.b":2}],"product":"acme-vpn","ts":1709640001}`))
		format.Is(r)
		format.Key(r)
		format.Time(r)
		r.Event()
	})
}
