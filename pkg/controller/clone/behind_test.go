// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// TestACloneDoesNotFailForWhatOnlyTheCacheHas: a clone fails for good.
func TestACloneDoesNotFailForWhatOnlyTheCacheHas(t *testing.T) {
	gone := func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(kubevirtv1.Resource("virtualmachineinstances"), "source")
	}
	for name, act := range map[string]func(*world){
		"a source that was changed before the clone was accepted": func(w *world) {
			source, err := w.virt.KubevirtV1().VirtualMachines("ns").Get(w.Context(), "source", metav1.GetOptions{})
			require.NoError(w, err)
			changed := source.DeepCopy()
			changed.Spec.Template.Spec.Hostname = ptr.To("changed")
			w.virt.PrependReactor("get", "virtualmachines", func(action clienttesting.Action) (bool, runtime.Object, error) {
				return action.(clienttesting.GetAction).GetName() == "source", changed, nil
			})
			w.clone()
		},
		"an instance that is gone": func(w *world) {
			w.virt.PrependReactor("get", "virtualmachineinstances", gone)
			w.start()
			w.clone()
			w.volume("copy-root", cdiv1.Succeeded, w.target())
		},
		"another's disk that is gone": func(w *world) {
			w.virt.PrependReactor("get", "datavolumes", gone)
			w.volume("copy-root", cdiv1.Succeeded, nil)
			w.clone()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				act(w)
				w.is(clonev1.RestoreInProgress, "False", "CopyingDisks")
			})
		})
	}
}
