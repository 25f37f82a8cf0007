// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEachGuestHasItsOwnPace(t *testing.T) {
	p := New[string](time.Minute, 3)
	now := time.Now()
	count := func(key string, at time.Time) (allowed int) {
		for range 1000 {
			if p.allow(key, at) {
				allowed++
			}
		}
		return allowed
	}
	assert.Equal(t, 3, count("a", now))
	assert.Equal(t, 3, count("b", now), "one that floods takes nothing from others")
	assert.Equal(t, 2, count("a", now.Add(2*time.Minute)))
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	p := New[int](time.Minute, 1)
	for i := range maxKeys + 10 {
		p.Allow(i)
	}
	assert.LessOrEqual(t, len(p.known), maxKeys)
}
