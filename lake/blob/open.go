package blob

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Options are what a place does not say in its address.
type Options struct {
	S3 struct {
		Region, Endpoint                           string
		Encryption, KMSKey, Owner                  string
		AccessKeyID, SecretAccessKey, SessionToken string
		AWS                                        *aws.Config // nil: the SDK's default configuration
	}
	GCS struct {
		KMSKey, Endpoint string
		Token            TokenSource
	}
	Azure struct {
		SAS, Endpoint string
		Token         TokenSource
	}
	Retry Retry
	Now   func() time.Time // nil: time.Now
}

// Open opens a place by its address:
//
//	/var/lib/yagura/lake, file:///var/lib/yagura/lake
//	s3://bucket/prefix
//	gs://bucket/prefix
//	az://account/container/prefix
//
// An address with user, query or fragment is refused: secrets belong elsewhere.
func Open(ctx context.Context, address string, o Options) (Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	scheme, rest, remote := strings.Cut(address, "://")
	if !remote {
		if address == "" {
			return nil, errors.New("blob: the address is empty")
		}
		return OpenDisk(address, o.Now())
	}
	if strings.ContainsAny(rest, "?#@\\") {
		return nil, fmt.Errorf("blob: a %s:// address with ?, #, @ or \\ (hint: s3://bucket/prefix; secrets and options have their own settings)", clip(scheme))
	}
	host, path, _ := strings.Cut(rest, "/")
	switch scheme {
	case "file":
		u, err := url.Parse(address)
		if err != nil || host != "" || u.Path == "" {
			return nil, errors.New("blob: want file:///path")
		}
		return OpenDisk(u.Path, o.Now())
	case "s3":
		return NewS3(ctx, S3Options{Bucket: host, Prefix: path, Region: o.S3.Region, Endpoint: o.S3.Endpoint, Encryption: o.S3.Encryption, KMSKey: o.S3.KMSKey,
			Owner: o.S3.Owner, AWS: o.S3.AWS, AccessKeyID: o.S3.AccessKeyID, SecretAccessKey: o.S3.SecretAccessKey, SessionToken: o.S3.SessionToken, Retry: o.Retry})
	case "gs":
		return NewGCS(GCSOptions{Bucket: host, Prefix: path, KMSKey: o.GCS.KMSKey,
			HTTPOptions: HTTPOptions{Token: o.GCS.Token, Endpoint: o.GCS.Endpoint, Now: o.Now, Retry: o.Retry}})
	case "az":
		container, prefix, _ := strings.Cut(path, "/")
		return NewAzure(AzureOptions{Account: host, Container: container, Prefix: prefix, SAS: o.Azure.SAS,
			HTTPOptions: HTTPOptions{Token: o.Azure.Token, Endpoint: o.Azure.Endpoint, Now: o.Now, Retry: o.Retry}})
	}
	return nil, fmt.Errorf("blob: %q is not known (hint: a folder, s3://, gs:// or az://)", clip(scheme)+"://")
}
