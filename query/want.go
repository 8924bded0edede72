package query

import "github.com/yagura-sec/yagura/slot"

// Want asks b for every field that an expression reads, without compiling it: a
// [Set] over b can then be built after b's plan was made. The expression must have
// passed [Check].
func Want(expr Expr, b *slot.Builder) {
	switch x := expr.(type) {
	case *And:
		for _, kid := range x.X {
			Want(kid, b)
		}
	case *Or:
		for _, kid := range x.X {
			Want(kid, b)
		}
	case *Not:
		Want(x.X, b)
	case *Each:
		WantField(x.Field, b)
	case *Pred:
		if x.Op != Keyword {
			WantField(x.Field, b)
		}
		if x.Ref != nil {
			WantField(*x.Ref, b)
		}
	}
}

// WantField asks b for what a field is read from.
func WantField(f Field, b *slot.Builder) {
	if f.Derive == nil {
		b.Slot(slot.Field{Paths: f.Paths})
		return
	}
	for _, d := range f.Derive.Deps {
		WantField(d, b)
	}
}
