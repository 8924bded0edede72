package store

import (
	"encoding/hex"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// cond is a condition of a statement, with its parameters.
type cond struct {
	sql  string
	args []any
}

var (
	always = cond{sql: "1 = 1"}
	never  = cond{sql: "1 = 0"}
)

func joined(list []cond, with string, empty cond) cond {
	switch len(list) {
	case 0:
		return empty
	case 1:
		return list[0]
	}
	var out cond
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = c.sql
		out.args = append(out.args, c.args...)
	}
	out.sql = "(" + strings.Join(parts, with) + ")"
	return out
}

func allOf(list ...cond) cond { return joined(list, " AND ", always) }
func anyOf(list ...cond) cond { return joined(list, " OR ", never) }
func not(c cond) cond         { return cond{"NOT (" + c.sql + ")", c.args} }

func is(sql string, args ...any) cond { return cond{sql, args} }

// asked says how a field of a list is asked in a statement. One of its members is set, and lacks
// with number.
type asked struct {
	texts  []string // columns of folded text; one of them must hold
	number string   // a column or expression; 0 is none, where lacks
	lacks  bool     // of number: 0 stands for "there is none"
	flag   string   // a condition
	words  func(word string) cond
	field  int64 // of issue_value
}

// like returns the pattern of LIKE for the pieces between stars.
func like(parts []string) string {
	r := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	for i := range parts {
		parts[i] = r.Replace(parts[i])
	}
	return strings.Join(parts, "%")
}

func folded(parts []string) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = clean(filter.Fold(p))
	}
	return out
}

// text is the condition that a text column meets a value.
func textHolds(column string, f *filter.Field, v *filter.Value) cond {
	switch {
	case v.Op == filter.Has:
		return is(column + " <> ''")
	case v.Op == filter.Lacks:
		return is(column + " = ''")
	case v.Parts != nil:
		pattern := like(folded(v.Parts))
		if f.Within {
			pattern = "%" + pattern + "%"
		}
		return is(column+` LIKE ? ESCAPE '\'`, pattern)
	case f.Within:
		return is("{instr}("+column+", ?) > 0", clean(filter.Fold(v.Text)))
	}
	want := key(filter.Fold(v.Text))
	if f.Under != "" {
		// What lies below begins with the value and the sign; the byte behind the sign ends it.
		return is("("+column+" >= ? AND "+column+" < ? AND ("+column+" = ? OR "+column+" >= ?))", want, want+string(rune(f.Under[0]+1)), want, want+f.Under)
	}
	return is(column+" = ?", want)
}

func numberHolds(column string, v *filter.Value) cond {
	list := []cond{}
	if v.Number != math.MinInt64 {
		list = append(list, is(column+" >= ?", v.Number))
	}
	if v.To != math.MaxInt64 {
		list = append(list, is(column+" <= ?", v.To))
	}
	return allOf(list...)
}

func timeHolds(column string, v *filter.Value) cond {
	list := []cond{is(column + " <> 0")}
	if !v.Time.IsZero() {
		list = append(list, is(column+" >= ?", ns(v.Time)))
	}
	if !v.End.IsZero() {
		list = append(list, is(column+" < ?", ns(v.End)))
	}
	return allOf(list...)
}

// blockEnds are the first and the last address of a block, as columns hold addresses.
func blockEnds(p netip.Prefix) (from, to string) {
	p = p.Masked()
	a := p.Addr().As16()
	b := a
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	for i := bits; i < 128; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return hex.EncodeToString(a[:]), hex.EncodeToString(b[:])
}

// addressKey is an address as columns hold it; ok is false for another text.
func addressKey(s string) (string, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return "", false
	}
	b := a.WithZone("").As16()
	return hex.EncodeToString(b[:]), true
}

// entityKey is an entity as columns hold it: its id first, so that the id alone finds it.
const entityMark = "\x1f"

func entityKey(typ, id string) string { return key(filter.Fold(id)) + entityMark + filter.Fold(typ) }

