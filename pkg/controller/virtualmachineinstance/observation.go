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
	// missingSecrets are the Secrets that its spec names and that do not exist.
	missingSecrets []string
	// missingConfigMaps are likewise.
	missingConfigMaps []string
}

// claimUse is how an instance uses a claim.
type claimUse struct {
	types.NamespacedName
	// writes is false for a claim that is only read, which others may do, too.
	writes bool
}

// exclusiveClaims returns the claims that no other instance may use at the same time, if one of them writes.
func (o *observation) exclusiveClaims() []claimUse {
	var uses []claimUse
	for _, name := range o.instance.Spec.ClaimNames() {
		if claim := o.claims[name]; claim != nil && !isShareable(claim) {
			uses = append(uses, claimUse{
				types.NamespacedName{Namespace: o.instance.Namespace, Name: name}, o.instance.Spec.WritesClaim(name),
			})
		}
	}
	return uses
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
