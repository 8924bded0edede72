package filter

import (
	"fmt"
	"strings"
)

// Named returns a list by its name, nil where there is none.
func Named(name string) *List {
	for _, l := range Lists() {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// Lists returns all lists.
func Lists() []*List {
	return []*List{
		Issues, Findings, Events, Entities, Rules, Sources, Sinks, Notices, DeadLetters,
		Hunts, Views, Users, Tokens, AuditTrail, Documents, Suppressions, Accounts,
	}
}

// Field returns the field that a name, a Japanese name or an alias means, nil for none.
func (l *List) Field(name string) *Field {
	name = Fold(name)
	for i := range l.Fields {
		f := &l.Fields[i]
		if f.Name == name || f.Japanese != "" && Fold(f.Japanese) == name {
			return f
		}
		for _, a := range f.Aliases {
			if Fold(a) == name {
				return f
			}
		}
	}
	return nil
}

// noField says that a name is none of a field of the list.
func (l *List) noField(name string) error {
	return fmt.Errorf("%s cannot be asked by %q", l.Name, name)
}

// names returns all names of the fields.
func (l *List) names() []string {
	var names []string
	for i := range l.Fields {
		f := &l.Fields[i]
		names = append(append(names, f.Name, f.Japanese), f.Aliases...)
	}
	return names
}

// Order is the order of a list.
type Order struct {
	Key  string // a name of [List.Sorts] without its "-"
	Down bool   // the greatest first
}

// String returns what [List.Sort] reads.
func (o Order) String() string {
	if o.Down {
		return "-" + o.Key
	}
	return o.Key
}

// Sort reads an order, "-severity" or "opened"; "" is the usual one.
func (l *List) Sort(text string) (Order, error) {
	if text == "" {
		text = l.Sorts[0]
	}
	key, down := strings.CutPrefix(text, "-")
	keys := make([]string, len(l.Sorts))
	for i, s := range l.Sorts {
		keys[i] = strings.TrimPrefix(s, "-")
		if keys[i] == key {
			return Order{Key: key, Down: down}, nil
		}
	}
	hint := ""
	if near := nearest(key, keys); near != "" {
		hint = " (hint: did you mean " + near + "?)"
	}
	return Order{}, fmt.Errorf("sort %q: %s can be sorted by %s%s", text, l.Name, strings.Join(keys, ", "), hint)
}

// choice returns the word of the field that a text is in either language, "" for none.
func (f *Field) choice(text string) string {
	text = Fold(text)
	for _, w := range f.Words {
		if Fold(w.Name) == text || w.Japanese != "" && Fold(w.Japanese) == text {
			return w.Name
		}
	}
	return ""
}
