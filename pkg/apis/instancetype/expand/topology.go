// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	// DefaultRatio is upstream's.
	DefaultRatio = 2
	// threadsPerCore is how many threads a core has when processors are spread across threads.
	threadsPerCore = 2
)

// Topology returns the topology that is preferred, by its new name. The preference may be nil.
func Topology(preference *instancetypev1.VirtualMachinePreferenceSpec) instancetypev1.PreferredCPUTopology {
	if preference == nil || preference.CPU == nil || preference.CPU.PreferredCPUTopology == nil {
		return instancetypev1.Sockets
	}
	topology := *preference.CPU.PreferredCPUTopology
	if renamed, old := RenamedTopology(topology); old {
		return renamed
	}
	return topology
}

// RenamedTopology returns the new name of a topology, and whether the name was an old one.
func RenamedTopology(topology instancetypev1.PreferredCPUTopology) (instancetypev1.PreferredCPUTopology, bool) {
	renamed, old := map[instancetypev1.PreferredCPUTopology]instancetypev1.PreferredCPUTopology{
		instancetypev1.DeprecatedPreferSockets: instancetypev1.Sockets,
		instancetypev1.DeprecatedPreferCores:   instancetypev1.Cores,
		instancetypev1.DeprecatedPreferThreads: instancetypev1.Threads,
		instancetypev1.DeprecatedPreferSpread:  instancetypev1.Spread,
		instancetypev1.DeprecatedPreferAny:     instancetypev1.Any,
	}[topology]
	return renamed, old
}

// Spread returns what processors are spread across, and the ratio, defaults filled in.
func Spread(preference *instancetypev1.VirtualMachinePreferenceSpec) (instancetypev1.SpreadAcross, uint32) {
	across, ratio := instancetypev1.SpreadAcrossSocketsCores, uint32(DefaultRatio)
	if ptr.Deref(preference.PreferSpreadSocketToCoreRatio, 0) != 0 {
		ratio = ptr.Deref(preference.PreferSpreadSocketToCoreRatio, 0)
	}
	if preference.CPU != nil && preference.CPU.SpreadOptions != nil {
		across = ptr.Deref(preference.CPU.SpreadOptions.Across, across)
		ratio = ptr.Deref(preference.CPU.SpreadOptions.Ratio, ratio)
	}
	return across, ratio
}

// setTopology lays so many processors out. They can be spread as preferred: see validateSpread.
func setTopology(cpu *kubevirtv1.CPU, count uint32, preference *instancetypev1.VirtualMachinePreferenceSpec) {
	cpu.Sockets, cpu.Cores, cpu.Threads = ptr.To[uint32](1), ptr.To[uint32](1), ptr.To[uint32](1)
	if count == 1 {
		return
	}
	switch Topology(preference) {
	case instancetypev1.Cores:
		cpu.Cores = ptr.To(count)
	case instancetypev1.Threads:
		cpu.Threads = ptr.To(count)
	case instancetypev1.Spread:
		switch across, ratio := Spread(preference); across {
		case instancetypev1.SpreadAcrossSocketsCores:
			cpu.Sockets, cpu.Cores = ptr.To(count/ratio), ptr.To(ratio)
		case instancetypev1.SpreadAcrossCoresThreads:
			cpu.Cores, cpu.Threads = ptr.To(count/ratio), ptr.To(ratio)
		case instancetypev1.SpreadAcrossSocketsCoresThreads:
			cpu.Sockets, cpu.Cores, cpu.Threads = ptr.To(count/threadsPerCore/ratio), ptr.To(ratio), ptr.To[uint32](threadsPerCore)
		}
	default:
		cpu.Sockets = ptr.To(count)
	}
}

// validateSpread refuses a number of processors that can't be spread as preferred; upstream refuses a single one, too.
func validateSpread(count uint32, preference *instancetypev1.VirtualMachinePreferenceSpec) field.ErrorList {
	if Topology(preference) != instancetypev1.Spread {
		return nil
	}
	across, ratio := Spread(preference)
	divisor, of := uint64(ratio), "the ratio of cores to sockets"
	switch across {
	case instancetypev1.SpreadAcrossCoresThreads:
		of = "the number of threads per core"
	case instancetypev1.SpreadAcrossSocketsCoresThreads:
		divisor, of = divisor*threadsPerCore, "the threads of a core times the ratio of cores to sockets"
	}
	if divisor != 0 && uint64(count)%divisor == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("instancetype", "spec", "cpu", "guest"), count,
		fmt.Sprintf("%d vCPUs provided by the instance type are not divisible by %s, %d, which the preference asks for", count, of, divisor))}
}
