// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// newInstance is as the server stores a new one.
func newInstance(name string, volumes ...kubevirtv1.Volume) *kubevirtv1.VirtualMachineInstance {
	return &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "ns",
			Finalizers: []string{kubevirtv1.VirtualMachineInstanceFinalizer},
		},
		Spec:   kubevirtv1.VirtualMachineInstanceSpec{Volumes: volumes},
		Status: kubevirtv1.VirtualMachineInstanceStatus{Phase: kubevirtv1.Pending},
	}
}

func ofDataVolume(name string) kubevirtv1.Volume {
	return kubevirtv1.Volume{Name: "volume-" + name, VolumeSource: kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: name}}}
}

func ofClaim(name string) kubevirtv1.Volume {
	return kubevirtv1.Volume{Name: "volume-" + name, VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: name},
	}}
}

func ofSecret(name string) kubevirtv1.Volume {
	return kubevirtv1.Volume{Name: "volume-" + name, VolumeSource: kubevirtv1.VolumeSource{
		CloudInitNoCloud: &kubevirtv1.CloudInitSource{UserDataSecretRef: &corev1.LocalObjectReference{Name: name}},
	}}
}

func claim(name string, phase corev1.PersistentVolumeClaimPhase, modes ...corev1.PersistentVolumeAccessMode) *corev1.PersistentVolumeClaim {
	if len(modes) == 0 {
		modes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"},
		Spec:       corev1.PersistentVolumeClaimSpec{AccessModes: modes},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: phase},
	}
}

func dataVolume(name string, phase cdiv1.DataVolumePhase) *cdiv1.DataVolume {
	return &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}, Status: cdiv1.DataVolumeStatus{Phase: phase}}
}

func failedDataVolumeNamed(name, message string) *cdiv1.DataVolume {
	volume := dataVolume(name, cdiv1.ImportInProgress)
	volume.Status.Conditions = []cdiv1.DataVolumeCondition{
		{Type: cdiv1.DataVolumeRunning, Status: corev1.ConditionFalse, Reason: "Error", Message: message},
	}
	return volume
}

func observe(instance *kubevirtv1.VirtualMachineInstance, objects ...any) *observation {
	o := &observation{instance: instance, dataVolumes: map[string]*cdiv1.DataVolume{}, claims: map[string]*corev1.PersistentVolumeClaim{}}
	for _, object := range objects {
		switch object := object.(type) {
		case *cdiv1.DataVolume:
			o.dataVolumes[object.Name] = object
		case *corev1.PersistentVolumeClaim:
			o.claims[object.Name] = object
		case string:
			o.missingSecrets = append(o.missingSecrets, object)
		}
	}
	return o
}
