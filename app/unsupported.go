package app

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/yagura-sec/yagura/decode"
)

// unsupported is a file that is neither JSON nor text of a form that is known, or a rule.
type unsupported struct {
	file string
	rule bool
}

// Error says what is not read, and for a rule where it belongs.
func (u *unsupported) Error() string {
	if u.rule {
		return u.file + ": a rule, not a log (hint: give it with --rules)"
	}
	return u.file + ": not JSON, and no text log that is known"
}

type moreUnsupported int

// Error counts what was not said one by one.
func (n moreUnsupported) Error() string {
	if n == 1 {
		return "1 more file is neither JSON nor a known text log"
	}
	return fmt.Sprintf("%d more files are neither JSON nor a known text log", int(n))
}

// sieve tells files that plainly are no logs we know from logs with broken records.
// It holds the first broken record of a file back until it is known whether anything
// else comes of that file.
type sieve struct{ held *decode.RecordError }

// holds takes a broken record that may mean that the whole file is something else.
func (s *sieve) holds(bad *decode.RecordError) bool {
	if s.held != nil || bad.Num != 1 || !plainText(bad.Bytes) {
		return false
	}
	s.held = bad
	return true
}

// settle ends the waiting: file is where the next record, or broken one, is from, ""
// at the end. One of the results is nil, or both when nothing was held.
func (s *sieve) settle(file string) (*decode.RecordError, *unsupported) {
	bad := s.held
	s.held = nil
	switch {
	case bad == nil:
		return nil, nil
	case bad.File == file:
		return bad, nil
	}
	look := byLook(bad.Bytes)
	return nil, &unsupported{bad.File, look == contentSigma || look == contentFalco || look == contentOverlay}
}

// jsonTrace finds what only JSON, or a piece of it, has in one line: a key or an object.
var jsonTrace = regexp.MustCompile(`"\s*:|\{\s*"`)

// plainText says of the start of a file whose first record could not be read that it
// is nothing like JSON: its first line starts otherwise and has no trace of it. A
// JSON log that was cut or overwritten at its start has one.
func plainText(start []byte) bool {
	start = bytes.TrimLeft(start, " \t\r\n\ufeff")
	line, _, _ := bytes.Cut(start, []byte("\n"))
	return len(line) > 0 && bytes.IndexByte([]byte("{}[],:"), line[0]) < 0 && !jsonTrace.Match(line)
}
