package notify

import "strings"

// secretNames are the ends of names whose values are secrets, in lower case and without
// - _ and dots, with the kind that the sign shows.
var secretNames = [...]struct{ end, kind string }{
	{"password", "password"}, {"passwd", "password"}, {"passphrase", "password"}, {"pwd", "password"},
	{"passcode", "password"}, {"userpass", "password"},
	{"secret", "secret"}, {"secretkey", "secret"}, {"secretaccesskey", "secret"}, {"clientsecretvalue", "secret"},
	{"secretstring", "secret"}, {"secretbinary", "secret"}, {"secrettext", "secret"},
	{"token", "token"}, {"apikey", "key"}, {"apitoken", "token"}, {"authkey", "key"},
	{"privatekey", "private-key"}, {"accesskey", "key"}, {"accountkey", "key"}, {"sharedkey", "key"},
	{"signingkey", "key"}, {"encryptionkey", "key"}, {"masterkey", "key"}, {"storagekey", "key"},
	{"routingkey", "key"}, {"integrationkey", "key"}, {"servicekey", "key"}, {"subscriptionkey", "key"},
	{"xfunctionskey", "key"}, {"connectionstring", "connection-string"}, {"sharedaccesssignature", "signature"},
	{"signature", "signature"}, {"cookie", "cookie"}, {"authorization", "authorization"},
}

// glance is how much of a value is looked at to tell whether it is a secret: without a
// bound, a hostile text could have every name's value read to the end of the text.
const glance = 256

// secretName returns the kind of secret that a name announces, "" for none.
func secretName(name string) string {
	var buf [64]byte
	n := 0
	for i := max(0, len(name)-64); i < len(name); i++ {
		switch c := name[i]; {
		case c == '_' || c == '-' || c == '.':
		case c >= 'A' && c <= 'Z':
			buf[n] = c | 0x20
			n++
		default:
			buf[n] = c
			n++
		}
	}
	low := string(buf[:n])
	if low == "sig" {
		return "signature"
	}
	for _, s := range &secretNames {
		if strings.HasSuffix(low, s.end) {
			return s.kind
		}
	}
	return ""
}

// secretValue says whether a value under a secret's name is one. What it leaves is
// evidence: an access key id, a path under PWD, an intrusion detector's "signature".
func secretValue(kind, v string) bool {
	if v == "" || v == "-" {
		return false
	}
	if len(v) <= 5 {
		switch strings.ToLower(v) {
		case "true", "false", "null", "none", "nil", "<nil>":
			return false
		}
	}
	switch kind {
	case "signature":
		if len(v) < 20 {
			return false
		}
		for i := range min(len(v), glance) {
			if classes[v[i]]&(cKey|cB64URL) == 0 && strings.IndexByte("=%.:~&", v[i]) < 0 {
				return false
			}
		}
	case "password":
		return v[0] != '/' && !(len(v) > 2 && v[1] == ':' && v[2] == '\\')
	case "key":
		return !accessKeyID(v)
	}
	return true
}

