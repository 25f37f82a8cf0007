// SPDX-License-Identifier: Apache-2.0

// Package registrytest gives tests of the registry a real etcd and the contexts of requests.
package registrytest

import (
	"context"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
)

// Namespace of all requests.
const Namespace = "default"

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
