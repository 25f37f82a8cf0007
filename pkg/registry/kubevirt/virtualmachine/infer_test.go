// SPDX-License-Identifier: Apache-2.0

package virtualmachine_test

import (
	"context"
	"encoding/json"
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
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

// names are labels that name the size and the taste.
func names() map[string]string {
	return map[string]string{
		"instancetype.kubevirt.io/default-instancetype":    "size",
		"instancetype.kubevirt.io/default-preference":      "taste",
		"instancetype.kubevirt.io/default-preference-kind": "virtualmachinepreference",
	}
}

func (s storages) makeClaim(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	_, err := s.core.CoreV1().PersistentVolumeClaims(registrytest.Namespace).Create(t.Context(),
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
	require.NoError(t, err)
}

func newDataVolume(name string, labels map[string]string) *cdiv1.DataVolume {
	storage := &cdiv1.StorageSpec{}
	storage.Resources = &verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse("1Gi")}}
	return &cdiv1.DataVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: registrytest.Namespace, Labels: labels},
		Spec:       cdiv1.DataVolumeSpec{Source: &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}}, Storage: storage},
	}
}

// inferring has what the volume root names, which is a DataVolume, or with a colon before it a claim.
func inferring(volume string, policy *kubevirtv1.InferFromVolumeFailurePolicy) *kubevirtv1.VirtualMachine {
	vm := sized()
	vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{InferFromVolume: ptr.To("root"), InferFromVolumeFailurePolicy: policy}
	vm.Spec.Preference = &kubevirtv1.PreferenceMatcher{InferFromVolume: ptr.To("root"), InferFromVolumeFailurePolicy: policy}
	root := kubevirtv1.Volume{Name: "root"}
	if claim, ok := strings.CutPrefix(volume, ":"); ok {
		root.PersistentVolumeClaim = &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: claim}
	} else {
		root.DataVolume = &kubevirtv1.DataVolumeSource{Name: volume}
	}
	vm.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{root}
	return vm
}

func (s storages) update(ctx context.Context, change func(*kubevirtv1.VirtualMachine)) (*kubevirtv1.VirtualMachine, error) {
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		changed := old.DeepCopyObject().(*kubevirtv1.VirtualMachine)
		change(changed)
		return changed, nil
	})
	obj, _, err := s.machines.Machine.Update(ctx, "vm", info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	if err != nil {
		return nil, err
	}
	return obj.(*kubevirtv1.VirtualMachine), nil
}

func ignore() *kubevirtv1.InferFromVolumeFailurePolicy {
	return ptr.To(kubevirtv1.IgnoreInferFromVolumeFailure)
}

func TestAMachineHasWhatItsVolumeNames(t *testing.T) {
	tests := map[string]struct {
		volume string
		make   func(*testing.T, context.Context, storages, *kubevirtv1.VirtualMachine)
	}{
		"a claim": {":root", func(t *testing.T, _ context.Context, s storages, _ *kubevirtv1.VirtualMachine) {
			s.makeClaim(t, "root", names())
		}},
		"a DataVolume": {"root", func(t *testing.T, ctx context.Context, s storages, _ *kubevirtv1.VirtualMachine) {
			create(t, ctx, s.volumes.DataVolume, newDataVolume("root", names()))
			s.makeClaim(t, "root", map[string]string{"instancetype.kubevirt.io/default-instancetype": "other"})
		}},
		"the claim of a DataVolume that is gone": {"root", func(t *testing.T, _ context.Context, s storages, _ *kubevirtv1.VirtualMachine) {
			s.makeClaim(t, "root", names())
		}},
		"a DataVolume of its own": {"root", func(_ *testing.T, _ context.Context, _ storages, vm *kubevirtv1.VirtualMachine) {
			dv := newDataVolume("root", names())
			vm.Spec.DataVolumeTemplates = []kubevirtv1.DataVolumeTemplateSpec{{ObjectMeta: verbatim.ObjectMeta{Name: "root", Labels: dv.Labels}, Spec: dv.Spec}}
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, ctx := newStorages(t, nil), registrytest.As(t, "user")
			s.makeSize(t, ctx)
			s.makeTaste(t, ctx)
			vm := inferring(tc.volume, nil)
			tc.make(t, ctx, s, vm)
			want := vm.DeepCopy()

			got := create(t, ctx, s.machines.Machine, vm)

			assert.Equal(t, want.Spec, got.Spec, "the spec is the user's")
			require.NotNil(t, got.Status.InstancetypeRef)
			assert.Equal(t, "size", got.Status.InstancetypeRef.Name)
			assert.Equal(t, "VirtualMachineClusterInstancetype", got.Status.InstancetypeRef.Kind)
			assert.Equal(t, "root", got.Status.InstancetypeRef.InferFromVolume)
			require.NotNil(t, got.Status.PreferenceRef)
			assert.Equal(t, "VirtualMachinePreference", got.Status.PreferenceRef.Kind)
			expanded := s.expanded(t, ctx)
			assert.EqualValues(t, 2, ptr.Deref(expanded.Spec.Template.Spec.Domain.CPU.Cores, 0))
			assert.Nil(t, expanded.Spec.Instancetype)
		})
	}
}

