package blob

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// AzureOptions say where a container of Azure Blob Storage is. Either a token or a shared
// access signature (SAS) lets in. Accounts with a hierarchical namespace list in another
// order than that of names and are refused when it shows.
type AzureOptions struct {
	Account, Container, Prefix string
	SAS                        string // the query of a signed address; a secret
	HTTPOptions
}

// azureVersion is the version of the API that is spoken.
const azureVersion = "2021-12-02"

var (
	azureAccount   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	azureContainer = regexp.MustCompile(`^(\$root|[a-z0-9][a-z0-9-]{1,61}[a-z0-9])$`)
)

// NewAzure opens a container. Nothing is asked of it yet.
func NewAzure(o AzureOptions) (Store, error) {
	if !azureAccount.MatchString(o.Account) || !azureContainer.MatchString(o.Container) {
		return nil, fmt.Errorf("blob: %q, %q: not a storage account and a container", o.Account, o.Container)
	}
	prefix, err := cleanPrefix(o.Prefix)
	if err != nil {
		return nil, err
	}
	sas, err := url.ParseQuery(strings.TrimPrefix(o.SAS, "?"))
	if err != nil || o.SAS != "" && sas.Get("sig") == "" {
		return nil, errors.New("blob: the SAS is not one (hint: the part behind the ? of a signed address)")
	}
	base, err := o.complete("https://" + o.Account + ".blob.core.windows.net")
	if err != nil {
		return nil, err
	}
	return &remote{b: &azureBackend{caller: caller{o: o.HTTPOptions, base: base}, account: o.Account, container: o.Container, sas: sas, markers: map[string]string{}},
		prefix: prefix, retry: o.Retry.complete()}, nil
}

type azureBackend struct {
	caller
	account, container string
	sas                url.Values

	mu      sync.Mutex
	markers map[string]string // prefix and last key of a page → where the service goes on
}

func (b *azureBackend) name() string { return "az://" + b.account + "/" + b.container }

