// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

func TestCallReachesTheNodeOfTheVeryInstance(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	runningInstance(t, ns)
	instance, err := shared.Dynamic.Resource(apitest.Instances).Namespace(ns).Get(t.Context(), "one", metav1.GetOptions{})
	require.NoError(t, err)
	client, err := rest.HTTPClientFor(shared.Config)
	require.NoError(t, err)
	for _, groupVersion := range []string{"kubevirt.io/v1", "kubevirt.io/v1alpha3", "subresources.kubevirt.io/v1", "subresources.kubevirt.io/v1alpha3"} {
		base := "/apis/" + groupVersion + "/namespaces/" + ns + "/virtualmachineinstances/one/"
		for _, action := range []string{"pause", "softreboot", "reset"} {
			code, body := request{http.MethodPut, base + action, ""}.send(t, client, shared.Config.Host, nil)
			assert.Equal(t, http.StatusOK, code, body)
			assert.Empty(t, body)
		}
		code, body := request{http.MethodGet, base + "vnc/screenshot", ""}.send(t, client, shared.Config.Host, nil)
		assert.Equal(t, http.StatusOK, code)
		assert.Equal(t, greeting(ns, "one", string(instance.GetUID())), body)
	}
}

func TestEveryUserMayAskForVersionAndHealth(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v1", "v1alpha3"} {
		for _, what := range []string{"version", "healthz", "guestfs"} {
			asked := request{http.MethodGet, "/apis/subresources.kubevirt.io/" + version + "/" + what, ""}
			assert.Equal(t, http.StatusOK, asked.status(t, "nobody-in-particular"), asked)
		}
	}
}
