package usual

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue bounds a value in bytes. What is longer is cut: it is told apart from others by
// its beginning.
const maxValue = 512

// NetworkOf is the network of an address: /24 of IPv4, /48 of IPv6. It is "" for what is no
// address, such as the name of a service, and for addresses that belong to nobody.
func NetworkOf(address string) string {
	a, ok := ParseAddress(address)
	if !ok {
		return ""
	}
	return networkOf(a)
}

func networkOf(a netip.Addr) string { return prefixOf(a).String() }

func prefixOf(a netip.Addr) netip.Prefix {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // an address has so many bits
	return p
}

// ParseAddress reads an address as logs write it: in brackets, with a port, with a zone, or
// IPv4 within IPv6.
func ParseAddress(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		p, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = p.Addr()
	}
	a = a.WithZone("").Unmap()
	return a, !a.IsUnspecified()
}

// CountryOf is a country as values have it: an ISO code in upper case, else as it is written.
func CountryOf(s string) string {
	s = clean(s)
	if len(s) == 2 {
		return strings.ToUpper(s)
	}
	return s
}

// APIOf is the value of what was called.
func APIOf(service, action string) string {
	service, action = clean(service), clean(action)
	switch {
	case action == "":
		return ""
	case service == "":
		return action
	}
	return cut(strings.TrimSuffix(service, ".amazonaws.com") + ":" + action)
}

// HourOf is the hour of the day in a zone, with two digits.
func HourOf(t time.Time, zone *time.Location) string { return fmt.Sprintf("%02d", t.In(zone).Hour()) }

// WeekdayOf is the day of the week in a zone, in three letters: Mon.
func WeekdayOf(t time.Time, zone *time.Location) string {
	return t.In(zone).Weekday().String()[:3]
}

// browsers are recognised by a product of theirs, the special before the general: each says
// that it is also the ones after it.
var browsers = []struct{ mark, name string }{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
	{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"HeadlessChrome/", "HeadlessChrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
	{"Safari/", "Safari"}, {"Trident/", "Internet Explorer"}, {"MSIE ", "Internet Explorer"},
}

// tools are programs that say who they are behind the library that they use.
var tools = folded([]tool{
	{mark: "terraform-provider-", name: "Terraform"}, {mark: "Terraform/", name: "Terraform"}, {mark: "OpenTofu/", name: "OpenTofu"}, {mark: "Pulumi/", name: "Pulumi"}, {mark: "Ansible/", name: "Ansible"}, {mark: "aws-cli/", name: "aws-cli"},
	{mark: "aws-sdk-go-v2/", name: "aws-sdk-go-v2"}, {mark: "Boto3/", name: "Boto3"}, {mark: "Botocore/", name: "Botocore"}, {mark: "AzureCLI/", name: "AzureCLI"}, {mark: "AzurePowershell/", name: "AzurePowershell"},
	{mark: "google-cloud-sdk", name: "gcloud"}, {mark: "kubectl/", name: "kubectl"}, {mark: "eksctl/", name: "eksctl"}, {mark: "pacu", name: "Pacu"},
})

type tool struct {
	mark, name string
	low        string // the mark in lower case
}

func folded(list []tool) []tool {
	for i := range list {
		list[i].low = strings.ToLower(list[i].mark)
	}
	return list
}

// toolStarts has the first two bytes of each mark, by [pair].
var toolStarts = func() (starts [1 << 10]bool) {
	for _, t := range tools {
		starts[pair(t.low[0], t.low[1])] = true
	}
	return starts
}()

// pair is a number for two bytes, the same whatever the case of letters.
func pair(a, b byte) int { return int(a&31)<<5 | int(b&31) }

// toolOf is the first of the tools whose mark is in a text, in whatever case; nil for none.
func toolOf(s string) *tool {
	first := len(tools)
	for i := 1; i < len(s); i++ {
		if !toolStarts[pair(s[i-1], s[i])] {
			continue
		}
		for k := range tools[:first] {
			if hasPrefixFold(s[i-1:], tools[k].low) {
				first = k
				break
			}
		}
	}
	if first == len(tools) {
		return nil
	}
	return &tools[first]
}

// hasPrefixFold reports whether a text begins with one that is in lower case, in whatever case.
func hasPrefixFold(s, low string) bool {
	if len(s) < len(low) {
		return false
	}
	for i := range len(low) {
		if lower(s[i]) != low[i] {
			return false
		}
	}
	return true
}

// lower is a letter of ASCII in lower case, and any other byte as it is.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// AgentOf is the family of a user agent: the product without its version. Whatever changes
// from one release or machine to the next is left out.
func AgentOf(s string) string {
	s = clean(s)
	// CloudTrail writes the agents of some services in brackets.
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if s == "" || s == "-" {
		return ""
	}
	if t := toolOf(s); t != nil {
		return t.name
	}
	if hasPrefixFold(s, "mozilla/") {
		for _, b := range browsers {
			if strings.Contains(s, b.mark) {
				return b.name
			}
		}
	}
	word, _, _ := strings.Cut(s, " ")
	word, _, _ = strings.Cut(word, "/")
	word = strings.TrimRight(word, ",;:")
	// A version that hangs on the name: python-requests-2.31, curl_8.
	if i := strings.LastIndexAny(word, "-_"); i > 0 && i+1 < len(word) && version(word[i+1:]) {
		word = word[:i]
	}
	if word == "" {
		word = s
	}
	return word
}

func version(s string) bool {
	s = strings.TrimPrefix(strings.ToLower(s), "v")
	return s != "" && s[0] >= '0' && s[0] <= '9' && strings.Trim(s, "0123456789.") == ""
}

// plain says whether a text is short and of nothing but printable ASCII.
func plain(s string) bool {
	if len(s) > maxValue {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clean drops what no value has: white space around it, what cannot be printed, and what is
// too long.
func clean(s string) string {
	if plain(s) {
		return strings.Trim(s, " ")
	}
	if len(s) > 4*maxValue {
		s = s[:4*maxValue]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return cut(strings.TrimSpace(s))
}

// cut bounds a text without cutting a character in two.
func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	n := maxValue
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
