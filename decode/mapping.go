package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Limits of a mapping file.
const (
	maxMapping      = 1 << 20
	maxMappingItems = 64 // entries of one list
)

// MappingError is what is wrong with a mapping file, and where.
type MappingError struct {
	File         string
	Line, Column int // from 1; 0 when unknown
	Reason       string
	Hint         string
}

// Error returns file:line:column: reason (hint: …).
func (e *MappingError) Error() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(":%d:%d", e.Line, max(e.Column, 1))
	}
	s += ": " + e.Reason
	if e.Hint != "" {
		s += " (hint: " + e.Hint + ")"
	}
	return s
}

// ParseMapping reads a mapping file, which describes a JSON log type that Yagura does
// not know: how its records are recognised and where their header fields stand
// (docs/formats.md has the grammar and an example). One file is one format; place
// it before those of [Formats] in [Options]. The error is a [*MappingError].
func ParseMapping(file string, data []byte) (*Format, error) {
	p := &mappingParser{file: file}
	if len(data) > maxMapping {
		return nil, p.fail(nil, "the file is larger than 1 MB", "")
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, p.fail(nil, "the file is empty", "")
		}
		return nil, p.fail(nil, strings.TrimPrefix(err.Error(), "yaml: "), "")
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, p.fail(nil, "one file holds one format", "put a second document in a file of its own")
	}
	m := p.mapping(&doc)
	if p.err != nil {
		return nil, p.err
	}
	return m.format(), nil
}

// mapping is a mapping file as read. Each list of ints numbers Format.Fields in the
// order in which they are tried.
type mapping struct {
	name       string
	ignoreCase bool
	fields     []string
	recognise  []recogniser
	time       []int
	id         []int
	key        []int
	account    []int
	region     []int
	action     []int
	srcIP      []int
	actorType  string
	actorID    []int
	actorName  []int
	sessionOf  []int
	outcome    []int
	success    []string
	failure    []string
	targets    []typedField
	entities   []typedField
}

type recogniser struct {
	field  int
	equals []string // empty: the field must be present
}

type typedField struct {
	typ   string
	field int
}

// mappingParser keeps the faults of a file, and passes over the rest of very many.
type mappingParser struct {
	file   string
	faults int
	err    error
}

const maxMappingFaults = 20

func (p *mappingParser) fail(n *yaml.Node, reason, hint string) error {
	if p.faults++; p.faults <= maxMappingFaults {
		e := &MappingError{File: p.file, Reason: reason, Hint: hint}
		if n != nil {
			e.Line, e.Column = n.Line, n.Column
		}
		p.err = errors.Join(p.err, e)
	}
	return p.err
}

