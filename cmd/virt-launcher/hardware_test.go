// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// TestAGuestWithoutATapIsOnAClosedNetwork asks QEMU what the device of a guest is connected to.
func TestAGuestWithoutATapIsOnAClosedNetwork(t *testing.T) {
	n := newNode(t)
	request := n.newInstance(t, "closed")
	_, err := n.Start(t.Context(), request)
	require.NoError(t, err)
	uuid := string(*request.Instance.Spec.Domain.Firmware.UUID)
	networks := n.libvirt.Virsh(t, "qemu-monitor-command", uuid, "--hmp", "info network")
	assert.Regexp(t, `ua-nic_default: .*type=nic.*\s+\\ closed0: .*type=user.*restrict=on`, networks)
	require.NoError(t, n.Delete(t.Context(), "test", "closed", request.Instance.UID))
}

// TestEveryKindOfGuestStarts has QEMU take what libvirt only checks once a domain starts.
func TestEveryKindOfGuestStarts(t *testing.T) {
	n := newNode(t)
	for name, test := range map[string]struct {
		change func(spec *kubevirtv1.DomainSpec)
		says   string
	}{
		"efi": {func(s *kubevirtv1.DomainSpec) {
			s.Memory.Guest = ptr.To(verbatim.MustParse("256Mi"))
			s.Firmware.Bootloader = &kubevirtv1.Bootloader{EFI: &kubevirtv1.EFI{SecureBoot: ptr.To(false)}}
		}, "BdsDxe"},
		"secure-boot": {func(s *kubevirtv1.DomainSpec) {
			s.Memory.Guest = ptr.To(verbatim.MustParse("256Mi"))
			s.Firmware.Bootloader = &kubevirtv1.Bootloader{EFI: &kubevirtv1.EFI{}}
			s.Features.SMM = &kubevirtv1.FeatureState{Enabled: ptr.To(true)}
		}, "BdsDxe"},
		"bios-on-serial": {func(s *kubevirtv1.DomainSpec) {
			s.Firmware.Bootloader = &kubevirtv1.Bootloader{BIOS: &kubevirtv1.BIOS{UseSerial: ptr.To(true)}}
			s.Firmware.Serial = ptr.To(`<"serial"> & more, x=y`)
		}, "SeaBIOS"},
		"named-cpu": {func(s *kubevirtv1.DomainSpec) {
			s.CPU = &kubevirtv1.CPU{Sockets: ptr.To[uint32](2), Cores: ptr.To[uint32](2), Threads: ptr.To[uint32](1), Model: ptr.To("Nehalem")}
		}, launchertest.GuestReady},
		"sata": {func(s *kubevirtv1.DomainSpec) { s.Devices.Disks[0].Disk.Bus = ptr.To(kubevirtv1.DiskBusSATA) }, launchertest.GuestReady},
		"scsi": {func(s *kubevirtv1.DomainSpec) { s.Devices.Disks[0].Disk.Bus = ptr.To(kubevirtv1.DiskBusSCSI) }, launchertest.GuestReady},
		"usb":  {func(s *kubevirtv1.DomainSpec) { s.Devices.Disks[0].Disk.Bus = ptr.To(kubevirtv1.DiskBusUSB) }, launchertest.GuestReady},
		"read-only": {func(s *kubevirtv1.DomainSpec) {
			s.Devices.Disks[0].Disk.ReadOnly = ptr.To(true)
			s.Devices.Disks[0].BootOrder = ptr.To[uint](1)
			s.Devices.Disks[0].Serial = ptr.To("S-1_x.y+z")
		}, launchertest.GuestReady},
		"writeback": {func(s *kubevirtv1.DomainSpec) { s.Devices.Disks[0].Cache = ptr.To(kubevirtv1.CacheWriteBack) }, launchertest.GuestReady},
		"e1000e": {func(s *kubevirtv1.DomainSpec) {
			s.Devices.Interfaces[0].Model = ptr.To("e1000e")
			s.Devices.Rng = &kubevirtv1.Rng{}
		}, launchertest.GuestReady},
		"network-boot-last": {func(s *kubevirtv1.DomainSpec) {
			s.Devices.Disks[0].BootOrder = ptr.To[uint](1)
			s.Devices.Interfaces[0].BootOrder = ptr.To[uint](2)
		}, launchertest.GuestReady},
		"bare": {func(s *kubevirtv1.DomainSpec) {
			s.Features.ACPI = &kubevirtv1.FeatureState{Enabled: ptr.To(false)}
			s.Devices.Interfaces = nil
			s.Devices.AutoattachGraphicsDevice = ptr.To(false)
			s.Devices.AutoattachMemBalloon = ptr.To(false)
		}, launchertest.GuestReady},
	} {
		t.Run(name, func(t *testing.T) {
			request := n.newInstance(t, name)
			test.change(&request.Instance.Spec.Domain)
			status, err := n.Start(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, api.StateRunning, status.State)
			n.awaitLog(t, request, test.says)
			require.NoError(t, n.Delete(t.Context(), "test", name, request.Instance.UID))
			n.assertNothingLeft(t, request)
		})
	}
}

func TestGuestHasItsSeedAndItsEmptyDisk(t *testing.T) {
	n := newNode(t)
	request := n.newInstance(t, "web")
	spec := &request.Instance.Spec
	spec.Volumes = append(spec.Volumes,
		kubevirtv1.Volume{Name: "scratch", VolumeSource: kubevirtv1.VolumeSource{
			EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse("1Gi")}}},
		kubevirtv1.Volume{Name: "init", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{}}},
	)
	spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, kubevirtv1.Disk{
		Name: "init", DiskDevice: kubevirtv1.DiskDevice{CDRom: &kubevirtv1.CDRomTarget{}}})
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
	request.Seeds = map[string]api.Seed{"init": {UserData: []byte("#cloud-config\n")}}
	status, err := n.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"root": "vda", "init": "sda", "scratch": "sdb"}, status.Targets)
	seed := filepath.Join(n.dir, "state", "domains", string(request.Instance.UID), "init.iso")
	out, err := exec.Command("isoinfo", "-R", "-i", seed, "-x", "/user-data").Output()
	require.NoError(t, err)
	assert.Equal(t, "#cloud-config\n", string(out))
	info, err := os.Stat(seed)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it may hold secrets")
}

func TestInstanceThatCannotBeIsRefusedAndLeavesNothing(t *testing.T) {
	n := newNode(t)
	for name, test := range map[string]struct {
		change func(request *api.StartRequest)
		want   string
	}{
		"no such machine": {func(r *api.StartRequest) { r.Instance.Spec.Domain.Machine.Type = ptr.To("pc-q35-99.9") }, "pc-q35-99.9"},
		"no such CPU":     {func(r *api.StartRequest) { r.Instance.Spec.Domain.CPU.Model = ptr.To("Abacus") }, "Abacus"},
		"newline":         {func(r *api.StartRequest) { r.Instance.Spec.Domain.Firmware.Serial = ptr.To("a\nb") }, "firmware.serial"},
		"path":            {func(r *api.StartRequest) { r.Disks["root"] = api.DiskSource{Path: "/etc/shadow"} }, "not below an allowed folder"},
	} {
		t.Run(name, func(t *testing.T) {
			request := n.newInstance(t, "web")
			test.change(request)
			_, err := n.Start(t.Context(), request)
			assert.Contains(t, []string{api.ErrorInvalid, api.ErrorStartFailed}, api.ReasonFor(err))
			require.ErrorContains(t, err, test.want)
			n.assertNothingLeft(t, request)
		})
	}
}
