// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"encoding/hex"
	"errors"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// verifier passes on what its descriptor says, and fails at the end where it was something else.
type verifier struct {
	r          io.Reader
	descriptor v1.Descriptor
	digest     hash.Hash
	left       int64
}

func newVerifier(r io.Reader, d v1.Descriptor) (*verifier, error) {
	if d.Size < 0 {
		return nil, failure.Permanent(failure.CorruptImage, "%s has a size of %d bytes", d.Digest, d.Size)
	}
	digest, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		return nil, failure.Permanent(failure.UnsupportedFormat, "%s: %v", d.Digest, err)
	}
	return &verifier{r: r, descriptor: d, digest: digest, left: d.Size}, nil
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.left -= int64(n)
	v.digest.Write(p[:n])
	if v.left < 0 {
		return 0, v.mismatch("it is longer than the %d bytes that its descriptor says", v.descriptor.Size)
	}
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if v.left > 0 {
		return n, failure.Transient(failure.Truncated,
			"%s was cut: %d of %d bytes are missing", v.descriptor.Digest, v.left, v.descriptor.Size)
	}
	if got := hex.EncodeToString(v.digest.Sum(nil)); got != v.descriptor.Digest.Hex {
		return n, v.mismatch("its digest is %s", got)
	}
	return n, io.EOF
}

func (v *verifier) mismatch(format string, args ...any) error {
	return failure.Transient(failure.ChecksumError, v.descriptor.Digest.String()+" is not what it should be: "+format, args...)
}
