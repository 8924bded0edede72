package blob

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// GCSOptions say where a bucket of Google Cloud Storage is.
type GCSOptions struct {
	Bucket, Prefix string
	KMSKey         string // projects/…/cryptoKeys/…; "" is what the bucket says
	HTTPOptions
}

// NewGCS opens a bucket. Nothing is asked of it yet.
func NewGCS(o GCSOptions) (Store, error) {
	if !validBucket(o.Bucket) {
		return nil, fmt.Errorf("blob: %q is not the name of a bucket", o.Bucket)
	}
	prefix, err := cleanPrefix(o.Prefix)
	if err != nil {
		return nil, err
	}
	base, err := o.complete("https://storage.googleapis.com")
	if err != nil {
		return nil, err
	}
	return &remote{b: &gcsBackend{caller: caller{o: o.HTTPOptions, base: base}, bucket: o.Bucket, kms: o.KMSKey}, prefix: prefix, retry: o.Retry.complete()}, nil
}

type gcsBackend struct {
	caller
	bucket, kms string
}

func (b *gcsBackend) name() string { return "gs://" + b.bucket }

type gcsObject struct {
	Name       string            `json:"name"`
	Size       string            `json:"size,omitempty"`
	Generation string            `json:"generation,omitempty"`
	Updated    time.Time         `json:"updated,omitzero"`
	MD5        string            `json:"md5Hash,omitempty"`
	Type       string            `json:"contentType,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

func (o gcsObject) info() (Info, error) {
	size, err := strconv.ParseInt(o.Size, 10, 64)
	if err != nil || size < 0 {
		return Info{}, fmt.Errorf("%w: size %.40q", errLied, o.Size)
	}
	info := Info{Key: o.Name, Size: size, Version: o.Generation, Modified: o.Updated}
	describe(&info, func(n string) string { return o.Metadata[n] })
	return info, nil
}

func (b *gcsBackend) path(key string) string {
	return "/storage/v1/b/" + url.PathEscape(b.bucket) + "/o/" + url.PathEscape(key)
}

// put sends metadata and content in one request; the service compares the MD5 before the
// object appears.
func (b *gcsBackend) put(ctx context.Context, key string, body io.ReadSeeker, size int64, w write) (Info, error) {
	meta, err := json.Marshal(gcsObject{Name: key, Type: "application/octet-stream", MD5: base64.StdEncoding.EncodeToString(w.md5[:]),
		Metadata: map[string]string{sumMeta: hex.EncodeToString(w.sum[:]), markMeta: w.mark}})
	if err != nil {
		return Info{}, err
	}
	boundary := "yagura" + w.mark
	head := fmt.Appendf(nil, "--%s\r\nContent-Type: application/json\r\n\r\n%s\r\n--%s\r\nContent-Type: application/octet-stream\r\n\r\n", boundary, meta, boundary)
	tail := []byte("\r\n--" + boundary + "--\r\n")
	q := url.Values{"uploadType": {"multipart"}}
	if w.absent {
		q.Set("ifGenerationMatch", "0")
	}
	if b.kms != "" {
		q.Set("kmsKeyName", b.kms)
	}
	var out gcsObject
	_, err = b.call(ctx, request{method: http.MethodPost, path: "/upload/storage/v1/b/" + url.PathEscape(b.bucket) + "/o", query: q,
		header: http.Header{"Content-Type": {"multipart/related; boundary=" + boundary}},
		body:   io.MultiReader(bytes.NewReader(head), body, bytes.NewReader(tail)), size: int64(len(head)) + size + int64(len(tail))}, &out)
	if err != nil {
		return Info{}, err
	}
	info, err := out.info()
	if err == nil && (info.Size != size || out.MD5 != "" && out.MD5 != base64.StdEncoding.EncodeToString(w.md5[:])) {
		err = fmt.Errorf("%w: %d bytes were written of %d", errLied, info.Size, size)
	}
	return info, err
}

// get reads the version that the object has now: its description is asked for first,
// because the answer with the content does not hold all of it.
func (b *gcsBackend) get(ctx context.Context, key, version string, off, n int64) (io.ReadCloser, Info, error) {
	var info Info
	if version == "" && n < 0 {
		var err error
		if info, err = b.stat(ctx, key); err != nil {
			return nil, info, err
		}
		version = info.Version
	}
	q := url.Values{"alt": {"media"}}
	if version != "" {
		q.Set("generation", version)
	}
	asked := byteRange(off, n)
	h := http.Header{}
	if asked != nil {
		h.Set("Range", *asked)
	}
	resp, err := b.do(ctx, request{method: http.MethodGet, path: b.path(key), query: q, header: h})
	if err != nil {
		return nil, info, err
	}
	size, err := checkRange(resp.Header.Get("Content-Range"), asked != nil, off, n, resp.ContentLength)
	if g := resp.Header.Get("X-Goog-Generation"); err == nil && version != "" && g != "" && g != version {
		err = fmt.Errorf("%w: another version of the object", errLied)
	}
	if err == nil && info.Version != "" && size != info.Size {
		err = fmt.Errorf("%w: %d bytes, not %d", errLied, size, info.Size)
	}
	if err != nil {
		return nil, info, errors.Join(err, resp.Body.Close())
	}
	info.Size, info.Version = size, version
	return resp.Body, info, nil
}

func (b *gcsBackend) stat(ctx context.Context, key string) (Info, error) {
	var out gcsObject
	if _, err := b.call(ctx, request{method: http.MethodGet, path: b.path(key)}, &out); err != nil {
		return Info{}, err
	}
	if out.Name != key || out.Generation == "" {
		return Info{}, fmt.Errorf("%w: another object", errLied)
	}
	return out.info()
}

// list begins with the key after which is asked for, and leaves it out.
func (b *gcsBackend) list(ctx context.Context, prefix, after string, limit int) (Page, error) {
	q := url.Values{"maxResults": {strconv.Itoa(min(limit+1, maxList))}, "fields": {"nextPageToken,items(name,size,generation,updated,metadata)"}}
	if prefix != "" {
		q.Set("prefix", prefix)
	}
	if after != "" {
		q.Set("startOffset", after)
	}
	var out struct {
		Next  string `json:"nextPageToken"`
		Items []gcsObject
	}
	// A page may be empty and not the last one; the service says so with a token.
	page := Page{}
	for range 1000 {
		out.Next, out.Items = "", nil
		if _, err := b.call(ctx, request{method: http.MethodGet, path: "/storage/v1/b/" + url.PathEscape(b.bucket) + "/o", query: q}, &out); err != nil {
			return page, err
		}
		for _, o := range out.Items {
			if o.Name == after {
				continue
			}
			if len(page.Objects) == limit {
				page.More = true
				return page, nil
			}
			info, err := o.info()
			if err != nil {
				return page, err
			}
			page.Objects = append(page.Objects, info)
		}
		page.More = out.Next != ""
		if len(page.Objects) > 0 || !page.More {
			return page, nil
		}
		q.Set("pageToken", out.Next)
	}
	return page, fmt.Errorf("%w: a thousand empty pages", errLied)
}

func (b *gcsBackend) remove(ctx context.Context, key string) error {
	_, err := b.call(ctx, request{method: http.MethodDelete, path: b.path(key)}, nil)
	return err
}
