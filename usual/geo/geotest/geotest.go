package geotest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
)

// Systems writes a database of autonomous systems.
func Systems(list map[string]System) []byte {
	records := map[string]any{}
	for p, s := range list {
		records[p] = map[string]any{"autonomous_system_number": s.Number, "autonomous_system_organization": s.Name}
	}
	return Database("Test-ASN", records)
}

// System is an autonomous system.
type System struct {
	Number uint32
	Name   string
}

// City is where a network is.
type City struct {
	Country  string
	Lat, Lon float64
}

// Cities writes a database of cities.
func Cities(list map[string]City) []byte {
	records := map[string]any{}
	for p, c := range list {
		records[p] = map[string]any{"country": map[string]any{"iso_code": c.Country}, "location": map[string]any{"latitude": c.Lat, "longitude": c.Lon}}
	}
	return Database("Test-City", records)
}

// Database writes a database with a record for each network. A value is a string, a float64,
// a uint32 or a map.
func Database(kind string, records map[string]any) []byte {
	type node [2]int // the next node; < 0: ^offset of data; 0: nothing, as the root is nobody's child
	nodes := []node{{}}
	var data []byte
	for _, text := range slices.Sorted(maps.Keys(records)) {
		p := netip.MustParsePrefix(text)
		a, bits := p.Addr().As16(), p.Bits()
		if p.Addr().Is4() { // in a tree of IPv6, IPv4 lies below ::/96
			v4 := p.Addr().As4()
			a = [16]byte{}
			copy(a[12:], v4[:])
			bits += 96
		}
		offset := len(data)
		data = appendValue(data, records[text])
		at := 0
		for i := range bits {
			bit := a[i/8] >> (7 - i%8) & 1
			if i == bits-1 {
				nodes[at][bit] = ^offset
				break
			}
			if nodes[at][bit] <= 0 {
				nodes = append(nodes, node{})
				nodes[at][bit] = len(nodes) - 1
			}
			at = nodes[at][bit]
		}
	}
	var out []byte
	for _, n := range nodes {
		for _, r := range n {
			switch {
			case r == 0:
				r = len(nodes)
			case r < 0:
				r = ^r + len(nodes) + 16
			}
			out = binary.BigEndian.AppendUint32(out, uint32(r))
		}
	}
	out = append(append(out, make([]byte, 16)...), data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return appendValue(out, map[string]any{"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1), "database_type": kind,
		"description": map[string]any{"en": "for tests"}, "ip_version": uint16(6), "languages": []string{"en"}, "node_count": uint32(len(nodes)), "record_size": uint16(32)})
}

func appendControl(b []byte, kind, size int) []byte {
	first := byte(0)
	if kind < 8 {
		first = byte(kind) << 5
	}
	n := size
	var more []byte
	if size >= 29 {
		n, more = 29, []byte{byte(size - 29)}
	}
	if size >= 285 {
		panic(fmt.Sprintf("a value of %d", size))
	}
	b = append(b, first|byte(n))
	if kind >= 8 {
		b = append(b, byte(kind-7))
	}
	return append(b, more...)
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(appendControl(b, 2, len(v)), v...)
	case float64:
		return binary.BigEndian.AppendUint64(appendControl(b, 3, 8), math.Float64bits(v))
	case uint16:
		return binary.BigEndian.AppendUint16(appendControl(b, 5, 2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(appendControl(b, 6, 4), v)
	case uint64:
		return binary.BigEndian.AppendUint64(appendControl(b, 9, 8), v)
	case []string:
		b = appendControl(b, 11, len(v))
		for _, s := range v {
			b = appendValue(b, s)
		}
		return b
	case map[string]any:
		b = appendControl(b, 7, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b = appendValue(appendValue(b, k), v[k])
		}
		return b
	}
	panic(fmt.Sprintf("a value of the type %T", v))
}
