// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	// firstPoll and lastPoll are how long to wait between looks at a guest through its agent: each wait is
	// twice the one before.
	firstPoll = 5 * time.Second
	lastPoll  = time.Minute
	// maxPolls is how many guests are looked at at a time, so that those which do not answer leave libvirt's
	// attention to others.
	maxPolls = 2
	// firstHold and lastHold are how long an agent that came, went and came again is not believed; steadyFor
	// is how long it must stay to be trusted again.
	firstHold = time.Second
	lastHold  = time.Minute
	steadyFor = 5 * time.Minute
	// maxInterfaces of a guest, and maxAddresses of each, are as many as a status should hold.
	maxInterfaces = 32
	maxAddresses  = 16
)

// attendance is the launcher's attention to the agent of a guest.
type attendance struct {
	// status is nil until it is known whether there is an agent.
	status *api.Agent
	// end sends away who looks at the guest through its agent; nil where nobody does.
	end context.CancelFunc
	// since is when the agent last came, whether it answered or not; hold is how long it is to be doubted when it
	// comes next.
	since time.Time
	hold  time.Duration
}

// AgentChanged looks whether the guest has an agent. The hypervisor calls it for each event; it does not block.
func (m *Manager) AgentChanged(uuid string) {
	for _, g := range m.all() {
		if g.UUID != uuid || !g.agentDirty.CompareAndSwap(false, true) {
			continue
		}
		go func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.agentDirty.Store(false)
			if g.gone {
				return
			}
			if err := m.lookForAgent(g); err != nil {
				m.log.Warn("can't look for a guest's agent", "uid", g.UID, "error", err)
			}
		}()
	}
}

// lookForAgent begins or ends the attention to the agent of a locked guest.
func (m *Manager) lookForAgent(g *guest) error {
	open := false
	if g.power.Active() {
		var err error
		open, err = m.hypervisor.AgentOpen(g.Ref)
		if err != nil && !errors.Is(err, ErrNoDomain) {
			return err
		}
	}
	switch {
	case !open:
		m.loseAgent(g)
		m.hub.set(g.status())
	case g.agent.end == nil:
		ctx, end := context.WithCancel(m.background)
		g.agent.end, g.agent.since = end, time.Now()
		g.line.renew()
		go m.attend(ctx, g, g.agent.hold)
	}
	return nil
}

// loseAgent ends the attention to the agent of a locked guest that has none.
func (m *Manager) loseAgent(g *guest) {
	if g.agent.end != nil {
		g.agent.end()
		g.agent.end = nil
		g.agent.hold = min(max(2*g.agent.hold, firstHold), lastHold)
		if time.Since(g.agent.since) > steadyFor {
			g.agent.hold = 0
		}
	}
	g.agent.status = &api.Agent{}
}

// attend looks at a guest through its agent until ctx ends. It never holds the guest's lock while it waits
// for an answer.
func (m *Manager) attend(ctx context.Context, g *guest, hold time.Duration) {
	if !sleep(ctx, hold) {
		return
	}
	known := &api.Agent{}
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		seen, ok := m.poll(ctx, g, known)
		if !ok {
			return
		}
		if known = seen; !m.note(ctx, g, known) || !sleep(ctx, wait) {
			return
		}
	}
}

// poll asks the agent for what it was not asked yet, and what changes. It returns false once ctx has ended.
func (m *Manager) poll(ctx context.Context, g *guest, known *api.Agent) (*api.Agent, bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case m.polls <- struct{}{}:
		defer func() { <-m.polls }()
	}
	agent, seen := m.agentOf(g), *known
	if !seen.Connected {
		if _, err := agent.Info(); err != nil {
			if ctx.Err() != nil {
				return nil, false
			}
			m.log.Info("a guest's agent does not answer", "uid", g.UID, "error", err)
			return &seen, true
		}
		seen.Connected = true
	}
	if seen.OS.ID == "" && seen.OS.Name == "" {
		if os, err := agent.OS(); err == nil {
			seen.OS = os
		}
	}
	if interfaces, err := agent.Interfaces(); err == nil {
		seen.Interfaces = nil
		for _, found := range interfaces[:min(len(interfaces), maxInterfaces)] {
			seen.Interfaces = append(seen.Interfaces, api.GuestInterface{
				Name: found.Name, MAC: found.MAC, IPs: found.IPs[:min(len(found.IPs), maxAddresses)],
			})
		}
	}
	return &seen, true
}

// note tells of what was seen, unless the agent went away meanwhile.
func (m *Manager) note(ctx context.Context, g *guest, seen *api.Agent) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	if seen.Connected && (g.agent.status == nil || !g.agent.status.Connected) {
		if !g.record.ThawAt.IsZero() {
			go m.reviewFreeze(g)
		}
	}
	g.agent.status = seen
	m.hub.set(g.status())
	return true
}

// sleep returns false where ctx ended first.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
