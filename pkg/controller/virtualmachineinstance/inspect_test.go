// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

func TestInstanceWaitsForWhatItNeeds(t *testing.T) {
	type volumes = []kubevirtv1.Volume
	for name, test := range map[string]struct {
		volumes volumes
		objects []any
		kind    kubevirtv1.VirtualMachineInstanceConditionType
		reason  string
		message string
		fault   bool
	}{
		"nothing":                     {nil, nil, "", "", "", false},
		"all is there":                {volumes{ofDataVolume("dv"), ofClaim("c"), ofSecret("s")}, []any{dataVolume("dv", cdiv1.Succeeded), claim("dv", corev1.ClaimBound), claim("c", corev1.ClaimBound)}, "", "", "", false},
		"a volume whose maker went":   {volumes{ofDataVolume("dv")}, []any{claim("dv", corev1.ClaimBound)}, "", "", "", false},
		"no claim":                    {volumes{ofClaim("c")}, nil, "Synchronized", "FailedPvcNotFound", `PersistentVolumeClaim "c" of volume "volume-c" does not exist: create it, or correct the volume`, true},
		"no data volume":              {volumes{ofDataVolume("dv")}, nil, "Synchronized", "FailedPvcNotFound", `DataVolume "dv" of volume "volume-dv" does not exist: create it, or correct the volume`, true},
		"no secret":                   {volumes{ofSecret("s")}, []any{"s"}, "Synchronized", "SecretNotFound", `Secret "s" does not exist: create it, or correct the field that names it`, true},
		"import goes on":              {volumes{ofDataVolume("a"), ofDataVolume("b"), ofDataVolume("c")}, []any{dataVolume("a", cdiv1.ImportInProgress), dataVolume("b", cdiv1.Succeeded), dataVolume("c", "")}, "DataVolumesReady", "NotAllDVsReady", `waiting for DataVolume "a", "c" to be filled`, false},
		"import into a claim by name": {volumes{ofClaim("dv")}, []any{dataVolume("dv", cdiv1.ImportInProgress), claim("dv", corev1.ClaimBound)}, "DataVolumesReady", "NotAllDVsReady", `waiting for DataVolume "dv" to be filled`, false},
		"import fails":                {volumes{ofDataVolume("dv")}, []any{failedDataVolumeNamed("dv", "404")}, "DataVolumesReady", "NotAllDVsReady", `DataVolume "dv" is not filled: 404`, true},
		"claim waits":                 {volumes{ofClaim("c")}, []any{claim("c", corev1.ClaimPending)}, "PodScheduled", "WaitingForVolumeBinding", `PersistentVolumeClaim "c" is not bound to a volume yet`, false},
		"claim is new":                {volumes{ofClaim("c")}, []any{claim("c", "")}, "PodScheduled", "WaitingForVolumeBinding", `PersistentVolumeClaim "c" is not bound to a volume yet`, false},
		"claim is not known yet":      {volumes{ofDataVolume("dv")}, []any{dataVolume("dv", cdiv1.Succeeded)}, "PodScheduled", "WaitingForVolumeBinding", `PersistentVolumeClaim "dv" is not bound to a volume yet`, false},
		"claim is lost":               {volumes{ofClaim("c")}, []any{claim("c", corev1.ClaimLost)}, "PodScheduled", "Unschedulable", `PersistentVolumeClaim "c" is Lost: its volume is gone`, true},
		"what has to be mended first": {volumes{ofDataVolume("dv"), ofClaim("c")}, []any{dataVolume("dv", cdiv1.ImportInProgress), "s"}, "Synchronized", "FailedPvcNotFound", `PersistentVolumeClaim "c" of volume "volume-c" does not exist: create it, or correct the volume`, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := inspect(observe(newInstance("vm", test.volumes...), test.objects...))
			if test.kind == "" {
				assert.Nil(t, w)
				return
			}
			require.NotNil(t, w)
			assert.Equal(t, kubevirtv1.VirtualMachineInstanceCondition{
				Type: test.kind, Status: corev1.ConditionFalse, Reason: test.reason, Message: test.message,
			}, w.condition)
			assert.Equal(t, test.fault, w.fault)
		})
	}
}

