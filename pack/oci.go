package pack

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

const (
	maxManifest = 4 << 20
	maxLayer    = 256 << 20
	maxLayers   = 64
)

// fetchOCI reads the layers of an artifact: archives of rules, or rule files as they are.
func fetchOCI(ctx context.Context, client *http.Client, s Source) (*fetched, error) {
	repo, err := remote.NewRepository(s.OCI)
	if err != nil {
		return nil, err
	}
	repo.PlainHTTP = thisMachine(repo.Reference.Registry)
	repo.Client = &auth.Client{Client: client, Cache: auth.NewCache()}
	ref := s.Ref
	if ref == "" {
		ref = "latest"
	}
	desc, err := repo.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if desc.Size > maxManifest {
		return nil, fmt.Errorf("the manifest has %d bytes, more than %d", desc.Size, maxManifest)
	}
	data, err := content.FetchAll(ctx, repo, desc) // holds size and digest against the descriptor
	if err != nil {
		return nil, err
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", desc.Digest, err)
	}
	if desc.MediaType == ocispec.MediaTypeImageIndex || len(manifest.Layers) == 0 {
		return nil, fmt.Errorf("%s is not an artifact with layers of rules: %s", desc.Digest, desc.MediaType)
	}
	if len(manifest.Layers) > maxLayers {
		return nil, fmt.Errorf("the artifact has %d layers, more than %d", len(manifest.Layers), maxLayers)
	}
	c := &chooser{paths: s.Paths}
	for _, layer := range manifest.Layers {
		if layer.Size > maxLayer {
			return nil, fmt.Errorf("layer %s has %d bytes, more than %d", layer.Digest, layer.Size, maxLayer)
		}
		data, err := content.FetchAll(ctx, repo, layer)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
		title := layer.Annotations[ocispec.AnnotationTitle]
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || strings.Contains(layer.MediaType, "tar") {
			err = c.archive(ctx, data)
		} else if c.wants(title) {
			err = c.add(title, int64(len(data)), func() ([]byte, error) { return data, nil })
		}
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
	}
	out := &fetched{version: desc.Digest.String(), files: c.files}
	if l := manifest.Annotations[ocispec.AnnotationLicenses]; l != "" {
		out.licences = []string{l}
	}
	return out, nil
}

// archive takes the files of a tar archive, compressed or not.
func (c *chooser) archive(ctx context.Context, data []byte) error {
	var r io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		defer func() { _ = z.Close() }()
		r = z
	}
	t := tar.NewReader(io.LimitReader(r, 2*maxTotal)) // what is passed over costs time as well
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Clean(strings.TrimPrefix(h.Name, "./"))
		if h.Typeflag != tar.TypeReg || !c.wants(name) {
			continue
		}
		if err := c.add(name, h.Size, func() ([]byte, error) { return io.ReadAll(io.LimitReader(t, maxFile)) }); err != nil {
			return err
		}
	}
}
