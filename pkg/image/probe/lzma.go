// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/binary"
	"math"
	"math/bits"
)

const (
	lzma = "lzma"
	// lzmaHeader is a byte of properties, the size of the dictionary and that of the content; the first byte of
	// the data that follows is 0.
	lzmaHeader = 1 + 4 + 8
	// maxProperties is the largest byte of properties.
	maxProperties = (4*5+4)*9 + 8
	// minDictionary and maxContent are those beyond which xz does not believe in a header either.
	minDictionary = 4 << 10
	maxContent    = 256 << 30
)

// archive names what wraps an image, or is empty.
func archive(head []byte) string {
	if isLzma(head) {
		return lzma
	}
	return find(archives(), head)
}

// isLzma says whether head begins a .lzma file, which has no magic. What xz believes is asked for, and more, as a
// disk may begin with anything.
func isLzma(head []byte) bool {
	if len(head) <= lzmaHeader || head[0] > maxProperties || head[lzmaHeader] != 0 {
		return false
	}
	dictionary := binary.LittleEndian.Uint32(head[1:])
	content := binary.LittleEndian.Uint64(head[5:])
	if content != math.MaxUint64 && (content == 0 || content >= maxContent) {
		return false
	}
	return dictionary == math.MaxUint32 || dictionary >= minDictionary && isRound(dictionary)
}

// isRound says whether n is 2^k or 2^k + 2^(k-1).
func isRound(n uint32) bool {
	return bits.OnesCount32(n) == 1 || bits.OnesCount32(n) == 2 && n&(n>>1) != 0
}
