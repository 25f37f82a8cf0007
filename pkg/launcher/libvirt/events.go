// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"fmt"
	"log/slog"
	"sync"

	"libvirt.org/go/libvirt"
)

// Watcher is told of what happens. Its methods do not block for long.
type Watcher interface {
	// Connected is called each time the connection is up.
	Connected()
	// Changed is called when a domain, of whoever, may be doing otherwise than before.
	Changed(uuid string)
	// Resized is called when the hardware of a domain, of whoever, may have changed.
	Resized(uuid string)
	// AgentChanged is called when a guest's agent, of whoever, has come or gone.
	AgentChanged(uuid string)
}

// RunEvents drives libvirt's events. It must be called, once in a process, before any Conn runs, and
// returns at once; the events go on until the process ends.
func RunEvents(log *slog.Logger) error {
	if err := libvirt.EventRegisterDefaultImpl(); err != nil {
		return fmt.Errorf("libvirt: %s; %s", text(err), remedy())
	}
	go func() {
		for {
			if err := libvirt.EventRunDefaultImpl(); err != nil {
				log.Error("libvirt's events failed", "error", err)
			}
		}
	}()
	return nil
}

// listen returns a channel that is closed when the connection is lost.
func (c *Conn) listen(conn *libvirt.Connect, watcher Watcher) (<-chan struct{}, error) {
	lost := make(chan struct{})
	once := sync.OnceFunc(func() { close(lost) })
	if err := conn.RegisterCloseCallback(func(*libvirt.Connect, libvirt.ConnectCloseReason) { once() }); err != nil {
		return nil, err
	}
	if err := conn.SetKeepAlive(keepAliveInterval, keepAliveCount); err != nil {
		return nil, err
	}
	_, err := conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventLifecycle) {
		if uuid, err := d.GetUUIDString(); err == nil {
			watcher.Changed(uuid)
		}
	})
	if err != nil {
		return nil, err
	}
	_, err = conn.DomainEventMemoryDeviceSizeChangeRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventMemoryDeviceSizeChange) {
		if uuid, err := d.GetUUIDString(); err == nil {
			watcher.Resized(uuid)
		}
	})
	if err != nil {
		return nil, err
	}
	_, err = conn.DomainEventDeviceRemovedRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventDeviceRemoved) {
		if uuid, err := d.GetUUIDString(); err == nil {
			watcher.Resized(uuid)
		}
	})
	if err != nil {
		return nil, err
	}
	_, err = conn.DomainEventAgentLifecycleRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventAgentLifecycle) {
		if uuid, err := d.GetUUIDString(); err == nil {
			watcher.AgentChanged(uuid)
		}
	})
	return lost, err
}
