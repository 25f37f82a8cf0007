// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

// guest is an instance as the manager has it.
type guest struct {
	Ref
	// dirty is true while somebody is about to look at the domain.
	dirty atomic.Bool
	// stale is true while the facts may not be so any more.
	stale atomic.Bool
	// agentDirty is true while somebody is about to look for its agent.
	agentDirty atomic.Bool
	// console and screen are the sessions that are open.
	console, screen seat
	// freezing is held while its file systems are frozen or thawed.
	freezing sync.Mutex
	// line is that to its agent.
	line *line

	// mu is held through each operation on the instance, and guards what follows.
	mu     sync.Mutex
	record statedir.Record
	// facts are nil until the domain was read.
	facts *domain.Facts
	power Power
	// gone: it was deleted; whoever waited for mu looks for the instance again.
	gone bool
	// poke wakes who ends the domain after its grace period; nil where nobody does.
	poke chan struct{}
	// agent is what is known of the guest's agent.
	agent attendance
	// thaw ends the wait for the deadline of a freeze; nil where nobody waits.
	thaw context.CancelFunc
}

func newGuest(record statedir.Record) *guest {
	return &guest{Ref: Ref{UUID: record.UUID, UID: record.UID}, line: newLine(), record: record}
}

// refresh looks at the domain of an instance that the caller has locked.
func (m *Manager) refresh(g *guest) error {
	power, err := m.hypervisor.Power(g.Ref)
	if err != nil {
		return err
	}
	if g.stale.Swap(false) {
		g.facts = nil
		m.closeLeft(g, power)
	}
	if g.facts == nil && power != PowerGone {
		if g.facts, err = m.describe(g.Ref); err != nil && !errors.Is(err, ErrNoDomain) {
			return err
		}
	}
	m.settle(g, power)
	return nil
}

// closeLeft is for a guest whose devices may be fewer: before anybody is told that a disk is gone, another guest can
// have it.
func (m *Manager) closeLeft(g *guest, power Power) {
	if !power.Active() || power == PowerBeginning {
		return
	}
	if err := m.hypervisor.CloseLeft(g.Ref); err != nil && !errors.Is(err, ErrNoDomain) && !errors.Is(err, ErrUnavailable) {
		m.log.Warn("can't close what a guest has given up", "uid", g.UID, "error", err)
	}
}

func (m *Manager) describe(ref Ref) (*domain.Facts, error) {
	text, err := m.hypervisor.Describe(ref)
	if err != nil {
		return nil, err
	}
	return domain.ParseFacts(text)
}

// settle draws the conclusions from how the domain of a locked instance is doing: notes when it began and
// how it ended, and tells of it.
func (m *Manager) settle(g *guest, power Power) {
	g.power = power
	changed := false
	if power.Active() && power != PowerBeginning && g.record.StartedAt.IsZero() {
		g.record.StartedAt, changed = now(), true
	}
	if g.record.End == nil {
		g.record.End = endOf(&g.record, power)
		changed = changed || g.record.End != nil
	}
	if changed {
		m.save(g)
	}
	if !power.Active() {
		m.loseAgent(g)
		g.endFreeze()
	} else if !g.record.ThawAt.IsZero() {
		m.awaitThaw(g)
	}
	m.hub.set(g.status())
	if power == PowerCrashed {
		m.clearAway(g)
	}
	if g.record.End != nil {
		g.endStop()
	} else if !g.record.Deadline.IsZero() && power.Active() {
		m.beginStop(g)
	}
}

// clearAway ends the process of a guest that crashed, once that is noted.
func (m *Manager) clearAway(g *guest) {
	if err := m.hypervisor.Do(g.Ref, ActionDestroy); err != nil && !errors.Is(err, ErrNotRunning) {
		m.log.Warn("can't end a guest that crashed", "uid", g.UID, "error", err)
	}
}

