// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// obstacle is why a DataVolume cannot have its claim, now or ever.
type obstacle struct {
	reason  string
	message string
}

func (o *obstacle) Error() string { return o.message }

func claimNotValid(format string, args ...any) error {
	return &obstacle{reason: cdiv1.BoundReasonNotValid, message: fmt.Sprintf(format, args...)}
}

// newClaim returns the claim that dv asks for. The error may be an obstacle.
func (c *Controller) newClaim(dv *cdiv1.DataVolume) (*corev1.PersistentVolumeClaim, error) {
	size, err := c.wantedSize(dv)
	if err != nil {
		return nil, err
	}
	spec := dv.Spec.PVC.Core()
	if spec == nil {
		if spec, err = c.completed(dv.Spec.Storage, size); err != nil {
			return nil, err
		}
	}
	annotations := maps.Clone(dv.Annotations)
	if annotations == nil {
		annotations = make(map[string]string, 1)
	}
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	annotations[cdiv1.CreatedForDataVolumeAnnotation] = string(dv.UID)
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name:            dv.Name,
			Namespace:       dv.Namespace,
			Labels:          maps.Clone(dv.Labels),
			Annotations:     annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(dv, cdiv1.SchemeGroupVersion.WithKind("DataVolume"))},
		},
		Spec: *spec,
	}, nil
}

// wantedSize is the size that dv asks for, or for a copy that does not ask, the size of what it copies.
func (c *Controller) wantedSize(dv *cdiv1.DataVolume) (resource.Quantity, error) {
	var resources *verbatim.VolumeResourceRequirements
	switch {
	case dv.Spec.PVC != nil:
		resources = dv.Spec.PVC.Resources
	case dv.Spec.Storage != nil:
		resources = dv.Spec.Storage.Resources
	}
	asked, sized := resources.Size()
	size := asked.Amount()
	if copied(dv) == nil {
		return size, nil
	}
	least, err := c.sourceSize(dv)
	if err != nil {
		return size, err
	}
	if sized && size.CmpInt64(least) < 0 {
		return size, &obstacle{cdiv1.BoundReasonIncompatible, fmt.Sprintf(
			"the disk that is copied has %[1]d bytes, the DataVolume asks for %[2]s: ask for at least %[1]d", least, asked)}
	}
	if !sized {
		size = *resource.NewQuantity(least, resource.BinarySI)
	}
	return size, nil
}

// completed adds to storage what it leaves open, and makes room for what a file system takes for itself beside
// a disk of that size.
func (c *Controller) completed(storage *cdiv1.StorageSpec, size resource.Quantity) (*corev1.PersistentVolumeClaimSpec, error) {
	if storage == nil {
		return nil, claimNotValid("the DataVolume has neither spec.storage nor spec.pvc")
	}
	class, found, err := c.class(storage.StorageClassName)
	if err != nil {
		return nil, err
	}
	if !found && storage.StorageClassName == nil {
		return nil, claimNotValid("there is no default storage class: name one in spec.storage.storageClassName")
	}
	if !found {
		return nil, claimNotValid("storage class %q does not exist: create it, or name another", *storage.StorageClassName)
	}
	lost, err := overheadOf(class, storage.VolumeMode)
	if err != nil {
		return nil, claimNotValid("%v", err)
	}
	if storage.VolumeMode == nil || *storage.VolumeMode == corev1.PersistentVolumeFilesystem {
		size = *resource.NewQuantity(lost.add(roundUp(size.Value())), resource.BinarySI)
	}
	spec := &corev1.PersistentVolumeClaimSpec{
		AccessModes: storage.AccessModes,
		Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: size},
		},
		StorageClassName: storage.StorageClassName,
		VolumeMode:       storage.VolumeMode,
	}
	if storage.Resources != nil {
		spec.Resources.Limits = storage.Resources.Limits.Amounts()
	}
	if class != nil {
		spec.StorageClassName = &class.Name
	}
	if len(spec.AccessModes) == 0 {
		spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	if spec.VolumeMode == nil {
		spec.VolumeMode = ptr.To(corev1.PersistentVolumeFilesystem)
	}
	return spec, nil
}

// createClaim makes the claim of dv. The error may be an obstacle.
func (c *Controller) createClaim(ctx context.Context, dv *cdiv1.DataVolume) error {
	claim, err := c.newClaim(dv)
	if err != nil {
		return err
	}
	_, err = c.core.CoreV1().PersistentVolumeClaims(dv.Namespace).Create(ctx, claim, metav1.CreateOptions{})
	switch {
	case err == nil:
		return nil
	case apierrors.IsAlreadyExists(err):
		// The watch is about to bring it, or to say that it went.
		return nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota"):
		return &obstacle{reason: cdiv1.BoundReasonQuota, message: err.Error()}
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		return claimNotValid("%v", err)
	}
	return fmt.Errorf("create the claim: %w", err)
}

func asObstacle(err error) (*obstacle, bool) {
	return errors.AsType[*obstacle](err)
}
