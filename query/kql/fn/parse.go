package fn

import (
	"encoding/xml"
	"strconv"
	"strings"
)

func funcsParse() []Func {
	return []Func{
		total("parse_url", []Type{String}, Dynamic, func(r row) any {
			if r.text(0) == "" {
				return nil
			}
			return parseURL(r.text(0)).result()
		}),
		total("parse_urlquery", []Type{String}, Dynamic, func(r row) any {
			return bagValue(member{"Query Parameters", urlQuery(strings.TrimPrefix(r.text(0), "?"))}).result()
		}),
		total("parse_path", []Type{String}, Dynamic, func(r row) any { return parsePath(r.text(0)).result() }),
		total("parse_csv", []Type{String}, Dynamic, func(r row) any { return parseCSV(r.text(0)).result() }),
		total("parse_xml", []Type{String}, Dynamic, func(r row) any { return parseXML(r.text(0)).result() }),
		total("parse_command_line", []Type{String, String}, Dynamic, func(r row) any {
			if r.text(0) == "" || !strings.EqualFold(r.text(1), "windows") {
				return nil
			}
			return texts(commandLine(r.text(0))).result()
		}),
		total("parse_version", []Type{String}, String, func(r row) any { return parseVersion(r.text(0)) }),
		total("parse_user_agent", []Type{String, Dynamic}, Dynamic, func(r row) any {
			return parseUserAgent(r.text(0), wants(r.dyn(1), true)).result()
		}),
	}
}

// parseURL takes an absolute address apart. What is missing is the empty string.
func parseURL(s string) value {
	var scheme, host, port, path, user, password, fragment string
	query := bagValue()
	if i := strings.Index(s, "://"); i >= 0 {
		scheme, s = s[:i], s[i+3:]
	} else {
		// Without a scheme there is nothing Kusto takes apart.
		return bagValue(pair("Scheme", ""), pair("Host", ""), pair("Port", ""), pair("Path", ""),
			pair("Username", ""), pair("Password", ""), member{"Query Parameters", query}, pair("Fragment", ""))
	}
	if i := strings.IndexByte(s, '#'); i >= 0 {
		s, fragment = s[:i], s[i+1:]
	}
	if i := strings.IndexByte(s, '?'); i >= 0 {
		query = urlQuery(s[i+1:])
		s = s[:i]
	}
	if i := strings.IndexByte(s, '/'); i >= 0 {
		s, path = s[:i], s[i:]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		user, s = s[:i], s[i+1:]
		user, password, _ = strings.Cut(user, ":")
	}
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	return bagValue(pair("Scheme", scheme), pair("Host", host), pair("Port", port), pair("Path", path),
		pair("Username", user), pair("Password", password), member{"Query Parameters", query}, pair("Fragment", fragment))
}

const maxParameters = 4096

func urlQuery(s string) value {
	v := bagValue()
	if s == "" {
		return v
	}
	at := map[string]int{}
	for part := range strings.SplitSeq(s, "&") {
		k, val, _ := strings.Cut(part, "=")
		if k == "" {
			continue
		}
		val = urlDecode(val, true)
		if i, ok := at[k]; ok {
			v.bag[i].val.text = val
			continue
		}
		if len(v.bag) == maxParameters {
			break
		}
		at[k] = len(v.bag)
		v.bag = append(v.bag, pair(k, val))
	}
	return v
}

func parsePath(s string) value {
	var scheme, root, dir, name, file, ext, stream string
	rest := s
	if i := strings.Index(rest, "://"); i >= 0 {
		scheme, rest = rest[:i], rest[i+3:]
	}
	slash := func(c byte) bool { return c == '/' || c == '\\' }
	if len(rest) >= 2 && rest[1] == ':' && alnum(rest[0]) {
		root = rest[:2]
	}
	last := -1
	for i := range len(rest) {
		if slash(rest[i]) {
			last = i
		}
	}
	if last >= 0 {
		dir, file = rest[:last], rest[last+1:]
	} else {
		file = rest[len(root):]
	}
	if i := strings.IndexByte(file, ':'); i >= 0 {
		file, stream = file[:i], file[i+1:]
	}
	if i := strings.LastIndexByte(file, '.'); i >= 0 {
		ext = file[i+1:]
	}
	name = dir
	for i := len(dir) - 1; i >= 0; i-- {
		if slash(dir[i]) {
			name = dir[i+1:]
			break
		}
	}
	if name == root {
		name = ""
	}
	return bagValue(pair("Scheme", scheme), pair("RootPath", root), pair("DirectoryPath", dir), pair("DirectoryName", name),
		pair("Filename", file), pair("Extension", ext), pair("AlternateDataStreamName", stream))
}

