// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// request is all that the launcher needs to start vmi. claims are what is behind its volumes, by the name of
// the volume, and pulled is what it has of container images.
func (a *Agent) request(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, claims map[string]*corev1.PersistentVolumeClaim, pulled *pulled) (*api.StartRequest, error) {
	request := &api.StartRequest{
		Instance: vmi,
		Boot:     pulled.boot,
		Disks:    make(map[string]api.DiskSource, len(claims)),
		Images:   map[string]api.Image{},
		Seeds:    map[string]api.Seed{},
	}
	size := 0
	for i := range vmi.Spec.Volumes {
		volume := &vmi.Spec.Volumes[i]
		if claim := claims[volume.Name]; claim != nil {
			path, err := a.Volumes.Locate(ctx, claim)
			if err != nil {
				return nil, &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: %w", volume.Name, err)}
			}
			request.Disks[volume.Name] = api.DiskSource{Path: path, ReadOnly: isReadOnly(volume)}
		}
		if path, ok := pulled.disks[volume.Name]; ok {
			request.Disks[volume.Name] = api.DiskSource{Path: path, ReadOnly: true}
		}
		image, err := a.image(ctx, vmi, volume)
		if err != nil {
			return nil, &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: %w", volume.Name, err)}
		}
		if image != nil {
			if size += sizeOf(image); size > maxImages {
				return nil, &trouble{api.ErrorInvalid, fmt.Errorf("volume %q: with it, the volumes from ConfigMaps and Secrets hold more than %d bytes", volume.Name, maxImages)}
			}
			request.Images[volume.Name] = *image
		}
		if source := cloudInitOf(volume); source != nil {
			seed, err := a.seed(ctx, vmi.Namespace, source)
			if err != nil {
				return nil, &trouble{reasonCloudInitNotReady, fmt.Errorf("volume %q: %w", volume.Name, err)}
			}
			if seed.PublicKeys, err = a.seedKeys(ctx, vmi, volume); err != nil {
				return nil, &trouble{reasonCloudInitNotReady, fmt.Errorf("volume %q: %w", volume.Name, err)}
			}
			request.Seeds[volume.Name] = seed
		}
	}
	return request, nil
}

// claims are those behind vmi's volumes, by the name of the volume.
func (a *Agent) claims(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (map[string]*corev1.PersistentVolumeClaim, error) {
	claims := map[string]*corev1.PersistentVolumeClaim{}
	for i := range vmi.Spec.Volumes {
		volume := &vmi.Spec.Volumes[i]
		if volume.ClaimName() == "" {
			continue
		}
		claim, err := a.claim(ctx, vmi.Namespace, volume)
		if err != nil {
			return nil, err
		}
		claims[volume.Name] = claim
	}
	return claims, nil
}

func (a *Agent) claim(ctx context.Context, namespace string, volume *kubevirtv1.Volume) (*corev1.PersistentVolumeClaim, error) {
	name := volume.ClaimName()
	claim, err := a.Core.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: there is no PersistentVolumeClaim %q in namespace %q", volume.Name, name, namespace)}
	}
	if err != nil {
		return nil, &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: read PersistentVolumeClaim %q: %w", volume.Name, name, err)}
	}
	return claim, nil
}

func isReadOnly(volume *kubevirtv1.Volume) bool {
	return volume.Ephemeral != nil || volume.PersistentVolumeClaim != nil && ptr.Deref(volume.PersistentVolumeClaim.ReadOnly, false)
}

func cloudInitOf(volume *kubevirtv1.Volume) *kubevirtv1.CloudInitSource {
	if volume.CloudInitNoCloud != nil {
		return volume.CloudInitNoCloud
	}
	return volume.CloudInitConfigDrive
}
