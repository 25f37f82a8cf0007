// SPDX-License-Identifier: Apache-2.0

package virtualmachine_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

func (s storages) store(resource string) rest.StandardStorage {
	return s.types.Resources()[resource].(rest.StandardStorage)
}

// makeSize has an instance type of two processors and 1Gi, for the cluster.
func (s storages) makeSize(t *testing.T, ctx context.Context) {
	t.Helper()
	create(t, ctx, s.store("virtualmachineclusterinstancetypes"), &instancetypev1.VirtualMachineClusterInstancetype{
		ObjectMeta: metav1.ObjectMeta{Name: "size"}, Spec: instancetypev1.VirtualMachineInstancetypeSpec{
			CPU:    instancetypev1.CPUInstancetype{Guest: 2},
			Memory: instancetypev1.MemoryInstancetype{Guest: verbatim.MustParse("1Gi")},
		}})
}

// makeTaste has a preference for cores, for the namespace.
func (s storages) makeTaste(t *testing.T, ctx context.Context) {
	t.Helper()
	create(t, ctx, s.store("virtualmachinepreferences"), &instancetypev1.VirtualMachinePreference{
		ObjectMeta: metav1.ObjectMeta{Name: "taste", Namespace: registrytest.Namespace}, Spec: instancetypev1.VirtualMachinePreferenceSpec{
			CPU: &instancetypev1.CPUPreferences{PreferredCPUTopology: ptr.To(instancetypev1.Cores)},
		}})
}

// sized has no memory of its own.
func sized() *kubevirtv1.VirtualMachine {
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	vm.Spec.Template.Spec.Domain.Memory = nil
	vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To("size")}
	vm.Spec.Preference = &kubevirtv1.PreferenceMatcher{Name: ptr.To("taste"), Kind: ptr.To("virtualmachinepreference")}
	return vm
}

func (s storages) createError(ctx context.Context, vm *kubevirtv1.VirtualMachine) error {
	_, err := s.machines.Machine.Create(ctx, vm, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	return err
}

func TestAMachineHoldsWhatItRefersToAsItWas(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	s.makeTaste(t, ctx)
	want := sized()
	got := create(t, ctx, s.machines.Machine, want.DeepCopy())
	assert.Equal(t, want.Spec, got.Spec, "the spec is the user's")
	require.NotNil(t, got.Status.InstancetypeRef)
	assert.Equal(t, "VirtualMachineClusterInstancetype", got.Status.InstancetypeRef.Kind)
	require.NotNil(t, got.Status.PreferenceRef)
	assert.Equal(t, "VirtualMachinePreference", got.Status.PreferenceRef.Kind)

	change := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		changed := old.DeepCopyObject().(*instancetypev1.VirtualMachineClusterInstancetype)
		changed.Spec.CPU.Guest = 7
		return changed, nil
	})
	updated, _, err := s.store("virtualmachineclusterinstancetypes").Update(ctx, "size", change, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, updated.(metav1.Object).GetGeneration())
	assert.EqualValues(t, 2, ptr.Deref(s.expanded(t, ctx).Spec.Template.Spec.Domain.CPU.Cores, 0))
}

// expanded is what the expand-spec subresource answers.
func (s storages) expanded(t *testing.T, ctx context.Context) *kubevirtv1.VirtualMachine {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler, err := s.machines.ExpandSpec(&kubevirtv1.VirtualMachine{}).(rest.Connecter).Connect(ctx, "vm", nil, &responder{})
	require.NoError(t, err)
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
	require.Equal(t, http.StatusOK, recorder.Code, recorder.Body.String())
	vm := &kubevirtv1.VirtualMachine{}
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), vm))
	return vm
}

func TestExpandSpecShowsWhatInstancesAreMadeFrom(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	s.makeTaste(t, ctx)
	create(t, ctx, s.machines.Machine, sized())
	vm := s.expanded(t, ctx)
	assert.Equal(t, "VirtualMachine", vm.Kind)
	assert.Nil(t, vm.Spec.Instancetype)
	assert.Nil(t, vm.Spec.Preference)
	assert.Nil(t, vm.Status.InstancetypeRef)
	domain := vm.Spec.Template.Spec.Domain
	assert.EqualValues(t, 2, ptr.Deref(domain.CPU.Cores, 0))
	assert.Equal(t, "1Gi", domain.Memory.Guest.String())
	assert.Equal(t, "q35", ptr.Deref(domain.Machine.Type, ""), "with the defaults")
}

func TestAMachineThatConflictsWithItsInstancetypeIsRefused(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	vm := sized()
	vm.Spec.Template.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("1Gi"))}
	err := s.createError(ctx, vm)
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	causes := err.(apierrors.APIStatus).Status().Details.Causes
	require.Len(t, causes, 1)
	assert.Equal(t, metav1.CauseTypeFieldValueInvalid, causes[0].Type)
	assert.Equal(t, "spec.template.spec.domain.memory.guest", causes[0].Field)
	assert.Contains(t, causes[0].Message, "VM field(s) spec.template.spec.domain.memory.guest conflicts with selected instance type")
}

func TestWhatAMachineRefersToNeedNotExistYet(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	got := create(t, ctx, s.machines.Machine, sized())
	assert.Nil(t, got.Status.InstancetypeRef)
	assert.Nil(t, got.Status.PreferenceRef)
}

func TestAKindThatIsNoneIsRefused(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	vm := sized()
	vm.Spec.Instancetype.Kind = ptr.To("Pod")
	err := s.createError(ctx, vm)
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	assert.ErrorContains(t, err, "spec.instancetype.kind")
}

