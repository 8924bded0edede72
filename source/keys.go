package source

import (
	"fmt"
	"regexp"
	"strings"
)

// Keys says which keys or paths are left out, by globs: * is anything, slashes too, ? one
// character. A key is taken when any of the included matches, or there is none, and none
// of the excluded does. CloudTrail's digests are never taken: they hold no records.
type Keys struct{ include, exclude []*regexp.Regexp }

// NewKeys compiles the globs.
func NewKeys(include, exclude []string) (*Keys, error) {
	f := &Keys{}
	for _, g := range include {
		re, err := glob(g)
		if err != nil {
			return nil, err
		}
		f.include = append(f.include, re)
	}
	for _, g := range exclude {
		re, err := glob(g)
		if err != nil {
			return nil, err
		}
		f.exclude = append(f.exclude, re)
	}
	return f, nil
}

// glob makes an expression of a pattern in which * is anything and ? one character.
func glob(g string) (*regexp.Regexp, error) {
	if g == "" || len(g) > 1024 {
		return nil, fmt.Errorf("a pattern of %d bytes", len(g))
	}
	return regexp.MustCompile(`(?s)\A` + strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(g)) + `\z`), nil
}

// Skip reports whether a key is left out.
func (f *Keys) Skip(key string) bool {
	// AWSLogs/ACCOUNT/CloudTrail-Digest/…: signatures over the logs, which hold no records.
	if strings.Contains("/"+key, "/CloudTrail-Digest/") {
		return true
	}
	for _, re := range f.exclude {
		if re.MatchString(key) {
			return true
		}
	}
	for _, re := range f.include {
		if re.MatchString(key) {
			return false
		}
	}
	return len(f.include) > 0
}
