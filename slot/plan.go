package slot

// ID numbers a slot within one Plan.
type ID int32

// Builder collects the fields that are wanted of one kind of record.
type Builder struct{}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder { panic("being built") }

// Slot returns the slot for f, the same one for equal fields.
func (b *Builder) Slot(f Field) ID { panic("being built") }

// Plan compiles what was asked so far. It is immutable and safe for concurrent use.
func (b *Builder) Plan() *Plan { panic("being built") }

// Plan reads records into a [Doc].
type Plan struct{}

// NewDoc returns a Doc for this plan. A Doc is for one goroutine.
func (p *Plan) NewDoc() *Doc { panic("being built") }

// Scan reads one JSON value from the start of buf (white space before it is
// skipped) and fills doc with its slots, dropping what doc held. It returns the
// number of bytes read. The error is [ErrShort] when buf ends inside the value
// and a [*SyntaxError] when the value is not JSON.
// doc refers to buf until the next Scan.
func (p *Plan) Scan(buf []byte, doc *Doc) (n int, err error) { panic("being built") }

// Doc holds the values of one record.
type Doc struct{}

// Value is the number of a value in a Doc; negative means none.
type Value int32

// First returns the first value of a slot, negative when it is absent.
func (d *Doc) First(s ID) Value { panic("being built") }

// Next returns the value after v in the same slot, negative at the end.
func (d *Doc) Next(v Value) Value { panic("being built") }

// Kind returns the JSON type of v.
func (d *Doc) Kind(v Value) Kind { panic("being built") }

// Raw returns the bytes of v as they stand in the record: for a string what is
// between its quotes, escapes and all.
func (d *Doc) Raw(v Value) []byte { panic("being built") }

// Text returns v as text: a string with its escapes resolved (a lone surrogate
// becomes U+FFFD, invalid UTF-8 stays as it is), an object or array as compact
// JSON, anything else as written. It is computed once and valid until the next Scan.
func (d *Doc) Text(v Value) []byte { panic("being built") }

// Record returns the bytes of the whole record.
func (d *Doc) Record() []byte { panic("being built") }

// Filled lists the slots that have a value, in no order.
func (d *Doc) Filled() []ID { panic("being built") }
