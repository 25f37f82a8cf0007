// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"errors"
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	// maxText is the length of a free text, such as a serial number, in bytes.
	maxText = 256
	// maxDevices is how many disks, and how many interfaces, an instance may have.
	maxDevices = 128
	// minMemory and maxMemory of a guest in bytes.
	minMemory = 1 << 20
	maxMemory = 1 << 44
)

var (
	uuidPattern    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	machinePattern = regexp.MustCompile(`^(q35|pc-q35-[a-z0-9.]{1,32})$`)
	serialPattern  = regexp.MustCompile(`^[A-Za-z0-9_.+-]{0,256}$`)
	modelPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// check refuses what must not get near a domain's XML, whatever validated the instance before.
func check(instance *kubevirtv1.VirtualMachineInstance) error {
	if err := CheckIdentity(instance.Namespace, instance.Name, string(instance.UID)); err != nil {
		return err
	}
	spec := &instance.Spec.Domain
	return errors.Join(
		checkFirmware(spec.Firmware),
		checkTexts(spec),
		checkMachine(spec.Machine),
		checkMemory(spec.Memory),
		checkCPUModel(spec.CPU),
		checkCPUFeatures(spec.CPU),
		checkDisks(spec.Devices.Disks),
		checkInterfaces(spec.Devices.Interfaces),
		checkBootOrders(&spec.Devices),
	)
}

// CheckIdentity refuses a namespace, name or UID that Kubernetes would not give. What passes is safe as a
// part of a file's name.
func CheckIdentity(namespace, name, uid string) error {
	if len(validation.IsDNS1123Label(namespace)) > 0 {
		return fmt.Errorf("metadata.namespace: %q is no DNS label", namespace)
	}
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return fmt.Errorf("metadata.name: %q is no DNS name", name)
	}
	if !uuidPattern.MatchString(uid) {
		return fmt.Errorf("metadata.uid: %q is no UUID", uid)
	}
	return nil
}

func checkFirmware(firmware *kubevirtv1.Firmware) error {
	if firmware == nil || !uuidPattern.MatchString(string(ptr.Deref(firmware.UUID, ""))) {
		return errors.New("spec.domain.firmware.uuid: a UUID in lower case is needed")
	}
	return checkText("spec.domain.firmware.serial", ptr.Deref(firmware.Serial, ""))
}

func checkMachine(machine *kubevirtv1.Machine) error {
	if machine == nil || !machinePattern.MatchString(ptr.Deref(machine.Type, "")) {
		return errors.New("spec.domain.machine.type: must be q35 or a versioned pc-q35 name")
	}
	return nil
}

func checkMemory(memory *kubevirtv1.Memory) error {
	if memory == nil || memory.Guest == nil {
		return errors.New("spec.domain.memory.guest: is needed")
	}
	if size := memory.Guest.Value(); size < minMemory || size > maxMemory {
		return fmt.Errorf("spec.domain.memory.guest: %s is not between 1Mi and 16Ti", memory.Guest)
	}
	return nil
}

func checkCPUModel(cpu *kubevirtv1.CPU) error {
	if cpu == nil || ptr.Deref(cpu.Model, "") == "" || modelPattern.MatchString(ptr.Deref(cpu.Model, "")) {
		return nil
	}
	return fmt.Errorf("spec.domain.cpu.model: %q is no name of a model", ptr.Deref(cpu.Model, ""))
}

func checkDisks(disks []kubevirtv1.Disk) error {
	if len(disks) > maxDevices {
		return fmt.Errorf("spec.domain.devices.disks: %d disks, the most is %d", len(disks), maxDevices)
	}
	seen := map[string]bool{}
	for i, disk := range disks {
		field := fmt.Sprintf("spec.domain.devices.disks[%d]", i)
		if len(validation.IsDNS1123Label(disk.Name)) > 0 {
			return fmt.Errorf("%s.name: %q is no DNS label", field, disk.Name)
		}
		if seen[disk.Name] {
			return fmt.Errorf("%s.name: %s is used twice", field, disk.Name)
		}
		seen[disk.Name] = true
		if !serialPattern.MatchString(ptr.Deref(disk.Serial, "")) {
			return fmt.Errorf("%s.serial: %q: only letters, digits and _ . + - may be used", field, ptr.Deref(disk.Serial, ""))
		}
	}
	return nil
}

func checkBootOrders(devices *kubevirtv1.Devices) error {
	seen := map[uint]bool{}
	orders := make([]*uint, 0, len(devices.Disks)+len(devices.Interfaces))
	for _, disk := range devices.Disks {
		orders = append(orders, disk.BootOrder)
	}
	for _, iface := range devices.Interfaces {
		orders = append(orders, iface.BootOrder)
	}
	for _, order := range orders {
		if order == nil {
			continue
		}
		if *order == 0 || *order > 2*maxDevices || seen[*order] {
			return fmt.Errorf("spec.domain.devices: bootOrder %d: must be unique and from 1", *order)
		}
		seen[*order] = true
	}
	return nil
}

// checkText refuses text that has no place in XML or that an argument of QEMU could be broken with.
func checkText(field, text string) error {
	if len(text) > maxText {
		return fmt.Errorf("%s: longer than %d bytes", field, maxText)
	}
	return checkPrintable(field, text)
}

func checkPrintable(field, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s: is not UTF-8", field)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%s: has the character %U, which can't be printed; take it out", field, r)
		}
	}
	return nil
}
