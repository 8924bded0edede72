package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// registry is an OCI registry that gives out what it holds to those who have its token,
// as public registries do.
type registry struct {
	blobs map[string][]byte // by digest
	tags  map[string]string // digest by tag
	lie   bool              // answers blobs with other bytes
	fail  int               // how many requests are answered with 503 first
	url   string
}

func (r *registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if r.fail > 0 {
		r.fail--
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if q.URL.Path == "/token" {
		_ = json.NewEncoder(w).Encode(map[string]string{"token": "anonymous"})
		return
	}
	if q.Header.Get("Authorization") != "Bearer anonymous" {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="here",scope="repository:acme/rules:pull"`, r.url))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, what, _ := strings.Cut(q.URL.Path, "/v2/acme/rules/")
	kind, ref, _ := strings.Cut(what, "/")
	if d, ok := r.tags[ref]; ok {
		ref = d
	}
	data, ok := r.blobs[ref]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if kind == "manifests" {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
	} else if r.lie {
		data = bytes.Repeat([]byte("x"), len(data))
	}
	w.Header().Set("Docker-Content-Digest", ref)
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	if q.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
}

func (r *registry) put(data []byte) digest.Digest {
	d := digest.FromBytes(data)
	r.blobs[d.String()] = data
	return d
}

func (r *registry) publish(t *testing.T, tag, mediaType string, data []byte) {
	t.Helper()
	layer := ocispec.Descriptor{MediaType: mediaType, Digest: r.put(data), Size: int64(len(data)), Annotations: map[string]string{ocispec.AnnotationTitle: "one.yaml"}}
	config := []byte("{}")
	m, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.Descriptor{MediaType: "application/json", Digest: r.put(config), Size: 2}, Layers: []ocispec.Descriptor{layer},
		Annotations: map[string]string{ocispec.AnnotationLicenses: "Apache-2.0"}})
	if err != nil {
		t.Fatal(err)
	}
	r.tags[tag] = r.put(m).String()
}

func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOCI(t *testing.T) {
	r := &registry{blobs: map[string][]byte{}, tags: map[string]string{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	host := strings.TrimPrefix(server.URL, "http://")
	r.publish(t, "latest", "application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz", archive(t, map[string]string{"rules.yaml": "- rule: a\n", "run.sh": "no"}))
	r.publish(t, "plain", "application/yaml", []byte("- rule: b\n"))
	r.publish(t, "climbs", "application/tar+gzip", archive(t, map[string]string{"../../evil.yml": "x"}))
	fetch := func(tag string) (*Done, error) {
		p, err := Parse("oci://"+host+"/acme/rules"+tag, "", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		return Fetch(t.Context(), Options{Into: t.TempDir(), Pack: p, Now: now})
	}
	r.fail = 1
	done, err := fetch("")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"rules.yaml": sumOf([]byte("- rule: a\n"))}, done.Lock.Files); d != "" {
		t.Error(d)
	}
	if done.Lock.Version != r.tags["latest"] || !cmp.Equal(done.Lock.Licences, []Licence{{Name: "Apache-2.0"}}) {
		t.Errorf("%+v", done.Lock)
	}
	if done, err = fetch(":plain"); err != nil || len(done.Lock.Files) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err = fetch("@" + r.tags["plain"]); err != nil {
		t.Error(err)
	}
	for _, tag := range []string{":climbs", ":nosuch"} {
		if _, err := fetch(tag); err == nil {
			t.Errorf("%s was taken", tag)
		}
	}
	r.lie = true
	if _, err := fetch(":plain"); err == nil {
		t.Error("other bytes than the digest says were taken")
	}
}
