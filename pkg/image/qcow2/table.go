// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"encoding/binary"
	"math/bits"
)

const (
	sectorSize = 512
	// maxOffset bounds offsets in the image file: the format has 56 bits for them.
	maxOffset  = 1<<56 - 1
	offsetMask = maxOffset &^ (sectorSize - 1)

	entryZero       = 1 << 0
	entryCompressed = 1 << 62

	subclusters = 32
)

// l2Table turns the entries of one L2 table into items. Entries that follow
// one another in the image file as they do on the guest's disk become one.
type l2Table struct {
	header *Header
	emit   func(item) error
	last   item
}

// parse reads raw, the table that maps the guest's disk from offset guest on.
// What lies beyond the virtual size is not part of the disk and left out.
func (t *l2Table) parse(raw []byte, guest int64) error {
	size := 8
	if t.header.extendedL2 {
		size = 16
	}
	for ; len(raw) >= size && guest < t.header.VirtualSize; raw, guest = raw[size:], guest+t.header.ClusterSize {
		entry := binary.BigEndian.Uint64(raw)
		if err := t.entry(entry, raw[8:size], guest); err != nil {
			return err
		}
	}
	return t.flush()
}

func (t *l2Table) entry(entry uint64, extension []byte, guest int64) error {
	if entry&entryCompressed != 0 {
		return t.compressed(entry, guest)
	}
	host := int64(entry & offsetMask)
	if host%t.header.ClusterSize != 0 {
		return corrupt("the cluster at guest offset %#x is mapped to %#x, which is not aligned", guest, host)
	}
	if len(extension) > 0 {
		if entry&entryZero != 0 {
			return corrupt("the extended L2 entry at guest offset %#x has a reserved bit set", guest)
		}
		return t.extended(host, binary.BigEndian.Uint64(extension), guest)
	}
	if entry&entryZero != 0 {
		if t.header.Version == 2 {
			return corrupt("version 2 knows no zero clusters, but guest offset %#x is one", guest)
		}
		return t.add(item{host: host, length: t.header.ClusterSize, kind: kindSkip})
	}
	return t.add(item{host: host, length: t.header.ClusterSize, guest: guest, kind: kindData})
}

// extended reads the bitmap that says which of the subclusters hold data: the
// low half has a bit for each that is allocated, the high half for each that
// reads as zeros.
func (t *l2Table) extended(host int64, bitmap uint64, guest int64) error {
	allocated, zero := uint32(bitmap), uint32(bitmap>>32)
	if allocated&zero != 0 || (allocated != 0 && host == 0) {
		return corrupt("the subclusters at guest offset %#x are both data and zeros, or have no place", guest)
	}
	if host == 0 {
		return nil
	}
	size := t.header.ClusterSize / subclusters
	for i := 0; i < subclusters; {
		kind, run := kindData, bits.TrailingZeros32(^(allocated >> i))
		if run == 0 {
			kind, run = kindSkip, min(bits.TrailingZeros32(allocated>>i), subclusters-i)
		}
		shift := int64(i) * size
		if err := t.add(item{host: host + shift, length: int64(run) * size, guest: guest + shift, kind: kind}); err != nil {
			return err
		}
		i += run
	}
	return nil
}

// compressed reads a descriptor whose split between offset and length depends
// on the cluster size. The length is in sectors, so its last bytes may belong
// to the next cluster.
func (t *l2Table) compressed(entry uint64, guest int64) error {
	shift := 62 - (t.header.clusterBits - 8)
	host := int64(entry & (1<<shift - 1))
	sectors := int64(entry&(entryCompressed-1)) >> shift
	end := host&^(sectorSize-1) + (sectors+1)*sectorSize
	if host > maxOffset {
		return corrupt("the compressed cluster at guest offset %#x lies at %#x", guest, host)
	}
	return t.add(item{host: host, length: end - host, guest: guest, kind: kindCompressed})
}

// add joins next to the last item or passes that on.
func (t *l2Table) add(next item) error {
	if next.host == 0 {
		return nil // not allocated
	}
	if next.kind == kindData {
		next.length = min(next.length, t.header.VirtualSize-next.guest)
	}
	if next.length <= 0 {
		return nil // beyond the virtual size
	}
	if t.last.kind == next.kind && t.last.end() == next.host && next.kind != kindCompressed &&
		(next.kind == kindSkip || t.last.guest+t.last.length == next.guest) {
		t.last.length += next.length
		return nil
	}
	if err := t.flush(); err != nil {
		return err
	}
	t.last = next
	return nil
}

func (t *l2Table) flush() error {
	last := t.last
	t.last = item{}
	if last.length == 0 {
		return nil
	}
	return t.emit(last)
}
