// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

func namespaces() kind[*corev1.Namespace] {
	return kind[*corev1.Namespace]{
		groupVersion:     corev1.SchemeGroupVersion,
		resource:         "namespaces",
		singular:         "namespace",
		shortNames:       []string{"ns"},
		clusterScoped:    true,
		newObject:        func() *corev1.Namespace { return &corev1.Namespace{} },
		newList:          func() runtime.Object { return &corev1.NamespaceList{} },
		validName:        validation.ValidateNamespaceName,
		prepareForCreate: prepareNewNamespace,
		prepareForUpdate: func(namespace, old *corev1.Namespace) {
			namespace.Spec.Finalizers, namespace.Status = old.Spec.Finalizers, old.Status
			defaultNamespace(namespace)
		},
		validate: validateSpecFinalizers,
		ignored:  []string{"status"},
		selectable: func(namespace *corev1.Namespace) fields.Set {
			return fields.Set{"status.phase": string(namespace.Status.Phase), "name": namespace.Name}
		},
		columns: []metav1.TableColumnDefinition{
			table.NameColumn(),
			{Name: "Status", Type: "string", Description: "Active, or Terminating while it is being emptied."},
			table.AgeColumn(),
		},
		cells: func(namespace *corev1.Namespace) []any {
			return []any{namespace.Name, string(namespace.Status.Phase), table.Age(namespace.CreationTimestamp)}
		},
	}
}

// defaultNamespace keeps the label by which selectors find a namespace by its name.
func defaultNamespace(namespace *corev1.Namespace) {
	if namespace.Name == "" || namespace.Labels[corev1.LabelMetadataName] == namespace.Name {
		return
	}
	if namespace.Labels == nil {
		namespace.Labels = map[string]string{}
	}
	namespace.Labels[corev1.LabelMetadataName] = namespace.Name
}

func prepareNewNamespace(namespace *corev1.Namespace) {
	defaultNamespace(namespace)
	namespace.Status = corev1.NamespaceStatus{Phase: corev1.NamespaceActive}
	if !slices.Contains(namespace.Spec.Finalizers, corev1.FinalizerKubernetes) {
		namespace.Spec.Finalizers = append(namespace.Spec.Finalizers, corev1.FinalizerKubernetes)
	}
}

func validateSpecFinalizers(namespace *corev1.Namespace) field.ErrorList {
	var errs field.ErrorList
	for i, finalizer := range namespace.Spec.Finalizers {
		if finalizer == corev1.FinalizerKubernetes {
			continue
		}
		path := field.NewPath("spec", "finalizers").Index(i)
		for _, message := range utilvalidation.IsQualifiedName(string(finalizer)) {
			errs = append(errs, field.Invalid(path, finalizer, message))
		}
		if !strings.Contains(string(finalizer), "/") {
			errs = append(errs, field.Invalid(path, finalizer, "must be of the form domain/name"))
		}
	}
	return errs
}

// keepNamespaceSpec is what an update of the status leaves as it is.
func keepNamespaceSpec(namespace, old *corev1.Namespace) { namespace.Spec = old.Spec }

// keepNamespaceStatus is what an update of the finalizers leaves as it is.
func keepNamespaceStatus(namespace, old *corev1.Namespace) { namespace.Status = old.Status }

func validateNamespaceStatus(namespace, _ *corev1.Namespace) field.ErrorList {
	terminating := namespace.Status.Phase == corev1.NamespaceTerminating
	if namespace.DeletionTimestamp.IsZero() == !terminating {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("status", "phase"), namespace.Status.Phase,
		"is Terminating if, and only if, metadata.deletionTimestamp is set")}
}

func validateFinalize(namespace, _ *corev1.Namespace) field.ErrorList {
	return validateSpecFinalizers(namespace)
}
