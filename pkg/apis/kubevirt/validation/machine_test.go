// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// machine is valid and has one of everything.
func machine() *kubevirtv1.VirtualMachine {
	return &kubevirtv1.VirtualMachine{
		ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: "default"},
		Spec: kubevirtv1.VirtualMachineSpec{
			RunStrategy: ptr.To(kubevirtv1.RunStrategyAlways),
			DataVolumeTemplates: []kubevirtv1.DataVolumeTemplateSpec{{
				ObjectMeta: verbatim.ObjectMeta{Name: "root"},
				Spec: cdiv1.DataVolumeSpec{
					Source:  &cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{URL: "http://localhost/image.qcow2"}},
					Storage: &cdiv1.StorageSpec{Resources: &verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse("1Gi")}}},
				},
			}},
			Template: &kubevirtv1.VirtualMachineInstanceTemplateSpec{Spec: kubevirtv1.VirtualMachineInstanceSpec{
				Hostname: ptr.To("guest"),
				Domain: kubevirtv1.DomainSpec{
					Resources: &kubevirtv1.ResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceMemory: verbatim.MustParse("1Gi")}},
					CPU:       &kubevirtv1.CPU{Cores: ptr.To[uint32](2), Sockets: ptr.To[uint32](2), Threads: ptr.To[uint32](1)},
					Firmware: &kubevirtv1.Firmware{
						UUID: ptr.To[types.UID]("5d307ca9-b3ef-428c-8861-06e72d69f223"), Serial: ptr.To("abc-1"),
						Bootloader: &kubevirtv1.Bootloader{EFI: &kubevirtv1.EFI{SecureBoot: ptr.To(false)}},
					},
					Devices: kubevirtv1.Devices{
						Disks: []kubevirtv1.Disk{
							{Name: "root", DiskDevice: kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To[kubevirtv1.DiskBus]("virtio")}}, BootOrder: ptr.To(uint(1)), Serial: ptr.To("s1"), Cache: ptr.To[kubevirtv1.DriverCache]("none")},
							{Name: "seed", DiskDevice: kubevirtv1.DiskDevice{CDRom: &kubevirtv1.CDRomTarget{}}},
						},
						Interfaces: []kubevirtv1.Interface{{Name: "default", MacAddress: ptr.To("02:00:00:12:34:56"), BootOrder: ptr.To(uint(2))}},
					},
				},
				Networks: []kubevirtv1.Network{{Name: "default", NetworkSource: kubevirtv1.NetworkSource{Pod: &kubevirtv1.PodNetwork{}}}},
				Volumes: []kubevirtv1.Volume{
					{Name: "root", VolumeSource: kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: "root"}}},
					{Name: "seed", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{UserData: ptr.To("#cloud-config\n")}}},
					{Name: "data", VolumeSource: kubevirtv1.VolumeSource{PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
					{Name: "image", VolumeSource: kubevirtv1.VolumeSource{ContainerDisk: &kubevirtv1.ContainerDiskSource{
						Image: "registry.example/disk:1", Path: ptr.To("/disk/a"), ImagePullSecret: ptr.To("pull")}}},
					{Name: "base", VolumeSource: kubevirtv1.VolumeSource{Ephemeral: &kubevirtv1.EphemeralVolumeSource{
						PersistentVolumeClaim: &kubevirtv1.EphemeralClaim{ClaimName: "base"}}}},
					{Name: "host", VolumeSource: kubevirtv1.VolumeSource{HostDisk: &kubevirtv1.HostDisk{
						Path: "/disks/a.img", Type: kubevirtv1.HostDiskExistsOrCreate, Capacity: ptr.To(verbatim.MustParse("1Gi"))}}},
					{Name: "config", VolumeSource: kubevirtv1.VolumeSource{ConfigMap: &kubevirtv1.ConfigMapVolumeSource{Name: ptr.To("config"), VolumeLabel: ptr.To("OEMDRV")}}},
					{Name: "secret", VolumeSource: kubevirtv1.VolumeSource{Secret: &kubevirtv1.SecretVolumeSource{SecretName: ptr.To("secret")}}},
					{Name: "self", VolumeSource: kubevirtv1.VolumeSource{DownwardAPI: &kubevirtv1.DownwardAPIVolumeSource{
						Fields: []kubevirtv1.DownwardAPIVolumeFile{{Path: "labels/app", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['app']"}}}}}},
					{Name: "answers", VolumeSource: kubevirtv1.VolumeSource{Sysprep: &kubevirtv1.SysprepSource{Secret: &corev1.LocalObjectReference{Name: "answers"}}}},
					{Name: "tmp", VolumeSource: kubevirtv1.VolumeSource{EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse("1Gi")}}},
				},
			}},
		},
	}
}

