// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func statusOf(o *observation) kubevirtv1.VirtualMachineStatus {
	d := decide(o, now)
	return newStatus(o, &d, nil, now)
}

func TestPrintableStatusIsTheFirstThatFits(t *testing.T) {
	broken := dataVolume("disk", cdiv1.ImportInProgress)
	broken.Status.Conditions = []cdiv1.DataVolumeCondition{{Type: cdiv1.DataVolumeRunning, Status: corev1.ConditionFalse, Reason: "Error"}}
	paused := withCondition(kubevirtv1.VirtualMachineInstancePaused, corev1.ConditionTrue, "PausedByUser")
	noClaim := withCondition(kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionFalse, kubevirtv1.ReasonPvcNotFound)
	noRoom := withCondition(kubevirtv1.VirtualMachineInstancePodScheduled, corev1.ConditionFalse, "Unschedulable")
	notBound := withCondition(kubevirtv1.VirtualMachineInstancePodScheduled, corev1.ConditionFalse, "WaitingForVolumeBinding")
	failing := failedStarts(1, instanceUID, now.Add(time.Minute))
	type machineChanges = []func(*kubevirtv1.VirtualMachine)
	type instanceChanges = []func(*kubevirtv1.VirtualMachineInstance)
	for name, test := range map[string]struct {
		strategy kubevirtv1.VirtualMachineRunStrategy
		machine  machineChanges
		phase    kubevirtv1.VirtualMachineInstancePhase
		instance instanceChanges
		volume   *cdiv1.DataVolume
		claim    corev1.PersistentVolumeClaimPhase
		want     kubevirtv1.VirtualMachinePrintableStatus
	}{
		"deleted":                     {always, machineChanges{deletedMachine}, kubevirtv1.Running, instanceChanges{deleted}, nil, "", "Terminating"},
		"instance deleted":            {always, nil, kubevirtv1.Running, instanceChanges{deleted, paused}, nil, "", "Stopping"},
		"stop was asked for":          {manual, machineChanges{withRequests(stopRequest(instanceUID))}, kubevirtv1.Running, nil, nil, "", "Stopping"},
		"halted while it starts":      {halted, nil, kubevirtv1.Scheduled, nil, broken, "", "Stopping"},
		"paused":                      {always, nil, kubevirtv1.Running, instanceChanges{paused}, nil, "", "Paused"},
		"running":                     {always, nil, kubevirtv1.Running, nil, broken, "", "Running"},
		"no claim":                    {always, nil, kubevirtv1.Pending, instanceChanges{noClaim, noRoom}, broken, "", "ErrorPvcNotFound"},
		"broken volume":               {always, nil, kubevirtv1.Pending, instanceChanges{noRoom}, broken, "", "DataVolumeError"},
		"broken volume, halted":       {halted, nil, none, nil, broken, "", "DataVolumeError"},
		"failed volume":               {always, nil, none, nil, dataVolume("disk", cdiv1.Failed), "", "DataVolumeError"},
		"no room":                     {always, nil, kubevirtv1.Scheduling, instanceChanges{noRoom}, dataVolume("disk", cdiv1.ImportInProgress), "", "ErrorUnschedulable"},
		"importing":                   {always, nil, kubevirtv1.Pending, nil, dataVolume("disk", cdiv1.ImportInProgress), corev1.ClaimBound, "Provisioning"},
		"importing while halted":      {halted, nil, none, nil, dataVolume("disk", ""), "", "Provisioning"},
		"waiting for a volume":        {always, nil, kubevirtv1.Pending, instanceChanges{notBound}, nil, corev1.ClaimPending, "WaitingForVolumeBinding"},
		"waiting for first consumer":  {always, nil, kubevirtv1.Pending, nil, dataVolume("disk", cdiv1.WaitForFirstConsumer), corev1.ClaimPending, "WaitingForVolumeBinding"},
		"claim of a halted machine":   {halted, nil, none, nil, nil, corev1.ClaimPending, "Stopped"},
		"new instance":                {always, nil, "", nil, dataVolume("disk", cdiv1.Succeeded), corev1.ClaimBound, "Starting"},
		"scheduling":                  {always, nil, kubevirtv1.Scheduling, nil, nil, "", "Starting"},
		"scheduled":                   {always, nil, kubevirtv1.Scheduled, nil, nil, "", "Starting"},
		"starting anew":               {always, machineChanges{failing}, kubevirtv1.Scheduled, nil, nil, "", "Starting"},
		"failed to start":             {always, machineChanges{failing}, kubevirtv1.Failed, nil, nil, "", "CrashLoopBackOff"},
		"waits to start again":        {always, machineChanges{failing}, none, nil, nil, "", "CrashLoopBackOff"},
		"failed to start, now halted": {halted, machineChanges{failing}, none, nil, nil, "", "Stopped"},
		"powered off":                 {manual, nil, kubevirtv1.Succeeded, instanceChanges{onceRan, noRoom}, nil, "", "Stopped"},
		"crashed":                     {manual, nil, kubevirtv1.Failed, instanceChanges{onceRan}, nil, "", "Stopped"},
		"never started":               {manual, nil, none, nil, nil, "", "Stopped"},
		"lost":                        {always, nil, kubevirtv1.Unknown, nil, nil, "", "Unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			machine := newMachine(test.strategy, test.machine...)
			var instance *kubevirtv1.VirtualMachineInstance
			if test.phase != none {
				instance = instanceOf(machine, test.phase, test.instance...)
			}
			o := observe(machine, instance)
			if test.volume != nil {
				o.dataVolumes["disk"] = test.volume
			}
			if test.claim != "" {
				o.claims["disk"] = &corev1.PersistentVolumeClaim{Status: corev1.PersistentVolumeClaimStatus{Phase: test.claim}}
			}
			assert.Equal(t, test.want, statusOf(o).PrintableStatus)
		})
	}
}

