package sourcetest

import (
	"fmt"
	"net/url"
)

// Notice is S3's own notification of an object that was created.
func Notice(bucket, key, etag string, size int) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.5","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-03-14T01:02:03.000Z","eventName":"ObjectCreated:Put",`+
		`"s3":{"s3SchemaVersion":"1.0","bucket":{"name":%q,"arn":"arn:aws:s3:::%s"},"object":{"key":%q,"size":%d,"eTag":%q,"sequencer":"0055AED6DCD90281E5"}}}]}`,
		bucket, bucket, url.QueryEscape(key), size, etag)
}
