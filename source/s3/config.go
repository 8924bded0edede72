package s3

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/yagura-sec/yagura/source"
)

// Config loads what clients of AWS are made of: credentials from the options or from where
// the AWS tools take them, bounded retries, time-outs.
func Config(ctx context.Context, o Options) (aws.Config, error) {
	o = o.complete()
	load := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts = o.MaxAttempts })
		}),
		config.WithLogger(logging.Nop{}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = o.Stall
		})),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	if o.Endpoint != "" {
		if u, err := url.Parse(o.Endpoint); err != nil || u.Scheme == "" || u.Host == "" {
			return aws.Config{}, &source.Error{Name: o.Endpoint, Err: fmt.Errorf("endpoint %q is not a URL", o.Endpoint), Hint: "write https://host:port"}
		}
		load = append(load, config.WithBaseEndpoint(o.Endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, err
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1" // any region answers where the bucket really is
	}
	cfg.Credentials = credentialed(cfg.Credentials)
	cfg.HTTPClient = whole{cfg.HTTPClient}
	return cfg, nil
}

// whole keeps quick answers whole. The SDK (smithy-go 1.28) closes the body of a request as
// soon as the answer begins, and its body answers WriteTo with io.EOF as if that were an
// error: net/http then breaks the connection, and the answer with it. A body without
// WriteTo is read, for which io.EOF is the end.
type whole struct{ aws.HTTPClient }

// Do sends a request.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.HTTPClient.Do(r)
}

// connector makes clients of a configuration, by region.
func connector(cfg aws.Config) func(region string) *s3.Client {
	return func(region string) *s3.Client {
		cfg := cfg.Copy()
		cfg.Region = region
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.UsePathStyle = o.BaseEndpoint != nil
			o.DisableLogOutputChecksumValidationSkipped = true
		})
	}
}

// api is the client of the bucket's region, as far as it is known.
func (b *Bucket) api() *s3.Client {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.client
}

// move goes to another region; false when it is there already.
func (b *Bucket) move(region string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if region == b.region {
		return false
	}
	b.region, b.client = region, b.connect(region)
	return true
}

// follow reports whether err says that the bucket is in another region, and goes there.
func (b *Bucket) follow(ctx context.Context, err error) bool {
	region := bucketRegion(err)
	if region == "" && elsewhere(err) {
		_, head := b.api().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.bucket})
		region = bucketRegion(head)
	}
	return region != "" && b.move(region)
}
