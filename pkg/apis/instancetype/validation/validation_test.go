// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/validation"
)

func TestInstancetypesThatNoMachineCouldUseAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{cpu: {guest: 2}, memory: {guest: 1Gi}}":                                                   "",
		"{cpu: {guest: 2}, memory: {guest: 1Gi, hugepages: {pageSize: 2Mi}}}":                       "",
		"{cpu: {guest: 2}, memory: {guest: -1}}":                                                    "spec.memory.guest",
		"{cpu: {guest: 2}, memory: {guest: 1Gi, overcommitPercent: 101}}":                           "spec.memory.overcommitPercent",
		"{cpu: {guest: 2}, memory: {guest: 1Gi, overcommitPercent: -1}}":                            "spec.memory.overcommitPercent",
		"{cpu: {guest: 2}, memory: {guest: 1Gi, overcommitPercent: 5, hugepages: {pageSize: 2Mi}}}": "spec.memory.overcommitPercent",
		"{cpu: {guest: 2}, memory: {guest: 1Gi}, gpus: [{deviceName: d}]}":                          "spec.gpus[0].name",
		"{cpu: {guest: 2}, memory: {guest: 1Gi}, hostDevices: [{name: n}]}":                         "spec.hostDevices[0].deviceName",
		"{cpu: {guest: 4000000000}, memory: {guest: 1Gi}}":                                          "spec",
		"{cpu: {guest: 2}, memory: {guest: 1Gi, hugepages: {pageSize: 3Mi}}}":                       "spec",
		"{cpu: {guest: 2}, memory: {guest: 2Gi, maxGuest: 1Gi}}":                                    "spec",
		"{cpu: {guest: 2, model: 'no such'}, memory: {guest: 1Gi}}":                                 "spec",
		"{cpu: {guest: 2}, memory: {guest: 1Gi}, ioThreadsPolicy: none}":                            "spec",
		"{cpu: {guest: 2, dedicatedCPUPlacement: false}, memory: {guest: 1Gi}}":                     "",
		"{cpu: {guest: 2}, memory: {guest: 1Gi}, nodeSelector: {zone: a}}":                          "",
		"{cpu: {guest: 2}, memory: {guest: 1Gi}, nodeSelector: {'not a key': ''}}":                  "spec",
		"{cpu: {guest: 2}, memory: {guest: 1Gi}, annotations: {'not a key': ''}}":                   "spec.annotations",
	} {
		spec := &instancetypev1.VirtualMachineInstancetypeSpec{}
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), spec))
		expect(t, want, validation.ValidateInstancetypeSpec(spec, field.NewPath("spec")), text)
	}
}

func TestPreferencesThatNoMachineCouldUseAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{}": "",
		"{cpu: {preferredCPUTopology: preferCores}}":                                                               "",
		"{cpu: {preferredCPUTopology: towers}}":                                                                    "spec.cpu.preferredCPUTopology",
		"{cpu: {preferredCPUTopology: spread, spreadOptions: {ratio: 0}}}":                                         "spec.cpu.spreadOptions.ratio",
		"{cpu: {preferredCPUTopology: spread, spreadOptions: {across: CoresThreads, ratio: 3}}}":                   "spec.cpu.spreadOptions.ratio",
		"{cpu: {preferredCPUTopology: spread, spreadOptions: {across: Racks}}}":                                    "spec.cpu.spreadOptions.across",
		"{devices: {preferredDiskBus: virtio, preferredCdromBus: scsi, preferredTPM: {}, preferredInputBus: usb}}": "",
		"{devices: {preferredDiskBus: ide}}":                                                                       "spec",
		"{devices: {preferredLunBus: scsi}}":                                                                       "",
		"{devices: {preferredLunBus: virtio}}":                                                                     "spec",
		"{devices: {preferredCdromBus: virtio}}":                                                                   "spec",
		"{devices: {preferredSoundModel: drums}}":                                                                  "spec",
		"{devices: {preferredPanicDeviceModel: fear}}":                                                             "spec",
		"{firmware: {preferredEfi: {}}}":                                                                           "",
		"{machine: {preferredMachineType: i440fx}}":                                                                "spec",
		"{preferredSubdomain: shop}":                                                                               "",
		"{preferredSubdomain: a.b}":                                                                                "spec",
		"{preferredArchitecture: vax}":                                                                             "spec.preferredArchitecture",
		"{preferredTerminationGracePeriodSeconds: -1}":                                                             "spec",
		"{cpu: {preferredCPUFeatures: [{name: vmx, policy: maybe}]}}":                                              "spec",
		"{annotations: {'not a key': ''}}":                                                                         "spec.annotations",
	} {
		spec := &instancetypev1.VirtualMachinePreferenceSpec{}
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), spec))
		expect(t, want, validation.ValidatePreferenceSpec(spec, field.NewPath("spec")), text)
	}
}

// expect wants one error at the field, or none.
func expect(t *testing.T, want string, errs field.ErrorList, text string) {
	t.Helper()
	if want == "" {
		assert.Empty(t, errs, text)
		return
	}
	if assert.NotEmpty(t, errs, text) {
		assert.Equal(t, want, errs[0].Field, text)
	}
}