func TestOnlySharedModesAreShared(t *testing.T) {
	volumes := []kubevirtv1.Volume{ofClaim("once"), ofClaim("pod"), ofClaim("many"), ofClaim("read"), ofClaim("unknown")}
	o := observe(newInstance("vm", volumes...),
		claim("once", corev1.ClaimBound, corev1.ReadWriteOnce), claim("pod", corev1.ClaimBound, corev1.ReadWriteOncePod),
		claim("many", corev1.ClaimBound, corev1.ReadWriteOnce, corev1.ReadWriteMany), claim("read", corev1.ClaimBound, corev1.ReadOnlyMany))
	assert.Equal(t, []claimUse{{types.NamespacedName{Namespace: "ns", Name: "once"}, true}, {types.NamespacedName{Namespace: "ns", Name: "pod"}, true}}, o.exclusiveClaims())
}

func TestReservationsAreForAllOrNothing(t *testing.T) {
	var r reservations
	a, b := cache.NewObjectName("ns", "a"), cache.NewObjectName("ns", "b")
	x := claimUse{types.NamespacedName{Namespace: "ns", Name: "x"}, true}
	y := claimUse{types.NamespacedName{Namespace: "ns", Name: "y"}, true}
	assert.False(t, r.drop(a))
	assert.Nil(t, r.take(a, []claimUse{x}))
	assert.Nil(t, r.take(a, []claimUse{x}), "again")
	assert.Equal(t, &use{claim: "x", instance: "a"}, r.take(b, []claimUse{y, x}))
	assert.Nil(t, r.take(a, []claimUse{y}), "b got nothing")
	assert.True(t, r.drop(a))
	assert.Nil(t, r.take(b, []claimUse{y, x}))
}

func TestStatusFollowsTheInstanceToItsNode(t *testing.T) {
	instance := newInstance("vm", ofDataVolume("dv"))
	instance.CreationTimestamp = metav1.NewTime(now)
	waitsFor := func(objects ...any) {
		o := observe(instance, objects...)
		instance.Status = *waiting(o, inspect(o), now.Add(time.Minute))
	}
	waitsFor()
	assert.Equal(t, "FailedPvcNotFound", instance.Status.Reason)
	require.Len(t, instance.Status.Conditions, 1)

	waitsFor(dataVolume("dv", cdiv1.ImportInProgress))
	assert.Equal(t, kubevirtv1.Pending, instance.Status.Phase)
	require.Len(t, instance.Status.Conditions, 1)
	assert.True(t, instance.Status.HasCondition("DataVolumesReady", corev1.ConditionFalse))

	o := observe(instance, dataVolume("dv", cdiv1.Succeeded), claim("dv", corev1.ClaimBound))
	instance.Status = *placing(o, workload.Placement{Reason: "Unschedulable", Message: "no node has room"}, now.Add(time.Hour))
	assert.Equal(t, kubevirtv1.Scheduling, instance.Status.Phase)
	assert.Equal(t, "no node has room", instance.Status.Condition(kubevirtv1.VirtualMachineInstancePodScheduled).Message)
	assert.True(t, instance.Status.HasCondition(kubevirtv1.VirtualMachineInstanceProvisioning, corev1.ConditionTrue))
	assert.True(t, instance.Status.HasCondition(kubevirtv1.VirtualMachineInstanceDataVolumesReady, corev1.ConditionTrue))

	instance.Status = *placed(o, workload.Placement{NodeName: "node"}, now.Add(2*time.Hour))
	assert.Equal(t, kubevirtv1.VirtualMachineInstanceStatus{
		NodeName: "node",
		Phase:    kubevirtv1.Scheduled,
		QOSClass: ptr.To(corev1.PodQOSBurstable),
		Conditions: []kubevirtv1.VirtualMachineInstanceCondition{{
			Type: "DataVolumesReady", Status: "True", Reason: "AllDVsReady", Message: "all DataVolumes are filled",
			LastTransitionTime: metav1.NewTime(now.Add(time.Hour)),
		}},
		PhaseTransitionTimestamps: []kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp{
			{Phase: kubevirtv1.Pending, PhaseTransitionTimestamp: metav1.NewTime(now)},
			{Phase: kubevirtv1.Scheduling, PhaseTransitionTimestamp: metav1.NewTime(now.Add(time.Hour))},
			{Phase: kubevirtv1.Scheduled, PhaseTransitionTimestamp: metav1.NewTime(now.Add(2 * time.Hour))},
		},
	}, instance.Status)
}
