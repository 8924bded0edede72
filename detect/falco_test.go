package detect

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/falco"
)

// falcoRules makes n rules in the forms of Falco's own rules about CloudTrail.
func falcoRules(t testing.TB, n int) []*rule.Rule {
	g := &synth{Rand: rand.New(rand.NewPCG(9, 9))}
	records, names := synthRecords(1, 1)
	_ = records
	g.names = names
	var b strings.Builder
	for i := range n {
		cond := fmt.Sprintf(`ct.name="%s"`, g.name())
		svc := pick(g, synthServices) + ".amazonaws.com"
		switch i % 8 {
		case 0:
			cond += ` and not ct.error exists`
		case 1:
			cond += fmt.Sprintf(` and ct.user="%s" and not ct.error exists`, g.word())
		case 2:
			cond = fmt.Sprintf(`ct.name in (%s, %s, %s) and not ct.error exists`, g.name(), g.name(), g.name())
		case 3:
			cond = fmt.Sprintf(`ct.src="%s" and (%s or ct.name="%s")`, svc, cond, g.name())
		case 4:
			cond += fmt.Sprintf(` and ct.srcip="198.51.100.%d"`, g.IntN(256))
		case 5:
			cond += ` and not ct.region in (eu-west-1, us-east-1)`
		case 6:
			cond = fmt.Sprintf(`ct.name startswith "%s" and ct.user startswith "%s"`, g.name(), g.word())
		case 7:
			cond = fmt.Sprintf(`json.value[/requestParameters/%sName]="%s" and ct.user.identitytype="%s"`, strings.ToLower(pick(g, synthNouns)), g.word(), pick(g, []string{"Root", "IAMUser"}))
		}
		fmt.Fprintf(&b, "- rule: made %d\n  desc: made\n  condition: >\n    %s\n  output: user %%ct.user called %%ct.name (%d)\n  priority: WARNING\n  source: aws_cloudtrail\n", i, cond, i)
	}
	rules, refusals := falco.Load([]rule.File{{Path: "made.yaml", Data: []byte(b.String())}}, falco.Options{})
	for _, r := range refusals {
		if !r.Warning {
			t.Fatal(r.Error())
		}
	}
	return rules
}

func BenchmarkFalco3000(b *testing.B) { benchMatch(b, falcoRules(b, 3000), benchRecords(b)) }
