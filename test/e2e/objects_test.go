// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// tinyMachine has the guest of one sector, on a disk that it owns, named after it with "-root".
func tinyMachine(name string, strategy kubevirtv1.VirtualMachineRunStrategy) *kubevirtv1.VirtualMachine {
	machine := bareMachine(name, strategy, "32Mi")
	machine.Spec.DataVolumeTemplates = []kubevirtv1.DataVolumeTemplateSpec{{
		ObjectMeta: verbatim.ObjectMeta{Name: name + "-root"},
		Spec:       importOf(suite.Images.URL(tinyImage), "16Mi"),
	}}
	addDisk(machine, "root", kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: name + "-root"}})
	return machine
}

// linuxMachine has the small Linux, with a disk that it owns and cloud-init's data for a user "tester" with
// the password "secret".
func linuxMachine(name string, strategy kubevirtv1.VirtualMachineRunStrategy) *kubevirtv1.VirtualMachine {
	machine := bareMachine(name, strategy, "192Mi")
	machine.Spec.DataVolumeTemplates = []kubevirtv1.DataVolumeTemplateSpec{{
		ObjectMeta: verbatim.ObjectMeta{Name: name + "-root"},
		Spec:       importOf(suite.Images.URL(linuxImage), "1Gi"),
	}}
	addDisk(machine, "root", kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: name + "-root"}})
	addDisk(machine, "seed", kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{UserData: ptr.To(userData)}})
	machine.Spec.Template.Spec.Domain.Devices.Rng = &kubevirtv1.Rng{}
	return machine
}

const userData = `#cloud-config
user: tester
password: secret
chpasswd: {expire: false}
`

// bareMachine has no disks.
func bareMachine(name string, strategy kubevirtv1.VirtualMachineRunStrategy, memory string) *kubevirtv1.VirtualMachine {
	return &kubevirtv1.VirtualMachine{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: kubevirtv1.VirtualMachineSpec{
			RunStrategy: &strategy,
			Template: &kubevirtv1.VirtualMachineInstanceTemplateSpec{Spec: kubevirtv1.VirtualMachineInstanceSpec{
				Domain: kubevirtv1.DomainSpec{Memory: &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse(memory))}},
			}},
		},
	}
}

// addDisk adds a virtio disk.
func addDisk(machine *kubevirtv1.VirtualMachine, name string, source kubevirtv1.VolumeSource) {
	spec := &machine.Spec.Template.Spec
	spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, kubevirtv1.Disk{
		Name: name, DiskDevice: kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To(kubevirtv1.DiskBusVirtio)}},
	})
	spec.Volumes = append(spec.Volumes, kubevirtv1.Volume{Name: name, VolumeSource: source})
}

// importOf fills a disk of that size over HTTP.
func importOf(url, size string) cdiv1.DataVolumeSpec {
	return cdiv1.DataVolumeSpec{
		Source: &cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{URL: url}},
		Storage: &cdiv1.StorageSpec{Resources: &verbatim.VolumeResourceRequirements{
			Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse(size)},
		}},
	}
}
