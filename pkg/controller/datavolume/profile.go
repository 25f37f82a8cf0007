// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"fmt"
	"math"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

const (
	mib = 1 << 20
	// defaultOverhead is upstream's, in thousandths.
	defaultOverhead = 60

	defaultVirtClass = "storageclass.kubevirt.io/is-default-virt-class"
	defaultClass     = "storageclass.kubernetes.io/is-default-class"
)

// overhead is the share of a volume, in thousandths, that its file system takes for itself.
type overhead int64

// overheadOf returns the overhead that the class states, else upstream's. Class may be nil.
func overheadOf(class *storagev1.StorageClass, mode *corev1.PersistentVolumeMode) (overhead, error) {
	if mode != nil && *mode == corev1.PersistentVolumeBlock {
		return 0, nil
	}
	if class == nil || class.Annotations[cdiv1.FilesystemOverheadAnnotation] == "" {
		return defaultOverhead, nil
	}
	text := class.Annotations[cdiv1.FilesystemOverheadAnnotation]
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || !(share >= 0 && share < 1) {
		return 0, fmt.Errorf("storage class %s: annotation %s is %q: it has to be a number from 0 up to, but not including, 1",
			class.Name, cdiv1.FilesystemOverheadAnnotation, text)
	}
	return overhead(math.Round(share * 1000)), nil
}

// add returns the size of a volume in which a disk of that size fits. Sizes are at most 1 PiB.
func (o overhead) add(size int64) int64 {
	return (size*(1000+int64(o)) + 999) / 1000
}

// remove returns the size of the largest disk, in whole MiB, that fits into a volume of that size.
func (o overhead) remove(size int64) int64 {
	return size * 1000 / (1000 + int64(o)) / mib * mib
}

// class returns the class of that name, or the default one where there is none; nil for the name "", which
// is that of no class. Where the class is missing, so is the answer.
func (c *Controller) class(name *string) (class *storagev1.StorageClass, found bool, err error) {
	switch {
	case name == nil:
		class, err = c.defaultClass()
		return class, class != nil, err
	case *name == "":
		return nil, true, nil
	}
	class, err = c.classes.Get(*name)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	return class, err == nil, err
}

// defaultClass returns the newest class that is the default for virtual machines, else the newest default.
func (c *Controller) defaultClass() (*storagev1.StorageClass, error) {
	classes, err := c.classes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	for _, annotation := range []string{defaultVirtClass, defaultClass} {
		var newest *storagev1.StorageClass
		for _, class := range classes {
			if class.Annotations[annotation] == "true" &&
				(newest == nil || newest.CreationTimestamp.Before(&class.CreationTimestamp)) {
				newest = class
			}
		}
		if newest != nil {
			return newest, nil
		}
	}
	return nil, nil
}

// waitsForConsumer says whether claims of the class are bound only when something uses them.
func waitsForConsumer(class *storagev1.StorageClass) bool {
	return class != nil && class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// diskSize is what the guest sees of a bound claim: what was asked for, unless the volume is smaller.
func diskSize(claim *corev1.PersistentVolumeClaim, o overhead) int64 {
	request := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	size := roundUp(request.Value())
	if capacity, ok := claim.Status.Capacity[corev1.ResourceStorage]; ok {
		size = min(size, capacity.Value())
	}
	return o.remove(size)
}

func roundUp(size int64) int64 { return (size + mib - 1) / mib * mib }
