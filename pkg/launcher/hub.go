// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// hub has the last status of each instance and tells watchers what changes. A watcher that is slow skips
// states but holds no more than one event for each instance.
type hub struct {
	mu       sync.Mutex
	statuses map[types.UID]api.DomainStatus
	watchers map[*watcher]struct{}
}

func newHub() *hub {
	return &hub{statuses: map[types.UID]api.DomainStatus{}, watchers: map[*watcher]struct{}{}}
}

// set stores status and tells of it if it says anything new.
func (h *hub) set(status api.DomainStatus) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, ok := h.statuses[status.UID]; ok && reflect.DeepEqual(old, status) {
		return
	}
	h.statuses[status.UID] = status
	h.tell(api.Event{Type: api.EventStatus, Status: status})
}

// remove forgets an instance.
func (h *hub) remove(uid types.UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, ok := h.statuses[uid]
	if !ok {
		return
	}
	delete(h.statuses, uid)
	h.tell(api.Event{Type: api.EventDeleted, Status: old})
}

// list returns all statuses, sorted by namespace and name.
func (h *hub) list() []api.DomainStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sorted()
}

func (h *hub) sorted() []api.DomainStatus {
	list := make([]api.DomainStatus, 0, len(h.statuses))
	for _, status := range h.statuses {
		list = append(list, status)
	}
	slices.SortFunc(list, func(a, b api.DomainStatus) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return list
}

func (h *hub) tell(event api.Event) {
	for w := range h.watchers {
		w.add(event)
	}
}

// watch returns a watcher that begins with everything. The caller stops it.
func (h *hub) watch() *watcher {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &watcher{pending: map[types.UID]api.Event{}, ready: make(chan struct{}, 1)}
	for _, status := range h.sorted() {
		w.add(api.Event{Type: api.EventStatus, Status: status})
	}
	w.add(api.Event{Type: api.EventSynced})
	h.watchers[w] = struct{}{}
	return w
}

func (h *hub) stop(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

// watcher holds the newest event of each instance, in the order in which they became pending.
type watcher struct {
	mu      sync.Mutex
	order   []types.UID
	pending map[types.UID]api.Event
	ready   chan struct{}
}

func (w *watcher) add(event api.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	uid := event.Status.UID
	if _, ok := w.pending[uid]; !ok {
		w.order = append(w.order, uid)
	}
	w.pending[uid] = event
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// next returns what is pending, and waits until there is something, but not longer than patience.
func (w *watcher) next(ctx context.Context, patience time.Duration) []api.Event {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-ctx.Done():
		return nil
	case <-w.ready:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	events := make([]api.Event, 0, len(w.order))
	for _, uid := range w.order {
		events = append(events, w.pending[uid])
	}
	w.order = w.order[:0]
	clear(w.pending)
	return events
}
