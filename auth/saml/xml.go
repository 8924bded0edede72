package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// The namespaces.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsEncrypt   = "http://www.w3.org/2001/04/xmlenc#"
	nsEncrypt11 = "http://www.w3.org/2009/xmlenc11#"
	nsXML       = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS     = "http://www.w3.org/2000/xmlns/"
)

// bounds of a document.
type bounds struct {
	bytes, elements, depth int
	// comments may stand between elements: in metadata, which people write into. A value with
	// a comment in it is refused in any case.
	comments bool
}

var (
	responseBounds = bounds{bytes: 512 << 10, elements: 10_000, depth: 24}
	metadataBounds = bounds{bytes: 1 << 20, elements: 40_000, depth: 24, comments: true}
)

const mostAttributes = 48

// ncName is a name without a colon. Names beyond ASCII are not used by anything that is read
// here.
var ncName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,255}$`)

// parse reads a document of a strict form. It refuses what readers of XML are known to differ
// about, so that what was signed is what is read: document types and entities, comments, CDATA,
// processing instructions, names with two colons, attributes that are there twice, prefixes
// that nothing declares, two elements with the same ID.
func parse(body []byte, b bounds) (*etree.Element, error) {
	if len(body) > b.bytes {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(body), b.bytes)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	for rest := body; ; {
		_, after, ok := bytes.Cut(rest, []byte("<!"))
		if !ok {
			break
		}
		switch {
		case bytes.HasPrefix(after, []byte("--")) && !b.comments:
			return nil, errors.New("it has a comment")
		case bytes.HasPrefix(after, []byte("--")):
		case bytes.HasPrefix(after, []byte("[CDATA[")):
			return nil, errors.New("it has CDATA")
		default:
			return nil, errors.New("it has a document type or entity")
		}
		rest = after
	}
	if err := scan(body, b); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{MaxDepth: b.depth}
	if err := doc.ReadFromBytes(body); err != nil {
		return nil, err
	}
	root := doc.Root()
	if root == nil {
		return nil, errors.New("it has no element")
	}
	return root, nil
}

// scan goes over a document once, token by token, and keeps nothing but what is open.
func scan(body []byte, b bounds) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = true
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("it is not UTF-8") }
	type open struct {
		name     xml.Name
		prefixes map[string]string // declared by this element; nil where it declares none
	}
	var stack []open
	lookup := func(prefix string) (string, bool) {
		if prefix == "xml" {
			return nsXML, true
		}
		for i := len(stack) - 1; i >= 0; i-- {
			if uri, ok := stack[i].prefixes[prefix]; ok {
				return uri, true
			}
		}
		return "", prefix == ""
	}
	ids := map[string]bool{}
	elements, roots := 0, 0
	for first := true; ; first = false {
		t, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("it is not well-formed: %w", err)
		}
		switch t := t.(type) {
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				return errors.New("it has a processing instruction")
			}
		case xml.Comment:
			if !b.comments {
				return errors.New("it has a comment")
			}
		case xml.Directive:
			return errors.New("it has a document type")
		case xml.CharData:
			if len(stack) == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("it has text outside of its element")
			}
		case xml.EndElement:
			if len(stack) == 0 || stack[len(stack)-1].name != t.Name {
				return errors.New("it is not well-formed: an element ends that is not open")
			}
			stack = stack[:len(stack)-1]
		case xml.StartElement:
			if len(stack) == 0 {
				if roots++; roots > 1 {
					return errors.New("it has two elements at the top")
				}
			}
			if elements++; elements > b.elements {
				return fmt.Errorf("it has more than %d elements", b.elements)
			}
			if len(stack) >= b.depth {
				return fmt.Errorf("it is more than %d elements deep", b.depth)
			}
			if len(t.Attr) > mostAttributes {
				return fmt.Errorf("an element has more than %d attributes", mostAttributes)
			}
			prefixes, err := declared(t)
			if err != nil {
				return err
			}
			stack = append(stack, open{t.Name, prefixes})
			if err := checkNames(t, lookup, ids); err != nil {
				return err
			}
		}
	}
	if len(stack) > 0 || roots == 0 {
		return errors.New("it is cut off")
	}
	return nil
}

// declared returns the prefixes that an element declares; "" is the namespace of names without
// a prefix.
func declared(t xml.StartElement) (map[string]string, error) {
	var out map[string]string
	for _, a := range t.Attr {
		prefix, is := "", a.Name.Space == "" && a.Name.Local == "xmlns"
		if a.Name.Space == "xmlns" {
			prefix, is = a.Name.Local, true
		}
		if !is {
			continue
		}
		if prefix == "xml" || prefix == "xmlns" || prefix != "" && a.Value == "" || a.Value == nsXML || a.Value == nsXMLNS {
			return nil, fmt.Errorf("it declares the prefix %q as %.100q", prefix, a.Value)
		}
		if out == nil {
			out = map[string]string{}
		}
		if _, twice := out[prefix]; twice {
			return nil, fmt.Errorf("it declares the prefix %q twice in one element", prefix)
		}
		out[prefix] = a.Value
	}
	return out, nil
}

func checkNames(t xml.StartElement, lookup func(string) (string, bool), ids map[string]bool) error {
	good := func(n xml.Name) bool {
		return ncName.MatchString(n.Local) && (n.Space == "" || ncName.MatchString(n.Space))
	}
	if !good(t.Name) || t.Name.Space == "xmlns" || t.Name.Space == "xml" {
		return fmt.Errorf("it has an element with the name %.80q", t.Name.Space+":"+t.Name.Local)
	}
	if _, ok := lookup(t.Name.Space); !ok {
		return fmt.Errorf("the prefix %.80q is not declared", t.Name.Space)
	}
	seen := map[xml.Name]bool{}
	for _, a := range t.Attr {
		if !good(a.Name) {
			return fmt.Errorf("it has an attribute with the name %.80q", a.Name.Space+":"+a.Name.Local)
		}
		n := a.Name
		if n.Space != "" && n.Space != "xmlns" {
			uri, ok := lookup(n.Space)
			if !ok {
				return fmt.Errorf("the prefix %.80q is not declared", n.Space)
			}
			n.Space = uri
		}
		if seen[n] {
			return fmt.Errorf("an element has the attribute %.80q twice", a.Name.Local)
		}
		seen[n] = true
		if strings.EqualFold(a.Name.Local, "id") && a.Name.Space != "xmlns" {
			if ids[a.Value] {
				return fmt.Errorf("two elements have the ID %.80q", a.Value)
			}
			ids[a.Value] = true
		}
	}
	return nil
}

// is reports whether an element has a name.
func is(e *etree.Element, space, local string) bool {
	return e != nil && e.Tag == local && e.NamespaceURI() == space
}

// children returns the child elements with a name.
func children(e *etree.Element, space, local string) []*etree.Element {
	var out []*etree.Element
	for _, c := range e.ChildElements() {
		if is(c, space, local) {
			out = append(out, c)
		}
	}
	return out
}

// one returns the only child element with a name.
func one(e *etree.Element, space, local string) (*etree.Element, error) {
	all := children(e, space, local)
	if len(all) != 1 {
		return nil, fmt.Errorf("%s has %d %s and not one", e.Tag, len(all), local)
	}
	return all[0], nil
}

// only refuses child elements but those with the given names of one namespace, and text between
// them.
func only(e *etree.Element, space string, names ...string) error {
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.CharData:
			if strings.TrimSpace(t.Data) != "" {
				return fmt.Errorf("%s has text", e.Tag)
			}
		case *etree.Element:
			known := false
			for _, n := range names {
				known = known || is(t, space, n) || n == "Signature" && is(t, nsSignature, n)
			}
			if !known {
				return fmt.Errorf("%s has a %.80s", e.Tag, t.Tag)
			}
		default:
			return fmt.Errorf("%s has something that is no element", e.Tag)
		}
	}
	return nil
}

// text returns the text of an element that has nothing else in it.
func text(e *etree.Element) (string, error) {
	var b strings.Builder
	for _, t := range e.Child {
		c, ok := t.(*etree.CharData)
		if !ok {
			return "", fmt.Errorf("%s has something in it that is not text", e.Tag)
		}
		b.WriteString(c.Data)
	}
	return strings.TrimSpace(b.String()), nil
}

// attr returns an attribute without a namespace.
func attr(e *etree.Element, name string) string {
	for _, a := range e.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

func has(e *etree.Element, name string) bool {
	for _, a := range e.Attr {
		if a.Space == "" && a.Key == name {
			return true
		}
	}
	return false
}

// walk calls f for an element and all that are in it.
func walk(e *etree.Element, f func(*etree.Element) error) error {
	if err := f(e); err != nil {
		return err
	}
	for _, c := range e.ChildElements() {
		if err := walk(c, f); err != nil {
			return err
		}
	}
	return nil
}
