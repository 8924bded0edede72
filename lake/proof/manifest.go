package proof

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// The bounds of a manifest.
const (
	maxManifest = 256 << 20
	perManifest = 50_000 // objects, files and drops each; more are spread over several
)

// Manifest says what arrived and what was written in a time, mostly one UTC hour. It is
// JSON whose bytes follow from its content: fields in this order, lists sorted, times in
// UTC, no blanks.
type Manifest struct {
	V      int       `json:"v"`      // 1
	Number int64     `json:"number"` // from 1, without gaps
	From   time.Time `json:"from"`   // where the one before it ended
	To     time.Time `json:"to"`
	Prev   string    `json:"prev"` // SHA-256 of the manifest before it, "" for the first
	// Seq is the catalogue's commit up to which files are named, here or before.
	Seq     int64    `json:"seq"`
	Objects []Object `json:"objects"`
	Files   []Entry  `json:"files"`
	Dropped []Drop   `json:"dropped"`
	Key     string   `json:"key,omitempty"` // the ID of the key that sealed it
}

// Object is something that was received whole.
type Object struct {
	Source  string `json:"source"`
	Object  string `json:"object"` // its identity, such as s3://bucket/key#etag
	Records int64  `json:"records"`
	SHA256  string `json:"sha256,omitempty"` // of the bytes as received, where they were hashed
}

// Entry is a lake file.
type Entry struct {
	Number  int64  `json:"number"`
	Format  string `json:"format"`
	Day     string `json:"day"`
	Rows    int64  `json:"rows"`
	Head    Part   `json:"head"`
	Raw     Part   `json:"raw"`
	Created string `json:"created"`
}

// Part is one of the two Parquet files of a lake file.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Drop is a file, or its raw part alone, that is about to be removed on purpose.
type Drop struct {
	Number int64  `json:"number"`
	Raw    bool   `json:"raw,omitempty"` // the raw part alone
	Why    string `json:"why"`           // retention, compaction
}

// Sealed is a manifest as it is stored.
type Sealed struct {
	Manifest
	Body []byte // its bytes
	Hash string // SHA-256 of Body, hexadecimal
	Sig  []byte // of Body; empty without a key
}

// stored is the form of a file. Body is kept as text, so that its bytes stay what they are.
type stored struct {
	Body string `json:"manifest"`
	Hash string `json:"sha256"`
	Sig  string `json:"seal,omitempty"`
}

// EntryOf is how a manifest names a lake file.
func EntryOf(f yagura.LakeFile) Entry {
	return Entry{Number: f.Number, Format: f.Format, Day: f.Day, Rows: f.Rows, Created: f.Created.UTC().Format(time.RFC3339Nano),
		Head: Part{f.Head, f.HeadSize, hex.EncodeToString(f.HeadSum[:])}, Raw: Part{f.Raw, f.RawSize, hex.EncodeToString(f.RawSum[:])}}
}

// Seal puts a manifest behind prev (nil: it is the first) and seals it with key (nil:
// without one). The same arguments give the same bytes, except for the seal where the
// key's signatures differ from one another, which those of ParseKey do not.
func Seal(m Manifest, prev *Sealed, key Key) (*Sealed, error) {
	m.V, m.Number, m.Prev, m.Key = 1, 1, "", ""
	m.From, m.To = m.From.UTC(), m.To.UTC()
	if prev != nil {
		m.Number, m.Prev, m.From = prev.Number+1, prev.Hash, prev.To
	}
	if m.To.Before(m.From) {
		return nil, fmt.Errorf("proof: a manifest that ends at %s, before it begins", m.To.Format(time.RFC3339))
	}
	if key != nil {
		m.Key = key.ID()
	}
	m.Objects = append([]Object{}, m.Objects...) // never null, and not the caller's
	m.Files = append([]Entry{}, m.Files...)
	m.Dropped = append([]Drop{}, m.Dropped...)
	slices.SortFunc(m.Objects, func(a, b Object) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Object, b.Object), cmp.Compare(a.Records, b.Records))
	})
	slices.SortFunc(m.Files, func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(m.Dropped, func(a, b Drop) int { return cmp.Or(cmp.Compare(a.Number, b.Number), strings.Compare(a.Why, b.Why)) })
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	s := &Sealed{Manifest: m, Body: body, Hash: hashOf(body)}
	if key != nil {
		if s.Sig = key.Seal(body); s.Sig == nil {
			return nil, errors.New("proof: the key can only check (hint: the private half is needed to seal)")
		}
	}
	return s, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Encode is the content of the manifest's file.
func (s *Sealed) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(stored{Body: string(s.Body), Hash: s.Hash, Sig: hex.EncodeToString(s.Sig)})
	return b.Bytes(), err
}

// Decode reads the file of a manifest. A content that is not what its hash says is an
// error that wraps [ErrAltered]; whether its seal holds is for [Sealed.Check] to say.
func Decode(data []byte) (*Sealed, error) {
	if len(data) > maxManifest {
		return nil, fmt.Errorf("it has more than %d MB", maxManifest>>20)
	}
	var st stored
	if err := strict(data, &st); err != nil {
		return nil, err
	}
	s := &Sealed{Body: []byte(st.Body), Hash: hashOf([]byte(st.Body))}
	if s.Hash != st.Hash {
		return s, fmt.Errorf("%w: sha256 is %s, not %.64s", ErrAltered, s.Hash, st.Hash)
	}
	var err error
	if s.Sig, err = hex.DecodeString(st.Sig); err != nil {
		return s, fmt.Errorf("%w: the seal is not hexadecimal", ErrAltered)
	}
	// What means the same in other bytes (another case, another escape) was altered as well.
	if again, err := s.Encode(); err != nil || !bytes.Equal(again, data) {
		return s, fmt.Errorf("%w: it is not in the form in which manifests are written", ErrAltered)
	}
	if err := strict(s.Body, &s.Manifest); err != nil {
		return s, err
	}
	if s.V != 1 || s.Number < 1 {
		return s, fmt.Errorf("version %d, number %d: not a manifest that is known here", s.V, s.Number)
	}
	return s, nil
}

// ErrAltered is content that is not what was written.
var ErrAltered = errors.New("it was altered")

func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("json: there is something behind it")
	}
	return nil
}

// Check says whether the seal holds. Without keys nothing is asked for.
func (s *Sealed) Check(keys []Key) Status {
	if len(keys) == 0 {
		return Valid
	}
	if s.Key == "" && len(s.Sig) == 0 {
		return Unsigned
	}
	for _, k := range keys {
		if k.ID() == s.Key {
			if k.Check(s.Body, s.Sig) {
				return Valid
			}
			return BadSign
		}
	}
	return NoKey
}
