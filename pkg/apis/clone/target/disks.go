// SPDX-License-Identifier: Apache-2.0

package target

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// copyDisks has vm use, in place of each claim that source's guest may write to, a DataVolume of its own that
// copies it. Two volumes of one claim stay two volumes of one.
func copyDisks(vm, source *kubevirtv1.VirtualMachine, claims Claims) {
	templates := map[string]*kubevirtv1.DataVolumeTemplateSpec{}
	for i := range source.Spec.DataVolumeTemplates {
		templates[source.Spec.DataVolumeTemplates[i].ObjectMeta.Name] = &source.Spec.DataVolumeTemplates[i]
	}
	vm.Spec.DataVolumeTemplates = nil
	copies := map[string]string{}
	for i := range vm.Spec.Template.Spec.Volumes {
		volume := &vm.Spec.Template.Spec.Volumes[i]
		claim := volume.ClaimName()
		if claim == "" || volume.Ephemeral != nil {
			continue
		}
		name, made := copies[claim]
		if !made {
			name = copyName(vm.Name, volume.Name)
			copies[claim] = name
			vm.Spec.DataVolumeTemplates = append(vm.Spec.DataVolumeTemplates, copyTemplate(name, source.Namespace, claim, templates[claim], claims))
		}
		if volume.PersistentVolumeClaim != nil {
			volume.PersistentVolumeClaim.ClaimName = name
		} else {
			volume.DataVolume.Name = name
		}
	}
}

// copyTemplate is of a DataVolume that copies the claim. It asks for no size: the copy has that of the claim,
// which may have grown since it was made from the template.
func copyTemplate(name, namespace, claim string, template *kubevirtv1.DataVolumeTemplateSpec, claims Claims) kubevirtv1.DataVolumeTemplateSpec {
	made := kubevirtv1.DataVolumeTemplateSpec{
		ObjectMeta: verbatim.ObjectMeta{Name: name},
		Spec: cdiv1.DataVolumeSpec{
			Source:  &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: namespace, Name: claim}},
			Storage: &cdiv1.StorageSpec{},
		},
	}
	storage := made.Spec.Storage
	if template != nil {
		made.ObjectMeta.Labels = maps.Clone(template.ObjectMeta.Labels)
		made.ObjectMeta.Annotations = maps.Clone(template.ObjectMeta.Annotations)
		made.Spec.Preallocation = template.Spec.Preallocation
		switch spec := template.Spec.DeepCopy(); {
		case spec.Storage != nil:
			storage.StorageClassName, storage.AccessModes, storage.VolumeMode = spec.Storage.StorageClassName, spec.Storage.AccessModes, spec.Storage.VolumeMode
		case spec.PVC != nil:
			storage.StorageClassName, storage.AccessModes, storage.VolumeMode = spec.PVC.StorageClassName, spec.PVC.AccessModes, spec.PVC.VolumeMode
		}
	} else if had := known(claims, claim); had != nil {
		spec := had.Spec.DeepCopy()
		storage.StorageClassName, storage.AccessModes, storage.VolumeMode = spec.StorageClassName, spec.AccessModes, spec.VolumeMode
	}
	return made
}

func known(claims Claims, name string) *corev1.PersistentVolumeClaim {
	if claims == nil {
		return nil
	}
	return claims(name)
}

// copyName is the name of the copy for a volume. One that would be too long ends in what tells it from others.
func copyName(machine, volume string) string {
	name := machine + "-" + volume
	if len(name) <= validation.DNS1123SubdomainMaxLength {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	suffix := hex.EncodeToString(sum[:8])
	return name[:validation.DNS1123SubdomainMaxLength-len(suffix)] + suffix
}
