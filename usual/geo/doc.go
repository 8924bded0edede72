// Package geo reads where addresses are from databases in MaxMind's format, which the user
// gives: one with autonomous systems, one with cities or countries.
//
// It is not a database: none comes with the program, as their licences want every user to
// fetch them. Without one, networks are /24 and /48, and countries are those that records name
// themselves. It looks nothing up over the network.
//
// A worked example:
//
//	p, err := geo.Open("GeoLite2-ASN.mmdb", "GeoLite2-City.mmdb")
//	p.System(netip.MustParseAddr("203.0.113.7"))  // AS64500 Example Net
//	p.Country(netip.MustParseAddr("203.0.113.7")) // JP
package geo
