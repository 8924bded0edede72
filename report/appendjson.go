package report

import (
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// A scan may find something in most of its events, so findings are written by hand:
// the bytes are those of encoding/json without HTML escapes (a test compares), in a
// fraction of its time.

func appendFinding(b []byte, f *yagura.Finding) ([]byte, error) {
	b = append(b, `{"v":`...)
	b = appendInt(b, int64(f.V))
	b = appendKey(b, `,"id":`, f.ID)
	b = appendKey(b, `,"cause_key":`, f.CauseKey)
	b = appendKey(b, `,"kind":`, string(f.Kind))
	b = appendKey(b, `,"rule":{"id":`, f.Rule.ID)
	b = appendKey(b, `,"title":`, f.Rule.Title)
	b = appendKey(b, `,"engine":`, string(f.Rule.Engine))
	b = appendKey(b, `,"file":`, f.Rule.File)
	b = append(b, `,"tags":`...)
	b = appendStrings(b, f.Rule.Tags)
	severity, err := f.Severity.MarshalText()
	if err != nil {
		return nil, err
	}
	b = append(b, `},"severity":"`...)
	b = append(append(b, severity...), '"')
	b = appendKey(b, `,"severity_original":`, f.SeverityOriginal)
	b = appendKey(b, `,"format":`, f.Format)
	b = appendKey(b, `,"source":`, f.Source)
	if b, err = appendTime(append(b, `,"time":`...), f.Time); err != nil {
		return nil, err
	}
	e := &f.Event
	b = appendKey(b, `,"event":{"id":`, e.ID)
	b = append(b, `,"key":"`...)
	b = append(appendHex(b, e.Key[:]), '"')
	if b, err = appendTime(append(b, `,"time":`...), e.Time); err != nil {
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
	if len(f.Caps) > 0 {
		b = appendStrings(append(b, `,"caps":`...), f.Caps)
	}
	return append(b, '}'), nil
}

func appendActor(b []byte, a *yagura.Actor) []byte {
	b = append(b, '{')
	sep := ""
	for _, p := range [...]struct{ key, value string }{{`"type":`, a.Type}, {`"id":`, a.ID}, {`"name":`, a.Name}, {`"session_of":`, a.SessionOf}} {
		if p.value != "" {
			b = appendKey(append(b, sep...), p.key, p.value)
			sep = ","
		}
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
	for i := 0; i < len(s); {
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
	}
	return append(append(b, s[start:]...), '"')
}