func TestAMachineWithOneOfEverythingIsAccepted(t *testing.T) {
	assert.Empty(t, validation.ValidateVirtualMachine(machine()))
}

func TestARefusalNamesTheField(t *testing.T) {
	type spec = kubevirtv1.VirtualMachineInstanceSpec
	onSpec := func(change func(*spec)) func(*kubevirtv1.VirtualMachine) {
		return func(vm *kubevirtv1.VirtualMachine) { change(&vm.Spec.Template.Spec) }
	}
	const domain = "spec.template.spec.domain."
	tests := map[string]struct {
		change func(*kubevirtv1.VirtualMachine)
		field  string
		kind   field.ErrorType
	}{
		"name with a slash": {func(vm *kubevirtv1.VirtualMachine) { vm.Name = "../etc" }, "metadata.name", field.ErrorTypeInvalid},
		"no strategy":       {func(vm *kubevirtv1.VirtualMachine) { vm.Spec.RunStrategy = nil }, "spec.runStrategy", field.ErrorTypeRequired},
		"both strategies":   {func(vm *kubevirtv1.VirtualMachine) { vm.Spec.Running = ptr.To(true) }, "spec.running", field.ErrorTypeInvalid},
		"unknown strategy":  {func(vm *kubevirtv1.VirtualMachine) { *vm.Spec.RunStrategy = "Sometimes" }, "spec.runStrategy", field.ErrorTypeNotSupported},
		"no template":       {func(vm *kubevirtv1.VirtualMachine) { vm.Spec.Template = nil }, "spec.template", field.ErrorTypeRequired},
		"restricted label": {func(vm *kubevirtv1.VirtualMachine) {
			vm.Spec.Template.ObjectMeta = &verbatim.ObjectMeta{Labels: map[string]string{kubevirtv1.NodeNameLabel: "x"}}
		}, "spec.template.metadata.labels[kubevirt.io/nodeName]", field.ErrorTypeForbidden},
		"template without a name":  {func(vm *kubevirtv1.VirtualMachine) { vm.Spec.DataVolumeTemplates[0].ObjectMeta.Name = "" }, "spec.dataVolumeTemplates[0].metadata.name", field.ErrorTypeRequired},
		"template that isn't used": {func(vm *kubevirtv1.VirtualMachine) { vm.Spec.DataVolumeTemplates[0].ObjectMeta.Name = "other" }, "spec.dataVolumeTemplates[0].metadata.name", field.ErrorTypeInvalid},
		"template elsewhere": {func(vm *kubevirtv1.VirtualMachine) {
			vm.Spec.DataVolumeTemplates[0].ObjectMeta.Namespace = "kube-system"
		}, "spec.dataVolumeTemplates[0].metadata.namespace", field.ErrorTypeInvalid},
		"template with no source": {func(vm *kubevirtv1.VirtualMachine) { vm.Spec.DataVolumeTemplates[0].Spec.Source = nil }, "spec.dataVolumeTemplates[0].spec.source", field.ErrorTypeRequired},

		"hostname with a newline":   {onSpec(func(s *spec) { s.Hostname = ptr.To("a\nb") }), "spec.template.spec.hostname", field.ErrorTypeInvalid},
		"start strategy":            {onSpec(func(s *spec) { s.StartStrategy = ptr.To(kubevirtv1.StartStrategy("Fast")) }), "spec.template.spec.startStrategy", field.ErrorTypeNotSupported},
		"negative grace period":     {onSpec(func(s *spec) { s.TerminationGracePeriodSeconds = ptr.To(int64(-1)) }), "spec.template.spec.terminationGracePeriodSeconds", field.ErrorTypeInvalid},
		"no memory":                 {onSpec(func(s *spec) { s.Domain.Resources.Requests = nil }), domain + "memory.guest", field.ErrorTypeRequired},
		"negative memory":           {onSpec(func(s *spec) { s.Domain.Resources.Requests[corev1.ResourceMemory] = verbatim.MustParse("-1") }), domain + "resources.requests.memory", field.ErrorTypeInvalid},
		"absurd memory":             {onSpec(func(s *spec) { s.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("1Ei"))} }), domain + "memory.guest", field.ErrorTypeInvalid},
		"request above limit":       {onSpec(func(s *spec) { s.Domain.Resources.Limits = verbatim.ResourceList{"memory": verbatim.MustParse("1Mi")} }), domain + "resources.requests.memory", field.ErrorTypeInvalid},
		"unknown resource":          {onSpec(func(s *spec) { s.Domain.Resources.Requests["gpu"] = verbatim.MustParse("1") }), domain + "resources.requests", field.ErrorTypeNotSupported},
		"too many cpus":             {onSpec(func(s *spec) { s.Domain.CPU.Cores = ptr.To[uint32](200) }), domain + "cpu", field.ErrorTypeInvalid},
		"cpus that overflow":        {onSpec(func(s *spec) { s.Domain.CPU.Cores, s.Domain.CPU.Sockets = ptr.To[uint32](1<<31), ptr.To[uint32](2) }), domain + "cpu.cores", field.ErrorTypeInvalid},
		"cpu model with markup":     {onSpec(func(s *spec) { s.Domain.CPU.Model = ptr.To("<x/>") }), domain + "cpu.model", field.ErrorTypeInvalid},
		"machine type":              {onSpec(func(s *spec) { s.Domain.Machine = &kubevirtv1.Machine{Type: ptr.To("isapc")} }), domain + "machine.type", field.ErrorTypeInvalid},
		"machine type with newline": {onSpec(func(s *spec) { s.Domain.Machine = &kubevirtv1.Machine{Type: ptr.To("q35\n")} }), domain + "machine.type", field.ErrorTypeInvalid},
		"uuid":                      {onSpec(func(s *spec) { s.Domain.Firmware.UUID = ptr.To[types.UID]("{5d307ca9}") }), domain + "firmware.uuid", field.ErrorTypeInvalid},
		"firmware serial":           {onSpec(func(s *spec) { s.Domain.Firmware.Serial = ptr.To("a\"b") }), domain + "firmware.serial", field.ErrorTypeInvalid},
		"two boot loaders":          {onSpec(func(s *spec) { s.Domain.Firmware.Bootloader.BIOS = &kubevirtv1.BIOS{} }), domain + "firmware.bootloader", field.ErrorTypeInvalid},
		"secure boot without SMM":   {onSpec(func(s *spec) { s.Domain.Firmware.Bootloader.EFI.SecureBoot = nil }), domain + "firmware.bootloader.efi.secureBoot", field.ErrorTypeInvalid},
		"disk name with dots":       {onSpec(func(s *spec) { s.Domain.Devices.Disks[0].Name = "../root" }), domain + "devices.disks[0].name", field.ErrorTypeInvalid},
		"disk twice":                {onSpec(func(s *spec) { s.Domain.Devices.Disks[1].Name = "root" }), domain + "devices.disks[1].name", field.ErrorTypeDuplicate},
		"disk without a volume":     {onSpec(func(s *spec) { s.Domain.Devices.Disks[0].Name = "nothing" }), domain + "devices.disks[0].name", field.ErrorTypeInvalid},
		"disk and cdrom":            {onSpec(func(s *spec) { s.Domain.Devices.Disks[0].CDRom = &kubevirtv1.CDRomTarget{} }), domain + "devices.disks[0]", field.ErrorTypeInvalid},
		"disk bus":                  {onSpec(func(s *spec) { s.Domain.Devices.Disks[0].Disk.Bus = ptr.To[kubevirtv1.DiskBus]("ide") }), domain + "devices.disks[0].disk.bus", field.ErrorTypeNotSupported},
		"read-only sata disk": {onSpec(func(s *spec) {
			*s.Domain.Devices.Disks[0].Disk = kubevirtv1.DiskTarget{Bus: ptr.To[kubevirtv1.DiskBus]("sata"), ReadOnly: ptr.To(true)}
		}), domain + "devices.disks[0].disk.readonly", field.ErrorTypeInvalid},
		"cdrom on virtio":            {onSpec(func(s *spec) { s.Domain.Devices.Disks[1].CDRom.Bus = ptr.To[kubevirtv1.DiskBus]("virtio") }), domain + "devices.disks[1].cdrom.bus", field.ErrorTypeNotSupported},
		"writable cdrom":             {onSpec(func(s *spec) { s.Domain.Devices.Disks[1].CDRom.ReadOnly = ptr.To(false) }), domain + "devices.disks[1].cdrom.readonly", field.ErrorTypeInvalid},
		"tray":                       {onSpec(func(s *spec) { s.Domain.Devices.Disks[1].CDRom.Tray = ptr.To[kubevirtv1.TrayState]("ajar") }), domain + "devices.disks[1].cdrom.tray", field.ErrorTypeNotSupported},
		"disk serial with a newline": {onSpec(func(s *spec) { s.Domain.Devices.Disks[0].Serial = ptr.To("a\nb") }), domain + "devices.disks[0].serial", field.ErrorTypeInvalid},
		"disk cache":                 {onSpec(func(s *spec) { s.Domain.Devices.Disks[0].Cache = ptr.To[kubevirtv1.DriverCache]("unsafe") }), domain + "devices.disks[0].cache", field.ErrorTypeNotSupported},
		"boot order 0":               {onSpec(func(s *spec) { s.Domain.Devices.Disks[0].BootOrder = ptr.To(uint(0)) }), domain + "devices.disks[0].bootOrder", field.ErrorTypeInvalid},
		"boot order twice":           {onSpec(func(s *spec) { s.Domain.Devices.Interfaces[0].BootOrder = ptr.To(uint(1)) }), domain + "devices.interfaces[0].bootOrder", field.ErrorTypeDuplicate},

		"interface without network":  {onSpec(func(s *spec) { s.Networks = nil }), domain + "devices.interfaces[0].name", field.ErrorTypeInvalid},
		"network without interface":  {onSpec(func(s *spec) { s.Domain.Devices.Interfaces = nil }), "spec.template.spec.networks[0].name", field.ErrorTypeRequired},
		"network of no kind":         {onSpec(func(s *spec) { s.Networks[0].Pod = nil }), "spec.template.spec.networks[0]", field.ErrorTypeRequired},
		"interface name with markup": {onSpec(func(s *spec) { s.Domain.Devices.Interfaces[0].Name, s.Networks[0].Name = "a'b", "a'b" }), domain + "devices.interfaces[0].name", field.ErrorTypeInvalid},
		"interface model":            {onSpec(func(s *spec) { s.Domain.Devices.Interfaces[0].Model = ptr.To("<model/>") }), domain + "devices.interfaces[0].model", field.ErrorTypeNotSupported},
		"multicast MAC":              {onSpec(func(s *spec) { s.Domain.Devices.Interfaces[0].MacAddress = ptr.To("03:00:00:12:34:56") }), domain + "devices.interfaces[0].macAddress", field.ErrorTypeInvalid},
		"MAC of 8 bytes":             {onSpec(func(s *spec) { s.Domain.Devices.Interfaces[0].MacAddress = ptr.To("02:00:00:12:34:56:78:9a") }), domain + "devices.interfaces[0].macAddress", field.ErrorTypeInvalid},
		"volume name":                {onSpec(func(s *spec) { s.Volumes[2].Name = "Data" }), "spec.template.spec.volumes[2].name", field.ErrorTypeInvalid},
		"volume twice":               {onSpec(func(s *spec) { s.Volumes[10].Name = "data" }), "spec.template.spec.volumes[10].name", field.ErrorTypeDuplicate},
		"volume of no kind":          {onSpec(func(s *spec) { s.Volumes[2].PersistentVolumeClaim = nil }), "spec.template.spec.volumes[2]", field.ErrorTypeInvalid},
		"volume of two kinds":        {onSpec(func(s *spec) { s.Volumes[2].EmptyDisk = s.Volumes[10].EmptyDisk }), "spec.template.spec.volumes[2]", field.ErrorTypeInvalid},
		"claim name with a path":     {onSpec(func(s *spec) { s.Volumes[2].PersistentVolumeClaim.ClaimName = "../other/claim" }), "spec.template.spec.volumes[2].persistentVolumeClaim.claimName", field.ErrorTypeInvalid},
		"claim without a name":       {onSpec(func(s *spec) { s.Volumes[2].PersistentVolumeClaim.ClaimName = "" }), "spec.template.spec.volumes[2].persistentVolumeClaim.claimName", field.ErrorTypeRequired},
		"image without a name":       {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.Image = "" }), "spec.template.spec.volumes[3].containerDisk.image", field.ErrorTypeRequired},
		"image with a newline":       {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.Image = "a\nb" }), "spec.template.spec.volumes[3].containerDisk.image", field.ErrorTypeInvalid},
		"image on disk, elsewhere":   {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.Image = "oci-layout:/a/../b" }), "spec.template.spec.volumes[3].containerDisk.image", field.ErrorTypeInvalid},
		"relative path in an image":  {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.Path = ptr.To("disk/a") }), "spec.template.spec.volumes[3].containerDisk.path", field.ErrorTypeInvalid},
		"path to an image's root":    {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.Path = ptr.To("/") }), "spec.template.spec.volumes[3].containerDisk.path", field.ErrorTypeInvalid},
		"path that leads out":        {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.Path = ptr.To("/disk/../../x") }), "spec.template.spec.volumes[3].containerDisk.path", field.ErrorTypeInvalid},
		"pull secret":                {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.ImagePullSecret = ptr.To("a/b") }), "spec.template.spec.volumes[3].containerDisk.imagePullSecret", field.ErrorTypeInvalid},
		"pull policy":                {onSpec(func(s *spec) { s.Volumes[3].ContainerDisk.ImagePullPolicy = ptr.To[corev1.PullPolicy]("Sometimes") }), "spec.template.spec.volumes[3].containerDisk.imagePullPolicy", field.ErrorTypeNotSupported},
		"ephemeral without a claim":  {onSpec(func(s *spec) { s.Volumes[4].Ephemeral.PersistentVolumeClaim = nil }), "spec.template.spec.volumes[4].ephemeral.persistentVolumeClaim", field.ErrorTypeRequired},
		"ephemeral of no name":       {onSpec(func(s *spec) { s.Volumes[4].Ephemeral.PersistentVolumeClaim.ClaimName = "" }), "spec.template.spec.volumes[4].ephemeral.persistentVolumeClaim.claimName", field.ErrorTypeRequired},
		"host disk without a path":   {onSpec(func(s *spec) { s.Volumes[5].HostDisk.Path = "" }), "spec.template.spec.volumes[5].hostDisk.path", field.ErrorTypeRequired},
		"host disk that leads out":   {onSpec(func(s *spec) { s.Volumes[5].HostDisk.Path = "/disks/../etc/passwd" }), "spec.template.spec.volumes[5].hostDisk.path", field.ErrorTypeInvalid},
		"relative host disk":         {onSpec(func(s *spec) { s.Volumes[5].HostDisk.Path = "a.img" }), "spec.template.spec.volumes[5].hostDisk.path", field.ErrorTypeInvalid},
		"host disk of no type":       {onSpec(func(s *spec) { s.Volumes[5].HostDisk.Type = "" }), "spec.template.spec.volumes[5].hostDisk.type", field.ErrorTypeNotSupported},
		"capacity of what exists":    {onSpec(func(s *spec) { s.Volumes[5].HostDisk.Type = kubevirtv1.HostDiskExists }), "spec.template.spec.volumes[5].hostDisk.capacity", field.ErrorTypeInvalid},
		"host disk without a size":   {onSpec(func(s *spec) { s.Volumes[5].HostDisk.Capacity = nil }), "spec.template.spec.volumes[5].hostDisk.capacity", field.ErrorTypeInvalid},
		"config map of no name":      {onSpec(func(s *spec) { s.Volumes[6].ConfigMap.Name = ptr.To("") }), "spec.template.spec.volumes[6].configMap.name", field.ErrorTypeRequired},
		"label with a space":         {onSpec(func(s *spec) { s.Volumes[6].ConfigMap.VolumeLabel = ptr.To("a b") }), "spec.template.spec.volumes[6].configMap.volumeLabel", field.ErrorTypeInvalid},
		"label that is too long":     {onSpec(func(s *spec) { s.Volumes[6].ConfigMap.VolumeLabel = ptr.To(strings.Repeat("x", 17)) }), "spec.template.spec.volumes[6].configMap.volumeLabel", field.ErrorTypeInvalid},
		"secret of no name":          {onSpec(func(s *spec) { s.Volumes[7].Secret.SecretName = ptr.To("") }), "spec.template.spec.volumes[7].secret.secretName", field.ErrorTypeRequired},
		"field that is none":         {onSpec(func(s *spec) { s.Volumes[8].DownwardAPI.Fields[0].FieldRef.FieldPath = "spec.domain" }), "spec.template.spec.volumes[8].downwardAPI.fields[0].fieldRef.fieldPath", field.ErrorTypeNotSupported},
		"field without a key":        {onSpec(func(s *spec) { s.Volumes[8].DownwardAPI.Fields[0].FieldRef.FieldPath = "metadata.labels['']" }), "spec.template.spec.volumes[8].downwardAPI.fields[0].fieldRef.fieldPath", field.ErrorTypeNotSupported},
		"no field":                   {onSpec(func(s *spec) { s.Volumes[8].DownwardAPI.Fields[0].FieldRef = nil }), "spec.template.spec.volumes[8].downwardAPI.fields[0].fieldRef", field.ErrorTypeRequired},
		"file that leads out":        {onSpec(func(s *spec) { s.Volumes[8].DownwardAPI.Fields[0].Path = "../x" }), "spec.template.spec.volumes[8].downwardAPI.fields[0].path", field.ErrorTypeInvalid},
		"answers of two kinds":       {onSpec(func(s *spec) { s.Volumes[9].Sysprep.ConfigMap = s.Volumes[9].Sysprep.Secret }), "spec.template.spec.volumes[9].sysprep", field.ErrorTypeInvalid},
		"answers of no name":         {onSpec(func(s *spec) { s.Volumes[9].Sysprep.Secret.Name = "" }), "spec.template.spec.volumes[9].sysprep.secret.name", field.ErrorTypeRequired},
		"tiny empty disk":            {onSpec(func(s *spec) { s.Volumes[10].EmptyDisk.Capacity = verbatim.MustParse("1k") }), "spec.template.spec.volumes[10].emptyDisk.capacity", field.ErrorTypeInvalid},
		"empty seed":                 {onSpec(func(s *spec) { s.Volumes[1].CloudInitNoCloud.UserData = ptr.To("") }), "spec.template.spec.volumes[1].cloudInitNoCloud", field.ErrorTypeRequired},
		"long seed":                  {onSpec(func(s *spec) { s.Volumes[1].CloudInitNoCloud.UserData = ptr.To(strings.Repeat("x", 2049)) }), "spec.template.spec.volumes[1].cloudInitNoCloud.userData", field.ErrorTypeTooLong},
		"seed twice":                 {onSpec(func(s *spec) { s.Volumes[1].CloudInitNoCloud.UserDataBase64 = ptr.To("eA==") }), "spec.template.spec.volumes[1].cloudInitNoCloud", field.ErrorTypeInvalid},
		"seed that is no base64": {onSpec(func(s *spec) {
			*s.Volumes[1].CloudInitNoCloud = kubevirtv1.CloudInitSource{UserDataBase64: ptr.To("?")}
		}), "spec.template.spec.volumes[1].cloudInitNoCloud.userDataBase64", field.ErrorTypeInvalid},
		"two seeds": {onSpec(func(s *spec) {
			s.Volumes[10] = kubevirtv1.Volume{Name: "seed2", VolumeSource: s.Volumes[1].VolumeSource}
		}), "spec.template.spec.volumes[10]", field.ErrorTypeInvalid},
		"more volumes than are useful": {onSpec(func(s *spec) { s.Volumes = append(s.Volumes, make([]kubevirtv1.Volume, 256)...) }), "spec.template.spec.volumes", field.ErrorTypeTooMany},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			vm := machine()
			test.change(vm)
			errs := validation.ValidateVirtualMachine(vm)
			require.NotEmpty(t, errs)
			var found []string
			for _, err := range errs {
				found = append(found, string(err.Type)+" "+err.Field)
			}
			assert.Contains(t, found, string(test.kind)+" "+test.field)
		})
	}
}

