package detect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// These are the cases that the specification of Sigma's correlation rules and its
// tests describe, in our words, from the text of the rules to the windows.

const specLogons = `
title: A logon that failed
id: 00000000-0000-4000-8000-0000000000a1
name: failed_logon
logsource: {product: windows, service: security}
detection: {s: {EventID: [529, 4625]}, condition: s}
---
title: A logon that succeeded
id: 00000000-0000-4000-8000-0000000000a2
name: successful_logon
logsource: {product: windows, service: security}
detection: {s: {EventID: [528, 4624]}, condition: s}
---
`

const specRecon = `
title: Recon A
name: recon_cmd_a
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: whoami}, condition: s}
---
title: Recon B
name: recon_cmd_b
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: 'net user'}, condition: s}
---
title: Recon C
name: recon_cmd_c
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: systeminfo}, condition: s}
---
`

const specTraffic = `
title: Access to a website
name: website_access
logsource: {category: web_access}
detection: {s: {cs-method: [POST, PUT]}, condition: s}
---
`

// many makes n events, one a step of seconds from at on; format holds %d for its number.
func many(n, at, step int, format string) []sigmaEvent {
	out := make([]sigmaEvent, n)
	for i := range out {
		rec := format
		if strings.Contains(format, "%d") {
			rec = fmt.Sprintf(format, i)
		}
		out[i] = sigmaEvent{at + i*step, rec}
	}
	return out
}

func events(lists ...[]sigmaEvent) (out []sigmaEvent) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

func at(t int, record string) []sigmaEvent { return []sigmaEvent{{t, record}} }

