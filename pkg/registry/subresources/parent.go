// SPDX-License-Identifier: Apache-2.0

// Package subresources holds what the paths of subresources.kubevirt.io need besides the actions
// themselves, which are with the resources that they act on, in pkg/registry/kubevirt.
package subresources

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Parent is a resource without objects and verbs. Discovery lists it: actions need one above them, and clients
// look routes that are no resources up by their name.
type Parent struct {
	kind          runtime.Object
	singular      string
	clusterScoped bool
}

var (
	_ rest.Storage              = &Parent{}
	_ rest.Scoper               = &Parent{}
	_ rest.SingularNameProvider = &Parent{}
)

// NewParent returns a namespaced parent of the given kind.
func NewParent(kind runtime.Object, singular string) *Parent {
	return &Parent{kind: kind, singular: singular}
}

// NewClusterParent returns a parent that is in no namespace.
func NewClusterParent(kind runtime.Object, singular string) *Parent {
	return &Parent{kind: kind, singular: singular, clusterScoped: true}
}

// New implements rest.Storage.
func (p *Parent) New() runtime.Object { return p.kind.DeepCopyObject() }

// Destroy implements rest.Storage.
func (p *Parent) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (p *Parent) NamespaceScoped() bool { return !p.clusterScoped }

// GetSingularName implements rest.SingularNameProvider.
func (p *Parent) GetSingularName() string { return p.singular }
