// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
)

// Adopted returns the claim that a DataVolume of that metadata, which is at path, takes as its own. It goes when the
// DataVolume does, so that the caller must be allowed to delete it, as Kubernetes asks of whoever sets an owner.
func Adopted(dv metav1.Object, path *field.Path) []reference.Reference {
	if !cdiv1.AdoptsClaim(dv) {
		return nil
	}
	return []reference.Reference{{
		Path: path.Child("annotations").Key(cdiv1.AllowClaimAdoptionAnnotation), Verb: "delete", Name: dv.GetName(),
		Resource: corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"),
	}}
}