func TestReadyIsTheInstancesOrSaysWhyNot(t *testing.T) {
	machine := newMachine(always)
	status := statusOf(observe(machine, nil))
	assert.False(t, status.Created)
	assert.False(t, status.Ready)
	assert.Equal(t, []kubevirtv1.VirtualMachineCondition{{
		Type: "Ready", Status: "False", Reason: "VMINotExists", Message: "VMI does not exist", LastTransitionTime: metav1.NewTime(now),
	}}, status.Conditions)

	status = statusOf(observe(machine, instanceOf(machine, kubevirtv1.Scheduled)))
	assert.True(t, status.Created)
	assert.False(t, status.Ready)
	assert.Equal(t, "VMIConditionMissing", status.Condition(kubevirtv1.VirtualMachineReady).Reason)

	status = statusOf(observe(machine, instanceOf(machine, kubevirtv1.Running, withCondition(kubevirtv1.VirtualMachineInstanceReady, "True", ""))))
	assert.True(t, status.Ready)
	assert.Equal(t, metav1.NewTime(now.Add(-time.Hour)), status.Condition(kubevirtv1.VirtualMachineReady).LastTransitionTime)
}

func TestConditionsOfTheInstanceAreMirroredWhileItExists(t *testing.T) {
	machine := newMachine(manual)
	instance := instanceOf(machine, kubevirtv1.Running,
		withCondition(kubevirtv1.VirtualMachineInstanceDataVolumesReady, "True", "AllDVsReady"),
		withCondition(kubevirtv1.VirtualMachineInstancePaused, "True", "PausedByUser"))
	machine.Status = statusOf(observe(machine, instance))
	assert.Equal(t, "PausedByUser", machine.Status.Condition(kubevirtv1.VirtualMachinePaused).Reason)
	assert.True(t, machine.Status.HasCondition("DataVolumesReady", "True"))
	assert.Equal(t, kubevirtv1.VirtualMachineReady, machine.Status.Conditions[0].Type)

	assert.Len(t, statusOf(observe(machine, nil)).Conditions, 1)
}

