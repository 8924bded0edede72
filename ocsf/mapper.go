package ocsf

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// The bounds of what is taken over from a record beside its fields.
const (
	maxRaw  = 256 << 10 // bytes of raw_data
	maxData = 16 << 10  // bytes of a request's or response's parameters
)

// Options configure a [Mapper].
type Options struct {
	// Version is that of this product, which the events name as a logger.
	Version string
	// Account returns the name of an account, "" where none is known; nil names none.
	Account func(id string) string
}

// Mapper turns events into OCSF, one after another. It is not safe for concurrent use.
type Mapper struct {
	o    Options
	tree tree
}

// New returns a mapper.
func New(o Options) *Mapper { return &Mapper{o: o} }

// Append appends the event as one line of JSON, without the line's end, to b. An event that
// is OCSF already, of whatever producer, is appended as it is.
func (m *Mapper) Append(b []byte, e *yagura.Event) ([]byte, error) {
	if native(e.Format) {
		return appendNative(b, e.Raw)
	}
	o := m.Map(e)
	return o.Append(b), nil
}

// native says whether the records of a format are OCSF themselves.
func native(format string) bool { return format == "ocsf.finding" || format == "ocsf.event" }

func appendNative(b []byte, raw json.RawMessage) ([]byte, error) {
	out := bytes.NewBuffer(b)
	if err := json.Compact(out, raw); err != nil {
		return b, fmt.Errorf("ocsf: a record that is OCSF already: %w", err)
	}
	if line := out.Bytes()[len(b):]; !utf8.Valid(line) {
		return append(b, bytes.ToValidUTF8(line, []byte("\ufffd"))...), nil
	}
	return out.Bytes(), nil
}

// Map returns the event. Its values may point into the record and into the mapper: they are
// good until the next call.
func (m *Mapper) Map(e *yagura.Event) Object {
	record := string(e.Raw)
	b := &build{m: m, e: e, r: m.tree.read(record), class: apiActivity, severity: 1}
	b.meta = Of("uid", e.ID)
	b.describe()
	return b.finish(record)
}

// build is one event in the making: what the formats' functions fill in.
type build struct {
	m *Mapper
	e *yagura.Event
	r value // the record

	class    *class
	activity int
	label    string // of an activity that the class does not know
	severity int

	vendor, product, feature, productVersion string
	meta                                     Object // of metadata, beyond what every event has

	// What many classes have. finish fills what a class requires and the record lacks.
	actor, user, src, dst, api, http, answer, cloud Object

	statusCode, statusDetail string
	status                   int    // 0 is by the header's outcome
	statusText               string // of status
	message                  string
	more                     Object // attributes of the class
	unmapped                 Object
	profiles                 []string
	resources                []Object
}

// is chooses the class and activity.
func (b *build) is(c *class, activity int, label string) {
	b.class, b.activity, b.label = c, activity, label
}

// iam says whether the class is one of Identity & Access Management.
func (b *build) iam() bool { return b.class.category == 3 }

// finish puts the event together. It never leaves out what the class requires.
func (b *build) finish(record string) Object {
	e := b.e
	b.require()
	o := b.class.begin(b.activity, b.label)
	o.Set("time", Millis(e.Time))
	o.Set("severity_id", b.severity)
	o.Set("severity", SeverityName(b.severity))
	b.setStatus(&o)
	o.Set("message", cmp.Or(b.message, e.Action))
	b.profile()
	o.Set("metadata", b.metadata())
	if len(b.cloud) > 0 {
		o.Set("cloud", b.cloud)
	}
	switch c := b.class; {
	case b.iam():
		o.Set("actor", b.actor)
		o.Set("http_request", b.http)
		o.Set("src_endpoint", b.src)
	case c == apiActivity, c == datastoreActivity:
		o.Set("actor", b.actor)
		o.Set("http_request", b.http)
		o.Set("http_response", b.answer)
		o.Set("src_endpoint", b.src)
		o.Set("dst_endpoint", b.dst)
	case c == fileHosting:
		o.Set("actor", b.actor)
		o.Set("src_endpoint", b.src)
		o.Set("dst_endpoint", b.dst)
	case c == httpActivity:
		o.Set("http_request", b.http)
		o.Set("http_response", b.answer)
		o.Set("src_endpoint", b.src)
		o.Set("dst_endpoint", b.dst)
	case c.category == 4:
		o.Set("src_endpoint", b.src)
		o.Set("dst_endpoint", b.dst)
	case c == baseEvent:
		o.Set("actor", b.actor) // the host profile, see profile
	}
	if b.class == apiActivity || len(b.cloud) > 0 {
		o.Set("api", b.api)
	}
	if c := b.class; c == apiActivity || c.category == 2 || c == inventoryInfo {
		o.Set("resources", b.resources)
	}
	for _, a := range b.more {
		o.Set(a.name, a.value)
	}
	if b.class == userAccess || b.class == accountChange || b.class == authentication ||
		b.class == groupManagement {
		o.Set("user", b.user)
	}
	b.rest(&o)
	if len(b.unmapped) > 0 {
		o.Set("unmapped", b.unmapped)
	}
	Observables(&o, e.Entities)
	if cut := rawText(record); len(cut) < len(record) {
		un, _ := o.Get("unmapped").(Object)
		un.Set("raw_data_bytes", len(record))
		o.Set("unmapped", un)
		o.Set("raw_data", cut)
	} else {
		o.Set("raw_data", record)
	}
	return o
}

