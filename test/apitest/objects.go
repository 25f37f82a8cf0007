// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// The kinds that are stored.
var (
	Machines    = schema.GroupVersionResource{Group: "kubevirt.io", Version: "v1", Resource: "virtualmachines"}
	Instances   = schema.GroupVersionResource{Group: "kubevirt.io", Version: "v1", Resource: "virtualmachineinstances"}
	DataVolumes = schema.GroupVersionResource{Group: "cdi.kubevirt.io", Version: "v1beta1", Resource: "datavolumes"}

	Instancetypes = schema.GroupVersionResource{Group: "instancetype.kubevirt.io", Version: "v1beta1", Resource: "virtualmachineinstancetypes"}
	Preferences   = schema.GroupVersionResource{Group: "instancetype.kubevirt.io", Version: "v1beta1", Resource: "virtualmachinepreferences"}
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

// instanceManifest is of one that waits for a claim that nobody makes.
const instanceManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata:
  labels: {made-by: test}
spec:
  domain:
    memory: {guest: 64Mi}
    devices:
      disks:
      - name: root
        disk: {bus: virtio}
  volumes:
  - name: root
    persistentVolumeClaim: {claimName: not-there}
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

const instancetypeManifest = `
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineInstancetype
metadata:
  labels: {made-by: test}
spec:
  cpu: {guest: 2}
  memory: {guest: 64Mi}
`

const preferenceManifest = `
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachinePreference
metadata:
  labels: {made-by: test}
spec:
  devices: {preferredDiskBus: virtio}
`

// Manifests holds one of each kind that is in namespaces, without a name. No guest comes of any.
var Manifests = map[schema.GroupVersionResource]string{
	Machines:    machineManifest,
	Instances:   instanceManifest,
	DataVolumes: dataVolumeManifest,

	Instancetypes: instancetypeManifest,
	Preferences:   preferenceManifest,
}

// served are all versions of all kinds that can be stored.
func served() map[schema.GroupVersionResource]string {
	all := map[schema.GroupVersionResource]string{}
	for resource, manifest := range Manifests {
		all[resource] = manifest
		if resource.Group == Machines.Group {
			resource.Version = "v1alpha3"
			all[resource] = manifest
		}
	}
	return all
}

// Object gives the manifest's object in the version of the resource.
func Object(t *testing.T, resource schema.GroupVersionResource, manifest, name string) *unstructured.Unstructured {
	t.Helper()
	content := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(manifest), &content))
	o := &unstructured.Unstructured{Object: content}
	o.SetAPIVersion(resource.GroupVersion().String())
	o.SetName(name)
	return o
}

// Named gives the resource's manifest with a name, for standard input.
func Named(t *testing.T, resource schema.GroupVersionResource, name string) string {
	t.Helper()
	data, err := Object(t, resource, Manifests[resource], name).MarshalJSON()
	require.NoError(t, err)
	return string(data)
}

// Create stores one object of the resource under the name.
func (a *API) Create(t *testing.T, resource schema.GroupVersionResource, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	created, err := a.Dynamic.Resource(resource).Namespace(namespace).
		Create(t.Context(), Object(t, resource, Manifests[resource], name), metav1.CreateOptions{})
	require.NoError(t, err)
	return created
}
