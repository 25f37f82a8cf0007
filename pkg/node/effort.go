// SPDX-License-Identifier: Apache-2.0

package node

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// effort is what the agent remembers of an instance between two looks at it. Losing it does no harm: a
// trouble is reported some seconds later, a guest is asked to power off once more.
type effort struct {
	uid types.UID
	// failingSince is when the instance first could not be started.
	failingSince time.Time
	// asked is the grace period of the last shutdown that was asked for; nil for none.
	asked *int64
	// pulling is true once it was told that images are being pulled.
	pulling bool
	// ailing: its guest was asked to power off because it is not alive.
	ailing bool
}

type efforts struct {
	mu    sync.Mutex
	byKey map[types.NamespacedName]effort
}

// of returns the effort for the instance with that UID; an earlier instance's does not count.
func (e *efforts) of(key types.NamespacedName, uid types.UID) effort {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.byKey[key]; known.uid == uid {
		return known
	}
	return effort{uid: uid}
}

func (e *efforts) keep(key types.NamespacedName, current effort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.byKey[key] = current
}

func (e *efforts) forget(key types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.byKey, key)
}
