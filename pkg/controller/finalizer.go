// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// objectPatch is a merge patch of an object's metadata. The UID and the resource version make the server
// refuse it with a conflict when the object is not the one that was looked at.
type objectPatch struct {
	Metadata metadataPatch `json:"metadata"`
}

type metadataPatch struct {
	UID             types.UID                `json:"uid,omitempty"`
	ResourceVersion string                   `json:"resourceVersion,omitempty"`
	Finalizers      *[]string                `json:"finalizers,omitempty"`
	OwnerReferences *[]metav1.OwnerReference `json:"ownerReferences,omitempty"`
}

// WithoutFinalizer returns the merge patch that takes finalizer off obj, and off exactly this version of it.
func WithoutFinalizer(obj metav1.Object, finalizer string) ([]byte, error) {
	rest := slices.DeleteFunc(slices.Clone(obj.GetFinalizers()), func(f string) bool { return f == finalizer })
	return patch(obj, metadataPatch{Finalizers: notNil(rest)})
}

// WithoutOwner returns the merge patch that ends obj's being owned by owner, for exactly this version of it.
func WithoutOwner(obj metav1.Object, owner types.UID) ([]byte, error) {
	rest := slices.DeleteFunc(slices.Clone(obj.GetOwnerReferences()), func(r metav1.OwnerReference) bool { return r.UID == owner })
	return patch(obj, metadataPatch{OwnerReferences: notNil(rest)})
}

func patch(obj metav1.Object, metadata metadataPatch) ([]byte, error) {
	metadata.UID, metadata.ResourceVersion = obj.GetUID(), obj.GetResourceVersion()
	body, err := json.Marshal(objectPatch{Metadata: metadata})
	if err != nil {
		return nil, fmt.Errorf("patch %s/%s: %w", obj.GetNamespace(), obj.GetName(), err)
	}
	return body, nil
}

// notNil makes an empty list appear in the patch as one: null would do as well, absence would change nothing.
func notNil[T any](list []T) *[]T {
	if list == nil {
		list = []T{}
	}
	return &list
}