func TestWhatIsNotNamedIsRefusedOrIgnored(t *testing.T) {
	tests := map[string]struct {
		volume string
		make   func(*testing.T, storages, *kubevirtv1.VirtualMachine)
		want   string
		// refused is of those that can't be ignored.
		refused bool
	}{
		"no label": {":root", func(t *testing.T, s storages, _ *kubevirtv1.VirtualMachine) { s.makeClaim(t, "root", nil) },
			`PersistentVolumeClaim "root" has no label instancetype.kubevirt.io/default-instancetype`, false},
		"no kind": {":root", func(t *testing.T, s storages, _ *kubevirtv1.VirtualMachine) {
			s.makeClaim(t, "root", map[string]string{"instancetype.kubevirt.io/default-instancetype": "size", "instancetype.kubevirt.io/default-instancetype-kind": "Pod"})
		}, "instancetype.kubevirt.io/default-instancetype-kind=Pod", false},
		"no name": {":root", func(t *testing.T, s storages, _ *kubevirtv1.VirtualMachine) {
			s.makeClaim(t, "root", map[string]string{"instancetype.kubevirt.io/default-instancetype": "Big_One"})
		}, "default-instancetype=Big_One, which is no name", false},
		"a volume of another type": {":root", func(_ *testing.T, _ storages, vm *kubevirtv1.VirtualMachine) {
			vm.Spec.Template.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse("1Gi")}}
		}, "neither a DataVolume nor a PersistentVolumeClaim", false},
		"a DataVolume of its own": {"root", func(_ *testing.T, _ storages, vm *kubevirtv1.VirtualMachine) {
			vm.Spec.DataVolumeTemplates = []kubevirtv1.DataVolumeTemplateSpec{{ObjectMeta: verbatim.ObjectMeta{Name: "root"}, Spec: newDataVolume("", nil).Spec}}
		}, `the template of DataVolume "root" has no label`, false},
		"no claim":      {":root", func(*testing.T, storages, *kubevirtv1.VirtualMachine) {}, `persistentvolumeclaims "root" not found`, true},
		"no DataVolume": {"root", func(*testing.T, storages, *kubevirtv1.VirtualMachine) {}, `persistentvolumeclaims "root" not found`, true},
		"no volume": {":root", func(_ *testing.T, _ storages, vm *kubevirtv1.VirtualMachine) {
			vm.Spec.Template.Spec.Volumes = nil
		}, "has no volume of that name", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, ctx := newStorages(t, nil), registrytest.As(t, "user")
			memory := &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("256Mi"))}
			rejecting, ignoring := inferring(tc.volume, nil), inferring(tc.volume, ignore())
			ignoring.Spec.Template.Spec.Domain.Memory = memory
			tc.make(t, s, rejecting)
			if name != "no label" && name != "no kind" && name != "no name" { // those made a claim, which is there
				tc.make(t, s, ignoring)
			}

			err := s.createError(ctx, rejecting)
			require.True(t, apierrors.IsBadRequest(err), "%v", err)
			assert.ErrorContains(t, err, tc.want)
			causes := err.(apierrors.APIStatus).Status().Details.Causes
			require.Len(t, causes, 1)
			assert.Equal(t, "spec.instancetype.inferFromVolume", causes[0].Field)

			err = s.createError(ctx, ignoring)
			if tc.refused {
				assert.True(t, apierrors.IsBadRequest(err), "%v", err)
				return
			}
			require.NoError(t, err)
			got := s.machine(t, ctx, "vm")
			require.NotNil(t, got.Status.InstancetypeRef)
			assert.Empty(t, got.Status.InstancetypeRef.Name)
			assert.Nil(t, got.Status.InstancetypeRef.Spec)
			assert.Equal(t, "256Mi", s.expanded(t, ctx).Spec.Template.Spec.Domain.Memory.Guest.String())
		})
	}
}