func (b *azureBackend) request(method, key string, query url.Values, header http.Header) request {
	path := "/" + b.container
	if key != "" {
		parts := strings.Split(key, "/")
		for i := range parts {
			parts[i] = url.PathEscape(parts[i])
		}
		path += "/" + strings.Join(parts, "/")
	}
	q := url.Values{}
	for _, from := range []url.Values{b.sas, query} {
		maps.Copy(q, from)
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("X-Ms-Version", azureVersion)
	header.Set("X-Ms-Date", b.o.Now().UTC().Format(http.TimeFormat))
	return request{method: method, path: path, query: q, header: header}
}

func (b *azureBackend) put(ctx context.Context, key string, body io.ReadSeeker, size int64, w write) (Info, error) {
	sum := base64.StdEncoding.EncodeToString(w.md5[:])
	h := http.Header{"X-Ms-Blob-Type": {"BlockBlob"}, "Content-Type": {"application/octet-stream"}, "Content-Md5": {sum}, "X-Ms-Blob-Content-Md5": {sum},
		http.CanonicalHeaderKey("X-Ms-Meta-" + sumMeta): {hex.EncodeToString(w.sum[:])}, http.CanonicalHeaderKey("X-Ms-Meta-" + markMeta): {w.mark}}
	if w.absent {
		h.Set("If-None-Match", "*")
	}
	q := b.request(http.MethodPut, key, nil, h)
	q.body, q.size = body, size
	got, err := b.call(ctx, q, nil)
	if s, ok := errors.AsType[*statusError](err); ok && w.absent && s.status == http.StatusConflict && s.code == "BlobAlreadyExists" {
		s.status = http.StatusPreconditionFailed
	}
	if err != nil {
		return Info{}, err
	}
	return Info{Version: got.Get("ETag")}, nil
}

func azureInfo(h http.Header, size int64) Info {
	info := Info{Size: size, Version: h.Get("ETag")}
	if at, err := time.Parse(http.TimeFormat, h.Get("Last-Modified")); err == nil {
		info.Modified = at
	}
	describe(&info, func(n string) string { return h.Get("X-Ms-Meta-" + n) })
	return info
}

func (b *azureBackend) get(ctx context.Context, key, version string, off, n int64) (io.ReadCloser, Info, error) {
	h := http.Header{}
	asked := byteRange(off, n)
	if asked != nil {
		h.Set("X-Ms-Range", *asked)
	}
	if version != "" {
		h.Set("If-Match", version)
	}
	resp, err := b.do(ctx, b.request(http.MethodGet, key, nil, h))
	if err != nil {
		return nil, Info{}, err
	}
	size, err := checkRange(resp.Header.Get("Content-Range"), asked != nil, off, n, resp.ContentLength)
	if err != nil {
		return nil, Info{}, errors.Join(err, resp.Body.Close())
	}
	return resp.Body, azureInfo(resp.Header, size), nil
}

func (b *azureBackend) stat(ctx context.Context, key string) (Info, error) {
	resp, err := b.do(ctx, b.request(http.MethodHead, key, nil, nil))
	if err != nil {
		return Info{}, err
	}
	_ = resp.Body.Close() // an answer to HEAD has none
	if resp.ContentLength < 0 {
		return Info{}, fmt.Errorf("%w: no size", errLied)
	}
	return azureInfo(resp.Header, resp.ContentLength), nil
}

type azureList struct {
	XMLName xml.Name `xml:"EnumerationResults"`
	Next    string   `xml:"NextMarker"`
	Blobs   []struct {
		Name string `xml:"Name"`
		Size int64  `xml:"Properties>Content-Length"`
		At   string `xml:"Properties>Last-Modified"`
		ETag string `xml:"Properties>Etag"`
	} `xml:"Blobs>Blob"`
}

// list goes on where the service said for the last key of a page that it gave. Where that is
// not known any more, it lists from the beginning and leaves out what is not behind after:
// the service cannot begin at a name.
func (b *azureBackend) list(ctx context.Context, prefix, after string, limit int) (Page, error) {
	q := url.Values{"restype": {"container"}, "comp": {"list"}, "maxresults": {strconv.Itoa(limit)}}
	if prefix != "" {
		q.Set("prefix", prefix)
	}
	if m := b.marker(prefix, after); m != "" {
		q.Set("marker", m)
	}
	page := Page{}
	for range 1_000_000 {
		var out azureList
		if _, err := b.call(ctx, b.request(http.MethodGet, "", q, nil), &out); err != nil {
			return page, err
		}
		last := ""
		for _, o := range out.Blobs {
			if o.Name < last {
				return page, fmt.Errorf("%w: blobs are not in the order of their names (hint: an account with a hierarchical namespace cannot hold a lake)", errLied)
			}
			if last = o.Name; o.Name <= after {
				continue
			}
			if len(page.Objects) == limit {
				page.More = true
				return page, nil
			}
			at, err := time.Parse(http.TimeFormat, o.At)
			if err != nil {
				at = time.Time{}
			}
			page.Objects = append(page.Objects, Info{Key: o.Name, Size: o.Size, Modified: at, Version: o.ETag})
		}
		if page.More = out.Next != ""; !page.More {
			return page, nil
		}
		if n := len(page.Objects); n > 0 {
			b.remember(prefix, page.Objects[n-1].Key, out.Next)
			return page, nil
		}
		if q.Get("marker") == out.Next {
			return page, fmt.Errorf("%w: the listing does not go on", errLied)
		}
		q.Set("marker", out.Next)
	}
	return page, fmt.Errorf("%w: the listing does not end", errLied)
}

func (b *azureBackend) marker(prefix, after string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.markers[prefix+"\x00"+after]
}

func (b *azureBackend) remember(prefix, last, marker string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.markers) >= 1000 {
		clear(b.markers)
	}
	b.markers[prefix+"\x00"+last] = marker
}

func (b *azureBackend) remove(ctx context.Context, key string) error {
	_, err := b.call(ctx, b.request(http.MethodDelete, key, nil, nil), nil)
	return err
}
