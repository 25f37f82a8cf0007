// SPDX-License-Identifier: Apache-2.0

package node

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// domains is what the launcher told of its domains. It is known from the Synced of a watch to the end of
// that watch; before and after, nothing can be concluded from it.
type domains struct {
	mu     sync.Mutex
	synced bool
	byKey  map[types.NamespacedName]api.DomainStatus
}

func newDomains() *domains {
	return &domains{byKey: map[types.NamespacedName]api.DomainStatus{}}
}

// apply takes an event and says whether its domain is worth a look: the first statuses of a watch are not,
// for they are looked at together when all are known.
func (d *domains) apply(event api.Event) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch event.Type {
	case api.EventSynced:
		d.synced = true
		return false
	case api.EventDeleted:
		d.remove(event.Status)
	case api.EventStatus:
		d.byKey[keyOf(event.Status)] = event.Status
	default:
		return false
	}
	return d.synced
}

// lose forgets everything when a watch ends.
func (d *domains) lose() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = false
	clear(d.byKey)
}

// get returns the domain of that name, or nil; known is false where that means nothing.
func (d *domains) get(key types.NamespacedName) (domain *api.DomainStatus, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if status, found := d.byKey[key]; found && d.synced {
		return &status, true
	}
	return nil, d.synced
}

// learn takes the status that a start or a list returned, unless the watch told of that domain already:
// the watch may be ahead.
func (d *domains) learn(status api.DomainStatus) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.synced {
		return
	}
	if known, found := d.byKey[keyOf(status)]; !found || known.UID != status.UID {
		d.byKey[keyOf(status)] = status
	}
}

// learnCredentials takes the version of credentials that the domain was given, ahead of the watch: who looks in
// between would give them again.
func (d *domains) learnCredentials(key types.NamespacedName, uid types.UID, version string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, found := d.byKey[key]; found && known.UID == uid {
		known.Credentials = version
		d.byKey[key] = known
	}
}

// forget drops a domain that was deleted, without waiting for the watch.
func (d *domains) forget(status api.DomainStatus) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(status)
}

// remove spares a later domain of the same name.
func (d *domains) remove(status api.DomainStatus) {
	if d.byKey[keyOf(status)].UID == status.UID {
		delete(d.byKey, keyOf(status))
	}
}

func (d *domains) keys() []types.NamespacedName {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := make([]types.NamespacedName, 0, len(d.byKey))
	for key := range d.byKey {
		keys = append(keys, key)
	}
	return keys
}
