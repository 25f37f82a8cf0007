// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func statusOf(name string, state api.State) api.DomainStatus {
	uid := testUID
	if name != "a" {
		uid = otherUID
	}
	return api.DomainStatus{Namespace: "shop", Name: name, UID: uid, State: state}
}

func TestWatchBeginsWithEverythingThenSynced(t *testing.T) {
	h := newHub()
	h.set(statusOf("b", api.StateRunning))
	h.set(statusOf("a", api.StatePaused))
	w := h.watch()
	defer h.stop(w)
	assert.Equal(t, []api.Event{
		{Type: api.EventStatus, Status: statusOf("a", api.StatePaused)},
		{Type: api.EventStatus, Status: statusOf("b", api.StateRunning)},
		{Type: api.EventSynced},
	}, w.next(t.Context(), time.Minute))
}

func TestSlowWatcherSeesTheLastState(t *testing.T) {
	h := newHub()
	w := h.watch()
	defer h.stop(w)
	w.next(t.Context(), time.Minute)
	h.set(statusOf("a", api.StateRunning))
	h.set(statusOf("b", api.StateRunning))
	h.set(statusOf("a", api.StateSucceeded))
	h.remove(otherUID)
	assert.Equal(t, []api.Event{
		{Type: api.EventStatus, Status: statusOf("a", api.StateSucceeded)},
		{Type: api.EventDeleted, Status: statusOf("b", api.StateRunning)},
	}, w.next(t.Context(), time.Minute))
}

func TestNothingNewIsNotTold(t *testing.T) {
	h := newHub()
	h.set(statusOf("a", api.StateRunning))
	w := h.watch()
	defer h.stop(w)
	w.next(t.Context(), time.Minute)
	h.set(statusOf("a", api.StateRunning))
	h.remove(otherUID)
	assert.Empty(t, w.next(t.Context(), time.Millisecond))
}
