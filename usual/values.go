package usual

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Places knows where addresses are. Room usual/geo reads it from files.
type Places interface {
	System(a netip.Addr) string  // "AS64500 Example", "" where it is not known
	Country(a netip.Addr) string // ISO code, "" where it is not known
	Place(a netip.Addr) (lat, lon float64, ok bool)
}

// Values makes values of what records hold. The zero value has no places and is in UTC.
type Values struct {
	Places Places
	Zone   *time.Location
	// Ignore are networks that say nothing of where somebody is, such as those of a VPN: their
	// addresses have no place.
	Ignore []netip.Prefix
}

// Of is the value of a dimension that something of a record comes to, "" for none. What is a
// value already comes to itself.
func (v *Values) Of(of Dimension, raw string) string {
	switch of {
	case Network:
		return v.network(raw)
	case Country:
		text, marked := strings.CutPrefix(raw, addressMark)
		a, ok := ParseAddress(text)
		switch {
		case !ok && !marked:
			return CountryOf(raw)
		case !ok || v.Places == nil:
			return ""
		}
		return CountryOf(v.Places.Country(a))
	case Agent:
		return AgentOf(raw)
	case API:
		if service, action, ok := strings.Cut(raw, "\x1f"); ok {
			return APIOf(service, strings.ReplaceAll(action, "\x1f", " "))
		}
		return clean(raw)
	case Hour, Weekday:
		at, err := time.Parse(time.RFC3339, raw)
		if n, e := strconv.ParseInt(raw, 10, 64); e == nil && len(raw) > 2 {
			at, err = time.Unix(n*quarter, 0), nil // queries count quarters of an hour
		}
		switch {
		case err != nil:
		case of == Hour:
			return HourOf(at, v.zone())
		default:
			return WeekdayOf(at, v.zone())
		}
	}
	return clean(raw)
}

func (v *Values) zone() *time.Location {
	if v.Zone == nil {
		return time.UTC
	}
	return v.Zone
}

func (v *Values) network(raw string) string {
	if a, ok := ParseAddress(raw); ok {
		if v.Places != nil {
			if s := clean(v.Places.System(a)); s != "" {
				return s
			}
		}
		return networkOf(a)
	}
	if _, err := netip.ParsePrefix(raw); err == nil || strings.HasPrefix(raw, "AS") {
		return clean(raw) // a value already
	}
	return ""
}

// quarter is the seconds of a quarter of an hour: the zones of the world differ by multiples
// of it.
const quarter = 15 * 60

// Place is where an address is as text, "lat,lon", "" where that is not known or says nothing.
func (v *Values) Place(raw string) string {
	a, ok := ParseAddress(raw)
	if !ok || v.Places == nil || slices.ContainsFunc(v.Ignore, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return ""
	}
	lat, lon, ok := v.Places.Place(a)
	if !ok {
		return ""
	}
	return strconv.FormatFloat(lat, 'f', 4, 64) + "," + strconv.FormatFloat(lon, 'f', 4, 64)
}
