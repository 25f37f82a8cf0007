// SPDX-License-Identifier: Apache-2.0

// Package registrytest gives tests of the registry a real etcd and the contexts of requests.
package registrytest

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	etcd3testing "k8s.io/apiserver/pkg/storage/etcd3/testing"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/install"
)

// Namespace of all requests.
const Namespace = "default"

// Storage starts an etcd that ends with the test and returns what a store is completed with.
func Storage(t *testing.T) (generic.RESTOptionsGetter, *runtime.Scheme) {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	server, backend := etcd3testing.NewUnsecuredEtcd3TestClientServer(t)
	t.Cleanup(func() { server.Terminate(t) })

	options := genericoptions.NewEtcdOptions(backend)
	options.EnableWatchCache = false
	factory := serverstorage.NewDefaultStorageFactory(*backend, runtime.ContentTypeJSON, serializer.NewCodecFactory(scheme),
		serverstorage.NewDefaultResourceEncodingConfig(scheme), serverstorage.NewResourceConfig(), nil)
	return options.CreateRESTOptionsGetter(factory, nil), scheme
}

// As returns the context of a request that the named user makes.
func As(t *testing.T, name string) context.Context {
	ctx := genericapirequest.WithNamespace(t.Context(), Namespace)
	return genericapirequest.WithUser(ctx, &user.DefaultInfo{Name: name})
}

// Allow returns an authorizer that lets everything pass but what refuse says.
func Allow(refuse func(authorizer.Attributes) bool) authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if refuse != nil && refuse(a) {
			return authorizer.DecisionDeny, "", nil
		}
		return authorizer.DecisionAllow, "", nil
	})
}
