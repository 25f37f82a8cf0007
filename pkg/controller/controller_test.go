// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

func TestPassingStateIsNotPutOffAgain(t *testing.T) {
	var settle controller.Settle
	a, b := cache.NewObjectName("ns", "a"), cache.NewObjectName("ns", "b")
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	first := settle.Wait(a, start)
	require.Positive(t, first)
	assert.LessOrEqual(t, first, time.Second, "a person would notice")
	assert.Equal(t, first-100*time.Millisecond, settle.Wait(a, start.Add(100*time.Millisecond)))
	assert.Equal(t, first, settle.Wait(b, start.Add(time.Second)))
	assert.Zero(t, settle.Wait(a, start.Add(first)))
	assert.Zero(t, settle.Wait(a, start.Add(time.Hour)))

	settle.Done(a)
	assert.Equal(t, first, settle.Wait(a, start.Add(time.Hour)))
}

func TestPatchesAreForOneVersionOfOneObject(t *testing.T) {
	obj := &metav1.ObjectMeta{
		UID: "u", ResourceVersion: "7", Finalizers: []string{"a", "b", "c"},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "K", Name: "n", UID: "o"}},
	}
	for name, test := range map[string]struct {
		patch func() ([]byte, error)
		want  string
	}{
		"a finalizer":    {func() ([]byte, error) { return controller.WithoutFinalizer(obj, "b") }, `{"metadata":{"uid":"u","resourceVersion":"7","finalizers":["a","c"]}}`},
		"the last owner": {func() ([]byte, error) { return controller.WithoutOwner(obj, "o") }, `{"metadata":{"uid":"u","resourceVersion":"7","ownerReferences":[]}}`},
		"no finalizers": {func() ([]byte, error) {
			return controller.WithoutFinalizer(&metav1.ObjectMeta{UID: "u", ResourceVersion: "7"}, "b")
		}, `{"metadata":{"uid":"u","resourceVersion":"7","finalizers":[]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := test.patch()
			require.NoError(t, err)
			assert.JSONEq(t, test.want, string(body))
		})
	}
	assert.Equal(t, []string{"a", "b", "c"}, obj.Finalizers)
}

func TestHandlerSeesWhatWentAlsoWhereItWasMissed(t *testing.T) {
	var seen []string
	handler := controller.OnChange(func(secret *corev1.Secret) { seen = append(seen, secret.Name) })
	secret := func(name string) *corev1.Secret { return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}} }
	handler.OnAdd(secret("added"), true)
	handler.OnUpdate(secret("before"), secret("after"))
	handler.OnDelete(secret("deleted"))
	handler.OnDelete(cache.DeletedFinalStateUnknown{Key: "missed", Obj: secret("missed")})
	handler.OnDelete(&corev1.ConfigMap{})
	assert.Equal(t, []string{"added", "after", "deleted", "missed"}, seen)
}

func TestEventsReachTheServer(t *testing.T) {
	client := kubernetesfake.NewClientset()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	recorder := controller.NewRecorder(ctx, client.CoreV1(), "test")
	machine := &kubevirtv1.VirtualMachine{ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: "ns", UID: "u"}}
	recorder.Event(machine, corev1.EventTypeNormal, "Reason", "message")

	require.Eventually(t, func() bool {
		list, err := client.CoreV1().Events("ns").List(ctx, metav1.ListOptions{})
		return err == nil && len(list.Items) == 1 && list.Items[0].InvolvedObject.Kind == "VirtualMachine" &&
			list.Items[0].InvolvedObject.APIVersion == "kubevirt.io/v1" && list.Items[0].Source.Component == "test"
	}, time.Minute, 5*time.Millisecond)
}