// holds is the condition that a row meets a value of a term.
func (a asked) holds(f *filter.Field, v *filter.Value) cond {
	switch {
	case a.field != 0:
		return a.valueHolds(f, v)
	case a.texts != nil:
		var list []cond
		for _, column := range a.texts {
			list = append(list, textHolds(column, f, v))
		}
		if v.Op == filter.Lacks {
			return allOf(list...)
		}
		return anyOf(list...)
	case a.words != nil:
		switch v.Op {
		case filter.Has:
			return not(a.words(""))
		case filter.Lacks:
			return a.words("")
		}
		return a.words(v.Text)
	case a.flag != "":
		switch {
		case v.Op == filter.Has:
			return always
		case v.Op == filter.Lacks:
			return never
		case v.Number != 0:
			return is(a.flag)
		}
		return not(is(a.flag))
	}
	switch {
	case v.Op == filter.Has && a.lacks:
		return is(a.number + " <> 0")
	case v.Op == filter.Has:
		return always
	case v.Op == filter.Lacks && a.lacks:
		return is(a.number + " = 0")
	case v.Op == filter.Lacks:
		return never
	case f.Kind == filter.Time:
		return timeHolds(a.number, v)
	}
	return numberHolds(a.number, v)
}

// The fields of issue_value.
const (
	valueEntity int64 = iota + 1
	valueLabel
	valueTechnique
	valueSink
	valueAddress     // as text
	valueAddressKeys // as numbers
)

func (a asked) valueHolds(f *filter.Field, v *filter.Value) cond {
	in := func(field int64, c cond) cond {
		if v.Parts != nil {
			// A pattern is asked of the values of an issue, and not of those of all.
			return is("EXISTS (SELECT 1 FROM issue_value v WHERE v.n = f.n AND v.field = ? AND "+c.sql+")", append([]any{field}, c.args...)...)
		}
		return is("f.n IN (SELECT v.n FROM issue_value v WHERE v.field = ? AND "+c.sql+")", append([]any{field}, c.args...)...)
	}
	switch {
	case v.Op == filter.Has:
		return in(a.field, always)
	case v.Op == filter.Lacks:
		return not(in(a.field, always))
	case f.Kind == filter.Address && v.Block.IsValid():
		from, to := blockEnds(v.Block)
		return in(valueAddressKeys, is("v.value >= ? AND v.value <= ?", from, to))
	case f.Kind == filter.Entity && v.Parts != nil:
		end := "%"
		if v.Entity != "" {
			end = entityMark + like([]string{filter.Fold(v.Entity)})
		}
		return in(a.field, is(`v.value LIKE ? ESCAPE '\'`, like(folded(v.Parts))+end))
	case f.Kind == filter.Entity && v.Entity != "":
		return in(a.field, is("v.value = ?", entityKey(v.Entity, v.Text)))
	case f.Kind == filter.Entity:
		id := key(filter.Fold(v.Text))
		return in(a.field, is("v.value >= ? AND v.value < ?", id+entityMark, id+"\x20"))
	}
	return in(a.field, textHolds("v.value", f, v))
}

// reach is the condition that a row of an account and a format is within one of the scopes.
// Tenants count by the accounts that they were expanded to: a scope of tenants without
// accounts is empty, and a row of no account is in no scope of accounts.
func reach(scopes []yagura.Scope, all bool, account, format string) cond {
	if all {
		return always
	}
	var list []cond
	for _, s := range scopes {
		var both []cond
		if len(s.Tenants)+len(s.Accounts) > 0 {
			both = append(both, is(account+" <> ''"), oneOf(account, s.Accounts))
		}
		if len(s.Formats) > 0 {
			both = append(both, oneOf(format, s.Formats))
		}
		list = append(list, allOf(both...))
	}
	return anyOf(list...)
}

// oneOf is the condition that a column holds one of texts, however many. Statements of one
// shape for any number of them.
func oneOf(column string, texts []string) cond {
	if len(texts) == 0 {
		return never
	}
	keys := make([]any, 0, len(texts))
	for _, s := range unique(texts) {
		keys = append(keys, key(s))
	}
	return is(column+" IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(keys)), ", ")+")", keys...)
}

// when is the time that flags of a query are meant at.
func (tx *Tx) when(q *filter.Query) time.Time {
	if q.Now.IsZero() {
		return tx.now
	}
	return q.Now
}
