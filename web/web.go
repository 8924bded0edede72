//go:build !noui

package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// file is one file of the console, ready to be sent.
type file struct {
	body   []byte
	packed []byte // gzip; nil where it would not be smaller
	etag   string
	kind   string // of the content
}

// console is what is read from the embedded files once.
type console struct {
	files map[string]*file // by path, "/assets/index.js"
	index []byte           // the document, with a place for the nonce
	build string
}

var load = sync.OnceValue(func() *console {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // dist is embedded: the name is right or nothing compiles
	}
	return read(sub)
})

var buildAt = regexp.MustCompile(`\?v=([0-9a-f]{12})"`)

func read(files fs.FS) *console {
	c := &console{files: map[string]*file{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			c.index = body
			if m := buildAt.FindSubmatch(body); m != nil {
				c.build = string(m[1])
			}
			return nil
		}
		sum := sha256.Sum256(body)
		f := &file{body: body, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, kind: contentType(name)}
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one of those there are
		_, _ = z.Write(body)                                  // a buffer takes everything
		_ = z.Close()
		if b.Len() < len(body)*9/10 {
			f.packed = b.Bytes()
		}
		c.files["/"+name] = f
		return nil
	})
	if err != nil {
		panic(err) // files in memory are read or the binary is broken
	}
	return c
}

// contentType does not ask the tables of the machine: a wrong one would stop the page.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".json", ".webmanifest":
		return "application/json"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

// Build names the console that is embedded: a hash over its files; "" for none.
func Build() string { return load().build }

// Handler serves the console: its files, and its document for the addresses of pages.
func Handler() http.Handler { return load() }

// ServeHTTP answers GET and HEAD; what a program sends elsewhere is not found.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if _, ok := c.files[r.URL.Path]; !ok && !strings.Contains(r.Header.Get("Accept"), "text/html") {
			// A program that posts to an address that nothing has: it must not read here that
			// the address is right and the method wrong.
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if f, ok := c.files[r.URL.Path]; ok {
		c.file(w, r, f)
		return
	}
	if !isPage(r) {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	c.document(w, r)
}

// isPage says whether a request is for a page: it takes HTML, and its path is not that of a
// file, nor of what other rooms answer.
func isPage(r *http.Request) bool {
	p := r.URL.Path
	if strings.HasPrefix(p, "/api/") || strings.HasPrefix(p, "/auth/") || strings.HasPrefix(p, "/assets/") {
		return false
	}
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*") && r.Header.Get("Sec-Fetch-Dest") == ""
}

func (c *console) file(w http.ResponseWriter, r *http.Request, f *file) {
	h := w.Header()
	if v := r.URL.Query().Get("v"); v != "" && v != c.build {
		// The page is of another build. What is here now would not fit it.
		h.Set("Cache-Control", "no-store")
		http.Error(w, "another build of the console is served by now", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	body, etag := f.body, f.etag
	if f.packed != nil && takesGzip(r.Header.Get("Accept-Encoding")) {
		body, etag = f.packed, strings.TrimSuffix(f.etag, `"`)+`-gzip"`
	}
	h.Set("ETag", etag)
	if match(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if len(body) != len(f.body) {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the reader is gone, or all is well
}

// takesGzip reads Accept-Encoding as far as it matters here: gzip is named and not refused.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, q, _ := strings.Cut(part, ";")
		if name = strings.TrimSpace(name); name == "gzip" || name == "*" {
			q = strings.ReplaceAll(strings.TrimSpace(q), " ", "")
			return strings.Trim(strings.TrimPrefix(q, "q="), "0.") != "" || q == ""
		}
	}
	return false
}

func match(list, etag string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == etag || part == "*" {
			return true
		}
	}
	return false
}

// document sends the one page there is. It has no ETag: its nonce must be that of its own
// headers, which a 304 would renew without the page.
func (c *console) document(w http.ResponseWriter, r *http.Request) {
	nonce := newNonce()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	protect(h, nonce, "")
	body := bytes.ReplaceAll(c.index, []byte("__NONCE__"), []byte(nonce))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the reader is gone, or all is well
}