func TestStatusThatSaysTheSameIsTheSame(t *testing.T) {
	for name, instance := range map[string]*kubevirtv1.VirtualMachineInstance{
		"stopped": nil,
		"running": instanceOf(newMachine(manual), kubevirtv1.Running, withCondition(kubevirtv1.VirtualMachineInstanceReady, "True", "")),
		"failed":  instanceOf(newMachine(manual), kubevirtv1.Failed),
	} {
		t.Run(name, func(t *testing.T) {
			machine := newMachine(manual)
			o := observe(machine, instance)
			machine.Status = newStatus(o, &decision{}, &failure{reasonFailedCreate, errOccupied}, now)
			later := newStatus(o, &decision{}, &failure{reasonFailedCreate, errOccupied}, now.Add(time.Hour))
			assert.True(t, apiequality.Semantic.DeepEqual(machine.Status, later))
		})
	}
}

func TestRunStrategyOfAStatusWaitsForTheFirstStart(t *testing.T) {
	for _, strategy := range []kubevirtv1.VirtualMachineRunStrategy{rerun, once} {
		machine := newMachine(strategy, acted(halted))
		assert.Equal(t, halted, statusOf(observe(machine, nil)).RunStrategy)
		assert.Equal(t, strategy, statusOf(observe(machine, instanceOf(machine, kubevirtv1.Pending))).RunStrategy)
	}
	for _, strategy := range []kubevirtv1.VirtualMachineRunStrategy{always, manual, halted} {
		assert.Equal(t, strategy, statusOf(observe(newMachine(strategy, acted(once)), nil)).RunStrategy)
	}
}

func TestRestartIsRequiredWhileTheTemplateDiffers(t *testing.T) {
	machine := newMachine(always)
	instance := instanceOf(machine, kubevirtv1.Running)
	required := func() bool {
		status := statusOf(observe(machine, instance))
		return status.HasCondition(kubevirtv1.VirtualMachineRestartRequired, corev1.ConditionTrue)
	}
	observed := func() int64 { return statusOf(observe(machine, instance)).ObservedGeneration }
	assert.False(t, required())

	machine.Generation++
	assert.False(t, required(), "another run strategy, say")
	assert.Equal(t, machine.Generation, observed())

	machine.Spec.Template.ObjectMeta.Labels["new"] = "label"
	assert.False(t, required())
	assert.Equal(t, machine.Generation-1, observed(), "the instance does not have it")
	delete(machine.Spec.Template.ObjectMeta.Labels, "new")

	machine.Spec.Template.Spec.Domain.CPU = &kubevirtv1.CPU{Cores: ptr.To[uint32](2)}
	assert.True(t, required())
	assert.Equal(t, machine.Generation-1, observed())
	assert.Equal(t, machine.Generation, statusOf(observe(machine, instance)).DesiredGeneration)

	machine.Spec.Template.Spec.Domain.CPU.Cores = ptr.To[uint32](1)
	assert.False(t, required(), "changed back")

	machine.Spec.Template.Spec.Domain.CPU.Cores = ptr.To[uint32](4)
	machine.Status.StateChangeRequests = []kubevirtv1.VirtualMachineStateChangeRequest{stopRequest(instanceUID)}
	assert.False(t, required(), "it is being stopped")
	machine.Status.StateChangeRequests = nil
	instance.Status.Phase = kubevirtv1.Succeeded
	assert.False(t, required(), "it has ended")
	assert.Zero(t, statusOf(observe(machine, nil)).ObservedGeneration)
}

func TestPausedStartNeedsNoRestart(t *testing.T) {
	machine := newMachine(always)
	instance := newInstance(machine, true)
	machine.Generation++
	instance.Status.Phase = kubevirtv1.Running
	d := decide(observe(machine, instance), time.Now())
	assert.Empty(t, d.restart)
	assert.Equal(t, nothing, d.action)
}

