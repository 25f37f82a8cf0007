// SPDX-License-Identifier: Apache-2.0

package verbatim

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ObjectMeta is the metadata of a template: what a user may give an object that is made from it.
type ObjectMeta struct {
	// +optional
	Name string `json:"name,omitempty"`
	// GenerateName is accepted for manifests that have it; objects are not named by it.
	// +optional
	GenerateName string `json:"generateName,omitempty"`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// +optional
	Labels map[string]string `json:"labels,omitzero"`
	// +optional
	Annotations map[string]string `json:"annotations,omitzero"`
	// CreationTimestamp is accepted for manifests that have it, mostly as null.
	// +optional
	CreationTimestamp *metav1.Time `json:"creationTimestamp,omitempty"`
}

// GetLabels of metadata that may be nil.
func (m *ObjectMeta) GetLabels() map[string]string {
	if m == nil {
		return nil
	}
	return m.Labels
}

// GetAnnotations of metadata that may be nil.
func (m *ObjectMeta) GetAnnotations() map[string]string {
	if m == nil {
		return nil
	}
	return m.Annotations
}

// Core is the metadata as Kubernetes takes it; empty of nil.
func (m *ObjectMeta) Core() *metav1.ObjectMeta {
	if m == nil {
		return &metav1.ObjectMeta{}
	}
	m = m.DeepCopy()
	return &metav1.ObjectMeta{
		Name: m.Name, GenerateName: m.GenerateName, Namespace: m.Namespace, Labels: m.Labels, Annotations: m.Annotations,
	}
}
