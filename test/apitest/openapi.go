// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// published is how long kube-apiserver may take to fetch a new server's OpenAPI:
// it asks each minute.
const published = 90 * time.Second

func (a *API) openAPIv2DescribesEachKind(t *testing.T) {
	want := []schema.GroupVersionKind{
		{Group: "kubevirt.io", Version: "v1", Kind: "VirtualMachine"},
		{Group: "kubevirt.io", Version: "v1alpha3", Kind: "VirtualMachine"},
		{Group: "kubevirt.io", Version: "v1", Kind: "VirtualMachineInstance"},
		{Group: "cdi.kubevirt.io", Version: "v1beta1", Kind: "DataVolume"},
		{Group: "instancetype.kubevirt.io", Version: "v1beta1", Kind: "VirtualMachineInstancetype"},
		{Group: "instancetype.kubevirt.io", Version: "v1beta1", Kind: "VirtualMachineClusterPreference"},
		{Group: "clone.kubevirt.io", Version: "v1beta1", Kind: "VirtualMachineClone"},
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var spec struct {
			Definitions map[string]struct {
				Properties map[string]any
				Kinds      []schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
			}
		}
		require.NoError(c, json.Unmarshal([]byte(a.Kubectl(t, "get", "--raw", "/openapi/v2")), &spec))
		var described []schema.GroupVersionKind
		for _, definition := range spec.Definitions {
			if definition.Properties["spec"] != nil {
				described = append(described, definition.Kinds...)
			}
		}
		assert.Subset(c, described, want)
	}, published, time.Second)
}

func (a *API) openAPIv3HasADocumentForEachVersion(t *testing.T) {
	for _, groupVersion := range GroupVersions() {
		var index struct {
			Paths map[string]struct{ ServerRelativeURL string }
		}
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			require.NoError(c, json.Unmarshal([]byte(a.Kubectl(t, "get", "--raw", "/openapi/v3")), &index))
			assert.Contains(c, index.Paths, "apis/"+groupVersion)
		}, published, time.Second)
		var document struct{ Paths map[string]any }
		url := index.Paths["apis/"+groupVersion].ServerRelativeURL
		require.NoError(t, json.Unmarshal([]byte(a.Kubectl(t, "get", "--raw", url)), &document))
		assert.NotEmpty(t, document.Paths, groupVersion)
	}
}

func (a *API) explainKnowsFields(t *testing.T) {
	for _, test := range []struct{ field, want string }{
		{"virtualmachine.spec.runStrategy", "FIELD: runStrategy <string>"},
		{"vmi.spec.domain.devices.disks.bootOrder", "FIELD: bootOrder <integer>"},
		{"dv.spec.source.http.url", "FIELD: url <string>"},
		{"vm.spec.dataVolumeTemplates.spec.pvc.accessModes", "FIELD: accessModes <[]string>"},
	} {
		var output string
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			var err error
			output, _, err = a.TryKubectl(t, "", "explain", test.field)
			assert.NoError(c, err)
		}, published, time.Second, test.field)
		assert.Contains(t, output, test.want)
		assert.Contains(t, output, "DESCRIPTION:")
	}
}
