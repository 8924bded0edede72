package filter

import (
	"strings"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"english":  `severity:>=high status:open account:1234 rule:"Root sign-in" seen:<24h "free text" -label:known`,
		"japanese": `重大度：高、緊急　状況：未対応　アカウント：1234　最終検出：今日　「権限の昇格」　－ラベル：既知`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(Issues, text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMatch: one row of 900 rules, as they are listed from memory.
func BenchmarkMatch(b *testing.B) {
	q, err := Parse(Rules, `severity:>=medium technique:T1078 root -enabled:no`)
	if err != nil {
		b.Fatal(err)
	}
	row := func(field string) []any {
		switch field {
		case "":
			return []any{"Root user signed in to the console", "ルートユーザーがコンソールにサインイン", "detections/aws/root/rule.yml"}
		case "technique":
			return []any{"T1078.004"}
		case "enabled":
			return []any{true}
		}
		return []any{5}
	}
	b.ReportAllocs()
	for b.Loop() {
		if !q.Match(row) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkFold(b *testing.B) {
	for name, text := range map[string]string{
		"english":  strings.Repeat("Root user signed in to the console. ", 300),
		"japanese": strings.Repeat("ルートユーザーがＡＷＳコンソールにサインインしました。", 140),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Fold(text)
			}
		})
	}
}
