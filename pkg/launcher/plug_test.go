// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func (b *bench) plugRequest(t *testing.T, bus kubevirtv1.DiskBus) api.PlugRequest {
	t.Helper()
	path := filepath.Join(b.dir, "volumes", "more.img")
	require.NoError(t, os.WriteFile(path, make([]byte, 4096), 0o600))
	return api.PlugRequest{
		Disk:   kubevirtv1.Disk{Name: "more", Serial: ptr.To("s1"), DiskDevice: kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To(bus)}}},
		Source: api.DiskSource{Path: path},
	}
}

func TestDiskComesToAndLeavesARunningGuest(t *testing.T) {
	b := newBench(t)
	b.start(t)
	request := b.plugRequest(t, kubevirtv1.DiskBusSCSI)
	for range 2 { // it can be repeated
		status, err := b.Plug(testTarget(), request)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"root": "sda", "more": "sdb"}, status.Targets)
	}
	assert.Equal(t, 1, b.hypervisor.count("attach device"))
	b.begin(t) // a launcher that knows nothing finds it
	assert.Contains(t, b.status(t).Targets, "more")

	b.hypervisor.stubborn = true
	status, err := b.Unplug(testTarget(), api.UnplugRequest{Name: "more"})
	require.NoError(t, err)
	assert.Contains(t, status.Targets, "more", "the guest has it still")
	b.hypervisor.stubborn = false
	for range 2 {
		status, err = b.Unplug(testTarget(), api.UnplugRequest{Name: "more"})
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"root": "sda"}, status.Targets)
	}
}

func TestDiskOnVirtioGetsANameOfItsOwn(t *testing.T) {
	b := newBench(t)
	b.start(t)
	status, err := b.Plug(testTarget(), b.plugRequest(t, kubevirtv1.DiskBusVirtio))
	require.NoError(t, err)
	assert.Equal(t, "vda", status.Targets["more"])
}

func TestDiskThatNoRunningGuestTakesIsRefused(t *testing.T) {
	b := newBench(t)
	_, err := b.Plug(testTarget(), b.plugRequest(t, kubevirtv1.DiskBusSCSI))
	assert.Equal(t, api.ErrorNotFound, api.ReasonFor(err))
	b.start(t)
	_, err = b.Plug(testTarget(), b.plugRequest(t, kubevirtv1.DiskBusSATA))
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
	outside := b.plugRequest(t, kubevirtv1.DiskBusSCSI)
	outside.Source.Path = "/etc/passwd"
	_, err = b.Plug(testTarget(), outside)
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
	assert.Zero(t, b.hypervisor.count("attach device"))
}

func TestInterfaceComesChangesAndLeaves(t *testing.T) {
	b := newBench(t)
	b.start(t)
	lab := kubevirtv1.Interface{Name: "root", Model: ptr.To("virtio"), MacAddress: ptr.To("02:00:00:00:00:07")}
	set := func(state kubevirtv1.InterfaceState) (links map[string]string) {
		lab.State = ptr.To(state)
		for range 2 { // it can be repeated
			status, err := b.SetInterface(testTarget(), api.InterfaceRequest{Interface: lab, Tap: "w1"})
			require.NoError(t, err)
			links = map[string]string{}
			for _, iface := range status.Interfaces {
				links[iface.Name] = iface.LinkState
			}
		}
		return links
	}
	assert.Equal(t, map[string]string{"default": "up", "root": "up"}, set(""), "an interface may have the name of a volume")
	assert.Equal(t, "w1", b.status(t).Taps["root"])
	assert.Equal(t, map[string]string{"default": "up", "root": "down"}, set(kubevirtv1.InterfaceStateLinkDown))
	assert.Equal(t, map[string]string{"default": "up", "root": "up"}, set(kubevirtv1.InterfaceStateLinkUp))
	assert.Equal(t, map[string]string{"default": "up"}, set(kubevirtv1.InterfaceStateAbsent))
	assert.Equal(t, map[string]string{"root": "sda"}, b.status(t).Targets, "the volume of that name stays")
	assert.Equal(t, 1, b.hypervisor.count("attach device"))
	assert.Equal(t, 2, b.hypervisor.count("update device"))
	assert.Equal(t, 1, b.hypervisor.count("detach device"))
}

func TestInterfaceThatCannotBeAddedIsRefused(t *testing.T) {
	b := newBench(t)
	b.start(t)
	good := kubevirtv1.Interface{Name: "lab", Model: ptr.To("virtio"), MacAddress: ptr.To("02:00:00:00:00:07")}
	bad := good
	bad.MacAddress = ptr.To("x")
	for name, request := range map[string]api.InterfaceRequest{
		"no tap": {Interface: good}, "no MAC": {Interface: bad, Tap: "w1"}, "no device": {Interface: good, Tap: "../x"},
	} {
		_, err := b.SetInterface(testTarget(), request)
		assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err), name)
	}
}
