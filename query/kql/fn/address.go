package fn

import (
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func funcsAddress() []Func {
	var whole memo[map[string]bool]
	var prefixes memo[[]string]
	var ranges4 memo[[]range4]
	var ranges6 memo[[]netip.Prefix]
	return []Func{
		total("ipv4_number", []Type{String}, Long, func(r row) any {
			a, _, ok := ipv4(r.text(0))
			if !ok {
				return nil
			}
			return int64(a)
		}),
		total("ipv4_masked", []Type{String, Long}, Long, func(r row) any {
			a, _, ok := ipv4(r.text(0))
			n := r.long(1, 32)
			if !ok || n < 0 || n > 32 {
				return nil
			}
			return int64(mask4(a, int(n)))
		}),
		total("ipv4_suffix", []Type{String}, Long, func(r row) any {
			_, n, ok := ipv4(r.text(0))
			if !ok {
				return nil
			}
			return int64(n)
		}),
		total("ipv4_compare", []Type{String, String, Long}, Long, func(r row) any {
			a, an, ok := ipv4(r.text(0))
			b, bn, ok2 := ipv4(r.text(1))
			n := r.long(2, 32)
			if !ok || !ok2 || n < 0 || n > 32 {
				return nil
			}
			m := min(an, bn, int(n))
			return compare(mask4(a, m), mask4(b, m))
		}),
		total("ipv4_is_in_range", []Type{String, String}, Bool, func(r row) any {
			return inRange4(r.text(0), r.text(1))
		}),
		total("ipv4_is_in_any_range", []Type{String, Dynamic}, Bool, func(r row) any {
			a, _, ok := ipv4(r.text(0))
			if !ok {
				return nil
			}
			return slices.ContainsFunc(ranges4.get(r.text(1), networks4), func(n range4) bool { return mask4(a, n.bits) == n.addr })
		}),
		total("ipv4_is_private", []Type{String}, Bool, func(r row) any {
			a, n, ok := ipv4(r.text(0))
			if !ok {
				return nil
			}
			a = mask4(a, n)
			return a>>24 == 10 && n >= 8 || a>>20 == 0xac1 && n >= 12 || a>>16 == 0xc0a8 && n >= 16
		}),
		total("format_ipv4", []Type{String, Long}, String, func(r row) any {
			a, n, ok := ipv4OrNumber(r.text(0))
			m := min(r.long(1, 32), int64(n))
			if !ok || r.long(1, 32) < 0 || r.long(1, 32) > 32 {
				return ""
			}
			return show4(mask4(a, int(m)))
		}),
		total("format_ipv4_mask", []Type{String, Long}, String, func(r row) any {
			a, n, ok := ipv4OrNumber(r.text(0))
			m := min(r.long(1, 32), int64(n))
			if !ok || r.long(1, 32) < 0 || r.long(1, 32) > 32 {
				return ""
			}
			return show4(mask4(a, int(m))) + "/" + strconv.FormatInt(m, 10)
		}),
		total("ipv4_range_to_cidr_list", []Type{String, String}, Dynamic, func(r row) any {
			a, _, ok := ipv4(r.text(0))
			b, _, ok2 := ipv4(r.text(1))
			if !ok || !ok2 || a > b {
				return nil
			}
			return cidrs(a, b).result()
		}),
		total("has_ipv4", []Type{String, Dynamic}, Bool, func(r row) any {
			list := whole.get(r.text(1), func(s string) map[string]bool {
				m := map[string]bool{}
				for _, w := range listed(false)(s) {
					m[w] = true
				}
				return m
			})
			return eachIPv4(r.text(0), func(s string) bool { return list[s] })
		}),
		total("has_ipv4_prefix", []Type{String, Dynamic}, Bool, func(r row) any {
			list := prefixes.get(r.text(1), listed(false))
			return eachIPv4(r.text(0), func(s string) bool {
				for _, w := range list {
					if w == s || strings.HasSuffix(w, ".") && strings.HasPrefix(s, w) {
						return true
					}
				}
				return false
			})
		}),
		total("parse_ipv6", []Type{String}, String, func(r row) any {
			a, n, ok := ipv6(r.text(0))
			if !ok {
				return ""
			}
			return show6(mask6(a, n))
		}),
		total("parse_ipv6_mask", []Type{String, Long}, String, func(r row) any {
			a, n, ok := ipv6(r.text(0))
			m := r.long(1, 128)
			if !ok || m < 0 || m > 128 {
				return ""
			}
			return show6(mask6(a, min(n, int(m))))
		}),
		total("ipv6_compare", []Type{String, String, Long}, Long, func(r row) any {
			a, an, ok := ipv6(r.text(0))
			b, bn, ok2 := ipv6(r.text(1))
			n := r.long(2, 128)
			if !ok || !ok2 || n < 0 || n > 128 {
				return nil
			}
			m := min(an, bn, int(n))
			return int64(mask6(a, m).Compare(mask6(b, m)))
		}),
		total("ipv6_is_in_range", []Type{String, String}, Bool, func(r row) any {
			return inRange6(r.text(0), r.text(1))
		}),
		total("ipv6_is_in_any_range", []Type{String, Dynamic}, Bool, func(r row) any {
			a, _, ok := ipv6(r.text(0))
			if !ok {
				return nil
			}
			return slices.ContainsFunc(ranges6.get(r.text(1), networks6), func(n netip.Prefix) bool { return mask6(a, n.Bits()) == n.Addr() })
		}),
	}
}

func compare(a, b uint32) int64 {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// range4 is a network.
type range4 struct {
	addr uint32
	bits int
}

func networks4(s string) []range4 {
	var out []range4
	for _, w := range listed(false)(s) {
		if a, n, ok := ipv4(w); ok {
			out = append(out, range4{mask4(a, n), n})
		}
	}
	return out
}

func networks6(s string) []netip.Prefix {
	var out []netip.Prefix
	for _, w := range listed(false)(s) {
		if a, n, ok := ipv6(w); ok {
			out = append(out, netip.PrefixFrom(mask6(a, n), n))
		}
	}
	return out
}

func mask4(a uint32, n int) uint32 {
	if n <= 0 {
		return 0
	}
	return a &^ (1<<(32-n) - 1)
}

// ipv4 reads an address with or without the length of its network, 32 where it
// says none.
func ipv4(s string) (addr uint32, n int, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) > 18 {
		return 0, 0, false
	}
	n = 32
	if i := strings.IndexByte(s, '/'); i >= 0 {
		m, err := strconv.ParseUint(s[i+1:], 10, 8)
		if err != nil || m > 32 {
			return 0, 0, false
		}
		n, s = int(m), s[:i]
	}
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		if parts == 4 || len(part) == 0 || len(part) > 3 {
			return 0, 0, false
		}
		b := 0
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, 0, false
			}
			b = b*10 + int(part[i]-'0')
		}
		if b > 255 {
			return 0, 0, false
		}
		addr = addr<<8 | uint32(b) //nolint:gosec // at most 255
		parts++
	}
	return addr, n, parts == 4
}

