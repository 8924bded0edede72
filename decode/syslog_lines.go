package decode

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/slot"
)

// Syslog lines of RFC 5424 and RFC 3164, as senders and files write them, and CEF and LEEF,
// alone or as the message of one. A message that is JSON is the record itself.

// syslogLines reads lines of any of them.
type syslogLines struct {
	oneLine
	// around is when the text was written, for times without a year; 0 when nobody knows.
	around int64
}

// startEvent takes a line with an event in CEF or LEEF.
func startEvent(l firstLine) lineReader {
	if _, at := eventAt(l.line); at < 0 {
		return nil
	}
	return &syslogLines{around: l.around}
}

// eventAt returns where an event in CEF or LEEF starts in a line, and the header of syslog before
// it; negative when there is none. Nothing else may stand before it: a message that only
// quotes what somebody sent is no event.
func eventAt(line []byte) (h sysHeader, at int) {
	at = markAt(line, []byte("CEF:"), 5)
	if leef := markAt(line, []byte("LEEF:"), 4); leef >= 0 && (at < 0 || leef < at) {
		at = leef
	}
	if at <= 0 || len(bytes.Trim(line[:at], "\ufeff ")) == 0 {
		return h, at
	}
	h, ok := syslogHeader(line[:at])
	if !ok || len(bytes.TrimSpace(h.message)) > 0 {
		return sysHeader{}, -1
	}
	return h, at
}

// startSyslog takes a line that starts as syslog does: with a priority, or with a time, a host
// and the name of a program.
func startSyslog(l firstLine) lineReader {
	h, ok := syslogHeader(l.line)
	if !ok || len(h.priority) == 0 && len(h.program) == 0 {
		return nil
	}
	return &syslogLines{around: l.around}
}

// sysHeader is what stands before the message of a line.
type sysHeader struct {
	priority, version, time, host, program, process, id []byte
	data                                                []byte // structured data, as it is written
	message                                             []byte
}

// syslogHeader reads a line up to its message.
func syslogHeader(line []byte) (h sysHeader, ok bool) {
	rest := line
	if i := bytes.IndexByte(rest, ' '); i > 0 && i < 7 && len(rest) > i+1 && rest[i+1] == '<' {
		if _, count := digits(rest, i); count {
			rest = rest[i+1:] // the length of the message, which RFC 6587 puts before it
		}
	}
	if len(rest) > 2 && rest[0] == '<' {
		end := bytes.IndexByte(rest[:min(len(rest), 5)], '>')
		if end < 2 {
			return h, false
		}
		n, ok := digits(rest[1:], end-1)
		if !ok || n > 191 {
			return h, false
		}
		h.priority, rest = rest[1:end], rest[end+1:]
	}
	if len(h.priority) > 0 && len(rest) > 2 && rest[0] >= '1' && rest[0] <= '9' && rest[1] == ' ' {
		if full, ok := h.rfc5424(rest); ok {
			return full, true
		}
	}
	if n := stampLength(rest); n > 0 {
		if h.time = rest[:n]; len(h.priority) == 0 && h.time[0] <= '9' && h.time[10] == ' ' {
			return h, false // the time of any log
		}
		rest = bytes.TrimLeft(rest[n:], " ")
		rest = bytes.TrimPrefix(rest, []byte(": "))
		if host, after, found := bytes.Cut(rest, []byte{' '}); found && !bytes.HasSuffix(host, []byte{':'}) && !isLevel(host) {
			h.host, rest = host, after
		} else if len(h.priority) == 0 && len(rest) > 0 {
			return h, false
		}
	} else if len(h.priority) == 0 {
		return h, false
	}
	h.program, h.process, h.message = programOf(rest)
	return h, true
}

