// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// newInstance has one disk, one interface and the defaults.
func newInstance() *kubevirtv1.VirtualMachineInstance {
	return &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", UID: testUID},
		Spec: kubevirtv1.VirtualMachineInstanceSpec{
			Domain: kubevirtv1.DomainSpec{
				Memory: &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("64Mi"))},
			},
			Volumes: []kubevirtv1.Volume{{Name: "root"}},
		},
	}
}

func TestBuildNamesTheFieldThatItRefuses(t *testing.T) {
	disk := func(spec *kubevirtv1.DomainSpec) *kubevirtv1.Disk { return &spec.Devices.Disks[0] }
	iface := func(spec *kubevirtv1.DomainSpec) *kubevirtv1.Interface { return &spec.Devices.Interfaces[0] }
	for name, test := range map[string]struct {
		change func(*kubevirtv1.DomainSpec)
		want   string
	}{
		"newline in firmware serial": {
			func(s *kubevirtv1.DomainSpec) { s.Firmware.Serial = ptr.To("a\nb") }, "firmware.serial: has the character U+000A"},
		"not UTF-8": {
			func(s *kubevirtv1.DomainSpec) { s.Firmware.Serial = ptr.To("\xff") }, "firmware.serial: is not UTF-8"},
		"no character of XML": {
			func(s *kubevirtv1.DomainSpec) { s.Firmware.Serial = ptr.To("\ufffe") }, "firmware.serial: has the character U+FFFE"},
		"endless serial": {
			func(s *kubevirtv1.DomainSpec) { s.Firmware.Serial = ptr.To(strings.Repeat("x", 257)) }, "longer than 256 bytes"},
		"quote in disk serial": {
			func(s *kubevirtv1.DomainSpec) { disk(s).Serial = ptr.To(`"/><x`) }, "disks[0].serial"},
		"disk name with a path": {
			func(s *kubevirtv1.DomainSpec) { disk(s).Name = "../x" }, `disks[0].name: "../x" is no DNS label`},
		"element in CPU model": {
			func(s *kubevirtv1.DomainSpec) { s.CPU.Model = ptr.To("x</model>") }, "cpu.model"},
		"element in machine type": {
			func(s *kubevirtv1.DomainSpec) { s.Machine.Type = ptr.To("pc-q35-7.2'/>") }, "machine.type"},
		"other machine": {
			func(s *kubevirtv1.DomainSpec) { s.Machine.Type = ptr.To("pc-i440fx-7.2") }, "machine.type: must be q35"},
		"firmware UUID": {
			func(s *kubevirtv1.DomainSpec) { s.Firmware.UUID = ptr.To[types.UID]("1234") }, "firmware.uuid"},
		"MAC with more": {
			func(s *kubevirtv1.DomainSpec) { iface(s).MacAddress = ptr.To("02:00:00:00:00:01\n") }, "interfaces[0].macAddress"},
		"multicast MAC": {
			func(s *kubevirtv1.DomainSpec) { iface(s).MacAddress = ptr.To("01:00:00:00:00:01") }, "interfaces[0].macAddress"},
		"interface model": {
			func(s *kubevirtv1.DomainSpec) { iface(s).Model = ptr.To("virtio,x=y") }, "interfaces[0].model"},
		"bus": {
			func(s *kubevirtv1.DomainSpec) { disk(s).Disk.Bus = ptr.To[kubevirtv1.DiskBus]("ide") }, `disks[0]: bus "ide": must be`},
		"cache": {
			func(s *kubevirtv1.DomainSpec) { disk(s).Cache = ptr.To[kubevirtv1.DriverCache]("unsafe") }, `disks[0]: cache "unsafe": must be`},
		"read-only on sata": {
			func(s *kubevirtv1.DomainSpec) { disk(s).Disk.ReadOnly = ptr.To(true) }, "sata disks can't be read-only; use bus virtio"},
		"virtio cdrom": {
			func(s *kubevirtv1.DomainSpec) {
				disk(s).Disk, disk(s).CDRom = nil, &kubevirtv1.CDRomTarget{Bus: ptr.To[kubevirtv1.DiskBus]("virtio")}
			}, "a cdrom can't be on bus virtio"},
		"tray": {
			func(s *kubevirtv1.DomainSpec) {
				disk(s).Disk, disk(s).CDRom = nil, &kubevirtv1.CDRomTarget{Bus: ptr.To[kubevirtv1.DiskBus]("sata"), Tray: ptr.To[kubevirtv1.TrayState]("ajar")}
			}, "must be open or closed"},
		"lun on sata": {
			func(s *kubevirtv1.DomainSpec) {
				disk(s).Disk, disk(s).LUN = nil, &kubevirtv1.LunTarget{Bus: ptr.To[kubevirtv1.DiskBus]("sata")}
			}, "a lun can't be on bus sata"},
		"lun on a file": {
			func(s *kubevirtv1.DomainSpec) {
				disk(s).Disk, disk(s).LUN = nil, &kubevirtv1.LunTarget{}
			}, "lun: the volume is a file"},
		"volume without a file": {
			func(s *kubevirtv1.DomainSpec) { disk(s).Name = "other" }, "there is no file for volume other"},
		"disk twice": {
			func(s *kubevirtv1.DomainSpec) { s.Devices.Disks = append(s.Devices.Disks, s.Devices.Disks[0]) }, "root is used twice"},
		"boot order twice": {
			func(s *kubevirtv1.DomainSpec) {
				disk(s).BootOrder, iface(s).BootOrder = ptr.To[uint](1), ptr.To[uint](1)
			},
			"bootOrder 1: must be unique"},
		"boot order 0": {
			func(s *kubevirtv1.DomainSpec) { disk(s).BootOrder = ptr.To[uint](0) }, "bootOrder 0"},
		"too many processors": {
			func(s *kubevirtv1.DomainSpec) { s.CPU.Sockets, s.CPU.Cores = ptr.To[uint32](16), ptr.To[uint32](16) }, "256 virtual CPUs, the most is 255"},
		"processors that overflow": {
			func(s *kubevirtv1.DomainSpec) {
				s.CPU.Sockets, s.CPU.Cores = ptr.To[uint32](1<<31), ptr.To[uint32](1<<31)
			}, "more than 255"},
		"no memory": {
			func(s *kubevirtv1.DomainSpec) { s.Memory.Guest = nil }, "memory.guest: is needed"},
		"negative memory": {
			func(s *kubevirtv1.DomainSpec) { s.Memory.Guest = ptr.To(verbatim.MustParse("-1Gi")) }, "memory.guest: -1Gi is not between"},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputOf(newInstance(), false)
			test.change(&in.Instance.Spec.Domain)
			_, err := Build(in)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestBuildRefusesIdentitiesThatKubernetesDoesNotGive(t *testing.T) {
	for name, change := range map[string]func(*kubevirtv1.VirtualMachineInstance){
		"namespace": func(i *kubevirtv1.VirtualMachineInstance) { i.Namespace = "a_b" },
		"name":      func(i *kubevirtv1.VirtualMachineInstance) { i.Name = "../../etc" },
		"uid":       func(i *kubevirtv1.VirtualMachineInstance) { i.UID = "../x" },
	} {
		t.Run(name, func(t *testing.T) {
			in := inputOf(newInstance(), false)
			change(in.Instance)
			_, err := Build(in)
			require.ErrorContains(t, err, "metadata."+name)
		})
	}
}

func TestPathThatCannotBePrintedIsRefused(t *testing.T) {
	in := inputOf(newInstance(), false)
	in.Files["root"] = File{Path: "/disks/a\nb.img"}
	_, err := Build(in)
	require.ErrorContains(t, err, "disks[0]: path: has the character U+000A")
}

func TestTextIsEscaped(t *testing.T) {
	in := inputOf(newInstance(), false)
	in.Instance.Spec.Domain.Firmware.Serial = ptr.To(`</entry><x a="1">&,'`)
	in.Owner = `<"&`
	built, err := Build(in)
	require.NoError(t, err)
	text, err := built.Marshal()
	require.NoError(t, err)
	assert.NotContains(t, text, "<x a")
	assert.Contains(t, text, `owner="&lt;&#34;&amp;"`)
}

func TestReadOnlyClaimIsReadOnlyForTheGuest(t *testing.T) {
	in := inputOf(newInstance(), false)
	in.Instance.Spec.Domain.Devices.Disks[0].Disk.Bus = ptr.To(kubevirtv1.DiskBusVirtio)
	in.Files["root"] = File{Path: "/disks/root.img", ReadOnly: true}
	built, err := Build(in)
	require.NoError(t, err)
	assert.NotNil(t, built.Devices.Disks[0].ReadOnly)
}

func TestCacheFollowsWhatTheFileSystemCanDo(t *testing.T) {
	for name, test := range map[string]struct {
		cache     kubevirtv1.DriverCache
		directIO  bool
		wantCache string
		wantIO    string
	}{
		"default with direct I/O":      {"", true, "none", "native"},
		"default without direct I/O":   {"", false, "writethrough", ""},
		"writeback with direct I/O":    {kubevirtv1.CacheWriteBack, true, "writeback", ""},
		"none asked for, and possible": {kubevirtv1.CacheNone, true, "none", "native"},
	} {
		t.Run(name, func(t *testing.T) {
			driver, err := buildDriver(test.cache, test.directIO)
			require.NoError(t, err)
			assert.Equal(t, test.wantCache, driver.Cache)
			assert.Equal(t, test.wantIO, driver.IO)
		})
	}
	_, err := buildDriver(kubevirtv1.CacheNone, false)
	require.ErrorContains(t, err, "leave cache out")
}

func TestTargetNamesGoOnAfterZ(t *testing.T) {
	names := targetNames{}
	var last string
	for range 27*26 + 1 {
		var err error
		last, err = names.next(kubevirtv1.DiskBusVirtio)
		require.NoError(t, err)
	}
	assert.Equal(t, "vdaaa", last)
	first, err := names.next(kubevirtv1.DiskBusUSB)
	require.NoError(t, err)
	assert.Equal(t, "sda", first)
	second, err := names.next(kubevirtv1.DiskBusSATA)
	require.NoError(t, err)
	assert.Equal(t, "sdb", second, "all but virtio count together")
}

func TestTheAddressThatLibvirtGaveIsFound(t *testing.T) {
	for address, want := range map[string]uint32{`address="7"`: 7, `address="4294967294"`: 4294967294, "": 0,
		`address="2"`: 0, `address="4294967295"`: 0, `address="-1"`: 0, `address="x"`: 0} {
		facts, err := ParseFacts(`<domain type="kvm"><devices><vsock model="virtio"><cid auto="yes" ` + address + `/></vsock></devices></domain>`)
		require.NoError(t, err)
		assert.Equal(t, want, facts.VSOCKCID, address)
	}
}

func TestFactsAreFoundInTheXMLAgain(t *testing.T) {
	in := inputOf(newInstance(), true)
	built, err := Build(in)
	require.NoError(t, err)
	text, err := built.Marshal()
	require.NoError(t, err)
	facts, err := ParseFacts(text)
	require.NoError(t, err)
	assert.Equal(t, &Facts{
		Accelerator: "kvm",
		Machine:     "q35",
		Targets:     map[string]string{"root": "sda"},
		Interfaces: []kubevirtv1.VirtualMachineInstanceNetworkInterface{{
			Name: "default", MAC: ptr.Deref(in.Instance.Spec.Domain.Devices.Interfaces[0].MacAddress, ""), InfoSource: "domain", QueueCount: 1, LinkState: "up",
		}},
		ACPI:          true,
		ConsoleSocket: in.ConsoleSocket,
		Graphics:      true,
		VCPUs:         1,
		Memory:        Memory{AtBoot: 64 << 20, Requested: 64 << 20, Current: 64 << 20},
	}, facts)
}

func TestAGuestForWhichNobodyChoseTriesAllItsDisks(t *testing.T) {
	order := func(change func(*kubevirtv1.VirtualMachineInstance)) map[string]uint {
		instance := newInstance()
		instance.Spec.Volumes = []kubevirtv1.Volume{{Name: "empty"}, {Name: "cd"}, {Name: "root"}}
		cd := kubevirtv1.Disk{Name: "cd"}
		cd.CDRom = &kubevirtv1.CDRomTarget{}
		instance.Spec.Domain.Devices.Disks = []kubevirtv1.Disk{{Name: "empty"}, cd, {Name: "root"}}
		change(instance)
		built, err := Build(inputOf(instance, false))
		require.NoError(t, err)
		found := map[string]uint{}
		for _, disk := range built.Devices.Disks {
			if disk.Boot != nil {
				found[disk.Alias.Name] = disk.Boot.Order
			}
		}
		return found
	}
	assert.Equal(t, map[string]uint{"ua-empty": 1, "ua-root": 2}, order(func(*kubevirtv1.VirtualMachineInstance) {}))
	assert.Equal(t, map[string]uint{"ua-cd": 3}, order(func(vmi *kubevirtv1.VirtualMachineInstance) {
		vmi.Spec.Domain.Devices.Disks[1].BootOrder = ptr.To[uint](3)
	}))
	assert.Empty(t, order(func(vmi *kubevirtv1.VirtualMachineInstance) {
		kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&vmi.Spec)
		vmi.Spec.Domain.Devices.Interfaces[0].BootOrder = ptr.To[uint](1)
	}))
}
