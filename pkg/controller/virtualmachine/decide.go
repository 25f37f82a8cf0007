// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// action is the one thing that is done to the instance or the machine.
type action string

const (
	// nothing is done.
	nothing action = "nothing"
	// start makes an instance.
	start action = "start"
	// stop deletes the instance.
	stop action = "stop"
	// update changes the spec of a running instance.
	update action = "update"
	// orphan makes the instance nobody's, then lets the machine go.
	orphan action = "orphan"
	// finish lets the machine go.
	finish action = "finish"
)

// immediateDataVolumesAnnotation, set to "false" on a machine, puts its DataVolumes off until its first start.
const immediateDataVolumesAnnotation = "kubevirt.io/immediate-data-volume-creation"

// decision is what to do now.
type decision struct {
	action action
	// paused starts the guest with its processors stopped.
	paused bool
	// next is what update makes of the instance's spec.
	next *kubevirtv1.VirtualMachineInstanceSpec
	// restart are the fields of the template that wait for a restart.
	restart []string
	// dataVolumes are made before the action.
	dataVolumes []kubevirtv1.DataVolumeTemplateSpec
	// requests are those that are not done yet.
	requests []kubevirtv1.VirtualMachineStateChangeRequest
	// startFailure counts the starts that failed.
	startFailure *kubevirtv1.VirtualMachineStartFailure
	// again is when to decide again, without a change; 0 is never.
	again time.Duration
}

// decide says what to do about a machine.
func decide(o *observation, now time.Time) decision {
	if o.machine.DeletionTimestamp != nil {
		return decideDeletion(o)
	}
	strategy := o.machine.EffectiveRunStrategy()
	d := decision{
		action:       nothing,
		requests:     pendingRequests(o.machine.Status.StateChangeRequests, strategy, o),
		startFailure: countStartFailure(o, strategy, now),
	}
	if needsRerun(o, strategy, d.requests) {
		// Stored before the failed instance goes: nothing else will tell that it failed.
		d.requests = []kubevirtv1.VirtualMachineStateChangeRequest{{Action: kubevirtv1.StartRequest}}
		return d
	}
	d.decideInstance(o, strategy, now)
	d.decideUpdate(o)
	if createsDataVolumes(o, d.action) {
		d.dataVolumes = missingDataVolumes(o)
	}
	return d
}

// decideInstance chooses the action, or when to choose again.
func (d *decision) decideInstance(o *observation, strategy kubevirtv1.VirtualMachineRunStrategy, now time.Time) {
	first := firstAction(d.requests)
	switch {
	case o.instance == nil && wantsStart(strategy, first, o.machine.Status.RunStrategy):
		if d.again = untilRetry(d.startFailure, now); d.again == 0 {
			d.action, d.paused = start, startsPaused(d.requests)
		}
	case o.instance == nil || o.instance.DeletionTimestamp != nil:
	case strategy == kubevirtv1.RunStrategyHalted || first == kubevirtv1.StopRequest:
		d.action = stop
	case strategy == kubevirtv1.RunStrategyRerunOnFailure && o.instance.Status.Phase == kubevirtv1.Succeeded && first == "":
		// As upstream, of a guest that ended well nothing stays.
		d.action = stop
	case o.instance.IsFinal() && (strategy == kubevirtv1.RunStrategyAlways || first == kubevirtv1.StartRequest):
		// An instance that failed to start stays until it is replaced: its status says why it failed.
		if d.again = untilRetry(d.startFailure, now); d.again == 0 {
			d.action = stop
		}
	}
}

// wantsStart says whether a machine without an instance is to have one. Those strategies that start by
// themselves only once know from acted, the strategy that was last acted on, that they did.
func wantsStart(strategy kubevirtv1.VirtualMachineRunStrategy, first kubevirtv1.StateChangeRequestAction, acted kubevirtv1.VirtualMachineRunStrategy) bool {
	switch strategy {
	case kubevirtv1.RunStrategyAlways:
		return true
	case kubevirtv1.RunStrategyManual:
		return first == kubevirtv1.StartRequest
	case kubevirtv1.RunStrategyRerunOnFailure:
		return first == kubevirtv1.StartRequest || acted != strategy
	case kubevirtv1.RunStrategyOnce:
		return acted != strategy
	default:
		return false
	}
}

// needsRerun says whether an instance failed that is to be replaced, and nobody asked for anything else.
// One that failed while it was being ended is not.
func needsRerun(o *observation, strategy kubevirtv1.VirtualMachineRunStrategy, requests []kubevirtv1.VirtualMachineStateChangeRequest) bool {
	return strategy == kubevirtv1.RunStrategyRerunOnFailure && len(requests) == 0 && o.instance != nil &&
		o.instance.Status.Phase == kubevirtv1.Failed && o.instance.DeletionTimestamp == nil
}

// decideDeletion ends the instance of a machine that is being deleted, then lets the machine go.
func decideDeletion(o *observation) decision {
	d := decision{
		action:       nothing,
		requests:     o.machine.Status.StateChangeRequests,
		startFailure: o.machine.Status.StartFailure,
	}
	switch {
	case !slices.Contains(o.machine.Finalizers, kubevirtv1.VirtualMachineControllerFinalizer):
	case o.instance == nil:
		d.action = finish
	case slices.Contains(o.machine.Finalizers, metav1.FinalizerOrphanDependents):
		d.action = orphan
	case o.instance.DeletionTimestamp == nil:
		d.action = stop
	}
	return d
}

// createsDataVolumes says whether the machine's DataVolumes are to exist now. They, too, are as it is expanded.
func createsDataVolumes(o *observation, action action) bool {
	return o.unexpanded == nil && (o.machine.Annotations[immediateDataVolumesAnnotation] != "false" || action == start || o.live())
}

func missingDataVolumes(o *observation) []kubevirtv1.DataVolumeTemplateSpec {
	var missing []kubevirtv1.DataVolumeTemplateSpec
	for _, template := range o.expanded.Spec.DataVolumeTemplates {
		if o.dataVolumes[template.ObjectMeta.Name] == nil {
			missing = append(missing, template)
		}
	}
	return missing
}
