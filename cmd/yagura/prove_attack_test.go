//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
)

// The figures of the laboratory attack.
const (
	attackObjects = 3872
	attackRecords = 30477
	attackRepeats = 6496
	attackDenied  = 10011
)

// serviceEvent is a call of an AWS service in its role that was denied. Not every service
// says in invokedBy that it is one.
func serviceEvent(id int, at time.Time, r *rand.Rand) string {
	calls := []string{"ListBuckets", "DescribeClusters", "ListFunctions", "DescribeTable", "ListTopics", "ListQueues", "DescribeInstances", "ListDomainNames",
		"GetBucketAcl", "DescribeFileSystems", "ListRepositories", "DescribeLoadBalancers", "ListStreams", "ListSecrets"}
	name := calls[r.IntN(len(calls))]
	invoked := `,"invokedBy":"resource-explorer-2.amazonaws.com"`
	if id%2 == 0 {
		invoked = ""
	}
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLESERVICE000:session%d","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForResourceExplorer/session%d",`+
		`"accountId":"111122223333","accessKeyId":"ASIAEXAMPLESERVICE00","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLESERVICE000",`+
		`"arn":"arn:aws:iam::111122223333:role/aws-service-role/resource-explorer-2.amazonaws.com/AWSServiceRoleForResourceExplorer","accountId":"111122223333","userName":"AWSServiceRoleForResourceExplorer"}}%s},`+
		`"eventTime":"%s","eventSource":"svc%d.amazonaws.com","eventName":"%s","awsRegion":"us-east-1","sourceIPAddress":"resource-explorer-2.amazonaws.com","userAgent":"resource-explorer-2.amazonaws.com",`+
		`"errorCode":"AccessDenied","errorMessage":"not authorized to perform this","requestParameters":null,"responseElements":null,"requestID":"r%d","eventID":"00000000-0000-4000-8000-%012d","readOnly":true,`+
		`"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`,
		id/500, id/500, invoked, at.UTC().Format(time.RFC3339), r.IntN(6), name, id, id)
}

// attack is the traffic: an ordinary day, a noisy service, and somebody with a stolen key.
func attack() *traffic {
	r := rand.New(rand.NewPCG(3, 3))
	tr := &traffic{objects: map[string][]byte{}, distinct: attackRecords - attackRepeats, records: attackRecords}
	var events []string
	at := func() time.Time { return trafficStart.Add(time.Duration(r.IntN(8*3600)) * time.Second) }
	for range attackDenied {
		events = append(events, serviceEvent(len(events)+1, at(), r))
	}
	begin := trafficStart.Add(3 * time.Hour)
	step := 0
	does := func(service, name, parameters, more string) {
		step++
		events = append(events, trailEvent(len(events)+1, begin.Add(time.Duration(step)*40*time.Second), "intern", "203.0.113.66", service, name, parameters, more))
	}
	denied := `,"errorCode":"AccessDenied","errorMessage":"not authorized"`
	does("sts", "GetCallerIdentity", "null", "")
	for _, call := range []string{"ListUsers", "ListRoles", "ListPolicies", "GetAccountAuthorizationDetails", "ListGroups", "ListAccessKeys", "ListSAMLProviders", "ListMFADevices", "ListInstanceProfiles", "GetAccountSummary", "ListServerCertificates", "ListVirtualMFADevices"} {
		does("iam", call, "null", denied)
	}
	does("iam", "AttachUserPolicy", `{"userName":"intern","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`, "")
	does("iam", "CreateUser", `{"userName":"support-svc"}`, "")
	does("iam", "CreateAccessKey", `{"userName":"support-svc"}`, "")
	does("iam", "CreateLoginProfile", `{"userName":"support-svc"}`, "")
	does("cloudtrail", "StopLogging", `{"name":"audit"}`, "")
	for len(events) < tr.distinct {
		id := len(events) + 1
		events = append(events, trailEvent(id, at(), fmt.Sprintf("user%d", r.IntN(40)), "192.0.2.10", "ec2", []string{"DescribeInstances", "DescribeVolumes", "DescribeImages"}[r.IntN(3)], "null", ""))
	}
	for range attackRepeats {
		events = append(events, events[r.IntN(tr.distinct)])
	}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for k := range attackObjects {
		part := events[k*len(events)/attackObjects : (k+1)*len(events)/attackObjects]
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write([]byte(`{"Records":[` + strings.Join(part, ",") + `]}`)) // into memory
		_ = w.Close()
		name := fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/%05d.json.gz", k)
		tr.objects[name] = z.Bytes()
		tr.names = append(tr.names, name)
	}
	return tr
}

// TestLaboratoryAttack: every event is judged once, a noisy service is at most one issue, and
// the escalation is an open issue whose timeline tells what came before and after.
func TestLaboratoryAttack(t *testing.T) {
	t.Parallel()
	tr := attack()
	l := newLab(t, true)
	l.start(0)
	began := time.Now()
	for _, name := range tr.names {
		l.put(name, tr.objects[name])
		l.announce(name)
	}
	l.received(3 * time.Minute)
	t.Logf("%d objects after %v", len(tr.names), time.Since(began).Round(time.Millisecond))
	l.checkSources(l.ledger(), tr, false, true)
	if s := l.ledger().Sources[0]; s.Repeats != attackRepeats {
		t.Errorf("%d repeats, want %d", s.Repeats, attackRepeats)
	}
	var escalation *yagura.Issue
	noise := 0
	for _, is := range l.issues() {
		t.Logf("[%s] %s ×%d %s %s", is.Severity, is.Title, is.Count, is.Actor.ID, is.CauseKey)
		if strings.Contains(is.Actor.ID, "ResourceExplorer") || strings.Contains(is.CauseKey, "ResourceExplorer") {
			noise++
		}
		if is.Title == "Administrator policy attached" {
			escalation = &is
		}
	}
	if noise > 1 {
		t.Errorf("the noise of one service is %d issues", noise)
	}
	if escalation == nil || escalation.Severity < yagura.SeverityHigh || escalation.Status != yagura.StatusOpen || !strings.HasSuffix(escalation.Actor.ID, "user/intern") {
		t.Fatalf("the escalation: %+v", escalation)
	}
	var out string
	l.until("the timeline tells the story", time.Minute, func() bool {
		out, _ = l.yagura("issue", "show", "--config", l.configFile(0), escalation.ID)
		for _, part := range []string{"Many different calls denied to one identity", "IAM user created", "CloudTrail logging disabled"} {
			if !strings.Contains(out, "the same actor") || !strings.Contains(out, part) {
				return false
			}
		}
		return true
	})
	t.Log(out)
	l.delivered(2 * time.Minute)
	l.checkSinks()
	l.term(0)
}
