package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Cost is what one check of a password takes (argon2id, RFC 9106).
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32
	Threads uint8
}

// defaultCost is above what OWASP asks for (46 MiB and one pass); a check takes a fraction of a
// second of one core.
var defaultCost = Cost{Memory: 64 << 10, Time: 2, Threads: 1}

const (
	saltBytes = 16
	hashBytes = 32

	minPassword = 12
	maxPassword = 1024 // bytes
)

// hasher checks passwords, few at a time: strangers who sign in by the thousand take the
// memory of the few.
type hasher struct {
	cost    Cost
	rand    io.Reader
	turns   chan struct{}
	waiting atomic.Int64
	dummy   string // a hash that no password has: unknown users take the same work
}

// maxWaiting bounds who waits for a turn.
const maxWaiting = 64

func newHasher(cost Cost, random io.Reader) (*hasher, error) {
	if cost == (Cost{}) {
		cost = defaultCost
	}
	if random == nil {
		random = rand.Reader
	}
	h := &hasher{cost: cost, rand: random, turns: make(chan struct{}, max(1, min(runtime.GOMAXPROCS(0), 4)))}
	none := make([]byte, saltBytes+hashBytes)
	if _, err := io.ReadFull(random, none); err != nil {
		return nil, err
	}
	h.dummy = h.text(none[:saltBytes], none[saltBytes:])
	return h, nil
}

// text is the PHC form: everything that a check needs stands in it.
func (h *hasher) text(salt, sum []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.Memory, h.cost.Time, h.cost.Threads, b.EncodeToString(salt), b.EncodeToString(sum))
}

// enter waits for a turn. Beyond maxWaiting there is none.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return nil, refuseWait(0)
	}
	defer h.waiting.Add(-1)
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash makes the PHC form of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(h.rand, salt); err != nil {
		return "", err
	}
	return h.text(salt, argon2.IDKey(passwordBytes(password), salt, h.cost.Time, h.cost.Memory, h.cost.Threads, hashBytes)), nil
}

// verify compares a password with a PHC form, "" for a user who has none or is not there:
// that takes the same work and never fits. stale says that the form should be made anew.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	cost, salt, sum, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	if len(password) > maxPassword {
		password = password[:maxPassword] // no password is longer: this one fits nobody
		known = false
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	got := argon2.IDKey(passwordBytes(password), salt, cost.Time, cost.Memory, cost.Threads, uint32(len(sum))) //nolint:gosec // parsePHC bounds it
	fits := subtle.ConstantTimeCompare(got, sum) == 1
	return fits && known, cost.Memory < h.cost.Memory || cost.Time < h.cost.Time, nil
}

// passwordBytes is the one form of a password, however a keyboard composes its characters
// (RFC 8265, OpaqueString without its mapping of spaces).
func passwordBytes(password string) []byte { return norm.NFC.Bytes([]byte(password)) }

func parsePHC(s string) (c Cost, salt, sum []byte, err error) {
	parts := strings.Split(s, "$")
	var version int
	bad := func() (Cost, []byte, []byte, error) {
		return Cost{}, nil, nil, fmt.Errorf("a password's hash cannot be read")
	}
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return bad()
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return bad()
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); err != nil {
		return bad()
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(sum) < 16 || len(sum) > 64 ||
		c.Memory < 8 || c.Memory > 1<<20 || c.Time < 1 || c.Time > 64 || c.Threads < 1 || c.Threads > 16 {
		return bad()
	}
	return c, salt, sum, nil
}

// commonWords are what passwords that are too easy are made of, beside names and repetition.
var commonWords = []string{"password", "passw0rd", "p@ssword", "p@ssw0rd", "qwertyuiop", "qwerty", "asdfghjkl", "zxcvbnm", "1qaz2wsx", "letmein", "welcome",
	"administrator", "admin", "iloveyou", "changeme", "secret", "yagura", "watchtower", "sunshine", "princess", "football", "baseball", "dragon", "monkey",
	"master", "login", "access", "trustno1", "abc123", "1234567890", "123456789", "12345678", "1234567", "123456", "12345", "1234", "0987654321", "987654321",
	"summer", "winter", "spring", "autumn", "company", "default", "security", "test", "hello", "aaaa", "sakura", "nihon", "tokyo", "japan", "パスワード"}

// checkPassword says what is wrong with a new password: its length, or that little is left of
// it without names and the commonest words. Which kinds of characters it has does not matter.
func checkPassword(password string, names ...string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return refuseInput(fmt.Sprintf("a password has %d characters or more; some words in a row are good", minPassword), fmt.Sprintf("パスワードは %d 文字以上にしてください。いくつかの単語を並べるのがよい方法です", minPassword))
	case len(password) > maxPassword:
		return refuseInput(fmt.Sprintf("a password has %d bytes at most", maxPassword), fmt.Sprintf("パスワードは %d バイト以下にしてください", maxPassword))
	case !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refuseInput("a password has no control characters", "パスワードに制御文字は使えません")
	}
	rest := strings.ToLower(norm.NFKC.String(password))
	words := make([]string, 0, 8+len(commonWords))
	for _, name := range names {
		words = append(words, strings.ToLower(name))
		for _, part := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("@.-_+ ", r) }) {
			if utf8.RuneCountInString(part) >= 3 {
				words = append(words, part)
			}
		}
	}
	for _, w := range append(words, commonWords...) {
		if w != "" {
			rest = strings.ReplaceAll(rest, w, "\x00")
		}
	}
	if distinct(rest) < 5 {
		return refuseInput("the password is made of a name or of very common words, or of few characters", "パスワードが名前やよくある単語、または少ない種類の文字だけでできています")
	}
	return nil
}

// distinct counts the different characters that are left, without digits at the end: those
// are what people add.
func distinct(s string) int {
	s = strings.TrimRight(s, "0123456789!?.#$%&*+-_ ")
	seen := map[rune]bool{}
	for _, r := range s {
		if r != 0 {
			seen[r] = true
		}
	}
	return len(seen)
}
