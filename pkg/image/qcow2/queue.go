// SPDX-License-Identifier: Apache-2.0

package qcow2

import "container/heap"

// kind says what the bytes of an item are.
type kind uint8

const (
	kindSkip       kind = iota // of no use to the decoder
	kindL1                     // the active L1 table
	kindL2                     // an L2 table; guest is the start of what it maps
	kindRefTable               // the refcount table
	kindData                   // clusters, as the guest sees them
	kindCompressed             // one compressed cluster
)

// item is a range of the image file whose use is known.
type item struct {
	host   int64 // offset in the image file
	length int64 // bytes in the image file
	guest  int64 // offset on the guest's disk
	kind   kind
}

func (i item) end() int64 { return i.host + i.length }

// floor returns the lowest offset at which the next item may begin. Compressed
// clusters are packed: the next one may share the last sector.
func (i item) floor() int64 {
	if i.kind == kindCompressed {
		return max(i.host+1, i.end()-sectorSize)
	}
	return i.end()
}

// needed reports whether the disk cannot be read without i.
func (i item) needed() bool { return i.kind != kindSkip && i.kind != kindRefTable }

// queue holds items ordered by their place in the image file.
type queue struct {
	heap   items
	needed int // how many of them are
}

func (q *queue) len() int { return len(q.heap) }

func (q *queue) push(i item) {
	heap.Push(&q.heap, i)
	if i.needed() {
		q.needed++
	}
}

func (q *queue) pop() item {
	i := heap.Pop(&q.heap).(item)
	if i.needed() {
		q.needed--
	}
	return i
}

// nextHost returns where the first item begins, and def if there is none.
func (q *queue) nextHost(def int64) int64 {
	if len(q.heap) == 0 {
		return def
	}
	return q.heap[0].host
}

type items []item

func (s items) Len() int           { return len(s) }
func (s items) Less(i, j int) bool { return s[i].host < s[j].host }
func (s items) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *items) Push(x any)        { *s = append(*s, x.(item)) }

func (s *items) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	*s = (*s)[:last]
	return x
}
