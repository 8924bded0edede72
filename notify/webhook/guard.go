package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// errGuard is in the error of a connection that was not made.
var errGuard = errors.New("the address is not allowed")

// guard is a dialer that looks at the address which is really dialled.
func guard(private bool) *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second,
		Control: func(network, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s", errGuard, address)
			}
			if why := refused(ap.Addr(), private); why != "" {
				return fmt.Errorf("%w: %s is %s (hint: set allow_private for an endpoint of your own)", errGuard, ap.Addr(), why)
			}
			return nil
		}}
}

// metadata are addresses at which clouds give out credentials. Nobody's webhook is there.
var metadata = prefixes("169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "168.63.129.16/32", "100.100.100.200/32",
	"192.0.0.192/32", "fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128")

// special are the ranges of IANA's registries that no public endpoint has, beyond those that
// net/netip knows.
var special = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// refused says why an address may not be dialled; "" is that it may.
func refused(a netip.Addr, private bool) string {
	a = inner(a.Unmap().WithZone(""))
	switch {
	case within(a, metadata):
		return "the metadata service of a cloud"
	case a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "no address of a host"
	case private:
		return ""
	case a.IsLoopback():
		return "this machine's own"
	case a.IsPrivate():
		return "private"
	case a.IsLinkLocalUnicast():
		return "link-local"
	case within(a, special):
		return "not public"
	}
	return ""
}

// inner is the IPv4 address within one of the IPv6 forms that carry one (NAT64, 6to4,
// IPv4-compatible), else a itself.
func inner(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a), netip.MustParsePrefix("64:ff9b:1::/48").Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6]))
	case netip.MustParsePrefix("::/96").Contains(a) && b[12]|b[13]|b[14] != 0:
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return a
}