// ipv4OrNumber also takes the number of an address.
func ipv4OrNumber(s string) (uint32, int, bool) {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return uint32(n), 32, true
	}
	return ipv4(s)
}

func show4(a uint32) string {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}).String()
}

func inRange4(s, network string) any {
	a, _, ok := ipv4(s)
	b, n, ok2 := ipv4(network)
	if !ok || !ok2 {
		return nil
	}
	return mask4(a, n) == mask4(b, n)
}

func cidrs(a, b uint32) value {
	var l []value
	for at, end := uint64(a), uint64(b); at <= end; {
		zeros := 32
		if at > 0 {
			zeros = bits.TrailingZeros64(at)
		}
		zeros = min(zeros, bits.Len64(end-at+1)-1)
		l = append(l, textValue(show4(uint32(at))+"/"+strconv.Itoa(32-zeros))) //nolint:gosec // at most 32 bits
		at += 1 << zeros
	}
	return arrayValue(l)
}

// eachIPv4 calls is for the IPv4 addresses in s that stand by themselves, until
// it says yes.
func eachIPv4(s string, is func(string) bool) bool {
	part := func(c byte) bool { return alnum(c) || c == '.' }
	for i := 0; i < len(s); {
		if !part(s[i]) {
			i++
			continue
		}
		j := i
		for j < len(s) && part(s[j]) {
			j++
		}
		w := strings.TrimRight(s[i:j], ".")
		if len(w) >= 7 && len(w) <= 15 && !strings.Contains(w, "/") {
			if _, _, ok := ipv4(w); ok && is(w) {
				return true
			}
		}
		i = j
	}
	return false
}

// ipv6 reads an address of either family; IPv4 becomes IPv4 within IPv6.
func ipv6(s string) (netip.Addr, int, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return netip.Addr{}, 0, false
	}
	if a, n, ok := ipv4(s); ok {
		b := [16]byte{10: 0xff, 11: 0xff, 12: byte(a >> 24), 13: byte(a >> 16), 14: byte(a >> 8), 15: byte(a)}
		return netip.AddrFrom16(b), n + 96, true
	}
	n := 128
	if i := strings.IndexByte(s, '/'); i >= 0 {
		m, err := strconv.ParseUint(s[i+1:], 10, 8)
		if err != nil || m > 128 {
			return netip.Addr{}, 0, false
		}
		n, s = int(m), s[:i]
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, 0, false
	}
	b := a.As16()
	if strings.Contains(s, ".") && [12]byte(b[:12]) == [12]byte{} {
		b[10], b[11] = 0xff, 0xff // ::192.0.2.1 is meant as IPv4, too, and so are its bits
		if n <= 32 {
			n += 96
		}
	}
	return netip.AddrFrom16(b), n, true
}

func mask6(a netip.Addr, n int) netip.Addr {
	b := a.As16()
	for i := range b {
		switch keep := n - 8*i; {
		case keep <= 0:
			b[i] = 0
		case keep < 8:
			b[i] &^= byte(1<<(8-keep) - 1)
		}
	}
	return netip.AddrFrom16(b)
}

func show6(a netip.Addr) string { return a.StringExpanded() }

func inRange6(s, network string) any {
	a, _, ok := ipv6(s)
	b, n, ok2 := ipv6(network)
	if !ok || !ok2 {
		return nil
	}
	return mask6(a, n) == mask6(b, n)
}