func TestARefusedMachineIsNotChanged(t *testing.T) {
	vm := machine()
	want := vm.DeepCopy()
	validation.ValidateVirtualMachine(vm)
	assert.Equal(t, want, vm)
}

func TestAnInstanceOnlyLetsItsGracePeriodBecomeShorter(t *testing.T) {
	instance := func(grace int64) *kubevirtv1.VirtualMachineInstance {
		vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Name: "vmi"}, Spec: machine().Spec.Template.Spec}
		vmi.Spec.TerminationGracePeriodSeconds = &grace
		return vmi
	}
	assert.Empty(t, validation.ValidateVirtualMachineInstanceUpdate(instance(0), instance(30)))
	assert.NotEmpty(t, validation.ValidateVirtualMachineInstanceUpdate(instance(60), instance(30)))
	assert.NotEmpty(t, validation.ValidateVirtualMachineInstanceUpdate(instance(-1), instance(30)))
	changed := instance(30)
	changed.Spec.Hostname = ptr.To("another")
	errs := validation.ValidateVirtualMachineInstanceUpdate(changed, instance(30))
	require.Len(t, errs, 1)
	assert.Equal(t, "spec", errs[0].Field)
	assert.Contains(t, errs[0].Detail, "hostname can't change")
}

func TestARunningInstanceMayBeGivenSockets(t *testing.T) {
	old := &kubevirtv1.VirtualMachineInstance{Spec: machine().Spec.Template.Spec}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&old.Spec)
	vmi := old.DeepCopy()
	vmi.Spec.Domain.CPU.Sockets = vmi.Spec.Domain.CPU.MaxSockets
	assert.Empty(t, validation.ValidateVirtualMachineInstanceUpdate(vmi, old))
	vmi.Spec.Domain.CPU.Sockets = ptr.To(*vmi.Spec.Domain.CPU.Sockets + 1)
	assert.NotEmpty(t, validation.ValidateVirtualMachineInstanceUpdate(vmi, old))
}
