// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"

	"github.com/virt-apiserver/virt-apiserver/pkg/roles"
)

// withoutStorage completes stores that are looked at and not used.
func withoutStorage() generic.RESTOptions {
	return generic.RESTOptions{
		StorageConfig:  &storagebackend.ConfigForResource{},
		ResourcePrefix: "test",
		Decorator: func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error),
			func() runtime.Object, func() runtime.Object, storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers,
		) (storage.Interface, factory.DestroyFunc, error) {
			return nil, func() {}, nil
		},
	}
}

// served are the storages of all groups.
func served(t *testing.T) map[schema.GroupResource]rest.Storage {
	t.Helper()
	codecs := NewCodecs()
	config := &Config{Generic: NewGenericConfig(codecs), Codecs: codecs}
	config.Generic.RESTOptionsGetter = withoutStorage()
	config.Generic.Authorization.Authorizer = authorizer.AuthorizerFunc(
		func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
			return authorizer.DecisionDeny, "", nil
		})
	groups, _, err := config.groups()
	require.NoError(t, err)
	all := map[schema.GroupResource]rest.Storage{}
	for _, group := range groups {
		for _, resources := range group.VersionedResourcesStorageMap {
			for name, storage := range resources {
				all[schema.GroupResource{Group: group.PrioritizedVersions[0].Group, Resource: name}] = storage
			}
		}
	}
	return all
}

// verbs are those by which requests for a storage are authorised.
func verbs(name string, storage rest.Storage) []string {
	switch name { // by hand, see installClientRoutes
	case "expand-vm-spec":
		return []string{"update"}
	case "guestfs", "healthz", "version":
		return []string{"get"}
	}
	if connecter, ok := storage.(rest.Connecter); ok {
		byMethod := map[string]string{http.MethodGet: "get", http.MethodPut: "update", http.MethodPost: "create"}
		var all []string
		for _, method := range connecter.ConnectMethods() {
			all = append(all, byMethod[method])
		}
		return all
	}
	all := map[string]bool{}
	_, all["get"] = storage.(rest.Getter)
	_, all["list"] = storage.(rest.Lister)
	_, all["watch"] = storage.(rest.Watcher)
	_, all["create"] = storage.(rest.Creater)
	_, all["update"] = storage.(rest.Updater)
	_, all["patch"] = storage.(rest.Patcher)
	_, all["delete"] = storage.(rest.GracefulDeleter)
	_, all["deletecollection"] = storage.(rest.CollectionDeleter)
	maps.DeleteFunc(all, func(_ string, has bool) bool { return !has })
	return slices.Sorted(maps.Keys(all))
}

func inTable() map[schema.GroupResource]roles.Rights {
	table := map[schema.GroupResource]roles.Rights{}
	for _, entry := range roles.Table() {
		for _, group := range entry.Groups {
			table[schema.GroupResource{Group: group, Resource: entry.Resource}] = entry.Rights
		}
	}
	return table
}

func TestRolesKnowEachResourceAndActionThatIsServed(t *testing.T) {
	table := inTable()
	for resource, storage := range served(t) {
		rights, ok := table[resource]
		if !assert.True(t, ok, "%s is not in the table of package roles", resource) || len(rights) == 0 {
			continue
		}
		for _, verb := range verbs(resource.Resource, storage) {
			allows := func(allowed []string) bool { return slices.Contains(allowed, verb) || slices.Contains(allowed, "*") }
			assert.True(t, slices.ContainsFunc(slices.Collect(maps.Values(rights)), allows),
				"no role allows %s on %s", verb, resource)
		}
	}
}

func TestRolesAllowNothingThatIsNotServed(t *testing.T) {
	// A path below an action, a right that is not a route, and what the role for migrations is for.
	for resource := range inTable() {
		switch resource.Resource {
		case "virtualmachineinstances/vnc/screenshot", "datavolumes/source",
			"virtualmachineinstancemigrations", "virtualmachines/migrate":
			continue
		}
		assert.Contains(t, served(t), resource)
	}
}
