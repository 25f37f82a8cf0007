// SPDX-License-Identifier: Apache-2.0

package liveupdate_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/liveupdate"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// running was started with one socket of at most four, and 2Gi of at most 8Gi, and has 4Gi by now.
func running() *kubevirtv1.VirtualMachineInstance {
	vmi := &kubevirtv1.VirtualMachineInstance{}
	vmi.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("2Gi"))}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&vmi.Spec)
	vmi.Spec.Domain.Memory.Guest = ptr.To(verbatim.MustParse("4Gi"))
	vmi.Status.Memory = &kubevirtv1.MemoryStatus{GuestAtBoot: ptr.To(resource.MustParse("2Gi"))}
	return vmi
}

func TestWhatARunningGuestTakes(t *testing.T) {
	type spec = kubevirtv1.VirtualMachineInstanceSpec
	memory := func(size string) func(*spec) {
		return func(s *spec) { s.Domain.Memory.Guest = ptr.To(verbatim.MustParse(size)) }
	}
	sockets := func(count uint32) func(*spec) {
		return func(s *spec) { s.Domain.CPU.Sockets = ptr.To(count) }
	}
	for name, test := range map[string]struct {
		change  func(*spec)
		restart []string
	}{
		"nothing": {func(*spec) {}, nil},
		"a change and other words": {func(s *spec) {
			s.Domain.CPU.Cores, s.Domain.CPU.DedicatedCPUPlacement = ptr.To[uint32](2), new(bool)
			s.Domain.Memory.MaxGuest = ptr.To(verbatim.MustParse("8192Mi"))
		}, []string{"domain.cpu.cores"}},
		"a device that is there unless it is refused": {func(s *spec) {
			s.Domain.Devices.AutoattachGraphicsDevice = new(bool)
		}, []string{"domain.devices.autoattachGraphicsDevice"}},
		"the same otherwise":   {memory("4096Mi"), nil},
		"sockets":              {sockets(4), nil},
		"too many sockets":     {sockets(5), []string{"domain.cpu.sockets"}},
		"fewer sockets":        {func(s *spec) { s.Domain.CPU.Sockets = ptr.To[uint32](0) }, []string{"domain.cpu.sockets"}},
		"cores":                {func(s *spec) { s.Domain.CPU.Cores = ptr.To[uint32](2) }, []string{"domain.cpu.cores"}},
		"all memory":           {memory("8Gi"), nil},
		"memory as at boot":    {memory("2Gi"), nil},
		"less than at boot":    {memory("1Gi"), []string{"domain.memory.guest"}},
		"more memory than max": {memory("9Gi"), []string{"domain.memory.guest"}},
		"part of a block":      {memory("4097Mi"), []string{"domain.memory.guest"}},
		"another maximum":      {func(s *spec) { s.Domain.Memory.MaxGuest = ptr.To(verbatim.MustParse("16Gi")) }, []string{"domain.memory.maxGuest"}},
		"where to run":         {func(s *spec) { s.NodeSelector = map[string]string{"zone": "a"} }, nil},
		"a list":               {func(s *spec) { s.Domain.Devices.Interfaces[0].Model = ptr.To("e1000e") }, []string{"domain.devices.interfaces"}},
		"a link":               {func(s *spec) { s.Domain.Devices.Interfaces[0].State = ptr.To(kubevirtv1.InterfaceStateLinkDown) }, nil},
		"a network": {func(s *spec) {
			onNetwork(s, kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: "lab"}})
		}, nil},
		"a network in front": {func(s *spec) {
			onNetwork(s, kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: "lab"}})
			slices.Reverse(s.Networks)
			slices.Reverse(s.Domain.Devices.Interfaces)
		}, nil},
		"a network to boot from": {func(s *spec) {
			onNetwork(s, kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: "lab"}})
			s.Domain.Devices.Interfaces[1].BootOrder = ptr.To[uint](1)
		}, []string{"domain.devices.interfaces", "networks"}},
		"no pod network": {func(s *spec) { s.Networks, s.Domain.Devices.Interfaces = nil, nil }, []string{"domain.devices.interfaces", "networks"}},
		"another network under its name": {func(s *spec) {
			s.Networks[0].NetworkSource = kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: "lab"}}
		}, []string{"networks"}},
		"a kernel": {func(s *spec) {
			s.Domain.Firmware = &kubevirtv1.Firmware{KernelBoot: &kubevirtv1.KernelBoot{Container: &kubevirtv1.KernelBootContainer{Image: "a"}}}
		}, []string{"domain.firmware"}},
		"several": {func(s *spec) {
			s.Hostname, s.Domain.CPU.Sockets, s.Domain.Devices.Rng = ptr.To("other"), ptr.To[uint32](2), &kubevirtv1.Rng{}
		}, []string{"domain.devices.rng", "hostname"}},
	} {
		t.Run(name, func(t *testing.T) {
			vmi := running()
			wanted := vmi.Spec.DeepCopy()
			test.change(wanted)
			next, restart := liveupdate.Plan(vmi, wanted)
			assert.Equal(t, test.restart, restart)
			if len(restart) == 0 {
				assert.Equal(t, wanted, next)
			}
			assert.Equal(t, running(), vmi, "it is not changed")
		})
	}
}

