package falco

import (
	"strconv"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// ftype is the type of a field, by which operators are allowed and values are read.
type ftype uint8

const (
	tString ftype = iota
	tUint
	tAbsTime
	tRelTime
	tBool
)

func (t ftype) String() string {
	return [...]string{"CHARBUF", "UINT64", "ABSTIME", "RELTIME", "BOOL"}[t]
}

// numeric says that values are unsigned integers.
func (t ftype) numeric() bool { return t == tUint || t == tAbsTime || t == tRelTime }

// argKind says what may stand in brackets after a field.
type argKind uint8

const (
	argNone     argKind = iota
	argKey              // required, any text
	argIndex            // allowed, a number
	argMustFind         // required, a number
)

// derivation computes a field; see [query.Derived].
type derivation func(in query.Input, out *query.Values)

// fieldDef is one field of a source.
type fieldDef struct {
	typ  ftype
	list bool
	arg  argKind
	// Where the field stands, for a field that is read as it is.
	paths []slot.Path
	conv  query.Conv
	// How it is computed, for any other.
	deps []query.Field
	fn   derivation
	// bind makes the two above for an argument.
	bind func(arg string) fieldDef
	// always says that the plugin sets the field on every event, to "" where the
	// record lacks it.
	always bool
	// pad prints numbers with nine digits.
	pad bool
	// counts says that the field depends on the records of the file before this one.
	counts bool
	// window marks a count over time; see window.go.
	window bool
	// note warns the author of a rule that reads the field.
	note string
}

// catalogue holds the fields of a source by name.
type catalogue map[string]*fieldDef

// eventSource is one of Falco's event sources and what stands in for it here.
type eventSource struct {
	name   string
	key    string // of the fields that are computed: two catalogues never share one
	plugin string // evt.pluginname
	format string // yagura's format
	// also is a further format whose records the same fields read.
	also   string
	fields catalogue
	// delivered has a value in the records that Falco's plugin hands to the engine,
	// those that evt.num counts.
	delivered query.Field
}

// formats lists the formats whose records a rule of the source judges.
func (s *eventSource) formats() []string {
	if s.also == "" {
		return []string{s.format}
	}
	return []string{s.format, s.also}
}

// eventSources returns the sources that rules can be written for.
func eventSources(opts Options) map[string]*eventSource {
	out := map[string]*eventSource{}
	for _, s := range []*eventSource{
		{name: "aws_cloudtrail", plugin: "cloudtrail", format: "aws.cloudtrail", fields: cloudtrailFields()},
		{name: "gcp_auditlog", plugin: "gcpaudit", format: "gcp.audit", fields: gcpFields()},
		{name: "okta", plugin: "okta", format: "okta.system", fields: oktaFields()},
		{name: "github", plugin: "github", format: "github.audit", also: "github.webhook", fields: githubFields()},
		{name: "k8s_audit", plugin: "k8saudit", format: "kubernetes.audit", fields: kubernetesFields(eventShape())},
	} {
		s.key = s.name
		addJSONFields(s.fields)
		addEventFields(s, opts)
		out[s.name] = s
	}
	return out
}

// exact is a path by which exactly one value is read; a number is also an index.
func exact(keys ...string) slot.Path {
	p := slot.Keys(keys...)
	p.Exact = true
	return p
}

// textAt reads a string, and "" for any other value that is there.
func textAt(keys ...string) query.Field {
	return query.Field{Paths: []slot.Path{exact(keys...)}, Conv: query.ConvString}
}

// rawAt reads a string as itself and any other value as JSON.
func rawAt(keys ...string) query.Field {
	return query.Field{Paths: []slot.Path{exact(keys...)}, Conv: query.ConvRaw}
}

// both reads a value both ways: where the two agree it is a string.
func both(keys ...string) []query.Field { return []query.Field{textAt(keys...), rawAt(keys...)} }

func plainText(keys ...string) *fieldDef {
	return &fieldDef{paths: []slot.Path{exact(keys...)}, conv: query.ConvString}
}

func computed(fn derivation, deps ...query.Field) *fieldDef { return &fieldDef{deps: deps, fn: fn} }

// dep returns the first value of a dependency.
func dep(in query.Input, i int) ([]byte, bool) {
	t := in.Dep(i)
	if t.Len() == 0 {
		return nil, false
	}
	return t.At(0), true
}

// depString returns the text of a value read both ways, at i and i+1. ok is false
// unless it is there and a string.
func depString(in query.Input, i int) (text []byte, ok bool) {
	text, ok = dep(in, i)
	if !ok {
		return nil, false
	}
	raw, _ := dep(in, i+1)
	return text, string(raw) == string(text)
}

// depTrue says whether the value read both ways at i and i+1 is the JSON true.
func depTrue(in query.Input, i int) bool {
	text, ok := dep(in, i)
	raw, _ := dep(in, i+1)
	return ok && len(text) == 0 && string(raw) == "true"
}

// depUint returns the number read both ways at i and i+1: a fraction is cut off, and
// what is no number is 0. ok is false when there is no value.
func depUint(in query.Input, i int) (n uint64, ok bool) {
	if _, ok = dep(in, i); !ok {
		return 0, false
	}
	if _, isText := depString(in, i); isText {
		return 0, true
	}
	raw, _ := dep(in, i+1)
	return jsonUint(raw), true
}

// jsonUint reads a JSON number as an unsigned integer, 0 if it is none.
func jsonUint(raw []byte) uint64 {
	if n, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil && f > 0 && f < 1<<64 {
		return uint64(f)
	}
	return 0
}

// addUint appends a number in decimal.
func addUint(out *query.Values, n uint64) {
	var buf [20]byte
	out.Add(strconv.AppendUint(buf[:0], n, 10))
}

// marshalled yields a value as compact JSON, strings in their quotes. It is read
// both ways.
func marshalled(in query.Input, out *query.Values) {
	if s, ok := depString(in, 0); ok {
		out.Add(appendQuoted(nil, s))
		return
	}
	if raw, ok := dep(in, 1); ok {
		out.Add(raw)
	}
}
