package app

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/source"
)

// Problem is something that went wrong without ending the run. It reads as one line.
type Problem struct {
	Name string // the object
	Err  error
}

// Error returns the line, the name said once.
func (p *Problem) Error() string {
	var src *source.Error
	var rec *decode.RecordError
	if errors.As(p.Err, &src) || errors.As(p.Err, &rec) {
		return p.Err.Error()
	}
	err := p.Err
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Sprintf("%s: %v", p.Name, err)
}

// Unwrap returns the reason.
func (p *Problem) Unwrap() error { return p.Err }
