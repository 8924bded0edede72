package app

import (
	"errors"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/source"
)

// Summary is what a run did, for people and for the exit code.
type Summary struct {
	Objects    int // that were opened
	Unreadable int // objects or folders that could not be read, or not to their end
	// Absent counts those of them that were asked for by their own path: all that should have
	// come from there is missing.
	Absent int
	// Unsupported counts files that are neither JSON nor a known text log, inside archives too.
	Unsupported int
	BytesRead   int64 // as stored
	BytesLogs   int64 // after unpacking
	Events      uint64
	Formats     map[string]uint64
	Repeats     uint64 // events that were dropped
	Conflicts   uint64 // events whose id was there before with other content
	Forgotten   uint64 // keys that the repeat window could not hold
	TooOld      uint64 // events before --since
	Broken      uint64 // records that could not be decoded
	Findings    map[yagura.Severity]uint64
	Hidden      uint64          // findings below the least severity that is shown
	Worst       yagura.Severity // of the findings that are notified, hidden ones too, for --fail-on; 0 when there is none
	// Windows counts what correlations were given and what they left out.
	Windows     detect.Stats
	Elapsed     time.Duration
	Interrupted bool
}

// NothingRead says that there was nothing to judge: no object, or none that could be
// read, or not one byte in them. A log that says that nothing happened, such as
// {"Records":[]}, is something.
func (s *Summary) NothingRead() bool {
	return s.Objects == 0 || s.BytesRead == 0 || s.Events == 0 && s.Unreadable+s.Unsupported+int(s.Broken) > 0
}

// unreadable counts an object or folder that could not be read.
func (s *Summary) unreadable(err error) {
	s.Unreadable++
	if e := (*source.Error)(nil); errors.As(err, &e) && e.Asked {
		s.Absent++
	}
}
