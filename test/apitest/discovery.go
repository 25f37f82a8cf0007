// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"
)

// GroupVersions are all that are served.
func GroupVersions() []string {
	return []string{
		"kubevirt.io/v1", "kubevirt.io/v1alpha3",
		"subresources.kubevirt.io/v1", "subresources.kubevirt.io/v1alpha3",
		"cdi.kubevirt.io/v1beta1",
		"instancetype.kubevirt.io/v1beta1",
		"clone.kubevirt.io/v1beta1", "clone.kubevirt.io/v1alpha1",
	}
}

func (a *API) apiResourcesListsKinds(t *testing.T) {
	for group, want := range map[string][]string{
		"kubevirt.io": {
			"kubevirts kv,kvs kubevirt.io/v1 true KubeVirt",
			"virtualmachines vm,vms kubevirt.io/v1 true VirtualMachine",
			"virtualmachineinstances vmi,vmis kubevirt.io/v1 true VirtualMachineInstance",
		},
		"cdi.kubevirt.io":   {"datavolumes dv,dvs cdi.kubevirt.io/v1beta1 true DataVolume"},
		"clone.kubevirt.io": {"virtualmachineclones vmclone,vmclones clone.kubevirt.io/v1beta1 true VirtualMachineClone"},
		"instancetype.kubevirt.io": {
			"virtualmachineinstancetypes vminstancetype,vminstancetypes,vmf,vmfs instancetype.kubevirt.io/v1beta1 true VirtualMachineInstancetype",
			"virtualmachinepreferences vmpref,vmprefs,vmp,vmps instancetype.kubevirt.io/v1beta1 true VirtualMachinePreference",
		},
	} {
		output := a.Kubectl(t, "api-resources", "--api-group="+group, "--categories=all", "--no-headers")
		var lines []string
		for line := range strings.Lines(output) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		assert.ElementsMatch(t, want, lines)
	}
}

func (a *API) discoveryListsSubresources(t *testing.T) {
	actions := map[string]string{
		"virtualmachines/start":           "update",
		"virtualmachines/stop":            "update",
		"virtualmachines/restart":         "update",
		"virtualmachineinstances/console": "get",
	}
	for _, groupVersion := range GroupVersions()[:4] {
		var list metav1.APIResourceList
		require.NoError(t, json.Unmarshal([]byte(a.Kubectl(t, "get", "--raw", "/apis/"+groupVersion)), &list))
		verbs := map[string]metav1.Verbs{}
		for _, resource := range list.APIResources {
			verbs[resource.Name] = resource.Verbs
		}
		for action, verb := range actions {
			assert.Contains(t, verbs[action], verb, "%s in %s", action, groupVersion)
		}
		if !strings.HasPrefix(groupVersion, "subresources.") {
			continue
		}
		for _, route := range []string{"expand-vm-spec", "guestfs", "healthz", "version"} {
			assert.Contains(t, verbs, route, groupVersion)
		}
	}
}

// The controllers of Kubernetes act on whatever discovery says can be acted on.
// What it says about a group of mere actions must not draw them in.
func (a *API) discoveryOffersOnlyWhatIsStored(t *testing.T) {
	for _, groupVersion := range GroupVersions() {
		var list metav1.APIResourceList
		require.NoError(t, json.Unmarshal([]byte(a.Kubectl(t, "get", "--raw", "/apis/"+groupVersion)), &list))
		stored := !strings.HasPrefix(groupVersion, "subresources.")
		for _, resource := range list.APIResources {
			if strings.Contains(resource.Name, "/") {
				continue
			}
			all := sets.New(resource.Verbs...).HasAll("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
			assert.Equal(t, stored, all, "%s in %s: %v", resource.Name, groupVersion, resource.Verbs)
			if !stored {
				assert.NotContains(t, resource.Verbs, "delete", "%s in %s", resource.Name, groupVersion)
			}
		}
	}
}

func (a *API) aggregatedDiscoveryHoldsEachVersion(t *testing.T) {
	list := a.aggregatedDiscovery(t)
	found := map[string]apidiscoveryv2.APIVersionDiscovery{}
	for _, group := range list.Items {
		for _, version := range group.Versions {
			found[group.Name+"/"+version.Version] = version
		}
	}
	for _, groupVersion := range GroupVersions() {
		version, ok := found[groupVersion]
		if assert.True(t, ok, "%s is missing", groupVersion) {
			assert.Equal(t, apidiscoveryv2.DiscoveryFreshnessCurrent, version.Freshness, groupVersion)
			assert.NotEmpty(t, version.Resources, groupVersion)
		}
	}
}

func (a *API) preferredVersionsAreUpstreams(t *testing.T) {
	for group, want := range map[string]string{"kubevirt.io": "v1", "subresources.kubevirt.io": "v1", "cdi.kubevirt.io": "v1beta1", "instancetype.kubevirt.io": "v1beta1"} {
		var found metav1.APIGroup
		require.NoError(t, json.Unmarshal([]byte(a.Kubectl(t, "get", "--raw", "/apis/"+group)), &found))
		assert.Equal(t, want, found.PreferredVersion.Version, group)
	}
}

func (a *API) aggregatedDiscovery(t *testing.T) apidiscoveryv2.APIGroupDiscoveryList {
	t.Helper()
	client, err := rest.HTTPClientFor(a.Config)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.Config.Host+"/apis", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var list apidiscoveryv2.APIGroupDiscoveryList
	require.NoError(t, json.NewDecoder(response.Body).Decode(&list))
	return list
}