func TestMemoryOfAMachineThatIgnoresFailuresIsForThatCaseOnly(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	s.makeTaste(t, ctx)
	s.makeClaim(t, "root", names())
	vm := inferring(":root", ignore())
	vm.Spec.Template.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("256Mi"))}
	got := create(t, ctx, s.machines.Machine, vm)
	assert.Equal(t, "256Mi", got.Spec.Template.Spec.Domain.Memory.Guest.String(), "the spec is the user's")
	assert.Equal(t, "1Gi", s.expanded(t, ctx).Spec.Template.Spec.Domain.Memory.Guest.String())

	vm = inferring(":root", nil)
	vm.Name = "strict"
	vm.Spec.Template.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("256Mi"))}
	err := s.createError(ctx, vm)
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	assert.ErrorContains(t, err, "spec.template.spec.domain.memory.guest conflicts with selected instance type")
}

func TestWhatWasInferredStaysUntilTheReferenceChanges(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	s.makeTaste(t, ctx)
	s.makeClaim(t, "root", names())
	first := create(t, ctx, s.machines.Machine, inferring(":root", nil))
	// The claim goes, and with it all that could be inferred.
	require.NoError(t, s.core.CoreV1().PersistentVolumeClaims(registrytest.Namespace).Delete(t.Context(), "root", metav1.DeleteOptions{}))

	got, err := s.update(ctx, func(vm *kubevirtv1.VirtualMachine) {
		vm.Spec.RunStrategy = ptr.To(kubevirtv1.RunStrategyManual)
		vm.Spec.Template.Spec.Volumes = nil
		vm.Status.InstancetypeRef = &kubevirtv1.InstancetypeStatusRef{Name: "mine"}
	})
	require.NoError(t, err)
	assert.Equal(t, first.Status.InstancetypeRef, got.Status.InstancetypeRef)

	_, err = s.update(ctx, func(vm *kubevirtv1.VirtualMachine) { vm.Spec.Instancetype.InferFromVolume = ptr.To("other") })
	assert.True(t, apierrors.IsBadRequest(err), "%v", err)

	got, err = s.update(ctx, func(vm *kubevirtv1.VirtualMachine) {
		vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To("size")}
	})
	require.NoError(t, err)
	assert.Empty(t, got.Status.InstancetypeRef.InferFromVolume)
	assert.Equal(t, "size", got.Status.InstancetypeRef.Name)
}

func TestWhatAClientSaysThatWasInferredCountsForNothing(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	vm := inferring(":root", nil)
	for _, ref := range []**kubevirtv1.InstancetypeStatusRef{&vm.Status.InstancetypeRef, &vm.Status.PreferenceRef} {
		*ref = &kubevirtv1.InstancetypeStatusRef{Name: "size", Kind: kubevirtv1.KindClusterInstancetype, InferFromVolume: "root"}
	}
	err := s.createError(ctx, vm)
	assert.True(t, apierrors.IsBadRequest(err), "%v", err)
}

func TestInferringNeedsTheRightToReadEachObjectOnTheWay(t *testing.T) {
	for resource, want := range map[string]string{
		"datavolumes":                        `spec.instancetype.inferFromVolume: user "eve" cannot get datavolumes.cdi.kubevirt.io "root"`,
		"persistentvolumeclaims":             `spec.instancetype.inferFromVolume: user "eve" cannot get persistentvolumeclaims "root"`,
		"virtualmachineclusterinstancetypes": `spec.instancetype: user "eve" cannot get virtualmachineclusterinstancetypes.instancetype.kubevirt.io "size"`,
		"virtualmachinepreferences":          `spec.preference: user "eve" cannot get virtualmachinepreferences.instancetype.kubevirt.io "taste"`,
	} {
		t.Run(resource, func(t *testing.T) {
			s := newStorages(t, func(a authorizer.Attributes) bool { return a.GetResource() == resource && a.GetVerb() == "get" })
			ctx := registrytest.As(t, "eve")
			s.makeSize(t, ctx)
			s.makeTaste(t, ctx)
			s.makeClaim(t, "root", names())

			// Also where the policy ignores what can't be inferred.
			for _, policy := range []*kubevirtv1.InferFromVolumeFailurePolicy{nil, ignore()} {
				err := s.createError(ctx, inferring("root", policy))
				require.True(t, apierrors.IsForbidden(err), "%v", err)
				assert.ErrorContains(t, err, want)
			}
			body, err := json.Marshal(inferring("root", nil))
			require.NoError(t, err)
			_, err = s.machines.ExpandBody(ctx, registrytest.Namespace, strings.NewReader(string(body)))
			assert.True(t, apierrors.IsForbidden(err), "%v", err)
		})
	}
}

