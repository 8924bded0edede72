package decode

import "bytes"

// stampedLines reads lines that a collector put a time before: what CloudWatch Logs exports to S3
// ("2024-03-05T10:00:00.000Z record"), and the log files of containers, which also say the
// stream ("… stdout F record"). The record is JSON, or a line of another form.
type stampedLines struct {
	oneLine
	inner lineReader // nil while all were JSON
}

// startStamped takes a line whose record is known.
func startStamped(l firstLine) lineReader {
	record, ok := behindStamp(l.line)
	if !ok {
		return nil
	}
	if jsonBody(record) != nil {
		return &stampedLines{}
	}
	l.line, l.top, l.next = record, false, func() []byte { return nil }
	if inner := startLines(l, true); inner != nil {
		return &stampedLines{inner: inner}
	}
	return nil
}

// behindStamp returns what follows the time at the start of a line, and the marks of a container's
// log.
func behindStamp(line []byte) (record []byte, ok bool) {
	if len(line) == 0 || line[0] < '0' || line[0] > '9' {
		return nil, false
	}
	n := stampLength(line)
	if n == 0 || n >= len(line) || line[10] != 'T' {
		return nil, false
	}
	rest := line[n+1:]
	for _, stream := range [...]string{"stdout F ", "stderr F "} {
		if after, found := bytes.CutPrefix(rest, []byte(stream)); found {
			return after, true
		}
	}
	// A time before a time is not of a collector: forms that start with one are asked themselves.
	return rest, len(rest) > 0 && stampLength(rest) == 0
}

func (s *stampedLines) read(dst, line []byte) ([]byte, error) {
	record, ok := behindStamp(line)
	if !ok {
		return dst, errNoStamp
	}
	if body := jsonBody(record); body != nil {
		return append(dst, body...), nil
	}
	if s.inner == nil {
		if s.inner = startLines(firstLine{line: record, next: func() []byte { return nil }}, true); s.inner == nil {
			return dst, errNoStamp
		}
	}
	return s.inner.read(dst, record)
}
