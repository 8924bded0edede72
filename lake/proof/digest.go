package proof

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// The bounds of a digest: one hour of one account in one region. A log file takes about
// 400 bytes in it.
const (
	maxDigest  = 128 << 20
	maxLogName = 1100
	maxSig     = 2048
)

// Digest is one digest file.
type Digest struct {
	Account       string
	Bucket, Key   string // where AWS put it
	Start, End    time.Time
	Fingerprint   string
	Algorithm     string
	PrevBucket    string // "" in a starting digest
	PrevKey       string
	PrevHash      string // SHA-256 of the unpacked digest before it, hexadecimal
	PrevSignature string // hexadecimal; "" in a starting digest
	Logs          []LogFile
	Hash          [32]byte // of the unpacked bytes

	end string // as it is written, which is what is signed
}

// LogFile is a log file as a digest names it.
type LogFile struct {
	Bucket string `json:"s3Bucket"`
	Key    string `json:"s3Object"`
	Hash   string `json:"hashValue"` // SHA-256 of the unpacked bytes, hexadecimal
	Alg    string `json:"hashAlgorithm"`
}

var (
	bucketForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$`)
	hexForm    = regexp.MustCompile(`^[0-9a-fA-F]+$`)
)

// ParseDigest reads a digest, packed with gzip or not. What is missing or malformed is an
// error that names the field; whether it is genuine is for [Digest.Verify] to say.
func ParseDigest(data []byte) (*Digest, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		if data, err = io.ReadAll(io.LimitReader(z, maxDigest+1)); err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
	}
	if len(data) > maxDigest {
		return nil, fmt.Errorf("it has more than %d MB", maxDigest>>20)
	}
	var j struct {
		AwsAccountID               string
		DigestStartTime            string
		DigestEndTime              string
		DigestS3Bucket             string
		DigestS3Object             string
		DigestPublicKeyFingerprint string
		DigestSignatureAlgorithm   string
		PreviousDigestS3Bucket     string
		PreviousDigestS3Object     string
		PreviousDigestHashValue    string
		PreviousDigestHashAlg      string `json:"previousDigestHashAlgorithm"`
		PreviousDigestSignature    string
		LogFiles                   []LogFile
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&j); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("json: there is something behind the digest")
	}
	d := &Digest{Account: j.AwsAccountID, Bucket: j.DigestS3Bucket, Key: j.DigestS3Object,
		Fingerprint: strings.ToLower(j.DigestPublicKeyFingerprint), Algorithm: j.DigestSignatureAlgorithm,
		PrevBucket: j.PreviousDigestS3Bucket, PrevKey: j.PreviousDigestS3Object,
		PrevHash: strings.ToLower(j.PreviousDigestHashValue), PrevSignature: j.PreviousDigestSignature,
		Logs: j.LogFiles, Hash: sha256.Sum256(data), end: j.DigestEndTime}
	var err error
	if d.Start, err = time.Parse(time.RFC3339, j.DigestStartTime); err != nil {
		return nil, fmt.Errorf("digestStartTime: %.40q is not a time", j.DigestStartTime)
	}
	if d.End, err = time.Parse(time.RFC3339, j.DigestEndTime); err != nil {
		return nil, fmt.Errorf("digestEndTime: %.40q is not a time", j.DigestEndTime)
	}
	if d.End.Before(d.Start) {
		return nil, errors.New("digestEndTime is before digestStartTime")
	}
	if err := place("digestS3", d.Bucket, d.Key); err != nil {
		return nil, err
	}
	switch {
	case d.Fingerprint == "" || len(d.Fingerprint) > 128:
		return nil, errors.New("digestPublicKeyFingerprint is missing")
	case d.Algorithm != "" && d.Algorithm != "SHA256withRSA":
		return nil, fmt.Errorf("digestSignatureAlgorithm: %.40q is not known (only SHA256withRSA is)", d.Algorithm)
	case (d.PrevKey == "") != (d.PrevSignature == ""):
		return nil, errors.New("previousDigestS3Object and previousDigestSignature: one is there without the other")
	}
	if d.PrevKey != "" {
		if err := place("previousDigestS3", d.PrevBucket, d.PrevKey); err != nil {
			return nil, err
		}
		if len(d.PrevSignature) > maxSig || !hexForm.MatchString(d.PrevSignature) {
			return nil, errors.New("previousDigestSignature is not hexadecimal")
		}
		if d.PrevHash != "" && (len(d.PrevHash) != 64 || !hexForm.MatchString(d.PrevHash)) || j.PreviousDigestHashAlg != "" && j.PreviousDigestHashAlg != "SHA-256" {
			return nil, errors.New("previousDigestHashValue is not a SHA-256")
		}
	}
	for i := range d.Logs {
		l := &d.Logs[i]
		if err := place("s3", l.Bucket, l.Key); err != nil {
			return nil, fmt.Errorf("logFiles[%d]: %w", i, err)
		}
		if l.Hash = strings.ToLower(l.Hash); l.Alg != "SHA-256" || len(l.Hash) != 64 || !hexForm.MatchString(l.Hash) {
			return nil, fmt.Errorf("logFiles[%d]: hashValue is not a SHA-256 (hashAlgorithm %.20q)", i, l.Alg)
		}
	}
	return d, nil
}

func place(field, bucket, key string) error {
	if !bucketForm.MatchString(bucket) {
		return fmt.Errorf("%sBucket: %.80q is not a bucket", field, bucket)
	}
	if key == "" || len(key) > maxLogName || strings.ContainsAny(key, "\x00\r\n") {
		return fmt.Errorf("%sObject: %.80q is not a key", field, key)
	}
	return nil
}

// signed is the text that AWS signs: the end of the digest as it is written, the place
// where it was put, its SHA-256, and the signature of the digest before it, in four lines.
func (d *Digest) signed() []byte {
	prev := d.PrevSignature
	if prev == "" {
		prev = "null"
	}
	return fmt.Appendf(nil, "%s\n%s/%s\n%x\n%s", d.end, d.Bucket, d.Key, d.Hash, prev)
}

// Verify says whether signature (hexadecimal) is this digest's, made with the private half
// of the key.
func (d *Digest) Verify(key *rsa.PublicKey, signature string) bool {
	sig, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(d.signed())
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
}

// Place is where AWS put the digest.
func (d *Digest) Place() string { return "s3://" + d.Bucket + "/" + d.Key }

// Previous is where the digest before it was put, "" for a starting digest.
func (d *Digest) Previous() string {
	if d.PrevKey == "" {
		return ""
	}
	return "s3://" + d.PrevBucket + "/" + d.PrevKey
}

// Place is where AWS put the log file.
func (l LogFile) Place() string { return "s3://" + l.Bucket + "/" + l.Key }

// Backfill says whether the digest was made afterwards, for log files that came late.
func (d *Digest) Backfill() bool { return strings.HasSuffix(d.Key, "_backfill.json.gz") }
