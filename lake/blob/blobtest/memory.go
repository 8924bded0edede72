package blobtest

import (
	"crypto/md5" //nolint:gosec // what the services compare
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// memory holds objects.
type memory struct {
	mu      sync.Mutex
	objects map[string]object
	count   int64
}

type object struct {
	data       []byte
	meta       map[string]string
	generation int64
	at         time.Time
}

func (o object) md5() string {
	sum := md5.Sum(o.data) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// put writes an object; false when it must be absent and is not.
func (m *memory) put(key string, data []byte, meta map[string]string, absent bool) (object, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string]object{}
	}
	if _, ok := m.objects[key]; ok && absent {
		return object{}, false
	}
	m.count++
	o := object{data: data, meta: meta, generation: m.count, at: time.Date(2026, 5, 1, 0, 0, int(m.count%86400), 0, time.UTC)}
	m.objects[key] = o
	return o, true
}

func (m *memory) get(key string) (object, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	return o, ok
}

func (m *memory) remove(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.objects[key]
	delete(m.objects, key)
	return ok
}

func (m *memory) keys(prefix string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for k := range m.objects {
		if strings.HasPrefix(k, prefix) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// content answers with an object or the part of it that is asked for.
func content(w http.ResponseWriter, asked string, data []byte) {
	size := len(data)
	code := http.StatusOK
	if asked != "" {
		first, last, ok := strings.Cut(strings.TrimPrefix(asked, "bytes="), "-")
		a, err := strconv.Atoi(first)
		z := size - 1
		if last != "" {
			var err2 error
			if z, err2 = strconv.Atoi(last); err2 != nil {
				ok = false
			}
		}
		if !ok || err != nil {
			http.Error(w, "range", http.StatusBadRequest)
			return
		}
		if a >= size {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		z = min(z, size-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", a, z, size))
		data, code = data[a:z+1], http.StatusPartialContent
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(code)
	_, _ = w.Write(data) // a client that went away is none of ours
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	data, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil || r.ContentLength >= 0 && int64(len(data)) != r.ContentLength {
		http.Error(w, "body", http.StatusBadRequest)
		return nil, false
	}
	return data, true
}
