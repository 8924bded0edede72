package decode

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// fieldList makes the header fields of a format from their paths, in order. A path
// is written with dots ("userIdentity.arn"); a key that holds dots itself stands in
// brackets ("annotations.[authorization.k8s.io/decision]"); alternatives are
// separated by "|" and feed one field in document order. fold compares keys
// without regard to case.
func fieldList(fold bool, paths []string) []slot.Field {
	fields := make([]slot.Field, len(paths))
	for i, alternatives := range paths {
		for p := range strings.SplitSeq(alternatives, "|") {
			path := slot.Keys(splitPath(p)...)
			path.Fold = fold
			fields[i].Paths = append(fields[i].Paths, path)
		}
	}
	return fields
}

func splitPath(p string) []string {
	var keys []string
	for p != "" {
		if rest, ok := strings.CutPrefix(p, "["); ok {
			key, after, _ := strings.Cut(rest, "]")
			keys = append(keys, key)
			p = strings.TrimPrefix(after, ".")
			continue
		}
		key, after, _ := strings.Cut(p, ".")
		keys = append(keys, key)
		p = after
	}
	return keys
}

// bracketed says whether every bracket of a path opens before a key, closes behind it and
// stands between dots: items[0] is not how a member of a list is named.
func bracketed(path string) bool {
	for path != "" {
		if rest, ok := strings.CutPrefix(path, "["); ok {
			_, after, closed := strings.Cut(rest, "]")
			if !closed || after != "" && after[0] != '.' {
				return false
			}
			path = strings.TrimPrefix(after, ".")
			continue
		}
		key, after, _ := strings.Cut(path, ".")
		if strings.ContainsRune(key, '[') {
			return false
		}
		path = after
	}
	return true
}

// scalar returns the text of the first value of header field i that is a string,
// number or boolean and not empty, nil when there is none. Objects, arrays and
// null are passed over. It does not allocate for a string without escapes.
func (r *Record) scalar(i int) []byte {
	for v := r.First(i); v >= 0; v = r.Doc.Next(v) {
		switch r.Doc.Kind(v) {
		case slot.String, slot.Number, slot.Bool:
			if t := r.Doc.Text(v); len(t) > 0 {
				return t
			}
		}
	}
	return nil
}

// either returns the first text that [Record.scalar] finds in the fields, in the
// order given.
func (r *Record) either(fields ...int) []byte {
	for _, i := range fields {
		if t := r.scalar(i); t != nil {
			return t
		}
	}
	return nil
}

// str is [Record.either] as a string that stays.
func (r *Record) str(fields ...int) string { return r.words.string(r.either(fields...)) }

