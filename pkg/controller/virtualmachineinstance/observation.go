// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// observation is all that is decided from. What it points to is shared and must not be changed.
type observation struct {
	instance *kubevirtv1.VirtualMachineInstance
	// dataVolumes and claims are those that exist of the instance's volumes, by name.
	dataVolumes map[string]*cdiv1.DataVolume
	claims      map[string]*corev1.PersistentVolumeClaim
	// missingSecrets are the Secrets that its volumes name and that do not exist.
	missingSecrets []string
}

// exclusiveClaims returns the claims that no other instance may use at the same time.
func (o *observation) exclusiveClaims() []types.NamespacedName {
	var names []types.NamespacedName
	for _, name := range o.instance.Spec.ClaimNames() {
		if claim := o.claims[name]; claim != nil && !isShareable(claim) {
			names = append(names, types.NamespacedName{Namespace: o.instance.Namespace, Name: name})
		}
	}
	return names
}

// isShareable says whether the claim allows several users, which two guests are even on one node.
func isShareable(claim *corev1.PersistentVolumeClaim) bool {
	for _, mode := range claim.Spec.AccessModes {
		if mode == corev1.ReadWriteMany || mode == corev1.ReadOnlyMany {
			return true
		}
	}
	return false
}
