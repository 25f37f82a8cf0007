// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/validation"
)

func machine(name string) *corev1.TypedLocalObjectReference {
	return &corev1.TypedLocalObjectReference{APIGroup: ptr.To("kubevirt.io"), Kind: "VirtualMachine", Name: name}
}

func valid() *clonev1.VirtualMachineClone {
	return &clonev1.VirtualMachineClone{
		ObjectMeta: metav1.ObjectMeta{Name: "clone", Namespace: "ns"},
		Spec: clonev1.VirtualMachineCloneSpec{
			Source: machine("source"), Target: machine("target"),
			LabelFilters:      []string{"*", "!some/key*", "[a-z]+"},
			AnnotationFilters: []string{"!note"},
			NewMacAddresses:   map[string]string{"default": "02:00:00:00:00:01", "lab": "02-00-00-00-00-02"},
			NewSMBiosSerial:   ptr.To("serial"),
			Patches:           []string{`{"op": "add", "path": "/metadata/labels/a", "value": "b"}`},
		},
	}
}

func TestClonesAreAccepted(t *testing.T) {
	for name, change := range map[string]func(*clonev1.VirtualMachineCloneSpec){
		"with everything":       func(*clonev1.VirtualMachineCloneSpec) {},
		"without a target":      func(s *clonev1.VirtualMachineCloneSpec) { s.Target = nil },
		"a target without name": func(s *clonev1.VirtualMachineCloneSpec) { s.Target.Name = "" },
	} {
		t.Run(name, func(t *testing.T) {
			clone := valid()
			change(&clone.Spec)
			assert.Empty(t, validation.ValidateClone(clone))
		})
	}
}

func TestClonesAreRefusedByTheFieldThatIsWrong(t *testing.T) {
	for field, change := range map[string]func(*clonev1.VirtualMachineCloneSpec){
		"spec.source":          func(s *clonev1.VirtualMachineCloneSpec) { s.Source = nil },
		"spec.source.name":     func(s *clonev1.VirtualMachineCloneSpec) { s.Source.Name = "" },
		"spec.source.apiGroup": func(s *clonev1.VirtualMachineCloneSpec) { s.Source.APIGroup = nil },
		"spec.source.kind":     func(s *clonev1.VirtualMachineCloneSpec) { s.Source.Kind = "VirtualMachineSnapshot" },
		"spec.target.kind":     func(s *clonev1.VirtualMachineCloneSpec) { s.Target.Kind = "Pod" },
		"spec.target.name":     func(s *clonev1.VirtualMachineCloneSpec) { s.Target.Name = "source" },
		"spec.labelFilters[0]": func(s *clonev1.VirtualMachineCloneSpec) { s.LabelFilters = []string{"!"} },
		"spec.labelFilters[1]": func(s *clonev1.VirtualMachineCloneSpec) { s.LabelFilters = []string{"*", "a!b"} },
		"spec.labelFilters[2]": func(s *clonev1.VirtualMachineCloneSpec) { s.LabelFilters = []string{"*", "a", "a*b"} },
		"spec.labelFilters[3]": func(s *clonev1.VirtualMachineCloneSpec) { s.LabelFilters = []string{"*", "a", "b", "[a"} },
		"spec.labelFilters[4]": func(s *clonev1.VirtualMachineCloneSpec) {
			s.LabelFilters = []string{"*", "a", "b", "c", strings.Repeat("a", 513)}
		},
		"spec.labelFilters":         func(s *clonev1.VirtualMachineCloneSpec) { s.LabelFilters = make([]string, 65) },
		"spec.annotationFilters[0]": func(s *clonev1.VirtualMachineCloneSpec) { s.AnnotationFilters = []string{""} },
		"spec.template.labelFilters[0]": func(s *clonev1.VirtualMachineCloneSpec) {
			s.Template = &clonev1.VirtualMachineCloneTemplateFilters{LabelFilters: []string{"!"}}
		},
		"spec.newMacAddresses[default]": func(s *clonev1.VirtualMachineCloneSpec) { s.NewMacAddresses["default"] = "00-11-22" },
		"spec.newSMBiosSerial":          func(s *clonev1.VirtualMachineCloneSpec) { s.NewSMBiosSerial = ptr.To(strings.Repeat("s", 257)) },
		"spec.patches[0]":               func(s *clonev1.VirtualMachineCloneSpec) { s.Patches = []string{`not json`} },
		"spec.patches":                  func(s *clonev1.VirtualMachineCloneSpec) { s.Patches = make([]string, 65) },
		"spec.template.annotationFilters": func(s *clonev1.VirtualMachineCloneSpec) {
			s.Template = &clonev1.VirtualMachineCloneTemplateFilters{AnnotationFilters: make([]string, 65)}
		},
	} {
		t.Run(field, func(t *testing.T) {
			clone := valid()
			change(&clone.Spec)
			errs := validation.ValidateClone(clone)
			require.NotEmpty(t, errs)
			assert.Equal(t, field, errs[0].Field)
		})
	}
}

func TestTheSpecOfACloneDoesNotChange(t *testing.T) {
	old, clone := valid(), valid()
	old.ResourceVersion, clone.ResourceVersion = "1", "1"
	clone.Labels = map[string]string{"a": "b"}
	assert.Empty(t, validation.ValidateCloneUpdate(clone, old))
	clone.Spec.Target.Name = "another"
	errs := validation.ValidateCloneUpdate(clone, old)
	require.Len(t, errs, 1)
	assert.Equal(t, "spec", errs[0].Field)
}
