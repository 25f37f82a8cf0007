// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

const (
	// buttonPeriod is how often the power button is pressed: a guest that boots does not notice.
	buttonPeriod = 5 * time.Second
	// killRetryPeriod is how long to wait where libvirt was away when a grace period ran out.
	killRetryPeriod = time.Second
	// maxUnhealthy is the longest text that is kept of what was wrong with a guest, in bytes.
	maxUnhealthy = 2 << 10
	// maxGrace keeps a grace period within what a time can express.
	maxGrace = 365 * 24 * time.Hour
)

// Shutdown asks the guest to power off and, after the grace period, ends it. It does not wait. Asked again,
// the earlier deadline counts. A guest that ended is left as it is.
func (m *Manager) Shutdown(key types.NamespacedName, request api.ShutdownRequest) error {
	g, err := m.acquire(key)
	if err != nil {
		return err
	}
	defer g.mu.Unlock()
	if err := m.refresh(g); err != nil {
		return m.refused("shut down "+key.String(), err)
	}
	if g.record.End != nil {
		return nil
	}
	if !g.power.Active() {
		g.record.End = failed(api.ReasonKilled, "it was stopped before it had started")
		m.save(g)
		m.hub.set(g.status())
		return nil
	}
	if request.Unhealthy != "" && g.record.Cause == nil {
		g.record.Cause = failed(api.ReasonUnhealthy, request.Unhealthy[:min(len(request.Unhealthy), maxUnhealthy)])
		m.save(g)
	}
	if request.GracePeriodSeconds <= 0 || !m.canPowerOff(g) {
		return m.refused("end "+key.String(), m.kill(g))
	}
	grace := maxGrace
	if request.GracePeriodSeconds < int64(maxGrace/time.Second) {
		grace = time.Duration(request.GracePeriodSeconds) * time.Second
	}
	deadline := now().Add(grace)
	if g.record.Deadline.IsZero() || deadline.Before(g.record.Deadline) {
		g.record.Deadline = deadline
		m.save(g)
		g.pokeStop()
	}
	m.settle(g, g.power)
	return nil
}

// canPowerOff says whether a locked guest has a power button.
func (m *Manager) canPowerOff(g *guest) bool { return g.facts == nil || g.facts.ACPI }

// kill ends the domain of a locked instance.
func (m *Manager) kill(g *guest) error {
	if g.record.Kill == nil {
		g.record.Kill = killedAs(m.canPowerOff(g), !g.record.Deadline.IsZero())
		m.save(g)
	}
	if err := m.hypervisor.Do(g.Ref, ActionDestroy); err != nil && !errors.Is(err, ErrNotRunning) && !errors.Is(err, ErrNoDomain) {
		return err
	}
	return m.refresh(g)
}

// killedAs is how an instance ends that is destroyed. Without ACPI there is no other way to stop it, so
// that it succeeded, as upstream has it.
func killedAs(acpi, asked bool) *statedir.End {
	switch {
	case !acpi:
		return &statedir.End{State: api.StateSucceeded}
	case asked:
		return failed(api.ReasonKilled, "the guest did not power off within its grace period")
	}
	return failed(api.ReasonKilled, "the guest was ended without a grace period")
}

// beginStop has somebody end a locked guest at its deadline.
func (m *Manager) beginStop(g *guest) {
	if g.poke == nil {
		g.poke = make(chan struct{}, 1)
		go m.stop(g, g.poke)
	}
}

// pokeStop tells who ends a locked guest to look at the deadline again.
func (g *guest) pokeStop() {
	select {
	case g.poke <- struct{}{}:
	default: // nobody there, or told already
	}
}

// endStop sends away who ends a locked guest.
func (g *guest) endStop() {
	if g.poke != nil {
		close(g.poke)
		g.poke = nil
	}
}

// stop presses the power button until the guest is off or its deadline is over. The deadline is in the
// record: another launcher goes on where this one ends.
func (m *Manager) stop(g *guest, poke <-chan struct{}) {
	for {
		wait := m.stopStep(g)
		timer := time.NewTimer(wait)
		select {
		case <-m.background.Done():
			timer.Stop()
			return
		case _, ok := <-poke:
			timer.Stop()
			if !ok {
				return
			}
		case <-timer.C:
		}
	}
}

// stopStep does what is due and returns how long to wait then.
func (m *Manager) stopStep(g *guest) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone || g.record.End != nil {
		return buttonPeriod
	}
	left := time.Until(g.record.Deadline)
	if left <= 0 {
		if err := m.kill(g); err != nil {
			m.log.Warn("can't end a guest after its grace period", "uid", g.UID, "error", err)
		}
		return killRetryPeriod
	}
	if err := m.hypervisor.Do(g.Ref, ActionPowerButton); err != nil && !errors.Is(err, ErrNotRunning) {
		m.log.Warn("can't press a guest's power button", "uid", g.UID, "error", err)
	}
	return min(left, buttonPeriod)
}

// Delete ends the instance uid if it runs and removes all there is of it. Where there is none it succeeds.
func (m *Manager) Delete(key types.NamespacedName, uid types.UID) error {
	g, err := m.acquire(key)
	if api.ReasonFor(err) == api.ErrorNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	defer g.mu.Unlock()
	if g.UID != uid {
		return nil
	}
	return m.refused("delete "+key.String(), m.remove(g))
}

// remove undoes all that there is of a locked instance.
func (m *Manager) remove(g *guest) error {
	power, err := m.hypervisor.Power(g.Ref)
	if err != nil {
		return err
	}
	if power.Active() {
		if err := m.kill(g); err != nil {
			return err
		}
	}
	if power != PowerGone {
		if err := m.hypervisor.Do(g.Ref, ActionUndefine); err != nil && !errors.Is(err, ErrNoDomain) {
			return fmt.Errorf("undefine: %w", err)
		}
	}
	if err := m.state.Remove(g.UID); err != nil {
		return err
	}
	_ = os.Remove(m.socketPath(g.UID)) // libvirt has, unless it was killed
	m.drop(g)
	return nil
}
