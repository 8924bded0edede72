package proof

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// The bounds of a file of keys.
const (
	maxKeyFile = 16 << 20
	maxKeys    = 100_000
)

// Keys are the public keys of CloudTrail by their fingerprints. AWS has one pair per region
// and changes it every few weeks, so that a year of digests needs many.
type Keys struct{ by map[string][]publicKey }

type publicKey struct {
	key      *rsa.PublicKey
	from, to time.Time // zero where the file does not say
}

// Len is the number of keys.
func (k *Keys) Len() int {
	if k == nil {
		return 0
	}
	n := 0
	for _, list := range k.by {
		n += len(list)
	}
	return n
}

// ReadKeys reads what `aws cloudtrail list-public-keys` prints as JSON; what several calls
// (one per region) printed may stand one behind the other in a file. More keys are added
// with further calls.
func (k *Keys) ReadKeys(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxKeyFile {
		return fmt.Errorf("the file has more than %d MB", maxKeyFile>>20)
	}
	n := 0
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("at byte %d: %w (hint: it is the JSON that `aws cloudtrail list-public-keys --output json` prints)", dec.InputOffset(), err)
		}
		list, err := keyList(raw)
		if err != nil {
			return err
		}
		for i, one := range list {
			if err := k.add(one); err != nil {
				return fmt.Errorf("key %d (fingerprint %.64q): %w", n+i+1, one.Fingerprint, err)
			}
		}
		if n += len(list); n > maxKeys {
			return fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if n == 0 {
		return errors.New("there is no key in it (hint: without --start-time, list-public-keys prints the newest key only)")
	}
	return nil
}

type listedKey struct {
	Value             []byte
	Fingerprint       string
	ValidityStartTime keyTime
	ValidityEndTime   keyTime
}

// keyList takes the answer of the API, or its list alone.
func keyList(raw json.RawMessage) ([]listedKey, error) {
	var list []listedKey
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	var answer struct{ PublicKeyList *[]listedKey }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	if answer.PublicKeyList == nil {
		return nil, errors.New("there is no PublicKeyList in it (hint: it is the JSON that `aws cloudtrail list-public-keys` prints)")
	}
	return *answer.PublicKeyList, nil
}

func (k *Keys) add(l listedKey) error {
	if l.Fingerprint == "" || len(l.Fingerprint) > 128 {
		return errors.New("it has no fingerprint")
	}
	pub, err := x509.ParsePKCS1PublicKey(l.Value)
	if err != nil {
		return errors.New("the value is not an RSA key in PKCS #1 and base64")
	}
	if bits := pub.N.BitLen(); bits < 2048 || bits > 8192 {
		return fmt.Errorf("an RSA key of %d bits", bits)
	}
	if k.by == nil {
		k.by = map[string][]publicKey{}
	}
	f := strings.ToLower(l.Fingerprint)
	for _, have := range k.by[f] {
		if have.key.Equal(pub) && have.from.Equal(time.Time(l.ValidityStartTime)) {
			return nil
		}
	}
	k.by[f] = append(k.by[f], publicKey{key: pub, from: time.Time(l.ValidityStartTime), to: time.Time(l.ValidityEndTime)})
	return nil
}

// keyTime is a time as seconds since 1970 (version 1 of the AWS CLI) or as text (version 2).
type keyTime time.Time

// UnmarshalJSON reads either form.
func (t *keyTime) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
			if at, err := time.Parse(form, s); err == nil {
				*t = keyTime(at.UTC())
				return nil
			}
		}
		return fmt.Errorf("%.40q is not a time", s)
	}
	var f float64
	if err := json.Unmarshal(b, &f); err != nil || math.Abs(f) > 1e12 {
		return fmt.Errorf("%.40q is not a time", b)
	}
	*t = keyTime(time.UnixMicro(int64(f * 1e6)).UTC())
	return nil
}
