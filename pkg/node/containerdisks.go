// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// eventPulling is how kubelet names it.
const eventPulling = "Pulling"

// pulled are the files that an instance has of container images.
type pulled struct {
	// disks are the paths of the container disks, by volume name.
	disks map[string]string
	// boot are the kernel and the initrd; nil where the guest boots otherwise.
	boot *api.BootFiles
}

// pull returns vmi's files of container images. All are asked for before the first that is not there is told
// of, so that they are pulled side by side.
func (a *Agent) pull(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*pulled, error) {
	found := &pulled{disks: map[string]string{}}
	var pulling error
	for i := range vmi.Spec.Volumes {
		volume := &vmi.Spec.Volumes[i]
		if volume.ContainerDisk == nil {
			continue
		}
		path, err := a.containerDisk(ctx, vmi, volume)
		switch {
		case err == nil:
			found.disks[volume.Name] = path
		case errors.Is(err, workload.ErrPulling):
			pulling = err
		default:
			return nil, err
		}
	}
	boot, err := a.bootFiles(ctx, vmi)
	if err != nil {
		return nil, err
	}
	found.boot = boot
	return found, pulling
}

func (a *Agent) containerDisk(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, volume *kubevirtv1.Volume) (string, error) {
	disk := volume.ContainerDisk
	paths, err := a.ensure(ctx, workload.ContainerFiles{
		Instance: keyFor(vmi), UID: vmi.UID, For: volume.Name,
		Source: source.Container{Image: disk.Image, Path: ptr.Deref(disk.Path, "")}, Policy: ptr.Deref(disk.ImagePullPolicy, ""),
	}, ptr.Deref(disk.ImagePullSecret, ""))
	if err != nil {
		return "", inField(err, fmt.Sprintf("volume %q", volume.Name))
	}
	return paths[0], nil
}

// bootFiles are the kernel that the guest boots, and its initrd; nil where there is none.
func (a *Agent) bootFiles(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*api.BootFiles, error) {
	container := vmi.Spec.Domain.Firmware.KernelContainer()
	if container == nil {
		return nil, nil
	}
	paths, err := a.ensure(ctx, workload.ContainerFiles{
		Instance: keyFor(vmi), UID: vmi.UID, For: workload.ForKernelBoot,
		Source: source.Container{Image: container.Image}, Plain: container.Paths(), Policy: ptr.Deref(container.ImagePullPolicy, ""),
	}, ptr.Deref(container.ImagePullSecret, ""))
	if err != nil {
		return nil, inField(err, "firmware.kernelBoot")
	}
	boot := &api.BootFiles{Kernel: paths[0]}
	if len(paths) > 1 {
		boot.Initrd = paths[1]
	}
	return boot, nil
}

// ensure has the files pulled with the credentials in the Secret of that name, if it is not empty.
func (a *Agent) ensure(ctx context.Context, files workload.ContainerFiles, secret string) ([]string, error) {
	if a.ContainerDisks == nil {
		return nil, &trouble{reasonVolumeNotReady, errors.New("this node has no container disks")}
	}
	if secret != "" {
		if err := a.setCredentials(ctx, files.Instance.Namespace, secret, &files.Source); err != nil {
			return nil, &trouble{reasonVolumeNotReady, err}
		}
	}
	return a.ContainerDisks.Ensure(ctx, files)
}

// inField says of a trouble which field it is about. What can't be pulled is told with the name of the image.
func inField(err error, field string) error {
	if t, ok := err.(*trouble); ok {
		return &trouble{t.reason, fmt.Errorf("%s: %w", field, t.err)}
	}
	return err
}

func (a *Agent) setCredentials(ctx context.Context, namespace, name string, src *source.Container) error {
	secret, err := a.Core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no Secret %q in namespace %q", name, namespace)
	}
	if err != nil {
		return fmt.Errorf("read Secret %q: %w", name, err)
	}
	config, found := secret.Data[corev1.DockerConfigJsonKey]
	if !found {
		return fmt.Errorf("secret %q has no key %s: it is made with kubectl create secret docker-registry", name, corev1.DockerConfigJsonKey)
	}
	if err := src.SetCredentials(config); err != nil {
		return fmt.Errorf("secret %q: %w", name, err)
	}
	return nil
}

// isPull says whether err is about an image that is on its way, or will be tried again.
func isPull(err error) bool {
	var failed *workload.PullError
	return errors.Is(err, workload.ErrPulling) || errors.As(err, &failed)
}

// awaitPull says of an instance that its image is on its way, or why it can't be had. There is no need to
// look again: the end of the pull brings the instance back.
func (a *Agent) awaitPull(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, err error) error {
	var failed *workload.PullError
	if errors.As(err, &failed) {
		return a.reportTrouble(ctx, vmi, failed.Reason, capped(failed.Message))
	}
	effort := a.efforts.of(keyFor(vmi), vmi.UID)
	if !effort.pulling {
		effort.pulling = true
		a.efforts.keep(keyFor(vmi), effort)
		a.Recorder.Event(vmi, corev1.EventTypeNormal, eventPulling, "Pulling the container images")
	}
	return nil
}

// forgetPulls ends what is on its way for an instance that needs it no more, or has it.
func (a *Agent) forgetPulls(key types.NamespacedName) {
	if a.ContainerDisks != nil {
		a.ContainerDisks.Forget(key)
	}
}
