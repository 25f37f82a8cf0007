// SPDX-License-Identifier: Apache-2.0

package virtualmachine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/cdi/datavolume"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/instancetype"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/infer"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

// storages are machines and instances on one etcd.
type storages struct {
	machines  *virtualmachine.Storage
	instances *virtualmachineinstance.Storage
	types     *instancetype.Storage
	volumes   *datavolume.Storage
	// core has the claims.
	core *fake.Clientset
}

func newStorages(t *testing.T, refuse func(authorizer.Attributes) bool) storages {
	getter, scheme := etcd.Storage(t)
	references := reference.NewAuthorizer(registrytest.Allow(refuse))
	instances, err := virtualmachineinstance.NewStorage(getter, scheme, references, nil, nil)
	require.NoError(t, err)
	types, err := instancetype.NewStorage(getter, scheme)
	require.NoError(t, err)
	volumes, err := datavolume.NewStorage(getter, scheme, references)
	require.NoError(t, err)
	claims := fake.NewClientset()
	machines, err := virtualmachine.NewStorage(getter, scheme, references, types,
		infer.New(volumes.DataVolume, claims.CoreV1(), references), instances.Instance)
	require.NoError(t, err)
	t.Cleanup(func() {
		machines.Machine.Destroy()
		instances.Instance.Destroy()
		volumes.DataVolume.Destroy()
		for _, r := range types.Resources() {
			r.Destroy()
		}
	})
	return storages{machines, instances, types, volumes, claims}
}

func newMachine(name string, strategy kubevirtv1.VirtualMachineRunStrategy) *kubevirtv1.VirtualMachine {
	return &kubevirtv1.VirtualMachine{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: registrytest.Namespace},
		Spec: kubevirtv1.VirtualMachineSpec{
			RunStrategy: &strategy,
			Template:    &kubevirtv1.VirtualMachineInstanceTemplateSpec{Spec: newSpec()},
		},
	}
}

func newSpec() kubevirtv1.VirtualMachineInstanceSpec {
	return kubevirtv1.VirtualMachineInstanceSpec{
		Domain: kubevirtv1.DomainSpec{Memory: &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("128Mi"))}},
	}
}

func create[T runtime.Object](t *testing.T, ctx context.Context, store rest.Creater, obj T) T {
	t.Helper()
	created, err := store.Create(ctx, obj, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.NoError(t, err)
	return created.(T)
}

func (s storages) machine(t *testing.T, ctx context.Context, name string) *kubevirtv1.VirtualMachine {
	t.Helper()
	obj, err := s.machines.Machine.Get(ctx, name, &metav1.GetOptions{})
	require.NoError(t, err)
	return obj.(*kubevirtv1.VirtualMachine)
}

func TestCreateLeavesTheSpecAsTheUserWroteIt(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	want := newMachine("vm", kubevirtv1.RunStrategyHalted)
	create(t, ctx, s.machines.Machine, want.DeepCopy())

	got := s.machine(t, ctx, "vm")
	assert.Equal(t, want.Spec, got.Spec)
	assert.Equal(t, kubevirtv1.VirtualMachineStatusStopped, got.Status.PrintableStatus)
	assert.Contains(t, got.Finalizers, kubevirtv1.VirtualMachineControllerFinalizer)
}

// TestFirstStatusIsNotStoppedWhereTheMachineStarts: clients start what they see stopped.
func TestFirstStatusIsNotStoppedWhereTheMachineStarts(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	for strategy, want := range map[kubevirtv1.VirtualMachineRunStrategy]kubevirtv1.VirtualMachinePrintableStatus{
		kubevirtv1.RunStrategyAlways:         kubevirtv1.VirtualMachineStatusStarting,
		kubevirtv1.RunStrategyRerunOnFailure: kubevirtv1.VirtualMachineStatusStarting,
		kubevirtv1.RunStrategyOnce:           kubevirtv1.VirtualMachineStatusStarting,
		kubevirtv1.RunStrategyManual:         kubevirtv1.VirtualMachineStatusStopped,
		kubevirtv1.RunStrategyHalted:         kubevirtv1.VirtualMachineStatusStopped,
	} {
		vm := newMachine("vm-"+strings.ToLower(string(strategy)), strategy)
		assert.Equal(t, want, create(t, ctx, s.machines.Machine, vm).Status.PrintableStatus, strategy)
	}
	vm := newMachine("with-disk", kubevirtv1.RunStrategyAlways)
	vm.Spec.DataVolumeTemplates = []kubevirtv1.DataVolumeTemplateSpec{{
		ObjectMeta: verbatim.ObjectMeta{Name: "disk"},
		Spec: cdiv1.DataVolumeSpec{
			Source:  &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}},
			Storage: &cdiv1.StorageSpec{Resources: &verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse("1Gi")}}},
		},
	}}
	vm.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "disk", VolumeSource: kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: "disk"}}}}
	assert.Equal(t, kubevirtv1.VirtualMachineStatusProvisioning, create(t, ctx, s.machines.Machine, vm).Status.PrintableStatus)
}

