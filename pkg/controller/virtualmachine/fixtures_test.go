// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const (
	machineUID  = types.UID("machine")
	instanceUID = types.UID("instance")
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newMachine(strategy kubevirtv1.VirtualMachineRunStrategy, changes ...func(*kubevirtv1.VirtualMachine)) *kubevirtv1.VirtualMachine {
	machine := &kubevirtv1.VirtualMachine{
		ObjectMeta: metav1.ObjectMeta{
			Name: "vm", Namespace: "ns", UID: machineUID, Generation: 3,
			Labels:     map[string]string{"is": "the machine's"},
			Finalizers: []string{kubevirtv1.VirtualMachineControllerFinalizer},
		},
		Spec: kubevirtv1.VirtualMachineSpec{
			RunStrategy: ptr.To(strategy),
			Template: &kubevirtv1.VirtualMachineInstanceTemplateSpec{
				ObjectMeta: &verbatim.ObjectMeta{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}},
			},
		},
	}
	for _, change := range changes {
		change(machine)
	}
	return machine
}

func withUID(uid types.UID) func(*kubevirtv1.VirtualMachine) {
	return func(machine *kubevirtv1.VirtualMachine) { machine.UID = uid }
}

func deletedMachine(machine *kubevirtv1.VirtualMachine) {
	machine.DeletionTimestamp = ptr.To(metav1.NewTime(now))
}

func withRequests(requests ...kubevirtv1.VirtualMachineStateChangeRequest) func(*kubevirtv1.VirtualMachine) {
	return func(machine *kubevirtv1.VirtualMachine) { machine.Status.StateChangeRequests = requests }
}

func acted(strategy kubevirtv1.VirtualMachineRunStrategy) func(*kubevirtv1.VirtualMachine) {
	return func(machine *kubevirtv1.VirtualMachine) { machine.Status.RunStrategy = strategy }
}

func failedStarts(count int, last types.UID, retry time.Time) func(*kubevirtv1.VirtualMachine) {
	return func(machine *kubevirtv1.VirtualMachine) {
		machine.Status.StartFailure = &kubevirtv1.VirtualMachineStartFailure{
			ConsecutiveFailCount: count, LastFailedVMIUID: last, RetryAfterTimestamp: ptr.To(metav1.NewTime(retry)),
		}
	}
}

// withDisk adds a DataVolume template, and the volume that uses it.
func withDisk(name string) func(*kubevirtv1.VirtualMachine) {
	return func(machine *kubevirtv1.VirtualMachine) {
		machine.Spec.DataVolumeTemplates = append(machine.Spec.DataVolumeTemplates, kubevirtv1.DataVolumeTemplateSpec{
			ObjectMeta: verbatim.ObjectMeta{Name: name, Labels: map[string]string{"disk": name}},
			Spec:       cdiv1.DataVolumeSpec{Source: &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}}},
		})
		machine.Spec.Template.Spec.Volumes = append(machine.Spec.Template.Spec.Volumes, kubevirtv1.Volume{
			Name: name, VolumeSource: kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: name}},
		})
	}
}

func startRequest(paused bool) kubevirtv1.VirtualMachineStateChangeRequest {
	request := kubevirtv1.VirtualMachineStateChangeRequest{Action: kubevirtv1.StartRequest}
	if paused {
		request.Data = map[string]string{kubevirtv1.StartRequestDataPaused: "true"}
	}
	return request
}

func stopRequest(uid types.UID) kubevirtv1.VirtualMachineStateChangeRequest {
	return kubevirtv1.VirtualMachineStateChangeRequest{Action: kubevirtv1.StopRequest, UID: &uid}
}

// instanceOf is an instance of the machine in that phase, as it was when the machine had its generation.
func instanceOf(machine *kubevirtv1.VirtualMachine, phase kubevirtv1.VirtualMachineInstancePhase, changes ...func(*kubevirtv1.VirtualMachineInstance)) *kubevirtv1.VirtualMachineInstance {
	instance := newInstance(machine, false)
	instance.UID = instanceUID
	instance.Annotations[kubevirtv1.VirtualMachineGenerationAnnotation] = strconv.FormatInt(machine.Generation, 10)
	instance.Status.Phase = phase
	for _, change := range changes {
		change(instance)
	}
	return instance
}

func deleted(instance *kubevirtv1.VirtualMachineInstance) {
	instance.DeletionTimestamp = ptr.To(metav1.NewTime(now))
}

func onceRan(instance *kubevirtv1.VirtualMachineInstance) {
	instance.Status.PhaseTransitionTimestamps = []kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp{{Phase: kubevirtv1.Running}}
}

func withCondition(kind kubevirtv1.VirtualMachineInstanceConditionType, status corev1.ConditionStatus, reason string) func(*kubevirtv1.VirtualMachineInstance) {
	return func(instance *kubevirtv1.VirtualMachineInstance) {
		instance.Status.SetCondition(kubevirtv1.VirtualMachineInstanceCondition{
			Type: kind, Status: status, Reason: reason, Message: "because",
		}, metav1.NewTime(now.Add(-time.Hour)))
	}
}

// observe has the machine, its instance, which may be nil, and DataVolumes of the given phases.
func observe(machine *kubevirtv1.VirtualMachine, instance *kubevirtv1.VirtualMachineInstance, volumes ...*cdiv1.DataVolume) *observation {
	o := &observation{machine: machine, expanded: machine, dataVolumes: map[string]*cdiv1.DataVolume{}, claims: map[string]*corev1.PersistentVolumeClaim{}}
	o.own(instance)
	for _, volume := range volumes {
		o.dataVolumes[volume.Name] = volume
	}
	return o
}

func dataVolume(name string, phase cdiv1.DataVolumePhase) *cdiv1.DataVolume {
	return &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}, Status: cdiv1.DataVolumeStatus{Phase: phase}}
}
