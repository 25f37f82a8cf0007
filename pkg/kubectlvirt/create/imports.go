// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// importType is a source of --volume-import.
type importType struct {
	needed, optional []string
	// fill says in a DataVolume's spec where it comes from.
	fill func(*parameters, *cdiv1.DataVolumeSpec) error
	// sizeless is of sources that know the size, which can then be left out.
	sizeless bool
	// naming is of sources whose labels may name an instance type and a preference.
	naming bool
}

func importTypes() map[string]importType {
	return map[string]importType{
		"blank": {fill: func(_ *parameters, spec *cdiv1.DataVolumeSpec) error {
			spec.Source = &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}}
			return nil
		}},
		"http": {
			needed: []string{"url"}, optional: []string{"secretref", "certconfigmap", "extraheaders", "secretextraheaders"},
			fill: func(p *parameters, spec *cdiv1.DataVolumeSpec) error {
				spec.Source = &cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{
					URL: p.get("url"), SecretRef: kubevirtv1.Given(p.get("secretref")), CertConfigMap: kubevirtv1.Given(p.get("certconfigmap")),
					ExtraHeaders: p.list("extraheaders"), SecretExtraHeaders: p.list("secretextraheaders"),
				}}
				return nil
			},
		},
		"pvc": {
			needed: []string{"src"}, sizeless: true, naming: true,
			fill: func(p *parameters, spec *cdiv1.DataVolumeSpec) error {
				namespace, name, found := strings.Cut(p.get("src"), "/")
				if !found || namespace == "" || name == "" {
					return p.wrong("src must be NAMESPACE/CLAIM")
				}
				spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: namespace, Name: name}}
				return nil
			},
		},
		"registry": {
			needed: []string{"url"}, optional: []string{"secretref", "certconfigmap", "pullmethod"}, naming: true,
			fill: func(p *parameters, spec *cdiv1.DataVolumeSpec) error {
				given := func(key string) *string {
					if p.get(key) == "" {
						return nil
					}
					return ptr.To(p.get(key))
				}
				spec.Source = &cdiv1.DataVolumeSource{Registry: &cdiv1.DataVolumeSourceRegistry{
					URL: given("url"), SecretRef: given("secretref"), CertConfigMap: given("certconfigmap"),
					PullMethod: (*cdiv1.RegistryPullMethod)(given("pullmethod")),
				}}
				switch cdiv1.RegistryPullMethod(p.get("pullmethod")) {
				case "", cdiv1.RegistryPullPod, cdiv1.RegistryPullNode:
					return nil
				}
				return p.wrong("pullmethod must be pod or node")
			},
		},
	}
}

// describeImports is for the help text.
func describeImports() string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(importTypes())) {
		source := importTypes()[name]
		lines = append(lines, fmt.Sprintf("type:%s,%s", name, strings.Join(slices.Concat(source.needed, source.optional, []string{"size", "name", "bootorder"}), ",")))
	}
	return strings.Join(lines, "\n")
}

// addImports adds empty disks, the last one first as virtctl does, and then the others that are made with the machine.
func (b *builder) addImports() error {
	for _, text := range slices.Backward(b.Blanks) {
		if err := b.addImport("volume-blank", "type:blank,"+text); err != nil {
			return err
		}
	}
	for _, text := range b.Imports {
		if err := b.addImport("volume-import", text); err != nil {
			return err
		}
	}
	return nil
}

// addImport adds a DataVolume that is the machine's own.
func (b *builder) addImport(flag, text string) error {
	chosen := ""
	for part := range strings.SplitSeq(text, ",") {
		if value, found := strings.CutPrefix(part, "type:"); found {
			chosen = value
			break
		}
	}
	source, known := importTypes()[chosen]
	if !known {
		return fmt.Errorf("--%s %s: type must be one of %s", flag, text, strings.Join(slices.Sorted(maps.Keys(importTypes())), ", "))
	}
	needed, optional := slices.Concat([]string{"type"}, source.needed), slices.Concat(source.optional, []string{"name", "bootorder"})
	if source.sizeless {
		optional = append(optional, "size")
	} else {
		needed = append(needed, "size")
	}
	p, err := parseParameters(flag, text, needed, optional)
	if err != nil {
		return err
	}
	spec := cdiv1.DataVolumeSpec{Storage: &cdiv1.StorageSpec{}}
	if err := source.fill(p, &spec); err != nil {
		return err
	}
	size, err := p.size()
	if err != nil {
		return err
	}
	if size != nil {
		spec.Storage.Resources = &verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceStorage: *size}}
	}
	name, err := p.name("imported-volume-" + rand.String(randomLength))
	if err != nil {
		return err
	}
	b.vm.Spec.DataVolumeTemplates = append(b.vm.Spec.DataVolumeTemplates, kubevirtv1.DataVolumeTemplateSpec{
		ObjectMeta: verbatim.ObjectMeta{Name: name}, Spec: spec,
	})
	b.naming[name] = source.naming
	return b.addVolume(p, name, kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: name}})
}
