package triage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"github.com/yagura-sec/yagura"
)

// Bounds of a record that conditions may look into.
const (
	maxEvent      = 1 << 20
	maxEventDepth = 200
)

// activation answers the names of a condition from a case.
type activation struct {
	c     *Case
	event any // decoded when the first condition asks
	issue *yagura.Issue
	usual *usual
}

func newActivation(c *Case) *activation {
	a := &activation{c: c, issue: c.Issue, usual: newUsual(c.Finding.Usual)}
	if a.issue == nil {
		a.issue = &yagura.Issue{}
	}
	return a
}

// variables are the names that conditions are over.
var variableNames = []string{"finding", "event", "entities", "account", "issue", "severity", "now", "intel", "usual"}

var nothing = map[string]any{}

// ResolveName returns the value of a name.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "finding":
		return a.c.Finding, true
	case "entities":
		return a.c.Finding.Entities, true
	case "account":
		return &a.c.Account, true
	case "issue":
		return a.issue, true
	case "severity":
		return level(a.c.Severity), true
	case "now":
		return a.c.Now, true
	case "intel":
		return nothing, true
	case "usual":
		return a.usual, true
	case "event":
		if a.event == nil {
			if m, err := decodeEvent(a.c.Event); err != nil {
				a.event = types.WrapErr(err)
			} else {
				a.event = m
			}
		}
		return a.event, true
	}
	return nil, false
}

// Parent returns none.
func (a *activation) Parent() interpreter.Activation { return nil }

// decodeEvent reads a record. Members that are null count as absent, of two members with
// one name the last counts, and numbers that are whole and fit are whole numbers.
func decodeEvent(data []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nothing, nil
	}
	if len(data) > maxEvent {
		return nil, fmt.Errorf("the event has %d bytes, more than the %d that conditions look into", len(data), maxEvent)
	}
	if depth(data) > maxEventDepth {
		return nil, fmt.Errorf("the event is nested deeper than %d", maxEventDepth)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("the event is no JSON object: %w", plainJSON(err))
	}
	if m == nil {
		return nothing, nil
	}
	settle(m)
	return m, nil
}

// plainJSON takes texts of the record out of an error.
func plainJSON(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("syntax at byte %d", syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	return errors.New("it is a list, a text or a number")
}

// depth is how deep brackets are nested outside of texts.
func depth(data []byte) int {
	deep, most, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			deep++
			most = max(most, deep)
		case c == '}', c == ']':
			deep--
		}
	}
	return most
}

// settle drops what is null and makes numbers of numbers, in place.
func settle(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == nil {
				delete(v, k)
				continue
			}
			v[k] = settle(x)
		}
	case []any:
		for i, x := range v {
			v[i] = settle(x)
		}
	case json.Number:
		return number(v)
	}
	return v
}

// number reads a number: whole where it is and fits, else with a fraction; one that is
// beyond both is kept as it is written, as text.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil && !math.IsInf(f, 0) {
		return f
	}
	return n.String()
}
