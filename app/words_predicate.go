package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// opText says the question of an operator in words. In Japanese the words stand behind
// the values.
var opText = [...]struct{ english, japanese string }{
	query.Eq: {"equals", "に等しい"}, query.Prefix: {"starts with", "で始まる"}, query.Suffix: {"ends with", "で終わる"},
	query.Contains: {"contains", "を含む"}, query.Glob: {"is like", "の形に一致する"}, query.Regex: {"matches", "に一致する"},
	query.CIDR: {"is an address in", "に含まれるアドレス"}, query.Lt: {"is less than", "より小さい"}, query.Lte: {"is at most", "以下"},
	query.Gt: {"is more than", "より大きい"}, query.Gte: {"is at least", "以上"}, query.StrLt: {"sorts before", "より前 (辞書順)"},
	query.StrLte: {"sorts before or equals", "以前 (辞書順)"}, query.StrGt: {"sorts after", "より後 (辞書順)"},
	query.StrGte: {"sorts after or equals", "以後 (辞書順)"}, query.TimePart: {"has as part of its time", "を時刻の一部に持つ"}, query.Keyword: {},
	query.Func: {"satisfies", "を満たす"}, query.ListFunc: {"satisfies", "を満たす"},
}

// pred writes one predicate.
func (e *explainer) pred(p *query.Pred) string {
	switch p.Op {
	case query.Exists:
		if len(p.Args) > 0 && !p.Args[0].Bool {
			return p.Field.Name + e.in(" is absent", " がない")
		}
		return p.Field.Name + e.in(" is present", " がある")
	case query.IsNull:
		return p.Field.Name + e.in(" is absent or null", " がないか null")
	}
	subject := p.Field.Name
	op := opText[p.Op]
	named := p.OpName != "" && (p.Op == query.Func || p.Op == query.ListFunc) // an operator of the language, as it writes it
	switch {
	case p.Op == query.Keyword:
		subject, op = e.in("any value", "いずれかの値"), opText[query.Contains]
	case named:
		op.english = p.OpName
	}
	object := ""
	if p.Ref != nil {
		object = e.in("the field ", "フィールド ") + p.Ref.Name
	} else {
		args := make([]string, 0, min(len(p.Args), maxArgs))
		for i := range p.Args {
			if i == maxArgs {
				args = append(args, fmt.Sprintf(e.in("%d more", "ほか %d 件"), len(p.Args)-i))
				break
			}
			args = append(args, e.arg(p.Op, &p.Args[i]))
		}
		object = strings.Join(args, e.in(" or ", " または "))
	}
	parts := []string{subject, op.english, object}
	if e.japanese && !named {
		parts = []string{subject + " が", object, op.japanese}
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return strings.Join(parts, " ") + e.caseText(p)
}

// caseText says that a comparison of text tells capitals apart.
func (e *explainer) caseText(p *query.Pred) string {
	if p.Ref == nil && len(p.Args) == 0 {
		return ""
	}
	switch p.Op {
	case query.Eq, query.Prefix, query.Suffix, query.Contains, query.Glob, query.Keyword:
		if !p.Fold {
			return e.in(" (case counts)", " (大文字と小文字を区別)")
		}
	}
	return ""
}

func (e *explainer) arg(op query.Op, a *query.Arg) string {
	switch {
	case a.Shown != "":
		return strconv.Quote(a.Shown)
	case op == query.Regex && a.Regexp != nil:
		return "/" + a.Regexp.String() + "/"
	case op == query.CIDR:
		return a.Net.String()
	case a.Pattern != nil && a.Text == "":
		return strconv.Quote(a.Pattern.String())
	case op >= query.Lt && op <= query.Gte && a.Text == "":
		return strconv.FormatFloat(a.Num, 'g', -1, 64)
	case op == query.TimePart:
		unit := [...]string{query.Minute: "minute", query.Hour: "hour", query.Day: "day", query.Week: "week", query.Month: "month", query.Year: "year"}[a.Unit]
		cmp := ""
		if a.Cmp != query.Eq {
			cmp = " " + strings.TrimPrefix(opText[a.Cmp].english, "is")
		}
		return unit + cmp + " " + strconv.FormatFloat(a.Num, 'g', -1, 64)
	}
	return strconv.Quote(a.Text)
}
