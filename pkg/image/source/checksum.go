// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// Checksum is the expected digest of an image as it is transferred, that is,
// before decompression.
type Checksum struct {
	// Algorithm is md5, sha1, sha256 or sha512.
	Algorithm string
	sum       []byte
	newHash   func() hash.Hash
}

// ParseChecksum reads "algorithm:hex". Case does not matter.
func ParseChecksum(s string) (Checksum, error) {
	algorithm, digits, found := strings.Cut(s, ":")
	if !found {
		return Checksum{}, fmt.Errorf("invalid checksum format %q: want algorithm:hex, such as sha256:9f86d0…", s)
	}
	newHash := hashFor(strings.ToLower(algorithm))
	if newHash == nil {
		return Checksum{}, fmt.Errorf("invalid checksum format: unknown algorithm %q, want md5, sha1, sha256 or sha512", algorithm)
	}
	sum, err := hex.DecodeString(digits)
	if err != nil {
		return Checksum{}, fmt.Errorf("invalid checksum format: the %s digest is not hexadecimal", algorithm)
	}
	if want := newHash().Size(); len(sum) != want {
		return Checksum{}, fmt.Errorf("invalid checksum format: a %s digest has %d hexadecimal digits, not %d", algorithm, 2*want, len(digits))
	}
	return Checksum{Algorithm: strings.ToLower(algorithm), sum: sum, newHash: newHash}, nil
}

func hashFor(algorithm string) func() hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha512":
		return sha512.New
	}
	return nil
}

// Hash returns a new hash of c's algorithm.
func (c Checksum) Hash() hash.Hash { return c.newHash() }

// Matches reports whether sum is the expected digest.
func (c Checksum) Matches(sum []byte) bool { return bytes.Equal(c.sum, sum) }

// String returns the canonical "algorithm:hex".
func (c Checksum) String() string { return Format(c.Algorithm, c.sum) }

// Format returns "algorithm:hex" for a digest.
func Format(algorithm string, sum []byte) string {
	return algorithm + ":" + hex.EncodeToString(sum)
}
