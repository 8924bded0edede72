package auth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what every authenticator app has (RFC 6238); HMAC holds
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	totpPeriod = 30 * time.Second
	totpDigits = 6
	totpSecret = 20
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// totpCode is the code of a step (RFC 4226, RFC 6238).
func totpCode(secret []byte, step int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(step)) //nolint:gosec // times are after 1970
	m := hmac.New(sha1.New, secret)
	m.Write(b[:])
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%0*d", totpDigits, binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}

// totpStep returns the step that a code is of, one to either side of now. All three are
// compared, whichever fits.
func totpStep(secret []byte, code string, now time.Time) (step int64, ok bool) {
	code = strings.ReplaceAll(code, " ", "")
	at := now.Unix() / int64(totpPeriod/time.Second)
	for s := at - 1; s <= at+1; s++ {
		if same(totpCode(secret, s), code) {
			step, ok = s, true
		}
	}
	return step, ok
}

// totpURI is what an authenticator app reads from a QR code.
func totpURI(issuer, name string, secret []byte) string {
	q := url.Values{"secret": {base32Text.EncodeToString(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	// Apps take %20 and not +.
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(name) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// recoveryCode is 80 bits in four groups, of letters and digits that are not taken for each
// other.
func recoveryCode(b [10]byte) string {
	s := strings.ToLower(base32Text.EncodeToString(b[:]))
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// plainRecovery is the one form of a recovery code, however it was typed.
func plainRecovery(code string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
}
