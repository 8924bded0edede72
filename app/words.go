package app

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// maxArgs is how many of a predicate's values are written out.
const maxArgs = 50

// Explain writes what a rule is and when it fires, in words: the compiled condition,
// not the text of its file, so that it shows what will be asked of an event.
func Explain(w io.Writer, r *rule.Rule, all *Rules, japanese bool) error {
	e := &explainer{rules: all, japanese: japanese}
	e.rule(r)
	_, err := io.WriteString(w, e.b.String())
	return err
}

type explainer struct {
	b        strings.Builder
	rules    *Rules
	japanese bool
}

func (e *explainer) line(indent int, format string, args ...any) {
	e.b.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&e.b, format, args...)
	e.b.WriteByte('\n')
}

// in chooses the words of the language.
func (e *explainer) in(english, japanese string) string {
	if e.japanese {
		return japanese
	}
	return english
}

// fact writes one line of the head, nothing for an empty text.
func (e *explainer) fact(english, japanese, text string) {
	if text != "" {
		name, room := english, 13
		if e.japanese {
			name, room = japanese, 16
		}
		e.line(1, "%s%s%s", name, strings.Repeat(" ", max(1, room-report.Columns(name))), report.Escape(text))
	}
}

func (e *explainer) rule(r *rule.Rule) {
	titles := []string{r.Title, r.Japanese.Title}
	if e.japanese {
		slices.Reverse(titles)
	}
	for _, title := range titles {
		if title != "" {
			e.line(0, "%s", report.Escape(title))
		}
	}
	if r.ID != r.Title {
		e.fact("id", "ID", r.ID)
	}
	e.fact("name", "名前", r.Name)
	e.fact("file", "ファイル", r.File+":"+strconv.Itoa(max(r.Line, 1)))
	level := r.EffectiveSeverity().String()
	if r.SeverityOriginal != "" && r.SeverityOriginal != level {
		level += e.in(" (written as ", "、元の値 ") + r.SeverityOriginal + e.in(")", "")
	}
	if e.japanese {
		level = r.EffectiveSeverity().Japanese() + " (" + level + ")"
	}
	if r.SideCar.SeverityReason != "" {
		level += ": " + r.SideCar.SeverityReason
	}
	e.fact("severity", "重大度", level)
	e.fact("language", "言語", string(r.Engine))
	formats := e.in("every log type", "すべての形式")
	if r.Formats != nil {
		formats = strings.Join(r.Formats, ", ")
	}
	e.fact("judges", "対象の形式", formats)
	e.sideCar(r)
	e.fact("tags", "タグ", strings.Join(r.Tags, ", "))
	e.fact("status", "ステータス", r.Status)
	e.fact("author", "作成者", r.Author)
	e.fact("licence", "ライセンス", r.License)
	switch {
	case len(r.Waits) > 0:
		e.fact("disabled", "無効", e.in("until there are values for placeholders: ", "プレースホルダーの値が設定されるまで無効: ")+strings.Join(r.Waits, ", "))
	case r.Disabled:
		e.fact("disabled", "無効", e.in("its file or falco.yaml says that it does not run", "ファイルまたは falco.yaml により実行されません"))
	}
	if r.Silent {
		e.fact("silent", "集計専用", e.in("it feeds correlations and makes no finding of its own", "相関ルールの材料になり、単独では検出結果を出しません"))
	}
	description := r.Description
	if e.japanese && r.Japanese.Description != "" {
		description = r.Japanese.Description
	}
	if description != "" {
		e.line(0, "")
		e.line(1, "%s", report.Escape(strings.Join(strings.Fields(description), " ")))
	}
	for _, x := range r.References {
		e.fact("see", "参照", x)
	}
	e.line(0, "")
	if x := e.rules.OnSchedule(r); x != nil {
		e.scheduled(x)
	} else if r.Correlation != nil {
		e.correlation(r.Correlation)
	} else {
		e.line(0, "%s", e.in("fires on an event when", "次の条件を満たすイベントを検知します"))
		e.expr(1, r.When)
	}
	if names := fieldNames(r); names != nil {
		e.line(0, "")
		e.fact("reads", "読む項目", strings.Join(names, ", "))
		e.aliases(r.Fields)
	}
}

// aliases says of every field that stands elsewhere than its name says where that is. A
// name with brackets, a pointer or a selector, says it itself where there is one place.
func (e *explainer) aliases(fields []query.Field) {
	seen := map[string]bool{}
	for _, f := range fields {
		var places []string
		for _, p := range f.Paths {
			if place := placeText(p); !slices.Contains(places, place) {
				places = append(places, place)
			}
		}
		if seen[f.Name] || f.Derive != nil || len(places) == 0 || len(places) == 1 && (places[0] == f.Name || strings.Contains(f.Name, "[")) {
			continue
		}
		seen[f.Name] = true
		e.fact("where", "項目の場所", f.Name+": "+strings.Join(places, e.in(" or ", " または ")))
	}
}