func TestABodyIsExpandedByWhatItsVolumeNames(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	s.makeTaste(t, ctx)
	body, err := json.Marshal(inferring(":root", nil))
	require.NoError(t, err)
	_, err = s.machines.ExpandBody(ctx, registrytest.Namespace, strings.NewReader(string(body)))
	require.True(t, apierrors.IsBadRequest(err), "%v", err)

	s.makeClaim(t, "root", names())
	vm, err := s.machines.ExpandBody(ctx, registrytest.Namespace, strings.NewReader(string(body)))
	require.NoError(t, err)
	assert.EqualValues(t, 2, ptr.Deref(vm.Spec.Template.Spec.Domain.CPU.Cores, 0))
	assert.Nil(t, vm.Spec.Instancetype)
	assert.Nil(t, vm.Status.InstancetypeRef)
}

func TestWhatAVolumeNamesNeedNotExistYet(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeClaim(t, "root", names())
	got := create(t, ctx, s.machines.Machine, inferring(":root", nil))
	require.NotNil(t, got.Status.InstancetypeRef)
	assert.Equal(t, "size", got.Status.InstancetypeRef.Name)
	assert.Nil(t, got.Status.InstancetypeRef.Spec)
}

func TestMatchersThatSayTwoThingsAreRefused(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	tests := map[string]struct {
		matcher kubevirtv1.InstancetypeMatcher
		field   string
		cause   metav1.CauseType
	}{
		"nothing":        {kubevirtv1.InstancetypeMatcher{}, "spec.instancetype", metav1.CauseTypeFieldValueNotFound},
		"name":           {kubevirtv1.InstancetypeMatcher{Name: ptr.To("size"), InferFromVolume: ptr.To("root")}, "spec.instancetype.name", metav1.CauseTypeFieldValueNotSupported},
		"kind":           {kubevirtv1.InstancetypeMatcher{Kind: ptr.To("x"), InferFromVolume: ptr.To("root")}, "spec.instancetype.kind", metav1.CauseTypeFieldValueNotSupported},
		"policy":         {kubevirtv1.InstancetypeMatcher{InferFromVolume: ptr.To("root"), InferFromVolumeFailurePolicy: ptr.To[kubevirtv1.InferFromVolumeFailurePolicy]("Retry")}, "spec.instancetype.inferFromVolumeFailurePolicy", metav1.CauseTypeFieldValueInvalid},
		"policy of none": {kubevirtv1.InstancetypeMatcher{Name: ptr.To("size"), InferFromVolumeFailurePolicy: ignore()}, "spec.instancetype.inferFromVolumeFailurePolicy", metav1.CauseTypeFieldValueInvalid},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			vm := sized()
			vm.Spec.Instancetype = &tc.matcher
			err := s.createError(ctx, vm)
			require.True(t, apierrors.IsInvalid(err), "%v", err)
			causes := err.(apierrors.APIStatus).Status().Details.Causes
			require.Len(t, causes, 1)
			assert.Equal(t, tc.field, causes[0].Field)
			assert.Equal(t, tc.cause, causes[0].Type)
		})
	}
}

func TestAMachineThatIsMadeByApplyingItHasWhatItsVolumeNames(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	s.makeTaste(t, ctx)
	s.makeClaim(t, "root", names())
	info := rest.DefaultUpdatedObjectInfo(inferring(":root", nil))
	obj, made, err := s.machines.Machine.Update(ctx, "vm", info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
	require.NoError(t, err)
	assert.True(t, made)
	require.NotNil(t, obj.(*kubevirtv1.VirtualMachine).Status.InstancetypeRef)
	assert.Equal(t, "size", obj.(*kubevirtv1.VirtualMachine).Status.InstancetypeRef.Name)
}
