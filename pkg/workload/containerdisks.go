// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// ContainerDisks has the disks of container images on a node.
type ContainerDisks interface {
	// Ensure returns the absolute path of the disk, a raw file that others use too and nobody may write. It
	// does not wait: while the image is pulled the error is ErrPulling, where that failed it is a
	// *PullError, until another attempt gets through. OnChange tells when to call again.
	Ensure(ctx context.Context, disk ContainerDisk) (path string, err error)
	// Forget ends what is on its way for an instance. A disk that Ensure has returned stays for an hour at
	// the least.
	Forget(instance types.NamespacedName)
	// OnChange sets who is told, by the instance's name, when Ensure would answer otherwise than before. It
	// is called once, before the first Ensure. notify must not block.
	OnChange(notify func(instance types.NamespacedName))
}

// ContainerDisk is the disk that a volume of an instance asks for. It holds secrets.
type ContainerDisk struct {
	Instance types.NamespacedName
	UID      types.UID
	Volume   string
	// Source is the image, the path in it, and the registry's credentials.
	Source source.Container
	Policy corev1.PullPolicy
}

// ErrPulling is that an image is on its way.
var ErrPulling = errors.New("the image is being pulled")

// PullError is that an image could not be had. It is tried again by itself.
type PullError struct {
	// Reason is kubevirtv1.ReasonErrImagePull or ReasonImagePullBackOff.
	Reason string
	// Message names the image and says what to do.
	Message string
}

func (e *PullError) Error() string { return e.Message }
