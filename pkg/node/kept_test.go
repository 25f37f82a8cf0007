// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestStateIsKeptAsLongAsItsMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := metav1.Now()
	for _, machine := range []metav1.ObjectMeta{
		{Namespace: "n", Name: "stopped", UID: "stopped"},
		{Namespace: "n", Name: "anew", UID: "newer"},
		{Namespace: "n", Name: "going", UID: "going", DeletionTimestamp: &now, Finalizers: []string{kubevirtv1.VirtualMachineControllerFinalizer}},
	} {
		_, err := w.server.KubevirtV1().VirtualMachines("n").Create(t.Context(), &kubevirtv1.VirtualMachine{ObjectMeta: machine}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	kept := api.Kept{UUID: "a", Namespace: "n", Name: "stopped", Owner: "stopped"}
	w.launcher.kept = []api.Kept{
		kept,
		{UUID: "b", Namespace: "n", Name: "anew", Owner: "older"},
		{UUID: "c", Namespace: "n", Name: "going", Owner: "going"},
		{UUID: "d", Namespace: "n", Name: "gone", Owner: "gone"},
	}
	w.run()
	w.eventually("the others are forgotten", func() bool {
		left, err := w.launcher.Kept(t.Context())
		return err == nil && len(left) == 1
	})
	left, err := w.launcher.Kept(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []api.Kept{kept}, left)
}
