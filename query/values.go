package query

// Texts is a list of texts.
type Texts interface {
	Len() int
	At(i int) []byte
}

// Input gives a [Derived] field the values of its Deps.
type Input interface {
	// Dep returns the values of the i-th dependency, converted by its Conv.
	Dep(i int) Texts
	// Meta returns what is known of the record apart from its bytes.
	Meta() Meta
}

// Values collects the texts that a [Derived] field yields. It is reused from record
// to record: nothing that it holds may be kept.
type Values struct {
	buf  []byte
	ends []int
}

// Add appends one value, copying text.
func (v *Values) Add(text []byte) {
	v.buf = append(v.buf, text...)
	v.ends = append(v.ends, len(v.buf))
}

// AddString appends one value.
func (v *Values) AddString(text string) {
	v.buf = append(v.buf, text...)
	v.ends = append(v.ends, len(v.buf))
}

// Len returns the number of values.
func (v *Values) Len() int { return len(v.ends) }

// At returns the i-th value.
func (v *Values) At(i int) []byte {
	start := 0
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.buf[start:v.ends[i]:v.ends[i]]
}

// Reset empties v and keeps its memory.
func (v *Values) Reset() { v.buf, v.ends = v.buf[:0], v.ends[:0] }
