// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// TestHardwareOfTheGoldenDomainsStarts has QEMU start what package domain's golden files have libvirt accept.
func TestHardwareOfTheGoldenDomainsStarts(t *testing.T) {
	n := newNode(t)
	for _, name := range []string{"clock", "cpu", "features", "hyperv-passthrough", "peripherals", "tpm", "virtio"} {
		t.Run(name, func(t *testing.T) {
			request := n.newInstance(t, name)
			addGolden(t, request, name)
			status, err := n.Start(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, api.StateRunning, status.State)
			if log := n.consoleLog(request); name == "peripherals" {
				assert.NoFileExists(t, log)
			} else {
				n.awaitLog(t, request, launchertest.GuestReady)
			}
			require.NoError(t, n.Delete(t.Context(), "test", name, request.Instance.UID))
			n.assertNothingLeft(t, request)
		})
	}
}

func (n *node) consoleLog(request *api.StartRequest) string {
	return filepath.Join(n.dir, "state", "domains", string(request.Instance.UID), "console.log")
}

// addGolden gives an instance the hardware of a golden file, but for memory and a VSOCK that the machine may not have.
func addGolden(t *testing.T, request *api.StartRequest, name string) {
	t.Helper()
	raw, err := os.ReadFile("../../pkg/launcher/domain/testdata/" + name + ".yaml")
	require.NoError(t, err)
	spec := &request.Instance.Spec
	disks, volumes := spec.Domain.Devices.Disks, spec.Volumes
	spec.Domain.Devices.Disks, spec.Volumes = nil, nil
	require.NoError(t, yaml.UnmarshalStrict(raw, spec))
	spec.Domain.Devices.Disks = append(disks, spec.Domain.Devices.Disks...)
	spec.Volumes = append(volumes, spec.Volumes...)
	spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("64Mi"))}
	if _, err := os.Stat("/dev/vhost-vsock"); err != nil {
		spec.Domain.Devices.AutoattachVSOCK = nil
	}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
}

func TestEveryVideoTypeStarts(t *testing.T) {
	n := newNode(t)
	for _, video := range []string{"vga", "cirrus", "bochs", "ramfb"} { // virtio is golden
		t.Run(video, func(t *testing.T) {
			request := n.newInstance(t, video)
			request.Instance.Spec.Domain.Devices.Video = &kubevirtv1.VideoDevice{Type: ptr.To(video)}
			status, err := n.Start(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, api.StateRunning, status.State)
			require.NoError(t, n.Delete(t.Context(), "test", video, request.Instance.UID))
		})
	}
}

func TestMissingHugePagesAreToldWithTheRemedy(t *testing.T) {
	n := newNode(t)
	request := n.newInstance(t, "pages")
	// More than any machine has.
	request.Instance.Spec.Domain.Memory = &kubevirtv1.Memory{
		Guest: ptr.To(verbatim.MustParse("8Ti")), Hugepages: &kubevirtv1.Hugepages{PageSize: ptr.To("1Gi")},
	}
	_, err := n.Start(t.Context(), request)
	require.ErrorContains(t, err, "the guest needs 8192 huge pages of 1Gi")
	assert.Equal(t, api.ErrorStartFailed, api.ReasonFor(err))
	n.assertNothingLeft(t, request)
}

func TestARunningGuestGetsProcessorsAndMemory(t *testing.T) {
	n := newNode(t)
	request := n.newInstance(t, "growing")
	domain := &request.Instance.Spec.Domain
	domain.CPU, domain.Memory = nil, &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("1Gi"))}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&request.Instance.Spec)
	status, err := n.Start(t.Context(), request)
	require.NoError(t, err)
	assert.EqualValues(t, 1, status.VCPUs)
	n.awaitLog(t, request, launchertest.GuestReady)

	target := api.Target{Namespace: "test", Name: "growing", UID: request.Instance.UID}
	status, err = n.Resize(t.Context(), target, api.ResizeRequest{VCPUs: 3, Memory: 3 << 30})
	require.NoError(t, err)
	assert.EqualValues(t, 3, status.VCPUs)
	assert.Equal(t, api.Memory{AtBoot: 1 << 30, Requested: 3 << 30, Current: 1 << 30}, status.Memory, "this guest takes none")

	_, err = n.Resize(t.Context(), target, api.ResizeRequest{VCPUs: 5})
	require.ErrorContains(t, err, "5")
}

func TestStateThatIsKeptIsThereForTheNextInstance(t *testing.T) {
	n := newNode(t)
	begin := func() *api.StartRequest {
		request := n.newInstance(t, "keeper")
		instance := request.Instance
		instance.OwnerReferences = []metav1.OwnerReference{{Kind: "VirtualMachine", Name: "keeper", UID: "machine", Controller: ptr.To(true)}}
		instance.Spec.Domain.Firmware.UUID = ptr.To[types.UID]("5d307ca9-b3ef-428c-8861-06e72d69f223")
		instance.Spec.Domain.Firmware.Bootloader = &kubevirtv1.Bootloader{EFI: &kubevirtv1.EFI{SecureBoot: ptr.To(false), Persistent: ptr.To(true)}}
		instance.Spec.Domain.Devices.TPM = &kubevirtv1.TPMDevice{Persistent: ptr.To(true)}
		instance.Spec.Domain.Memory.Guest = ptr.To(verbatim.MustParse("256Mi"))
		_, err := n.Start(t.Context(), request)
		require.NoError(t, err)
		return request
	}
	first := begin()
	uuid := uuidOf(first)
	n.awaitLog(t, first, "BdsDxe")
	require.NoError(t, n.Delete(t.Context(), "test", "keeper", first.Instance.UID))
	n.assertNothingLeft(t, first)
	nvram := filepath.Join(n.dir, "state", "kept", uuid, "nvram.fd")
	module := filepath.Join(n.libvirt.StateDir(), "swtpm", uuid)
	assert.DirExists(t, module)
	written, err := os.ReadFile(nvram)
	require.NoError(t, err, "the firmware has written its variables")

	second := begin()
	n.awaitLog(t, second, "BdsDxe")
	require.NoError(t, n.Delete(t.Context(), "test", "keeper", second.Instance.UID))
	again, err := os.ReadFile(nvram)
	require.NoError(t, err)
	assert.Len(t, again, len(written))

	kept, err := n.Kept(t.Context())
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.NoError(t, n.Forget(t.Context(), kept[0]))
	assert.NoFileExists(t, nvram)
	assert.NoDirExists(t, module)
	n.assertNothingLeft(t, second)
}
