package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// server is a configuration that nothing is wrong with.
const server = `data: d
server: {listen: "127.0.0.1:8080"}
sources:
  - name: in
    push:
      path: /in
      tokens: ["ref+env://T"]
sinks:
  - name: chat
    slack:
      token: ref+env://S
      channel: "#x"
`

func TestServeFaults(t *testing.T) {
	if _, err := load(t, server); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, text, want string }{
		"listen":     {`"127.0.0.1:8080"`, `"8080"`, `y.yaml:2:18: server.listen is "8080" (hint: host:port, such as 127.0.0.1:8080 or :8443)`},
		"no listen":  {`{listen: "127.0.0.1:8080"}`, `{}`, `y.yaml:6:13: sources[0].push.path needs a server, and nothing listens (hint: server: {listen: 127.0.0.1:8080})`},
		"half tls":   {`{listen: "127.0.0.1:8080"}`, `{listen: ":1", tls_key: k}`, `y.yaml:2:33: server.tls_key is there without tls_cert (hint: give both or none)`},
		"url":        {`{listen: "127.0.0.1:8080"}`, `{listen: ":1", url: yagura.example.com}`, `y.yaml:2:29: server.url is no address (hint: https://example.com/…)`},
		"digest":     {"data: d", "data: d\ndigest: 8:30", `y.yaml:2:9: digest is "8:30" (hint: a time of day, such as 08:30)`},
		"late":       {"data: d", "data: d\ndigest: \"24:00\"", `y.yaml:2:9: digest is "24:00" (hint: a time of day, such as 08:30)`},
		"zone":       {"data: d", "data: d\ntimezone: Mars/Base", `y.yaml:2:11: timezone is "Mars/Base" (hint: a name such as Asia/Tokyo; without it, UTC)`},
		"target":     {"data: d", "data: d\ntargets:\n  hgih: {close: 1d}", `y.yaml:3:9: targets.hgih: severity "hgih": want critical, high, medium, low or none (hint: targets: {high: {acknowledge: 1h, close: 3d}})`},
		"order":      {"data: d", "data: d\ntargets:\n  low: {acknowledge: 2d, close: 1d}", `y.yaml:3:8: targets.low: acknowledge is longer than close (hint: what is closed has been acknowledged)`},
		"store":      {"data: d", "data: d\nstore: mysql://x", `y.yaml:2:8: store is no address of PostgreSQL (hint: postgres://user@host/database, or leave it out for SQLite below data)`},
		"tenant":     {"data: d", "data: d\ntenant: a|b", `y.yaml:2:9: tenant is "a|b" (hint: one word of letters, digits, - _ and . ; it must never change)`},
		"watchdog":   {"data: d", "data: d\nwatchdog: {every: 1m}", `y.yaml:2:19: watchdog.every is there without url (hint: give watchdog.url too)`},
		"own":        {"data: d", "data: d\nown: {roles: [yagura]}", `y.yaml:2:15: own.roles[0] is "yagura" (hint: the ARN of a role or user, such as arn:aws:iam::111122223333:role/yagura)`},
		"off":        {"data: d", "data: d\norganizations: {age: 1h}", `y.yaml:2:16: organizations is set up and not enabled (hint: enabled: true)`},
		"no name":    {"name: in\n    push", "push", `y.yaml:4:5: sources[0] has no name (hint: a word that never changes: small letters, digits, - _ and .)`},
		"name":       {"name: in", "name: In", `y.yaml:4:11: sources[0].name is "In" (hint: small letters, digits, - _ and . ; it must never be given to something else)`},
		"same name":  {"name: chat", "name: in", `y.yaml:9:11: sinks[0].name is "in", as that of sources[0] (hint: every source and sink has a name of its own)`},
		"kind name":  {"name: chat", "name: github", `y.yaml:9:11: sinks[0].name is "github", which is the word of another kind (hint: a route that says so would mean both)`},
		"two kinds":  {"    push:", "    folder: {paths: [x]}\n    push:", `y.yaml:4:5: sources[0] has no kind, or several (hint: give exactly one of sqs, folder, bucket, push, sns, eventbridge, falco)`},
		"own path":   {"path: /in", "path: /metrics", `y.yaml:6:13: sources[0].push.path is "/metrics" (hint: a path of its own, such as /in/trail)`},
		"braces":     {"path: /in", "path: /in/{x", `y.yaml:6:13: sources[0].push.path is "/in/{x" (hint: a path of its own, such as /in/trail)`},
		"same path":  {"sinks:", "  - name: b\n    push: {path: /in, tokens: [\"ref+env://T\"]}\nsinks:", `y.yaml:9:18: sources[1].push.path is "/in", as that of sources[0].push.path (hint: every source and sink has a path of its own)`},
		"short":      {`["ref+env://T"]`, `["ref+env://T", x]`, `y.yaml:7:31: sources[0].push.tokens[1] is shorter than 16 bytes (hint: openssl rand -hex 32)`},
		"no token":   {`["ref+env://T"]`, `[]`, `y.yaml:6:7: sources[0].push has no tokens or secrets (hint: nobody may post without a credential)`},
		"level":      {`channel: "#x"`, "channel: \"#x\"\n      channels: {loud: \"#y\"}", `y.yaml:13:24: sinks[0].slack.channels.loud: severity "loud": want critical, high, medium, low or none (hint: channels: {high: "#security-alerts"})`},
		"half slack": {`channel: "#x"`, "channel: \"#x\"\n      path: /slack", `y.yaml:13:13: sinks[0].slack.path is there without signing_secret (hint: give both or none)`},
		"lang":       {"name: chat", "name: chat\n    lang: fr", `y.yaml:10:11: sinks[0].lang is "fr" (hint: en or ja)`},
		"template":   {"  - name: chat", "  - name: h\n    template: x\n    securityhub: {account: \"111122223333\"}\n  - name: chat", `y.yaml:10:15: sinks[0].template is not read by securityhub (hint: github, slack and webhook have templates)`},
		"role":       {"  - name: in", "  - name: q\n    sqs: {queue: \"https://sqs.eu-west-1.amazonaws.com/111122223333/q\", s3: {external_id: x}}\n  - name: in", `y.yaml:5:90: sources[0].sqs.s3.external_id is there without role (hint: it is sent when a role is taken on)`},
		"day":        {"  - name: in", "  - name: b\n    bucket: {url: \"s3://b/p\", from: 2026-02-30}\n  - name: in", `y.yaml:5:37: sources[0].bucket.from is "2026-02-30" (hint: a day, such as 2026-03-14)`},
		"both":       {`tokens: ["ref+env://T"]`, "tokens: [\"ref+env://T\"]\n      both: true", `y.yaml:8:13: sources[0].push.both is there without tokens and secrets (hint: give both, or leave it out)`},
		"client ca":  {`{listen: "127.0.0.1:8080"}`, `{listen: ":1", client_ca: x}`, `y.yaml:2:35: server.client_ca is there without tls_cert (hint: certificates are asked for over TLS)`},
		"topic":      {"  - name: in", "  - name: s\n    sns: {path: /s, topics: [\"arn:aws:sns:*:111122223333:trail-*\", \"arn:aws:sns:eu-west-1:*:trail\"]}\n  - name: in", `y.yaml:5:68: sources[0].sns.topics[1] is "arn:aws:sns:eu-west-1:*:trail" (hint: the ARN of a topic, such as arn:aws:sns:eu-west-1:111122223333:trail)`},
		"private":    {"  - name: in", "  - name: s\n    sns: {path: /s, topics: [\"arn:aws:sns:*:111122223333:*\"], private: [10.0.0.1]}\n  - name: in", `y.yaml:5:73: sources[0].sns.private[0] is "10.0.0.1" (hint: a network, such as 10.0.0.0/8)`},
		"pd region":  {"  - name: chat", "  - name: p\n    pagerduty: {routing_key: k, region: asia}\n  - name: chat", `y.yaml:10:41: sinks[0].pagerduty.region is "asia" (hint: us or eu)`},
		"hub":        {"  - name: chat", "  - name: h\n    securityhub: {accounts: {x: {region: r}}}\n  - name: chat", `y.yaml:10:33: sinks[0].securityhub.accounts.x is "x" (hint: 12 digits with their zeros)`},
		"type":       {"  - name: chat", "  - name: h\n    webhook: {url: \"https://e.example\", content_type: text/plain}\n  - name: chat", `y.yaml:10:55: sinks[0].webhook.content_type is there without template (hint: it is the type of what a template makes)`},
		"after":      {"  - name: in", "  - name: f\n    folder: {paths: [x], after: move}\n  - name: in", `y.yaml:5:33: sources[0].folder.after is "move" (hint: keep, delete or move:FOLDER)`},
		"plain":      {"  - name: chat", "  - name: w\n    webhook: {url: \"http://x.example\"}\n  - name: chat", `y.yaml:10:20: sinks[0].webhook.url is not encrypted (hint: write https://)`},
		"github":     {"  - name: chat", "  - name: g\n    github: {repository: a/b, token: x, app_id: \"1\", app_key: y}\n  - name: chat", `y.yaml:10:38: sinks[0].github.token is there with app_id (hint: give one of them)`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(server, c.old) {
				t.Fatalf("the configuration has no %q", c.old)
			}
			_, err := load(t, strings.Replace(server, c.old, c.text, 1))
			if err == nil {
				t.Fatal("accepted")
			}
			if d := cmp.Diff(c.want, err.Error()); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestServeFaultsAreSaidOnce: what could not be read is not missed once more.
func TestServeFaultsAreSaidOnce(t *testing.T) {
	_, err := load(t, strings.Replace(server, "token: ref+env://S", "token_file: gone", 1))
	if err == nil || strings.Count(err.Error(), "\n") > 1 || !strings.Contains(err.Error(), "sinks[0].slack.token_file: gone: no such file") {
		t.Error(err)
	}
}

func TestInspect(t *testing.T) {
	if _, err := load(t, strings.Replace(server, "data: d", "data: d\nworkers: x", 1)); err == nil {
		t.Fatal("accepted")
	}
	c, where, bad, err := Inspect("y.yaml", []string{"YAGURA_TENANT=t"})
	if err != nil || len(bad) != 1 || c.Sinks[0].Name != "chat" {
		t.Fatalf("%+v, %v, %v", c, bad, err)
	}
	for path, want := range map[string]string{"data": "y.yaml:1:7", "sources[0].push.tokens[0]": "y.yaml:8:16", "sinks[0].slack.app_token": "y.yaml:12:7",
		"sinks[7].name": "y.yaml:10:3", "tenant": "YAGURA_TENANT", "nothing.at.all": "y.yaml"} {
		if got := where(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestRecheck: the role of re-checks is one of every account.
func TestRecheck(t *testing.T) {
	for text, want := range map[string]string{
		"recheck: {enabled: true, role: 'arn:aws:iam::{account}:role/yagura-recheck', every: 1h, accounts: ['111122223333'], per_minute: 10}": "",
		"recheck: {enabled: true}": "recheck.role is missing",
		"recheck: {enabled: true, role: 'arn:aws:iam::111122223333:role/yagura-recheck'}":                  `recheck.role is "arn:aws:iam::111122223333`,
		"recheck: {enabled: true, role: 'arn:aws:iam::{account}:role/r', every: 1m}":                       "recheck.every is shorter than 5m",
		"recheck: {enabled: true, role: 'arn:aws:iam::{account}:role/r', accounts: [abc]}":                 `recheck.accounts[0] is "abc"`,
		"recheck: {enabled: true, role: 'arn:aws:iam::{account}:role/r', endpoint: 'ftp://x.example.com'}": "recheck.endpoint",
		"recheck: {role: 'arn:aws:iam::{account}:role/r'}":                                                 "recheck is set up and not enabled",
	} {
		_, err := load(t, text+"\n")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestUsual: databases that are not there, networks that are none, and bounds that nobody could
// ever meet are refused, with their place.
func TestUsual(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"usual: {period: 30d, learning: 7d, events: 20, timeout: 10ms, questions: 9, memory: 64MB, ignore: [203.0.113.0/24]}": "",
		"usual: {asn: '" + dir + "/none.mmdb'}": "y.yaml:1:14: usual.asn: there is no file",
		"usual: {city: '" + dir + "'}":          "usual.city: " + dir + " is no file",
		"usual: {ignore: [203.0.113.7]}":        `y.yaml:1:18: usual.ignore[0] is "203.0.113.7"`,
		"usual: {period: 12h}":                  "usual.period is not from 1d to 366d",
		"usual: {period: 367d}":                 "usual.period is not from 1d to 366d",
		"usual: {period: 14d}":                  "usual.learning is not shorter than usual.period",
		"usual: {events: -1}":                   "usual.events is -1",
		"usual: {questions: -1}":                "usual.questions is -1",
		"usual: {timeout: 9ms}":                 "y.yaml:1:18: usual.timeout is not 10ms to 30s",
		"usual: {timeout: 31s}":                 "usual.timeout is not 10ms to 30s",
	} {
		_, err := load(t, text+"\n")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestLake: what cannot be a place, a time or a size of the lake is refused, with its place.
func TestLake(t *testing.T) {
	for text, want := range map[string]string{
		"lake: {dir: 's3://bucket/lake', flush: 30s, cut: 32MB, memory: 64MiB}": "",
		"lake: {compact: 10}": "y.yaml:1:17: lake.compact is 10 bytes (hint: 1MB or more",
		"lake: {retention: [{format: 'aws.*', account: '1*', keep: 90d, raw: 7d}]}": "",
		"lake: {retention: [{format: '['}]}":                                        `y.yaml:1:29: lake.retention[0].format is "["`,
		"lake: {retention: [{keep: 7d, raw: 90d}]}":                                 "lake.retention[0].raw is longer than keep",
		"lake: {retention: [{kept: 7d}]}":                                           "kept",
		"lake: {holds: [{account: '1', from: 2026-03-01, to: 2026-03-31}]}":         "",
		"lake: {holds: [{from: yesterday}]}":                                        "is no day: write 2026-03-14",
		"lake: {holds: [{from: 2026-03-02, to: 2026-03-01}]}":                       "lake.holds[0].to is before from",
		"lake: {dir: lake}":                                                         "",
		"lake: {dir: 'ftp://x/y'}":                                                  `y.yaml:1:13: lake.dir is "ftp://x/y" (hint: a folder, s3://bucket/prefix`,
		"lake: {flush: 1ms}":                                                        "y.yaml:1:15: lake.flush is 1ms",
		"lake: {flush: 2h}":                                                         "lake.flush is 2h0m0s",
		"lake: {cut: 10}":                                                           "y.yaml:1:13: lake.cut is 10 bytes (hint: 1MB to 1GB)",
		"lake: {memory: 1MB}":                                                       "lake.memory is 1000000 bytes",
		"lake: {price: {stored: 0.023, received: 0.01, currency: USD}}":             "",
		"lake: {price: {stored: 2, currency: 円}}":                                   "",
		"lake: {price: {stored: -1}}":                                               `y.yaml:1:24: lake.price.stored: "-1" is no price: write 0.023`,
		"lake: {price: {stored: .inf}}":                                             "is no price",
		"lake: {price: {stored: nan}}":                                              "is no price",
		"lake: {price: {currency: USD}}":                                            "y.yaml:1:26: lake.price.currency is there without a price",
		"lake: {price: {stored: 1, currency: 'U S'}}":                               "a short word, such as USD",
		"lake: {flush: 30s, folder: 'x'}":                                           "folder",
	} {
		_, err := load(t, text+"\n")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
