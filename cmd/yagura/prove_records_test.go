//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// traffic is what a lab sends: objects of a bucket, and bodies that are pushed.
type traffic struct {
	names    []string // of the objects, in the order of being announced
	objects  map[string][]byte
	pushed   [][]byte
	records  int // in objects, repeats and broken ones included
	inPushed int
	distinct int // events: no repeats, nothing broken; other content under a known id counts
	broken   int
}

var trafficStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// trailEvent is a CloudTrail record. id is of the event; who is a user of the account.
func trailEvent(id int, at time.Time, who, ip, service, name, parameters, more string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA%s","arn":"arn:aws:iam::111122223333:user/%s","accountId":"111122223333","userName":"%s"},`+
		`"eventTime":"%s","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"%s","userAgent":"aws-cli/2.17.9","requestParameters":%s,`+
		`"responseElements":null,"requestID":"r%d","eventID":"00000000-0000-4000-8000-%012d","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,`+
		`"recipientAccountId":"111122223333","eventCategory":"Management"%s}`,
		strings.ToUpper(who), who, who, at.UTC().Format(time.RFC3339), service, name, ip, parameters, id, id, more)
}

// labRules are correlations of every kind over base matches that are not told themselves,
// and one over a correlation.
const labRules = `
title: Lab probe
name: lab_probe
id: 3f0c2c1e-0000-4000-8000-000000000001
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventSource: lab.amazonaws.com, eventName: Probe}, condition: selection}
level: low
---
title: Lab take
name: lab_take
id: 3f0c2c1e-0000-4000-8000-000000000002
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventSource: lab.amazonaws.com, eventName: Take}, condition: selection}
level: low
---
title: Many probes
name: many_probes
id: 3f0c2c1e-0000-4000-8000-000000000003
correlation: {type: event_count, rules: [lab_probe], group-by: [userIdentity.arn], timespan: 5m, condition: {gte: 8}}
level: medium
---
title: Probes from many addresses
name: many_addresses
id: 3f0c2c1e-0000-4000-8000-000000000004
correlation: {type: value_count, rules: [lab_probe], group-by: [userIdentity.arn], timespan: 15m, condition: {gte: 5, field: sourceIPAddress}}
level: medium
---
title: Probe and take
name: probe_and_take
id: 3f0c2c1e-0000-4000-8000-000000000005
correlation: {type: temporal, rules: [lab_probe, lab_take], group-by: [userIdentity.arn], timespan: 5m}
level: high
---
title: Many probes again and again
name: probes_again
id: 3f0c2c1e-0000-4000-8000-000000000006
correlation: {type: event_count, rules: [many_probes], group-by: [userIdentity.arn], timespan: 2h, condition: {gte: 2}, generate: true}
level: high
`

// makeTraffic makes a traffic of n objects of about size records, the same for a seed.
func makeTraffic(seed uint64, n, size, causes, probers int) *traffic {
	r := rand.New(rand.NewPCG(seed, 1))
	tr := &traffic{objects: map[string][]byte{}}
	var events []string
	id := 0
	add := func(at time.Time, who, ip, service, name, parameters, more string) {
		id++
		events = append(events, trailEvent(id, at, who, ip, service, name, parameters, more))
	}
	at := func() time.Time { return trafficStart.Add(time.Duration(r.IntN(6*3600)) * time.Second) }
	// What shipped rules find: some causes, each several times.
	for c := range causes {
		for range 1 + r.IntN(4) {
			who := fmt.Sprintf("dev%d", c%5)
			switch c % 4 {
			case 0:
				add(at(), who, "198.51.100.7", "ec2", "AuthorizeSecurityGroupIngress", fmt.Sprintf(`{"groupId":"sg-%d","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`, c), "")
			case 1:
				add(at(), who, "198.51.100.7", "cloudtrail", "StopLogging", fmt.Sprintf(`{"name":"trail-%d"}`, c), "")
			case 2:
				add(at(), who, "198.51.100.7", "iam", "CreateUser", fmt.Sprintf(`{"userName":"new-%d"}`, c), "")
			case 3:
				add(at(), who, "198.51.100.7", "iam", "AttachUserPolicy", fmt.Sprintf(`{"userName":"u-%d","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`, c), "")
			}
		}
	}
	// Base matches: for some users bursts that make windows, for others too few.
	for u := range probers {
		who := fmt.Sprintf("prober%d", u)
		for burst := range 3 {
			begin := trafficStart.Add(time.Duration(burst)*40*time.Minute + time.Duration(u)*time.Minute)
			count := 8 + r.IntN(8)
			if u%3 == 2 {
				count = 4
			}
			for k := range count {
				add(begin.Add(time.Duration(k*15)*time.Second), who, fmt.Sprintf("203.0.113.%d", 1+k%(4+u%3)), "lab", "Probe", "null", "")
			}
			if u%2 == 0 {
				add(begin.Add(4*time.Minute), who, "203.0.113.200", "lab", "Take", "null", "")
			}
		}
	}
	for len(events) < n*size {
		add(at(), fmt.Sprintf("user%d", r.IntN(40)), "192.0.2.10", "ec2", []string{"DescribeInstances", "DescribeVolumes", "DescribeImages"}[r.IntN(3)], "null", "")
	}
	tr.distinct = len(events)
	// The same id with other content, of events that nothing finds.
	for n := range 5 {
		e := events[tr.distinct-1-7*n]
		events = append(events, strings.Replace(e, `"eventName":"Describe`, fmt.Sprintf(`"eventName":"Other%dDescribe`, n), 1))
	}
	tr.distinct = len(events)
	// A tenth comes once more, in whatever object.
	for range len(events) / 10 {
		events = append(events, events[r.IntN(tr.distinct)])
	}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	// A tenth of all is pushed.
	cut := len(events) / 10
	for part := range slices.Chunk(events[:cut], size) {
		tr.pushed = append(tr.pushed, []byte(strings.Join(part, "\n")+"\n"))
		tr.inPushed += len(part)
	}
	k := 0
	for part := range slices.Chunk(events[cut:], (len(events)-cut+n-1)/n) {
		k++
		name := fmt.Sprintf("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/02/%05d.json", k)
		tr.records += len(part)
		var body []byte
		switch {
		case k%25 == 0: // lines, one of them broken
			broken := slices.Insert(slices.Clone(part), r.IntN(len(part)), `{"eventVersion":"1.11","userIdentity":{`)
			body = []byte(strings.Join(broken, "\n") + "\n")
			tr.broken++
			tr.records++
		default:
			body = []byte(`{"Records":[` + strings.Join(part, ",") + `]}`)
		}
		if k%3 == 0 {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, _ = w.Write(body) // into memory
			_ = w.Close()
			body, name = z.Bytes(), name+".gz"
		}
		tr.objects[name] = body
		tr.names = append(tr.names, name)
	}
	return tr
}
