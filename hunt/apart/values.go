package apart

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// The kinds of a value. One byte says the kind, what follows is of it: a varint, eight bytes,
// or a length and so many bytes.
const (
	isNull = iota
	isFalse
	isTrue
	isInt    // varint
	isFloat  // 8 bytes
	isText   // length, bytes
	isNumber // length, bytes: a json.Number
	isTime   // varint of seconds, varint of nanoseconds: UTC
	isTexts  // count, then lengths and bytes
)

var errShort = errors.New("a value ends in its middle")

// appendValue writes a value of a row or of a parameter.
func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, isNull), nil
	case bool:
		if v {
			return append(b, isTrue), nil
		}
		return append(b, isFalse), nil
	case int:
		return binary.AppendVarint(append(b, isInt), int64(v)), nil
	case int64:
		return binary.AppendVarint(append(b, isInt), v), nil
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, isFloat), math.Float64bits(v)), nil
	case string:
		return appendText(append(b, isText), v), nil
	case json.Number:
		return appendText(append(b, isNumber), string(v)), nil
	case time.Time:
		b = binary.AppendVarint(append(b, isTime), v.Unix())
		return binary.AppendVarint(b, int64(v.Nanosecond())), nil
	case []string:
		b = binary.AppendUvarint(append(b, isTexts), uint64(len(v)))
		for _, s := range v {
			b = appendText(b, s)
		}
		return b, nil
	}
	return b, fmt.Errorf("a value of the type %T", v)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// readValue reads what appendValue wrote, and returns what follows it.
func readValue(b []byte) (v any, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errShort
	}
	kind, b := b[0], b[1:]
	switch kind {
	case isNull:
		return nil, b, nil
	case isFalse, isTrue:
		return kind == isTrue, b, nil
	case isInt:
		return readInt(b)
	case isFloat:
		if len(b) < 8 {
			return nil, nil, errShort
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), b[8:], nil
	case isText:
		return readText(b)
	case isNumber:
		s, b, err := readText(b)
		return json.Number(s), b, err
	case isTime:
		seconds, b, err := readInt(b)
		if err != nil {
			return nil, nil, err
		}
		nanos, b, err := readInt(b)
		return time.Unix(seconds, nanos).UTC(), b, err
	case isTexts:
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)) {
			return nil, nil, errShort
		}
		b = b[size:]
		list := make([]string, n)
		for i := range list {
			if list[i], b, err = readText(b); err != nil {
				return nil, nil, err
			}
		}
		return list, b, nil
	}
	return nil, nil, fmt.Errorf("a value of the kind %d", kind)
}

func readInt(b []byte) (int64, []byte, error) {
	n, size := binary.Varint(b)
	if size <= 0 {
		return 0, nil, errShort
	}
	return n, b[size:], nil
}

func readText(b []byte) (string, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, errShort
	}
	return string(b[size : size+int(n)]), b[size+int(n):], nil
}
