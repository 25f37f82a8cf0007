// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// parameters are what a volume is described by.
type parameters map[string]string

// parseParameters reads KEY:VALUE,...; a value has no comma. All of needed must be there, and nothing but these
// and optional.
func parseParameters(flag, text string, needed, optional []string) (parameters, error) {
	p := parameters{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(part, ":")
		switch {
		case !found || value == "":
			return nil, fmt.Errorf("--%s %s: %q must be KEY:VALUE", flag, text, part)
		case !slices.Contains(needed, key) && !slices.Contains(optional, key):
			return nil, fmt.Errorf("--%s %s: there is no key %q here: %s", flag, text, key, strings.Join(append(needed, optional...), ", "))
		case p[key] != "":
			return nil, fmt.Errorf("--%s %s: %s is there twice", flag, text, key)
		}
		p[key] = value
	}
	for _, key := range needed {
		if p[key] == "" {
			return nil, fmt.Errorf("--%s %s: %s is needed", flag, text, key)
		}
	}
	return p, nil
}

// addVolumes adds volumes and their disks: first those that a guest boots from.
func (o *Options) addVolumes(vm *kubevirtv1.VirtualMachine) error {
	for _, text := range o.ContainerDisks {
		p, err := parseParameters("volume-containerdisk", text, []string{"src"}, []string{"name"})
		if err != nil {
			return err
		}
		addDisk(vm, p["name"], kubevirtv1.VolumeSource{ContainerDisk: &kubevirtv1.ContainerDiskSource{Image: p["src"]}})
	}
	for _, text := range o.Claims {
		p, err := parseParameters("volume-pvc", text, []string{"src"}, []string{"name"})
		if err != nil {
			return err
		}
		addDisk(vm, p["name"], kubevirtv1.VolumeSource{
			PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: p["src"]},
		})
	}
	for _, text := range o.Imports {
		if err := addImport(vm, "volume-import", text); err != nil {
			return err
		}
	}
	for _, text := range o.Blanks {
		if err := addImport(vm, "volume-blank", "type:blank,"+text); err != nil {
			return err
		}
	}
	return o.addSysprep(vm)
}

// addSysprep adds a CD-ROM of answers for the setup of Windows.
func (o *Options) addSysprep(vm *kubevirtv1.VirtualMachine) error {
	if o.Sysprep == "" {
		return nil
	}
	p, err := parseParameters("volume-sysprep", o.Sysprep, []string{"src"}, []string{"type"})
	if err != nil {
		return err
	}
	source, reference := &kubevirtv1.SysprepSource{}, &corev1.LocalObjectReference{Name: p["src"]}
	switch strings.ToLower(p["type"]) {
	case "", "configmap":
		source.ConfigMap = reference
	case "secret":
		source.Secret = reference
	default:
		return fmt.Errorf("--volume-sysprep %s: type must be configmap or secret", o.Sysprep)
	}
	const name = "sysprepdisk"
	spec := &vm.Spec.Template.Spec
	spec.Volumes = append(spec.Volumes, kubevirtv1.Volume{Name: name, VolumeSource: kubevirtv1.VolumeSource{Sysprep: source}})
	disk := kubevirtv1.Disk{Name: name}
	disk.CDRom = &kubevirtv1.CDRomTarget{Bus: kubevirtv1.DiskBusSATA}
	spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, disk)
	return nil
}

// addImport adds a DataVolume that is the machine's own.
func addImport(vm *kubevirtv1.VirtualMachine, flag, text string) error {
	needed, source := []string{"type", "size"}, cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}}
	isHTTP := slices.Contains(strings.Split(text, ","), "type:http")
	if isHTTP {
		needed = append(needed, "url")
	}
	p, err := parseParameters(flag, text, needed, []string{"name"})
	switch {
	case err != nil:
		return err
	case isHTTP:
		source = cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{URL: p["url"]}}
	case p["type"] != "blank":
		return fmt.Errorf("--%s %s: type must be http or blank", flag, text)
	}
	size, err := resource.ParseQuantity(p["size"])
	if err != nil {
		return fmt.Errorf("--%s %s: size: %w", flag, text, err)
	}
	name := p["name"]
	if name == "" {
		name = fmt.Sprintf("%s-disk-%d", vm.Name, len(vm.Spec.Template.Spec.Volumes))
	}
	storage := &cdiv1.StorageSpec{}
	storage.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: size}
	vm.Spec.DataVolumeTemplates = append(vm.Spec.DataVolumeTemplates, kubevirtv1.DataVolumeTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       cdiv1.DataVolumeSpec{Source: &source, Storage: storage},
	})
	addDisk(vm, name, kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: name}})
	return nil
}

func addDisk(vm *kubevirtv1.VirtualMachine, name string, source kubevirtv1.VolumeSource) {
	spec := &vm.Spec.Template.Spec
	if name == "" {
		name = fmt.Sprintf("disk-%d", len(spec.Volumes))
	}
	spec.Volumes = append(spec.Volumes, kubevirtv1.Volume{Name: name, VolumeSource: source})
	disk := kubevirtv1.Disk{Name: name}
	disk.Disk = &kubevirtv1.DiskTarget{Bus: kubevirtv1.DiskBusVirtio}
	spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, disk)
}
