package falco

// node is one node of a parsed condition.
type node interface{ where() place }

// boolean is `and` or `or` over two and more nodes.
type boolean struct {
	or   bool
	kids []node
	at   place
}

// negation is `not`.
type negation struct {
	kid node
	at  place
}

// identifier is the name of a macro.
type identifier struct {
	name string
	at   place
}

// check is one comparison: left op right, left op modifier right, or left exists.
type check struct {
	left  operand
	op    string // "=" also for "=="
	mod   string // "", "oneof", "anyof" or "allof"
	right operand
	at    place
}

func (n *boolean) where() place    { return n.at }
func (n *negation) where() place   { return n.at }
func (n *identifier) where() place { return n.at }
func (n *check) where() place      { return n.at }

// operand is one side of a check or an argument of a transformer.
type operand interface{ place() place }

// fieldRef names a field of the event.
type fieldRef struct {
	name string
	arg  string // what stands in brackets, "" for none
	at   place
}

// transform applies a transformer; val is one that does nothing.
type transform struct {
	name string
	args []operand
	arg  *string // what stands in brackets after it
	at   place
}

// literal is a value.
type literal struct {
	text string
	at   place
}

// literals is a list of values on the right of a check.
type literals struct {
	values []literal
	at     place
}

// tuple is a list of operands as argument of a transformer.
type tuple struct {
	items []operand
	at    place
}

func (o *fieldRef) place() place  { return o.at }
func (o *transform) place() place { return o.at }
func (o *literal) place() place   { return o.at }
func (o *literals) place() place  { return o.at }
func (o *tuple) place() place     { return o.at }

// shown writes a field as the rule does.
func (o *fieldRef) shown() string {
	if o.arg == "" {
		return o.name
	}
	return o.name + "[" + o.arg + "]"
}

// substitute replaces macro names in n by the conditions that macros holds; names
// that it lacks are handed to unknown. Conditions in macros are shared, never changed.
func substitute(n node, macros func(name string) (node, bool), unknown func(*identifier)) node {
	switch n := n.(type) {
	case *boolean:
		kids := make([]node, len(n.kids))
		for i, kid := range n.kids {
			kids[i] = substitute(kid, macros, unknown)
		}
		return &boolean{n.or, kids, n.at}
	case *negation:
		return &negation{substitute(n.kid, macros, unknown), n.at}
	case *identifier:
		if m, ok := macros(n.name); ok {
			return m
		}
		unknown(n)
	}
	return n
}

// weight counts the nodes of a condition and the values that it compares with.
func weight(n node) int {
	total := 1
	switch n := n.(type) {
	case *boolean:
		for _, kid := range n.kids {
			total += weight(kid)
		}
	case *negation:
		total += weight(n.kid)
	case *check:
		if values, ok := n.right.(*literals); ok {
			total += len(values.values)
		}
	}
	return total
}

// size counts the nodes of a condition up to a limit, and depth its levels.
func size(n node, limit int) (nodes, depth int) {
	switch n := n.(type) {
	case *boolean:
		for _, kid := range n.kids {
			c, d := size(kid, limit-nodes)
			nodes, depth = nodes+c, max(depth, d)
			if nodes > limit {
				break
			}
		}
	case *negation:
		nodes, depth = size(n.kid, limit)
	}
	return nodes + 1, depth + 1
}
