package triage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// hundred is a policy of a hundred clauses as teams write them, the last of which hold.
func hundred(tb testing.TB) *Policy {
	var b strings.Builder
	b.WriteString(head + "clauses:\n")
	for i := range 96 {
		when := []string{
			`account.environment == "dev" && finding.severity >= high`,
			fmt.Sprintf(`finding.event.src_ip in cidr(["10.%d.0.0/16", "198.51.100.0/24"])`, i),
			fmt.Sprintf(`finding.rule.id == "rule-%d" && event.requestParameters.name == "main"`, i+2),
			`entities.exists(e, e.type == "user" && e.id.glob("*svc-*"))`,
			`finding.rule.title.matches("(?i)password|secret") && !has(event.errorCode)`,
			`finding.time.between("22:00", "23:00", "Asia/Tokyo")`,
		}[i%6]
		fmt.Fprintf(&b, "  - {name: n%d, when: '%s', raise: 1}\n", i, when)
	}
	b.WriteString(`
  - {name: prod, when: 'account.environment == "prod" && finding.severity == "medium"', raise: 1, because: production account}
  - {name: own, when: 'account.owner != ""', assign: {from: account.owner}, label: [prod]}
  - {name: f, when: 'has(finding.event.actor.id)', fold: [account, finding.event.actor.session_of]}
  - {name: r, when: 'severity >= high', route: {add: [slack]}}
`)
	p, problems := ParsePolicy("p", []byte(b.String()), PolicyOptions{Now: testNow, Sinks: testSinks})
	if Refused(problems) {
		tb.Fatal(said(problems))
	}
	return p
}

func BenchmarkJudge(b *testing.B) {
	for name, p := range map[string]*Policy{"shipped": DefaultPolicy().For(testSinks), "100 clauses": hundred(b)} {
		b.Run(name, func(b *testing.B) {
			in := input()
			b.ReportAllocs()
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				start := time.Now()
				p.Judge(in)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		hundred(b)
	}
}
