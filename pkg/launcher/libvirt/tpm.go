// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"fmt"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// ForgetTPM removes what a trusted platform module has stored for domains of the UUID, of which there is none.
// libvirt keeps it where it likes and removes it with a domain: so one is defined, only to go again.
func (c *Conn) ForgetTPM(uuid string) error {
	text, err := (&libvirtxml.Domain{
		Type:   "qemu",
		Name:   "virt-apiserver-forget-" + uuid,
		UUID:   uuid,
		Memory: &libvirtxml.DomainMemory{Value: 1, Unit: "MiB"},
		OS:     &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: "x86_64", Machine: "q35", Type: "hvm"}},
		Devices: &libvirtxml.DomainDeviceList{
			TPMs: []libvirtxml.DomainTPM{domain.TPM(true)},
		},
	}).Marshal()
	if err != nil {
		return fmt.Errorf("encode the domain: %w", err)
	}
	return c.use(func(conn *libvirt.Connect) error {
		// It is refused where there is a domain of that UUID.
		d, err := conn.DomainDefineXML(text)
		if err != nil {
			return err
		}
		defer d.Free()
		return d.UndefineFlags(libvirt.DOMAIN_UNDEFINE_TPM)
	})
}
