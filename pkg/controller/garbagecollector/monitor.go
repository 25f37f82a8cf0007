// SPDX-License-Identifier: Apache-2.0

package garbagecollector

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// byOwner is the index of objects by the UIDs of their owners.
const byOwner = "owner"

// object is what the collector knows of an object.
type object = metav1.PartialObjectMetadata

// key names an object.
type key struct {
	resource        schema.GroupVersionResource
	namespace, name string
}

func (k key) String() string {
	return fmt.Sprintf("%s %s", k.resource.GroupResource(), cache.NewObjectName(k.namespace, k.name))
}

func keyOf(resource schema.GroupVersionResource, o *object) key {
	return key{resource, o.Namespace, o.Name}
}

// monitors know the collected objects, by resource.
type monitors map[schema.GroupVersionResource]cache.SharedIndexInformer

// watch returns the monitor of a resource, which does not run yet.
func watch(client metadata.Interface, resource schema.GroupVersionResource) (cache.SharedIndexInformer, error) {
	indexers := cache.Indexers{byOwner: owners}
	informer := metadatainformer.NewFilteredMetadataInformer(client, resource, metav1.NamespaceAll, 0, indexers, nil).Informer()
	if err := informer.SetTransform(strip); err != nil {
		return nil, fmt.Errorf("watch %s: %w", resource.GroupResource(), err)
	}
	return informer, nil
}

// strip keeps what is needed of an object: there may be many, with large annotations.
func strip(obj any) (any, error) {
	o, ok := obj.(*object)
	if !ok {
		return obj, nil
	}
	return &object{ObjectMeta: metav1.ObjectMeta{
		Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion,
		DeletionTimestamp: o.DeletionTimestamp, Finalizers: o.Finalizers, OwnerReferences: o.OwnerReferences,
	}}, nil
}

func owners(obj any) ([]string, error) {
	o, ok := obj.(*object)
	if !ok {
		return nil, nil
	}
	uids := make([]string, 0, len(o.OwnerReferences))
	for _, owner := range o.OwnerReferences {
		uids = append(uids, string(owner.UID))
	}
	return uids, nil
}

// get returns an object, or nil if it is not known.
func (m monitors) get(k key) *object {
	informer, ok := m[k.resource]
	if !ok {
		return nil
	}
	found, ok, err := informer.GetStore().GetByKey(cache.NewObjectName(k.namespace, k.name).String())
	if err != nil || !ok {
		return nil
	}
	o, _ := found.(*object)
	return o
}

// dependent is an object that another one owns.
type dependent struct {
	key
	*object
}

// dependents returns what the object of that UID owns.
func (m monitors) dependents(owner types.UID) []dependent {
	var all []dependent
	for resource, informer := range m {
		found, err := informer.GetIndexer().ByIndex(byOwner, string(owner))
		if err != nil {
			continue
		}
		for _, obj := range found {
			if o, ok := obj.(*object); ok {
				all = append(all, dependent{keyOf(resource, o), o})
			}
		}
	}
	return all
}

// blocks reports whether o keeps its owner of that UID from going, if that is deleted in the foreground.
func blocks(o *object, owner types.UID) bool {
	return slices.ContainsFunc(o.OwnerReferences, func(r metav1.OwnerReference) bool {
		return r.UID == owner && r.BlockOwnerDeletion != nil && *r.BlockOwnerDeletion
	})
}

// waits reports whether o is being deleted with the given finalizer of the collector's.
func waits(o *object, finalizer string) bool {
	return o.DeletionTimestamp != nil && slices.Contains(o.Finalizers, finalizer)
}
