// SPDX-License-Identifier: Apache-2.0

package virtualmachine_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

func recorded(ctx context.Context) (context.Context, *warned) {
	w := &warned{}
	return warning.WithWarningRecorder(ctx, w), w
}

func TestActionsDoNotWarnOfWhatTheirCallerDidNotWrite(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	vm := newMachine("vm", halted)
	vm.Spec.RunStrategy, vm.Spec.Running = nil, ptr.To(true)
	writing, told := recorded(ctx)
	create(t, writing, s.machines.Machine, vm)
	assert.Equal(t, []string{"spec.running is deprecated, please use spec.runStrategy instead."}, told.texts)

	s.instance(t, ctx, "vm", kubevirtv1.Running)
	acting, told := recorded(ctx)
	code, err := call(acting, s.machines.Stop(vm), "vm", "")
	require.Equal(t, http.StatusAccepted, code, "%v", err)
	assert.Empty(t, told.texts)
}

func TestWhoDeletesIsToldHowToEndAGuestThatTakesLong(t *testing.T) {
	orphan := &metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationOrphan)}
	for name, test := range map[string]struct {
		grace   *int64
		phase   kubevirtv1.VirtualMachineInstancePhase
		options *metav1.DeleteOptions
		says    string
	}{
		"an hour": {ptr.To(int64(3600)), kubevirtv1.Running, nil,
			"the guest may take up to 1h0m0s to power off; to end it at once: kubectl virt stop vm --namespace default --force"},
		"the usual":            {nil, kubevirtv1.Running, nil, ""},
		"less":                 {ptr.To(int64(5)), kubevirtv1.Running, nil, ""},
		"a guest that is gone": {ptr.To(int64(3600)), kubevirtv1.Succeeded, nil, ""},
		"its instance stays":   {ptr.To(int64(3600)), kubevirtv1.Running, orphan, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, ctx := newStorages(t, nil), registrytest.As(t, "user")
			vm := create(t, ctx, s.machines.Machine, newMachine("vm", always))
			vmi := &kubevirtv1.VirtualMachineInstance{
				ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: registrytest.Namespace}, Spec: newSpec(),
			}
			vmi.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(vm, kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine"))}
			vmi.Spec.TerminationGracePeriodSeconds = test.grace
			vmi = create(t, ctx, s.instances.Instance, vmi)
			vmi.Status.Phase = test.phase
			_, _, err := s.instances.Status.Update(ctx, "vm", rest.DefaultUpdatedObjectInfo(vmi), nil, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
			require.NoError(t, err)
			deleting, told := recorded(ctx)
			_, gone, err := s.machines.Machine.Delete(deleting, "vm", rest.ValidateAllObjectFunc, test.options)
			require.NoError(t, err)
			assert.False(t, gone)
			if test.says == "" {
				assert.Empty(t, told.texts)
				return
			}
			assert.Equal(t, []string{test.says}, told.texts)

			// The command that it names is taken for a machine that is going away, and ends the guest.
			code, err := call(ctx, s.machines.Stop(vmi), "vm", `{"gracePeriod":0}`)
			require.Equal(t, http.StatusAccepted, code, "%v", err)
			obj, err := s.instances.Instance.Get(ctx, "vm", &metav1.GetOptions{})
			require.NoError(t, err)
			assert.Equal(t, int64(0), *obj.(*kubevirtv1.VirtualMachineInstance).Spec.TerminationGracePeriodSeconds)
		})
	}
}

func TestWhoDeletesAnInstanceIsToldHowToEndIt(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	vmi := &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Name: "vmi", Namespace: registrytest.Namespace}, Spec: newSpec(),
	}
	vmi.Finalizers = []string{"example.com/kept"}
	vmi.Spec.TerminationGracePeriodSeconds = ptr.To(int64(3600))
	create(t, ctx, s.instances.Instance, vmi)
	deleting, told := recorded(ctx)
	_, _, err := s.instances.Instance.Delete(deleting, "vmi", rest.ValidateAllObjectFunc, nil)
	require.NoError(t, err)
	require.Len(t, told.texts, 1)
	assert.Contains(t, told.texts[0], `kubectl patch vmi vmi --namespace default --type merge -p '{"spec":{"terminationGracePeriodSeconds":0}}'`)
}
