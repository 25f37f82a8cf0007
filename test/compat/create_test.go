// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"context"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

func createCommands() []command {
	return []command{
		{"create vm", works, "", checkCreateVM},
		{"create vm --volume-import", works, "", checkCreateVMImporting},
		{"create vm --user --ssh-key", works, "", checkCreateVMForUser},
		{"create vm --access-cred", works, "", checkCreateVMWithCredentials},
		{"create vm --volume-sysprep", works, "", checkCreateVMForWindows},
		{"create vm --instancetype", works, "", checkCreateVMOfType},
		{"create vm --volume-pvc", works, "", checkCreateVMFromClaim},
		{"create vm --infer-instancetype-from --infer-preference-from", works, "", checkCreateVMAsClaimNames},
		{"create instancetype", works, "", checkCreateInstancetype},
		{"create preference", works, "", checkCreatePreference},
		{"create clone", works, "", checkCreateClone},
		{"create vm --volume-import type:pvc", works, "", checkCreateVMCopying},
		{"create vm --volume-import type:registry", works, "", checkCreateVMFromRegistry},
		{"expand --file", works, "", checkExpandFile},
	}
}

// creates applies what virtctl create prints for these arguments, and gives it.
func (c *check) creates(args ...string) string {
	manifest := c.virtctl(append([]string{"create"}, args...))
	c.apply(c, manifest)
	return manifest
}

// createsVM is creates for a machine that does not run, and gives what is stored.
func (c *check) createsVM(name string, args ...string) *kubevirtv1.VirtualMachine {
	c.creates(append([]string{"vm", "--run-strategy=Halted", "--name=" + name}, args...)...)
	vm, err := suite.Server.Virt.KubevirtV1().VirtualMachines(c.namespace).Get(context.Background(), name, metav1.GetOptions{})
	require.NoError(c, err)
	return vm
}

func volumeNames(vm *kubevirtv1.VirtualMachine) string {
	var names []string
	for _, volume := range vm.Spec.Template.Spec.Volumes {
		names = append(names, volume.Name)
	}
	return strings.Join(names, " ")
}

func checkCreateVM(c *check) {
	vm := c.createsVM("plain")
	assert.Equal(c, int64(180), *vm.Spec.Template.Spec.TerminationGracePeriodSeconds)
	assert.Equal(c, "512Mi", vm.Spec.Template.Spec.Domain.Memory.Guest.String())
	vm = c.createsVM("disks", "--memory=64Mi", "--volume-containerdisk=src:example.org/linux:1,bootorder:1,name:root", "--volume-pvc=src:data")
	assert.Equal(c, "root data", volumeNames(vm))
	// A name of its own where none is given.
	c.apply(c, c.virtctl([]string{"create", "vm", "--run-strategy=Manual"}, "kind: VirtualMachine", "name: vm-"))
}

func checkCreateVMImporting(c *check) {
	vm := c.createsVM("imports", "--volume-import=type:http,url:"+suite.Images.URL(harness.TinyImage)+",size:16Mi,name:root", "--volume-import=type:blank,size:8Mi,name:empty")
	assert.Equal(c, "root empty", volumeNames(vm))
	assert.Len(c, vm.Spec.DataVolumeTemplates, 2)
}

func checkCreateVMForUser(c *check) {
	vm := c.createsVM("user", "--user=tester", "--ssh-key=ssh-ed25519 AAAA tester")
	seed := vm.Spec.Template.Spec.Volumes[0].CloudInitNoCloud
	require.NotNil(c, seed)
	assert.Contains(c, ptr.Deref(seed.UserData, ""), "user: tester")
}

func checkCreateVMWithCredentials(c *check) {
	c.createsVM("credentials", "--access-cred=type:ssh,src:keys,method:ga,user:tester")
}

func checkCreateVMForWindows(c *check) {
	vm := c.createsVM("windows", "--volume-sysprep=src:answers")
	assert.Equal(c, "sysprepdisk", volumeNames(vm))
}

func checkCreateVMOfType(c *check) {
	c.creates("instancetype", "--name=small", "--cpu=2", "--memory=64Mi", "--namespaced")
	c.creates("preference", "--name=linux", "--cpu-topology=spread", "--namespaced")
	c.createsVM("typed", "--instancetype=virtualmachineinstancetype/small", "--preference=virtualmachinepreference/linux")
}