func TestCreateOfAnInstanceCompletesItsSpec(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	vmi := create(t, ctx, s.instances.Instance, &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Name: "vmi", Namespace: registrytest.Namespace}, Spec: newSpec(),
	})
	assert.Equal(t, kubevirtv1.Pending, vmi.Status.Phase)
	assert.Equal(t, "q35", ptr.Deref(vmi.Spec.Domain.Machine.Type, ""))
	assert.NotEmpty(t, ptr.Deref(vmi.Spec.Domain.Firmware.UUID, ""))
	require.Len(t, vmi.Spec.Domain.Devices.Interfaces, 1)
	assert.Regexp(t, "^[0-9a-f][26ae]:", ptr.Deref(vmi.Spec.Domain.Devices.Interfaces[0].MacAddress, ""), "locally administered unicast")
}

func TestCreateIsRefusedWhereTheCallerMayNotReadWhatItRefersTo(t *testing.T) {
	noSecrets := func(a authorizer.Attributes) bool {
		return a.GetUser().GetName() == "eve" && a.GetResource() == "secrets"
	}
	s := newStorages(t, noSecrets)
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	vm.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "seed", VolumeSource: kubevirtv1.VolumeSource{
		CloudInitNoCloud: &kubevirtv1.CloudInitSource{UserDataSecretRef: &corev1.LocalObjectReference{Name: "root-password"}},
	}}}

	_, err := s.machines.Machine.Create(registrytest.As(t, "eve"), vm.DeepCopy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	assert.ErrorContains(t, err, `spec.template.spec.volumes[0].cloudInitNoCloud.secretRef.name: user "eve" cannot get secrets "root-password"`)

	ctx := registrytest.As(t, "alice")
	create(t, ctx, s.machines.Machine, vm)
	// Eve may change what she may already see changed, but not add a Secret.
	relabel := func(change func(*kubevirtv1.VirtualMachine)) error {
		info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
			changed := old.DeepCopyObject().(*kubevirtv1.VirtualMachine)
			change(changed)
			return changed, nil
		})
		_, _, err := s.machines.Machine.Update(registrytest.As(t, "eve"), "vm", info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
		return err
	}
	assert.NoError(t, relabel(func(vm *kubevirtv1.VirtualMachine) { vm.Labels = map[string]string{"seen": "yes"} }))
	assert.True(t, apierrors.IsForbidden(relabel(func(vm *kubevirtv1.VirtualMachine) {
		vm.Spec.Template.Spec.Volumes[0].CloudInitNoCloud.UserDataSecretRef.Name = "another"
	})))
}

func TestCreateIsRefusedWhereTheCallerMayNotReadThePullSecretOfItsKernel(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool { return a.GetResource() == "secrets" })
	spec := newSpec()
	spec.Domain.Firmware = &kubevirtv1.Firmware{KernelBoot: &kubevirtv1.KernelBoot{Container: &kubevirtv1.KernelBootContainer{
		Image: "registry.example/boot:1", KernelPath: ptr.To("/boot/vmlinuz"), ImagePullSecret: ptr.To("login"),
	}}}
	const want = `spec.domain.firmware.kernelBoot.container.imagePullSecret: user "eve" cannot get secrets "login"`
	vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Name: "vmi", Namespace: registrytest.Namespace}, Spec: spec}
	_, err := s.instances.Instance.Create(registrytest.As(t, "eve"), vmi, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, want)

	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	vm.Spec.Template.Spec = spec
	written := vm.DeepCopy()
	_, err = s.machines.Machine.Create(registrytest.As(t, "eve"), vm, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, "spec.template."+want)
	assert.Equal(t, written.Spec, vm.Spec, "no default is written into it")
}

