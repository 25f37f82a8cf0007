// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"encoding/binary"
	"fmt"
	"io"
)

// What an overlay is made of.
const (
	overlayClusterBits = 16
	overlayCluster     = 1 << overlayClusterBits
	// refcountOrder is that of 16-bit counts.
	refcountOrder = 4
	// backingFormatExtension is the type of the header extension that names the format of the backing file.
	backingFormatExtension = 0xe2792aca
	overlayHeaderSize      = 112
)

// NewOverlay writes to w, which is empty, an image of size bytes that reads as the raw disk at backing does
// wherever the guest has not written. backing is an absolute path, or relative to the image.
func NewOverlay(w io.WriterAt, size int64, backing string) error {
	const reach = int64(overlayCluster / 8 * overlayCluster)
	if size <= 0 || size > maxL1Entries*reach {
		return fmt.Errorf("overlay: size of %d bytes", size)
	}
	if backing == "" || len(backing) > maxNameLength {
		return fmt.Errorf("overlay: the name of the backing file has %d bytes, want 1 to %d", len(backing), maxNameLength)
	}
	l1Entries := (size + reach - 1) / reach
	l1Clusters := (l1Entries*8 + overlayCluster - 1) / overlayCluster
	// Clusters: header, refcount table, refcount block, L1 table.
	used := 3 + l1Clusters
	table := make([]byte, 8)
	binary.BigEndian.PutUint64(table, 2*overlayCluster)
	counts := make([]byte, 2*used)
	for i := range used {
		binary.BigEndian.PutUint16(counts[2*i:], 1)
	}
	for _, part := range []struct {
		content []byte
		cluster int64
	}{
		{overlayHeader(size, backing, l1Entries), 0},
		{table, 1},
		{counts, 2},
		{make([]byte, l1Clusters*overlayCluster), 3},
	} {
		if _, err := w.WriteAt(part.content, part.cluster*overlayCluster); err != nil {
			return fmt.Errorf("overlay: %w", err)
		}
	}
	return nil
}

func overlayHeader(size int64, backing string, l1Entries int64) []byte {
	const format = "raw"
	extension := make([]byte, 16)
	binary.BigEndian.PutUint32(extension, backingFormatExtension)
	binary.BigEndian.PutUint32(extension[4:], uint32(len(format)))
	copy(extension[8:], format)
	// An empty extension ends the list.
	nameAt := overlayHeaderSize + len(extension) + 8

	h := make([]byte, nameAt+len(backing))
	put32, put64 := binary.BigEndian.PutUint32, binary.BigEndian.PutUint64
	copy(h, "QFI\xfb")
	put32(h[4:], 3)
	put64(h[8:], uint64(nameAt))
	put32(h[16:], uint32(len(backing)))
	put32(h[20:], overlayClusterBits)
	put64(h[24:], uint64(size))
	put32(h[36:], uint32(l1Entries))
	put64(h[40:], 3*overlayCluster)
	put64(h[48:], overlayCluster)
	put32(h[56:], 1) // clusters of the refcount table
	put32(h[96:], refcountOrder)
	put32(h[100:], overlayHeaderSize)
	copy(h[overlayHeaderSize:], extension)
	copy(h[nameAt:], backing)
	return h
}