// claimManifest has one claim that names a size and a preference, and one that names nothing.
const claimManifest = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: named
  labels:
    instancetype.kubevirt.io/default-instancetype: large
    instancetype.kubevirt.io/default-instancetype-kind: virtualmachineinstancetype
    instancetype.kubevirt.io/default-preference: threads
    instancetype.kubevirt.io/default-preference-kind: virtualmachinepreference
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 8Mi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: plain}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 8Mi}}
`

// expanded is what virtctl expand prints of a machine.
func (c *check) expanded(name string) *kubevirtv1.VirtualMachine {
	vm := &kubevirtv1.VirtualMachine{}
	require.NoError(c, yaml.Unmarshal([]byte(c.virtctl([]string{"expand", "--vm", name})), vm))
	return vm
}

func (c *check) makesWhatClaimsName() {
	c.apply(c, claimManifest)
	c.creates("instancetype", "--name=large", "--cpu=4", "--memory=96Mi", "--namespaced")
	c.creates("preference", "--name=threads", "--cpu-topology=threads", "--namespaced")
}

// Without further flags, both are inferred where they can be, and the memory is for where they can't.
func checkCreateVMFromClaim(c *check) {
	c.makesWhatClaimsName()
	vm := c.createsVM("from-named", "--volume-pvc=src:named")
	require.NotNil(c, vm.Spec.Instancetype)
	assert.Equal(c, "named", ptr.Deref(vm.Spec.Instancetype.InferFromVolume, ""))
	require.NotNil(c, vm.Status.InstancetypeRef)
	assert.Equal(c, "large", vm.Status.InstancetypeRef.Name)
	domain := c.expanded("from-named").Spec.Template.Spec.Domain
	assert.EqualValues(c, 4, ptr.Deref(domain.CPU.Threads, 0))
	assert.Equal(c, "96Mi", domain.Memory.Guest.String())

	vm = c.createsVM("from-plain", "--volume-pvc=src:plain")
	require.NotNil(c, vm.Status.InstancetypeRef)
	assert.Empty(c, vm.Status.InstancetypeRef.Name)
	domain = c.expanded("from-plain").Spec.Template.Spec.Domain
	assert.EqualValues(c, 1, ptr.Deref(domain.CPU.Threads, 0))
	assert.Equal(c, "512Mi", domain.Memory.Guest.String())
}

func checkCreateVMAsClaimNames(c *check) {
	c.makesWhatClaimsName()
	const elsewhere = "--volume-containerdisk=src:example.org/linux:1"
	c.createsVM("as-named", elsewhere, "--volume-pvc=src:named", "--infer-instancetype-from=named", "--infer-preference-from=named")
	domain := c.expanded("as-named").Spec.Template.Spec.Domain
	assert.EqualValues(c, 4, ptr.Deref(domain.CPU.Threads, 0))
	assert.Equal(c, "96Mi", domain.Memory.Guest.String())

	// One that names nothing is refused where it was asked for.
	manifest := c.virtctl([]string{"create", "vm", "--name=as-plain", "--volume-pvc=src:plain", "--infer-instancetype"})
	command := suite.Server.Command(c.ctx, suite.Kubectl, "-n", c.namespace, "apply", "-f", "-")
	command.Stdin = strings.NewReader(manifest)
	output, err := command.CombinedOutput()
	require.Error(c, err)
	assert.Contains(c, string(output), "spec.instancetype.inferFromVolume")
	assert.Contains(c, string(output), "has no label instancetype.kubevirt.io/default-instancetype")
}

func checkCreateInstancetype(c *check) {
	c.creates("instancetype", "--name=medium-"+c.namespace, "--cpu=2", "--memory=128Mi")
	c.creates("instancetype", "--name=medium", "--cpu=2", "--memory=128Mi", "--namespaced", "--iothreadspolicy=auto")
}

func checkCreatePreference(c *check) {
	c.creates("preference", "--name=any-"+c.namespace, "--machine-type=q35")
	c.creates("preference", "--name=any", "--namespaced", "--volume-storage-class=local", "--cpu-topology=sockets")
}

func checkCreateVMFromRegistry(c *check) {
	vm := c.createsVM("pulls", "--volume-import=type:registry,url:docker://localhost:1/disks/linux:1,size:1Gi,pullmethod:pod,secretref:login,name:pulled")
	assert.Equal(c, "docker://localhost:1/disks/linux:1", *vm.Spec.DataVolumeTemplates[0].Spec.Source.Registry.URL)
	assert.Empty(c, vm.Status.PreferenceRef.Name, "there is nothing to infer one from")
}

func checkCreateVMCopying(c *check) {
	c.createsVM("original", "--volume-import=type:blank,size:8Mi,name:original")
	// It is looked at for an instance type and a preference, and has to be there.
	c.awaitFilled("original")
	vm := c.createsVM("copies", "--volume-import=type:pvc,src:"+c.namespace+"/original,name:copied")
	c.awaitFilled(vm.Spec.DataVolumeTemplates[0].ObjectMeta.Name)
}

// awaitFilled waits until a DataVolume has its disk.
func (c *check) awaitFilled(name string) {
	require.Eventually(c, func() bool {
		dv, err := suite.Server.Virt.CdiV1beta1().DataVolumes(c.namespace).Get(context.Background(), name, metav1.GetOptions{})
		return err == nil && dv.Status.Phase == cdiv1.Succeeded
	}, harness.Patience, harness.Tick, "DataVolume %s", name)
}

func checkCreateClone(c *check) {
	c.createsVM("single", "--volume-import=type:blank,size:8Mi,name:single")
	c.creates("clone", "--name=copy", "--source-name=single", "--target-name=twin", "--label-filter=*", "--template-label-filter=!app",
		"--annotation-filter=!note", "--new-smbios-serial=twin-1")
	require.Eventually(c, func() bool {
		clone, err := suite.Server.Virt.CloneV1beta1().VirtualMachineClones(c.namespace).Get(context.Background(), "copy", metav1.GetOptions{})
		return err == nil && clone.Status.Phase == clonev1.Succeeded
	}, harness.Patience, harness.Tick, "the clone succeeds")
	twin, err := suite.Server.Virt.KubevirtV1().VirtualMachines(c.namespace).Get(context.Background(), "twin", metav1.GetOptions{})
	require.NoError(c, err)
	assert.Equal(c, "twin-1", ptr.Deref(twin.Spec.Template.Spec.Domain.Firmware.Serial, ""))
	// A name of its own where none is given.
	c.creates("clone", "--source-name=single")
}

const machineOfTypeManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: typed-file}
spec:
  runStrategy: Halted
  template:
    spec:
      domain:
        memory: {guest: 64Mi}
        devices: {}
`

func checkExpandFile(c *check) {
	path := c.write("machine.yaml", machineOfTypeManifest)
	c.virtctl([]string{"expand", "--file", path}, "name: typed-file", "guest: 64Mi")
	unknown := strings.Replace(machineOfTypeManifest, "runStrategy", "instancetype: {name: nowhere}\n  runStrategy", 1)
	c.refused([]string{"expand", "--file", c.write("bad.yaml", unknown)}, "error expanding VirtualMachine - typed-file")
}