func TestReferringToAnInstancetypeNeedsTheRightToReadIt(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool {
		return a.GetResource() == "virtualmachineclusterinstancetypes" && a.GetNamespace() == ""
	})
	ctx := registrytest.As(t, "eve")
	s.makeSize(t, ctx)
	err := s.createError(ctx, sized())
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	assert.ErrorContains(t, err, "spec.instancetype: user \"eve\" cannot get virtualmachineclusterinstancetypes")

	body, err := json.Marshal(sized())
	require.NoError(t, err)
	_, err = s.machines.ExpandBody(ctx, registrytest.Namespace, strings.NewReader(string(body)))
	assert.True(t, apierrors.IsForbidden(err), "%v", err)
}

func TestABodyIsExpandedOrToldWhatIsWrongWithIt(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	s.makeSize(t, ctx)
	// The stores name the resource of the request in their errors.
	ctx = genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{APIGroup: "subresources.kubevirt.io", Resource: "expand-vm-spec"})
	const template = `"template":{"spec":{"domain":{"devices":{}}}}`
	vm, err := s.machines.ExpandBody(ctx, registrytest.Namespace, strings.NewReader(`{"spec":{"instancetype":{"name":"size"},`+template+`}}`))
	require.NoError(t, err)
	assert.EqualValues(t, 2, ptr.Deref(vm.Spec.Template.Spec.Domain.CPU.Sockets, 0))

	for body, want := range map[string]string{
		"":  "empty request body",
		"{": "Can not unmarshal Request body to struct",
		`{"spec":{"flavour":1,` + template + `}}`: "Object is not a valid VirtualMachine",
		`{"spec":{}}`: "Object is not a valid VirtualMachine",
		`{"metadata":{"namespace":"other"},"spec":{` + template + `}}`:                                              "VM namespace must be empty or default",
		`{"spec":{"instancetype":{"name":"none"},` + template + `}}`:                                                `virtualmachineclusterinstancetypes.instancetype.kubevirt.io "none" not found`,
		`{"spec":{"preference":{"name":"none","kind":"virtualmachinepreferences"},` + template + `}}`:               `virtualmachinepreferences.instancetype.kubevirt.io "none" not found`,
		`{"spec":{"instancetype":{"name":"size","kind":"Pod"},` + template + `}}`:                                   "spec.instancetype.kind",
		`{"spec":{"instancetype":{"name":"size"},"template":{"spec":{"domain":{"cpu":{"cores":1},"devices":{}}}}}}`: "conflicts with selected instance type",
	} {
		_, err := s.machines.ExpandBody(ctx, registrytest.Namespace, strings.NewReader(body))
		require.True(t, apierrors.IsBadRequest(err), "%s: %v", body, err)
		assert.ErrorContains(t, err, want, body)
	}
	_, err = s.machines.ExpandBody(ctx, registrytest.Namespace, strings.NewReader(strings.Repeat(" ", 3<<20)))
	assert.True(t, apierrors.IsRequestEntityTooLargeError(err), "%v", err)
}

func TestAnInstancetypeThatIsMissingIsToldByAWarningAlone(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	create(t, ctx, s.store("virtualmachinepreferences"), &instancetypev1.VirtualMachinePreference{
		ObjectMeta: metav1.ObjectMeta{Name: "taste", Namespace: registrytest.Namespace}, Spec: instancetypev1.VirtualMachinePreferenceSpec{
			Requirements: &instancetypev1.PreferenceRequirements{Memory: &instancetypev1.MemoryPreferenceRequirement{Guest: verbatim.MustParse("2Gi")}},
		}})
	warnings := &warned{}
	create(t, warning.WithWarningRecorder(ctx, warnings), s.machines.Machine, sized())
	assert.Equal(t, []string{`spec.instancetype: VirtualMachineClusterInstancetype "size" is not there yet; the machine can't start until it is`}, warnings.texts)
	s.makeSize(t, ctx) // which has less
	other := sized()
	other.Name = "other"
	assert.ErrorContains(t, s.createError(ctx, other), "insufficient Memory resources of 1Gi provided by instance type")
}

func TestAnInstancetypeThatNoNodeGivesIsStoredWithAWarningAndRefusedWhereItIsUsed(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	warnings := &warned{}
	create(t, warning.WithWarningRecorder(ctx, warnings), s.store("virtualmachineclusterinstancetypes"), &instancetypev1.VirtualMachineClusterInstancetype{
		ObjectMeta: metav1.ObjectMeta{Name: "size"}, Spec: instancetypev1.VirtualMachineInstancetypeSpec{
			CPU: instancetypev1.CPUInstancetype{Guest: 2, NUMA: &instancetypev1.NUMA{GuestMappingPassthrough: &instancetypev1.NUMAGuestMappingPassthrough{}}},
		}})
	require.Len(t, warnings.texts, 2)
	assert.Contains(t, warnings.texts[0], "machines that refer to it are refused: spec.memory.guest: it gives no memory")
	assert.Contains(t, warnings.texts[1], "spec.cpu.numa.guestMappingPassthrough: it is for dedicated processors")

	vm := sized()
	vm.Spec.Preference = nil
	err := s.createError(ctx, vm)
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	causes := err.(apierrors.APIStatus).Status().Details.Causes
	require.Len(t, causes, 2)
	assert.Equal(t, "spec.instancetype", causes[0].Field)
	assert.Contains(t, causes[1].Message, "the instance type has cpu.numa.guestMappingPassthrough")
}
