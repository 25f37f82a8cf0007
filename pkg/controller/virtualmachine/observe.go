// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// observe collects what the informers know of a machine. It returns nil if there is none of that name.
func (c *Controller) observe(ctx context.Context, key cache.ObjectName) (*observation, error) {
	machine, err := c.machines.VirtualMachines(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get virtual machine: %w", err)
	}
	o := &observation{
		machine:     machine,
		dataVolumes: make(map[string]*cdiv1.DataVolume),
		claims:      make(map[string]*corev1.PersistentVolumeClaim),
	}
	instance, err := c.instances.VirtualMachineInstances(key.Namespace).Get(key.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("get its instance: %w", err)
	}
	if err == nil {
		o.own(instance)
	}
	c.expand(ctx, o)
	for _, name := range claimNames(machine) {
		if err := c.observeVolume(o, name); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (c *Controller) observeVolume(o *observation, name string) error {
	dataVolume, err := c.dataVolumes.DataVolumes(o.machine.Namespace).Get(name)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("get data volume %s: %w", name, err)
	}
	if err == nil {
		o.dataVolumes[name] = dataVolume
	}
	claim, err := c.claims.PersistentVolumeClaims(o.machine.Namespace).Get(name)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("get claim %s: %w", name, err)
	}
	if err == nil {
		o.claims[name] = claim
	}
	return nil
}
