// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"crypto/sha256"
	"net"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// SetIdentity gives spec the firmware UUID and MAC addresses that it does not name. They are computed from
// owner, the UID of the machine (or of an instance without one), so that a guest keeps them from run to run
// without anything being written into the machine. It comes after the defaults, which add interfaces.
func SetIdentity(spec *VirtualMachineInstanceSpec, owner types.UID) {
	if spec.Domain.Firmware == nil {
		spec.Domain.Firmware = &Firmware{}
	}
	if ptr.Deref(spec.Domain.Firmware.UUID, "") == "" {
		spec.Domain.Firmware.UUID = ptr.To(types.UID(uuid.NewSHA1(uuid.NameSpaceOID, []byte("firmware/"+owner)).String()))
	}
	for i := range spec.Domain.Devices.Interfaces {
		iface := &spec.Domain.Devices.Interfaces[i]
		if ptr.Deref(iface.MacAddress, "") == "" {
			iface.MacAddress = ptr.To(macAddress(owner, iface.Name))
		}
	}
}

// macAddress returns a locally administered unicast address.
func macAddress(owner types.UID, iface string) string {
	sum := sha256.Sum256([]byte("mac/" + string(owner) + "/" + iface))
	address := net.HardwareAddr(sum[:6])
	address[0] = address[0]&^0x01 | 0x02
	return address.String()
}

// OwnerUID returns the UID of what the instance's identity is computed from: its machine, or itself where it
// has none.
func (vmi *VirtualMachineInstance) OwnerUID() types.UID {
	if owner := metav1.GetControllerOf(vmi); owner != nil && owner.Kind == "VirtualMachine" {
		return owner.UID
	}
	return vmi.UID
}
