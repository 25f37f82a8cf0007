// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"encoding/binary"
	"math"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// Sizes and limits of the format; the limits are those of QEMU.
const (
	headerSizeV2   = 72
	headerSizeV3   = 104
	minClusterBits = 9
	maxClusterBits = 21
	maxL1Entries   = 32 << 20 / 8
	maxRefTable    = 8 << 20
	maxNameLength  = 1023
)

// Bits of the incompatible features field.
const (
	featureDirty        = 1 << 0
	featureCorrupt      = 1 << 1
	featureExternalData = 1 << 2
	featureCompression  = 1 << 3
	featureExtendedL2   = 1 << 4
	featuresKnown       = featureDirty | featureCompression | featureExtendedL2
)

// Compression types of compressed clusters.
const (
	compressionDeflate = 0
	compressionZstd    = 1
)

// Header is what an image says of itself, checked.
type Header struct {
	// Version is 2 or 3.
	Version int
	// VirtualSize is the size of the guest's disk, in bytes.
	VirtualSize int64
	// ClusterSize is in bytes.
	ClusterSize int64

	clusterBits int
	l1Offset    int64
	l1Entries   int64
	refOffset   int64
	refLength   int64
	extendedL2  bool
	compression byte
}

// ParseHeader checks the header at the start of b, which holds at least 512
// bytes unless the image is shorter, against what this package can decode and
// against maxSize, the size of the volume in bytes.
func ParseHeader(b []byte, maxSize int64) (Header, error) {
	if len(b) < headerSizeV2 || string(b[:4]) != "QFI\xfb" {
		return Header{}, corrupt("the header is cut off or has the wrong magic")
	}
	h := Header{
		Version:     int(binary.BigEndian.Uint32(b[4:])),
		clusterBits: int(binary.BigEndian.Uint32(b[20:])),
		l1Entries:   int64(binary.BigEndian.Uint32(b[36:])),
	}
	if h.Version != 2 && h.Version != 3 {
		return Header{}, unsupported("its version is %d, only 2 and 3 are known", h.Version)
	}
	if h.clusterBits < minClusterBits || h.clusterBits > maxClusterBits {
		return Header{}, corrupt("cluster_bits is %d, want %d to %d", h.clusterBits, minClusterBits, maxClusterBits)
	}
	h.ClusterSize = 1 << h.clusterBits
	if err := refuseBackingFile(b); err != nil {
		return Header{}, err
	}
	if method := binary.BigEndian.Uint32(b[32:]); method != 0 {
		return Header{}, failure.Permanent(failure.EncryptedImage,
			"the qcow2 image is encrypted (method %d): decrypt it with \"qemu-img convert\" and import that", method)
	}
	if err := h.parseFeatures(b); err != nil {
		return Header{}, err
	}
	if err := h.parseSize(binary.BigEndian.Uint64(b[24:]), maxSize); err != nil {
		return Header{}, err
	}
	return h, h.parseTables(b)
}

// parseFeatures reads the fields that version 3 added.
func (h *Header) parseFeatures(b []byte) error {
	if h.Version == 2 {
		return nil
	}
	if len(b) < headerSizeV3 {
		return corrupt("the header is cut off")
	}
	length := int64(binary.BigEndian.Uint32(b[100:]))
	if length < headerSizeV3 || length > h.ClusterSize {
		return corrupt("header_length is %d, want %d to the cluster size of %d", length, headerSizeV3, h.ClusterSize)
	}
	if order := binary.BigEndian.Uint32(b[96:]); order > 6 {
		return corrupt("refcount_order is %d, want at most 6", order)
	}
	features := binary.BigEndian.Uint64(b[72:])
	switch {
	case features&featureExternalData != 0:
		return failure.Permanent(failure.ExternalDataFileRefused,
			"the qcow2 image keeps its data in another file, which is refused: make a self-contained image with \"qemu-img convert -O qcow2 IN OUT.qcow2\" and import that")
	case features&featureCorrupt != 0:
		return corrupt("it is marked as corrupt: repair it with \"qemu-img check -r all\"")
	case features&^featuresKnown != 0:
		return unsupported("it uses unknown incompatible features (%#x)", features&^featuresKnown)
	}
	h.extendedL2 = features&featureExtendedL2 != 0
	if h.extendedL2 && h.clusterBits < 14 {
		return corrupt("extended L2 entries need clusters of at least 16 KiB")
	}
	if length > headerSizeV3 && len(b) > headerSizeV3 {
		h.compression = b[headerSizeV3]
	}
	if (h.compression != compressionDeflate) != (features&featureCompression != 0) {
		return corrupt("compression type %d and the feature bits disagree", h.compression)
	}
	if h.compression > compressionZstd {
		return unsupported("its compression type is %d, only deflate and zstd are known", h.compression)
	}
	return nil
}

