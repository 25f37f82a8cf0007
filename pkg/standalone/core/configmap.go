// SPDX-License-Identifier: Apache-2.0

package core

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// maxDataSize limits the values of a secret or a config map, as upstream does.
const maxDataSize = corev1.MaxSecretSize

func configMaps() kind[*corev1.ConfigMap] {
	return kind[*corev1.ConfigMap]{
		groupVersion:   corev1.SchemeGroupVersion,
		resource:       "configmaps",
		singular:       "configmap",
		shortNames:     []string{"cm"},
		newObject:      func() *corev1.ConfigMap { return &corev1.ConfigMap{} },
		newList:        func() runtime.Object { return &corev1.ConfigMapList{} },
		validName:      validation.NameIsDNSSubdomain,
		validate:       validateConfigMap,
		validateUpdate: validateConfigMapUpdate,
		columns: []metav1.TableColumnDefinition{
			table.NameColumn(),
			{Name: "Data", Type: "string", Description: "How many values it has."},
			table.AgeColumn(),
		},
		cells: func(m *corev1.ConfigMap) []any {
			return []any{m.Name, int64(len(m.Data) + len(m.BinaryData)), table.Age(m.CreationTimestamp)}
		},
	}
}

func validateConfigMap(m *corev1.ConfigMap) field.ErrorList {
	data, binary := field.NewPath("data"), field.NewPath("binaryData")
	errs := append(validateKeys(m.Data, data), validateKeys(m.BinaryData, binary)...)
	size := 0
	for _, key := range slices.Sorted(maps.Keys(m.Data)) {
		if _, both := m.BinaryData[key]; both {
			errs = append(errs, field.Invalid(data.Key(key), key, "is also a key of binaryData"))
		}
		size += len(m.Data[key])
	}
	for _, value := range m.BinaryData {
		size += len(value)
	}
	if size > maxDataSize {
		errs = append(errs, field.TooLong(data, "", maxDataSize))
	}
	return errs
}

func validateConfigMapUpdate(m, old *corev1.ConfigMap) field.ErrorList {
	if !ptr.Deref(old.Immutable, false) {
		return nil
	}
	errs := validateStaysImmutable(m.Immutable)
	errs = append(errs, unchanged(m.Data, old.Data, field.NewPath("data"))...)
	return append(errs, unchanged(m.BinaryData, old.BinaryData, field.NewPath("binaryData"))...)
}

func validateKeys[V any](data map[string]V, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, key := range slices.Sorted(maps.Keys(data)) {
		for _, message := range utilvalidation.IsConfigMapKey(key) {
			errs = append(errs, field.Invalid(path.Key(key), key, message))
		}
	}
	return errs
}

func validateStaysImmutable(immutable *bool) field.ErrorList {
	if ptr.Deref(immutable, false) {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("immutable"), "cannot be taken back: delete the object and make it again")}
}

func unchanged[V any](values, old map[string]V, path *field.Path) field.ErrorList {
	if apiequality.Semantic.DeepEqual(values, old) {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "field is immutable when `immutable` is set")}
}
