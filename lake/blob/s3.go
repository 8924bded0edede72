package blob

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// S3Options say where a bucket is and how it is written.
type S3Options struct {
	Bucket, Prefix string
	Region         string
	// Endpoint is another server than AWS's, as https://host:port. Buckets are then parts of
	// the path, as most such servers want it.
	Endpoint string
	// Encryption is "" (what the bucket says), "AES256" or "aws:kms"; KMSKey is an ARN or id.
	Encryption, KMSKey string
	// Owner is the account that must own the bucket; "" is anybody.
	Owner string
	// AWS is a configuration with credentials, such as that of a role; nil takes them from
	// where the AWS tools take them, or from the three below.
	AWS                                        *aws.Config
	AccessKeyID, SecretAccessKey, SessionToken string
	Retry                                      Retry
	Client                                     aws.HTTPClient // nil: the SDK's
}

// NewS3 opens a bucket. Nothing is asked of it yet.
func NewS3(ctx context.Context, o S3Options) (Store, error) {
	if !validBucket(o.Bucket) {
		return nil, fmt.Errorf("blob: %q is not the name of a bucket", o.Bucket)
	}
	prefix, err := cleanPrefix(o.Prefix)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Encryption != "" && o.Encryption != string(types.ServerSideEncryptionAes256) && o.Encryption != string(types.ServerSideEncryptionAwsKms):
		return nil, fmt.Errorf("blob: encryption %q is not known (hint: AES256 or aws:kms)", o.Encryption)
	case o.KMSKey != "" && o.Encryption != string(types.ServerSideEncryptionAwsKms):
		return nil, errors.New("blob: a KMS key needs the encryption aws:kms")
	}
	if o.Endpoint != "" {
		if u, err := url.Parse(o.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return nil, fmt.Errorf("blob: endpoint %q is not a URL (hint: https://host:port)", o.Endpoint)
		}
	}
	cfg, err := o.config(ctx)
	if err != nil {
		return nil, fmt.Errorf("blob: s3: %w", err)
	}
	client := s3.NewFromConfig(cfg, func(c *s3.Options) {
		c.UsePathStyle = c.BaseEndpoint != nil || strings.Contains(o.Bucket, ".")
		c.Retryer = aws.NopRetryer{} // remote tries again, because it must know what may have been done
		c.DisableLogOutputChecksumValidationSkipped = true
		c.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return &remote{b: &s3Backend{o: o, api: client}, prefix: prefix, retry: o.Retry.complete()}, nil
}

func (o S3Options) config(ctx context.Context) (aws.Config, error) {
	var cfg aws.Config
	if o.AWS != nil {
		cfg = o.AWS.Copy()
	} else {
		load := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
		if o.AccessKeyID != "" {
			load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
		}
		var err error
		if cfg, err = config.LoadDefaultConfig(ctx, load...); err != nil {
			return cfg, err
		}
	}
	cfg.Region = cmp.Or(o.Region, cfg.Region, "us-east-1")
	if o.Endpoint != "" {
		cfg.BaseEndpoint = &o.Endpoint
	}
	if o.Client != nil {
		cfg.HTTPClient = o.Client
	} else if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = plainBody{cfg.HTTPClient}
	return cfg, nil
}

// plainBody hides everything of a request's body but Read and Close: the SDK's body answers
// WriteTo with io.EOF once it is closed, which it is as soon as an answer begins, and
// net/http takes that for an error of the connection.
type plainBody struct{ aws.HTTPClient }

// Do sends a request.
func (c plainBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.HTTPClient.Do(r)
}

func validBucket(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' {
			return false
		}
	}
	return len(s) >= 3 && len(s) <= 222
}

// cleanPrefix is a prefix with a slash at its end, or "".
func cleanPrefix(p string) (string, error) {
	p = strings.Trim(p, "/")
	if p == "" {
		return "", nil
	}
	if err := CheckKey(p); err != nil {
		return "", fmt.Errorf("blob: prefix: %w", err)
	}
	if len(p) > 120 {
		return "", errors.New("blob: the prefix has more than 120 bytes")
	}
	return p + "/", nil
}

type s3Backend struct {
	o   S3Options
	api *s3.Client
}

func (b *s3Backend) name() string { return "s3://" + b.o.Bucket }

func (b *s3Backend) owner() *string {
	if b.o.Owner == "" {
		return nil
	}
	return &b.o.Owner
}

func (b *s3Backend) put(ctx context.Context, key string, body io.ReadSeeker, size int64, w write) (Info, error) {
	in := &s3.PutObjectInput{Bucket: &b.o.Bucket, Key: &key, Body: body, ContentLength: &size, ExpectedBucketOwner: b.owner(),
		ContentType: aws.String("application/octet-stream"),
		ContentMD5:  aws.String(base64.StdEncoding.EncodeToString(w.md5[:])),
		Metadata:    map[string]string{sumMeta: hex.EncodeToString(w.sum[:]), markMeta: w.mark}}
	if w.absent {
		in.IfNoneMatch = aws.String("*")
	}
	if b.o.Endpoint == "" { // other stores do not all know it
		in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(w.sum[:]))
	}
	if b.o.Encryption != "" {
		in.ServerSideEncryption = types.ServerSideEncryption(b.o.Encryption)
		if b.o.Encryption == string(types.ServerSideEncryptionAwsKms) {
			in.BucketKeyEnabled = aws.Bool(true)
			if b.o.KMSKey != "" {
				in.SSEKMSKeyId = &b.o.KMSKey
			}
		}
	}
	out, err := b.api.PutObject(ctx, in)
	if err != nil {
		return Info{}, s3Error(err)
	}
	return Info{Version: aws.ToString(out.ETag)}, nil
}

