package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// pick takes the value at a path (a.b.0) out of JSON. Its errors show the path alone.
func pick(text, path string) (string, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", errors.New("key is given, and the value is not JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("key is given, and the value is more than one JSON value")
	}
	// A name may have dots itself.
	if m, ok := v.(map[string]any); ok {
		if x, ok := m[path]; ok {
			return scalar(x, path)
		}
	}
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[name]
			if !ok {
				return "", fmt.Errorf("the JSON has no key %q", visible(path))
			}
			v = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(x) {
				return "", fmt.Errorf("the JSON has no key %q", visible(path))
			}
			v = x[i]
		default:
			return "", fmt.Errorf("the JSON has no key %q", visible(path))
		}
	}
	return scalar(v, path)
}

func scalar(v any, path string) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", fmt.Errorf("key %q is not a text, a number or a boolean", visible(path))
}
