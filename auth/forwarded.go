package auth

import (
	"net"
	"net/netip"
	"strings"
)

// maxHops bounds the addresses in the headers of proxies.
const maxHops = 64

// parseAddr reads an address with or without a port, in the forms that proxies write. It is
// the zero address for anything else.
func parseAddr(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil {
		return plain(a)
	}
	if p, err := netip.ParseAddrPort(text); err == nil {
		return plain(p.Addr())
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			if a, err := netip.ParseAddr(inner); err == nil && a.Is6() {
				return plain(a)
			}
		}
	}
	return netip.Addr{}
}

// plain makes one form of what is one address.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// remote is the address of the connection itself.
func remote(addr string) netip.Addr {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return parseAddr(host)
}

// forwardedFor reads the values of X-Forwarded-For: the addresses in the order of the header.
// One that cannot be read is the zero address.
func forwardedFor(values []string) []netip.Addr {
	var out []netip.Addr
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if out = append(out, parseAddr(part)); len(out) > maxHops {
				return []netip.Addr{{}}
			}
		}
	}
	return out
}

// forwarded reads the values of Forwarded (RFC 7239): the address of for= of each element, in
// the order of the header, the zero address where there is none or it is hidden.
func forwarded(values []string) []netip.Addr {
	var out []netip.Addr
	for _, v := range values {
		elements, ok := parseElements(v, maxHops)
		if !ok {
			return []netip.Addr{{}}
		}
		for _, e := range elements {
			var a netip.Addr
			for _, p := range e {
				if strings.EqualFold(p.name, "for") {
					a = parseAddr(p.value)
				}
			}
			if out = append(out, a); len(out) > maxHops {
				return []netip.Addr{{}}
			}
		}
	}
	return out
}

// parameter is one name=value of an element.
type parameter struct{ name, value string }

// parseElements reads comma-separated elements of name=value pairs with semicolons between
// them, the form of Forwarded and of Envoy's X-Forwarded-Client-Cert: a value may stand
// between quotes, where a backslash takes the next byte as it is. A name that an element has
// twice is a fault: two readers could take different ones.
func parseElements(s string, most int) (out [][]parameter, ok bool) {
	for i := 0; ; {
		var element []parameter
		for {
			start := i
			for i < len(s) && s[i] != '=' && s[i] != ';' && s[i] != ',' && s[i] != '"' {
				i++
			}
			name := strings.TrimSpace(s[start:i])
			switch {
			case i < len(s) && s[i] == '=' && name != "":
				var value string
				if value, i, ok = parseValue(s, i+1); !ok {
					return nil, false
				}
				for _, p := range element {
					if strings.EqualFold(p.name, name) && !strings.EqualFold(name, "uri") && !strings.EqualFold(name, "dns") {
						return nil, false
					}
				}
				element = append(element, parameter{name, value})
			case name != "" || i < len(s) && (s[i] == '=' || s[i] == '"'):
				return nil, false
			}
			if i >= len(s) || s[i] == ',' {
				break
			}
			i++ // the semicolon
		}
		if out = append(out, element); len(out) > most {
			return nil, false
		}
		if i >= len(s) {
			return out, true
		}
		i++ // the comma
	}
}

// parseValue reads a value from i on, to the separator behind it.
func parseValue(s string, i int) (value string, next int, ok bool) {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	if i >= len(s) || s[i] != '"' {
		start := i
		for i < len(s) && s[i] != ';' && s[i] != ',' {
			if s[i] == '"' {
				return "", i, false
			}
			i++
		}
		return strings.TrimSpace(s[start:i]), i, true
	}
	var b strings.Builder
	for i++; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' {
			if i++; i >= len(s) {
				return "", i, false
			}
		}
		b.WriteByte(s[i])
	}
	if i >= len(s) {
		return "", i, false
	}
	for i++; i < len(s) && (s[i] == ' ' || s[i] == '\t'); i++ {
	}
	if i < len(s) && s[i] != ';' && s[i] != ',' {
		return "", i, false
	}
	return b.String(), i, true
}