// rfc5424 reads what follows the priority: version, time, host, program, process, id of the
// message and structured data.
func (h sysHeader) rfc5424(rest []byte) (sysHeader, bool) {
	f := bytes.SplitN(rest, []byte{' '}, 7)
	if len(f) < 7 || stampLength(f[1]) != len(f[1]) && string(f[1]) != "-" {
		return h, false
	}
	h.version, h.time, h.host, h.program, h.process, h.id, rest = f[0], f[1], f[2], f[3], f[4], f[5], f[6]
	n := structuredEnd(rest)
	if n < 0 {
		return h, false
	}
	h.data = rest[:n]
	h.message = bytes.TrimPrefix(bytes.TrimPrefix(rest[n:], []byte{' '}), utf8BOM)
	return h, true
}

// structuredEnd returns where the structured data at the start of text ends, negative when
// there is none.
func structuredEnd(text []byte) int {
	if len(text) > 0 && text[0] == '-' {
		return 1
	}
	i := 0
	for i < len(text) && text[i] == '[' {
		quoted := false
		for i++; i < len(text) && (quoted || text[i] != ']'); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				quoted = !quoted
			}
		}
		if i >= len(text) {
			return -1
		}
		i++
	}
	if i == 0 {
		return -1
	}
	return i
}

// stampLength returns how long the time at the start of text is: "Mar  5 10:00:00", the
// same with a year or a fraction, or RFC 3339; 0 when there is none.
func stampLength(text []byte) int {
	if len(text) > 19 && text[4] == '-' && (text[10] == 'T' || text[10] == ' ') {
		n := bytes.IndexByte(text[19:], ' ')
		if n < 0 {
			n = len(text) - 19
		}
		if _, ok := parseRFC3339(text[:19+n]); ok && n > 0 {
			return 19 + n
		}
	}
	if len(text) == 19 {
		if _, ok := parseRFC3339(text); ok {
			return 19
		}
	}
	for _, n := range [...]int{15, 20, 19, 24} { // without and with a year, milliseconds
		if len(text) >= n && monthOf(text[:3]) > 0 && (len(text) == n || text[n] == ' ' || text[n] == ':') {
			if _, ok := parseMonthFirst(text[:n], 2000); ok {
				return n
			}
		}
	}
	return 0
}

// isLevel says whether text is the level of a log line, which stands where syslog has its host.
func isLevel(text []byte) bool {
	return isAny(bytes.Trim(text, "[]|"), "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "CRITICAL", "FATAL", "PANIC", "SEVERE", "VERBOSE")
}

// programOf cuts "name[process]: " off a message.
func programOf(text []byte) (program, process, message []byte) {
	colon := bytes.IndexByte(text, ':')
	if colon <= 0 || colon > 64 || colon+1 < len(text) && text[colon+1] != ' ' && text[colon+1] != '{' {
		return nil, nil, text
	}
	name := text[:colon]
	if bytes.IndexByte(name, ' ') >= 0 {
		return nil, nil, text
	}
	if open := bytes.IndexByte(name, '['); open > 0 && name[len(name)-1] == ']' {
		name, process = name[:open], name[open+1:len(name)-1]
	}
	return name, process, bytes.TrimPrefix(text[colon+1:], []byte{' '})
}

func (s *syslogLines) read(dst, line []byte) ([]byte, error) {
	if h, at := eventAt(line); at >= 0 {
		return s.event(dst, h, line[at:])
	}
	h, ok := syslogHeader(line)
	if !ok {
		return dst, errors.New("a line is not syslog")
	}
	if body := jsonBody(h.message); body != nil {
		return append(dst, body...), nil
	}
	dst = appendPriority(dst, h.priority)
	dst = appendMember(dst, "version", h.version)
	dst = s.appendStamp(dst, "timestamp", "year", h.time)
	dst = appendMember(dst, "hostname", h.host)
	dst = appendMember(dst, "appname", h.program)
	dst = appendMember(dst, "procid", h.process)
	dst = appendMember(dst, "msgid", h.id)
	dst = appendStructured(dst, h.data)
	dst = appendMember(dst, "message", h.message)
	return closeObject(dst), nil
}

// event reads a CEF or LEEF event, and notes the header before it.
func (s *syslogLines) event(dst []byte, h sysHeader, event []byte) ([]byte, error) {
	start := len(dst)
	read := appendCEF
	if event[0] == 'L' {
		read = appendLEEF
	}
	dst, ok := read(dst, event)
	if !ok {
		return dst[:start], errors.New("an event has fewer fields between its bars than its form asks for")
	}
	dst = s.appendStamp(dst, "syslog_timestamp", "syslog_year", h.time)
	dst = appendMember(dst, "syslog_hostname", h.host)
	dst = appendMember(dst, "syslog_priority", h.priority)
	return closeObject(dst), nil
}

// jsonBody returns the JSON object or list that a message is, also behind the mark of CEE.
func jsonBody(message []byte) []byte {
	body := bytes.TrimSpace(message)
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("@cee:")))
	if len(body) > 1 && (body[0] == '{' || body[0] == '[') && slot.Valid(body) {
		return body
	}
	return nil
}

