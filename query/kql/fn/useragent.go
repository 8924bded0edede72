package fn

import (
	"regexp"
	"slices"
	"strings"
)

// The program, the system and the device a user agent names. The list is short
// on purpose: it names what sign-ins and cloud calls come from; anything else is
// Other, as the libraries of this kind say.
var (
	agents = []struct {
		name string
		find *regexp.Regexp
	}{
		{"AdobeAIR", regexp.MustCompile(`\bAdobeAIR/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Edge", regexp.MustCompile(`\b(?:Edge|Edg|EdgA|EdgiOS)/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Opera", regexp.MustCompile(`\b(?:OPR|Opera)/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Samsung Internet", regexp.MustCompile(`\bSamsungBrowser/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Firefox", regexp.MustCompile(`\b(?:Firefox|FxiOS)/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"HeadlessChrome", regexp.MustCompile(`\bHeadlessChrome/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Chrome", regexp.MustCompile(`\b(?:Chrome|CriOS)/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Nokia OSS Browser", regexp.MustCompile(`\bSeries60/(\d+)(?:\.(\d+))?().*\bSafari/`)},
		{"Safari", regexp.MustCompile(`\bVersion/(\d+)(?:\.(\d+))?(?:\.(\d+))?.*\bSafari/`)},
		{"IE", regexp.MustCompile(`\b(?:MSIE |Trident/.*rv:)(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"aws-cli", regexp.MustCompile(`\baws-cli/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Boto3", regexp.MustCompile(`\bBoto3/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Python Requests", regexp.MustCompile(`\bpython-requests/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Go-http-client", regexp.MustCompile(`\bGo-http-client/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"curl", regexp.MustCompile(`\bcurl/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Wget", regexp.MustCompile(`\bWget/(\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
	}
	systems = []struct {
		name string
		find *regexp.Regexp
	}{
		{"Windows", regexp.MustCompile(`\bWindows NT (\d+)(?:\.(\d+))?()`)},
		{"iOS", regexp.MustCompile(`\b(?:iPhone|iPad|iPod).*? OS (\d+)(?:_(\d+))?(?:_(\d+))?`)},
		{"Android", regexp.MustCompile(`\bAndroid (\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Mac OS X", regexp.MustCompile(`\bMac OS X (\d+)(?:[._](\d+))?(?:[._](\d+))?`)},
		{"Chrome OS", regexp.MustCompile(`\bCrOS \w+ (\d+)(?:\.(\d+))?(?:\.(\d+))?`)},
		{"Ubuntu", regexp.MustCompile(`\bUbuntu(?:[ /](\d+))?(?:\.(\d+))?()`)},
		{"Symbian OS", regexp.MustCompile(`\bSymbianOS/(\d+)(?:\.(\d+))?()`)},
		{"Linux", regexp.MustCompile(`\bLinux(?:/(\d+))?(?:\.(\d+))?(?:\.(\d+))?`)},
	}
	nokia   = regexp.MustCompile(`\bNokia ?([A-Z]?\d+[a-z]*)(-\d+)?`)
	windows = map[string][2]string{"10.0": {"10", ""}, "6.3": {"8", "1"}, "6.2": {"8", ""}, "6.1": {"7", ""}, "6.0": {"Vista", ""}, "5.1": {"XP", ""}}
)

func parseUserAgent(s string, look []string) value {
	if len(s) > 4096 {
		s = s[:4096]
	}
	want := func(k string) bool { return len(look) == 0 || slices.Contains(look, k) }
	version := func(family string, m []string) value {
		v := bagValue(pair("Family", family), pair("MajorVersion", ""), pair("MinorVersion", ""), pair("Patch", ""))
		for i := 1; i < len(m) && i < 4; i++ {
			v.bag[i].val.text = m[i]
		}
		return v
	}
	out := bagValue()
	if want("browser") {
		b := version("Other", nil)
		for _, a := range agents {
			if m := a.find.FindStringSubmatch(s); m != nil {
				b = version(a.name, m)
				break
			}
		}
		out.bag = append(out.bag, member{"Browser", b})
	}
	if want("os") {
		o := version("Other", nil)
		for _, a := range systems {
			m := a.find.FindStringSubmatch(s)
			if m == nil {
				continue
			}
			if w, ok := windows[m[1]+"."+m[2]]; ok && a.name == "Windows" {
				m[1], m[2] = w[0], w[1]
			}
			o = version(a.name, m)
			break
		}
		o.bag = append(o.bag, pair("PatchMinor", ""))
		out.bag = append(out.bag, member{"OperatingSystem", o})
	}
	if want("device") {
		family, brand, model := "Other", "", ""
		for _, d := range []string{"iPhone", "iPad", "iPod", "Macintosh"} {
			if strings.Contains(s, d) {
				family, brand, model = d, "Apple", d
				if d == "Macintosh" {
					family, model = "Mac", "Mac"
				}
				break
			}
		}
		if m := nokia.FindStringSubmatch(s); m != nil {
			family, brand, model = "Nokia "+m[1], "Nokia", m[1]+m[2]
		}
		out.bag = append(out.bag, member{"Device", bagValue(pair("Family", family), pair("Brand", brand), pair("Model", model))})
	}
	return out
}
