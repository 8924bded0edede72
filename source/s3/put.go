package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/yagura-sec/yagura/source"
)

// An object is sent in parts of partSize, of which a store takes maxParts.
const (
	partSize = 16 << 20
	maxParts = 10_000
)

// Put writes an object of unknown length. It appears whole, in place of one that was there,
// when write has returned nil, or not at all: what was sent of it is taken back.
func (s *Store) Put(ctx context.Context, ref Ref, write func(w io.Writer) error) error {
	u := &upload{ctx: ctx, b: s.bucket(ref), key: ref.Key}
	err := write(u)
	if err == nil {
		err = u.end()
	}
	if err == nil {
		return nil
	}
	if u.id != "" { // also after a cancellation: parts that nobody completes cost for ever
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, abort := u.b.api().AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.b.bucket, Key: &u.key, UploadId: &u.id}, plain); abort != nil {
			err = errors.Join(err, fmt.Errorf("what was sent of it is still there: %w", explainPut(u.b.name(u.key), abort)))
		}
	}
	return err
}

// upload is an object that is being written. One part is held in memory.
type upload struct {
	ctx   context.Context //nolint:containedctx // io.Writer has none; it lives as long as the call
	b     *Bucket
	key   string
	buf   []byte
	id    string // "" until there is more than one part
	parts []types.CompletedPart
}

// plain leaves out checksums that other stores than AWS's do not know.
func plain(o *s3.Options) {
	if o.BaseEndpoint != nil {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	}
}

// Write takes bytes over.
func (u *upload) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if len(u.buf) == partSize {
			if err := u.part(); err != nil {
				return 0, err
			}
		}
		k := min(len(p), partSize-len(u.buf))
		u.buf = append(u.buf, p[:k]...)
		p = p[k:]
	}
	return n, nil
}

// part sends what is held.
func (u *upload) part() error {
	if len(u.parts) >= maxParts {
		return &source.Error{Name: u.b.name(u.key), Err: fmt.Errorf("it is larger than %d GB", int64(partSize)*maxParts>>30), Hint: "write to a file"}
	}
	if u.id == "" {
		out, err := request(u, func(ctx context.Context, api *s3.Client) (*s3.CreateMultipartUploadOutput, error) {
			return api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &u.b.bucket, Key: &u.key}, plain)
		})
		if err != nil {
			return err
		}
		if u.id = aws.ToString(out.UploadId); u.id == "" {
			return &source.Error{Name: u.b.name(u.key), Err: errors.New("the store began an upload without a name")}
		}
	}
	number := int32(len(u.parts) + 1)
	out, err := request(u, func(ctx context.Context, api *s3.Client) (*s3.UploadPartOutput, error) {
		return api.UploadPart(ctx, &s3.UploadPartInput{Bucket: &u.b.bucket, Key: &u.key, UploadId: &u.id, PartNumber: &number, Body: bytes.NewReader(u.buf)}, plain)
	})
	if err != nil {
		return err
	}
	u.parts = append(u.parts, types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
	u.buf = u.buf[:0]
	return nil
}

// end makes the object appear.
func (u *upload) end() error {
	if u.id == "" {
		_, err := request(u, func(ctx context.Context, api *s3.Client) (*s3.PutObjectOutput, error) {
			return api.PutObject(ctx, &s3.PutObjectInput{Bucket: &u.b.bucket, Key: &u.key, Body: bytes.NewReader(u.buf)}, plain)
		})
		return err
	}
	if err := u.part(); err != nil {
		return err
	}
	_, err := request(u, func(ctx context.Context, api *s3.Client) (*s3.CompleteMultipartUploadOutput, error) {
		return api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &u.b.bucket, Key: &u.key, UploadId: &u.id,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts}}, plain)
	})
	return err
}

// request makes one request, again in the bucket's own region where that is another.
func request[T any](u *upload, do func(ctx context.Context, api *s3.Client) (T, error)) (T, error) {
	ctx, cancel := u.b.patience(u.ctx)
	defer cancel()
	out, err := do(ctx, u.b.api())
	if err != nil && u.b.follow(ctx, err) {
		out, err = do(ctx, u.b.api())
	}
	if err != nil {
		return out, explainPut(u.b.name(u.key), err)
	}
	return out, nil
}

// explainPut is explain for what needs the permission to write.
func explainPut(name string, err error) error {
	err = explain(name, err)
	if e := (*source.Error)(nil); errors.As(err, &e) && status(err) == 403 {
		e.Hint = "the identity needs s3:PutObject and s3:AbortMultipartUpload on the object, and kms:GenerateDataKey and kms:Decrypt where the bucket is encrypted by a key of yours"
	}
	return err
}
