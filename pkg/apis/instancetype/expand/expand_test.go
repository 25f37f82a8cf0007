// SPDX-License-Identifier: Apache-2.0

package expand_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// source has one instance type and one preference, in YAML; "" is none.
type source struct{ size, preference string }

func (s source) Instancetype(_ context.Context, _, _, name string) (*instancetypev1.VirtualMachineInstancetypeSpec, error) {
	return parse[instancetypev1.VirtualMachineInstancetypeSpec](s.size, name)
}

func (s source) Preference(_ context.Context, _, _, name string) (*instancetypev1.VirtualMachinePreferenceSpec, error) {
	return parse[instancetypev1.VirtualMachinePreferenceSpec](s.preference, name)
}

func parse[Spec any](text, name string) (*Spec, error) {
	if text == "" {
		return nil, apierrors.NewNotFound(instancetypev1.Resource("things"), name)
	}
	spec := new(Spec)
	return spec, yaml.UnmarshalStrict([]byte(text), spec)
}

// machine refers to an instance type where size is given, and to a preference where that is.
func machine(t *testing.T, s source, template string) *kubevirtv1.VirtualMachine {
	t.Helper()
	vm := &kubevirtv1.VirtualMachine{}
	vm.Spec.Template = &kubevirtv1.VirtualMachineInstanceTemplateSpec{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(template), vm.Spec.Template))
	if s.size != "" {
		vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To("size")}
	}
	if s.preference != "" {
		vm.Spec.Preference = &kubevirtv1.PreferenceMatcher{Name: ptr.To("taste")}
	}
	require.NoError(t, expand.Pin(t.Context(), s, vm))
	return vm
}

const small = "{cpu: {guest: 4}, memory: {guest: 2Gi}}"

