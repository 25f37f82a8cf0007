// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// Pause stops the guest's processors. A paused guest is left as it is.
func (m *Manager) Pause(key types.NamespacedName) error {
	return m.control(key, ActionPause, PowerPaused, PowerPausedIOError)
}

// Unpause lets the guest's processors run. A running guest is left as it is.
func (m *Manager) Unpause(key types.NamespacedName) error {
	return m.control(key, ActionUnpause, PowerRunning)
}

// Reset presses the guest's reset button.
func (m *Manager) Reset(key types.NamespacedName) error {
	return m.control(key, ActionReset)
}

// control has action done with the domain unless it is in one of the states that done names.
func (m *Manager) control(key types.NamespacedName, action Action, done ...Power) error {
	g, err := m.acquire(key)
	if err != nil {
		return err
	}
	defer g.mu.Unlock()
	doing := fmt.Sprintf("%s %s", action, key)
	if err := m.refresh(g); err != nil {
		return m.refused(doing, err)
	}
	for _, power := range done {
		if g.power == power {
			return nil
		}
	}
	if !g.power.Active() || g.record.End != nil {
		return &api.Error{Reason: api.ErrorNotRunning, Message: doing + ": it does not run"}
	}
	if err := m.hypervisor.Do(g.Ref, action); err != nil {
		return m.refused(doing, err)
	}
	return m.refused(doing, m.refresh(g))
}
