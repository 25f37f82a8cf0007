// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// eventMigrated is upstream's reason of events about what migration does, or can't do.
const eventMigrated = "Migrated"

// tellStranded warns once that a guest can't leave its node although its eviction strategy wants it to: when
// its node is found, or when it gets the strategy later.
func (c *Controller) tellStranded(before, after any) {
	had, hadOK := before.(*kubevirtv1.VirtualMachineInstance)
	has, hasOK := after.(*kubevirtv1.VirtualMachineInstance)
	if !hadOK || !hasOK || c.isStranded(had) && had.UID == has.UID || !c.isStranded(has) {
		return
	}
	c.recorder.Eventf(has, corev1.EventTypeWarning, eventMigrated, "EvictionStrategy is set but vmi is not migratable; %s",
		has.Status.Condition(kubevirtv1.VirtualMachineInstanceIsMigratable).Message)
}

// isStranded is false for the strategies under which a guest that can't migrate is left alone.
func (c *Controller) isStranded(instance *kubevirtv1.VirtualMachineInstance) bool {
	return instance.IsScheduled() && instance.Status.HasCondition(kubevirtv1.VirtualMachineInstanceIsMigratable, corev1.ConditionFalse) &&
		c.evictionStrategy(instance) == kubevirtv1.EvictionStrategyLiveMigrate
}

// evictionStrategy is the instance's own, or that of the installation.
func (c *Controller) evictionStrategy(instance *kubevirtv1.VirtualMachineInstance) kubevirtv1.EvictionStrategy {
	if instance.Spec.EvictionStrategy != nil {
		return *instance.Spec.EvictionStrategy
	}
	settings, err := c.kubevirts.KubeVirts(kubevirtv1.KubeVirtNamespace).Get(kubevirtv1.KubeVirtName)
	if err != nil {
		return kubevirtv1.EvictionStrategyNone // there is none of them, or not yet
	}
	return ptr.Deref(settings.Spec.Configuration.EvictionStrategy, kubevirtv1.EvictionStrategyNone)
}
