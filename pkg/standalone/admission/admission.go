// SPDX-License-Identifier: Apache-2.0

// Package admission guards namespaces on a standalone server: nothing is made in one that is not there or is
// being deleted, and the system's own stay. What an object may hold is each registry's own business.
package admission

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core"
)

// New returns the admission of a server that client and factory reach themselves, over its loopback. Writes into
// namespaces wait, for ten seconds at most, until factory has been started and knows the namespaces.
func New(client kubernetes.Interface, factory informers.SharedInformerFactory) (admission.Interface, error) {
	plugin, err := lifecycle.NewLifecycle(sets.New(core.SystemNamespaces()...))
	if err != nil {
		return nil, fmt.Errorf("guard namespaces: %w", err)
	}
	plugin.SetExternalKubeClientSet(client)
	plugin.SetExternalKubeInformerFactory(factory)
	if err := plugin.ValidateInitialization(); err != nil {
		return nil, fmt.Errorf("guard namespaces: %w", err)
	}
	return plugin, nil
}
