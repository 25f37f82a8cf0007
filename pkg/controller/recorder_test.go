// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// TestEventsAreAboutAllThatControllersActOn: of a kind that it does not know, a recorder tells nobody.
func TestEventsAreAboutAllThatControllersActOn(t *testing.T) {
	core := fake.NewClientset()
	recorder := NewRecorder(t.Context(), core.CoreV1(), "test")
	object := metav1.ObjectMeta{Namespace: "default", Name: "it", UID: "1"}
	for _, about := range []runtime.Object{
		&kubevirtv1.VirtualMachine{ObjectMeta: object}, &cdiv1.DataVolume{ObjectMeta: object}, &corev1.PersistentVolumeClaim{ObjectMeta: object},
	} {
		recorder.Event(about, corev1.EventTypeNormal, "Told", "as it is")
	}
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		events, err := core.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
		assert.NoError(c, err)
		var kinds []string
		for _, event := range events.Items {
			kinds = append(kinds, event.InvolvedObject.Kind)
		}
		assert.ElementsMatch(c, []string{"VirtualMachine", "DataVolume", "PersistentVolumeClaim"}, kinds)
	}, time.Minute, 10*time.Millisecond)
}
