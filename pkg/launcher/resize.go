// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// Resize gives a running guest processors and memory; see api.ResizeRequest.
func (m *Manager) Resize(target api.Target, request api.ResizeRequest) (*api.DomainStatus, error) {
	doing := fmt.Sprintf("resize %s/%s", target.Namespace, target.Name)
	g, err := m.acquireRunning(target, doing)
	if err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	for _, step := range []func(*guest) error{
		m.reread,
		func(g *guest) error { return m.resize(g, request) },
		m.reread,
	} {
		if err := step(g); err != nil {
			return nil, m.refused(doing, err)
		}
	}
	status := g.status()
	return &status, nil
}

func (m *Manager) resize(g *guest, request api.ResizeRequest) error {
	if g.facts == nil {
		return ErrNotRunning
	}
	if request.VCPUs > g.facts.VCPUs {
		if err := m.hypervisor.SetVCPUs(g.Ref, request.VCPUs); err != nil {
			return err
		}
	}
	if request.Memory == 0 || request.Memory == g.facts.Memory.Requested {
		return nil
	}
	text, err := m.hypervisor.Describe(g.Ref)
	if err != nil {
		return err
	}
	device, err := domain.MemoryDevice(text, request.Memory)
	if err != nil {
		return invalid(err)
	}
	return m.hypervisor.UpdateDevice(g.Ref, device)
}

// reread looks at the domain of a locked guest anew, its facts included.
func (m *Manager) reread(g *guest) error {
	g.facts = nil
	return m.refresh(g)
}

// Resized is called when the hardware of a domain, of whoever, may have changed.
func (m *Manager) Resized(uuid string) {
	for _, g := range m.all() {
		if g.UUID == uuid {
			g.stale.Store(true)
		}
	}
	m.Changed(uuid)
}
