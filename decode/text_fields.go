package decode

import (
	"bytes"
	"strconv"

	"github.com/yagura-sec/yagura"
)

// token cuts the first field off a line whose fields stand between single blanks. One in
// quotation marks or square brackets ends at the closing one that a blank or the end
// follows; a backslash before a quotation mark hides it. quoted says which it was.
func token(line []byte) (field, rest []byte, quoted bool) {
	if len(line) == 0 {
		return nil, nil, false
	}
	end := byte(0)
	switch line[0] {
	case '"':
		end = '"'
	case '[':
		end = ']'
	}
	if end != 0 {
		for i := 1; i < len(line); i++ {
			if line[i] == '\\' && end == '"' {
				i++
				continue
			}
			if line[i] == end && (i+1 == len(line) || line[i+1] == ' ') {
				field = line[1:i]
				if end == '"' && bytes.IndexByte(field, '\\') >= 0 {
					field = bytes.ReplaceAll(field, []byte(`\"`), []byte{'"'})
				}
				return field, line[min(i+2, len(line)):], true
			}
		}
	}
	field, rest, _ = bytes.Cut(line, []byte{' '})
	return field, rest, false
}

// tokens splits a line into at most limit fields; the last one is then the rest.
func tokens(line []byte, limit int) [][]byte {
	list := make([][]byte, 0, limit)
	for len(line) > 0 && len(list) < limit {
		var field []byte
		field, line, _ = token(line)
		list = append(list, field)
	}
	return list
}

// extraName names a field behind those that are known, by its place.
func extraName(at int) string { return "field" + strconv.Itoa(at+1) }

// splitPort cuts the port off an address, and brackets.
func splitPort(text []byte) (host, port []byte) {
	i := bytes.LastIndexByte(text, ':')
	if i < 0 {
		return text, nil
	}
	host, port = text[:i], text[i+1:]
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	return host, port
}

// splitRequest cuts a request line into method, address and protocol.
func splitRequest(text []byte) (verb, url, proto []byte, ok bool) {
	verb, rest, found := bytes.Cut(text, []byte{' '})
	if len(bytes.Trim(text, "- ")) == 0 { // no request was read
		return nil, nil, nil, true
	}
	if !found || len(verb) == 0 {
		return nil, nil, nil, false
	}
	i := bytes.LastIndexByte(rest, ' ')
	if i < 0 {
		return verb, rest, nil, true
	}
	return verb, rest[:i], bytes.TrimSpace(rest[i+1:]), true
}

// splitURL cuts an address into host without port, path and query.
func splitURL(url []byte) (host, path, query []byte) {
	rest := url
	if i := bytes.Index(rest, []byte("://")); i > 0 && i < 8 {
		rest = rest[i+3:]
		if i = bytes.IndexAny(rest, "/?"); i < 0 {
			i = len(rest)
		}
		host, rest = rest[:i], rest[i:]
		if bytes.LastIndexByte(host, ':') > bytes.LastIndexByte(host, ']') {
			host, _ = splitPort(host)
		}
	}
	path, query, _ = bytes.Cut(rest, []byte{'?'})
	return host, path, query
}

// given returns the text of header field i unless it is a dash, which stands for nothing
// where such a log is delivered as JSON.
func (r *Record) given(i int) []byte {
	if t := r.scalar(i); len(t) != 1 || t[0] != '-' {
		return t
	}
	return nil
}

// isNumber says whether text is decimal, with a sign or fraction or without.
func isNumber(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte{'-'})
	dot := false
	for _, c := range text {
		if c == '.' && !dot {
			dot = true
			continue
		}
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// httpOutcome judges an HTTP status: from 400 on the request failed; 000 is a client that
// went away.
func httpOutcome(status []byte) string {
	code, ok := digits(status, len(status))
	switch {
	case !ok || len(status) != 3:
		return yagura.OutcomeUnknown
	case code == 0 || code >= 400:
		return yagura.OutcomeFailure
	}
	return yagura.OutcomeSuccess
}
