// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"errors"

	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// List returns the domains of this launcher.
func (c *Conn) List() ([]launcher.Domain, error) {
	var list []launcher.Domain
	err := c.use(func(conn *libvirt.Connect) error {
		all, err := conn.ListAllDomains(0)
		if err != nil {
			return err
		}
		for i := range all {
			found, err := describe(&all[i])
			_ = all[i].Free()
			if err == nil && found.Identity != nil && found.Identity.Owner == c.options.Owner {
				list = append(list, *found)
			}
		}
		return nil
	})
	return list, err
}

// Find returns the domains, whosever they are, that have the name or the UUID.
func (c *Conn) Find(name, uuid string) ([]launcher.Domain, error) {
	var list []launcher.Domain
	err := c.use(func(conn *libvirt.Connect) error {
		for _, lookup := range []func() (*libvirt.Domain, error){
			func() (*libvirt.Domain, error) { return conn.LookupDomainByName(name) },
			func() (*libvirt.Domain, error) { return conn.LookupDomainByUUIDString(uuid) },
		} {
			d, err := lookup()
			if errors.Is(err, libvirt.ERR_NO_DOMAIN) {
				continue
			}
			if err != nil {
				return err
			}
			found, err := describe(d)
			_ = d.Free()
			if err != nil {
				return err
			}
			list = append(list, *found)
		}
		return nil
	})
	return list, err
}

func describe(d *libvirt.Domain) (*launcher.Domain, error) {
	uuid, err := d.GetUUIDString()
	if err != nil {
		return nil, err
	}
	name, err := d.GetName()
	if err != nil {
		return nil, err
	}
	identity, err := identityOf(d)
	return &launcher.Domain{UUID: uuid, Name: name, Identity: identity}, err
}

// identityOf reads the mark of a launcher; nil where a domain has none.
func identityOf(d *libvirt.Domain) (*domain.Identity, error) {
	element, err := d.GetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, domain.MetadataNamespace, libvirt.DOMAIN_AFFECT_CURRENT)
	if errors.Is(err, libvirt.ERR_NO_DOMAIN_METADATA) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	identity, err := domain.ParseIdentity(element)
	if err != nil {
		return nil, nil // somebody else's element
	}
	return &identity, nil
}

// with has do work on the domain of an instance of this launcher.
func (c *Conn) with(conn *libvirt.Connect, ref launcher.Ref, do func(*libvirt.Domain) error) error {
	d, err := conn.LookupDomainByUUIDString(ref.UUID)
	if err != nil {
		return err
	}
	defer d.Free()
	identity, err := identityOf(d)
	if err != nil {
		return err
	}
	if identity == nil || identity.Owner != c.options.Owner || identity.UID != ref.UID {
		return launcher.ErrNoDomain
	}
	return do(d)
}

// Power says how a domain is doing.
func (c *Conn) Power(ref launcher.Ref) (launcher.Power, error) {
	power := launcher.PowerGone
	err := c.use(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			state, reason, err := d.GetState()
			power = powerOf(state, reason)
			return err
		})
	})
	if errors.Is(err, launcher.ErrNoDomain) {
		return launcher.PowerGone, nil
	}
	return power, err
}

func powerOf(state libvirt.DomainState, reason int) launcher.Power {
	switch state {
	case libvirt.DOMAIN_PAUSED:
		return powerOfPaused(libvirt.DomainPausedReason(reason))
	case libvirt.DOMAIN_SHUTDOWN:
		return launcher.PowerEnding
	case libvirt.DOMAIN_CRASHED:
		return launcher.PowerCrashed
	case libvirt.DOMAIN_SHUTOFF:
		return powerOfOff(libvirt.DomainShutoffReason(reason))
	case libvirt.DOMAIN_NOSTATE:
		return launcher.PowerOff
	}
	return launcher.PowerRunning
}

func powerOfPaused(reason libvirt.DomainPausedReason) launcher.Power {
	switch reason {
	case libvirt.DOMAIN_PAUSED_STARTING_UP:
		return launcher.PowerBeginning
	case libvirt.DOMAIN_PAUSED_IOERROR:
		return launcher.PowerPausedIOError
	case libvirt.DOMAIN_PAUSED_SHUTTING_DOWN:
		return launcher.PowerEnding
	case libvirt.DOMAIN_PAUSED_CRASHED:
		return launcher.PowerCrashed
	}
	return launcher.PowerPaused
}

func powerOfOff(reason libvirt.DomainShutoffReason) launcher.Power {
	switch reason {
	case libvirt.DOMAIN_SHUTOFF_SHUTDOWN, libvirt.DOMAIN_SHUTOFF_SAVED, libvirt.DOMAIN_SHUTOFF_MIGRATED:
		return launcher.PowerShutDown
	case libvirt.DOMAIN_SHUTOFF_DESTROYED:
		return launcher.PowerDestroyed
	case libvirt.DOMAIN_SHUTOFF_CRASHED, libvirt.DOMAIN_SHUTOFF_DAEMON:
		return launcher.PowerDied
	case libvirt.DOMAIN_SHUTOFF_FAILED:
		return launcher.PowerNotStarted
	}
	return launcher.PowerOff
}

// Describe returns the XML of a domain, as it is now where it is active.
func (c *Conn) Describe(ref launcher.Ref) (string, error) {
	var xml string
	err := c.use(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) (err error) {
			xml, err = d.GetXMLDesc(0)
			return err
		})
	})
	return xml, err
}

// Define makes a domain, or replaces one that has both the same name and the same UUID.
func (c *Conn) Define(xml string) error {
	return c.use(func(conn *libvirt.Connect) error {
		d, err := conn.DomainDefineXML(xml)
		if err != nil {
			return err
		}
		return d.Free()
	})
}
