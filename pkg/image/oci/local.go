// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"bytes"
	"context"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const (
	indexFile = "index.json"
	// tagAnnotation is where a layout says what its images are called.
	tagAnnotation = "org.opencontainers.image.ref.name"
	// maxDepth of indexes in indexes.
	maxDepth = 4
)

func openLocal(blobs blobs, local source.Local) (*image, error) {
	raw, err := readAll(blobs, indexFile)
	if err != nil {
		return nil, failure.Transient(failure.NotFound, "%s is no OCI image layout: %v", local.Path, err)
	}
	chosen, err := choose(blobs, raw, func(d v1.Descriptor) bool { return names(d, local) }, 0)
	if err != nil {
		return nil, err
	}
	content, err := readBlob(blobs, *chosen)
	if err != nil {
		return nil, err
	}
	manifest, err := parseManifest(content)
	if err != nil {
		return nil, err
	}
	layer := func(_ context.Context, descriptor v1.Descriptor) (io.ReadCloser, error) {
		return openBlob(blobs, descriptor.Digest)
	}
	config := func() ([]byte, error) { return readBlob(blobs, manifest.Config) }
	return &image{digest: chosen.Digest, manifest: manifest, layer: layer, config: config}, nil
}

// names says whether the user's tag or digest, if there is one, is that of the image.
func names(d v1.Descriptor, local source.Local) bool {
	if local.Digest != "" {
		return d.Digest.String() == local.Digest
	}
	tag := d.Annotations[tagAnnotation]
	// Some tools write the whole reference.
	return local.Tag == "" || tag == local.Tag || strings.HasSuffix(tag, ":"+local.Tag)
}

// choose finds the one image in an index that wanted accepts and that is for this platform.
func choose(blobs blobs, raw []byte, wanted func(v1.Descriptor) bool, depth int) (*v1.Descriptor, error) {
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, failure.Permanent(failure.CorruptImage, "the index of the image can't be read: %v", err)
	}
	var fitting []v1.Descriptor
	for _, d := range index.Manifests {
		if wanted(d) && (d.MediaType.IsImage() || d.MediaType.IsIndex()) && (d.Platform == nil || d.Platform.Satisfies(platform())) {
			fitting = append(fitting, d)
		}
	}
	switch {
	case len(fitting) == 0:
		return nil, failure.Transient(failure.NotFound, "there is no image of that name for %s", platform())
	case len(fitting) > 1:
		return nil, failure.Permanent(failure.InvalidRequest,
			"there are %d images: choose one by appending :TAG or @DIGEST to the path", len(fitting))
	case fitting[0].MediaType.IsImage():
		return &fitting[0], nil
	case depth == maxDepth:
		return nil, failure.Permanent(failure.CorruptImage, "the indexes of the image are nested too deep")
	}
	nested, err := readBlob(blobs, fitting[0])
	if err != nil {
		return nil, err
	}
	return choose(blobs, nested, func(v1.Descriptor) bool { return true }, depth+1)
}

// readBlob reads a small blob, checked against its digest.
func readBlob(blobs blobs, d v1.Descriptor) ([]byte, error) {
	r, err := openBlob(blobs, d.Digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	checked, err := newVerifier(r, d)
	if err != nil {
		return nil, err
	}
	return readLimited(checked)
}

func openBlob(blobs blobs, digest v1.Hash) (io.ReadCloser, error) {
	// What v1.NewHash accepts, which parsing has used, has no slash in it.
	r, err := blobs.open("blobs/" + digest.Algorithm + "/" + digest.Hex)
	if err != nil {
		return nil, failure.Transient(failure.NotFound, "the image is not complete: %v", err)
	}
	return r, nil
}

func readAll(blobs blobs, name string) ([]byte, error) {
	r, err := blobs.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readLimited(r)
}

func readLimited(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxManifest {
		return nil, failure.Permanent(failure.CorruptImage, "a manifest of the image is larger than %d bytes", maxManifest)
	}
	return raw, nil
}
