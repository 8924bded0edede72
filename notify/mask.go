package notify

import (
	"encoding/base64"
	"strings"
)

// Mask replaces secrets in a text of somebody else by a sign of what stood there, such as
// [masked:jwt]; nothing of the secret stays. It takes one pass, so its time is linear in
// the text, and masking what is masked changes nothing.
//
// Known by their shape, wherever they stand at the start of a word:
//
//   - AWS secret access keys (40 characters of base64 that look drawn at random) and session
//     tokens; access key ids (AKIA…, ASIA…) stay, because an id is evidence and opens nothing
//   - our own tokens (ygr_…)
//   - tokens of GitHub (ghp_ gho_ ghu_ ghs_ ghr_ github_pat_), GitLab, Slack (xox…, xapp-,
//     hooks.slack.com paths), npm, PyPI, Docker, Stripe, SendGrid, Vault, OpenAI and
//     Anthropic, DigitalOcean, Databricks, and PagerDuty keys that begin with R0 or pdus+
//   - Google API keys (AIza…), OAuth access tokens (ya29.…) and client secrets (GOCSPX-…)
//   - client secrets of Entra applications (…8Q~…)
//   - JSON web tokens
//   - private key blocks, also in JSON with \n for line ends, also without their end
//   - passwords in URLs (https://user:password@host), also those of connection strings
//   - Bearer and Basic credentials
//
// Known by their name, in JSON (also JSON within a JSON string), query strings, forms,
// headers, connection strings and command lines (--password x): values of names that end
// in password, passwd, passphrase, pwd, secret, token, apikey, secretkey, privatekey,
// accountkey and the others of secretNames, whatever the case and with or without - _ and
// dots; cookies; signatures that are as long as one (Azure's sig=, X-Amz-Signature). In
// {"name":"DB_PASSWORD","value":"x"} the value is masked too. Numbers and booleans in JSON
// are not secrets.
//
// A secret without a shape and without a name near it cannot be known; [MaskNamed] is for
// values whose name stands elsewhere.
func Mask(s string) string {
	m := masker{s: s}
	m.run()
	if m.out == nil {
		return s
	}
	return string(append(m.out, s[m.copied:]...))
}

// MaskNamed masks the value of a field: whole when the name says that it is a secret, like
// any other text otherwise.
func MaskNamed(name, value string) string {
	if value == "" {
		return ""
	}
	if i := strings.LastIndexAny(name, ".[]"); i >= 0 && i < len(name)-1 {
		name = name[i+1:]
	}
	if kind := secretName(name); kind != "" && secretValue(kind, value) && !isSign(value) {
		return sign(kind)
	}
	return Mask(value)
}

func sign(kind string) string { return "[masked:" + kind + "]" }

// signLen returns the length of the sign that s begins with, 0 for none.
func signLen(s string) int {
	if !strings.HasPrefix(s, "[masked:") {
		return 0
	}
	for i := len("[masked:"); i < len(s) && i < 40; i++ {
		switch c := s[i]; {
		case c == ']':
			return i + 1
		case c != '-' && (c < 'a' || c > 'z'):
			return 0
		}
	}
	return 0
}

func isSign(s string) bool { return s != "" && signLen(s) == len(s) }

// class is what a byte may be part of.
type class uint8

const (
	cWord   class = 1 << iota // letters, digits, _
	cKey                      // letters, digits, + /
	cB64URL                   // letters, digits, - _
	cName                     // of a name before = or :
	cSpace
	cTrigger // something may begin here though no word does
	cEnd     // an unquoted value ends here
)

var classes = func() (t [256]class) {
	for c := range 256 {
		b := byte(c)
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if letter || b == '_' {
			t[c] |= cWord
		}
		if letter || b == '+' || b == '/' {
			t[c] |= cKey
		}
		if letter || b == '-' || b == '_' {
			t[c] |= cB64URL
		}
		if letter || strings.IndexByte("_-.", b) >= 0 {
			t[c] |= cName
		}
		if strings.IndexByte(" \t\r\n", b) >= 0 {
			t[c] |= cSpace
		}
		if strings.IndexByte(":=-+/[%", b) >= 0 {
			t[c] |= cTrigger
		}
		if strings.IndexByte("&;, \t\r\n\"'`()<>{}[]|\\", b) >= 0 {
			t[c] |= cEnd
		}
	}
	return t
}()