// appendPriority appends a priority and the two that it is made of.
func appendPriority(dst, priority []byte) []byte {
	n, ok := digits(priority, len(priority))
	if !ok || len(priority) == 0 {
		return dst
	}
	dst = appendMember(dst, "pri", priority)
	dst = appendMember(dst, "facility", []byte(syslogFacilities[min(n/8, len(syslogFacilities)-1)]))
	return appendMember(dst, "severity", []byte(syslogSeverities[n%8]))
}

var (
	syslogFacilities = strings.Fields("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock " +
		"local0 local1 local2 local3 local4 local5 local6 local7")
	syslogSeverities = strings.Fields("emerg alert crit err warning notice info debug")
)

// appendStamp appends a time, and beside one without a year the year in which it is nearest
// to when the text was written, so that the object alone says when it was.
func (s *syslogLines) appendStamp(dst []byte, name, yearName string, stamp []byte) []byte {
	dst = appendMember(dst, name, stamp)
	if s.around == 0 || len(stamp) < 15 || monthOf(stamp[:3]) == 0 || nanos(stamp) != 0 {
		return dst
	}
	year := timeOf(s.around).Year()
	best, least := 0, int64(0)
	for y := year - 1; y <= year+1; y++ {
		ns, ok := parseMonthFirst(stamp, y)
		if !ok {
			continue
		}
		away := s.around - ns
		if away < -2*86400e9 {
			continue // it cannot be after the text was written
		}
		if away = max(away, -away); best == 0 || away < least {
			best, least = y, away
		}
	}
	if best == 0 {
		return dst
	}
	return appendMember(dst, yearName, []byte(strconv.Itoa(best)))
}

// maxElements bounds the elements of structured data that are read.
const maxElements = 64

// appendStructured appends structured data as an object of objects.
func appendStructured(dst, data []byte) []byte {
	if len(data) < 3 || data[0] != '[' {
		return dst
	}
	var all []byte
	var seen []string
	for n := 0; n < maxElements && len(data) > 1 && data[0] == '['; n++ {
		end := nextElement(data)
		if end < 0 {
			break
		}
		id, rest, _ := bytes.Cut(data[1:end-1], []byte{' '})
		data = data[end:]
		var params []byte
		for range maxPairs {
			name, value, ok := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(`="`))
			if !ok {
				break
			}
			i := 0
			for i < len(value) && value[i] != '"' {
				if value[i] == '\\' {
					i++
				}
				i++
			}
			i = min(i, len(value))
			params = appendMember(params, string(name), unescapeBars(value[:i], `"\]`))
			rest = value[min(i+1, len(value)):]
		}
		if name := string(id); name != "" && !slices.Contains(seen, name) {
			seen = append(seen, name)
			all = append(appendName(all, name), closeObject(params)...)
		}
	}
	if len(all) == 0 {
		return dst
	}
	return append(appendName(dst, "structured_data"), closeObject(all)...)
}

// nextElement returns where the first element of structured data ends.
func nextElement(data []byte) int {
	quoted := false
	for i := 1; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return i + 1
		}
	}
	return -1
}

// unescapeBars takes the backslash away before each of the characters.
func unescapeBars(text []byte, chars string) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte(chars, text[i+1]) >= 0 {
			i++
		}
		out = append(out, text[i])
	}
	return out
}