func TestOnlyWhatAPersonCanMendIsTold(t *testing.T) {
	instances := kubevirtv1.Resource("virtualmachineinstances")
	for name, test := range map[string]struct {
		err  error
		told bool
	}{
		"none":                   {nil, false},
		"not of an action":       {apierrors.NewForbidden(instances, "vm", nil), false},
		"invalid":                {&failure{reasonFailedCreate, apierrors.NewInvalid(kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachineInstance").GroupKind(), "vm", nil)}, true},
		"forbidden":              {&failure{reasonFailedCreate, apierrors.NewForbidden(instances, "vm", errors.New("quota"))}, true},
		"the name is taken":      {&failure{reasonFailedCreate, errOccupied}, true},
		"lost race":              {&failure{reasonFailedDelete, apierrors.NewConflict(instances, "vm", errors.New("changed"))}, false},
		"busy server":            {&failure{reasonFailedCreate, apierrors.NewTooManyRequests("busy", 1)}, false},
		"no answer":              {&failure{reasonFailedCreate, errors.New("connection refused")}, false},
		"server that goes down":  {&failure{reasonFailedCreate, apierrors.NewServiceUnavailable("bye")}, false},
		"wrapped by its callers": {errors.Join(&failure{reasonFailedCreate, errOccupied}), true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.told, told(test.err) != nil) })
	}
}

func TestFailureIsInUpstreamsWords(t *testing.T) {
	machine := newMachine(always)
	status := newStatus(observe(machine, nil), &decision{}, &failure{reasonFailedCreate, errors.New("creating virtual machine instance vm: no")}, now)
	condition := status.Condition(kubevirtv1.VirtualMachineFailure)
	require.NotNil(t, condition)
	assert.Equal(t, "FailedCreate", condition.Reason)
	assert.Equal(t, "Error creating virtual machine instance vm: no", condition.Message)
}

func TestOnlyPassingStatesMayWait(t *testing.T) {
	for name, test := range map[string]struct {
		strategy kubevirtv1.VirtualMachineRunStrategy
		machine  func(*kubevirtv1.VirtualMachine)
		instance *kubevirtv1.VirtualMachineInstance
		passing  bool
	}{
		"starting":                     {always, nil, instanceOf(newMachine(always), kubevirtv1.Pending), true},
		"running":                      {always, nil, instanceOf(newMachine(always), kubevirtv1.Running), false},
		"being stopped":                {halted, nil, instanceOf(newMachine(always), kubevirtv1.Running), true},
		"stopped":                      {halted, nil, nil, false},
		"stopped, to start":            {always, nil, nil, true},
		"ended, to start":              {always, nil, instanceOf(newMachine(always), kubevirtv1.Succeeded, onceRan, deleted), true},
		"failed start":                 {always, nil, instanceOf(newMachine(always), kubevirtv1.Failed), false},
		"request that is done":         {manual, withRequests(startRequest(false)), instanceOf(newMachine(manual), kubevirtv1.Pending), false},
		"first start of one that runs": {once, nil, instanceOf(newMachine(once), kubevirtv1.Pending), false},
		"failed starts that are over":  {manual, failedStarts(1, "x", now), instanceOf(newMachine(manual), kubevirtv1.Pending), false},
		"failure that is over": {manual, func(machine *kubevirtv1.VirtualMachine) {
			machine.Status.SetCondition((&failure{reasonFailedCreate, errOccupied}).condition(), metav1.NewTime(now))
		}, instanceOf(newMachine(manual), kubevirtv1.Pending), false},
	} {
		t.Run(name, func(t *testing.T) {
			machine := newMachine(test.strategy)
			if test.machine != nil {
				test.machine(machine)
			}
			o := observe(machine, test.instance)
			d := decide(o, now)
			status := newStatus(o, &d, nil, now)
			assert.Equal(t, test.passing, passing(o, &d, &status))
		})
	}
}
