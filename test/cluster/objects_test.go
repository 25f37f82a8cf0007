// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

var (
	machines    = schema.GroupVersionResource{Group: "kubevirt.io", Version: "v1", Resource: "virtualmachines"}
	instances   = schema.GroupVersionResource{Group: "kubevirt.io", Version: "v1", Resource: "virtualmachineinstances"}
	dataVolumes = schema.GroupVersionResource{Group: "cdi.kubevirt.io", Version: "v1beta1", Resource: "datavolumes"}
)

const machineManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  labels: {made-by: test}
spec:
  runStrategy: Halted
  template:
    spec:
      domain:
        memory: {guest: 64Mi}
        devices:
          disks:
          - name: scratch
            disk: {bus: virtio}
      volumes:
      - name: scratch
        emptyDisk: {capacity: 1Gi}
`

const instanceManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata:
  labels: {made-by: test}
spec:
  domain:
    memory: {guest: 64Mi}
    devices: {}
`

const dataVolumeManifest = `
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata:
  labels: {made-by: test}
spec:
  source: {blank: {}}
  storage:
    resources: {requests: {storage: 1Gi}}
`

// manifests holds one of each kind, without a name.
var manifests = map[schema.GroupVersionResource]string{
	machines:    machineManifest,
	instances:   instanceManifest,
	dataVolumes: dataVolumeManifest,
}

// served are all versions of all kinds that can be stored.
func served() map[schema.GroupVersionResource]string {
	all := map[schema.GroupVersionResource]string{}
	for resource, manifest := range manifests {
		all[resource] = manifest
		if resource.Group == machines.Group {
			resource.Version = "v1alpha3"
			all[resource] = manifest
		}
	}
	return all
}

// object gives the manifest's object in the version of the resource.
func object(t *testing.T, resource schema.GroupVersionResource, manifest, name string) *unstructured.Unstructured {
	t.Helper()
	content := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(manifest), &content))
	o := &unstructured.Unstructured{Object: content}
	o.SetAPIVersion(resource.GroupVersion().String())
	o.SetName(name)
	return o
}

// create stores one object of the resource under the name.
func (c *controlPlane) create(t *testing.T, resource schema.GroupVersionResource, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	created, err := c.dynamic.Resource(resource).Namespace(namespace).
		Create(t.Context(), object(t, resource, manifests[resource], name), metav1.CreateOptions{})
	require.NoError(t, err)
	return created
}
