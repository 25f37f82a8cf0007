// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const suits = "instancetype.kubevirt.io/default-instancetype"

func TestLabelsOfTheImageAreAddedAndReplaceNone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume(func(dv *cdiv1.DataVolume) {
			fromRegistry(dv)
			dv.Labels = map[string]string{suits: "mine", "app": "web"}
		}))
		w.bind("claim-1")
		w.report(func(s *workload.ImportState) {
			s.Phase = workload.ImportSucceeded
			s.Labels = map[string]string{suits: "the-images", "kubevirt.io/other": "x", "kubevirt.io/created-by": "somebody"}
		})
		assert.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
		want := map[string]string{suits: "mine", "app": "web", "kubevirt.io/other": "x"}
		assert.Equal(t, want, w.volume().Labels)
		assert.Equal(t, want, w.claim().Labels)
	}, localClass())
}

func TestACopyInheritsTheLabelsThatGoWithTheDisk(t *testing.T) {
	source := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "golden", Labels: map[string]string{
			suits: "u1.nano", "kubevirt.io/created-by": "vm", "app": "golden", "notkubevirt.io/a": "b", "plain": "c",
		}},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: requests("1Gi").Requests.Amounts()},
	}
	inWorld(t, func(w *world) {
		w.create(newVolume(copyOf("ns", "golden")))
		w.bind("claim-1")
		w.succeed()
		want := map[string]string{suits: "u1.nano"}
		assert.Equal(t, want, w.volume().Labels)
		assert.Equal(t, want, w.claim().Labels)
	}, localClass(), source)
}
