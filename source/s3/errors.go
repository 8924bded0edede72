package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/yagura-sec/yagura/source"
)

// explain makes an error of the SDK one that a person can act on.
func explain(name string, err error) error {
	if e := (*source.Error)(nil); errors.As(err, &e) {
		return err
	}
	e := &source.Error{Name: name, Err: short(err)}
	defer func() { e.Err = &said{e.Err, err} }()
	code := ""
	if api := smithy.APIError(nil); errors.As(err, &api) {
		code = api.ErrorCode()
	}
	slow, dial := net.Error(nil), (*net.OpError)(nil)
	none, role := (*credentialsError)(nil), (*roleError)(nil)
	switch {
	case errors.As(err, &role):
		e.Err = role
		e.Hint = "allow sts:AssumeRole on the role to the identity that this runs as, name that identity in the role's trust policy, and give the external id that it asks for"
	case errors.As(err, &none):
		e.Err = none
		e.Hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given"
	case code == "NoSuchBucket" || code == "NotFound":
		e.Err, e.Hint = errors.New("there is no such bucket"), "check its name, and the endpoint where it is not AWS's"
	case code == "NoSuchKey" || code == "NoSuchVersion":
		e.Err = goneError("the object is gone since it was listed")
	case code == "PreconditionFailed" || status(err) == 412 || errors.Is(err, errReplaced):
		e.Err, e.Hint = errReplaced, "scan again"
	case errors.As(err, &slow) && slow.Timeout():
		e.Err = errStalled
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Err, e.Hint = dial, "check the network, and the endpoint where it is not AWS's"
	case code == "InvalidRange" || status(err) == 416:
		e.Err = errors.New("the object ends before the length that the list says")
	case code == "InvalidObjectState":
		e.Err, e.Hint = errors.New("the object is archived"), "its storage class keeps it from being read at once: restore it from Glacier first"
	case code == "ExpiredToken" || code == "ExpiredTokenException":
		e.Err, e.Hint = errors.New("the credentials have expired"), "log in again"
	case code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch":
		e.Hint = "the credentials are not accepted here"
	case code == "AccessDenied" || code == "Forbidden" || status(err) == 403:
		e.Err = errors.New("access denied")
		e.Hint = "the identity needs s3:ListBucket on the bucket and s3:GetObject on the objects, and kms:Decrypt where they are encrypted by a key of yours; without s3:ListBucket an object that is gone is answered so, too"
	}
	return e
}

// said is an error in our words that still holds what it was made of.
type said struct{ text, cause error }

// Error returns our words.
func (s *said) Error() string { return s.text.Error() }

// Unwrap returns both.
func (s *said) Unwrap() []error { return []error{s.text, s.cause} }

// credentialsError is why there are no credentials. The SDK has no type for it.
type credentialsError struct{ err error }

// Error leaves out what every such error begins with, and all of it where the last place
// to ask, the machine that this runs on, gives no role: that is seldom where they should
// come from.
func (c *credentialsError) Error() string {
	if strings.Contains(c.err.Error(), "no EC2 IMDS role found") {
		return "there are no credentials for AWS"
	}
	return "there are no credentials for AWS: " + strings.TrimPrefix(c.err.Error(), "failed to refresh cached credentials, ")
}

// Unwrap returns what the SDK says.
func (c *credentialsError) Unwrap() error { return c.err }

// credentialed makes the errors of a provider known as such.
func credentialed(p aws.CredentialsProvider) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		c, err := p.Retrieve(ctx)
		if err != nil {
			err = &credentialsError{err}
		}
		return c, err
	})
}

// goneError says how a version of an object came to be gone.
type goneError string

// Error returns the text.
func (g goneError) Error() string { return string(g) }

// Unwrap makes it known.
func (goneError) Unwrap() error { return source.ErrGone }

const errReplaced = goneError("the object was replaced while it was being read")

// roleError is why a role could not be taken on.
type roleError struct {
	arn string
	err error
}

// Error names the role and what the service said.
func (r *roleError) Error() string {
	return "the role " + r.arn + " cannot be taken on: " + short(r.err).Error()
}

// Unwrap returns what the service said.
func (r *roleError) Unwrap() error { return r.err }

// short drops the SDK's preamble (operation, request ids) where the service gave a reason.
func short(err error) error {
	if api := smithy.APIError(nil); errors.As(err, &api) {
		if api.ErrorCode() == "UnknownError" && status(err) != 0 {
			return fmt.Errorf("the service answered with status %d", status(err))
		}
		if api.ErrorMessage() == "" {
			return errors.New(api.ErrorCode())
		}
		return errors.New(api.ErrorCode() + ": " + api.ErrorMessage())
	}
	if canceled := (*aws.RequestCanceledError)(nil); errors.As(err, &canceled) {
		return canceled.Err
	}
	return err
}

func status(err error) int {
	if r := (*awshttp.ResponseError)(nil); errors.As(err, &r) {
		return r.HTTPStatusCode()
	}
	return 0
}

// elsewhere reports whether err may mean that the bucket is in another region.
func elsewhere(err error) bool {
	api := smithy.APIError(nil)
	if !errors.As(err, &api) {
		return status(err) == 301
	}
	switch api.ErrorCode() {
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return true
	}
	return status(err) == 301
}

// bucketRegion reads the region that S3 names when a bucket is asked for elsewhere.
func bucketRegion(err error) string {
	if r := (*awshttp.ResponseError)(nil); errors.As(err, &r) && r.Response != nil {
		return r.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}

// Explain makes an error of AWS's SDK one that a person can act on, as this room's own are.
func Explain(name string, err error) error { return explain(name, err) }

// Lasting reports whether an error will be the same until a person changes something: no
// permission, no bucket, an archived object.
func Lasting(err error) bool {
	switch status(err) {
	case 400, 401, 403, 404, 405, 410, 412:
		return true
	}
	return false
}