func TestOtherWordsForTheSameAreNoChange(t *testing.T) {
	vmi := running()
	wanted := vmi.Spec.DeepCopy()
	wanted.Domain.CPU.DedicatedCPUPlacement, wanted.Domain.Devices.DisableHotplug = new(bool), new(bool)
	wanted.Domain.Devices.Interfaces[0].PciAddress = new(string)
	wanted.Domain.Devices.Inputs = []kubevirtv1.Input{}
	next, restart := liveupdate.Plan(vmi, wanted)
	assert.Empty(t, restart)
	assert.Equal(t, &vmi.Spec, next)
}

// TestARequiredMemberThatIsMissingIsADifference has one that is null in JSON.
func TestARequiredMemberThatIsMissingIsADifference(t *testing.T) {
	vmi := running()
	wanted := vmi.Spec.DeepCopy()
	wanted.Volumes = []kubevirtv1.Volume{{Name: "self", VolumeSource: kubevirtv1.VolumeSource{
		DownwardAPI: &kubevirtv1.DownwardAPIVolumeSource{Fields: []kubevirtv1.DownwardAPIVolumeFile{{Path: "name"}}},
	}}}
	_, restart := liveupdate.Plan(vmi, wanted)
	assert.Equal(t, []string{"volumes"}, restart)
}

// onNetwork connects a guest to one more network.
func onNetwork(spec *kubevirtv1.VirtualMachineInstanceSpec, source kubevirtv1.NetworkSource) {
	spec.Networks = append(spec.Networks, kubevirtv1.Network{Name: "more", NetworkSource: source})
	spec.Domain.Devices.Interfaces = append(spec.Domain.Devices.Interfaces, kubevirtv1.Interface{Name: "more"})
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
}

func TestAnInterfaceThatCameCanGo(t *testing.T) {
	vmi := running()
	without := vmi.Spec.DeepCopy()
	onNetwork(&vmi.Spec, kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: "lab"}})
	next, restart := liveupdate.Plan(vmi, without)
	assert.Empty(t, restart)
	assert.Equal(t, without, next)
}

func TestWhatIsTakenDoesNotWaitForTheRest(t *testing.T) {
	vmi := running()
	wanted := vmi.Spec.DeepCopy()
	wanted.Domain.CPU.Sockets, wanted.Hostname = ptr.To[uint32](2), ptr.To("other")
	next, _ := liveupdate.Plan(vmi, wanted)
	assert.EqualValues(t, 2, ptr.Deref(next.Domain.CPU.Sockets, 0))
	assert.Empty(t, ptr.Deref(next.Hostname, ""))
}