var mappingName = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`)

func (p *mappingParser) mapping(doc *yaml.Node) *mapping {
	m := &mapping{actorType: yagura.EntityUser}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		doc = doc.Content[0]
	}
	var name, recognise *yaml.Node
	p.object(doc, func(key string, v *yaml.Node) bool {
		switch key {
		case "name":
			name = v
			m.name = p.text(v)
			if !mappingName.MatchString(m.name) {
				p.fail(v, fmt.Sprintf("name %q: want lower-case words with a dot between them, such as acme.vpn", m.name), "")
			}
			if slices.ContainsFunc(Formats(), func(f *Format) bool { return f.Name == m.name }) {
				p.fail(v, fmt.Sprintf("name %q is the name of a format that is built in", m.name), "choose another")
			}
		case "ignore_case":
			if m.ignoreCase = p.text(v) == "true"; !m.ignoreCase && p.text(v) != "false" {
				p.fail(v, "ignore_case: want true or false", "")
			}
		case "recognise":
			recognise = v
			p.list(v, func(v *yaml.Node) { m.recognise = append(m.recognise, p.recogniser(m, v)) })
		case "time":
			m.time = p.paths(m, v)
		case "id":
			m.id = p.paths(m, v)
		case "key":
			m.key = p.paths(m, v)
		case "account":
			m.account = p.paths(m, v)
		case "region":
			m.region = p.paths(m, v)
		case "action":
			m.action = p.paths(m, v)
		case "src_ip":
			m.srcIP = p.paths(m, v)
		case "actor":
			p.actor(m, v)
		case "outcome":
			p.outcome(m, v)
		case "targets":
			p.list(v, func(v *yaml.Node) { m.targets = append(m.targets, p.typed(m, v)) })
		case "entities":
			p.list(v, func(v *yaml.Node) { m.entities = append(m.entities, p.typed(m, v)) })
		default:
			return false
		}
		return true
	})
	if doc.Kind != yaml.MappingNode {
		return m
	}
	if name == nil {
		p.fail(doc, "there is no name", "add name: vendor.log")
	}
	if recognise == nil {
		p.fail(doc, "there is no recognise", "add recognise: with the fields that tell these records from others")
	} else if len(m.recognise) == 0 && p.faults == 0 {
		p.fail(recognise, "recognise is empty", "a format that takes every record would hide all others")
	}
	return m
}

func (p *mappingParser) actor(m *mapping, v *yaml.Node) {
	p.object(v, func(key string, v *yaml.Node) bool {
		switch key {
		case "type":
			m.actorType = p.entityType(v)
		case "id":
			m.actorID = p.paths(m, v)
		case "name":
			m.actorName = p.paths(m, v)
		case "session_of":
			m.sessionOf = p.paths(m, v)
		default:
			return false
		}
		return true
	})
}

func (p *mappingParser) outcome(m *mapping, v *yaml.Node) {
	p.object(v, func(key string, v *yaml.Node) bool {
		switch key {
		case "field":
			m.outcome = p.paths(m, v)
		case "success":
			m.success = p.texts(v)
		case "failure":
			m.failure = p.texts(v)
		default:
			return false
		}
		return true
	})
	if len(m.outcome) == 0 {
		p.fail(v, "outcome has no field", "")
	}
}

func (p *mappingParser) recogniser(m *mapping, v *yaml.Node) recogniser {
	if v.Kind == yaml.ScalarNode { // a bare path: the field must be present
		return recogniser{field: p.path(m, v)}
	}
	r := recogniser{field: -1}
	p.object(v, func(key string, v *yaml.Node) bool {
		switch key {
		case "field":
			r.field = p.path(m, v)
		case "equals":
			if r.equals = p.texts(v); len(r.equals) == 0 {
				p.fail(v, "equals is empty", "")
			}
		default:
			return false
		}
		return true
	})
	if r.field < 0 {
		p.fail(v, "a condition of recognise needs a field", "")
	}
	return r
}

func (p *mappingParser) typed(m *mapping, v *yaml.Node) typedField {
	t := typedField{typ: yagura.EntityResource, field: -1}
	p.object(v, func(key string, v *yaml.Node) bool {
		switch key {
		case "type":
			t.typ = p.entityType(v)
		case "field":
			t.field = p.path(m, v)
		default:
			return false
		}
		return true
	})
	if t.field < 0 {
		p.fail(v, "an entity needs a field", "")
	}
	return t
}

var entityTypes = []string{yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal, yagura.EntityKey,
	yagura.EntityIP, yagura.EntityDomain, yagura.EntityHost, yagura.EntityResource, yagura.EntityAccount}

func (p *mappingParser) entityType(v *yaml.Node) string {
	t := p.text(v)
	if !slices.Contains(entityTypes, t) {
		p.fail(v, fmt.Sprintf("type %q: want one of %s", t, strings.Join(entityTypes, ", ")), "")
	}
	return t
}

// object walks a YAML mapping; known returns false for a key that it does not know.
func (p *mappingParser) object(n *yaml.Node, known func(key string, v *yaml.Node) bool) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "want keys and values here", "")
		return
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && p.faults < maxMappingFaults; i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		switch {
		case seen[key.Value]:
			p.fail(key, fmt.Sprintf("key %q stands here twice", key.Value), "")
		case v.Kind == yaml.AliasNode:
			p.fail(v, "aliases are not used in mapping files", "write the value out")
		case !known(key.Value, v):
			p.fail(key, fmt.Sprintf("unknown key %q", key.Value), "docs/formats.md lists the keys of a mapping file")
		}
		seen[key.Value] = true
	}
}

func (p *mappingParser) list(n *yaml.Node, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		p.fail(n, "want a list here", "")
		return
	}
	if len(n.Content) > maxMappingItems {
		p.fail(n, fmt.Sprintf("the list has %d entries, more than %d", len(n.Content), maxMappingItems), "")
		return
	}
	for _, v := range n.Content {
		if v.Kind == yaml.AliasNode {
			p.fail(v, "aliases are not used in mapping files", "write the value out")
			continue
		}
		if p.faults >= maxMappingFaults {
			return
		}
		each(v)
	}
}

// text reads one scalar as it is written.
func (p *mappingParser) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fail(n, "want one value here", "")
		return ""
	}
	return n.Value
}

// texts reads one scalar or a list of them.
func (p *mappingParser) texts(n *yaml.Node) (list []string) {
	if n.Kind == yaml.ScalarNode {
		return []string{p.text(n)}
	}
	p.list(n, func(v *yaml.Node) { list = append(list, p.text(v)) })
	return list
}

// paths reads one path or a list of them, to be tried in order.
func (p *mappingParser) paths(m *mapping, n *yaml.Node) (list []int) {
	if n.Kind == yaml.ScalarNode {
		return []int{p.path(m, n)}
	}
	p.list(n, func(v *yaml.Node) { list = append(list, p.path(m, v)) })
	return list
}

// path reads a field's path and returns its number.
func (p *mappingParser) path(m *mapping, n *yaml.Node) int {
	faults := p.faults
	t := p.text(n)
	if p.faults > faults {
		return -1
	}
	keys := splitPath(t)
	if len(keys) == 0 || slices.Contains(keys, "") || strings.Contains(t, "|") || strings.HasSuffix(t, ".") || len(keys) > 32 || !bracketed(t) {
		p.fail(n, fmt.Sprintf("path %q: want keys with dots between them, such as user.name", t), "put a key that holds a dot in brackets: user.[first.name]")
		return -1
	}
	if i := slices.Index(m.fields, t); i >= 0 {
		return i
	}
	m.fields = append(m.fields, t)
	return len(m.fields) - 1
}

// format makes the Format.
func (m *mapping) format() *Format {
	return &Format{
		Name:   m.name,
		Fields: fieldList(m.ignoreCase, m.fields),
		Is:     m.is,
		Key:    m.recordKey,
		Time:   m.when,
		Header: m.header,
	}
}

func (m *mapping) is(r *Record) bool {
	for i := range m.recognise {
		c := &m.recognise[i]
		if len(c.equals) == 0 {
			if !r.has(c.field) {
				return false
			}
			continue
		}
		if !m.holds(r, c.field, c.equals) {
			return false
		}
	}
	return true
}

// holds says whether a value of the field equals one of the words.
func (m *mapping) holds(r *Record, field int, words []string) bool {
	for v := r.First(field); v >= 0; v = r.Doc.Next(v) {
		if r.Doc.Kind(v) == slot.Null {
			continue
		}
		t := r.Doc.Text(v)
		for _, w := range words {
			if string(t) == w || m.ignoreCase && bytes.EqualFold(t, []byte(w)) {
				return true
			}
		}
	}
	return false
}

func (m *mapping) when(r *Record) int64 {
	for _, i := range m.time {
		for v := r.First(i); v >= 0; v = r.Doc.Next(v) {
			if ns := nanos(r.Doc.Text(v)); ns != 0 {
				return ns
			}
		}
	}
	return 0
}

// recordKey hashes the fields of `key` under the format's name; without the first of
// them, or without `key`, the record is keyed by file and number.
func (m *mapping) recordKey(r *Record) (yagura.Key, uint64, bool) {
	var target []byte
	if len(m.targets) > 0 {
		target = r.scalar(m.targets[0].field)
	}
	content := contentHash(m.when(r), r.either(m.actorID...), r.either(m.action...), target, r.either(m.outcome...))
	if len(m.key) == 0 || r.scalar(m.key[0]) == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start(m.name)
	for _, i := range m.key {
		k.part(r.scalar(i))
	}
	return k.sum(), content, true
}

func (m *mapping) header(r *Record, e *yagura.Event) {
	e.ID = r.str(m.id...)
	e.Time = timeOf(m.when(r))
	e.Account = r.str(m.account...)
	e.Region = r.str(m.region...)
	e.Action = r.str(m.action...)
	e.SrcIP = firstAddress(r, m.srcIP...)
	name := r.str(m.actorName...)
	if id := r.str(m.actorID...); id != "" {
		e.Actor = yagura.Actor{Type: m.actorType, ID: id, Name: name, SessionOf: r.str(m.sessionOf...)}
	} else if name != "" {
		e.Actor = yagura.Actor{Type: m.actorType, ID: name, Name: name, SessionOf: r.str(m.sessionOf...)}
	}
	for _, t := range m.targets {
		for _, id := range r.texts(t.field) {
			e.Targets = addEntity(e.Targets, t.typ, id)
		}
	}
	e.Outcome = m.result(r)
	var more []yagura.Entity
	for _, t := range m.entities {
		for _, id := range r.texts(t.field) {
			more = append(more, yagura.Entity{Type: t.typ, ID: id})
		}
	}
	finish(e, more...)
}

// result judges by the word lists of the file; without any by the usual words. With
// one list only, every other value is the other outcome.
func (m *mapping) result(r *Record) string {
	text := r.either(m.outcome...)
	if text == nil {
		return yagura.OutcomeUnknown
	}
	in := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, string(text)) })
	}
	switch {
	case len(m.success) == 0 && len(m.failure) == 0:
		return outcomeWord(text)
	case in(m.success):
		return yagura.OutcomeSuccess
	case in(m.failure):
		return yagura.OutcomeFailure
	case len(m.failure) == 0:
		return yagura.OutcomeFailure
	case len(m.success) == 0:
		return yagura.OutcomeSuccess
	}
	return yagura.OutcomeUnknown
}
