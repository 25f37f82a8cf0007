// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// keeper is the request of an instance of a machine that keeps its firmware's variables and its module's state.
func (b *bench) keeper(t *testing.T, machine types.UID) *api.StartRequest {
	t.Helper()
	request := b.request(t)
	instance := request.Instance
	instance.OwnerReferences = []metav1.OwnerReference{{Kind: "VirtualMachine", Name: "web-1", UID: machine, Controller: ptr.To(true)}}
	instance.Spec.Domain.Firmware.Bootloader = &kubevirtv1.Bootloader{EFI: &kubevirtv1.EFI{SecureBoot: ptr.To(false), Persistent: ptr.To(true)}}
	instance.Spec.Domain.Devices.TPM = &kubevirtv1.TPMDevice{Persistent: ptr.To(true)}
	b.host.find = func(string) (string, error) { return "/bin/true", nil }
	return request
}

func TestStateOutlivesInstancesUntilItIsForgotten(t *testing.T) {
	b := newBench(t)
	request := b.keeper(t, "machine")
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	uuid := uuidOf(request.Instance)
	xml := b.hypervisor.domains[uuid].xml
	assert.Contains(t, xml, b.state.KeptNVRAM(uuid))
	assert.Contains(t, xml, `persistent_state="yes"`)

	kept, err := b.Kept()
	require.NoError(t, err)
	assert.Equal(t, []api.Kept{{UUID: uuid, Namespace: "shop", Name: "web-1", Owner: "machine"}}, kept)
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(b.Forget(uuid, "machine")), "it is in use")

	require.NoError(t, b.Delete(testKey(), testUID))
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(b.Forget(uuid, "another")))
	again, err := b.Kept()
	require.NoError(t, err)
	assert.Equal(t, kept, again)

	require.NoError(t, b.Forget(uuid, "machine"))
	require.NoError(t, b.Forget(uuid, "machine"))
	assert.Equal(t, []string{uuid}, b.hypervisor.forgotten)
	again, err = b.Kept()
	require.NoError(t, err)
	assert.Empty(t, again)
}

func TestStateIsNoOtherMachines(t *testing.T) {
	for name, change := range map[string]func(*kubevirtv1.VirtualMachineInstance){
		"another machine":   func(i *kubevirtv1.VirtualMachineInstance) { i.OwnerReferences[0].UID = "other" },
		"another namespace": func(i *kubevirtv1.VirtualMachineInstance) { i.Namespace = "yard" },
		"no machine":        func(i *kubevirtv1.VirtualMachineInstance) { i.OwnerReferences = nil },
		"not keeping it": func(i *kubevirtv1.VirtualMachineInstance) {
			i.OwnerReferences[0].UID = "other"
			i.Spec.Domain.Firmware.Bootloader, i.Spec.Domain.Devices.TPM = nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			_, err := b.Start(t.Context(), b.keeper(t, "machine"))
			require.NoError(t, err)
			require.NoError(t, b.Delete(testKey(), testUID))
			request := b.keeper(t, "machine")
			change(request.Instance)
			_, err = b.Start(t.Context(), request)
			require.ErrorContains(t, err, "is that of machine shop/web-1, whose state is kept under it")
			assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
		})
	}
}
