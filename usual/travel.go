package usual

import (
	"math"
	"strconv"
	"strings"
)

// earth is the mean radius of the Earth in kilometres.
const earth = 6371.0088

// distance is the way over the surface of the Earth in kilometres, by the haversine formula.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	a, b := math.Sin(rad(lat2-lat1)/2), math.Sin(rad(lon2-lon1)/2)
	h := a*a + math.Cos(rad(lat1))*math.Cos(rad(lat2))*b*b
	return 2 * earth * math.Asin(math.Sqrt(min(max(h, 0), 1)))
}

// between is the distance of two places as [Values.Place] writes them; ok is false where one of
// them is none.
func between(a, b string) (km float64, ok bool) {
	lat1, lon1, ok1 := readPlace(a)
	lat2, lon2, ok2 := readPlace(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	return distance(lat1, lon1, lat2, lon2), true
}

func readPlace(s string) (lat, lon float64, ok bool) {
	a, b, ok := strings.Cut(s, ",")
	if !ok || len(s) > 40 {
		return 0, 0, false
	}
	lat, err1 := strconv.ParseFloat(a, 64)
	lon, err2 := strconv.ParseFloat(b, 64)
	return lat, lon, err1 == nil && err2 == nil && math.Abs(lat) <= 90 && math.Abs(lon) <= 180
}

// The bounds of travel, where nothing else is said.
const (
	DefaultSpeed    = 900.0 // km/h, that of an airliner
	DefaultDistance = 500.0 // km: databases of addresses are wrong by less
	DefaultShared   = 5     // actors: an address that more of them use is a way out of a network
)
