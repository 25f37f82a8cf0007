// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// restored is a claim that is there before its DataVolume.
func restored(change ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: volume.Namespace, Name: volume.Name, UID: "claim-0"},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: requests("1Gi").Requests.Amounts()},
	}
	for _, c := range change {
		c(claim)
	}
	return claim
}

func annotated(key, value string) func(*cdiv1.DataVolume) {
	return func(dv *cdiv1.DataVolume) { dv.Annotations = map[string]string{key: value} }
}

func claimAnnotated(key, value string) func(*corev1.PersistentVolumeClaim) {
	return func(claim *corev1.PersistentVolumeClaim) { claim.Annotations = map[string]string{key: value} }
}

func TestAClaimThatIsThereIsAdoptedWhereThatIsAskedFor(t *testing.T) {
	const adopt = "cdi.kubevirt.io/allowClaimAdoption"
	unasked := func(*cdiv1.DataVolume) {}
	for name, test := range map[string]struct {
		volume  func(*cdiv1.DataVolume)
		claim   *corev1.PersistentVolumeClaim
		adopted bool
	}{
		"asked for":                       {annotated(adopt, "true"), restored(), true},
		"of another DataVolume, now gone": {annotated(adopt, "true"), restored(claimAnnotated("cdi.kubevirt.io/createdForDataVolume", "dv-0")), true},
		"filled for it":                   {unasked, restored(claimAnnotated("cdi.kubevirt.io/storage.populatedFor", volume.Name)), true},
		"filled for another":              {unasked, restored(claimAnnotated("cdi.kubevirt.io/storage.populatedFor", "other")), false},
		"not asked for":                   {unasked, restored(), false},
		"refused":                         {annotated(adopt, "false"), restored(), false},
		"no answer":                       {annotated(adopt, "perhaps"), restored(), false},
		"of another DataVolume, not gone": {annotated(adopt, "true"), restored(func(claim *corev1.PersistentVolumeClaim) {
			claim.OwnerReferences = []metav1.OwnerReference{{Kind: "DataVolume", Name: "other", UID: "dv-0", Controller: new(true)}}
		}), false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newVolume(test.volume))
				if !test.adopted {
					w.expectStatus(cdiv1.PhaseUnset, "N/A", "Bound=False:ErrClaimNotValid", "Ready=False:ErrClaimNotValid", "Running=False:")
					assert.False(t, metav1.IsControlledBy(w.claim(), w.volume()))
					return
				}
				w.expectStatus(cdiv1.Succeeded, "N/A", "Bound=True:Bound", "Ready=True:", "Running=False:")
				assert.True(t, metav1.IsControlledBy(w.claim(), w.volume()))
				w.stop()
				w.start()
				w.pass(time.Hour)
				assert.Zero(t, w.attempts(), "nothing is written to it")
				assert.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
			}, localClass(), test.claim)
		})
	}
}

func TestAClaimThatSomebodyElseMakesIsWaitedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume(annotated("cdi.kubevirt.io/storage.prePopulated", volume.Name)))
		w.pass(time.Hour)
		assert.Nil(t, w.claim())
		assert.Equal(t, cdiv1.Pending, w.volume().Status.Phase)
		_, err := w.core.CoreV1().PersistentVolumeClaims(volume.Namespace).Create(t.Context(),
			restored(claimAnnotated("cdi.kubevirt.io/storage.populatedFor", volume.Name)), metav1.CreateOptions{})
		assert.NoError(t, err)
		w.settle()
		assert.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
	}, localClass())
}
