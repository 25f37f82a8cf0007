// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// Plug adds a disk to a running guest; see api.PlugRequest.
func (m *Manager) Plug(target api.Target, request api.PlugRequest) (*api.DomainStatus, error) {
	doing := fmt.Sprintf("add disk %s to %s/%s", request.Disk.Name, target.Namespace, target.Name)
	return m.changeDevices(target, doing, func(g *guest) error {
		if _, has := g.facts.Targets[request.Disk.Name]; has {
			return nil
		}
		handed := handover{}
		defer handed.close()
		file, err := m.openPlugged(request, handed)
		if err != nil {
			return err
		}
		device, err := domain.Plugged(&request.Disk, *file, g.facts.Targets)
		if err != nil {
			return invalid(err)
		}
		return m.hypervisor.AttachDevice(g.Ref, device, handed)
	})
}

func (m *Manager) openPlugged(request api.PlugRequest, handed handover) (*domain.File, error) {
	f, err := m.openSource(request.Source, request.Source.ReadOnly)
	if err != nil {
		return nil, invalid(err)
	}
	file, err := m.fileOf(&request.Disk, request.Disk.Name, f, request.Source.ReadOnly, handed)
	if err != nil {
		return nil, fmt.Errorf("volume %s: %w", request.Disk.Name, err)
	}
	return file, nil
}

// Unplug asks a running guest to give a disk up; see api.UnplugRequest.
func (m *Manager) Unplug(target api.Target, request api.UnplugRequest) (*api.DomainStatus, error) {
	doing := fmt.Sprintf("take disk %s from %s/%s", request.Name, target.Namespace, target.Name)
	return m.changeDevices(target, doing, func(g *guest) error {
		if _, has := g.facts.Targets[request.Name]; !has {
			return nil
		}
		if err := m.hypervisor.DetachDevice(g.Ref, domain.Alias(request.Name)); err != nil {
			return err
		}
		g.stale.Store(true) // it may be gone already
		return nil
	})
}

// SetInterface has a running guest have an interface or not; see api.InterfaceRequest.
func (m *Manager) SetInterface(target api.Target, request api.InterfaceRequest) (*api.DomainStatus, error) {
	wanted := &request.Interface
	doing := fmt.Sprintf("set interface %s of %s/%s", wanted.Name, target.Namespace, target.Name)
	return m.changeDevices(target, doing, func(g *guest) error {
		link, has := g.facts.Link(wanted.Name)
		switch {
		case ptr.Deref(wanted.State, "") == kubevirtv1.InterfaceStateAbsent && !has:
			return nil
		case ptr.Deref(wanted.State, "") == kubevirtv1.InterfaceStateAbsent:
			g.stale.Store(true) // it may be gone at once
			return m.hypervisor.DetachDevice(g.Ref, domain.InterfaceAlias(wanted.Name))
		case !has:
			return m.plugInterface(g, request)
		case link == domain.LinkOf(wanted):
			return nil
		}
		return m.setLink(g, wanted)
	})
}

func (m *Manager) plugInterface(g *guest, request api.InterfaceRequest) error {
	queues := uint(0)
	if request.MultiQueue {
		queues = g.facts.VCPUs
	}
	device, err := domain.PluggedInterface(&request.Interface, request.Tap, queues)
	if err != nil {
		return invalid(err)
	}
	return m.hypervisor.AttachDevice(g.Ref, device, nil)
}

func (m *Manager) setLink(g *guest, wanted *kubevirtv1.Interface) error {
	text, err := m.hypervisor.Describe(g.Ref)
	if err != nil {
		return err
	}
	device, err := domain.LinkedInterface(text, wanted)
	if err != nil {
		return invalid(err)
	}
	return m.hypervisor.UpdateDevice(g.Ref, device)
}

// changeDevices has change done with a running guest that was looked at anew, and returns what it is then.
func (m *Manager) changeDevices(target api.Target, doing string, change func(*guest) error) (*api.DomainStatus, error) {
	g, err := m.acquireRunning(target, doing)
	if err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	if err := m.reread(g); err != nil {
		return nil, m.refused(doing, err)
	}
	if g.facts == nil {
		return nil, m.refused(doing, ErrNotRunning)
	}
	if err := errors.Join(change(g), m.reread(g)); err != nil {
		return nil, m.refused(doing, err)
	}
	status := g.status()
	return &status, nil
}
