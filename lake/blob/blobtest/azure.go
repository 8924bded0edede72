package blobtest

import (
	"crypto/md5" //nolint:gosec // what the service compares
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Azure speaks like Azure Blob Storage, for one container.
type Azure struct {
	memory
	container string
	// Token and SAS are what must be presented; "" is nothing.
	Token, SAS string
}

// NewAzure makes a server.
func NewAzure(container string) *Azure { return &Azure{container: container} }

func (s *Azure) fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("X-Ms-Error-Code", code)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, code) // a client that went away is none of ours
	}
}

// ServeHTTP answers.
func (s *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, err := url.PathUnescape(r.URL.EscapedPath())
	switch {
	case err != nil || r.Header.Get("X-Ms-Version") == "":
		s.fail(w, r, http.StatusBadRequest, "InvalidHeaderValue")
		return
	case s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token || s.SAS != "" && r.URL.Query().Get("sig") != s.SAS:
		s.fail(w, r, http.StatusForbidden, "AuthenticationFailed")
		return
	case path == "/"+s.container && r.Method == http.MethodGet && r.URL.Query().Get("comp") == "list":
		s.list(w, r)
		return
	}
	key, ok := strings.CutPrefix(path, "/"+s.container+"/")
	if !ok {
		s.fail(w, r, http.StatusNotFound, "ContainerNotFound")
		return
	}
	if r.Method == http.MethodPut {
		s.write(w, r, key)
		return
	}
	o, ok := s.get(key)
	if !ok {
		s.fail(w, r, http.StatusNotFound, "BlobNotFound")
		return
	}
	etag := fmt.Sprintf(`"0x%X"`, o.generation)
	if want := r.Header.Get("If-Match"); want != "" && want != etag {
		s.fail(w, r, http.StatusPreconditionFailed, "ConditionNotMet")
		return
	}
	w.Header().Set("ETag", etag)
	w.Header().Set("Last-Modified", o.at.Format(http.TimeFormat))
	for k, v := range o.meta {
		w.Header().Set(k, v)
	}
	switch r.Method {
	case http.MethodGet:
		asked := r.Header.Get("X-Ms-Range")
		content(w, asked, o.data)
	case http.MethodHead:
		w.Header().Set("Content-Length", strconv.Itoa(len(o.data)))
	case http.MethodDelete:
		s.remove(key)
		w.WriteHeader(http.StatusAccepted)
	default:
		s.fail(w, r, http.StatusMethodNotAllowed, "UnsupportedHttpVerb")
	}
}

func (s *Azure) write(w http.ResponseWriter, r *http.Request, key string) {
	if r.Header.Get("X-Ms-Blob-Type") != "BlockBlob" || r.ContentLength < 0 {
		s.fail(w, r, http.StatusBadRequest, "InvalidHeaderValue")
		return
	}
	data, ok := readBody(w, r)
	if !ok {
		return
	}
	sum := md5.Sum(data) //nolint:gosec // as above
	if want := r.Header.Get("Content-Md5"); want != "" && want != base64.StdEncoding.EncodeToString(sum[:]) {
		s.fail(w, r, http.StatusBadRequest, "Md5Mismatch")
		return
	}
	meta := map[string]string{}
	for k, v := range r.Header {
		if strings.HasPrefix(k, "X-Ms-Meta-") {
			meta[k] = v[0]
		}
	}
	o, ok := s.put(key, data, meta, r.Header.Get("If-None-Match") == "*")
	if !ok {
		s.fail(w, r, http.StatusConflict, "BlobAlreadyExists")
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"0x%X"`, o.generation))
	w.WriteHeader(http.StatusCreated)
}

type azureBlob struct {
	Name string `xml:"Name"`
	Size int    `xml:"Properties>Content-Length"`
	At   string `xml:"Properties>Last-Modified"`
	ETag string `xml:"Properties>Etag"`
}

func (s *Azure) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("maxresults"))
	if err != nil || limit < 1 || q.Get("restype") != "container" {
		s.fail(w, r, http.StatusBadRequest, "OutOfRangeQueryParameterValue")
		return
	}
	out := struct {
		XMLName xml.Name    `xml:"EnumerationResults"`
		Blobs   []azureBlob `xml:"Blobs>Blob"`
		Next    string      `xml:"NextMarker"`
	}{}
	from, err := base64.URLEncoding.DecodeString(strings.TrimPrefix(q.Get("marker"), "2!"))
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "InvalidMarker")
		return
	}
	for _, k := range s.keys(q.Get("prefix")) {
		if k < string(from) {
			continue
		}
		if len(out.Blobs) == limit {
			out.Next = "2!" + base64.URLEncoding.EncodeToString([]byte(k))
			break
		}
		if o, ok := s.get(k); ok {
			out.Blobs = append(out.Blobs, azureBlob{Name: k, Size: len(o.data), At: o.at.Format(time.RFC1123), ETag: fmt.Sprintf(`"0x%X"`, o.generation)})
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out) // as above
}
