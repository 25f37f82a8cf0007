// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func (b *builder) addContainerDisks() error {
	for i, text := range b.ContainerDisks {
		p, err := parseParameters("volume-containerdisk", text, []string{"src"}, []string{"name", "bootorder"})
		if err != nil {
			return err
		}
		name, err := p.name(fmt.Sprintf("%s-containerdisk-%d", b.vm.Name, i))
		if err != nil {
			return err
		}
		if err := b.addVolume(p, name, kubevirtv1.VolumeSource{ContainerDisk: &kubevirtv1.ContainerDiskSource{Image: p.get("src")}}); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) addClaims() error {
	for _, text := range b.Claims {
		p, err := parseParameters("volume-pvc", text, []string{"src"}, []string{"name", "bootorder"})
		if err != nil {
			return err
		}
		claim, err := p.source()
		if err != nil {
			return err
		}
		name, err := p.name(claim)
		if err != nil {
			return err
		}
		source := kubevirtv1.VolumeSource{PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}
		if err := b.addVolume(p, name, source); err != nil {
			return err
		}
		b.naming[name] = true
	}
	return nil
}

// addSysprep adds answers for the setup of Windows.
func (b *builder) addSysprep() error {
	if b.Sysprep == "" {
		return nil
	}
	p, err := parseParameters("volume-sysprep", b.Sysprep, []string{"src"}, []string{"type"})
	if err != nil {
		return err
	}
	name, err := p.source()
	if err != nil {
		return err
	}
	source, reference := &kubevirtv1.SysprepSource{}, &corev1.LocalObjectReference{Name: name}
	switch strings.ToLower(p.get("type")) {
	case "", "configmap":
		source.ConfigMap = reference
	case "secret":
		source.Secret = reference
	default:
		return p.wrong("type must be configmap or secret")
	}
	return b.addVolume(p, "sysprepdisk", kubevirtv1.VolumeSource{Sysprep: source})
}

// addVolume adds a volume, and a disk where it has a boot order: the server adds the other disks.
func (b *builder) addVolume(p *parameters, name string, source kubevirtv1.VolumeSource) error {
	order, err := p.bootOrder()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(b.spec.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == name }) {
		return p.wrong("there is a volume %q already; give this one another name", name)
	}
	b.spec.Volumes = append(b.spec.Volumes, kubevirtv1.Volume{Name: name, VolumeSource: source})
	if order == nil {
		return nil
	}
	if b.boots[*order] != "" {
		return p.wrong("bootorder %d is that of %q already", *order, b.boots[*order])
	}
	b.boots[*order] = name
	b.spec.Domain.Devices.Disks = append(b.spec.Domain.Devices.Disks, kubevirtv1.Disk{Name: name, BootOrder: order})
	return nil
}
