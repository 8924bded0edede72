package geo

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/usual/geo/geotest"
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPlaces(t *testing.T) {
	p, err := Open(write(t, geotest.Systems(map[string]geotest.System{"203.0.113.0/24": {Number: 64500, Name: "Example Net"}, "198.51.100.0/25": {Number: 64501, Name: ""}, "2001:db8:1::/48": {Number: 4200000001, Name: "Six"}})),
		write(t, geotest.Cities(map[string]geotest.City{"203.0.113.0/24": {Country: "JP", Lat: 35.6895, Lon: 139.6917}, "2001:db8::/32": {Country: "BR", Lat: -23.5, Lon: -46.6}})))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for address, want := range map[string]string{"203.0.113.7": "AS64500 Example Net", "203.0.114.7": "", "198.51.100.127": "AS64501", "198.51.100.128": "", "2001:db8:1::9": "AS4200000001 Six", "2001:db8:2::9": "", "::1": ""} {
		if got := p.System(netip.MustParseAddr(address)); got != want {
			t.Errorf("system of %s is %q, want %q", address, got, want)
		}
	}
	for address, want := range map[string]string{"203.0.113.255": "JP", "2001:db8:ffff::": "BR", "192.0.2.1": ""} {
		if got := p.Country(netip.MustParseAddr(address)); got != want {
			t.Errorf("country of %s is %q, want %q", address, got, want)
		}
	}
	if lat, lon, ok := p.Place(netip.MustParseAddr("2001:db8::1")); !ok || lat != -23.5 || lon != -46.6 {
		t.Error(lat, lon, ok)
	}
	if _, _, ok := p.Place(netip.MustParseAddr("192.0.2.1")); ok {
		t.Error("an address that is in no network has a place")
	}
}

func TestNone(t *testing.T) {
	p, err := Open("", "")
	if err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddr("203.0.113.7")
	if _, _, ok := p.Place(a); ok || p.System(a) != "" || p.Country(a) != "" {
		t.Error("no database knows something")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestBroken: whatever the bytes of a database, it is refused when it is opened or knows less.
func TestBroken(t *testing.T) {
	if _, err := Open("", write(t, []byte("GeoLite2-City.tar.gz"))); err == nil || !strings.Contains(err.Error(), "test.mmdb") || !strings.Contains(err.Error(), "hint") {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.mmdb"), ""); err == nil {
		t.Error("a file that is not there was opened")
	}
	good := geotest.Cities(map[string]geotest.City{"203.0.113.0/24": {Country: "JP", Lat: 35, Lon: 139}})
	whole := 0
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0xff
		p, err := Open("", write(t, bad))
		if err != nil {
			continue
		}
		whole++
		p.Country(netip.MustParseAddr("203.0.113.7"))
		p.Place(netip.MustParseAddr("203.0.113.7"))
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if whole == 0 {
		t.Error("every changed database was refused: nothing was looked up")
	}
}
