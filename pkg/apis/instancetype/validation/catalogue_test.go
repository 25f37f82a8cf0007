// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/validation"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// What catalogues hold is stored, whether or not a node gives it; the machine that asks for it is refused by its name.
func TestInstancetypesOfCataloguesAreStoredAndRefusedWhereTheyAreUsed(t *testing.T) {
	for text, refused := range map[string][]string{
		"{cpu: {guest: 2}, memory: {guest: 4Gi}}":                                                                                 nil,
		"{cpu: {guest: 2, maxSockets: 2}, memory: {guest: 4Gi}, ioThreadsPolicy: auto}":                                           nil,
		"{cpu: {guest: 2}, memory: {guest: 4Gi, overcommitPercent: 50}}":                                                          nil,
		"{cpu: {guest: 2}, memory: {guest: 4Gi, hugepages: {pageSize: 1Gi}}, annotations: {a/b: c}}":                              nil,
		"{cpu: {guest: 2}, memory: {guest: '0'}}":                                                                                 {"memory.guest"},
		"{cpu: {guest: 2}, memory: {guest: '0', maxGuest: 1Gi}}":                                                                  {"memory.guest"},
		"{cpu: {guest: 0}, memory: {guest: 4Gi}}":                                                                                 {"cpu.guest"},
		"{cpu: {guest: 2, dedicatedCPUPlacement: true}, memory: {guest: 4Gi}}":                                                    {"cpu.dedicatedCPUPlacement"},
		"{cpu: {guest: 2, isolateEmulatorThread: true}, memory: {guest: 4Gi}}":                                                    {"cpu.isolateEmulatorThread"},
		"{cpu: {guest: 2, numa: {guestMappingPassthrough: {}}}, memory: {guest: 4Gi}}":                                            {"cpu.numa.guestMappingPassthrough"},
		"{cpu: {guest: 2, numa: {}}, memory: {guest: 4Gi}}":                                                                       nil,
		"{cpu: {guest: 2, realtime: {}}, memory: {guest: 4Gi}}":                                                                   {"cpu.realtime"},
		"{cpu: {guest: 2, realtime: {mask: '0-1'}}, memory: {guest: 4Gi}}":                                                        {"cpu.realtime"},
		"{cpu: {guest: 2}, memory: {guest: 4Gi}, gpus: [{name: g, deviceName: d}]}":                                               {"gpus"},
		"{cpu: {guest: 2}, memory: {guest: 4Gi}, hostDevices: [{name: h, deviceName: d}]}":                                        {"hostDevices"},
		"{cpu: {guest: 2}, memory: {guest: 4Gi}, launchSecurity: {sev: {policy: {}}}}":                                            {"launchSecurity"},
		"{cpu: {guest: 2}, memory: {guest: 4Gi}, launchSecurity: {snp: {}}}":                                                      {"launchSecurity"},
		"{cpu: {guest: 2}, memory: {guest: 4Gi}, launchSecurity: {tdx: {}}}":                                                      {"launchSecurity"},
		"{cpu: {guest: 2}, memory: {guest: 4Gi}, schedulerName: mine}":                                                            {"schedulerName"},
		"{cpu: {guest: 2}, memory: {guest: 4Gi}, ioThreadsPolicy: supplementalPool, ioThreads: {supplementalPoolThreadCount: 4}}": {"ioThreads"},
	} {
		spec := &instancetypev1.VirtualMachineInstancetypeSpec{}
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), spec), text)
		assert.Empty(t, validation.ValidateInstancetypeSpec(spec, field.NewPath("spec")), text)
		assert.Equal(t, refused, fields(expand.UnsupportedSize(spec)), text)
	}
}

func TestPreferencesOfCataloguesAreStoredAndRefusedWhereTheyAreUsed(t *testing.T) {
	for text, refused := range map[string][]string{
		"{preferredArchitecture: amd64, requirements: {architecture: amd64}}":                                                        nil,
		"{preferredArchitecture: arm64, requirements: {architecture: arm64}}":                                                        {"preferredArchitecture"},
		"{preferredArchitecture: s390x}":                                                                                             {"preferredArchitecture"},
		"{preferredLaunchSecurity: {}}":                                                                                              {"preferredLaunchSecurity"},
		"{devices: {preferredVideoType: virtio}}":                                                                                    nil,
		"{devices: {preferredVirtualGPUOptions: {display: {enabled: true, ramFB: {enabled: false}}}}}":                               nil,
		"{devices: {preferredTPM: {persistent: true}, preferredRng: {}, preferredAutoattachInputDevice: true}}":                      nil,
		"{features: {preferredSmm: {}}, firmware: {preferredEfi: {persistent: true, secureBoot: true}}}":                             nil,
		"{cpu: {preferredCPUTopology: spread, spreadOptions: {across: SocketsCoresThreads, ratio: 4}}}":                              nil,
		"{clock: {preferredClockOffset: {utc: {}}, preferredTimer: {hpet: {present: false}, pit: {tickPolicy: delay}, hyperv: {}}}}": nil,
		"{annotations: {kubevirt.io/disablePCIHole64: 'true'}, preferredTerminationGracePeriodSeconds: 3600}":                        nil,
		"{machine: {preferredMachineType: pc-q35-rhel9.4.0}}":                                                                        nil,
	} {
		spec := &instancetypev1.VirtualMachinePreferenceSpec{}
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), spec), text)
		assert.Empty(t, validation.ValidatePreferenceSpec(spec, field.NewPath("spec")), text)
		assert.Equal(t, refused, fields(expand.UnsupportedPreference(spec, "")), text)
		for _, u := range expand.UnsupportedPreference(spec, kubevirtv1.DefaultArchitecture) {
			assert.NotEqual(t, "preferredArchitecture", u.Field, "a machine that names one has that")
		}
	}
}

func fields(refused []expand.Unsupported) []string {
	var names []string
	for _, u := range refused {
		names = append(names, u.Field)
	}
	return names
}
