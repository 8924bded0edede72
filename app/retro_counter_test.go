package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

const portRules = `
title: Port opened
id: 11111111-1111-4111-8111-111111111111
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: AuthorizeSecurityGroupIngress}, condition: selection}
level: high
yagura: {kind: posture, cause_key: [requestParameters.groupId], resolved_by: 22222222-2222-4222-8222-222222222222}
---
title: Port closed
id: 22222222-2222-4222-8222-222222222222
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: RevokeSecurityGroupIngress}, condition: selection}
level: informational
yagura: {kind: posture, cause_key: [requestParameters.groupId]}
`

// TestRetroCounter: what was opened and closed again in the past does not stay open, whether the
// rule of the counter-event is asked for or comes along, and nobody is told of it twice.
func TestRetroCounter(t *testing.T) {
	// What happened to each group, a letter a minute: Opened, Closed, nothing.
	history := map[string]string{
		"undone":    "OC",
		"still":     "O ",
		"again":     "OCO",
		"before":    "CO",
		"often":     "OCOCOCOCOCOCOC", // it would flap if all of it happened now
		"often-on":  "OCOCOCOCOCOCO",
		"never":     "C",
		"scattered": "O O  C C",
	}
	want := map[string]yagura.Status{"undone": yagura.StatusClosed, "still": yagura.StatusOpen, "again": yagura.StatusOpen, "before": yagura.StatusOpen,
		"often": yagura.StatusClosed, "often-on": yagura.StatusOpen, "scattered": yagura.StatusClosed}
	for _, words := range [][]string{{"Port opened"}, {"all"}} {
		dir := t.TempDir()
		n := 0
		var first, second []string // of two files, each of which has half of everything
		for group, steps := range history {
			for i, step := range steps {
				name := map[rune]string{'O': "AuthorizeSecurityGroupIngress", 'C': "RevokeSecurityGroupIngress"}[step]
				if name == "" {
					continue
				}
				n++
				line := portEvent(n, i, name, group)
				if n%2 == 0 {
					first = append(first, line)
				} else {
					second = append(second, line)
				}
			}
		}
		writeFile(t, filepath.Join(dir, "a.jsonl"), first...)
		writeFile(t, filepath.Join(dir, "b.jsonl"), second...)
		cfg, books := lakeOf(t, dir)
		rules, wanted, err := rulesFor(t, portRules).Only(words)
		if err != nil {
			t.Fatal(err)
		}
		out := &Retro{Keep: true, Wanted: wanted, Counter: rules.Counter()}
		retroOf(t, cfg, books, rules, time.Time{}, time.Time{}, out)
		if words[0] != "all" && (len(out.Sorted()) != 1 || len(out.Counters) == 0) {
			t.Errorf("%v: rows %v and %d counter-events", words, out.Sorted(), len(out.Counters))
		}
		kept, err := books.Keep(t.Context(), out.Findings, out.Counters, rules, true)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %+v", words, kept)
		got, told := map[string]yagura.Status{}, map[string]int{}
		err = books.DB.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			list, _, err := latest(ctx, tx, issuesThat(), "", 100)
			for i := range list {
				is := &list[i]
				got[is.CauseKey[strings.LastIndex(is.CauseKey, "sg-")+3:]] = is.Status
				for _, sink := range is.Routes {
					owed, _, err := tx.Notices(ctx, sink, is.ID, nil, "", 100)
					if err != nil {
						return err
					}
					for _, o := range owed {
						told[is.CauseKey[strings.LastIndex(is.CauseKey, "sg-")+3:]+" "+sink+" "+string(o.Notice.Op)]++
					}
				}
				if is.Flapping {
					t.Errorf("%s flaps", is.CauseKey)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		sinks := map[string]bool{}
		for what, n := range told {
			group, rest, _ := strings.Cut(what, " ")
			sink, op, _ := strings.Cut(rest, " ")
			if sinks[sink] = true; n != 1 || op != string(yagura.OpOpen) && op != string(yagura.OpReopen) || want[group] != yagura.StatusOpen {
				t.Errorf("%v: %s was told %d times", words, what, n)
			}
		}
		if n := len(told); n == 0 || n != 4*len(sinks) { // of the four that are open
			t.Errorf("%v: %v", words, told)
		}
		for group, status := range want {
			if got[group] != status {
				t.Errorf("%v: %s (%s) is %q, want %q", words, group, history[group], got[group], status)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%v: %v", words, got)
		}
		again, err := books.Keep(t.Context(), out.Findings, out.Counters, rules, true)
		if err != nil || again.Fresh != 0 || again.Issues != 0 || again.Notices != 0 {
			t.Errorf("the second time %+v, %v", again, err)
		}
	}
}

func portEvent(n, minute int, name, group string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","userName":"alice"},`+
		`"eventTime":"2026-03-02T10:%02d:00Z","eventSource":"ec2.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7",`+
		`"requestParameters":{"groupId":"sg-%s"},"eventID":"00000000-0000-4000-8000-%012d","readOnly":false,"eventType":"AwsApiCall","recipientAccountId":"111122223333"}`,
		minute, name, group, n)
}