func TestWhatInstancesAreMadeFrom(t *testing.T) {
	for name, test := range map[string]struct {
		source
		template, want string
	}{
		"sockets by default": {source{small, ""}, "{}",
			"{spec: {domain: {cpu: {sockets: 4, cores: 1, threads: 1}, memory: {guest: 2Gi}, devices: {}}}}"},
		"cores": {source{small, "{cpu: {preferredCPUTopology: cores}}"}, "{}",
			"{spec: {domain: {cpu: {sockets: 1, cores: 4, threads: 1}, memory: {guest: 2Gi}, devices: {}}}}"},
		"threads, by the old name": {source{small, "{cpu: {preferredCPUTopology: preferThreads}}"}, "{}",
			"{spec: {domain: {cpu: {sockets: 1, cores: 1, threads: 4}, memory: {guest: 2Gi}, devices: {}}}}"},
		"spread across sockets and cores": {source{small, "{cpu: {preferredCPUTopology: spread}}"}, "{}",
			"{spec: {domain: {cpu: {sockets: 2, cores: 2, threads: 1}, memory: {guest: 2Gi}, devices: {}}}}"},
		"spread across all": {source{"{cpu: {guest: 8}, memory: {guest: 2Gi}}", "{cpu: {preferredCPUTopology: spread, spreadOptions: {across: SocketsCoresThreads}}}"}, "{}",
			"{spec: {domain: {cpu: {sockets: 2, cores: 2, threads: 2}, memory: {guest: 2Gi}, devices: {}}}}"},
		"spread across cores and threads": {source{small, "{cpu: {preferredCPUTopology: spread, spreadOptions: {across: CoresThreads}}}"}, "{}",
			"{spec: {domain: {cpu: {sockets: 1, cores: 2, threads: 2}, memory: {guest: 2Gi}, devices: {}}}}"},
		"all of a size": {source{"{cpu: {guest: 1, model: qemu64, maxSockets: 3}, memory: {guest: 2Gi, maxGuest: 4Gi}, ioThreadsPolicy: auto, nodeSelector: {zone: a}, annotations: {a: b}}", ""},
			"{metadata: {annotations: {c: d}}, spec: {domain: {devices: {rng: {}}}}}",
			"{metadata: {annotations: {a: b, c: d}}, spec: {nodeSelector: {zone: a}, domain: {cpu: {sockets: 1, cores: 1, threads: 1, model: qemu64, maxSockets: 3}, memory: {guest: 2Gi, maxGuest: 4Gi}, ioThreadsPolicy: auto, devices: {rng: {}}}}}"},
		"open fields are filled in": {source{"", `
cpu: {preferredCPUFeatures: [{name: vmx}, {name: apic}]}
clock: {preferredClockOffset: {timezone: Europe/Berlin}, preferredTimer: {hpet: {present: false}}}
features: {preferredAcpi: {enabled: false}, preferredSmm: {}, preferredHyperv: {relaxed: {}, vapic: {}}}
firmware: {preferredEfi: {secureBoot: false}}
machine: {preferredMachineType: pc-q35-7.2}
preferredTerminationGracePeriodSeconds: 7
preferredSubdomain: shop
preferredArchitecture: amd64
annotations: {c: preferred, e: f}`}, `
metadata: {annotations: {c: d}}
spec:
  domain: {cpu: {cores: 1, features: [{name: vmx, policy: disable}]}, features: {hyperv: {vapic: {enabled: false}}}, devices: {}}`, `
metadata: {annotations: {c: d, e: f}}
spec:
  architecture: amd64
  subdomain: shop
  terminationGracePeriodSeconds: 7
  domain:
    cpu: {cores: 1, features: [{name: vmx, policy: disable}, {name: apic}]}
    clock: {timezone: Europe/Berlin, timer: {hpet: {present: false}}}
    features: {acpi: {enabled: false}, smm: {}, hyperv: {relaxed: {}, vapic: {enabled: false}}}
    firmware: {bootloader: {efi: {secureBoot: false}}}
    machine: {type: pc-q35-7.2}
    devices: {}`},
		"what is set stays": {source{"", `
clock: {preferredClockOffset: {utc: {}}}
firmware: {preferredUseBios: true, preferredUseBiosSerial: true, preferredEfi: {}}
machine: {preferredMachineType: pc-q35-7.2}
preferredSubdomain: shop
preferredTerminationGracePeriodSeconds: 7`}, `
spec:
  subdomain: bank
  terminationGracePeriodSeconds: 9
  domain: {clock: {timezone: Asia/Tokyo}, machine: {type: q35}, firmware: {bootloader: {efi: {}}}, devices: {}}`, `
spec:
  subdomain: bank
  terminationGracePeriodSeconds: 9
  domain: {clock: {timezone: Asia/Tokyo}, machine: {type: q35}, firmware: {bootloader: {efi: {}}}, devices: {}}`},
		"less is requested than the guest sees": {source{"{cpu: {guest: 1}, memory: {guest: 4Gi, overcommitPercent: 50}}", ""}, "{}",
			"{spec: {domain: {cpu: {sockets: 1, cores: 1, threads: 1}, memory: {guest: 4Gi}, resources: {requests: {memory: \"2147483600\"}}, devices: {}}}}"},
		"a graphics card": {source{"", "{devices: {preferredVideoType: virtio, preferredAutoattachPodInterface: false}}"}, "{}",
			"{spec: {domain: {devices: {autoattachPodInterface: false, video: {type: virtio}}}}}"},
		"a BIOS with its messages": {source{"", "{firmware: {preferredUseBios: true, preferredUseBiosSerial: true}}"}, "{}",
			"{spec: {domain: {firmware: {bootloader: {bios: {useSerial: true}}}, devices: {}}}}"},
		"EFI in the old form": {source{"", "{firmware: {preferredUseEfi: true, preferredUseSecureBoot: false}}"}, "{}",
			"{spec: {domain: {firmware: {bootloader: {efi: {secureBoot: false}}}, devices: {}}}}"},
		"devices, also those by default": {source{"", `
devices:
  preferredDiskBus: virtio
  preferredCdromBus: scsi
  preferredLunBus: scsi
  preferredDiskCache: writeback
  preferredDiskIO: threads
  preferredDiskDedicatedIoThread: true
  preferredDiskBlockSize: {custom: {logical: 512, physical: 4096}}
  preferredInterfaceModel: e1000e
  preferredInterfaceMasquerade: {}
  preferredInputBus: virtio
  preferredSoundModel: ac97
  preferredPanicDeviceModel: hyperv
  preferredRng: {}
  preferredTPM: {}
  preferredBlockMultiQueue: true
  preferredNetworkInterfaceMultiQueue: true
  preferredDisableHotplug: true
  preferredAutoattachGraphicsDevice: false
  preferredUseVirtioTransitional: true`}, `
spec:
  domain:
    devices:
      disks: [{name: set, disk: {bus: usb}, cache: none, io: native, blockSize: {}}, {name: cd, cdrom: {}}, {name: lun, lun: {}}]
      inputs: [{name: i}]
      sound: {name: s}
      panicDevices: [{}]
  volumes: [{name: set, emptyDisk: {capacity: 1Gi}}, {name: cd, emptyDisk: {capacity: 1Gi}}, {name: lun, dataVolume: {name: l}}, {name: open, emptyDisk: {capacity: 1Gi}}]`, `
spec:
  domain:
    devices:
      disks: [{name: set, disk: {bus: usb}, cache: none, io: native, blockSize: {}}, {name: cd, cdrom: {bus: scsi}}, {name: lun, lun: {bus: scsi}},
        {name: open, disk: {bus: virtio}, cache: writeback, io: threads, dedicatedIOThread: true, blockSize: {custom: {logical: 512, physical: 4096}}}]
      interfaces: [{name: default, model: e1000e, masquerade: {}}]
      inputs: [{name: i, bus: virtio}]
      sound: {name: s, model: ac97}
      panicDevices: [{model: hyperv}]
      rng: {}
      tpm: {}
      blockMultiQueue: true
      networkInterfaceMultiqueue: true
      disableHotplug: true
      autoattachGraphicsDevice: false
      useVirtioTransitional: true
  networks: [{name: default, pod: {}}]
  volumes: [{name: set, emptyDisk: {capacity: 1Gi}}, {name: cd, emptyDisk: {capacity: 1Gi}}, {name: lun, dataVolume: {name: l}}, {name: open, emptyDisk: {capacity: 1Gi}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			vm := machine(t, test.source, test.template)
			before := vm.DeepCopy()
			expanded, errs := expand.Machine(vm)
			require.Empty(t, errs)
			got, err := json.Marshal(expanded.Spec.Template)
			require.NoError(t, err)
			want, err := yaml.YAMLToJSON([]byte(test.want))
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(got))
			assert.Equal(t, before, vm, "the machine is not changed")
		})
	}
}

func TestWhatConflictsIsRefusedAtItsField(t *testing.T) {
	all := "{cpu: {guest: 1, model: host-model, maxSockets: 4}, memory: {guest: 1Gi, maxGuest: 2Gi, hugepages: {pageSize: 2Mi}}, ioThreadsPolicy: auto, nodeSelector: {zone: a}, annotations: {a: b}}"
	domain := func(text string) string { return "{spec: {domain: " + text + "}}" }
	for name, test := range map[string]struct {
		source
		template string
		kind     field.ErrorType
		paths    []string
	}{
		"sockets and memory": {source{small, ""}, domain("{cpu: {sockets: 1}, memory: {guest: 1Gi}, devices: {}}"), field.ErrorTypeInvalid,
			[]string{"spec.template.spec.domain.cpu.sockets", "spec.template.spec.domain.memory.guest"}},
		"resources": {source{small, ""}, domain("{resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}, devices: {}}"), field.ErrorTypeInvalid,
			[]string{"spec.template.spec.domain.resources.requests.cpu", "spec.template.spec.domain.resources.limits.memory"}},
		"what only some instance types say": {source{all, ""},
			domain("{cpu: {model: qemu64, maxSockets: 2}, memory: {maxGuest: 2Gi, hugepages: {pageSize: 1Gi}}, ioThreadsPolicy: shared, devices: {}}"), field.ErrorTypeInvalid,
			[]string{"spec.template.spec.domain.cpu.model", "spec.template.spec.domain.cpu.maxSockets", "spec.template.spec.domain.memory.hugepages",
				"spec.template.spec.domain.memory.maxGuest", "spec.template.spec.domain.ioThreadsPolicy"}},
		"where it runs": {source{all, ""}, "{spec: {nodeSelector: {}, domain: {devices: {}}}}", field.ErrorTypeInvalid,
			[]string{"spec.template.spec.nodeSelector"}},
		"an annotation": {source{all, ""}, "{metadata: {annotations: {a: c}}}", field.ErrorTypeInvalid,
			[]string{"spec.template.metadata.annotations[a]"}},
		"processors that can't be spread": {source{"{cpu: {guest: 3}, memory: {guest: 1Gi}}", "{cpu: {preferredCPUTopology: spread}}"}, "{}", field.ErrorTypeInvalid,
			[]string{"instancetype.spec.cpu.guest"}},
		"what no node gives": {source{"{cpu: {guest: 1, dedicatedCPUPlacement: true, numa: {guestMappingPassthrough: {}}}, memory: {guest: '0'}}",
			"{preferredArchitecture: arm64}"}, "{}", field.ErrorTypeForbidden,
			[]string{"spec.instancetype", "spec.instancetype", "spec.instancetype", "spec.preference"}},
		"an instance type that is too small": {source{small, "{requirements: {cpu: {guest: 5}, memory: {guest: 3Gi}}}"}, "{}", field.ErrorTypeNotFound,
			[]string{"spec.instancetype", "spec.instancetype"}},
		"a machine that is too small": {source{"", "{requirements: {cpu: {guest: 2}, memory: {guest: 3Gi}, architecture: arm64}}"},
			domain("{memory: {guest: 1Gi}, devices: {}}"), field.ErrorTypeNotFound,
			[]string{"spec.template.spec.domain.cpu", "spec.template.spec.domain.memory", "spec.template.spec.architecture"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := expand.Machine(machine(t, test.source, test.template))
			var paths []string
			for _, err := range errs {
				paths = append(paths, err.Field)
				assert.Equal(t, test.kind, err.Type)
			}
			assert.ElementsMatch(t, test.paths, paths)
		})
	}
}

func TestRequirementsThatAreMetAreNoError(t *testing.T) {
	_, errs := expand.Machine(machine(t, source{small, "{requirements: {cpu: {guest: 4}, memory: {guest: 2Gi}, architecture: amd64}}"}, "{}"))
	assert.Empty(t, errs)
}

func TestAMachineKeepsWhatItReferredToFirst(t *testing.T) {
	vm := machine(t, source{small, ""}, "{}")
	require.True(t, expand.Pinned(vm))
	held := vm.Status.InstancetypeRef
	assert.Equal(t, "VirtualMachineClusterInstancetype", held.Kind)

	require.NoError(t, expand.Pin(t.Context(), source{"{cpu: {guest: 9}, memory: {guest: 9Gi}}", ""}, vm))
	assert.Equal(t, held, vm.Status.InstancetypeRef)

	vm.Spec.Instancetype.Kind = ptr.To("virtualmachineinstancetypes")
	require.False(t, expand.Pinned(vm))
	require.NoError(t, expand.Pin(t.Context(), source{"{cpu: {guest: 9}, memory: {guest: 9Gi}}", ""}, vm))
	assert.Equal(t, "VirtualMachineInstancetype", vm.Status.InstancetypeRef.Kind)
	assert.Contains(t, string(vm.Status.InstancetypeRef.Spec.Raw), `"guest":9`)

	vm.Spec.Instancetype = nil
	require.NoError(t, expand.Pin(t.Context(), source{}, vm))
	assert.Nil(t, vm.Status.InstancetypeRef)
}

func TestWhatIsMissingIsToldAndDoesNotHoldTheRestBack(t *testing.T) {
	vm := machine(t, source{}, "{spec: {domain: {cpu: {cores: 2}, devices: {}}}}")
	vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To("size")}
	vm.Spec.Preference = &kubevirtv1.PreferenceMatcher{Name: ptr.To("taste")}
	err := expand.Pin(t.Context(), source{"", "{}"}, vm)
	assert.True(t, apierrors.IsNotFound(err), "%v", err)
	assert.ErrorContains(t, err, `VirtualMachineClusterInstancetype "size"`)
	assert.Nil(t, vm.Status.InstancetypeRef)
	assert.NotNil(t, vm.Status.PreferenceRef)

	_, errs := expand.Judged(vm)
	require.Len(t, errs, 1, "it will say how many processors there are, whatever it says")
	assert.Equal(t, "spec.template.spec.domain.cpu.cores", errs[0].Field)
	vm.Spec.Template.Spec.Domain.CPU = nil
	judged, errs := expand.Judged(vm)
	require.Empty(t, errs)
	assert.NotNil(t, judged.Spec.Template.Spec.Domain.Memory.Guest)
}

func TestAStatusThatCannotBeReadIsAnError(t *testing.T) {
	vm := machine(t, source{small, ""}, "{}")
	vm.Status.InstancetypeRef.Spec.Raw = []byte(`{"cpu":[]}`)
	_, errs := expand.Machine(vm)
	require.Len(t, errs, 1)
	assert.Equal(t, "status.instancetypeRef", errs[0].Field)
}

func TestAnInstancetypeThatIsNotThereYetIsNotHeldAgainstThePreference(t *testing.T) {
	preference := "{requirements: {cpu: {guest: 2}, memory: {guest: 2Gi}, architecture: amd64}}"
	vm := machine(t, source{"", preference}, "{}")
	vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To("later")}
	require.Error(t, expand.Pin(t.Context(), source{"", preference}, vm))
	_, errs := expand.Judged(vm)
	assert.Empty(t, errs, "it gives the machine its size")

	vm.Spec.Template.Spec.Architecture = ptr.To("arm64")
	_, errs = expand.Judged(vm)
	require.Len(t, errs, 1)
	assert.Equal(t, "spec.template.spec.architecture", errs[0].Field, "what is the machine's own is judged")

	require.NoError(t, expand.Pin(t.Context(), source{small, preference}, vm))
	vm.Spec.Template.Spec.Architecture = nil
	_, errs = expand.Judged(vm)
	assert.Empty(t, errs)
	require.NoError(t, expand.Pin(t.Context(), source{"", preference}, vm), "it is kept")
}

func TestWhatNoNodeGivesIsShown(t *testing.T) {
	vm := machine(t, source{"{cpu: {guest: 2, realtime: {}}, memory: {guest: '0'}}", ""}, "{}")
	_, errs := expand.Machine(vm)
	require.Len(t, errs, 2)
	shown, errs := expand.Shown(vm)
	require.Empty(t, errs)
	assert.Equal(t, ptr.To[uint32](2), shown.Spec.Template.Spec.Domain.CPU.Sockets)
}
