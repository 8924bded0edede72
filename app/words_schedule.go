package app

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// scheduled says when a rule runs, over what, and what it asks.
func (e *explainer) scheduled(r *sentinel.Rule) {
	s := r.Schedule
	if s == nil {
		e.line(1, "%s", e.in("a hunting query: it runs when somebody runs it", "ハンティングクエリ: 実行したときだけ動きます"))
	} else {
		every := e.in("runs every %s over the %s before", "%s ごとに、直前 %s を対象に実行")
		if s.Near {
			every = e.in("runs every %s over what came, within the %s before", "%s ごとに、届いたものがあれば直前 %s を対象に実行")
		}
		e.line(1, every, e.span(s.Every), e.span(s.Period))
		e.line(1, "%s", fmt.Sprintf(e.in("finds something when the number of rows is %s %s", "行数が %s %s のとき検出"), s.Trigger, strconv.FormatInt(s.Threshold, 10)))
	}
	if u := r.Unusual; u != nil {
		b := u.Filled()
		switch {
		case u.Travel:
			e.line(1, "%s", e.in("an actor in two places that are too far apart for the time between", "移動に要する時間より短い間隔で離れた 2 地点に現れた主体"))
		case u.Rare:
			e.line(1, e.in("finds what is rare, %s for %s: below %g of the events and on fewer than %d days", "%[2]s にとってまれな %[1]s: イベントの %[3]g 未満かつ %[4]d 日未満"), u.Of, u.Kind, b.Share, b.Days)
		default:
			e.line(1, e.in("finds what is new: %s for %s", "%[2]s にとって初めての %[1]s"), u.Of, u.Kind)
		}
		if !u.Travel {
			e.line(1, e.in("learns for %s and %d events before it finds anything", "検出を始めるまでの学習: %s、%d 件"), e.span(b.Learning), b.Events)
		}
	}
	if r.Suppress > 0 {
		e.line(1, e.in("then says nothing for %s", "検出後 %s は抑止"), e.span(r.Suppress))
	}
	e.fact("tables", "テーブル", strings.Join(r.Tables, ", "))
	for _, x := range r.Entities {
		var parts []string
		for _, f := range x.Fields {
			parts = append(parts, f.Identifier+" = "+f.Column)
		}
		e.fact("entity", "エンティティ", x.Type+": "+strings.Join(parts, ", "))
	}
	e.line(0, "")
	for line := range strings.SplitSeq(strings.TrimSpace(r.Query), "\n") {
		e.line(2, "%s", report.Escape(strings.TrimRight(line, " \t\r")))
	}
}
