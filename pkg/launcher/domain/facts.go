// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Facts are what the status of an instance tells of its domain. They are read from the XML of the domain
// as libvirt has it, so that a launcher that has lost all else finds them again.
type Facts struct {
	// Accelerator is kvm or tcg.
	Accelerator string
	// Machine type with its version.
	Machine string
	// Targets are the device names of the volumes.
	Targets    map[string]string
	Interfaces []kubevirtv1.VirtualMachineInstanceNetworkInterface
	// Taps are the devices on the host that interfaces are connected by, by interface name.
	Taps map[string]string
	// ACPI says whether the guest can be asked to power off.
	ACPI bool
	// ConsoleSocket is where QEMU listens for the serial console; empty where there is none.
	ConsoleSocket string
	// Graphics says whether there is a screen.
	Graphics bool
	// VSOCKCID is the guest's address for VSOCK; 0 where it has none.
	VSOCKCID uint32
	// VCPUs that the guest has now.
	VCPUs uint
	// Memory of the guest.
	Memory Memory
}

// ParseFacts reads the XML of a domain.
func ParseFacts(text string) (*Facts, error) {
	var domain libvirtxml.Domain
	if err := domain.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("domain: %w", err)
	}
	facts := &Facts{
		Accelerator: "tcg",
		Targets:     map[string]string{},
		ACPI:        domain.Features != nil && domain.Features.ACPI != nil,
	}
	if domain.Type == "kvm" {
		facts.Accelerator = "kvm"
	}
	if domain.OS != nil && domain.OS.Type != nil {
		facts.Machine = domain.OS.Type.Machine
	}
	if domain.Devices != nil {
		facts.addDevices(domain.Devices)
	}
	if domain.VCPU != nil {
		facts.VCPUs = domain.VCPU.Value
		if domain.VCPU.Current != 0 {
			facts.VCPUs = domain.VCPU.Current
		}
	}
	memory, err := parseMemory(text)
	if err != nil {
		return nil, err
	}
	facts.Memory = memory
	return facts, nil
}

func (f *Facts) addDevices(devices *libvirtxml.DomainDeviceList) {
	for _, disk := range devices.Disks {
		if disk.Alias != nil && disk.Target != nil {
			f.Targets[strings.TrimPrefix(disk.Alias.Name, aliasPrefix)] = disk.Target.Dev
		}
	}
	f.addInterfaces(devices.Interfaces)
	for _, serial := range devices.Serials {
		if serial.Source != nil && serial.Source.UNIX != nil {
			f.ConsoleSocket = serial.Source.UNIX.Path
		}
	}
	f.Graphics = len(devices.Graphics) > 0
	if devices.VSock != nil && devices.VSock.CID != nil {
		f.VSOCKCID = parseCID(devices.VSock.CID.Address)
	}
}

// parseCID returns 0 for what is no guest's address: those below 3 are the host's and the kernel's own.
func parseCID(text string) uint32 {
	const first = 3
	cid, err := strconv.ParseUint(text, 10, 32)
	if err != nil || cid < first || cid == math.MaxUint32 {
		return 0
	}
	return uint32(cid)
}
