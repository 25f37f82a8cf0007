// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// newStatus says how the machine is doing once d is done, or was tried: failure, which may be nil, is why it
// could not be done.
func newStatus(o *observation, d *decision, failure *failure, now time.Time) kubevirtv1.VirtualMachineStatus {
	strategy := o.machine.EffectiveRunStrategy()
	status := kubevirtv1.VirtualMachineStatus{
		Created:             o.instance != nil,
		Ready:               o.instance != nil && o.instance.Status.HasCondition(kubevirtv1.VirtualMachineInstanceReady, corev1.ConditionTrue),
		PrintableStatus:     printableStatus(o, d),
		RunStrategy:         strategy,
		StateChangeRequests: d.requests,
		StartFailure:        d.startFailure,
		DesiredGeneration:   o.machine.Generation,
		InstancetypeRef:     o.expanded.Status.InstancetypeRef,
		PreferenceRef:       o.expanded.Status.PreferenceRef,
	}
	if remembersStart(strategy) && o.instance == nil {
		status.RunStrategy = o.machine.Status.RunStrategy
	}
	if o.machine.DeletionTimestamp == nil {
		status.StateChangeRequests = pendingRequests(d.requests, strategy, o)
	}
	if o.instance != nil {
		status.ObservedGeneration = observedGeneration(o, d)
	}
	status.Conditions = conditions(o, d.restart, failure, now)
	return status
}

// remembersStart says whether the strategy starts by itself only once. That it did is in status.runStrategy,
// which therefore waits for the instance to exist.
func remembersStart(strategy kubevirtv1.VirtualMachineRunStrategy) bool {
	return strategy == kubevirtv1.RunStrategyOnce || strategy == kubevirtv1.RunStrategyRerunOnFailure
}

// observedGeneration is the latest generation that the instance complies with: the one that it was made
// from, or the machine's own where that differs only in what instances are not made from.
func observedGeneration(o *observation, d *decision) int64 {
	if o.live() && len(d.restart) == 0 && hasMetadata(o.instance, template(o.expanded)) {
		return o.machine.Generation
	}
	generation, err := strconv.ParseInt(o.instance.Annotations[kubevirtv1.VirtualMachineGenerationAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return generation
}

// hasMetadata says whether the instance has the labels and annotations of the template. A running instance gets no
// new ones.
func hasMetadata(instance *kubevirtv1.VirtualMachineInstance, from *kubevirtv1.VirtualMachineInstanceTemplateSpec) bool {
	return contains(instance.Labels, from.ObjectMeta.GetLabels()) && contains(instance.Annotations, from.ObjectMeta.GetAnnotations())
}

func contains(all, some map[string]string) bool {
	for key, value := range some {
		if had, ok := all[key]; !ok || had != value {
			return false
		}
	}
	return true
}

// passing says whether the change of a machine's status to after may wait a moment, because another will
// probably follow. What decisions are made from is never put off.
func passing(o *observation, d *decision, after *kubevirtv1.VirtualMachineStatus) bool {
	before := &o.machine.Status
	if !apiequality.Semantic.DeepEqual(before.StateChangeRequests, after.StateChangeRequests) ||
		!apiequality.Semantic.DeepEqual(before.StartFailure, after.StartFailure) ||
		before.RunStrategy != after.RunStrategy && remembersStart(after.RunStrategy) ||
		!apiequality.Semantic.DeepEqual(before.InstancetypeRef, after.InstancetypeRef) ||
		!apiequality.Semantic.DeepEqual(before.PreferenceRef, after.PreferenceRef) ||
		!sameFailure(before, after) {
		return false
	}
	switch after.PrintableStatus {
	case kubevirtv1.VirtualMachineStatusStarting, kubevirtv1.VirtualMachineStatusStopping,
		kubevirtv1.VirtualMachineStatusProvisioning, kubevirtv1.VirtualMachineStatusWaitingForVolumeBinding,
		kubevirtv1.VirtualMachineStatusTerminating, kubevirtv1.VirtualMachineStatusUnknown:
		return true
	case kubevirtv1.VirtualMachineStatusStopped:
		return d.action != nothing || o.instance != nil && o.instance.DeletionTimestamp != nil
	default:
		return false
	}
}
