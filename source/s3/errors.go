package s3

import (
	"context"
	"errors"
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
	code := ""
	if api := smithy.APIError(nil); errors.As(err, &api) {
		code = api.ErrorCode()
	}
	slow, dial := net.Error(nil), (*net.OpError)(nil)
	switch none := (*credentialsError)(nil); {
	case errors.As(err, &none):
		e.Err = none
		e.Hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given"
	case code == "NoSuchBucket" || code == "NotFound":
		e.Err, e.Hint = errors.New("there is no such bucket"), "check its name, and the endpoint where it is not AWS's"
	case code == "NoSuchKey":
		e.Err = errors.New("the object is gone since it was listed")
	case code == "PreconditionFailed" || status(err) == 412 || errors.Is(err, errReplaced):
		e.Err, e.Hint = errReplaced, "scan again"
	case errors.As(err, &slow) && slow.Timeout():
		e.Err = errStalled
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Err, e.Hint = dial, "check the network, and the endpoint where it is not AWS's"
	case code == "InvalidRange" || status(err) == 416:
		e.Err = errors.New("the object ends before the length that the list says")
	case code == "InvalidObjectState":
		e.Err, e.Hint = errors.New("the object is archived"), "restore it from Glacier first"
	case code == "ExpiredToken" || code == "ExpiredTokenException":
		e.Err, e.Hint = errors.New("the credentials have expired"), "log in again"
	case code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch":
		e.Hint = "the credentials are not accepted here"
	case code == "AccessDenied" || code == "Forbidden" || status(err) == 403:
		e.Err = errors.New("access denied")
		e.Hint = "the identity needs s3:ListBucket on the bucket and s3:GetObject on the objects, and kms:Decrypt where they are encrypted by a key of yours"
	}
	return e
}

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

var errReplaced = errors.New("the object was replaced while it was being read")

// short drops the SDK's preamble (operation, request ids) where the service gave a reason.
func short(err error) error {
	if api := smithy.APIError(nil); errors.As(err, &api) {
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

// bucketRegion reads the region that S3 names when a bucket is asked for elsewhere.
func bucketRegion(err error) string {
	if r := (*awshttp.ResponseError)(nil); errors.As(err, &r) && r.Response != nil {
		return r.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}
