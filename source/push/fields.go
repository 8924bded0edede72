package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// field is a member of an object: as it is written, and its text when it is a string.
type field struct {
	raw  json.RawMessage
	text string
}

// topLevel reads the members of one JSON object. A name that stands there twice, also
// in another case, is refused when it is one of those that matter (all of them when none
// is named): whoever reads the object after us might take the other one.
func topLevel(b []byte, matter ...string) (map[string]field, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil {
		return nil, short(err)
	} else if t != json.Delim('{') {
		return nil, errors.New("it is no object")
	}
	out := make(map[string]field, 16)
	seen := make(map[string]bool, 16)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, short(err)
		}
		name, _ := t.(string)
		var f field
		if err := dec.Decode(&f.raw); err != nil {
			return nil, short(err)
		}
		keep := len(matter) == 0
		for _, m := range matter {
			keep = keep || strings.EqualFold(m, name)
		}
		if !keep {
			continue
		}
		if lower := strings.ToLower(name); seen[lower] {
			return nil, errors.New("a name stands there twice")
		} else {
			seen[lower] = true
		}
		if len(seen) > 1000 {
			return nil, errors.New("it has too many members")
		}
		if f.raw[0] == '"' {
			if err := json.Unmarshal(f.raw, &f.text); err != nil {
				return nil, short(err)
			}
		}
		out[name] = f
	}
	if _, err := dec.Token(); err != nil {
		return nil, short(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows behind it")
	}
	return out, nil
}

// short is an error about JSON for the sender, who knows what was sent.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early")
	}
	return err
}