// placeText writes a path as a mapping file would.
func placeText(p slot.Path) string {
	var b strings.Builder
	for _, s := range p.Segs {
		switch {
		case s.IsIndex:
			fmt.Fprintf(&b, "[%d]", s.Index)
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		if strings.Contains(s.Key, ".") {
			b.WriteString("[" + s.Key + "]")
			continue
		}
		b.WriteString(s.Key)
	}
	return b.String()
}

func (e *explainer) sideCar(r *rule.Rule) {
	c := &r.SideCar
	kind := e.in("behaviour", "行為")
	if c.Kind == yagura.Posture {
		kind = e.in("posture", "状態")
	}
	parts := []string{e.in("actor", "実行者"), e.in("first target", "最初の対象")}
	switch {
	case len(c.CauseKey) > 0:
		parts = causeWords(c.CauseKey)
	case r.Correlation != nil: // a window has neither
		parts = r.Correlation.GroupBy
	}
	e.fact("kind", "種別", kind+e.in("; one cause per account", "。原因は、アカウント")+e.causeParts(parts)+e.in("", "ごとに一つ"))
	for _, list := range c.Entries {
		e.fact("entries", "エントリー", e.in("each member of ", "")+strings.Join(list, ", ")+e.in(" is a cause of its own", " の各要素が一つの原因"))
	}
	if len(c.CauseAlias) > 0 {
		e.fact("also known by", "原因の別名", strings.Join(causeWords(c.CauseAlias), ", "))
	}
	if c.ResolvedBy != "" {
		e.fact("resolved by", "解消するルール", e.named(c.ResolvedBy))
	}
	switch c.Joins {
	case "":
	case rule.JoinsSharper, rule.JoinsEvent:
		e.fact("one issue with", "同じ課題になるルール", e.in("what another rule finds in the same event, at this level or above", "同じイベントを同等以上の重大度で検出した他のルール"))
	default:
		e.fact("one issue with", "同じ課題になるルール", e.named(c.Joins))
	}
	for _, x := range c.Entities {
		e.fact("entity", "エンティティ", x.Type+e.in(" from ", ": ")+x.Field)
	}
	if c.Reason != "" {
		e.fact("level because", "重大度の理由", c.Reason)
	}
	for _, x := range c.Data {
		e.fact("needs", "必要なデータ", x)
	}
	book := c.Runbook
	if e.japanese && (r.Japanese.Runbook.Check != nil || r.Japanese.Runbook.Do != nil) {
		book = r.Japanese.Runbook
	}
	for _, x := range book.Check {
		e.fact("check", "確認すること", x)
	}
	for _, x := range book.Do {
		e.fact("do", "対応", x)
	}
	if c.Mode == rule.ModeCount {
		e.fact("mode", "モード", e.in("counted and shown, not notified", "件数のみ (通知しません)"))
	}
}

// named is a rule as a side-car names it, with its title behind it.
func (e *explainer) named(word string) string {
	if found := e.rules.Lookup(word); len(found) == 1 && found[0].Title != word {
		return word + " (" + found[0].Title + ")"
	}
	return word
}

func fieldNames(r *rule.Rule) []string {
	var names []string
	seen := map[string]bool{}
	for _, f := range r.Fields {
		if !seen[f.Name] {
			seen[f.Name] = true
			names = append(names, f.Name)
		}
	}
	return names
}

// causeWords lists the parts of a cause key: of those that read one thing from several
// fields the word.
func causeWords(entries []string) []string {
	var out []string
	for i, entry := range entries {
		word, _ := rule.CausePart(entry)
		if entry == "account" {
			continue // it is of every cause key
		}
		same := func(j int) bool {
			if j < 0 || j == len(entries) {
				return false
			}
			other, _ := rule.CausePart(entries[j])
			return other == word
		}
		switch {
		case same(i - 1):
		case same(i + 1):
			out = append(out, word)
		default:
			out = append(out, entry)
		}
	}
	return out
}

// causeParts lists what a cause key has beside the account.
func (e *explainer) causeParts(parts []string) string {
	switch {
	case len(parts) == 0:
		return ""
	case e.japanese:
		return "、" + strings.Join(parts, "、") + " "
	case len(parts) == 2 && parts[1] == "first target":
		return " and actor and first target"
	}
	return " and " + strings.Join(parts, ", ")
}

func (e *explainer) correlation(c *rule.Correlation) {
	fields := strings.Join(c.Fields, ", ")
	e.line(0, e.in("fires on a window of at most %[1]s%[2]s when", "%[2]s最長 %[1]sのウィンドウで、次の条件を満たすと検知します"), e.span(c.Timespan), e.group(c.GroupBy))
	switch c.Type {
	case rule.Temporal, rule.TemporalOrdered:
		order := e.in("in any order", "順不同")
		if c.Type == rule.TemporalOrdered {
			order = e.in("in this order", "この順")
		}
		if c.Condition == nil {
			e.line(1, e.in("all of these match, %s", "次のすべてに一致 (%s)"), order)
		} else {
			e.line(1, e.in("these match, %s, as far as", "次に一致 (%s)。ただし条件は"), order)
			e.expr(2, c.Condition)
		}
	default:
		bounds := make([]string, len(c.Bounds))
		for i, b := range c.Bounds {
			bounds[i] = e.bound(b)
		}
		e.line(1, e.in("%s is %s, counted over", "%sが %s。数える対象:"), e.measure(c, fields), strings.Join(bounds, e.in(" and ", " かつ ")))
	}
	for i, r := range c.Rules {
		name := r.Title
		if i < len(c.RuleNames) && c.RuleNames[i] != r.Title && c.RuleNames[i] != r.ID {
			name = c.RuleNames[i] + " (" + r.Title + ")"
		}
		e.line(1, "- %s", report.Escape(name))
		if r.When != nil {
			e.expr(3, r.When)
		}
	}
}

// measure names what a correlation counts or calculates.
func (e *explainer) measure(c *rule.Correlation, fields string) string {
	switch c.Type {
	case rule.ValueCount:
		return e.in("the number of different values of "+fields, fields+" の異なる値の数")
	case rule.ValueSum:
		return e.in("the sum of "+fields, fields+" の合計")
	case rule.ValueAvg:
		return e.in("the average of "+fields, fields+" の平均")
	case rule.ValueMedian:
		return e.in("the median of "+fields, fields+" の中央値")
	case rule.ValuePercentile:
		return fmt.Sprintf(e.in("the %[1]g. percentile of %[2]s", "%[2]s の %[1]g パーセンタイル"), c.Percentile, fields)
	}
	return e.in("the number of events", "イベントの数")
}

// bound writes one comparison of a correlation.
func (e *explainer) bound(b rule.Bound) string {
	words, ok := map[string][2]string{"gt": {"more than %g", "%g より大きい"}, "gte": {"at least %g", "%g 以上"}, "lt": {"less than %g", "%g 未満"},
		"lte": {"at most %g", "%g 以下"}, "eq": {"%g", "%g に等しい"}, "neq": {"not %g", "%g 以外"}}[b.Op]
	if !ok {
		words = [2]string{"exactly %g", "%g に等しい"}
	}
	return fmt.Sprintf(e.in(words[0], words[1]), b.Value)
}

// span writes a duration in its greatest whole unit.
func (e *explainer) span(d time.Duration) string {
	for _, u := range []struct {
		unit           time.Duration
		name, japanese string
	}{{24 * time.Hour, "day", "日"}, {time.Hour, "hour", "時間"}, {time.Minute, "minute", "分"}, {time.Second, "second", "秒"}} {
		n := d / u.unit
		if n == 0 || d%u.unit != 0 {
			continue
		}
		name := u.name
		if n != 1 {
			name += "s"
		}
		return fmt.Sprintf("%d %s", n, e.in(name, u.japanese))
	}
	return d.String()
}

func (e *explainer) group(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	list := strings.Join(fields, ", ")
	return e.in(" for each "+list, list+" ごとに、")
}

// expr writes a condition, one clause per line.
func (e *explainer) expr(indent int, x query.Expr) {
	switch x := x.(type) {
	case *query.And:
		e.list(indent, e.in("all of", "次のすべて"), e.in("always", "常に成立"), flat(x.X, func(inner query.Expr) []query.Expr {
			if and, ok := inner.(*query.And); ok {
				return and.X
			}
			return nil
		}))
	case *query.Or:
		e.list(indent, e.in("one of", "次のいずれか"), e.in("never", "成立しない"), flat(x.X, func(inner query.Expr) []query.Expr {
			if or, ok := inner.(*query.Or); ok {
				return or.X
			}
			return nil
		}))
	case *query.Not:
		e.line(indent, "%s", e.in("not", "次を満たさない"))
		e.expr(indent+1, x.X)
	case query.Const:
		e.line(indent, "%s", map[bool]string{true: e.in("always", "常に成立"), false: e.in("never", "成立しない")}[bool(x)])
	case *query.Each:
		e.line(indent, map[query.Quant]string{
			query.EachAny: e.in("a member of %s:", "%s のいずれかの要素が次を満たす:"), query.EachAll: e.in("every member (one at least) of %s:", "%s のすべての要素 (一つ以上) が次を満たす:"),
			query.EachAllOrEmpty: e.in("every member (or it is empty) of %s:", "%s のすべての要素が次を満たす (空でもよい):"), query.EachNone: e.in("no member of %s:", "%s のどの要素も次を満たさない:"),
		}[x.Quant], report.Escape(x.Field.Name))
		e.expr(indent+1, x.Where)
	case *query.Pred:
		e.line(indent, "%s", report.Escape(e.pred(x)))
	}
}

// flat puts the parts of a list inside a list of the same kind into the outer one.
func flat(list []query.Expr, same func(query.Expr) []query.Expr) []query.Expr {
	var out []query.Expr
	for _, x := range list {
		if inner := same(x); len(inner) > 0 {
			out = append(out, flat(inner, same)...)
			continue
		}
		out = append(out, x)
	}
	return out
}

func (e *explainer) list(indent int, head, empty string, list []query.Expr) {
	switch len(list) {
	case 0:
		e.line(indent, "%s", empty)
	case 1:
		e.expr(indent, list[0])
	default:
		e.line(indent, "%s", head)
		for _, x := range list {
			e.expr(indent+1, x)
		}
	}
}