// parseCSV splits the first record of a text.
func parseCSV(s string) value {
	var l []value
	for len(l) < maxItems {
		var b strings.Builder
		if strings.HasPrefix(s, `"`) {
			s = s[1:]
			for {
				i := strings.IndexByte(s, '"')
				if i < 0 {
					b.WriteString(s)
					s = ""
					break
				}
				b.WriteString(s[:i])
				s = s[i+1:]
				if !strings.HasPrefix(s, `"`) {
					break
				}
				b.WriteByte('"')
				s = s[1:]
			}
		}
		i := strings.IndexAny(s, ",\r\n")
		if i < 0 {
			b.WriteString(s)
			return arrayValue(append(l, textValue(b.String())))
		}
		b.WriteString(s[:i])
		l = append(l, textValue(b.String()))
		if s[i] != ',' {
			return arrayValue(l)
		}
		s = s[i+1:]
	}
	return arrayValue(l)
}

const maxXML = 128 << 10 // what Kusto takes

// parseXML turns a document into a bag: attributes under @name, text under
// #text beside others, elements of one name as an array. The declaration, comments
// and instructions are left out.
func parseXML(s string) value {
	if s == "" || len(s) > maxXML {
		return nothing
	}
	d := xml.NewDecoder(strings.NewReader(s))
	d.Strict = true
	root := bagValue()
	seen := false
	for {
		t, err := d.RawToken()
		if err != nil {
			if seen && len(root.bag) > 0 && err.Error() == "EOF" {
				return root
			}
			return nothing
		}
		switch t := t.(type) {
		case xml.StartElement:
			if seen {
				return nothing
			}
			seen = true
			v, ok := element(d, t, 0)
			if !ok {
				return nothing
			}
			root.bag = append(root.bag, member{xmlName(t.Name), v})
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return nothing
			}
		case xml.EndElement:
			return nothing
		}
	}
}

func xmlName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func element(d *xml.Decoder, start xml.StartElement, depth int) (value, bool) {
	if depth > maxDepth {
		return nothing, false
	}
	v := bagValue()
	at := map[string]int{}
	add := func(k string, e value) {
		i, ok := at[k]
		switch {
		case !ok:
			at[k] = len(v.bag)
			v.bag = append(v.bag, member{k, e})
		case v.bag[i].val.kind == isArray:
			v.bag[i].val.list = append(v.bag[i].val.list, e)
		default:
			v.bag[i].val = arrayValue([]value{v.bag[i].val, e})
		}
	}
	for _, a := range start.Attr {
		add("@"+xmlName(a.Name), textValue(a.Value))
	}
	for {
		t, err := d.RawToken()
		if err != nil {
			return nothing, false
		}
		switch t := t.(type) {
		case xml.StartElement:
			e, ok := element(d, t, depth+1)
			if !ok {
				return nothing, false
			}
			add(xmlName(t.Name), e)
		case xml.CharData:
			if s := strings.TrimSpace(string(t)); s != "" {
				add("#text", textValue(s))
			}
		case xml.EndElement:
			if t.Name != start.Name {
				return nothing, false
			}
			if len(v.bag) == 0 {
				return nothing, true
			}
			if len(v.bag) == 1 && v.bag[0].key == "#text" {
				return v.bag[0].val, true
			}
			return v, true
		}
	}
}

// commandLine splits a command line as Windows programs do: backslashes count
// only before a quote, two quotes within quotes are one.
func commandLine(s string) []string {
	var out []string
	for len(out) < maxItems {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			break
		}
		var b strings.Builder
		quoted := false
		i := 0
	word:
		for i < len(s) {
			switch c := s[i]; {
			case c == '\\':
				n := 0
				for i < len(s) && s[i] == '\\' {
					i++
					n++
				}
				if i < len(s) && s[i] == '"' {
					b.WriteString(strings.Repeat(`\`, n/2))
					if n%2 == 1 {
						b.WriteByte('"')
						i++
					}
				} else {
					b.WriteString(strings.Repeat(`\`, n))
				}
			case c == '"':
				i++
				if quoted && i < len(s) && s[i] == '"' {
					b.WriteByte('"')
					i++
					continue
				}
				quoted = !quoted
			case !quoted && (c == ' ' || c == '\t'):
				break word
			default:
				b.WriteByte(c)
				i++
			}
		}
		out = append(out, b.String())
		s = s[i:]
	}
	return out
}

// parseVersion spells the number that stands for up to four parts of a version,
// each of eight digits; the empty string where s is none.
func parseVersion(s string) string {
	if s == "" || len(s) > 128 {
		return ""
	}
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return ""
	}
	var out strings.Builder
	for i := range 4 {
		n := uint64(0)
		if i < len(parts) {
			var err error
			if n, err = strconv.ParseUint(parts[i], 10, 32); err != nil || n > 99_999_999 {
				return ""
			}
		}
		out.WriteString(padded(int64(n), 8)) //nolint:gosec // at most eight digits
	}
	return out.String()
}
