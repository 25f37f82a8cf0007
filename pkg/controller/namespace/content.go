// SPDX-License-Identifier: Apache-2.0

package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// content is what is left in a namespace.
type content struct {
	// objects are counted by resource, those with finalizers by finalizer.
	objects    map[schema.GroupResource]int
	finalizers map[string]int
	// undiscovered and undeleted are what went wrong.
	undiscovered error
	undeleted    error
}

func (c *content) isEmpty() bool {
	return len(c.objects) == 0 && c.undiscovered == nil && c.undeleted == nil
}

// empty deletes all that is in the namespace and returns what is left.
func (c *Controller) empty(ctx context.Context, namespace string) *content {
	found := &content{objects: map[schema.GroupResource]int{}, finalizers: map[string]int{}}
	resources, err := c.deletable()
	found.undiscovered = err
	for _, resource := range resources {
		if err := c.emptyOf(ctx, namespace, resource, found); err != nil {
			found.undeleted = errors.Join(found.undeleted, fmt.Errorf("%s: %w", resource.GroupResource(), err))
		}
	}
	return found
}

// deletable returns the namespaced resources whose objects can be found and deleted, each in one version.
func (c *Controller) deletable() ([]schema.GroupVersionResource, error) {
	lists, err := discovery.ServerPreferredNamespacedResources(c.kube.Discovery())
	if err != nil {
		err = fmt.Errorf("discover resources: %w", err)
	}
	lists = discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete", "deletecollection"}}, lists)
	var resources []schema.GroupVersionResource
	for _, list := range lists {
		gv, parseErr := schema.ParseGroupVersion(list.GroupVersion)
		err = errors.Join(err, parseErr)
		for _, resource := range list.APIResources {
			resources = append(resources, gv.WithResource(resource.Name))
		}
	}
	return resources, err
}

func (c *Controller) emptyOf(ctx context.Context, namespace string, resource schema.GroupVersionResource, found *content) error {
	client := c.metadata.Resource(resource).Namespace(namespace)
	list, err := client.List(ctx, metav1.ListOptions{})
	if err == nil && slices.ContainsFunc(list.Items, isLive) {
		if err = client.DeleteCollection(ctx, background(), metav1.ListOptions{}); err == nil {
			list, err = client.List(ctx, metav1.ListOptions{})
		}
	}
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range list.Items {
		found.objects[resource.GroupResource()]++
		for _, finalizer := range list.Items[i].Finalizers {
			found.finalizers[finalizer]++
		}
	}
	return nil
}

func isLive(object metav1.PartialObjectMetadata) bool { return object.DeletionTimestamp == nil }

func background() metav1.DeleteOptions {
	policy := metav1.DeletePropagationBackground
	return metav1.DeleteOptions{PropagationPolicy: &policy}
}
