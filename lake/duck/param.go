package duck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bound is a statement with the values of its parameters in their places. The
// engine's own parameters have no type before they have a value, and then
// columns have none; so values are written as constants. What comes of it is
// inspected as a whole: a value cannot become anything but a constant.
type bound struct {
	text  string
	edits []edit
}

// edit says that from an offset in the bound text on, offsets are longer by so
// many bytes than in the text that was typed.
type edit struct{ at, longer int }

// original is the offset in the text that was typed.
func (b *bound) original(offset int) int {
	by := 0
	for _, e := range b.edits {
		if offset < e.at {
			break
		}
		by = e.longer
	}
	return offset - by
}

// bind writes the values of $name into a statement.
func bind(text string, params map[string]any) (*bound, error) {
	b := &bound{}
	var out strings.Builder
	for i := 0; i < len(text); {
		n, blank := token(text[i:])
		name := text[i : i+n]
		if blank || n < 2 || name[0] != '$' || strings.HasSuffix(name, "$") {
			out.WriteString(name)
			i += n
			continue
		}
		v, ok := params[name[1:]]
		if !ok {
			line, col := place(text, i)
			return nil, &Error{Line: line, Col: col, Kind: KindSyntax, Message: "the parameter " + name + " has no value", Hint: "give it with --param " + name[1:] + "=…"}
		}
		c, err := constant(v)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		out.WriteString(c)
		i += n
		b.edits = append(b.edits, edit{at: out.Len(), longer: out.Len() - i})
	}
	b.text = out.String()
	if len(b.text) > maxText {
		return nil, &Error{Kind: KindRefused, Message: fmt.Sprintf("the statement with its parameters has %d bytes, the limit is %d", len(b.text), maxText)}
	}
	return b, nil
}

// Parameters are the names of $name in a statement, sorted.
func Parameters(text string) []string {
	var names []string
	for i := 0; i < len(text); {
		n, blank := token(text[i:])
		if name := text[i : i+n]; !blank && n > 1 && name[0] == '$' && !strings.HasSuffix(name, "$") && !slices.Contains(names, name[1:]) {
			names = append(names, name[1:])
		}
		i += n
	}
	slices.Sort(names)
	return names
}

func constant(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "NULL", nil
	case string:
		return literal(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return "(" + strconv.Itoa(v) + ")", nil
	case int64:
		return "(" + strconv.FormatInt(v, 10) + ")", nil
	case float64:
		return "(" + strconv.FormatFloat(v, 'g', -1, 64) + "::DOUBLE)", nil
	case time.Time:
		return "TIMESTAMP " + quote(v.UTC().Format("2006-01-02 15:04:05.999999")), nil
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = literal(s)
		}
		return "([" + strings.Join(quoted, ", ") + "]::VARCHAR[])", nil
	}
	return "", fmt.Errorf("a value of the type %T", v)
}

// literal writes any text as a constant. A statement can hold no NUL; what is no character of
// UTF-8 becomes U+FFFD, as in the columns of a lake.
func literal(s string) string {
	parts := strings.Split(strings.ToValidUTF8(s, "\ufffd"), "\x00")
	for i, p := range parts {
		parts[i] = quote(p)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " || chr(0) || ") + ")"
}
