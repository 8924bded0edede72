package blobtest

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// GCS speaks like the JSON API of Google Cloud Storage, for one bucket.
type GCS struct {
	memory
	bucket string
	// Token is what must be presented; "" is nothing.
	Token string
}

// NewGCS makes a server.
func NewGCS(bucket string) *GCS { return &GCS{bucket: bucket} }

func (s *GCS) fail(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": reason, "errors": []any{map[string]string{"reason": reason}}}}) // as above
}

func describeGCS(key string, o object) map[string]any {
	return map[string]any{"kind": "storage#object", "name": key, "size": strconv.Itoa(len(o.data)), "generation": strconv.FormatInt(o.generation, 10),
		"updated": o.at.Format(time.RFC3339Nano), "md5Hash": o.md5(), "metadata": o.meta}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // as above
}

// ServeHTTP answers.
func (s *GCS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token {
		s.fail(w, http.StatusUnauthorized, "authError")
		return
	}
	path, err := url.PathUnescape(r.URL.EscapedPath())
	if err != nil {
		s.fail(w, http.StatusBadRequest, "invalid")
		return
	}
	base := "/storage/v1/b/" + s.bucket + "/o"
	switch {
	case r.Method == http.MethodPost && path == "/upload"+base && r.URL.Query().Get("uploadType") == "multipart":
		s.insert(w, r)
	case r.Method == http.MethodGet && path == base:
		s.list(w, r)
	case strings.HasPrefix(path, base+"/"):
		s.object(w, r, path[len(base)+1:])
	default:
		s.fail(w, http.StatusNotFound, "notFound")
	}
}

func (s *GCS) insert(w http.ResponseWriter, r *http.Request) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" {
		s.fail(w, http.StatusBadRequest, "badContent")
		return
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	var meta struct {
		Name     string
		MD5      string `json:"md5Hash"`
		Metadata map[string]string
	}
	var data []byte
	one, err := parts.NextPart()
	if err == nil {
		err = json.NewDecoder(one).Decode(&meta)
	}
	if err == nil {
		one, err = parts.NextPart()
	}
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(one, 64<<20))
	}
	if err == nil {
		if _, end := parts.NextPart(); end != io.EOF { //nolint:errorlint // multipart returns it bare
			err = io.ErrUnexpectedEOF
		}
	}
	o := object{data: data}
	if err != nil || meta.Name == "" || meta.MD5 != "" && meta.MD5 != o.md5() {
		s.fail(w, http.StatusBadRequest, "invalid")
		return
	}
	condition := r.URL.Query().Get("ifGenerationMatch")
	if condition != "" && condition != "0" {
		s.fail(w, http.StatusNotImplemented, "notImplemented")
		return
	}
	o, ok := s.put(meta.Name, data, meta.Metadata, condition == "0")
	if !ok {
		s.fail(w, http.StatusPreconditionFailed, "conditionNotMet")
		return
	}
	answer(w, describeGCS(meta.Name, o))
}

func (s *GCS) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("maxResults"))
	if err != nil || limit < 1 {
		s.fail(w, http.StatusBadRequest, "invalid")
		return
	}
	items := []any{}
	next := ""
	for _, k := range s.keys(q.Get("prefix")) {
		if k < q.Get("startOffset") || k <= q.Get("pageToken") && q.Get("pageToken") != "" {
			continue
		}
		// Pages may be shorter than what was asked for.
		if len(items) == min(limit, 7) {
			break
		}
		if o, ok := s.get(k); ok {
			items = append(items, describeGCS(k, o))
			next = k
		}
	}
	out := map[string]any{"items": items}
	if all := s.keys(q.Get("prefix")); next != "" && all[len(all)-1] != next {
		out["nextPageToken"] = next
	}
	answer(w, out)
}

func (s *GCS) object(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := s.get(key)
	if g := r.URL.Query().Get("generation"); ok && g != "" && g != strconv.FormatInt(o.generation, 10) {
		ok = false
	}
	switch {
	case r.Method == http.MethodDelete && s.remove(key):
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && ok && r.URL.Query().Get("alt") == "media":
		w.Header().Set("X-Goog-Generation", strconv.FormatInt(o.generation, 10))
		content(w, r.Header.Get("Range"), o.data)
	case r.Method == http.MethodGet && ok:
		answer(w, describeGCS(key, o))
	default:
		s.fail(w, http.StatusNotFound, "notFound")
	}
}
