package query

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// parseAddr reads an IPv4 or IPv6 address without allocating. An address with a
// zone is refused: it is in no network.
func parseAddr(text []byte) (netip.Addr, bool) {
	if slices.Contains(text, ':') {
		return parseAddr6(text)
	}
	a, ok := parseAddr4(text)
	return netip.AddrFrom4(a), ok
}

func parseAddr4(text []byte) (a [4]byte, ok bool) {
	if len(text) < 7 || len(text) > 15 {
		return a, false
	}
	part, digits, v := 0, 0, 0
	for _, c := range text {
		if c == '.' {
			if digits == 0 || part == 3 {
				return a, false
			}
			a[part] = byte(v)
			part, digits, v = part+1, 0, 0
			continue
		}
		if c < '0' || c > '9' || digits > 0 && v == 0 {
			return a, false
		}
		v = v*10 + int(c-'0')
		if digits++; v > 255 {
			return a, false
		}
	}
	if part != 3 || digits == 0 {
		return a, false
	}
	a[3] = byte(v)
	return a, true
}

func parseAddr6(text []byte) (netip.Addr, bool) {
	var a [16]byte
	none := netip.Addr{}
	i, at, gap := 0, 0, -1
	if len(text) > 45 {
		return none, false
	}
	if len(text) >= 2 && text[0] == ':' && text[1] == ':' {
		gap, i = 0, 2
	}
	for i < len(text) {
		if at == 16 {
			return none, false
		}
		v, from := 0, i
		for ; i < len(text) && i-from < 5; i++ {
			d := hexDigit(text[i])
			if d < 0 {
				break
			}
			v = v<<4 | d
		}
		if i == from || i-from > 4 {
			return none, false
		}
		if i < len(text) && text[i] == '.' {
			v4, ok := parseAddr4(text[from:])
			if !ok || at > 12 || gap < 0 && at != 12 {
				return none, false
			}
			copy(a[at:], v4[:])
			at += 4
			break
		}
		binary.BigEndian.PutUint16(a[at:], uint16(v))
		at += 2
		if i == len(text) {
			break
		}
		if text[i] != ':' || i+1 == len(text) {
			return none, false
		}
		i++
		if text[i] == ':' {
			if gap >= 0 {
				return none, false
			}
			gap = at
			i++
		}
	}
	if at < 16 {
		if gap < 0 {
			return none, false
		}
		n := copy(a[16-(at-gap):], a[gap:at])
		clear(a[gap : 16-n])
	} else if gap >= 0 {
		return none, false
	}
	return netip.AddrFrom16(a), true
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return int(c - 'A' + 10)
	}
	return -1
}

// inNet reports whether addr lies in net. IPv4 addresses written as IPv6
// (::ffff:192.0.2.1) lie in IPv4 networks, and an IPv4 network written so is one.
func inNet(net netip.Prefix, addr netip.Addr) bool {
	return net.Contains(addr) || addr.Is4In6() && net.Contains(addr.Unmap())
}

// plainNet returns net masked, and as an IPv4 network where it is one in IPv6 form.
func plainNet(net netip.Prefix) netip.Prefix {
	if a := net.Addr(); a.Is4In6() && net.Bits() >= 96 {
		net = netip.PrefixFrom(a.Unmap(), net.Bits()-96)
	}
	return net.Masked()
}
