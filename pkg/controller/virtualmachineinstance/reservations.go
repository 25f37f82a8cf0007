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
	mu sync.Mutex
	// holders are those of each claim, and whether they write to it.
	holders map[types.NamespacedName]map[cache.ObjectName]bool
}

// take gives instance all the claims, or says which one another instance has.
func (r *reservations) take(instance cache.ObjectName, claims []claimUse) (taken *use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, claim := range claims {
		for holder, writes := range r.holders[claim.NamespacedName] {
			if holder != instance && (writes || claim.writes) {
				return &use{claim: claim.Name, instance: holder.Name}
			}
		}
	}
	if r.holders == nil {
		r.holders = make(map[types.NamespacedName]map[cache.ObjectName]bool)
	}
	for _, claim := range claims {
		if r.holders[claim.NamespacedName] == nil {
			r.holders[claim.NamespacedName] = make(map[cache.ObjectName]bool)
		}
		r.holders[claim.NamespacedName][instance] = claim.writes
	}
	return nil
}

// drop takes all from instance that it has and says whether it had any.
func (r *reservations) drop(instance cache.ObjectName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	dropped := false
	for claim, holders := range r.holders {
		if _, held := holders[instance]; !held {
			continue
		}
		dropped = true
		if delete(holders, instance); len(holders) == 0 {
			delete(r.holders, claim)
		}
	}
	return dropped
}

// use is that an instance has a claim.
type use struct{ claim, instance string }