func TestCreateNeedsTheRightToMakeItsDataVolumes(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool { return a.GetVerb() == "create" && a.GetResource() == "datavolumes" })
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	vm.Spec.DataVolumeTemplates = []kubevirtv1.DataVolumeTemplateSpec{blank("disk")}
	vm.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "disk", VolumeSource: kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: "disk"}}}}
	_, err := s.machines.Machine.Create(registrytest.As(t, "eve"), vm, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	assert.ErrorContains(t, err, "spec.dataVolumeTemplates[0]")
}

func TestDisksOfDataVolumesAreForWhoMayReadTheirClaims(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool { return a.GetResource() == "persistentvolumeclaims" })
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	vm.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "disk", VolumeSource: kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: "disk"}}}}
	eve := registrytest.As(t, "eve")
	for name, obj := range map[string]runtime.Object{
		"spec.template.spec.volumes[0].dataVolume.name": vm,
		"spec.volumes[0].dataVolume.name": &kubevirtv1.VirtualMachineInstance{
			ObjectMeta: metav1.ObjectMeta{Name: "vmi", Namespace: registrytest.Namespace}, Spec: vm.Spec.Template.Spec},
	} {
		var store rest.Creater = s.machines.Machine
		if obj != runtime.Object(vm) {
			store = s.instances.Instance
		}
		_, err := store.Create(eve, obj, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
		require.True(t, apierrors.IsForbidden(err), "%v", err)
		assert.ErrorContains(t, err, name+`: user "eve" cannot get persistentvolumeclaims "disk"`)
	}

	vm.Spec.DataVolumeTemplates = []kubevirtv1.DataVolumeTemplateSpec{blank("disk")}
	create(t, eve, s.machines.Machine, vm)
	_, _, err := s.machines.Machine.Update(eve, "vm", rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		changed := old.DeepCopyObject().(*kubevirtv1.VirtualMachine)
		changed.Spec.DataVolumeTemplates = nil
		return changed, nil
	}), rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	assert.True(t, apierrors.IsForbidden(err), "what is no longer made by the machine is somebody's: %v", err)
}

func blank(name string) kubevirtv1.DataVolumeTemplateSpec {
	return kubevirtv1.DataVolumeTemplateSpec{
		ObjectMeta: verbatim.ObjectMeta{Name: name},
		Spec: cdiv1.DataVolumeSpec{
			Source: &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}},
			Storage: &cdiv1.StorageSpec{Resources: &verbatim.VolumeResourceRequirements{
				Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse("1Gi")}}},
		},
	}
}

func TestAMachineThatIsCreatedByApplyingItIsCheckedAsWell(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool { return a.GetResource() == "secrets" })
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	vm.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "seed", VolumeSource: kubevirtv1.VolumeSource{
		CloudInitNoCloud: &kubevirtv1.CloudInitSource{UserDataSecretRef: &corev1.LocalObjectReference{Name: "root-password"}},
	}}}
	// As the handlers do for server-side apply.
	info := rest.DefaultUpdatedObjectInfo(vm)
	for name, store := range map[string]rest.Updater{"machine": s.machines.Machine, "instance": s.instances.Instance} {
		t.Run(name, func(t *testing.T) {
			info := info
			if name == "instance" {
				info = rest.DefaultUpdatedObjectInfo(&kubevirtv1.VirtualMachineInstance{
					ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: registrytest.Namespace}, Spec: vm.Spec.Template.Spec})
			}
			_, _, err := store.Update(registrytest.As(t, "eve"), "vm", info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
			assert.True(t, apierrors.IsForbidden(err), "%v", err)
		})
	}
}
