package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/source/s3"
)

// WriteWhole has something written to a file or to an object (s3://bucket/key). It appears
// whole, or not at all.
func WriteWhole(ctx context.Context, cfg *config.Config, name string, write func(io.Writer) error) error {
	ref, store, err := archiveObject(ctx, cfg, name)
	if err != nil {
		return err
	}
	if store != nil {
		return store.Put(ctx, ref, write)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".yagura-*")
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// OpenArchive opens an archive that is a file or an object.
func OpenArchive(ctx context.Context, cfg *config.Config, name string) (io.ReadCloser, error) {
	ref, store, err := archiveObject(ctx, cfg, name)
	if err != nil {
		return nil, err
	}
	if store == nil {
		return os.Open(name)
	}
	if ref, err = store.Stat(ctx, ref); err != nil {
		return nil, err
	}
	return store.Object(ref).Open(ctx)
}

// archiveObject is the object that a name is of, nil for a file.
func archiveObject(ctx context.Context, cfg *config.Config, name string) (s3.Ref, *s3.Store, error) {
	if !strings.HasPrefix(name, "s3://") {
		return s3.Ref{}, nil, nil
	}
	bucket, key, ok := s3.ParseURL(name)
	if !ok || key == "" || strings.HasSuffix(key, "/") {
		return s3.Ref{}, nil, fmt.Errorf("%s names no object (hint: s3://bucket/yagura.backup)", name)
	}
	o := s3.Options{Region: cfg.S3.Region, Endpoint: cfg.S3.Endpoint, AccessKeyID: cfg.S3.AccessKeyID, SecretAccessKey: cfg.S3.SecretAccessKey.Reveal(),
		SessionToken: cfg.S3.SessionToken.Reveal()}
	store, err := s3.NewStore(ctx, s3.StoreOptions{Options: o})
	return s3.Ref{Bucket: bucket, Key: key, Size: -1}, store, err
}