// rawText cuts a record to what raw_data may hold, between two characters.
func rawText(s string) string {
	if len(s) <= maxRaw {
		return s
	}
	n := maxRaw
	for n > maxRaw-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// require fills in what the class requires and the record does not say, from the header and
// at last with "unknown".
func (b *build) require() {
	e := b.e
	b.more = slices.DeleteFunc(b.more, nameless)
	b.user = identified(b.user)
	b.actor = identifiedActor(b.actor)
	if len(b.actor) == 0 {
		b.actor = Actor(e.Actor)
	}
	b.src, b.dst = identifiedEnd(b.src), identifiedEnd(b.dst)
	switch c := b.class; {
	case c == apiActivity, c == datastoreActivity, c == fileHosting:
		if len(b.actor) == 0 {
			b.actor.Set("user", Of("name", "unknown", "type_id", 0, "type", "Unknown"))
		}
		if len(b.src) == 0 {
			b.src = Endpoint(cmp.Or(e.SrcIP, "unknown"))
		}
	case b.iam():
		if len(b.src) == 0 && e.SrcIP != "" {
			b.src = Endpoint(e.SrcIP)
		}
		if len(b.user) == 0 && c != groupManagement {
			b.user = User(e.Actor)
		}
		if len(b.user) == 0 && c != groupManagement {
			b.user = Of("name", "unknown", "type_id", 0, "type", "Unknown")
		}
		if c == authentication && !b.more.Has("service") && len(b.dst) == 0 {
			b.more.Set("service", Of("name", cmp.Or(b.product, b.vendor, e.Format, "unknown")))
		}
	case c.category == 4:
		if len(b.src) == 0 && e.SrcIP != "" {
			b.src = Endpoint(e.SrcIP)
		}
		if len(b.src) == 0 && len(b.dst) == 0 {
			b.src = Of("name", "unknown")
		}
	}
	if b.class == authentication {
		b.more.Set("dst_endpoint", b.dst)
	}
	if b.class == apiActivity || b.api != nil {
		if !b.api.Has("operation") {
			api := Of("operation", cmp.Or(e.Action, "unknown"))
			b.api = append(api, b.api...)
		}
	}
	if b.cloud == nil {
		b.cloud = Cloud(e.Format, e.Account, e.Region, b.m.o.Account)
	}
	if len(b.resources) == 0 {
		b.resources = resources(e.Targets)
	}
}

// nameless says whether an attribute is a thing that the schema wants an id or a name of, and
// that has neither: a type alone is nothing.
func nameless(a attribute) bool {
	switch a.name {
	case "resource", "service", "policy", "firewall_rule":
		o, ok := a.value.(Object)
		return ok && !o.Has("uid") && !o.Has("name")
	}
	return false
}

// identified returns a user that has an id, a name or an account, as the schema wants it:
// one that has a full name only is called by it, any other is nobody.
func identified(u Object) Object {
	if u.Has("uid") || u.Has("name") || u.Has("account") {
		return u
	}
	full, _ := u.Get("full_name").(string)
	if full == "" {
		return nil
	}
	u.Set("name", full)
	return u
}

// identifiedActor returns an actor that says who or what it is, nothing otherwise.
func identifiedActor(a Object) Object {
	if user, ok := a.Get("user").(Object); ok {
		if user = identified(user); user != nil {
			a.Set("user", user)
		} else {
			rest := Object{}
			for _, x := range a {
				if x.name != "user" {
					rest = append(rest, x)
				}
			}
			a = rest
		}
	}
	for _, name := range [...]string{"user", "session", "app_name", "app_uid", "invoked_by", "process"} {
		if a.Has(name) {
			return a
		}
	}
	return nil
}

// identifiedEnd returns an endpoint that has an address or a name. A port or a place alone is
// that of an endpoint without a name.
func identifiedEnd(o Object) Object {
	if len(o) == 0 {
		return nil
	}
	for _, name := range [...]string{"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "domain"} {
		if o.Has(name) {
			return o
		}
	}
	o.Set("name", "unknown")
	return o
}

// resources are the targets of a header.
func resources(targets []yagura.Entity) []Object {
	out := make([]Object, 0, min(len(targets), maxObservables))
	for _, t := range targets {
		if t.ID == "" || len(out) == maxObservables {
			continue
		}
		out = append(out, Of("uid", t.ID, "name", lastName(t.ID), "type", t.Type))
	}
	return out
}

// lastName is the name at the end of an ARN or path, "" where there is none.
func lastName(id string) string {
	for i := len(id) - 1; i > 0; i-- {
		if id[i] == '/' || id[i] == ':' {
			return id[i+1:]
		}
	}
	return ""
}

// setStatus sets how it went: of a finding its state; of all others the header's outcome,
// and where that is not known what the format's fields say.
func (b *build) setStatus(o *Object) {
	id, caption := b.status, b.statusText
	switch {
	case b.class.category == 2:
	case b.e.Outcome == yagura.OutcomeSuccess:
		id, caption = 1, "Success"
	case b.e.Outcome == yagura.OutcomeFailure:
		id, caption = 2, "Failure"
	}
	o.Set("status_id", id)
	o.Set("status", cmp.Or(caption, "Unknown"))
	o.Set("status_code", b.statusCode)
	o.Set("status_detail", b.statusDetail)
}

// profile names the profiles whose attributes the event has.
func (b *build) profile() {
	if len(b.cloud) > 0 {
		b.profiles = append(b.profiles, "cloud")
	}
	if b.class == baseEvent && len(b.actor) > 0 {
		b.profiles = append(b.profiles, "host")
	}
}

func (b *build) metadata() Object {
	e := b.e
	product := Of("name", b.product, "vendor_name", b.vendor, "version", b.productVersion, "feature", Of("name", b.feature))
	if b.product == "" {
		product.Set("name", cmp.Or(e.Format, "unknown"))
	}
	m := Of("version", Version, "product", product)
	for _, a := range b.meta {
		m.Set(a.name, a.value)
	}
	m.Set("log_name", e.Format)
	if len(b.profiles) > 0 {
		m.Set("profiles", b.profiles)
	}
	logger := Of("name", "Yagura", "version", b.m.o.Version)
	if !e.Seen.IsZero() {
		if !m.Has("logged_time") {
			m.Set("logged_time", Millis(e.Seen))
		}
		logger.Set("logged_time", Millis(e.Seen))
	}
	m.Set("loggers", []Object{logger})
	return m
}

// rest keeps below unmapped what the header says and the class has no place for.
func (b *build) rest(o *Object) {
	e := b.e
	b.unmapped.Set("key", e.Key.String())
	b.unmapped.Set("file", e.File)
	if e.File != "" {
		b.unmapped.Set("offset", e.Offset)
	}
	if len(b.cloud) == 0 {
		b.unmapped.Set("account", e.Account)
		b.unmapped.Set("region", e.Region)
		if b.class != apiActivity {
			b.unmapped.Set("action", e.Action)
		}
	}
	if !o.Has("src_endpoint") && !o.Has("evidences") {
		b.unmapped.Set("src_ip", e.SrcIP)
	}
	if !o.Has("actor") && b.class.category != 2 {
		b.unmapped.Set("actor", Actor(e.Actor))
	}
}
