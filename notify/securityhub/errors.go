package securityhub

import (
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/awscall"
)

func denied(err error) bool { return errors.Is(err, awscall.ErrDenied) }

// explain makes of an error of the SDK what it means for the next attempt.
func (s *Sink) explain(permission string, err error) *notify.Error {
	return awscall.Explain(err, awscall.Call{Sink: "securityhub " + s.o.Name, Permission: permission, Now: s.o.Now(),
		Limit: "Security Hub takes 10 calls a second per account and region", Also: "Security Hub must be on in this account and region"})
}

// refused makes of a finding that was not taken what it means for the next attempt.
func (s *Sink) refused(code, message string) *notify.Error {
	err := fmt.Errorf("securityhub %s: the finding was refused: %s: %s", s.o.Name, cut(shown(code), 100), cut(shown(message), 500))
	switch {
	case awscall.Throttled(code):
		return &notify.Error{NotSent: true, All: true, After: 2 * time.Second, Err: err}
	case awscall.Forbidden(code):
		return &notify.Error{NotSent: true, All: true, After: awscall.Patience,
			Err: fmt.Errorf("%w: %w (hint: AwsAccountId must be the account of the credentials, and Security Hub must be on there)", err, awscall.ErrDenied)}
	case code == "InvalidInput" || code == "InvalidInputException" || code == "ValidationException":
		return &notify.Error{Permanent: true, NotSent: true, Err: err}
	}
	return &notify.Error{NotSent: true, Err: err}
}