// masker walks one text.
type masker struct {
	s      string
	i      int
	out    []byte // what is written; nil while nothing was masked
	copied int    // s[:copied] is in out
	// The last run of a JSON web token's characters that was measured, and its last dot.
	jwtEnd, jwtDot int
	// The end of the last line of a header that was measured, and its last "=".
	lineEnd, lineEq int
}

// replace masks s[from:to] and goes on behind it.
func (m *masker) replace(from, to int, kind string) {
	if !isSign(m.s[from:to]) {
		if m.out == nil {
			m.out = make([]byte, 0, len(m.s)+64)
		}
		m.out = append(m.out, m.s[m.copied:from]...)
		m.out = append(m.out, sign(kind)...)
		m.copied = to
	}
	m.i = to
}

func (m *masker) run() {
	for m.i < len(m.s) {
		c := classes[m.s[m.i]]
		start := m.i == 0 || classes[m.s[m.i-1]]&cWord == 0
		if c&cTrigger == 0 && (c&cWord == 0 || !start) {
			m.i++
			continue
		}
		if !m.at(c, start) {
			m.i++
		}
	}
}

// at masks what begins at m.i and reports whether it moved on.
func (m *masker) at(c class, start bool) bool {
	s, i := m.s, m.i
	switch s[i] {
	case '[':
		if n := signLen(s[i:]); n > 0 {
			m.i += n
			return true
		}
		return false
	case '-':
		return m.privateKey()
	case ':':
		if strings.HasPrefix(s[i:], "://") && m.userinfo() {
			return true
		}
		return m.pair(i, i+1)
	case '=':
		return m.pair(i, i+1)
	case '%':
		if len(s) > i+2 && s[i+1] == '3' && (s[i+2] == 'D' || s[i+2] == 'd') {
			return m.pair(i, i+3)
		}
		return false
	}
	if c&cKey != 0 && (i == 0 || classes[s[i-1]]&cKey == 0) && m.secretKey() {
		return true
	}
	return start && (m.shape() || m.jwt() || m.credentials() || m.option())
}

// shape is what a kind of token looks like: a beginning and enough characters after it.
type shape struct {
	begin string
	kind  string
	min   int    // characters after the beginning
	also  string // allowed in them beside letters, digits and _
}

var shapes = func() (t [256][]shape) {
	for _, s := range []shape{
		{"ghp_", "github-token", 16, ""}, {"gho_", "github-token", 16, ""}, {"ghu_", "github-token", 16, "-."},
		{"ygr_", "yagura-token", 30, ""}, {"ghs_", "github-token", 16, "-."}, {"ghr_", "github-token", 16, ""}, {"github_pat_", "github-token", 16, ""},
		{"glpat-", "gitlab-token", 16, "-."}, {"gldt-", "gitlab-token", 16, "-."}, {"glrt-", "gitlab-token", 16, "-."},
		{"xoxa-", "slack-token", 8, "-"}, {"xoxb-", "slack-token", 8, "-"}, {"xoxc-", "slack-token", 8, "-"},
		{"xoxd-", "slack-token", 8, "-%+/="}, {"xoxe-", "slack-token", 8, "-"}, {"xoxe.", "slack-token", 8, "-."},
		{"xoxo-", "slack-token", 8, "-"}, {"xoxp-", "slack-token", 8, "-"}, {"xoxr-", "slack-token", 8, "-"},
		{"xoxs-", "slack-token", 8, "-"}, {"xapp-", "slack-token", 8, "-"},
		{"AIza", "google-key", 30, "-"}, {"ya29.", "google-token", 16, "-."}, {"GOCSPX-", "google-secret", 16, "-"},
		{"npm_", "npm-token", 30, ""}, {"pypi-AgE", "pypi-token", 30, "-"}, {"dckr_pat_", "docker-token", 16, "-"},
		{"sk_live_", "stripe-key", 16, ""}, {"rk_live_", "stripe-key", 16, ""}, {"sk_test_", "stripe-key", 16, ""},
		{"whsec_", "webhook-secret", 16, "+/="}, {"SG.", "sendgrid-key", 30, "-."}, {"hvs.", "vault-token", 20, "-"},
		{"sk-proj-", "api-key", 20, "-"}, {"sk-ant-", "api-key", 20, "-"}, {"sk-svcacct-", "api-key", 20, "-"},
		{"dop_v1_", "api-key", 30, ""}, {"dapi", "api-key", 32, ""},
		{"pdus+", "pagerduty-key", 16, "-+"}, {"pdeu+", "pagerduty-key", 16, "-+"},
		{"IQoJb3JpZ2lu", "aws-session-token", 60, "+/=%"}, {"FwoGZXIvYXdz", "aws-session-token", 60, "+/=%"},
		{"FQoGZXIvYXdz", "aws-session-token", 60, "+/=%"}, {"AgoJb3JpZ2lu", "aws-session-token", 60, "+/=%"},
	} {
		t[s.begin[0]] = append(t[s.begin[0]], s)
	}
	return t
}()

