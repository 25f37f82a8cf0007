// SPDX-License-Identifier: Apache-2.0

package virtualmachine_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

const added = `{"name": "more", "disk": {"serial": "s1"}, "volumeSource": {"persistentVolumeClaim": {"claimName": "claim"}}}`

func TestVolumesAreAddedAndRemovedWithUpstreamsAnswers(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	vm := newMachine("vm", halted)
	vm.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "root", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "root"}}}}
	create(t, ctx, s.machines.Machine, vm)
	s.owned(t, ctx, "alone", kubevirtv1.Running)
	s.owned(t, ctx, "waiting", kubevirtv1.Scheduled)
	kind := &kubevirtv1.VirtualMachine{}
	storages := map[string]rest.Storage{
		"add": s.machines.AddVolume(kind), "remove": s.machines.RemoveVolume(kind),
		"add vmi": s.instances.AddVolume(kind), "remove vmi": s.instances.RemoveVolume(kind),
	}
	for _, test := range []struct {
		action, name, body string
		code               int
		text               string
	}{
		{"add", "vm", `{}`, http.StatusBadRequest, "AddVolumeOptions requires name to be set"},
		{"add", "vm", `{"name": "x"}`, http.StatusBadRequest, "AddVolumeOptions requires disk to not be nil"},
		{"add", "vm", `{"name": "x", "disk": {}}`, http.StatusBadRequest, "AddVolumeOptions requires VolumeSource to not be nil"},
		{"add", "vm", `{"name": "x", "disk": {}, "volumeSource": {}}`, http.StatusUnprocessableEntity, "exactly one source type"},
		{"add", "vm", `{"name": "x", "disk": {"disk": {"bus": "sata"}}, "volumeSource": {"dataVolume": {"name": "d"}}}`, http.StatusUnprocessableEntity, "disk.disk.bus"},
		{"add", "nobody", added, http.StatusNotFound, `virtualmachine.kubevirt.io "nobody" not found`},
		{"add", "vm", `{"name": "root", "disk": {}, "volumeSource": {"dataVolume": {"name": "d"}}}`, http.StatusConflict,
			"Unable to add volume [root] because volume with that name already exists"},
		{"add", "vm", `{"name": "x", "disk": {}, "volumeSource": {"dataVolume": {"name": "root"}}}`, http.StatusConflict,
			"Unable to add volume source [root] because it already exists"},
		{"add", "vm", `{"name": "dry", "disk": {}, "volumeSource": {"dataVolume": {"name": "dry"}}, "dryRun": ["All"]}`, http.StatusAccepted, ""},
		{"add", "vm", added, http.StatusAccepted, ""},
		{"remove", "vm", `{}`, http.StatusBadRequest, "RemoveVolumeOptions requires name to be set"},
		{"remove", "vm", `{"name": "dry"}`, http.StatusConflict, "Unable to remove volume [dry] because it does not exist"},
		{"remove", "vm", `{"name": "root"}`, http.StatusConflict, "Unable to remove volume [root] because it is not hotpluggable"},
		{"remove", "vm", `{"name": "claim"}`, http.StatusAccepted, ""},
		{"add", "vm", added, http.StatusAccepted, ""},
		{"add vmi", "waiting", added, http.StatusConflict, "VMI is not running"},
		{"add vmi", "nobody", added, http.StatusNotFound, `virtualmachineinstance.kubevirt.io "nobody" not found`},
		{"add vmi", "alone", added, http.StatusAccepted, ""},
		{"remove vmi", "alone", `{"name": "more"}`, http.StatusAccepted, ""},
	} {
		code, err := call(ctx, storages[test.action], test.name, test.body)
		require.Equal(t, test.code, code, "%s %s: %v", test.action, test.body, err)
		if test.text != "" {
			assert.ErrorContains(t, err, test.text)
		}
	}
	spec := s.machine(t, ctx, "vm").Spec.Template.Spec
	require.Len(t, spec.Volumes, 2)
	assert.True(t, ptr.Deref(spec.Volumes[1].PersistentVolumeClaim.Hotpluggable, false))
	require.Len(t, spec.Domain.Devices.Disks, 1, "the root's disk is not the user's words")
	assert.Equal(t, kubevirtv1.Disk{Name: "more", Serial: ptr.To("s1"), DiskDevice: kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To[kubevirtv1.DiskBus]("scsi")}}}, spec.Domain.Devices.Disks[0])
}

func TestVolumeIsAddedOnlyByWhoMayReadTheClaim(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool {
		return a.GetUser().GetName() == "eve" && a.GetResource() == "persistentvolumeclaims" && a.GetName() == "claim"
	})
	alice := registrytest.As(t, "alice")
	create(t, alice, s.machines.Machine, newMachine("vm", halted))
	s.instance(t, alice, "vm", kubevirtv1.Running)
	kind := &kubevirtv1.VirtualMachine{}
	for name, storage := range map[string]rest.Storage{"machine": s.machines.AddVolume(kind), "instance": s.instances.AddVolume(kind)} {
		for _, source := range []string{`"persistentVolumeClaim": {"claimName": "claim"}`, `"dataVolume": {"name": "claim"}`} {
			body := fmt.Sprintf(`{"name": "more", "disk": {}, "volumeSource": {%s}, "dryRun": ["All"]}`, source)
			code, err := call(registrytest.As(t, "eve"), storage, "vm", body)
			assert.Equal(t, http.StatusForbidden, code, "%s: %v", name, err)
			assert.ErrorContains(t, err, `user "eve" cannot get persistentvolumeclaims "claim"`, name)
			code, err = call(alice, storage, "vm", body)
			assert.Equal(t, http.StatusAccepted, code, "%s: %v", name, err)
		}
	}
}
