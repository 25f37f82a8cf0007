// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxKeys are remembered; then all begin anew. No network has more guests that ask at one time.
const maxKeys = 1 << 16

// Pace allows each key so much. It is safe for concurrent use.
type Pace[K comparable] struct {
	interval time.Duration
	burst    int

	mu    sync.Mutex
	known map[K]*rate.Limiter
}

// New returns a Pace that allows each key burst times at once, and then once in each interval.
func New[K comparable](interval time.Duration, burst int) *Pace[K] {
	return &Pace[K]{interval: interval, burst: burst, known: map[K]*rate.Limiter{}}
}

// Allow says whether it may be done once more for the key.
func (p *Pace[K]) Allow(key K) bool { return p.allow(key, time.Now()) }

func (p *Pace[K]) allow(key K, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.known[key]
	if limiter == nil {
		if len(p.known) >= maxKeys {
			clear(p.known)
		}
		limiter = rate.NewLimiter(rate.Every(p.interval), p.burst)
		p.known[key] = limiter
	}
	return limiter.AllowN(now, 1)
}
