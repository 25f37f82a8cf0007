// SPDX-License-Identifier: Apache-2.0

package garbagecollector

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// resource is one that owners may be of.
type resource struct {
	schema.GroupVersionResource
	namespaced bool
	// collected are resources whose objects are watched and deleted; others can only be owners.
	collected bool
}

// discover returns the resources by the kind of their objects, each in the version that the server prefers.
func discover(client discovery.DiscoveryInterface, ignored []schema.GroupResource) (map[schema.GroupKind]resource, error) {
	lists, err := discovery.ServerPreferredResources(client)
	if err != nil {
		return nil, fmt.Errorf("discover resources: %w", err)
	}
	found := map[schema.GroupKind]resource{}
	for _, list := range lists {
		gv, parseErr := schema.ParseGroupVersion(list.GroupVersion)
		err = errors.Join(err, parseErr)
		for i := range list.APIResources {
			api := &list.APIResources[i]
			if !supports(api, "get") {
				continue
			}
			gvr := gv.WithResource(api.Name)
			found[schema.GroupKind{Group: gv.Group, Kind: api.Kind}] = resource{
				GroupVersionResource: gvr,
				namespaced:           api.Namespaced,
				collected:            supports(api, "list", "watch", "delete", "patch") && !slices.Contains(ignored, gvr.GroupResource()),
			}
		}
	}
	return found, err
}

func supports(api *metav1.APIResource, verbs ...string) bool {
	return discovery.SupportsAllVerbs{Verbs: verbs}.Match("", api)
}
