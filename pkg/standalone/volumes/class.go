// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

const (
	// Provisioner marks the storage classes whose claims live here.
	Provisioner = "virt-apiserver.io/local"
	// ClassName is the name of the class that StorageClass returns.
	ClassName = "local"

	defaultClassAnnotation = "storageclass.kubernetes.io/is-default-class"
	mib                    = 1 << 20
)

// StorageClass returns the class of this machine's storage: the default one, expandable, bound at once, and
// without overhead, as the file has the size that the guest sees.
func StorageClass() *storagev1.StorageClass {
	return &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name: ClassName,
			Annotations: map[string]string{
				defaultClassAnnotation:             "true",
				cdiv1.FilesystemOverheadAnnotation: "0",
			},
		},
		Provisioner:          Provisioner,
		ReclaimPolicy:        ptr.To(corev1.PersistentVolumeReclaimDelete),
		VolumeBindingMode:    ptr.To(storagev1.VolumeBindingImmediate),
		AllowVolumeExpansion: ptr.To(true),
	}
}

// volumeName is what spec.volumeName of a claim of this machine holds.
func volumeName(claim *corev1.PersistentVolumeClaim) string {
	return "pvc-" + string(claim.UID)
}

// requested is the size that a claim asks for, rounded up to whole MiB, so that any image of the requested
// size fits and the file ends on a sector of any size.
func requested(claim *corev1.PersistentVolumeClaim) (int64, error) {
	size, ok := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	const limit = 1 << 50
	if !ok || size.Sign() <= 0 || size.CmpInt64(limit) > 0 {
		return 0, fmt.Errorf("spec.resources.requests.storage is %q: request more than 0 and at most 1Pi", size.String())
	}
	return (size.Value() + mib - 1) / mib * mib, nil
}

// capacity is the size that a bound claim has.
func capacity(claim *corev1.PersistentVolumeClaim) int64 {
	size := claim.Status.Capacity[corev1.ResourceStorage]
	return size.Value()
}
