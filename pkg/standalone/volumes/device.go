// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// Reasons of events about claims that can't have their device, as Kubernetes names them.
const (
	bindingFailed = "FailedBinding"
	mismatch      = "VolumeMismatch"
)

// Devices are the block devices that the machine's administrator offers.
type Devices interface {
	// Locate returns the path at which QEMU finds the device of that name, and the size of that in bytes.
	Locate(name string) (path string, size int64, err error)
	io.Closer
}

// Offer has the claims of mode Block that name one of the devices bind to it, until it is
// closed with the store. It is called before the store is used.
func (s *Store) Offer(devices Devices) { s.devices = devices }

// takesDevice says whether the claim is one for a device of the machine, which spec.volumeName then names. One of
// mode Block that names none has a file, as all others: guests see a disk either way.
func takesDevice(claim *corev1.PersistentVolumeClaim) bool {
	name := claim.Spec.VolumeName
	return claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == corev1.PersistentVolumeBlock && name != "" && name != volumeName(claim)
}

// device is where the device of a claim is, and its size.
func (s *Store) device(claim *corev1.PersistentVolumeClaim) (path string, size int64, err error) {
	if _, ok := claim.Annotations[cdiv1.CreatedForDataVolumeAnnotation]; ok {
		return "", 0, errNotFilled
	}
	if s.devices == nil {
		return "", 0, errors.New("this machine offers no block devices")
	}
	return s.devices.Locate(claim.Spec.VolumeName)
}

var errNotFilled = errors.New("a DataVolume fills files alone, and not a block device of the machine: make the claim by itself, and have a guest fill it")

func (s *Store) locateDevice(claim *corev1.PersistentVolumeClaim) (string, error) {
	path, size, err := s.device(claim)
	if err != nil {
		return "", err
	}
	if size < capacity(claim) {
		return "", fmt.Errorf("block device %s has %d bytes by now, and %d when the claim was bound", claim.Spec.VolumeName, size, capacity(claim))
	}
	return path, nil
}

// bindDevice gives a claim the device that it names, unless another has it: the first to be bound does, until it is
// deleted. Who that is comes from the API itself and is looked at by one worker at a time, so that two can't win.
func (c *Controller) bindDevice(ctx context.Context, claim *corev1.PersistentVolumeClaim, class string) error {
	_, size, err := c.store.device(claim)
	if err == nil {
		err = unsupported(claim)
	}
	if err != nil {
		c.recorder.Event(claim, corev1.EventTypeWarning, bindingFailed, err.Error())
		return nil
	}
	if request := claim.Spec.Resources.Requests[corev1.ResourceStorage]; request.CmpInt64(size) > 0 {
		c.recorder.Eventf(claim, corev1.EventTypeWarning, mismatch, "Block device %s has %d bytes, less than the %s that the claim requests",
			claim.Spec.VolumeName, size, request.String())
		return nil
	}
	c.binding.Lock()
	defer c.binding.Unlock()
	holder, err := c.holder(ctx, claim)
	if err != nil {
		return err
	}
	if holder != nil {
		c.recorder.Eventf(claim, corev1.EventTypeWarning, bindingFailed, "Claim %s/%s has block device %s, until it is deleted",
			holder.Namespace, holder.Name, claim.Spec.VolumeName)
		return nil
	}
	return c.markBound(ctx, claim, class, claim.Spec.VolumeName, size)
}

// holder is another claim that has the device of claim.
func (c *Controller) holder(ctx context.Context, claim *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	claims, err := c.core.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("look for who has block device %s: %w", claim.Spec.VolumeName, err)
	}
	for i := range claims.Items {
		other := &claims.Items[i]
		if other.UID != claim.UID && takesDevice(other) && other.Spec.VolumeName == claim.Spec.VolumeName && other.Status.Phase == corev1.ClaimBound {
			return other, nil
		}
	}
	return nil, nil
}

// followDevice tells of a bound claim that wants more how large its device is by now: nothing here makes that larger.
func (c *Controller) followDevice(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	request := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if request.CmpInt64(capacity(claim)) <= 0 {
		return nil
	}
	_, size, err := c.store.device(claim)
	if err != nil {
		c.recorder.Event(claim, corev1.EventTypeWarning, resizeFailed, err.Error())
		return nil
	}
	if request.CmpInt64(size) > 0 {
		c.recorder.Eventf(claim, corev1.EventTypeWarning, resizeFailed, "Block device %s has %d bytes: make it larger on the machine, and start the server again",
			claim.Spec.VolumeName, size)
	}
	if size <= capacity(claim) {
		return nil
	}
	larger := claim.DeepCopy()
	larger.Status.Capacity = capacityOf(size)
	return c.updateStatus(ctx, larger)
}