// has says whether header field i has a value that is neither null nor an empty
// string: tables write every column of every row.
func (r *Record) has(i int) bool {
	for v := r.First(i); v >= 0; v = r.Doc.Next(v) {
		switch r.Doc.Kind(v) {
		case slot.Null:
		case slot.String:
			if len(r.Doc.Raw(v)) > 0 {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// texts lists the texts of all scalar values of header field i, empty ones left out.
func (r *Record) texts(i int) []string {
	var list []string
	for v := r.First(i); v >= 0; v = r.Doc.Next(v) {
		if t := r.word(v); t != "" {
			list = append(list, t)
		}
	}
	return list
}

// maxFew bounds how many members of a list of a record are entities.
const maxFew = 100

// few is [Record.texts] of a list that may be of any length: the first of them.
func (r *Record) few(i int) []string {
	var list []string
	for v := r.First(i); v >= 0 && len(list) < maxFew; v = r.Doc.Next(v) {
		if t := r.word(v); t != "" {
			list = append(list, t)
		}
	}
	return list
}

// word returns the text of v where it is a string, number or boolean, else "".
func (r *Record) word(v slot.Value) string {
	switch r.Doc.Kind(v) {
	case slot.String, slot.Number, slot.Bool:
		return r.words.string(r.Doc.Text(v))
	}
	return ""
}

// isAny says whether text equals one of the words without regard to ASCII case.
func isAny(text []byte, words ...string) bool {
	for _, w := range words {
		if len(w) == len(text) && hasPrefixFold(text, w) {
			return true
		}
	}
	return false
}

// hasPrefixFold says whether text starts with prefix without regard to ASCII case.
func hasPrefixFold(text []byte, prefix string) bool {
	if len(text) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		a, b := text[i], prefix[i]
		if a == b {
			continue
		}
		if a|0x20 != b|0x20 || a|0x20 < 'a' || a|0x20 > 'z' {
			return false
		}
	}
	return true
}

// addEntity appends an entity unless its id is empty or it is there already. Bytes that
// are not UTF-8 become U+FFFD.
func addEntity(list []yagura.Entity, typ, id string) []yagura.Entity {
	if id == "" || typ == "" {
		return list
	}
	if !utf8.ValidString(id) {
		id = strings.ToValidUTF8(id, "\uFFFD")
	}
	e := yagura.Entity{Type: typ, ID: id}
	if slices.Contains(list, e) {
		return list
	}
	return append(list, e)
}

// addNamed appends an entity known by its bare name, unless one of its type is
// there that ends in that name after a slash or a colon, as an ARN does.
func addNamed(list []yagura.Entity, typ, name string) []yagura.Entity {
	if name == "" {
		return list
	}
	for _, have := range list {
		if have.Type != typ || !strings.HasSuffix(have.ID, name) {
			continue
		}
		if cut := len(have.ID) - len(name); cut == 0 || have.ID[cut-1] == '/' || have.ID[cut-1] == ':' {
			return list
		}
	}
	return append(list, yagura.Entity{Type: typ, ID: name})
}

// finish makes the entity list of an event: the actor, the targets, the source
// address, the role or human behind the actor and what else the format added, the
// account, each once.
func finish(e *yagura.Event, more ...yagura.Entity) {
	list := make([]yagura.Entity, 0, 3+len(more)+len(e.Targets)) // an empty list is [] in JSON, not null
	if e.Targets == nil {
		e.Targets = []yagura.Entity{}
	}
	list = addEntity(list, e.Actor.Type, e.Actor.ID)
	for _, x := range e.Targets {
		list = addEntity(list, x.Type, x.ID)
	}
	list = addEntity(list, yagura.EntityIP, e.SrcIP)
	for _, x := range more {
		list = addEntity(list, x.Type, x.ID)
	}
	list = addEntity(list, yagura.EntityAccount, e.Account)
	e.Entities = list
}

// address returns the IP address in text, without its port and brackets, as it is
// written; "" when text is not an address. Of a list it is the first. Dotted quads
// with leading zeros count, because records whose addresses were masked carry them.
// It may stand in parentheses behind the name of the host.
func address(text string) string {
	t := strings.TrimSpace(text)
	if i := strings.IndexByte(t, ','); i > 0 {
		t = strings.TrimSpace(t[:i]) // "192.0.2.1, 198.51.100.1": the client, then proxies
	}
	if len(t) < 2 || len(t) > 80 {
		return ""
	}
	if t[0] == '[' { // [2001:db8::1]:443
		end := strings.IndexByte(t, ']')
		if end < 0 {
			return ""
		}
		t = t[1:end]
	} else if i := strings.LastIndexByte(t, ':'); i > 0 && strings.IndexByte(t, ':') == i { // 192.0.2.1:443
		t = t[:i]
	} else if strings.Count(t, ":") == 8 && !strings.Contains(t, "::") { // eight groups and a port
		t = t[:i]
	}
	if dottedQuad(t) {
		return t
	}
	if _, err := netip.ParseAddr(t); err == nil {
		return t
	}
	if _, inner, ok := strings.Cut(strings.TrimSuffix(t, ")"), " ("); ok { // host (192.0.2.1)
		return address(inner)
	}
	for _, sep := range [...]string{" port ", "#", "p", "."} { // of a port behind IPv6, see RFC 5952
		if host, port, ok := strings.Cut(t, sep); ok && isNumber([]byte(port)) {
			if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
				return host
			}
		}
	}
	return ""
}

// dottedQuad says whether s is four decimal numbers up to 255 between dots.
func dottedQuad(s string) bool {
	parts, digits, n := 1, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if digits == 0 {
				return false
			}
			parts, digits, n = parts+1, 0, 0
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
			if digits++; digits > 3 || n > 255 {
				return false
			}
		default:
			return false
		}
	}
	return parts == 4 && digits > 0
}
