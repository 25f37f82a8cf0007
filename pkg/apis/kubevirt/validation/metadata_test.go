// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

func TestAnnotationsThatWouldChangeTheGuestAreNotPassedOver(t *testing.T) {
	for annotation, words := range map[string]string{
		"hooks.kubevirt.io/hookSidecars": "sidecar feature gate is not enabled",
		"kubevirt.io/ignitiondata":       "ExperimentalIgnitionSupport feature gate is not enabled",
	} {
		vm := machine()
		vm.Spec.Template.ObjectMeta = &verbatim.ObjectMeta{Annotations: map[string]string{annotation: "[]", "note": "any"}}
		errs := validation.ValidateVirtualMachine(vm)
		require.Len(t, errs, 1)
		assert.Equal(t, "spec.template.metadata.annotations", errs[0].Field)
		assert.Contains(t, errs[0].Detail, words)

		vmi := &kubevirtv1.VirtualMachineInstance{
			ObjectMeta: metav1.ObjectMeta{Name: "vmi", Annotations: map[string]string{annotation: "[]"}}, Spec: machine().Spec.Template.Spec,
		}
		kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&vmi.Spec)
		errs = validation.ValidateVirtualMachineInstance(vmi)
		require.Len(t, errs, 1)
		assert.Equal(t, "metadata.annotations", errs[0].Field)

		vmi.Annotations[annotation] = ""
		assert.Empty(t, validation.ValidateVirtualMachineInstance(vmi))
	}
}
