package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/ocsf"
)

// EventFormats lists the formats of events.
func EventFormats() []string { return []string{"jsonl", "ocsf"} }

// NewEvents returns the writer of events in a format.
func NewEvents(format string, w io.Writer, o Options) (EventWriter, error) {
	switch format {
	case "", "jsonl":
		return &eventLines{newLines(w)}, nil
	case "ocsf":
		return &ocsfEvents{lines: newLines(w), mapper: ocsf.New(ocsf.Options{Version: o.Version, Account: o.Account})}, nil
	}
	return nil, fmt.Errorf("format %q: want one of %s", format, strings.Join(EventFormats(), ", "))
}

type ocsfEvents struct {
	lines
	mapper *ocsf.Mapper
	buf    []byte
}

// Write writes the event in the class that the schema has for it.
func (o *ocsfEvents) Write(e *yagura.Event) error {
	b, err := o.mapper.Append(o.buf[:0], e)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if cap(b) <= 1<<20 { // one huge record does not stay
		o.buf = b
	}
	_, err = o.out.Write(b)
	return err
}
