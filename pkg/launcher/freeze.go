// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"fmt"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// thawRetryPeriod is how long to wait where file systems could not be thawed when their time was over.
const thawRetryPeriod = 5 * time.Second

// Freeze has the guest flush its file systems and write nothing until Unfreeze, or until the timeout is
// over: that is in the record, so that another launcher heeds it too.
func (m *Manager) Freeze(target api.Target, request api.FreezeRequest) error {
	if request.TimeoutSeconds < 0 || request.TimeoutSeconds > api.MaxFreezeSeconds {
		return invalid(fmt.Errorf("timeoutSeconds: %d is not between 0 and %d", request.TimeoutSeconds, api.MaxFreezeSeconds))
	}
	if request.TimeoutSeconds == 0 {
		request.TimeoutSeconds = api.DefaultFreezeSeconds
	}
	doing := fmt.Sprintf("freeze %s/%s", target.Namespace, target.Name)
	g, err := m.running(target, doing)
	if err != nil {
		return err
	}
	g.freezing.Lock()
	defer g.freezing.Unlock()
	agent := m.agentOf(g)
	frozen, err := agent.Frozen()
	if err != nil {
		return m.refused(doing, err)
	}
	m.setThaw(g, now().Add(time.Duration(request.TimeoutSeconds)*time.Second))
	if frozen {
		return nil
	}
	if err := agent.Freeze(); err != nil {
		m.undoFreeze(g)
		return m.refused(doing, err)
	}
	return nil
}

// undoFreeze thaws what a freeze that failed has frozen; where that fails too, it is done when the time is over.
func (m *Manager) undoFreeze(g *guest) {
	if err := m.thawNow(g); err != nil {
		m.log.Warn("can't thaw a guest that could not be frozen", "uid", g.UID, "error", err)
	}
}

// Unfreeze lets the guest write again. File systems that are not frozen are left as they are.
func (m *Manager) Unfreeze(target api.Target) error {
	doing := fmt.Sprintf("unfreeze %s/%s", target.Namespace, target.Name)
	g, err := m.running(target, doing)
	if err != nil {
		return err
	}
	g.freezing.Lock()
	defer g.freezing.Unlock()
	return m.refused(doing, m.thawNow(g))
}

// thawNow thaws what is frozen. The caller has locked the guest's freezing, not the guest.
func (m *Manager) thawNow(g *guest) error {
	agent := m.agentOf(g)
	frozen, err := agent.Frozen()
	if err != nil {
		return err
	}
	if frozen {
		if err := agent.Thaw(); err != nil {
			return err
		}
	}
	m.setThaw(g, time.Time{})
	return nil
}

// setThaw notes when a guest is thawed; zero where nothing is frozen.
func (m *Manager) setThaw(g *guest, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone || g.record.ThawAt.Equal(at) {
		return
	}
	g.record.ThawAt = at
	m.save(g)
	g.endFreeze()
	if !at.IsZero() {
		m.awaitThaw(g)
	}
	m.hub.set(g.status())
}

// awaitThaw has somebody thaw a locked guest when its time is over.
func (m *Manager) awaitThaw(g *guest) {
	if g.thaw == nil {
		ctx, cancel := context.WithCancel(m.background)
		g.thaw = cancel
		go m.thawAt(ctx, g, g.record.ThawAt)
	}
}

// endFreeze sends away who waits to thaw a locked guest.
func (g *guest) endFreeze() {
	if g.thaw != nil {
		g.thaw()
		g.thaw = nil
	}
}

func (m *Manager) thawAt(ctx context.Context, g *guest, at time.Time) {
	for wait := time.Until(at); sleep(ctx, wait); wait = thawRetryPeriod {
		g.freezing.Lock()
		var err error
		if ctx.Err() == nil {
			err = m.thawNow(g)
		}
		g.freezing.Unlock()
		if err == nil {
			return
		}
		m.log.Warn("can't thaw a guest whose time is over", "uid", g.UID, "error", err)
	}
}

// reviewFreeze forgets a freeze that the guest's agent knows nothing of, as after a reset.
func (m *Manager) reviewFreeze(g *guest) {
	g.freezing.Lock()
	defer g.freezing.Unlock()
	if frozen, err := m.agentOf(g).Frozen(); err == nil && !frozen {
		m.setThaw(g, time.Time{})
	}
}
