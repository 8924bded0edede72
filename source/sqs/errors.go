package sqs

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/s3"
)

// explain makes an error of the SDK one that a person can act on. action is the permission
// that the request needed.
func explain(name, action string, err error) error {
	if e := (*source.Error)(nil); errors.As(err, &e) {
		return err
	}
	gone, over := (*types.QueueDoesNotExist)(nil), (*types.OverLimit)(nil)
	code := ""
	if api := smithy.APIError(nil); errors.As(err, &api) {
		code = api.ErrorCode()
	}
	e := &source.Error{Name: name, Err: errors.New(code)}
	switch {
	case errors.As(err, &gone):
		e.Err, e.Hint = errors.New("there is no such queue"), "check the URL, its region and its account"
	case errors.As(err, &over):
		e.Err, e.Hint = errors.New("too many messages of the queue are out"), "120,000 messages are being worked on and none is acknowledged: look at what holds them up"
	case code == "AccessDenied" || code == "AccessDeniedException":
		e.Err, e.Hint = errors.New("access denied"), "the identity needs "+action+" on the queue, by its own policy and, from another account, by the queue's policy too"
	case len(code) > 4 && (code[:4] == "KMS." || code[:3] == "Kms"):
		e.Err, e.Hint = errors.New(code+": the key of the queue cannot be used"), "the identity needs kms:Decrypt on the key that encrypts the queue, and the key has to be enabled"
	default:
		return s3.Explain(name, err)
	}
	return e
}
