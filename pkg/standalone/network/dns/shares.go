// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"net/netip"
	"sync"
)

// shares divides a number of places among guests, so that no guest has them all.
type shares struct {
	max, each int

	mu    sync.Mutex
	taken int
	by    map[netip.Addr]int
}

func newShares(max, each int) *shares { return &shares{max: max, each: each, by: map[netip.Addr]int{}} }

// take returns false where there is no place for the guest. Else give returns it.
func (s *shares) take(guest netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.max || s.by[guest] >= s.each {
		return false
	}
	s.taken++
	s.by[guest]++
	return true
}

func (s *shares) give(guest netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.by[guest]--; s.by[guest] == 0 {
		delete(s.by, guest)
	}
}