// endOf says how an instance ended; nil where it did not.
func endOf(record *statedir.Record, power Power) *statedir.End {
	if record.Cause != nil && !power.Active() {
		return record.Cause
	}
	ran := !record.StartedAt.IsZero()
	switch power {
	case PowerShutDown:
		return &statedir.End{State: api.StateSucceeded}
	case PowerCrashed:
		return failed(api.ReasonGuestCrashed, "the guest's kernel panicked; its console tells why")
	case PowerDied:
		if !ran {
			return nil // libvirt died while it started the domain
		}
		return failed(api.ReasonProcessDied, "the process of the guest ended unexpectedly")
	case PowerDestroyed:
		if record.Kill != nil {
			return record.Kill
		}
		return failed(api.ReasonKilled, "the domain was destroyed through libvirt by somebody else")
	case PowerOff:
		if record.Kill != nil {
			return record.Kill
		}
		if !record.Deadline.IsZero() {
			return &statedir.End{State: api.StateSucceeded}
		}
		if ran {
			return failed(api.ReasonProcessDied, "the guest ended while libvirt was not running, perhaps with the node")
		}
	case PowerGone:
		if record.Kill != nil {
			return record.Kill
		}
		if ran {
			return failed(api.ReasonProcessDied, "the domain was removed from libvirt by somebody else")
		}
	}
	return nil
}

func failed(reason, message string) *statedir.End {
	return &statedir.End{State: api.StateFailed, Reason: reason, Message: message}
}

// status of a locked instance.
func (g *guest) status() api.DomainStatus {
	status := api.DomainStatus{
		Namespace: g.record.Namespace,
		Name:      g.record.Name,
		UID:       g.UID,
		StartedAt: g.record.StartedAt,
		Boot:      g.record.Boot,
	}
	if g.facts != nil {
		status.Accelerator = g.facts.Accelerator
		status.Machine = g.facts.Machine
		status.Targets = g.facts.Targets
		status.Interfaces = g.facts.Interfaces
		status.Taps = g.facts.Taps
		status.VSOCKCID = g.facts.VSOCKCID
		status.VCPUs = g.facts.VCPUs
		memory := &g.facts.Memory
		status.Memory = api.Memory{AtBoot: memory.AtBoot, Requested: memory.Requested, Current: memory.Current}
	}
	if end := g.record.End; end != nil {
		status.State, status.Reason, status.Message = end.State, end.Reason, end.Message
		return status
	}
	status.Agent = g.agent.status
	status.Frozen = !g.record.ThawAt.IsZero()
	status.Credentials = g.record.Credentials
	status.State, status.Reason = stateOf(g.power, !g.record.Deadline.IsZero())
	status.Message = pausedMessage(status.Reason)
	return status
}

func stateOf(power Power, stopping bool) (state api.State, reason string) {
	switch {
	case !power.Active(), power == PowerBeginning:
		return api.StateStarting, ""
	case stopping, power == PowerEnding:
		return api.StateStopping, ""
	case power == PowerPaused:
		return api.StatePaused, api.ReasonPausedByUser
	case power == PowerPausedIOError:
		return api.StatePaused, api.ReasonPausedIOError
	}
	return api.StateRunning, ""
}

// pausedMessage says what the reason of a pause means; "" where there is none.
func pausedMessage(reason string) string {
	switch reason {
	case api.ReasonPausedByUser:
		return "the guest was paused on request; unpause lets it go on"
	case api.ReasonPausedIOError:
		return "the guest was paused because a disk failed, most often for want of space; make room, then unpause it"
	}
	return ""
}

// save stores the record of a locked instance. Where the disk is full the launcher goes on with what it
// has in memory: libvirt knows most of it too.
func (m *Manager) save(g *guest) {
	if err := m.state.Save(&g.record); err != nil {
		m.log.Error("can't store the record of an instance", "uid", g.UID, "error", err)
	}
}

// now has the precision that survives being stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
