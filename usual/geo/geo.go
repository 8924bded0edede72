package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/yagura-sec/yagura/usual"
)

// Places are the databases, opened. It is safe for use by several goroutines.
type Places struct {
	systems, cities *maxminddb.Reader
}

var _ usual.Places = (*Places)(nil)

// Open opens databases by the names of their files; "" is none.
func Open(systems, cities string) (*Places, error) {
	p := &Places{}
	for _, f := range []struct {
		name string
		to   **maxminddb.Reader
	}{{systems, &p.systems}, {cities, &p.cities}} {
		if f.name == "" {
			continue
		}
		r, err := maxminddb.Open(f.name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("database of addresses %s: %w (hint: a file in MaxMind's format, .mmdb, unpacked)", f.name, err), p.Close())
		}
		*f.to = r
	}
	return p, nil
}

// Close frees the files. Nothing may be looked up after it.
func (p *Places) Close() error {
	var err error
	for _, r := range []*maxminddb.Reader{p.systems, p.cities} {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	return err
}

// System is the autonomous system of an address with the name of who runs it.
func (p *Places) System(a netip.Addr) string {
	if p.systems == nil {
		return ""
	}
	var x struct {
		Number       uint64 `maxminddb:"autonomous_system_number"`
		Organization string `maxminddb:"autonomous_system_organization"`
	}
	if err := p.systems.Lookup(a).Decode(&x); err != nil || x.Number == 0 {
		return "" // a broken record knows nothing
	}
	s := "AS" + strconv.FormatUint(x.Number, 10)
	if x.Organization != "" {
		s += " " + x.Organization
	}
	return s
}

// Country is the ISO code of the country of an address.
func (p *Places) Country(a netip.Addr) string {
	if p.cities == nil {
		return ""
	}
	var x struct {
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
	}
	if err := p.cities.Lookup(a).Decode(&x); err != nil {
		return ""
	}
	return x.Country.Code
}

// Place is where an address is, as far as the database knows.
func (p *Places) Place(a netip.Addr) (lat, lon float64, ok bool) {
	if p.cities == nil {
		return 0, 0, false
	}
	var x struct {
		Location struct {
			Latitude  *float64 `maxminddb:"latitude"`
			Longitude *float64 `maxminddb:"longitude"`
		} `maxminddb:"location"`
	}
	if err := p.cities.Lookup(a).Decode(&x); err != nil || x.Location.Latitude == nil || x.Location.Longitude == nil {
		return 0, 0, false
	}
	return *x.Location.Latitude, *x.Location.Longitude, true
}
