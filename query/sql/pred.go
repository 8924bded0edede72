package sql

import (
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// maxArgs bounds the values that one predicate names.
const maxArgs = 20_000

func (w *writer) pred(x *query.Pred, s scope) (string, error) {
	if len(x.Args) > maxArgs {
		return "", &Refusal{Reason: fmt.Sprintf("more than %d values", maxArgs), Hint: hintRetro}
	}
	switch x.Op {
	case query.Func, query.ListFunc:
		return "", &Refusal{Reason: "the operator is a function in Go, which SQL cannot call", Hint: hintRetro}
	case query.Keyword:
		if s.member {
			return "", &Refusal{Reason: "keywords inside the members of an array", Hint: hintRetro}
		}
		return w.over("yagura_words("+s.doc+")", x, false)
	}
	items, err := w.items(x.Field, s)
	if err != nil {
		return "", err
	}
	switch x.Op {
	case query.Exists:
		present := w.any(items, func(i string) string { return "CASE WHEN " + i + ".k IS NULL THEN NULL ELSE true END" })
		if len(x.Args) > 0 && !x.Args[0].Bool {
			return "(NOT " + present + ")", nil
		}
		return present, nil
	case query.IsNull:
		// An absent field has no values; one value that is null is enough.
		if x.Field.Derive != nil {
			return "", computed(x.Field)
		}
		values, err := w.values(x.Field, s)
		if err != nil {
			return "", err
		}
		list, v := w.name(), w.name()
		return "(list_transform([" + values + "], lambda " + list + ": len(" + list + ") = 0 OR yagura_any(list_transform(" + list +
			", lambda " + v + ": yagura_say(json_type(" + v + ") = 'NULL'))))[1])", nil
	}
	if x.Ref != nil {
		return w.related(items, x, s)
	}
	return w.over(items, x, x.Field.Conv == query.ConvAny)
}

// any writes whether one item of a list satisfies a condition.
func (w *writer) any(items string, cond func(item string) string) string {
	i := w.name()
	return "yagura_any(list_transform(" + items + ", lambda " + i + ": yagura_say(" + cond(i) + ")))"
}

// over writes whether one item satisfies one of x's arguments. wide says that objects
// and arrays are also looked at with their escapes resolved.
func (w *writer) over(items string, x *query.Pred, wide bool) (string, error) {
	var failed error
	text := w.any(items, func(i string) string {
		cond, err := ask(x, i, i+".t")
		if err != nil {
			failed = err
			return ""
		}
		if wide && (x.Op == query.Prefix || x.Op == query.Suffix || x.Op == query.Contains || x.Op == query.Glob || x.Op == query.Regex) {
			alt, err := ask(x, i, i+".a")
			if err != nil {
				failed = err
				return ""
			}
			cond = "(" + cond + " OR CASE WHEN " + i + ".k IN ('OBJECT', 'ARRAY') AND " + i + ".t IS NOT NULL AND " + i + ".a IS NULL THEN false ELSE " +
				"CASE WHEN " + i + ".k IN ('OBJECT', 'ARRAY') THEN " + alt + " ELSE false END END)"
		}
		if x.Op == query.Keyword {
			return cond
		}
		return "CASE WHEN " + i + ".k = 'NULL' THEN false ELSE " + cond + " END"
	})
	return text, failed
}

// ask writes whether the text t of item i satisfies one of x's arguments.
func ask(x *query.Pred, i, t string) (string, error) {
	if len(x.Args) == 0 {
		return "false", nil
	}
	folded := folding(x)
	var terms []string
	var texts, nots []string // of Eq
	for k := range x.Args {
		a := &x.Args[k]
		lit, err := literal(a.Text)
		if err != nil {
			return "", err
		}
		switch x.Op {
		case query.Eq:
			texts = append(texts, folded(lit))
			if x.Field.Conv == query.ConvAny {
				if term := sameNumber(a, i, t); term != "" {
					nots = append(nots, term)
				}
			}
		case query.Prefix:
			terms = append(terms, "starts_with("+folded(t)+", "+folded(lit)+")")
		case query.Suffix:
			terms = append(terms, "ends_with("+folded(t)+", "+folded(lit)+")")
		case query.Contains:
			terms = append(terms, "contains("+folded(t)+", "+folded(lit)+")")
		case query.Glob, query.Keyword:
			if a.Pattern == nil {
				terms = append(terms, "contains("+folded(t)+", "+folded(lit)+")")
				break
			}
			term, err := glob(a.Pattern, x.Fold, t, folded)
			if err != nil {
				return "", err
			}
			terms = append(terms, term)
		case query.Regex:
			expr, err := regexText(a.Regexp.String())
			if err != nil {
				return "", err
			}
			terms = append(terms, "regexp_matches("+t+", "+expr+")")
		case query.CIDR:
			terms = append(terms, inNet(a.Net, t))
		case query.Lt, query.Lte, query.Gt, query.Gte:
			terms = append(terms, compareNumber(x, a, i, t))
		case query.StrLt, query.StrLte, query.StrGt, query.StrGte:
			if x.Fold && !isASCII(a.Text) {
				return "", &Refusal{Reason: "the order of texts beyond ASCII without regard to case", Hint: hintRetro}
			}
			terms = append(terms, "("+folded(t)+" "+comparison(x.Op)+" "+folded(lit)+")")
		case query.TimePart:
			terms = append(terms, timePart(a, t))
		default:
			return "", &Refusal{Reason: "an operator that SQL does not have", Hint: hintRetro}
		}
	}
	if len(texts) > 0 {
		terms = append(terms, "("+folded(t)+" IN ("+strings.Join(texts, ", ")+"))")
		terms = append(terms, nots...)
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return "(" + strings.Join(terms, " OR ") + ")", nil
}

// folding returns what brings a text into the form that x compares.
func folding(x *query.Pred) func(t string) string {
	switch {
	case !x.Fold:
		return func(t string) string { return t }
	case x.Op >= query.StrLt && x.Op <= query.StrGte:
		// Folded forms are equal where the Program's are, but they are not in its order.
		return func(t string) string { return "yagura_order(" + t + ")" }
	}
	return func(t string) string { return "yagura_fold(" + t + ")" }
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}

func comparison(op query.Op) string {
	switch op {
	case query.Lt, query.StrLt:
		return "<"
	case query.Lte, query.StrLte:
		return "<="
	case query.Gt, query.StrGt:
		return ">"
	case query.Gte, query.StrGte:
		return ">="
	}
	return "="
}

// related writes whether an item of x's field and one of its reference satisfy x.
func (w *writer) related(items string, x *query.Pred, s scope) (string, error) {
	refs, err := w.items(*x.Ref, s)
	if err != nil {
		return "", err
	}
	i, j := w.name(), w.name()
	folded := folding(x)
	a, b := folded(i+".t"), folded(j+".t")
	var cond string
	switch x.Op {
	case query.Eq:
		number := func(k string) string { return k + ".k IN ('UBIGINT', 'BIGINT', 'DOUBLE')" }
		cond = "(" + a + " = " + b + " OR CASE WHEN NOT (" + number(i) + " OR " + number(j) + ") THEN false" +
			" WHEN " + i + ".n IS NOT NULL AND " + j + ".n IS NOT NULL THEN " + i + ".n = " + j + ".n" +
			" WHEN NOT yagura_isnum(" + i + ".t) OR NOT yagura_isnum(" + j + ".t) THEN false" +
			" ELSE yagura_same(" + i + ".t, " + j + ".t) END)"
	case query.Prefix:
		cond = "starts_with(" + a + ", " + b + ")"
	case query.Suffix:
		cond = "ends_with(" + a + ", " + b + ")"
	case query.Contains:
		cond = "contains(" + a + ", " + b + ")"
	case query.Lt, query.Lte, query.Gt, query.Gte:
		equal := "false"
		if x.Op == query.Lte || x.Op == query.Gte {
			equal = "true"
		}
		x1, y1 := "TRY_CAST("+i+".t AS DOUBLE)", "TRY_CAST("+j+".t AS DOUBLE)"
		cond = "CASE WHEN " + i + ".t IS NULL OR " + j + ".t IS NULL THEN NULL WHEN NOT yagura_isnum(" + i + ".t) OR NOT yagura_isnum(" + j + ".t) THEN false" +
			" WHEN " + x1 + " <> " + y1 + " THEN " + x1 + " " + comparison(x.Op) + " " + y1 +
			" WHEN yagura_short(" + i + ".t) AND yagura_short(" + j + ".t) THEN " + equal + " ELSE NULL END"
	case query.StrLt, query.StrLte, query.StrGt, query.StrGte:
		cond = "(" + a + " " + comparison(x.Op) + " " + b + ")"
	default:
		return "", &Refusal{Reason: "an operator that takes no field reference"}
	}
	// Null is no value on either side.
	cond = "CASE WHEN " + i + ".k = 'NULL' OR " + j + ".k = 'NULL' THEN false ELSE " + cond + " END"
	inner := "list_max(list_transform(" + refs + ", lambda " + j + ": yagura_say(" + cond + ")))"
	return "yagura_any(list_transform(" + items + ", lambda " + i + ": coalesce(" + inner + ", 0)))", nil
}
