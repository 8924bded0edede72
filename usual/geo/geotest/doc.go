// Package geotest writes small databases of addresses in MaxMind's format, for tests: the real
// ones may not be passed on.
package geotest
