// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// judge returns what is wrong with an instance's spec, written as a user does, that has 1Gi of memory unless it
// says otherwise: each error as its type and field.
func judge(t *testing.T, text string) []string {
	t.Helper()
	var spec kubevirtv1.VirtualMachineInstanceSpec
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &spec))
	if spec.Domain.Memory == nil {
		spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("1Gi"))}
	}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&spec)
	var found []string
	for _, err := range validation.ValidateVirtualMachineInstanceSpec(&spec, field.NewPath("spec")) {
		found = append(found, string(err.Type)+" "+err.Field)
	}
	slices.Sort(found)
	return found
}

// TestHardwareIsJudged has, by what a user writes, the causes and fields that are answered.
func TestHardwareIsJudged(t *testing.T) {
	const (
		invalid   = string(field.ErrorTypeInvalid) + " spec."
		missing   = string(field.ErrorTypeRequired) + " spec."
		unknown   = string(field.ErrorTypeNotSupported) + " spec."
		duplicate = string(field.ErrorTypeDuplicate) + " spec."
	)
	for text, want := range map[string][]string{
		`architecture: amd64`: nil,
		`architecture: arm64`: {invalid + "architecture"},

		`{evictionStrategy: LiveMigrateIfPossible, nodeSelector: {zone: a}}`: nil,
		`evictionStrategy: Sometimes`:                                        {invalid + "evictionStrategy"},
		`nodeSelector: {"a b": c}`:                                           {invalid + "nodeSelector"},
		`nodeSelector: {zone: "not this"}`:                                   {invalid + "nodeSelector"},

		`domain: {machine: {type: pc-q35-7.2}}`:                                                      nil,
		`domain: {machine: {type: pc-q35-rhel9.4.0}}`:                                                nil,
		`domain: {machine: {type: pc-q35-}}`:                                                         {invalid + "domain.machine.type"},
		`domain: {machine: {type: "pc-q35-9'.0"}}`:                                                   {invalid + "domain.machine.type"},
		`domain: {machine: {type: pc-i440fx-7.2}}`:                                                   {invalid + "domain.machine.type"},
		`domain: {machine: {type: s390-ccw-virtio}}`:                                                 {invalid + "domain.machine.type"},
		`domain: {resources: {requests: {cpu: -1}}}`:                                                 {invalid + "domain.resources.requests.cpu"},
		`domain: {resources: {limits: {memory: -1}}}`:                                                {invalid + "domain.resources.limits.memory", invalid + "domain.memory.guest"},
		`domain: {resources: {requests: {memory: 999k}}}`:                                            {invalid + "domain.resources.requests.memory"},
		`domain: {resources: {requests: {cpu: 3}, limits: {cpu: 2}}}`:                                {invalid + "domain.resources.requests.cpu"},
		`domain: {cpu: {features: [{name: vmx}, {name: aes, policy: force}]}}`:                       nil,
		`domain: {cpu: {dedicatedCpuPlacement: true, isolateEmulatorThread: true}}`:                  {invalid + "domain.cpu.dedicatedCpuPlacement", invalid + "domain.cpu.isolateEmulatorThread"},
		`domain: {cpu: {dedicatedCpuPlacement: false}}`:                                              nil,
		`domain: {cpu: {features: [{name: vmx, policy: always}]}}`:                                   {unknown + "domain.cpu.features[0].policy"},
		`domain: {cpu: {features: [{name: vmx}, {name: vmx}]}}`:                                      {duplicate + "domain.cpu.features[1].name"},
		`domain: {cpu: {features: [{name: "vmx,+svm"}]}}`:                                            {invalid + "domain.cpu.features[0].name"},
		`domain: {memory: {hugepages: {pageSize: 2Mi}}}`:                                             nil,
		`domain: {memory: {guest: 64Mi, hugepages: {pageSize: 2Mi}}}`:                                nil,
		`domain: {memory: {guest: 63Mi, hugepages: {pageSize: 2Mi}}}`:                                {invalid + "domain.memory.hugepages.pageSize"},
		`domain: {memory: {guest: 64Mi, hugepages: {pageSize: 1Gi}}}`:                                {invalid + "domain.memory.hugepages.pageSize"},
		`domain: {memory: {guest: 64Mi, hugepages: {pageSize: 4Ki}}}`:                                {invalid + "domain.memory.hugepages.pageSize"},
		`domain: {memory: {guest: 64Mi, hugepages: {pageSize: large}}}`:                              {invalid + "domain.memory.hugepages.pageSize"},
		`domain: {memory: {}}`:                                                                       {missing + "domain.memory.guest"},
		`domain: {chassis: {manufacturer: Yard (North), asset: "1"}}`:                                nil,
		`domain: {chassis: {sku: "1,uuid=2"}}`:                                                       {invalid + "domain.chassis.sku"},
		`domain: {clock: {utc: {}}}`:                                                                 nil,
		`domain: {clock: {utc: {offsetSeconds: 3600}}}`:                                              nil,
		`domain: {clock: {utc: {offsetSeconds: 3600000000}}}`:                                        {invalid + "domain.clock.utc.offsetSeconds"},
		`domain: {clock: {timezone: America/Argentina/Ushuaia}}`:                                     nil,
		`domain: {clock: {timezone: ../../etc/passwd}}`:                                              {invalid + "domain.clock.timezone"},
		`domain: {clock: {timezone: Europe/Berlin, utc: {}}}`:                                        {invalid + "domain.clock"},
		`domain: {clock: {timer: {hpet: {tickPolicy: delay}, pit: {tickPolicy: discard}}}}`:          nil,
		`domain: {clock: {timer: {hpet: {tickPolicy: catchup}, pit: {tickPolicy: merge}}}}`:          {unknown + "domain.clock.timer.hpet.tickPolicy", unknown + "domain.clock.timer.pit.tickPolicy"},
		`domain: {clock: {timer: {rtc: {tickPolicy: discard, track: moon}}}}`:                        {unknown + "domain.clock.timer.rtc.tickPolicy", unknown + "domain.clock.timer.rtc.track"},
		`domain: {features: {apic: {enabled: false}}}`:                                               {invalid + "domain.features.apic.enabled"},
		`domain: {features: {hyperv: {}, hypervPassthrough: {}}}`:                                    {invalid + "domain.features.hyperv"},
		`domain: {features: {hyperv: {synictimer: {}, ipi: {}, tlbflush: {}}}}`:                      nil,
		`domain: {features: {hyperv: {synic: {}, vpindex: {enabled: false}}}}`:                       {invalid + "domain.features.hyperv.synic"},
		`domain: {features: {hyperv: {ipi: {}, tlbflush: {}, vpindex: {enabled: false}}}}`:           {invalid + "domain.features.hyperv.ipi", invalid + "domain.features.hyperv.tlbflush"},
		`domain: {features: {hyperv: {synictimer: {}, synic: {enabled: false}}}}`:                    {invalid + "domain.features.hyperv.synictimer"},
		`domain: {features: {hyperv: {evmcs: {}}}}`:                                                  nil,
		`domain: {features: {hyperv: {evmcs: {}, vapic: {enabled: false}}}}`:                         {invalid + "domain.features.hyperv.evmcs"},
		`domain: {cpu: {features: [{name: vmx, policy: disable}]}, features: {hyperv: {evmcs: {}}}}`: {invalid + "domain.cpu.features[0].policy"},
		`domain: {features: {hyperv: {spinlocks: {spinlocks: 10}}}}`:                                 {invalid + "domain.features.hyperv.spinlocks.spinlocks"},
		`domain: {features: {hyperv: {vendorid: {vendorid: "a,b"}}}}`:                                {invalid + "domain.features.hyperv.vendorid.vendorid"},
		`domain: {firmware: {bootloader: {efi: {}}}}`:                                                {invalid + "domain.firmware.bootloader.efi.secureBoot"},
		`domain: {firmware: {bootloader: {efi: {}}}, features: {smm: {}}}`:                           nil,
		`domain: {firmware: {bootloader: {efi: {secureBoot: false}, bios: {}}}}`:                     {invalid + "domain.firmware.bootloader"},

		`domain: {firmware: {kernelBoot: {}}}`:                                      nil,
		`domain: {firmware: {kernelBoot: {kernelArgs: quiet}}}`:                     {invalid + "domain.firmware.kernelBoot.kernelArgs"},
		`domain: {firmware: {kernelBoot: {container: {image: a, kernelPath: /k}}}}`: nil,
		`domain: {firmware: {kernelBoot: {kernelArgs: "a=b \"c d\"\n e\n", container: {image: a, imagePullSecret: s, imagePullPolicy: Never, kernelPath: /k, initrdPath: /i}}}}`: nil,
		`domain: {firmware: {bootloader: {efi: {secureBoot: false}}, kernelBoot: {container: {image: a, kernelPath: /k}}}}`:                                                      nil,
		`domain: {firmware: {kernelBoot: {kernelArgs: "a\0b", container: {image: a, kernelPath: /k}}}}`:                                                                          {invalid + "domain.firmware.kernelBoot.kernelArgs"},
		`domain: {features: {smm: {}}, firmware: {bootloader: {efi: {}}, kernelBoot: {container: {image: a, kernelPath: /k}}}}`:                                                  {invalid + "domain.firmware.bootloader.efi.secureBoot"},
		`domain: {firmware: {kernelBoot: {container: {}}}}`:                                                                                                                      {missing + "domain.firmware.kernelBoot.container", missing + "domain.firmware.kernelBoot.container.image"},
		`domain: {firmware: {kernelBoot: {container: {image: a, initrdPath: /i}}}}`:                                                                                              {missing + "domain.firmware.kernelBoot.container.kernelPath"},
		`domain: {firmware: {kernelBoot: {container: {image: a b, imagePullSecret: A, imagePullPolicy: Often, kernelPath: k, initrdPath: /a/../b}}}}`: {
			invalid + "domain.firmware.kernelBoot.container.image", unknown + "domain.firmware.kernelBoot.container.imagePullPolicy",
			invalid + "domain.firmware.kernelBoot.container.imagePullSecret", invalid + "domain.firmware.kernelBoot.container.initrdPath",
			invalid + "domain.firmware.kernelBoot.container.kernelPath"},
		`domain: {firmware: {kernelBoot: {container: {image: a, kernelPath: /}}}}`: {invalid + "domain.firmware.kernelBoot.container.kernelPath"},

		`domain: {cpu: {sockets: 2, maxSockets: 2}}`:                                nil,
		`domain: {cpu: {sockets: 3, maxSockets: 2}}`:                                {invalid + "domain.cpu.sockets"},
		`domain: {cpu: {sockets: 200}}`:                                             nil,
		`domain: {cpu: {cores: 2, maxSockets: 128}}`:                                {invalid + "domain.cpu.maxSockets"},
		`domain: {cpu: {cores: 4294967295, threads: 4294967295}}`:                   {invalid + "domain.cpu.cores", invalid + "domain.cpu.threads"},
		`domain: {memory: {guest: 1Gi, maxGuest: 1Gi}}`:                             nil,
		`domain: {memory: {guest: 2Gi, maxGuest: 1Gi}}`:                             {invalid + "domain.memory.guest"},
		`domain: {memory: {guest: 1025Mi, maxGuest: 2Gi}}`:                          {invalid + "domain.memory.guest"},
		`domain: {memory: {guest: 512Mi, maxGuest: 2Gi}}`:                           {invalid + "domain.memory.guest"},
		`domain: {memory: {guest: 1Gi, maxGuest: 100Ti}}`:                           {invalid + "domain.memory.guest"},
		`domain: {memory: {guest: 1Gi, maxGuest: 2Gi, hugepages: {pageSize: 2Mi}}}`: {invalid + "domain.memory.guest"},

		`domain: {ioThreadsPolicy: shared}`: nil,
		`domain: {ioThreadsPolicy: many}`:   {invalid + "domain.ioThreadsPolicy"},

		`{domain: {devices: {disks: [{name: d, disk: {bus: virtio}, io: native, errorPolicy: enospace, dedicatedIOThread: true, blockSize: {custom: {logical: 512, physical: 4096}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`: nil,
		`{domain: {devices: {disks: [{name: d, dedicatedIOThread: false, blockSize: {custom: {logical: 512, physical: 4096}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                        nil,
		`{domain: {devices: {disks: [{name: d, io: fast, errorPolicy: panic}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                                                         {invalid + "domain.devices.disks[0].errorPolicy", unknown + "domain.devices.disks[0].io"},
		`{domain: {devices: {disks: [{name: d, io: native, cache: writeback}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                                                         {invalid + "domain.devices.disks[0].io"},
		`{domain: {devices: {disks: [{name: d, disk: {bus: virtio, pciAddress: "0000:81:01.0"}, shareable: true, cache: none}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                        nil,
		`{domain: {devices: {disks: [{name: d, disk: {bus: virtio, pciAddress: "81:01"}, shareable: true, cache: writeback}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                          {invalid + "domain.devices.disks[0].cache", invalid + "domain.devices.disks[0].disk.pciAddress"},
		`{domain: {devices: {disks: [{name: d, blockSize: {matchVolume: {}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                                                         nil,
		`{domain: {devices: {disks: [{name: d, blockSize: {matchVolume: {enabled: false}, custom: {logical: 512, physical: 512}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                    nil,
		`{domain: {devices: {disks: [{name: d, blockSize: {matchVolume: {}, custom: {logical: 512, physical: 512}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                  {invalid + "domain.devices.disks[0].blockSize"},
		`{domain: {devices: {disks: [{name: d, cdrom: {}, blockSize: {matchVolume: {}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                                              {invalid + "domain.devices.disks[0].blockSize"},
		`{domain: {devices: {disks: [{name: d, disk: {pciAddress: "0000:81:01.0"}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                                                   {invalid + "domain.devices.disks[0].disk.pciAddress"},
		`{domain: {devices: {disks: [{name: d, dedicatedIOThread: true}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                                                              {unknown + "domain.devices.disks[0]"},
		`{domain: {devices: {disks: [{name: d, disk: {bus: virtio}, dedicatedIOThread: true}]}}, volumes: [{name: d, dataVolume: {name: d, hotpluggable: true}}]}`:                                                                          {invalid + "domain.devices.disks[0].dedicatedIOThread"},
		`{domain: {devices: {disks: [{name: d, blockSize: {custom: {logical: 4096, physical: 4096}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                                 {invalid + "domain.devices.disks[0].blockSize.custom.logical"},
		`{domain: {devices: {disks: [{name: d, disk: {bus: scsi}, blockSize: {custom: {logical: 4096, physical: 512}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                               {invalid + "domain.devices.disks[0].blockSize.custom.logical"},
		`{domain: {devices: {disks: [{name: d, disk: {bus: scsi}, blockSize: {custom: {logical: 513, physical: 4194304}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                            {invalid + "domain.devices.disks[0].blockSize.custom.logical", invalid + "domain.devices.disks[0].blockSize.custom.physical"},
		`{domain: {devices: {disks: [{name: d, cdrom: {}, blockSize: {custom: {logical: 512, physical: 512}}}]}}, volumes: [{name: d, emptyDisk: {capacity: 1Gi}}]}`:                                                                        {invalid + "domain.devices.disks[0].blockSize"},

		`domain: {devices: {autoattachInputDevice: true, inputs: [{name: pen, bus: virtio}, {name: finger}]}}`: nil,
		`domain: {devices: {inputs: [{name: pen, bus: ps2, type: mouse}]}}`:                                    {invalid + "domain.devices.inputs[0].bus", invalid + "domain.devices.inputs[0].type"},
		`domain: {devices: {inputs: [{name: pen}, {name: pen}]}}`:                                              {duplicate + "domain.devices.inputs[1].name"},
		`domain: {devices: {inputs: [{name: "p'en"}]}}`:                                                        {invalid + "domain.devices.inputs[0].name"},
		`domain: {devices: {watchdog: {name: dog, i6300esb: {}}}}`:                                             nil,
		`domain: {devices: {watchdog: {name: dog}}}`:                                                           {unknown + "domain.devices.watchdog"},
		`domain: {devices: {watchdog: {name: dog, i6300esb: {action: bark}}}}`:                                 {unknown + "domain.devices.watchdog.i6300esb.action"},
		`domain: {devices: {sound: {name: card, model: ac97}}}`:                                                nil,
		`domain: {devices: {sound: {name: "", model: sb16}}}`:                                                  {invalid + "domain.devices.sound.model", invalid + "domain.devices.sound.name"},
		`domain: {devices: {video: {type: ramfb}}}`:                                                            nil,
		`domain: {devices: {video: {type: qxl}}}`:                                                              {unknown + "domain.devices.video.type"},
		`domain: {devices: {video: {}}}`:                                                                       {unknown + "domain.devices.video.type"},
		`domain: {devices: {autoattachGraphicsDevice: false, video: {type: vga}}}`:                             {invalid + "domain.devices.video"},
		`domain: {devices: {panicDevices: [{}, {model: hyperv}]}}`:                                             nil,
		`domain: {devices: {panicDevices: [{model: loud}]}}`:                                                   {invalid + "domain.devices.panicDevices[0].model"},
		`domain: {devices: {panicDevices: [{}, {model: isa}]}}`:                                                {duplicate + "domain.devices.panicDevices[1].model"},
	} {
		t.Run(text, func(t *testing.T) {
			slices.Sort(want)
			assert.Equal(t, want, judge(t, text))
		})
	}
}