// TestSpecification: what is wanted is written as title, group, and how many events
// from which to which.
func TestSpecification(t *testing.T) {
	host := func(list []sigmaEvent, name string) []sigmaEvent {
		for i := range list {
			list[i].record = strings.Replace(list[i].record, "{", `{"ComputerName":"`+name+`",`, 1)
		}
		return list
	}
	const fail, ok = `{"EventID":4625,"User":"mary"}`, `{"EventID":4624,"User":"mary"}`
	recon := func(t int, user, cmd string) []sigmaEvent {
		return at(t, fmt.Sprintf(`{"ComputerName":"h","User":%q,"CommandLine":%q}`, user, cmd))
	}
	cases := []struct {
		name, rules, correlation string
		events                   []sigmaEvent
		want                     []string
	}{
		{"100 logons fail on a host in an hour", specLogons, `
title: Many
correlation: {type: event_count, rules: [00000000-0000-4000-8000-0000000000a1], group-by: [ComputerName], timespan: 1h, condition: {gte: 100}}
`, events(host(many(99, 0, 1, fail), "a"), host(many(100, 0, 36, fail), "b"), host(many(100, 0, 37, fail), "c"), host(many(1, 100, 1, ok), "a")),
			[]string{"Many [b] 100: 0..3564"}},
		{"101 to 200", specLogons, `
title: Range
correlation: {type: event_count, rules: [failed_logon], group-by: [ComputerName], timespan: 90m, condition: {gt: 100, lte: 200}}
`, events(host(many(100, 0, 1, fail), "a"), host(many(101, 0, 1, fail), "b"), host(many(200, 0, 27, fail), "c"), host(many(201, 0, 27, fail), "d")),
			[]string{"Range [b] 101: 0..100", "Range [c] 200: 0..5373"}},
		{"pairs of name and domain", specLogons, `
title: Pairs
correlation: {type: event_count, rules: [failed_logon], group-by: [TargetUserName, TargetDomainName], timespan: 1m, condition: {gte: 2}}
`, events(at(0, `{"EventID":529,"TargetUserName":"x","TargetDomainName":"a"}`), at(1, `{"EventID":529,"TargetUserName":"x","TargetDomainName":"b"}`),
			at(2, `{"EventID":529,"TargetUserName":"xa","TargetDomainName":""}`), at(3, `{"EventID":529,"TargetUserName":"x","TargetDomainName":"b"}`)),
			[]string{"Pairs [x b] 2: 1..3"}},
		{"100 accounts from one place in a day", specLogons, `
title: Accounts
correlation: {type: value_count, rules: [failed_logon], group-by: [ComputerName, WorkstationName], timespan: 1d, condition: {field: User, gte: 100}}
`, events(host(many(100, 0, 800, `{"EventID":4625,"WorkstationName":"w","User":"u%d"}`), "a"), host(many(200, 0, 1, `{"EventID":4625,"WorkstationName":"w","User":"u"}`), "b"),
			host(many(60, 0, 1, `{"EventID":4625,"WorkstationName":"v","User":"u%d"}`), "c"), host(many(60, 60, 1, `{"EventID":4625,"WorkstationName":"w","User":"v%d"}`), "c")),
			[]string{"Accounts [a w] 100: 0..79200"}},
		{"three commands in any order", specRecon, `
title: Recon
correlation: {type: temporal, rules: [recon_cmd_a, recon_cmd_b, recon_cmd_c], group-by: [ComputerName, User], timespan: 5m}
`, events(recon(0, "x", "systeminfo"), recon(200, "x", "whoami /all"), recon(300, "x", "net user /dom"), recon(0, "y", "whoami"), recon(1, "y", "net user"), recon(2, "z", "systeminfo"),
			recon(1000, "y", "whoami"), recon(1001, "y", "net user"), recon(1301, "y", "systeminfo")),
			[]string{"Recon [h x] 3: 0..300"}},
		{"three commands by a condition in capitals", specRecon, `
title: Recon
correlation: {type: temporal, rules: [recon_cmd_a, recon_cmd_b, recon_cmd_c], group-by: [ComputerName, User], timespan: 5m, condition: recon_cmd_a AND recon_cmd_b AND recon_cmd_c}
`, events(recon(0, "x", "systeminfo"), recon(200, "x", "whoami"), recon(300, "x", "net user"), recon(0, "y", "whoami"), recon(1, "y", "net user")),
			[]string{"Recon [h x] 3: 0..300"}},
		{"three commands in order", specRecon, `
title: Recon
correlation: {type: temporal_ordered, rules: [recon_cmd_a, recon_cmd_b, recon_cmd_c], group-by: [ComputerName, User], timespan: 5m, condition: recon_cmd_a AND recon_cmd_b AND recon_cmd_c}
`, events(recon(0, "x", "whoami"), recon(200, "x", "net user"), recon(300, "x", "systeminfo"), recon(0, "y", "net user"), recon(1, "y", "whoami"), recon(2, "y", "systeminfo")),
			[]string{"Recon [h x] 3: 0..300"}},
		{"bytes sent in an hour", specTraffic, `
title: Exfiltration
correlation: {type: value_sum, rules: [website_access], group-by: [SourceIP, User], timespan: 1h, condition: {field: bytes_sent, gt: 1000000}}
`, events(many(3, 0, 60, `{"cs-method":"POST","SourceIP":"192.0.2.1","User":"a","bytes_sent":333334}`), many(4, 0, 60, `{"cs-method":"PUT","SourceIP":"192.0.2.1","User":"b","bytes_sent":250000}`),
			many(4, 0, 60, `{"cs-method":"GET","SourceIP":"192.0.2.1","User":"c","bytes_sent":2500000}`)),
			[]string{"Exfiltration [192.0.2.1 a] 3: 0..120"}},
		{"bytes on average in a day", specTraffic, `
title: Average
correlation: {type: value_avg, rules: [website_access], group-by: [SourceIP, User], timespan: 24h, condition: {field: BytesOut, gt: 500}}
`, events(at(0, `{"cs-method":"PUT","SourceIP":"192.0.2.1","User":"a","BytesOut":1}`), at(86400, `{"cs-method":"PUT","SourceIP":"192.0.2.1","User":"a","BytesOut":"1001"}`),
			at(5, `{"cs-method":"PUT","SourceIP":"192.0.2.1","User":"b","BytesOut":900}`), at(6, `{"cs-method":"PUT","SourceIP":"192.0.2.1","User":"b","BytesOut":100}`)),
			[]string{"Average [192.0.2.1 a] 2: 0..86400"}},
		{"addresses under other names", `
title: Internal error
name: internal_error
logsource: {category: application}
detection: {s: {http.response.status_code: 500}, condition: s}
---
title: New connection
name: new_network_connection
logsource: {category: network}
detection: {s: {event.category: network, event.type: connection, event.outcome: success}, condition: s}
---
`, `
title: Error and connection
correlation:
  type: temporal
  rules: [internal_error, new_network_connection]
  group-by: [internal_ip, remote_ip]
  timespan: 10s
  aliases:
    internal_ip: {internal_error: destination.ip, new_network_connection: source.ip}
    remote_ip: {internal_error: source.ip, new_network_connection: destination.ip}
`, events(at(0, `{"http":{"response":{"status_code":500}},"source":{"ip":"198.51.100.7"},"destination":{"ip":"10.0.0.1"}}`),
			at(5, `{"event":{"category":"network","type":"connection","outcome":"success"},"source":{"ip":"198.51.100.7"},"destination":{"ip":"10.0.0.1"}}`),
			at(10, `{"event":{"category":"network","type":"connection","outcome":"success"},"source":{"ip":"10.0.0.1"},"destination":{"ip":"198.51.100.7"}}`)),
			[]string{"Error and connection [10.0.0.1 198.51.100.7] 2: 0..10"}},
		{"a chain with a group of its own", specLogons, `
title: Many
name: many_failed_logons
correlation: {type: event_count, rules: [failed_logon], group-by: [ComputerName], timespan: 1h, condition: {gte: 5}}
---
title: In at last
correlation: {type: temporal_ordered, rules: [many_failed_logons, successful_logon], group-by: [User], timespan: 1h}
`, events(host(many(6, 0, 10, `{"EventID":4625,"User":"u%d"}`), "a"), host(many(4, 0, 10, `{"EventID":4625,"User":"mary"}`), "b"),
			// one who failed, on another host; one who did not fail; one who failed where few did;
			// one too late
			host(at(300, `{"EventID":4624,"User":"u2"}`), "c"), host(at(301, `{"EventID":4624,"User":"zoe"}`), "a"), host(at(302, `{"EventID":4624,"User":"mary"}`), "b"), host(at(3651, `{"EventID":4624,"User":"u5"}`), "a")),
			[]string{"In at last [u2] 7: 0..300"}},
		{"a chain written before its parts", "", `
title: Failures and then a success
id: 00000000-0000-4000-8000-0000000000b1
status: experimental
correlation:
  type: temporal_ordered
  rules: [multiple_failed_logons, successful_logon]
  group-by: [User]
  timespan: 10m
falsepositives: [Unlikely]
level: high
---
title: Multiple failures
name: multiple_failed_logons
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [User]
  timespan: 10m
  condition: {gte: 10}
---
` + strings.TrimSuffix(specLogons, "---\n"), events(many(10, 0, 20, fail), at(700, ok), many(9, 2000, 1, `{"EventID":529,"User":"zoe"}`), at(2100, `{"EventID":528,"User":"zoe"}`)),
			[]string{"Failures and then a success [mary] 11: 0..700"}},
		{"failures go on after the success", specLogons, `
title: Multiple failures
name: multiple_failed_logons
correlation: {type: event_count, rules: [failed_logon], group-by: [User], timespan: 10m, condition: {gte: 10}}
---
title: Failures and then a success
correlation: {type: temporal_ordered, rules: [multiple_failed_logons, successful_logon], group-by: [User], timespan: 10m}
`, events(many(10, 0, 1, fail), at(60, ok), many(5, 61, 1, fail)), []string{"Failures and then a success [mary] 16: 0..65"}},
		{"the success comes before the tenth failure", specLogons, `
title: Multiple failures
name: multiple_failed_logons
correlation: {type: event_count, rules: [failed_logon], group-by: [User], timespan: 10m, condition: {gte: 10}}
---
title: Failures and then a success
correlation: {type: temporal_ordered, rules: [multiple_failed_logons, successful_logon], group-by: [User], timespan: 10m}
`, events(many(9, 0, 1, fail), at(60, ok), many(1, 61, 1, fail)), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range runSigma(t, c.rules+strings.TrimPrefix(c.correlation, "\n"), c.events) {
				got = append(got, specFinding(f))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func specFinding(f yagura.Finding) string {
	var group []string
	for _, w := range f.Why {
		if w.Op == "group-by" {
			group = append(group, w.Actual)
		}
	}
	first, last := 1<<30, 0
	for _, id := range f.Events {
		var n int
		fmt.Sscan(id, &n)
		first, last = min(first, n), max(last, n)
	}
	return fmt.Sprintf("%s %v %d: %d..%d", f.Rule.Title, group, len(f.Events), first, last)
}

// TestSpecificationRefused: the one example that does not say what it measures.
func TestSpecificationRefused(t *testing.T) {
	rules, refusals := sigma.Load([]rule.File{{Path: "a.yml", Data: []byte(specTraffic + `title: Rare
correlation: {type: value_percentile, rules: [website_access], group-by: [ComputerName], timespan: 24h, condition: {field: image, lte: 1}}
`)}}, sigma.Options{NoRouting: true})
	if len(rules) != 1 || len(refusals) != 1 || !strings.Contains(refusals[0].Error(), "value_percentile needs a percentile") {
		t.Errorf("%d rules, %v", len(rules), refusals)
	}
}
