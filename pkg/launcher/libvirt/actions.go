// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
)

// Start starts a domain. libvirt keeps the files for the domain until the connection that brought them is closed.
func (c *Conn) Start(ref launcher.Ref, action launcher.Action, files map[string]*os.File) error {
	flags := libvirt.DOMAIN_NONE
	if action == launcher.ActionStartPaused {
		flags = libvirt.DOMAIN_START_PAUSED
	}
	return c.useSlow(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			if err := handOver(d, files); err != nil {
				return err
			}
			return c.start(d, flags)
		})
	})
}

// handOver gives libvirt files for a domain, by the names that its XML has for them.
func handOver(d *libvirt.Domain, files map[string]*os.File) error {
	for name, file := range files {
		if err := d.FDAssociate(name, []os.File{*file}, 0); err != nil {
			return fmt.Errorf("hand over %s: %w", file.Name(), err)
		}
	}
	return nil
}

// Do has one of the actions done.
func (c *Conn) Do(ref launcher.Ref, action launcher.Action) error {
	use := c.use
	switch action {
	case launcher.ActionSoftReboot, launcher.ActionDestroy:
		use = c.useSlow
	}
	return use(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error { return c.do(d, action) })
	})
}

func (c *Conn) do(d *libvirt.Domain, action launcher.Action) error {
	switch action {
	case launcher.ActionPowerButton:
		return d.ShutdownFlags(libvirt.DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
	case launcher.ActionReset:
		return d.Reset(0)
	case launcher.ActionSoftReboot:
		return d.Reboot(libvirt.DOMAIN_REBOOT_DEFAULT)
	case launcher.ActionPause:
		return d.Suspend()
	case launcher.ActionUnpause:
		return d.Resume()
	case launcher.ActionDestroy:
		return d.DestroyFlags(libvirt.DOMAIN_DESTROY_DEFAULT)
	case launcher.ActionUndefine:
		return d.UndefineFlags(libvirt.DOMAIN_UNDEFINE_KEEP_NVRAM | libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE |
			libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | libvirt.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
	}
	return fmt.Errorf("%q is no action", action)
}

// start also brings libvirt's log daemon back, which may be gone while libvirt is there.
func (c *Conn) start(d *libvirt.Domain, flags libvirt.DomainCreateFlags) error {
	err := create(d, flags)
	if !wantsLog(err) {
		return err
	}
	if c.options.Recover != nil {
		if failed := c.options.Recover(context.Background()); failed != nil {
			c.options.Log.Warn("can't start libvirt's log daemon", "error", failed)
		}
		err = create(d, flags)
	}
	if wantsLog(err) {
		return errors.New(text(err) + "; start it: virtlogd -d, or systemctl start virtlogd.socket")
	}
	return err
}

func wantsLog(err error) bool { return err != nil && strings.Contains(err.Error(), logSocketName) }

// create tries again where libvirt does not know why QEMU ended: it finds that out in a race, which it may
// win the next time.
func create(d *libvirt.Domain, flags libvirt.DomainCreateFlags) error {
	var err error
	for range 3 {
		err = d.CreateWithFlags(flags)
		if err == nil || !strings.Contains(err.Error(), "monitor socket") {
			return err
		}
	}
	return err
}
