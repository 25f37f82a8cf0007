// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// protection keeps a claim while an instance uses it, as in Kubernetes.
const protection = "kubernetes.io/pvc-protection"

// bind gives a claim of the local class its volume: a device that it names, or a file, which is made when it is needed.
func (c *Controller) bind(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	class, err := c.classOf(claim)
	switch {
	case apierrors.IsNotFound(err):
		c.recorder.Eventf(claim, corev1.EventTypeWarning, "ProvisioningFailed",
			"%v: make the class, or make the claim again with one of kubectl get storageclasses", err)
		return nil
	case err != nil:
		return err
	case class == nil:
		c.recorder.Event(claim, corev1.EventTypeNormal, "FailedBinding",
			"no persistent volumes available for this claim and no storage class is set")
		return nil
	case class.Provisioner != Provisioner:
		c.recorder.Eventf(claim, corev1.EventTypeNormal, "ExternalProvisioning",
			"Waiting for a volume to be created by the external provisioner %q: storage class %s is not this server's",
			class.Provisioner, class.Name)
		return nil
	}
	if takesDevice(claim) {
		return c.bindDevice(ctx, claim, class.Name)
	}
	size, err := requested(claim)
	if err == nil {
		err = unsupported(claim)
	}
	if err != nil {
		c.recorder.Eventf(claim, corev1.EventTypeWarning, "ProvisioningFailed", "Storage class %s: %v", class.Name, err)
		return nil
	}
	c.warnOfSpace(claim, size)
	return c.markBound(ctx, claim, class.Name, volumeName(claim), size)
}

// markBound says of a claim that it has the volume.
func (c *Controller) markBound(ctx context.Context, claim *corev1.PersistentVolumeClaim, class, volume string, size int64) error {
	bound := claim.DeepCopy()
	bound.Spec.VolumeName = volume
	bound.Spec.StorageClassName = &class
	if !slices.Contains(bound.Finalizers, protection) {
		bound.Finalizers = append(bound.Finalizers, protection)
	}
	claims := c.core.CoreV1().PersistentVolumeClaims(claim.Namespace)
	var err error
	if !apiequality.Semantic.DeepEqual(bound, claim) {
		if bound, err = claims.Update(ctx, bound, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	bound.Status.Phase = corev1.ClaimBound
	bound.Status.AccessModes = bound.Spec.AccessModes
	bound.Status.Capacity = capacityOf(size)
	if _, err := claims.UpdateStatus(ctx, bound, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

// warnOfSpace does not refuse: the file is sparse, and few disks fill up.
func (c *Controller) warnOfSpace(claim *corev1.PersistentVolumeClaim, size int64) {
	free, err := c.store.free()
	if err != nil || size <= free {
		return
	}
	c.recorder.Eventf(claim, corev1.EventTypeWarning, "StorageOvercommitted",
		"The claim has %d MiB, the file system of %s has %d MiB left: the guest meets write errors when that is used up",
		size/mib, c.store.Path(), free/mib)
}

// unsupported says what keeps a claim from being a file, or a device, of this machine.
func unsupported(claim *corev1.PersistentVolumeClaim) error {
	spec := claim.Spec
	switch {
	case !takesDevice(claim) && spec.VolumeName != "" && spec.VolumeName != volumeName(claim):
		return fmt.Errorf("spec.volumeName is %q, but there are no volumes to choose from: leave it out", spec.VolumeName)
	case spec.Selector != nil:
		return errors.New("spec.selector is set, but there are no volumes to choose from: leave it out")
	case spec.DataSource != nil || spec.DataSourceRef != nil:
		return errors.New("spec.dataSource is not supported: use a DataVolume to fill the claim")
	}
	return nil
}

// classOf returns the class of a claim, which is the default one where the claim names none. It returns nil
// where the claim is to have no class, or there is no default.
func (c *Controller) classOf(claim *corev1.PersistentVolumeClaim) (*storagev1.StorageClass, error) {
	if name := claim.Spec.StorageClassName; name != nil {
		if *name == "" {
			return nil, nil
		}
		return c.classes.Get(*name)
	}
	classes, err := c.classes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	var found *storagev1.StorageClass
	for _, class := range classes {
		// Kubernetes takes the newest.
		if class.Annotations[defaultClassAnnotation] == "true" &&
			(found == nil || found.CreationTimestamp.Before(&class.CreationTimestamp)) {
			found = class
		}
	}
	return found, nil
}

// enqueueUnbound enqueues the claims that may have waited for a class.
func (c *Controller) enqueueUnbound(*storagev1.StorageClass) {
	claims, err := c.claims.List(labels.Everything())
	if err != nil {
		return
	}
	for _, claim := range claims {
		if claim.Status.Phase != corev1.ClaimBound {
			c.enqueueClaim(claim)
		}
	}
}

func capacityOf(size int64) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: *resource.NewQuantity(size, resource.BinarySI)}
}
