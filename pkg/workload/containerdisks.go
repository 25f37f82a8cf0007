// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// ContainerDisks has the disks, and other files, of container images on a node.
type ContainerDisks interface {
	// Ensure returns the absolute paths of the files, which others use too and nobody may write; a disk is
	// raw. It does not wait: while the image is pulled the error is ErrPulling, where that failed it is a
	// *PullError, until another attempt gets through. OnChange tells when to call again.
	Ensure(ctx context.Context, files ContainerFiles) (paths []string, err error)
	// Forget ends what is on its way for an instance. A file that Ensure has returned stays for an hour at
	// the least.
	Forget(instance types.NamespacedName)
	// OnChange sets who is told, by the instance's name, when Ensure would answer otherwise than before. It
	// is called once, before the first Ensure. notify must not block.
	OnChange(notify func(instance types.NamespacedName))
}

// ContainerFiles are what an instance asks for of one image: the disk of a volume, or files as they are. They
// are of the same image, also where its tag moves meanwhile. It holds secrets.
type ContainerFiles struct {
	Instance types.NamespacedName
	UID      types.UID
	// For is what the instance needs them for: the name of a volume, or ForKernelBoot.
	For string
	// Source is the image, the path of the disk in it, and the registry's credentials.
	Source source.Container
	// Plain are the paths of the files that are wanted as they are. Where there are none, the disk is wanted.
	Plain  []string
	Policy corev1.PullPolicy
}

// ForKernelBoot is what the kernel and the initrd are for. No volume can have that name.
const ForKernelBoot = "firmware.kernelBoot"

// Sources are the files one by one.
func (f *ContainerFiles) Sources() []source.Container {
	if len(f.Plain) == 0 {
		return []source.Container{f.Source}
	}
	sources := make([]source.Container, 0, len(f.Plain))
	for _, path := range f.Plain {
		plain := f.Source
		plain.Path, plain.Plain = path, true
		sources = append(sources, plain)
	}
	return sources
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
