// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// reservations notes who gets a claim that only one instance may use, from before it has a node until the
// cache has learned that it has one. Workers that look at two instances at once agree here. The zero value
// is ready.
type reservations struct {
	mu      sync.Mutex
	holders map[types.NamespacedName]cache.ObjectName
}

// take gives instance all the claims, or says which one another instance has.
func (r *reservations) take(instance cache.ObjectName, claims []types.NamespacedName) (taken *use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, claim := range claims {
		if holder, held := r.holders[claim]; held && holder != instance {
			return &use{claim: claim.Name, instance: holder.Name}
		}
	}
	if r.holders == nil {
		r.holders = make(map[types.NamespacedName]cache.ObjectName)
	}
	for _, claim := range claims {
		r.holders[claim] = instance
	}
	return nil
}

// drop takes all from instance that it has and says whether it had any.
func (r *reservations) drop(instance cache.ObjectName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.holders)
	for claim, holder := range r.holders {
		if holder == instance {
			delete(r.holders, claim)
		}
	}
	return len(r.holders) < before
}

// use is that an instance has a claim.
type use struct{ claim, instance string }
