// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// observe collects what an instance needs and what is there of it.
func (c *Controller) observe(ctx context.Context, instance *kubevirtv1.VirtualMachineInstance) (*observation, error) {
	o := &observation{
		instance:    instance,
		dataVolumes: make(map[string]*cdiv1.DataVolume),
		claims:      make(map[string]*corev1.PersistentVolumeClaim),
	}
	for _, name := range instance.Spec.ClaimNames() {
		dataVolume, err := c.dataVolumes.DataVolumes(instance.Namespace).Get(name)
		if err == nil {
			o.dataVolumes[name] = dataVolume
		} else if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("get data volume %s: %w", name, err)
		}
		claim, err := c.claims.PersistentVolumeClaims(instance.Namespace).Get(name)
		if err == nil {
			o.claims[name] = claim
		} else if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("get claim %s: %w", name, err)
		}
	}
	if err := c.observeSecrets(ctx, o, instance.Spec.Domain.Firmware.SecretNames()); err != nil {
		return nil, err
	}
	for i := range instance.Spec.Volumes {
		volume := &instance.Spec.Volumes[i].VolumeSource
		if err := c.observeSecrets(ctx, o, volume.SecretNames()); err != nil {
			return nil, err
		}
		if err := c.observeConfigMaps(ctx, o, volume.ConfigMapNames()); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// confirm has the observation be of what the server knows of the volumes, not the cache: a disk that was made again a
// moment ago is not filled yet, and must not be given to a guest.
func (c *Controller) confirm(ctx context.Context, o *observation) error {
	namespace := o.instance.Namespace
	clear(o.dataVolumes)
	clear(o.claims)
	for _, name := range o.instance.Spec.ClaimNames() {
		dataVolume, err := c.client.CdiV1beta1().DataVolumes(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			o.dataVolumes[name] = dataVolume
		} else if !apierrors.IsNotFound(err) {
			return fmt.Errorf("get data volume %s: %w", name, err)
		}
		claim, err := c.core.PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			o.claims[name] = claim
		} else if !apierrors.IsNotFound(err) {
			return fmt.Errorf("get claim %s: %w", name, err)
		}
	}
	return nil
}

// observeSecrets asks the server each time: to keep all Secrets of a cluster in memory would be worse.
func (c *Controller) observeSecrets(ctx context.Context, o *observation, names []string) error {
	for _, name := range names {
		_, err := c.core.Secrets(o.instance.Namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			if !slices.Contains(o.missingSecrets, name) {
				o.missingSecrets = append(o.missingSecrets, name)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("look for secret %s: %w", name, err)
		}
	}
	return nil
}

// observeConfigMaps is observeSecrets for ConfigMaps.
func (c *Controller) observeConfigMaps(ctx context.Context, o *observation, names []string) error {
	for _, name := range names {
		_, err := c.core.ConfigMaps(o.instance.Namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			o.missingConfigMaps = append(o.missingConfigMaps, name)
			continue
		}
		if err != nil {
			return fmt.Errorf("look for config map %s: %w", name, err)
		}
	}
	return nil
}
