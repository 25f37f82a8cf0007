// SPDX-License-Identifier: Apache-2.0

package garbagecollector_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
)

func newMachine(t *testing.T, namespace string) *kubevirtv1.VirtualMachine {
	t.Helper()
	client, err := versioned.NewForConfig(server.Admin)
	require.NoError(t, err)
	halted, memory := kubevirtv1.RunStrategyHalted, verbatim.MustParse("64Mi")
	vm := &kubevirtv1.VirtualMachine{ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: namespace}}
	vm.Spec.RunStrategy = &halted
	vm.Spec.Template = &kubevirtv1.VirtualMachineInstanceTemplateSpec{}
	vm.Spec.Template.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: &memory}
	made, err := client.KubevirtV1().VirtualMachines(namespace).Create(t.Context(), vm, metav1.CreateOptions{})
	require.NoError(t, err)
	return made
}

func deleteMachine(t *testing.T, vm *kubevirtv1.VirtualMachine) {
	t.Helper()
	client, err := versioned.NewForConfig(server.Admin)
	require.NoError(t, err)
	machines := client.KubevirtV1().VirtualMachines(vm.Namespace)
	require.NoError(t, machines.Delete(t.Context(), vm.Name, metav1.DeleteOptions{}))
	// No controller runs here that would let it go.
	_, err = machines.Patch(t.Context(), vm.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	require.NoError(t, err)
}