// accessKeyID says whether v is an id of AWS like AKIA… or ASIA…, which is no secret.
func accessKeyID(v string) bool {
	if len(v) < 16 || len(v) > 24 || !strings.HasPrefix(v, "AKIA") && !strings.HasPrefix(v, "ASIA") {
		return false
	}
	for i := range len(v) {
		if c := v[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// nameBefore returns the name that ends before sep, whether it stands in quotes, and where
// it begins.
func (m *masker) nameBefore(sep int) (name string, quoted bool, begin int) {
	s, k := m.s, sep
	for k > 0 && k > sep-4 && (s[k-1] == ' ' || s[k-1] == '\t') {
		k--
	}
	if k > 0 && (s[k-1] == '"' || s[k-1] == '\'') {
		quoted = true
		k--
		for k > 0 && s[k-1] == '\\' && k > sep-12 {
			k--
		}
	}
	end := k
	for k > 0 && end-k < 64 && classes[s[k-1]]&cName != 0 {
		k--
	}
	return s[k:end], quoted, k
}

// quotedAt returns what stands in the quotes that open at i, at any depth of JSON within
// JSON, and where the text goes on. Without a closing quote it is all the rest.
func (m *masker) quotedAt(i int) (from, to, after int, ok bool) {
	s, k := m.s, i
	for k < len(s) && k < i+8 && s[k] == '\\' {
		k++
	}
	if k >= len(s) || s[k] != '"' && s[k] != '\'' {
		return 0, 0, 0, false
	}
	depth, mark, slashes := k-i, s[k], 0
	from = k + 1
	for k = from; k < len(s); k++ {
		switch {
		case s[k] == '\\':
			slashes++
			continue
		case s[k] == mark && slashes <= depth && (depth > 0 || slashes%2 == 0):
			return from, k - slashes, k + 1, true
		case s[k] == mark && depth == 0 && slashes%2 == 0:
			return from, k, k + 1, true
		}
		slashes = 0
	}
	return from, len(s), len(s), true
}

// spaces returns the first place from i on that is no space, a few steps on at most.
func (m *masker) spaces(i int) int {
	for k := 0; k < 16 && i < len(m.s) && classes[m.s[i]]&cSpace != 0; k++ {
		i++
	}
	return i
}

// word returns where the unquoted value that begins at i ends, at most at limit.
func (m *masker) word(i, limit int) int {
	for limit = min(len(m.s), limit); i < limit && classes[m.s[i]]&cEnd == 0; {
		i++
	}
	return i
}

// whole returns where the unquoted value that begins at v ends; in what is encoded for a
// URL, %26 ends it too.
func (m *masker) whole(v int, encoded bool) int {
	end := m.word(v, len(m.s))
	if encoded {
		if k := strings.Index(m.s[v:end], "%26"); k >= 0 {
			end = v + k
		}
	}
	return end
}

// pair masks the value of a name that ends before sep; the value begins at from or after.
func (m *masker) pair(sep, from int) bool {
	s := m.s
	name, inQuotes, begin := m.nameBefore(sep)
	if name == "" {
		return false
	}
	colon := s[sep] == ':'
	kind := secretName(name)
	if kind == "" {
		return colon && inQuotes && m.named(name, from)
	}
	v := m.spaces(from)
	if v >= len(s) {
		return false
	}
	if n := signLen(s[v:]); n > 0 {
		return m.behindSigns(v, kind, s[sep] == '%')
	}
	if kind == "authorization" || kind == "cookie" {
		return m.header(kind, v)
	}
	if a, b, after, ok := m.quotedAt(v); ok {
		if isSign(s[a:b]) || !secretValue(kind, s[a:b]) {
			return false
		}
		m.replace(a, b, kind)
		m.i = after
		return true
	}
	if colon && inQuotes {
		return false // a number, a boolean, an object
	}
	if !colon && v != from {
		return false // "token = x" in prose and in code
	}
	if colon && begin > 0 && (s[begin-1] == ':' || s[begin-1] == '/') {
		return false // part of an ARN
	}
	value := s[v:m.word(v, v+glance)]
	if !secretValue(kind, value) {
		return false
	}
	if colon && kind != "password" && (len(value) < 8 || !strings.ContainsAny(value, "0123456789")) {
		return false // prose: "token: expired"
	}
	end := m.whole(v, s[sep] == '%')
	if end == v {
		return false
	}
	m.replace(v, end, kind)
	return true
}

// behindSigns goes on behind the signs at v, and masks what follows at once: a sign that
// somebody forged hides nothing.
func (m *masker) behindSigns(v int, kind string, encoded bool) bool {
	for n := signLen(m.s[v:]); n > 0; n = signLen(m.s[v:]) {
		v += n
	}
	m.i = v
	if end := m.whole(v, encoded); secretValue(kind, m.s[v:end]) {
		m.replace(v, end, kind)
	}
	return true
}

// named masks the value in {"name":"DB_PASSWORD","value":"x"}; from is after the colon of
// "name".
func (m *masker) named(name string, from int) bool {
	if !strings.EqualFold(name, "name") && !strings.EqualFold(name, "key") {
		return false
	}
	a, b, after, ok := m.quotedAt(m.spaces(from))
	if !ok || b-a > 128 {
		return false
	}
	kind := secretName(m.s[a:b])
	if kind == "" {
		return false
	}
	k := m.spaces(after)
	if k >= len(m.s) || m.s[k] != ',' {
		return false
	}
	a, b, after, ok = m.quotedAt(m.spaces(k + 1))
	if !ok || !strings.EqualFold(m.s[a:b], "value") {
		return false
	}
	if k = m.spaces(after); k >= len(m.s) || m.s[k] != ':' {
		return false
	}
	a, b, after, ok = m.quotedAt(m.spaces(k + 1))
	if !ok || isSign(m.s[a:b]) || !secretValue(kind, m.s[a:b]) {
		return false
	}
	m.replace(a, b, kind)
	m.i = after
	return true
}

// schemes are the words that may stand before the credentials of an Authorization header.
var schemes = [...]string{"bearer ", "basic ", "digest ", "token ", "token token=", "apikey ", "negotiate ", "ntlm ", "sharedkey ", "genie key "}

// header masks the value of an Authorization or Cookie header that begins at v, after its
// scheme. What AWS signs stays, but for the signature.
func (m *masker) header(kind string, v int) bool {
	s := m.s
	a, b, after, quoted := m.quotedAt(v)
	if !quoted {
		if v >= m.lineEnd {
			m.lineEnd, m.lineEq = v, -1
			for m.lineEnd < len(s) && strings.IndexByte("\r\n\"'`\\<>", s[m.lineEnd]) < 0 {
				if s[m.lineEnd] == '=' {
					m.lineEq = m.lineEnd
				}
				m.lineEnd++
			}
		}
		a, b, after = v, m.lineEnd, m.lineEnd
	}
	value := s[a:b]
	if foldPrefix(value, "AWS4-") || value == "" || value[0] == '{' || value[0] == '[' {
		return false
	}
	known := false
	if kind == "authorization" {
		for _, scheme := range &schemes {
			if foldPrefix(value, scheme) {
				a += len(scheme)
				known = true
				break
			}
		}
	} else {
		known = !quoted && m.lineEq >= a
	}
	value = s[a:b]
	if head := value[:min(len(value), glance)]; !quoted && !known &&
		(len(head) < 16 || strings.IndexByte(head, ' ') >= 0 || !strings.ContainsAny(head, "0123456789")) {
		return false
	}
	if value == "" || signLen(value) > 0 || !secretValue(kind, value) {
		return false
	}
	m.replace(a, b, kind)
	m.i = after
	return true
}

// option masks the value of a command line's --password x.
func (m *masker) option() bool {
	s, i := m.s, m.i
	if i == 0 || s[i-1] != '-' {
		return false
	}
	end := i
	for end < len(s) && end-i < 64 && classes[s[end]]&cB64URL != 0 {
		end++
	}
	if end >= len(s) || s[end] != ' ' {
		return false
	}
	kind := secretName(s[i:end])
	if kind == "" || kind == "authorization" || kind == "cookie" {
		return false
	}
	v := m.spaces(end)
	if v >= len(s) || s[v] == '-' || signLen(s[v:]) > 0 {
		return false
	}
	if a, b, after, ok := m.quotedAt(v); ok {
		if isSign(s[a:b]) || !secretValue(kind, s[a:b]) {
			return false
		}
		m.replace(a, b, kind)
		m.i = after
		return true
	}
	if secretValue(kind, s[v:m.word(v, v+glance)]) {
		m.replace(v, m.word(v, len(s)), kind)
		return true
	}
	return false
}
