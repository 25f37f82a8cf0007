// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"errors"
	"os"

	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
)

// SetVCPUs has an active domain get more processors.
func (c *Conn) SetVCPUs(ref launcher.Ref, count uint) error {
	return c.useSlow(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			return d.SetVcpusFlags(count, libvirt.DOMAIN_VCPU_LIVE)
		})
	})
}

// UpdateDevice changes a device of an active domain to what the XML says.
func (c *Conn) UpdateDevice(ref launcher.Ref, xml string) error {
	return c.useSlow(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			return d.UpdateDeviceFlags(xml, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
		})
	})
}

// AttachDevice adds a device to an active domain.
func (c *Conn) AttachDevice(ref launcher.Ref, xml string, files map[string]*os.File) error {
	return c.useSlow(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			if err := handOver(d, files); err != nil {
				return err
			}
			return d.AttachDeviceFlags(xml, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
		})
	})
}

// DetachDevice asks an active domain to give a device up.
func (c *Conn) DetachDevice(ref launcher.Ref, alias string) error {
	return c.useSlow(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			err := d.DetachDeviceAlias(alias, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
			if errors.Is(err, libvirt.ERR_DEVICE_MISSING) {
				return nil // it is gone by now
			}
			return err
		})
	})
}