func (h *Header) parseSize(size uint64, maxSize int64) error {
	if size > math.MaxInt64 {
		return corrupt("its virtual size of %d bytes is absurd", size)
	}
	h.VirtualSize = int64(size)
	if h.VirtualSize > maxSize {
		return failure.Permanent(failure.ImageTooLarge,
			"virtual size %[1]d is larger than the requested %[2]d bytes: raise the request to at least %[1]d", h.VirtualSize, maxSize)
	}
	return nil
}

// parseTables reads where the L1 and refcount tables are.
func (h *Header) parseTables(b []byte) error {
	l1Offset := binary.BigEndian.Uint64(b[40:])
	if h.l1Entries > maxL1Entries {
		return corrupt("the L1 table has %d entries, more than %d", h.l1Entries, maxL1Entries)
	}
	need := h.l1Need()
	if h.l1Entries < need {
		return corrupt("the L1 table has %d entries, its virtual size needs %d", h.l1Entries, need)
	}
	if need > 0 && (l1Offset == 0 || l1Offset%uint64(h.ClusterSize) != 0 || l1Offset > maxOffset) {
		return corrupt("the L1 table's offset %#x is not that of a cluster", l1Offset)
	}
	h.l1Offset = int64(l1Offset)

	// Refcounts are not needed for reading: a table that makes no sense is left alone.
	refOffset := binary.BigEndian.Uint64(b[48:])
	refLength := int64(binary.BigEndian.Uint32(b[56:])) * h.ClusterSize
	if refOffset <= maxOffset && refOffset%uint64(h.ClusterSize) == 0 && refLength <= maxRefTable {
		h.refOffset, h.refLength = int64(refOffset), refLength
	}
	return nil
}

// l2Entries returns the number of clusters that one L2 table maps.
func (h *Header) l2Entries() int64 {
	if h.extendedL2 {
		return h.ClusterSize / 16
	}
	return h.ClusterSize / 8
}

// l2Reach returns the number of guest bytes that one L2 table maps.
func (h *Header) l2Reach() int64 { return h.l2Entries() * h.ClusterSize }

// l1Need returns the number of L1 entries that the virtual size calls for.
func (h *Header) l1Need() int64 {
	return h.VirtualSize/h.l2Reach() + min(1, h.VirtualSize%h.l2Reach())
}

func refuseBackingFile(b []byte) error {
	offset := binary.BigEndian.Uint64(b[8:])
	if offset == 0 {
		return nil
	}
	name := ""
	length := uint64(binary.BigEndian.Uint32(b[16:]))
	if length <= maxNameLength && offset < uint64(len(b)) {
		name = string(b[offset:min(offset+length, uint64(len(b)))])
	}
	return failure.Permanent(failure.BackingFileRefused,
		"the qcow2 image needs a backing file (%.200q), which is refused: make a self-contained image with \"qemu-img convert -O qcow2 IN OUT.qcow2\" and import that", name)
}

func corrupt(format string, args ...any) error {
	return failure.Permanent(failure.CorruptImage, "the qcow2 image is corrupt: "+format, args...)
}

func unsupported(format string, args ...any) error {
	return failure.Permanent(failure.UnsupportedFormat,
		"the qcow2 image cannot be read: "+format+`; rewrite it with "qemu-img convert -O qcow2 IN OUT.qcow2"`, args...)
}

func fragmented(format string, args ...any) error {
	return failure.Permanent(failure.ImageTooFragmented,
		"the qcow2 image cannot be read in one pass: "+format+`; rewrite it with "qemu-img convert -O qcow2 IN OUT.qcow2" and import that`, args...)
}
