package app

import (
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/usual"
)

// BenchmarkUsual asks the six questions of one finding, and those of 50 findings of 36 actors
// at three hours. Each question is answered, so that the time is that of all.
func BenchmarkUsual(b *testing.B) {
	cfg, books, _ := benchCorpus(b)
	h, err := OpenHunting(b.Context(), cfg, books, HuntOptions{Threads: 1, Memory: usualMemory}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	end := benchRecords.Time(huntBenchEvents).Truncate(time.Hour)
	of := func(account, team string, before time.Time) (out []usual.Question) {
		entity := yagura.Entity{Type: yagura.EntityRole, ID: "arn:aws:iam::" + account + ":role/team-" + team}
		for _, x := range []struct {
			of    usual.Dimension
			value string
		}{
			{usual.Network, "203.0.113.9"}, {usual.Agent, "Boto3"}, {usual.API, "iam:CreateUser"}, {usual.Hour, before.Format(time.RFC3339)}, {usual.Region, "eu-west-1"}, {usual.Resource, "i-none"},
		} {
			out = append(out, usual.Question{Entity: entity, Of: x.of, Value: x.value, Before: before})
		}
		return out
	}
	var many []usual.Question
	for i := range 50 {
		many = append(many, of([]string{"111122220000", "111122220001", "111122220002", "111122220003"}[i%4], []string{"0", "1", "2", "3", "5", "8", "13", "21", "34"}[i%9], end.Add(-time.Duration(i%3)*time.Hour))...)
	}
	for _, bench := range []struct {
		name      string
		questions []usual.Question
	}{{"finding", of("111122220001", "3", end)}, {"busiest actor", of("111122220000", "0", end)}, {"50 findings", many}} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				answers, err := NewUsualAsker(cfg, h).Ask(b.Context(), bench.questions)
				if err != nil {
					b.Fatal(err)
				}
				for _, a := range answers {
					if a.Total == 0 && a.Of != usual.Resource || a.Peers == 0 && a.Of != usual.Resource {
						b.Fatalf("%+v", a)
					}
				}
			}
		})
	}
}
