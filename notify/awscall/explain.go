package awscall

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/yagura-sec/yagura/notify"
)

// ErrDenied is in every error that says that the identity may not do something.
var ErrDenied = errors.New("access denied")

// Patience is how long a missing permission is waited for: people have to give it.
const Patience = time.Minute

// Call is what was called.
type Call struct {
	Sink       string // begins the error: "securityhub hub"
	Permission string // IAM action
	Limit      string // what the service takes, for the hint of a throttled call
	Also       string // what else may be missing when access is denied
	Now        time.Time
}

var throttled = words("Throttling ThrottlingException ThrottledException TooManyRequestsException LimitExceededException " +
	"LimitExceeded RequestLimitExceeded SlowDown RequestThrottled RequestThrottledException")

var forbidden = words("AccessDenied AccessDeniedException InvalidAccess InvalidAccessException UnrecognizedClientException " +
	"InvalidClientTokenId SignatureDoesNotMatch InvalidSignatureException MissingAuthenticationTokenException " +
	"MissingAuthenticationToken IncompleteSignature SubscriptionRequiredException OptInRequired")

// passing are codes of what may be different the next time although the status is 400.
var passing = words("InternalFailure InternalException InternalServerException ServiceUnavailableException ServiceUnavailable " +
	"OperationAbortedException RequestTimeout RequestTimeoutException RequestExpired ConflictException")

func words(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// Throttled and Forbidden say of a code in an answer that it is about too many calls, or
// about a missing permission.
func Throttled(code string) bool { return throttled[code] }

// Forbidden says so of a missing permission.
func Forbidden(code string) bool { return forbidden[code] || strings.HasPrefix(code, "ExpiredToken") }

// Passing says that a code is about something that passes by itself.
func Passing(code string) bool { return passing[code] || throttled[code] }

// Explain says what an error of a call means. A refusal of what was sent (400 and the
// like) is Permanent.
func Explain(err error, c Call) *notify.Error {
	if e := (*notify.Error)(nil); errors.As(err, &e) {
		return e
	}
	code, message := Code(err)
	status, header := 0, http.Header(nil)
	if r := (*awshttp.ResponseError)(nil); errors.As(err, &r) {
		if status = r.HTTPStatusCode(); r.Response != nil {
			header = r.Response.Header
		}
	}
	e := &notify.Error{}
	say := func(format string, args ...any) *notify.Error {
		e.Err = fmt.Errorf("%s: %w", c.Sink, fmt.Errorf(format, args...))
		return e
	}
	reason := strings.Trim(code+": "+text(message), ": ")
	dial := (*net.OpError)(nil)
	switch {
	case throttled[code] || status == http.StatusTooManyRequests:
		e.NotSent, e.All, e.After = true, true, notify.RetryAfter(header, c.Now, 2*time.Second)
		return say("%s%s", reason, hint(c.Limit))
	case strings.HasPrefix(code, "ExpiredToken"):
		e.NotSent, e.All, e.After = true, true, Patience
		return say("%s: %w (hint: the credentials have expired)", reason, ErrDenied)
	case forbidden[code] || status == http.StatusForbidden || status == http.StatusUnauthorized:
		e.NotSent, e.All, e.After = true, true, Patience
		also := ""
		if c.Also != "" {
			also = ", and " + c.Also
		}
		return say("%s: %w (hint: the identity needs %s%s)", reason, ErrDenied, c.Permission, also)
	case status >= 500 || passing[code] || status == http.StatusRequestTimeout:
		e.After = notify.RetryAfter(header, c.Now, 0)
		return say("%s answered %d %s", c.Permission, status, reason)
	case status >= 400:
		e.Permanent, e.NotSent = true, true
		return say("%s", reason)
	case errors.As(err, &dial) && dial.Op == "dial":
		e.NotSent, e.All = true, true
		return say("%w", dial)
	case strings.Contains(err.Error(), "get identity: "): // the SDK has no type for it
		e.NotSent, e.All, e.After = true, true, Patience
		return say("%w (hint: run where a role is given, or set AWS_PROFILE)", short(err))
	}
	return say("%w", short(err))
}

func hint(s string) string {
	if s == "" {
		return ""
	}
	return " (hint: " + s + ")"
}

// Code returns what the service called the error and said of it.
func Code(err error) (code, message string) {
	if api := smithy.APIError(nil); errors.As(err, &api) {
		return api.ErrorCode(), api.ErrorMessage()
	}
	return "", ""
}

// text bounds what a service said and keeps it on one line.
func text(s string) string { return notify.Words(notify.English).Cut(notify.Line(notify.Mask(s)), 400) }

// short drops the SDK's preamble.
func short(err error) error {
	if op := (*smithy.OperationError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}