func (m *masker) shape() bool {
	rest := m.s[m.i:]
	for _, sh := range shapes[rest[0]] {
		if !strings.HasPrefix(rest, sh.begin) {
			continue
		}
		end := len(sh.begin)
		for end < len(rest) && (classes[rest[end]]&cWord != 0 || strings.IndexByte(sh.also, rest[end]) >= 0) {
			end++
		}
		// The full stop of a sentence is not part of a token.
		for end > 0 && rest[end-1] == '.' {
			end--
		}
		if end < len(sh.begin)+sh.min {
			continue
		}
		if sh.begin == "dapi" && !hexOnly(rest[4:min(end, 36)]) {
			return false
		}
		m.replace(m.i, m.i+end, sh.kind)
		return true
	}
	return m.slackHook(rest) || m.routingKey(rest) || m.entraSecret(rest)
}

func hexOnly(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// slackHook masks the path of an incoming webhook: who has it may write to the channel.
func (m *masker) slackHook(rest string) bool {
	const host = "hooks.slack.com/"
	if !strings.HasPrefix(rest, host) {
		return false
	}
	end := len(host)
	for end < len(rest) && (classes[rest[end]]&cWord != 0 || rest[end] == '/') {
		end++
	}
	if end < len(host)+20 {
		return false
	}
	m.replace(m.i+len(host), m.i+end, "slack-webhook")
	return true
}

// routingKey masks the 32 characters of a PagerDuty integration key of today's form.
func (m *masker) routingKey(rest string) bool {
	if len(rest) < 32 || rest[0] != 'R' || rest[1] != '0' || len(rest) > 32 && classes[rest[32]]&cWord != 0 {
		return false
	}
	for i := range 32 {
		if c := rest[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	m.replace(m.i, m.i+32, "pagerduty-key")
	return true
}

// entraSecret masks the client secret of an Entra application: three characters, a digit,
// "Q~" and 31 or more characters.
func (m *masker) entraSecret(rest string) bool {
	if len(rest) < 37 || rest[4] != 'Q' || rest[5] != '~' || rest[3] < '0' || rest[3] > '9' {
		return false
	}
	end := 0
	for end < len(rest) && (classes[rest[end]]&cB64URL != 0 || rest[end] == '~' || rest[end] == '.') {
		end++
	}
	for end > 0 && rest[end-1] == '.' {
		end--
	}
	if end < 37 {
		return false
	}
	m.replace(m.i, m.i+end, "entra-secret")
	return true
}

// jwt masks a JSON web token: "eyJ" and at least one more part. The run is measured once,
// however many words in it begin like one.
func (m *masker) jwt() bool {
	s, i := m.s, m.i
	if !strings.HasPrefix(s[i:], "eyJ") {
		return false
	}
	if i >= m.jwtEnd {
		m.jwtEnd, m.jwtDot = i, -1
		for m.jwtEnd < len(s) && (classes[s[m.jwtEnd]]&cB64URL != 0 || s[m.jwtEnd] == '.') {
			if s[m.jwtEnd] == '.' && m.jwtEnd+1 < len(s) && classes[s[m.jwtEnd+1]]&cB64URL != 0 {
				m.jwtDot = m.jwtEnd
			}
			m.jwtEnd++
		}
	}
	if m.jwtDot < i+8 || m.jwtEnd-i < 24 {
		return false
	}
	end := m.jwtEnd
	for s[end-1] == '.' {
		end--
	}
	m.replace(i, end, "jwt")
	return true
}

// secretKey masks a run of exactly 40 characters of base64 that look drawn at random: not
// hexadecimal, not a path, not words.
func (m *masker) secretKey() bool {
	s, i := m.s, m.i
	end := i
	for end < len(s) && end-i <= 40 && classes[s[end]]&cKey != 0 {
		end++
	}
	if end-i != 40 || end < len(s) && s[end] == '_' || i > 0 && s[i-1] == '_' {
		return false
	}
	var seen [256]bool
	upper, lower, digit, turns, distinct, last := 0, 0, 0, 0, 0, 0
	for k := i; k < end; k++ {
		kind := 4
		switch c := s[k]; {
		case c >= 'A' && c <= 'Z':
			kind = 1
			upper++
		case c >= 'a' && c <= 'z':
			kind = 2
			lower++
		case c >= '0' && c <= '9':
			kind = 3
			digit++
		}
		if kind != last && last != 0 {
			turns++
		}
		last = kind
		if !seen[s[k]] {
			seen[s[k]] = true
			distinct++
		}
	}
	if upper < 5 || lower < 5 || digit < 1 || turns < 14 || distinct < 18 {
		return false
	}
	m.replace(i, end, "aws-secret-key")
	return true
}

// privateKey masks from "-----BEGIN … PRIVATE KEY" to its end, or as far as it may be one.
func (m *masker) privateKey() bool {
	s, i := m.s, m.i
	const begin = "-----BEGIN "
	if !strings.HasPrefix(s[i:], begin) {
		return false
	}
	head := s[i+len(begin) : min(len(s), i+len(begin)+48)]
	k := strings.Index(head, "PRIVATE KEY")
	if k < 0 || strings.Contains(head[:k], "-----") {
		return false
	}
	end := i + len(begin) + k + len("PRIVATE KEY")
	for end < len(s) {
		if strings.HasPrefix(s[end:], "-----END ") {
			tail := end + len("-----END ")
			for tail < len(s) && tail < end+60 && (classes[s[tail]]&cWord != 0 || s[tail] == ' ') {
				tail++
			}
			for tail < len(s) && s[tail] == '-' {
				tail++
			}
			end = tail
			break
		}
		if c := s[end]; classes[c]&(cKey|cSpace|cB64URL) == 0 && strings.IndexByte("=\\:,.", c) < 0 {
			break
		}
		end++
	}
	m.replace(i, end, "private-key")
	return true
}

// userinfo masks the password of a URL; m.i is at "://".
func (m *masker) userinfo() bool {
	s, from := m.s, m.i+3
	colon, at := -1, -1
scan:
	for k := from; k < len(s) && k < from+1024; k++ {
		switch c := s[k]; c {
		case '/', '?', '#', '"', '\'', '<', '>', '\\', '`', ' ', '\t', '\r', '\n', ',':
			break scan
		case ':':
			if colon < 0 {
				colon = k
			}
		case '@':
			at = k
		}
	}
	if at < 0 || colon < 0 || colon > at || colon+1 == at {
		return false
	}
	m.replace(colon+1, at, "password")
	return true
}

// credentials masks what follows the words Bearer and Basic when it looks like one.
func (m *masker) credentials() bool {
	s, i := m.s, m.i
	var basic bool
	switch {
	case foldPrefix(s[i:], "bearer "):
	case foldPrefix(s[i:], "basic "):
		basic = true
	default:
		return false
	}
	from := i + strings.IndexByte(s[i:], ' ') + 1
	for from < len(s) && s[from] == ' ' {
		from++
	}
	end, other := from, false
	for end < len(s) && (classes[s[end]]&(cKey|cB64URL) != 0 || strings.IndexByte(".~=", s[end]) >= 0) {
		if c := s[end] | 0x20; c < 'a' || c > 'z' {
			other = true
		}
		end++
	}
	for end > from && s[end-1] == '.' {
		end--
	}
	if basic {
		if plain, err := base64.StdEncoding.DecodeString(s[from:end]); err != nil || !strings.Contains(string(plain), ":") {
			return false
		}
		m.replace(from, end, "basic")
		return true
	}
	if end-from < 12 || !other {
		return false
	}
	m.replace(from, end, "bearer")
	return true
}

func foldPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
