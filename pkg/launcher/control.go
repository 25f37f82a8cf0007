// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// Pause stops the guest's processors. A paused guest is left as it is.
func (m *Manager) Pause(target api.Target) error {
	return m.control(target, ActionPause, PowerPaused, PowerPausedIOError)
}

// Unpause lets the guest's processors run. A running guest is left as it is.
func (m *Manager) Unpause(target api.Target) error {
	return m.control(target, ActionUnpause, PowerRunning)
}

// Reset presses the guest's reset button.
func (m *Manager) Reset(target api.Target) error {
	return m.control(target, ActionReset)
}

// SoftReboot asks the guest to reboot. It does not wait for the guest to do so, but it may for the guest's
// agent to answer.
func (m *Manager) SoftReboot(target api.Target) error {
	doing := fmt.Sprintf("%s %s/%s", ActionSoftReboot, target.Namespace, target.Name)
	g, err := m.acquireRunning(target, doing)
	if err != nil {
		return err
	}
	paused := g.power != PowerRunning
	g.mu.Unlock() // an agent may take long to answer, and a stop must not wait for it
	if paused {
		return &api.Error{Reason: api.ErrorNotRunning, Message: doing + ": it is paused"}
	}
	return m.refused(doing, m.hypervisor.Do(g.Ref, ActionSoftReboot))
}

// control has action done with the domain unless it is in one of the states that done names.
func (m *Manager) control(target api.Target, action Action, done ...Power) error {
	doing := fmt.Sprintf("%s %s/%s", action, target.Namespace, target.Name)
	g, err := m.acquireRunning(target, doing)
	if err != nil {
		return err
	}
	defer g.mu.Unlock()
	for _, power := range done {
		if g.power == power {
			return nil
		}
	}
	if err := m.hypervisor.Do(g.Ref, action); err != nil {
		return m.refused(doing, err)
	}
	return m.refused(doing, m.refresh(g))
}

// acquireTarget locks the instance that is meant, and no earlier or later one of its name; the caller
// unlocks it.
func (m *Manager) acquireTarget(target api.Target) (*guest, error) {
	g, err := m.acquire(types.NamespacedName{Namespace: target.Namespace, Name: target.Name})
	if err != nil {
		return nil, err
	}
	if target.UID != "" && g.UID != target.UID {
		g.mu.Unlock()
		return nil, &api.Error{Reason: api.ErrorConflict, Message: fmt.Sprintf(
			"the domain of %s/%s is that of another instance, %s", target.Namespace, target.Name, g.UID)}
	}
	return g, nil
}

// acquireRunning is acquireTarget where doing something needs a process, as the domain is at this moment.
func (m *Manager) acquireRunning(target api.Target, doing string) (*guest, error) {
	g, err := m.acquireTarget(target)
	if err != nil {
		return nil, err
	}
	err = m.refused(doing, m.refresh(g))
	if err == nil && (!g.power.Active() || g.record.End != nil) {
		err = &api.Error{Reason: api.ErrorNotRunning, Message: doing + ": it does not run"}
	}
	if err != nil {
		g.mu.Unlock()
		return nil, err
	}
	return g, nil
}
