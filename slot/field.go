package slot

// Kind is the JSON type of a [Value].
type Kind uint8

// The kinds. Absent is the kind of a field that the record does not have, which
// is neither Null nor an empty String.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Object
	Array
)

// Seg is one step of a [Path]: an object key, or an array index where IsIndex.
type Seg struct {
	Key     string
	Index   int
	IsIndex bool
}

// Path says where in a record a value stands.
type Path struct {
	Segs []Seg
	// Fold compares keys without regard to ASCII case.
	Fold bool
	// Exact is the way of a JSON pointer: arrays are entered by index only (a key
	// that is a decimal number also means an index), the value is the one value
	// there, of duplicate keys the first counts, and strings are not entered. Without
	// Exact a path fans out over the members of every array it crosses, but for an
	// array that the path goes on from by index; a final array yields itself and
	// then its members, those of nested arrays too; of duplicate keys all count; a key
	// may also be written with its dots in the record ("a.b" for the path a, b), up to 32
	// steps in one key.
	Exact bool
}

// Keys makes a Path of object keys.
func Keys(keys ...string) Path {
	p := Path{Segs: make([]Seg, len(keys))}
	for i, k := range keys {
		p.Segs[i].Key = k
	}
	return p
}

// Field is a set of paths that feed one slot. More than one path means aliases:
// the slot holds the values of all of them, in document order.
//
// A path that goes on below a string whose text is itself a JSON object or array
// enters that text (up to eight levels), so that a policy document inside a string
// can be read as structure. The text may be percent-encoded, when it begins with a
// percent sign. Text that is not valid JSON is just text.
//
// A field with a path of no segments holds the record itself. A value that several
// paths lead to is in the slot once.
type Field struct {
	Paths []Path
}
