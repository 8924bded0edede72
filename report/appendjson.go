package report

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// A scan may find something in most of its events, so findings are written by hand:
// the bytes are those of encoding/json without HTML escapes (a test compares), in a
// fraction of its time.

func (c ruleTexts) appendFinding(b []byte, f *yagura.Finding) ([]byte, error) {
	b = append(b, `{"v":`...)
	b = appendInt(b, int64(f.V))
	b = appendKey(b, `,"id":`, f.ID)
	b = appendKey(b, `,"cause_key":`, f.CauseKey)
	text, err := c.text(f)
	if err != nil {
		return nil, err
	}
	b = append(b, text...)
	at := len(b)
	if b, err = appendTime(append(b, `,"time":`...), f.Time); err != nil {
		return nil, err
	}
	end := len(b)
	e := &f.Event
	b = appendKey(b, `,"event":{"id":`, e.ID)
	b = append(b, `,"key":"`...)
	b = append(appendHex(b, e.Key[:]), '"')
	if e.Time == f.Time { //nolint:staticcheck // the same zone too, so that the text is the same
		b = append(b, b[at:end]...)
	} else if b, err = appendTime(append(b, `,"time":`...), e.Time); err != nil {
		return nil, err
	}
	b = appendKey(b, `,"account":`, e.Account)
	b = appendKey(b, `,"region":`, e.Region)
	b = appendKey(b, `,"action":`, e.Action)
	b = appendActor(append(b, `,"actor":`...), &e.Actor)
	b = appendKey(b, `,"src_ip":`, e.SrcIP)
	b = appendKey(b, `,"outcome":`, e.Outcome)
	b = append(b, `},"events":`...)
	b = appendStrings(b, f.Events)
	b = appendEntities(append(b, `,"entities":`...), f.Entities)
	b = append(b, `,"why":[`...)
	for i := range f.Why {
		y := &f.Why[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendKey(b, `{"field":`, y.Field)
		b = appendKey(b, `,"op":`, y.Op)
		b = appendKey(b, `,"value":`, y.Value)
		b = append(appendKey(b, `,"actual":`, y.Actual), '}')
	}
	b = appendKey(b, `],"output":`, f.Output)
	if f.Mode != "" {
		b = appendKey(b, `,"mode":`, f.Mode)
	}
	if f.Retro {
		b = append(b, `,"retro":true`...)
	}
	if len(f.Caps) > 0 {
		b = appendStrings(append(b, `,"caps":`...), f.Caps)
	}
	return append(b, '}'), nil
}

// ruleTexts holds, by the id of a rule, the part of a finding's line that is the same
// for every finding of the rule, as long as it is.
type ruleTexts map[string]*ruleText

type ruleText struct {
	of   yagura.Finding // the fields that the text is made of
	text []byte
}

// text returns the part of f's line from kind to source.
func (c ruleTexts) text(f *yagura.Finding) ([]byte, error) {
	if t := c[f.Rule.ID]; t != nil && t.of.Kind == f.Kind && t.of.Severity == f.Severity && t.of.SeverityOriginal == f.SeverityOriginal &&
		t.of.Format == f.Format && t.of.Source == f.Source && t.of.Rule.Title == f.Rule.Title && t.of.Rule.Engine == f.Rule.Engine &&
		t.of.Rule.File == f.Rule.File && slices.Equal(t.of.Rule.Tags, f.Rule.Tags) {
		return t.text, nil
	}
	severity, err := f.Severity.MarshalText()
	if err != nil {
		return nil, err
	}
	b := appendKey(nil, `,"kind":`, string(f.Kind))
	b = appendKey(b, `,"rule":{"id":`, f.Rule.ID)
	b = appendKey(b, `,"title":`, f.Rule.Title)
	b = appendKey(b, `,"engine":`, string(f.Rule.Engine))
	b = appendKey(b, `,"file":`, f.Rule.File)
	b = appendStrings(append(b, `,"tags":`...), f.Rule.Tags)
	b = append(b, `},"severity":"`...)
	b = append(append(b, severity...), '"')
	b = appendKey(b, `,"severity_original":`, f.SeverityOriginal)
	b = appendKey(b, `,"format":`, f.Format)
	b = appendKey(b, `,"source":`, f.Source)
	c[f.Rule.ID] = &ruleText{yagura.Finding{Kind: f.Kind, Rule: f.Rule, Severity: f.Severity,
		SeverityOriginal: f.SeverityOriginal, Format: f.Format, Source: f.Source}, b}
	return b, nil
}

func appendActor(b []byte, a *yagura.Actor) []byte {
	b = append(b, '{')
	start := len(b)
	for _, p := range [...]struct{ key, value string }{{`,"type":`, a.Type}, {`,"id":`, a.ID}, {`,"name":`, a.Name}, {`,"session_of":`, a.SessionOf}} {
		if p.value == "" {
			continue
		}
		key := p.key
		if len(b) == start {
			key = key[1:]
		}
		b = appendKey(b, key, p.value)
	}
	return append(b, '}')
}

func appendEntities(b []byte, list []yagura.Entity) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendKey(b, `{"type":`, list[i].Type)
		b = append(appendKey(b, `,"id":`, list[i].ID), '}')
	}
	return append(b, ']')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

func appendKey(b []byte, key, value string) []byte { return appendString(append(b, key...), value) }

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendInt(append(b, '-'), -n)
	}
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

func appendTime(b []byte, t time.Time) ([]byte, error) {
	b = append(b, '"')
	b, err := t.AppendText(b)
	return append(b, '"'), err
}

const hexDigits = "0123456789abcdef"

func appendHex(b, data []byte) []byte {
	for _, c := range data {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// appendString writes a JSON string as encoding/json does: controls and the line
// separators U+2028 and U+2029 are escaped, bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := plain(s); i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				b = append(append(b, s[start:i]...), `\ufffd`...)
			case r == '\u2028' || r == '\u2029':
				b = append(append(b, s[start:i]...), `\u202`...)
				b = append(b, hexDigits[r&15])
			default:
				i += n
				continue
			}
			i += n
			start = i
			i += plain(s[i:])
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
		i += plain(s[i:])
	}
	return append(append(b, s[start:]...), '"')
}

// plain returns how many bytes at the start of s stand for themselves in JSON, eight
// at a time: it may be up to seven fewer than there are.
func plain(s string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		p := s[i : i+8]
		x := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		// A byte of the sum has its high bit where it was not ASCII, below 0x20, a quote
		// or a backslash; a borrow from a neighbour can only add to what is found.
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		if (x|(x-ones*0x20)|(quote-ones)|(slash-ones))&high != 0 {
			return i
		}
	}
	return i
}
