package kql

// The syntax tree. Every node knows its place.
type node interface{ span() Span }

func (s Span) span() Span { return s }

// to is the span from s to t.
func (s Span) to(t Span) Span { return Span{s.Start, max(s.End, t.End)} }

type (
	// litNode is a literal that the lexer has read.
	litNode struct {
		token
	}
	// nullNode is the word null or true or false where a literal may stand.
	boolNode struct {
		Span
		val bool
	}
	// dynNode is dynamic(…), as JSON text.
	dynNode struct {
		Span
		json string
	}
	nameNode struct {
		Span
		name string
	}
	// memberNode is base.key, or base["key"] with a constant key.
	memberNode struct {
		Span
		base node
		key  string
	}
	indexNode struct {
		Span
		base, index node
	}
	callNode struct {
		Span
		name token
		args []*item
	}
	// binNode has two operands and an operator as KQL spells it.
	binNode struct {
		Span
		op   string
		l, r node
	}
	unaryNode struct {
		Span
		op string
		x  node
	}
	// inNode is x in (list), and has_any and has_all.
	inNode struct {
		Span
		op   string
		x    node
		list []node
	}
	betweenNode struct {
		Span
		not       bool
		x, lo, hi node
	}
	starNode struct{ Span }
	// pipeNode is a source and the operators that follow it; a source alone is not
	// wrapped.
	pipeNode struct {
		Span
		src node
		ops []*opNode
	}
	// opNode is one operator. Which fields are set depends on its name.
	opNode struct {
		Span
		name  string
		opts  map[string]string
		optAt map[string]Span
		items []*item
		by    []*item
		x     node
		legs  []node
		sub   []*opNode
		cols  []colDecl
		num   int
	}
	// item is an expression with what may stand around it in a list.
	item struct {
		Span
		names  []string
		value  node
		wild   string // a*b in project-away and kin
		desc   bool
		asc    bool
		nulls  string
		typ    Type
		others node  // top-nested … with others = x
		sub    *item // top-nested … by x
		step   string
		output string // scan: all, last or none
	}
	colDecl struct {
		Span
		name string
		typ  Type
	}
	// funcNode is a function that a let makes.
	funcNode struct {
		Span
		params []param
		body   []stmt
		view   bool
	}
	param struct {
		Span
		name  string
		typ   Type
		table bool
		cols  []colDecl // of a tabular parameter; nil with any for (*)
		def   node
	}
	// stmt is one statement: a let, a declaration, or an expression.
	stmt struct {
		Span
		let    string
		value  node // the let's value, or the expression
		decl   []param
		set    bool
		option string // the name that a set statement sets to value, if it has one
	}
)

// Query is a parsed query.
type Query struct {
	src   string
	stmts []stmt
}
