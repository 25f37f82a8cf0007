// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Unsupported is what an instance type or a preference asks for that no node gives, though another server may.
type Unsupported struct {
	// Field of its spec, such as cpu.numa.
	Field string
	// Reason says why, and what to do.
	Reason string
}

func (u Unsupported) String() string { return u.Field + ": " + u.Reason }

const (
	noDedicated = "no node sets processors aside for guests; choose an instance type without it"
	noDevices   = "no node gives its devices to guests; choose an instance type without them"
	noSecurity  = "no node encrypts the memory of guests; choose one without it"
)

// UnsupportedSize returns what no node gives of what an instance type asks for.
func UnsupportedSize(size *instancetypev1.VirtualMachineInstancetypeSpec) []Unsupported {
	var found []Unsupported
	for _, asked := range []struct {
		is bool
		Unsupported
	}{
		{size.CPU.Guest == 0, Unsupported{"cpu.guest", "it gives no processors; choose another, or give it some"}},
		{size.Memory.Guest.Sign() == 0, Unsupported{"memory.guest", "it gives no memory; choose another, or give it some"}},
		{ptr.Deref(size.CPU.DedicatedCPUPlacement, false), Unsupported{"cpu.dedicatedCPUPlacement", noDedicated}},
		{ptr.Deref(size.CPU.IsolateEmulatorThread, false), Unsupported{"cpu.isolateEmulatorThread", noDedicated}},
		{size.CPU.NUMA != nil && size.CPU.NUMA.GuestMappingPassthrough != nil,
			Unsupported{"cpu.numa.guestMappingPassthrough", "it is for dedicated processors: " + noDedicated}},
		{size.CPU.Realtime != nil, Unsupported{"cpu.realtime", "it is for dedicated processors: " + noDedicated}},
		{len(size.GPUs) > 0, Unsupported{"gpus", noDevices}},
		{len(size.HostDevices) > 0, Unsupported{"hostDevices", noDevices}},
		{size.LaunchSecurity != nil, Unsupported{"launchSecurity", noSecurity}},
		{size.IOThreads != nil, Unsupported{"ioThreads", "there is no pool of threads; choose an instance type with the ioThreadsPolicy auto or shared"}},
		{ptr.Deref(size.SchedulerName, "") != "", Unsupported{"schedulerName", "there is no other scheduler than the default; choose an instance type without it"}},
	} {
		if asked.is {
			found = append(found, asked.Unsupported)
		}
	}
	return found
}

// UnsupportedPreference returns what no node gives of what a preference asks for, for a machine whose template names
// that architecture or none.
func UnsupportedPreference(preference *instancetypev1.VirtualMachinePreferenceSpec, architecture string) []Unsupported {
	var found []Unsupported
	if preference.PreferredLaunchSecurity != nil {
		found = append(found, Unsupported{"preferredLaunchSecurity", noSecurity})
	}
	preferred := ptr.Deref(preference.PreferredArchitecture, "")
	if architecture == "" && preferred != "" && preferred != kubevirtv1.DefaultArchitecture {
		found = append(found, Unsupported{"preferredArchitecture", fmt.Sprintf("no node runs guests of %s, all run %s; choose a preference for that",
			preferred, kubevirtv1.DefaultArchitecture)})
	}
	return found
}

// unsupported refuses a machine for what no node gives. Its template is not expanded yet.
func unsupported(template *kubevirtv1.VirtualMachineInstanceTemplateSpec, size *instancetypev1.VirtualMachineInstancetypeSpec,
	preference *instancetypev1.VirtualMachinePreferenceSpec) field.ErrorList {
	var errs field.ErrorList
	if size != nil {
		for _, u := range UnsupportedSize(size) {
			errs = append(errs, field.Forbidden(field.NewPath("spec", "instancetype"), "the instance type has "+u.String()))
		}
	}
	if preference != nil {
		for _, u := range UnsupportedPreference(preference, ptr.Deref(template.Spec.Architecture, "")) {
			errs = append(errs, field.Forbidden(field.NewPath("spec", "preference"), "the preference has "+u.String()))
		}
	}
	return errs
}
