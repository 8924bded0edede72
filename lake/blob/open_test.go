package blob_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/lake/blob"
)

func TestOpen(t *testing.T) {
	ctx := context.Background()
	dir := filepath.ToSlash(t.TempDir())
	for _, c := range []struct{ address, want string }{
		{dir + "/a", dir + "/a"}, {"file://" + dir + "/b%20c", dir + "/b c"}, {"s3://lake/a/b/", "s3://lake/a/b"}, {"s3://lake", "s3://lake"},
		{"gs://lake/a", "gs://lake/a"}, {"az://acct1/lake/a/b", "az://acct1/lake/a/b"}, {"az://acct1/lake", "az://acct1/lake"},
	} {
		var o blob.Options
		o.S3.AccessKeyID, o.S3.SecretAccessKey = "AKIAEXAMPLE", "secret"
		s, err := blob.Open(ctx, c.address, o)
		if err != nil || s.String() != c.want {
			t.Errorf("%s: %v %v", c.address, s, err)
		}
	}
	for _, bad := range []string{"", "ftp://x/y", "s3://", "s3://lake/../x", "s3://key:hunter2@lake", "s3://lake?secret=hunter2", "file://host/x", "az://acct1", "gs://lake/.x"} {
		if s, err := blob.Open(ctx, bad, blob.Options{}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v %v", bad, s, err)
		}
	}
}
