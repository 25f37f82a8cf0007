// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/fake"
)

func TestSettingsAreMadeOnceThereIsANamespaceAndThenLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, refusals := fake.NewSimpleClientset(), 2
		client.PrependReactor("create", "kubevirts", func(clienttesting.Action) (bool, runtime.Object, error) {
			refusals--
			return refusals >= 0, nil, errors.New("namespaces \"kubevirt\" not found")
		})
		makeSettings(t.Context(), client)
		kubevirts := client.KubevirtV1().KubeVirts("kubevirt")
		kv, err := kubevirts.Get(t.Context(), "kubevirt", metav1.GetOptions{})
		require.NoError(t, err)
		kv.Labels = map[string]string{"mine": "true"}
		_, err = kubevirts.Update(t.Context(), kv, metav1.UpdateOptions{})
		require.NoError(t, err)
		makeSettings(t.Context(), client)
		kv, err = kubevirts.Get(t.Context(), "kubevirt", metav1.GetOptions{})
		require.NoError(t, err)
		assert.Equal(t, "true", kv.Labels["mine"])
	})
}

func TestNobodyHasSecretsLogged(t *testing.T) {
	t.Cleanup(func() { _, _ = setVerbosity("0") })
	_, err := setVerbosity("7")
	require.NoError(t, err)
	for _, text := range []string{"8", "10", "4294967296", "-1", "all"} {
		_, err := setVerbosity(text)
		assert.Error(t, err, text)
	}
	assert.True(t, klog.V(7).Enabled())
	assert.False(t, klog.V(8).Enabled())
}
