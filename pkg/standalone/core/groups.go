// SPDX-License-Identifier: Apache-2.0

package core

import (
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/mediatype"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core/apiextensions"
)

// Config is what the groups are made of. Install has been applied to Scheme.
type Config struct {
	Scheme     *runtime.Scheme
	Codecs     serializer.CodecFactory
	Parameters runtime.ParameterCodec
	Storage    generic.RESTOptionsGetter
	// Authorizer and Rules answer a client that asks what it may do.
	Authorizer authorizer.UnconditionalAuthorizer
	Rules      authorizer.RuleResolver
}

// Groups are the API groups of this package.
type Groups struct {
	// Legacy is the group without a name, which is served below /api.
	Legacy *genericapiserver.APIGroupInfo
	// Named are the others.
	Named []*genericapiserver.APIGroupInfo
	// Nodes are for the server to report its host.
	Nodes *Nodes
}

// Unwritable are the resources of the group without a name that clients only read, and why that is so.
func Unwritable() map[string]string {
	why := map[string]string{"nodes": whyNoNodes}
	for _, kind := range emptyKinds() {
		why[kind.resource] = kind.why
	}
	return why
}

// NewGroups returns the groups, ready to be installed in a server.
func NewGroups(c Config) (*Groups, error) {
	classes, err := storageClasses().newStorage(c.Storage, c.Scheme)
	if err != nil {
		return nil, err
	}
	legacy, err := c.legacy(classes)
	if err != nil {
		return nil, err
	}
	reported, node, err := newNodes(c.Storage, c.Scheme)
	if err != nil {
		return nil, err
	}
	resources := legacy.VersionedResourcesStorageMap[corev1.SchemeGroupVersion.Version]
	resources["nodes"] = node
	for _, kind := range emptyKinds() {
		resources[kind.resource] = newNoObjects(kind)
	}
	custom, err := newDefinitionStorage(c.Storage, c.Scheme)
	if err != nil {
		return nil, err
	}
	extensions := c.group(apiextensions.SchemeGroupVersion, map[string]rest.Storage{"customresourcedefinitions": custom})
	extensions.NegotiatedSerializer = mediatype.JSONOnly(extensions.NegotiatedSerializer)
	return &Groups{Legacy: legacy, Nodes: reported, Named: []*genericapiserver.APIGroupInfo{
		c.group(storagev1.SchemeGroupVersion, map[string]rest.Storage{"storageclasses": classes}),
		c.group(authorizationv1.SchemeGroupVersion, map[string]rest.Storage{
			"selfsubjectaccessreviews": newAccessReview(c.Authorizer),
			"selfsubjectrulesreviews":  newRulesReview(c.Rules),
		}),
		extensions,
	}}, nil
}

func (c Config) legacy(classes rest.Lister) (*genericapiserver.APIGroupInfo, error) {
	namespace, namespaceStatus, finalize, err := newNamespaceStorages(c.Storage, c.Scheme)
	if err != nil {
		return nil, err
	}
	claim, claimStatus, err := newClaimStorages(c.Storage, c.Scheme, classes)
	if err != nil {
		return nil, err
	}
	secret, err := secrets().newStorage(c.Storage, c.Scheme)
	if err != nil {
		return nil, err
	}
	configMap, err := configMaps().newStorage(c.Storage, c.Scheme)
	if err != nil {
		return nil, err
	}
	event, err := events().newStorage(c.Storage, c.Scheme)
	if err != nil {
		return nil, err
	}
	return c.group(corev1.SchemeGroupVersion, map[string]rest.Storage{
		"namespaces":                    namespace,
		"namespaces/status":             namespaceStatus,
		"namespaces/finalize":           finalize,
		"secrets":                       secret,
		"configmaps":                    configMap,
		"events":                        event,
		"persistentvolumeclaims":        claim,
		"persistentvolumeclaims/status": claimStatus,
	}), nil
}

func (c Config) group(gv schema.GroupVersion, resources map[string]rest.Storage) *genericapiserver.APIGroupInfo {
	info := genericapiserver.NewDefaultAPIGroupInfo(gv.Group, c.Scheme, c.Parameters, c.Codecs)
	info.VersionedResourcesStorageMap[gv.Version] = resources
	return &info
}
