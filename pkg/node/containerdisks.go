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

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// eventPulling is how kubelet names it.
const eventPulling = "Pulling"

// containerDisks are the paths of vmi's container disks, by volume name. All are asked for before the first
// that is not there is told of, so that they are pulled side by side.
func (a *Agent) containerDisks(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (map[string]string, error) {
	paths := map[string]string{}
	var pulling error
	for i := range vmi.Spec.Volumes {
		volume := &vmi.Spec.Volumes[i]
		if volume.ContainerDisk == nil {
			continue
		}
		path, err := a.containerDisk(ctx, vmi, volume)
		switch {
		case err == nil:
			paths[volume.Name] = path
		case errors.Is(err, workload.ErrPulling):
			pulling = err
		default:
			return nil, err
		}
	}
	return paths, pulling
}

func (a *Agent) containerDisk(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, volume *kubevirtv1.Volume) (string, error) {
	if a.ContainerDisks == nil {
		return "", &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: this node has no container disks", volume.Name)}
	}
	disk := workload.ContainerDisk{
		Instance: keyFor(vmi), UID: vmi.UID, Volume: volume.Name,
		Source: source.Container{Image: volume.ContainerDisk.Image, Path: volume.ContainerDisk.Path},
		Policy: volume.ContainerDisk.ImagePullPolicy,
	}
	if name := volume.ContainerDisk.ImagePullSecret; name != "" {
		if err := a.setCredentials(ctx, vmi.Namespace, name, &disk.Source); err != nil {
			return "", &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: %w", volume.Name, err)}
		}
	}
	return a.ContainerDisks.Ensure(ctx, disk)
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
		a.Recorder.Event(vmi, corev1.EventTypeNormal, eventPulling, "Pulling the images of the container disks")
	}
	return nil
}

// forgetPulls ends what is on its way for an instance that needs it no more, or has it.
func (a *Agent) forgetPulls(key types.NamespacedName) {
	if a.ContainerDisks != nil {
		a.ContainerDisks.Forget(key)
	}
}
