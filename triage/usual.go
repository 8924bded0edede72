package triage

import (
	"context"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// usual is what conditions ask of the habits of who did it: one baseline for each dimension.
type usual struct {
	known   map[string]*yagura.Usual
	unknown map[string]string // why a dimension is not known
}

// newUsual sorts what is known by dimension. A finding about several addresses has several
// answers for one: the most telling counts.
func newUsual(list []yagura.Usual) *usual {
	u := &usual{}
	for i := range list {
		x := &list[i]
		if x.Unknown != "" {
			if u.unknown == nil {
				u.unknown = map[string]string{}
			}
			u.unknown[x.Of] = x.Unknown
			continue
		}
		if u.known == nil {
			u.known = map[string]*yagura.Usual{}
		}
		if y := u.known[x.Of]; y == nil || telling(x) > telling(y) || telling(x) == telling(y) && x.Count < y.Count {
			u.known[x.Of] = x
		}
	}
	return u
}

func telling(u *yagura.Usual) int {
	switch {
	case u.First:
		return 3
	case u.Rare:
		return 2
	case u.Learning:
		return 0
	}
	return 1
}

// dimension makes a field of usual. One that nobody answered for is empty.
func dimension(of string) field {
	return member(baselineType, func(u *usual) *yagura.Usual {
		if x := u.known[of]; x != nil {
			return x
		}
		return &yagura.Usual{}
	})
}

// dimensions lists the dimensions of usual that an expression asks; all, where it takes the
// object as a whole.
func dimensions(tree *ast.AST) []string {
	var out []string
	named, whole := 0, 0
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch {
		case e.Kind() == ast.IdentKind && e.AsIdent() == "usual":
			whole++
		case e.Kind() == ast.SelectKind && strings.Join(chain(e.AsSelect().Operand()), ".") == "usual":
			named++
			out = append(out, e.AsSelect().FieldName())
		}
	}))
	if whole > named {
		return slices.Sorted(maps.Keys(objects[usualType.TypeName()]))
	}
	return unique(out)
}

// Usual lists the dimensions of usual that the clauses ask, in order; nil for none.
func (p *Policy) Usual() []string { return slices.Clone(p.usual) }

// namedUsual lists the dimensions of usual that clauses ask.
func namedUsual(clauses []*clause) (out []string) {
	for _, c := range clauses {
		out = append(out, c.usual()...)
	}
	return unique(out)
}

// usual lists the dimensions that the clause asks.
func (c *clause) usual() (out []string) {
	for _, x := range c.expressions() {
		out = append(out, x.usual...)
	}
	return unique(out)
}

// unknown says of which dimensions that clauses ask nothing is known, and why.
func (c *Case) unknown() {
	if c.cel.usual.unknown == nil {
		return
	}
	by := map[string][]string{}
	for _, of := range c.policy.usual {
		if why := c.cel.usual.unknown[of]; why != "" && c.cel.usual.known[of] == nil {
			by[why] = append(by[why], of)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(by)) {
		c.say("policy", nil, "not known what is usual (%s): %s", strings.Join(by[why], ", "), shortText(why))
	}
}

// habits is what the first decision of a clause says of what it asked of usual.
func (c *Case) habits(by *clause) string {
	if c.cel == nil || c.cel.usual.known == nil || c.told[by] {
		return ""
	}
	var out []string
	for _, of := range by.usual() {
		if u := c.cel.usual.known[of]; u != nil {
			out = append(out, usualText(u))
		}
	}
	if len(out) == 0 {
		return ""
	}
	if c.told == nil {
		c.told = map[*clause]bool{}
	}
	c.told[by] = true
	return "; " + strings.Join(out, "; ")
}

// maxUsualText bounds, in characters, what is said of one value.
const maxUsualText = 300

// usualText says for people what is known of a value, on one line.
func usualText(u *yagura.Usual) string {
	if u.Text != "" {
		return cutRunes(oneLine(u.Text), maxUsualText)
	}
	word := "usual"
	switch {
	case u.First:
		word = "first"
	case u.Rare:
		word = "rare"
	case u.Learning:
		word = "learning"
	}
	return cutRunes(oneLine(strings.TrimSpace(u.Of+" "+u.Value)), maxUsualText) + ": " + word
}

// Learn asks what is usual for the findings of cases, as far as the policy that holds now
// wants to know, and writes it into them. It is called before the transaction that files
// them, and asks for all of them at once. It never fails: what could not be known says why.
func (d *Desk) Learn(ctx context.Context, cases ...[]Found) {
	if d.Usual == nil {
		return
	}
	of := d.Policy().Usual()
	if len(of) == 0 {
		return
	}
	var all []*Found
	for _, list := range cases {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	if len(all) > 0 {
		d.Usual(ctx, all, of)
	}
}

// usualOfCase reads what a test of a policy gives of usual: dimensions, and what is known of
// each.
func (r *reader) usualOfCase(f *yagura.Finding, n *yaml.Node) {
	words := append(slices.Sorted(maps.Keys(objects[baselineType.TypeName()])), "unknown")
	r.mapping(n, "usual", slices.Sorted(maps.Keys(objects[usualType.TypeName()])), func(key, v *yaml.Node) {
		u, before := yagura.Usual{Of: key.Value}, len(r.problems)
		r.mapping(v, "usual."+key.Value, words, func(_, _ *yaml.Node) {})
		if len(r.problems) == before {
			r.into(v, "usual."+key.Value, &u)
		}
		f.Usual = append(f.Usual, u)
	})
}
