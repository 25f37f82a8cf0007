// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const sizedManifest = `
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineInstancetype
metadata:
  name: pair
spec:
  cpu: {guest: 2}
  memory: {guest: 192Mi}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachinePreference
metadata:
  name: cores
spec:
  cpu: {preferredCPUTopology: cores}
  devices: {preferredDiskBus: virtio, preferredRng: {}}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: sized
spec:
  runStrategy: Always
  instancetype: {kind: virtualmachineinstancetype, name: pair}
  preference: {kind: virtualmachinepreference, name: cores}
  dataVolumeTemplates:
  - metadata:
      name: sized-root
    spec:
      source: {http: {url: IMAGE}}
      storage: {resources: {requests: {storage: 1Gi}}}
  template:
    spec:
      domain:
        devices: {}
      volumes:
      - name: root
        dataVolume: {name: sized-root}
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            user: clerk
            password: pencil
            chpasswd: {expire: false}
`

func TestMachineHasTheSizeOfItsInstancetype(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(strings.Replace(sizedManifest, "IMAGE", suite.Images.URL(linuxImage), 1))
	p.awaitRunning("sized", nil)

	expanded := p.Kubectl(t, "get", "--raw", "/apis/subresources.kubevirt.io/v1/namespaces/"+p.name+"/virtualmachines/sized/expand-spec")
	assert.Contains(t, expanded, `"cores":2`)
	assert.Contains(t, expanded, `"guest":"192Mi"`)
	assert.NotContains(t, expanded, `"instancetype":`)

	console := p.openConsole("sized")
	console.login("clerk", "pencil")
	assert.Equal(t, "2", console.run("nproc"))
	assert.Equal(t, "1", console.run("cat /sys/devices/system/cpu/cpu*/topology/physical_package_id | sort -u | wc -l"))
	assert.Equal(t, "fits", console.run("awk '/MemTotal/ {print ($2 > 100000 && $2 < 196608) ? \"fits\" : $2}' /proc/meminfo"))
	assert.Contains(t, console.run("cat /proc/partitions"), "1048576 vda\n", "the root disk is as preferred")
}

// inferredManifest has all that the machine is to have named by the labels of its own disk.
const inferredManifest = `
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineInstancetype
metadata:
  name: pair
spec:
  cpu: {guest: 2}
  memory: {guest: 192Mi}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachinePreference
metadata:
  name: virtio
spec:
  devices: {preferredDiskBus: virtio, preferredNetworkInterfaceMultiQueue: true}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: named
spec:
  runStrategy: Always
  instancetype: {inferFromVolume: root, inferFromVolumeFailurePolicy: Ignore}
  preference: {inferFromVolume: root}
  dataVolumeTemplates:
  - metadata:
      name: named-root
      labels:
        instancetype.kubevirt.io/default-instancetype: pair
        instancetype.kubevirt.io/default-instancetype-kind: VirtualMachineInstancetype
        instancetype.kubevirt.io/default-preference: virtio
        instancetype.kubevirt.io/default-preference-kind: VirtualMachinePreference
    spec:
      source: {http: {url: IMAGE}}
      storage: {resources: {requests: {storage: 1Gi}}}
  template:
    spec:
      domain:
        memory: {guest: 128Mi}
        devices: {}
      volumes:
      - name: root
        dataVolume: {name: named-root}
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            user: clerk
            password: pencil
            chpasswd: {expire: false}
`

func TestMachineHasWhatItsDiskNames(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	manifest := strings.Replace(inferredManifest, "IMAGE", suite.Images.URL(linuxImage), 1)
	p.apply(manifest)
	p.awaitRunning("named", nil)

	assert.Equal(t, "pair root Ignore", p.Kubectl(t, "-n", p.name, "get", "vm", "named",
		"-o", "jsonpath={.status.instancetypeRef.name} {.status.instancetypeRef.inferFromVolume} {.status.instancetypeRef.inferFromVolumeFailurePolicy}"))
	stored := func() string {
		return p.Kubectl(t, "-n", p.name, "get", "vm", "named", "-o", "jsonpath={.metadata.generation} {.spec.instancetype} {.spec.preference} {.spec.template.spec.domain}")
	}
	written := `1 {"inferFromVolume":"root","inferFromVolumeFailurePolicy":"Ignore"} {"inferFromVolume":"root"} {"devices":{},"memory":{"guest":"128Mi"}}`
	assert.Equal(t, written, stored(), "the spec is the user's")
	p.apply(manifest)
	assert.Equal(t, written, stored(), "nothing drifts")

	console := p.openConsole("named")
	console.login("clerk", "pencil")
	assert.Equal(t, "2", console.run("nproc"))
	assert.Equal(t, "fits", console.run("awk '/MemTotal/ {print ($2 > 100000 && $2 < 196608) ? \"fits\" : $2}' /proc/meminfo"))
	assert.Contains(t, console.run("cat /proc/partitions"), "1048576 vda\n", "the root disk is as preferred")
	// A queue for each processor.
	assert.Equal(t, "2", console.run("ls -d /sys/class/net/*/queues/tx-* | grep -cv /lo/"))
}