func (b *s3Backend) get(ctx context.Context, key, version string, off, n int64) (io.ReadCloser, Info, error) {
	in := &s3.GetObjectInput{Bucket: &b.o.Bucket, Key: &key, ExpectedBucketOwner: b.owner(), Range: byteRange(off, n)}
	if version != "" {
		in.IfMatch = &version
	}
	out, err := b.api.GetObject(ctx, in)
	if err != nil {
		return nil, Info{}, s3Error(err)
	}
	size, err := checkRange(aws.ToString(out.ContentRange), in.Range != nil, off, n, aws.ToInt64(out.ContentLength))
	if err != nil {
		return nil, Info{}, errors.Join(err, out.Body.Close())
	}
	info := Info{Size: size, Version: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified)}
	describe(&info, func(n string) string { return out.Metadata[n] })
	return out.Body, info, nil
}

// byteRange is the header for a part, nil for the whole.
func byteRange(off, n int64) *string {
	switch {
	case n >= 0:
		return aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	case off > 0:
		return aws.String(fmt.Sprintf("bytes=%d-", off))
	}
	return nil
}

// checkRange holds an answer to what was asked for, and returns the size of the object.
func checkRange(contentRange string, asked bool, off, n, length int64) (int64, error) {
	if !asked {
		if contentRange != "" || length < 0 {
			return 0, fmt.Errorf("%w: a part in place of the whole", errLied)
		}
		return length, nil
	}
	span, total, ok := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "/")
	first, last, ok2 := strings.Cut(span, "-")
	a, err1 := strconv.ParseInt(first, 10, 64)
	z, err2 := strconv.ParseInt(last, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if !ok || !ok2 || errors.Join(err1, err2, err3) != nil || a != off || z < a || z >= size || n >= 0 && z > off+n-1 {
		return 0, fmt.Errorf("%w: range %.60q for byte %d", errLied, contentRange, off)
	}
	if n >= 0 && z < off+n-1 {
		return 0, &statusError{status: http.StatusRequestedRangeNotSatisfiable, text: fmt.Sprintf("the object ends at byte %d", size)}
	}
	return size, nil
}

func (b *s3Backend) stat(ctx context.Context, key string) (Info, error) {
	out, err := b.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.o.Bucket, Key: &key, ExpectedBucketOwner: b.owner()})
	if err != nil {
		return Info{}, s3Error(err)
	}
	info := Info{Size: aws.ToInt64(out.ContentLength), Version: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified)}
	describe(&info, func(n string) string { return out.Metadata[n] })
	return info, nil
}

func (b *s3Backend) list(ctx context.Context, prefix, after string, limit int) (Page, error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.o.Bucket, ExpectedBucketOwner: b.owner(), MaxKeys: aws.Int32(int32(limit))} //nolint:gosec // at most 1000
	if prefix != "" {
		in.Prefix = &prefix
	}
	if after != "" {
		in.StartAfter = &after
	}
	out, err := b.api.ListObjectsV2(ctx, in)
	if err != nil {
		return Page{}, s3Error(err)
	}
	page := Page{More: aws.ToBool(out.IsTruncated)}
	for _, o := range out.Contents {
		page.Objects = append(page.Objects, Info{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified), Version: aws.ToString(o.ETag)})
	}
	return page, nil
}

func (b *s3Backend) remove(ctx context.Context, key string) error {
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.o.Bucket, Key: &key, ExpectedBucketOwner: b.owner()})
	return s3Error(err)
}

// s3Error is what the store answered; what came of the network stays as it is.
func s3Error(err error) error {
	if err == nil {
		return nil
	}
	out := &statusError{}
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.HTTPResponse() != nil {
		out.status = r.HTTPStatusCode()
		out.after = retryAfter(r.HTTPResponse().Header.Get("Retry-After"))
	}
	if a, ok := errors.AsType[smithy.APIError](err); ok {
		out.code, out.text = clip(a.ErrorCode()), clip(a.ErrorMessage())
		switch out.code {
		case "SlowDown", "ThrottlingException", "Throttling":
			out.status = http.StatusTooManyRequests
		}
	}
	if out.status == http.StatusOK || out.status == http.StatusPartialContent || out.status == 0 {
		return err // the answer could not be read, or there was none
	}
	if out.status == http.StatusMovedPermanently || out.status == http.StatusTemporaryRedirect {
		out.text = "the bucket is in another region (hint: say which one)"
	}
	return out
}

// clip bounds what a server says, without its control characters.
func clip(s string) string {
	if len(s) > 300 {
		s = s[:300]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

func retryAfter(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}
