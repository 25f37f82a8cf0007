// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/registry/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/util/compatibility"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/kube-openapi/pkg/validation/spec"

	generatedopenapi "github.com/virt-apiserver/virt-apiserver/pkg/generated/openapi"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/mediatype"
)

// ExtraGroups are API groups that one way to run has besides the product's own.
type ExtraGroups struct {
	// Legacy is served below /api; nil serves nothing there.
	Legacy *genericapiserver.APIGroupInfo
	// Groups are served below /apis.
	Groups []*genericapiserver.APIGroupInfo
	// Unwritable are resources of Legacy that clients only read, and why.
	Unwritable map[string]string
}

// Config is what a server is made of.
type Config struct {
	Generic *genericapiserver.RecommendedConfig
	Codecs  *Codecs
	// Streams reach the guests' consoles.
	Streams virtualmachineinstance.Streams
	// Calls reach the guests' launchers.
	Calls virtualmachineinstance.Calls
	// Claims are those of the cluster.
	Claims corev1client.PersistentVolumeClaimsGetter
	// Extra returns further groups; nil for none.
	Extra func(generic.RESTOptionsGetter) (ExtraGroups, error)
}

// NewGenericConfig returns the library's configuration with all that does not depend on the way to run.
func NewGenericConfig(codecs *Codecs) *genericapiserver.RecommendedConfig {
	config := genericapiserver.NewRecommendedConfig(codecs.Factory)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	namer := openapi.NewDefinitionNamer(codecs.Scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIConfig.GetDefinitionName = withoutHub(namer)
	config.OpenAPIConfig.Info = apiInfo()
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config.GetDefinitionName = withoutHub(namer)
	config.OpenAPIV3Config.Info = apiInfo()
	config.LongRunningFunc = genericfilters.BasicLongRunningRequestCheck(
		sets.NewString("watch"), sets.NewString("console", "vnc", "portforward", "vsock"))
	return config
}

func apiInfo() *spec.Info {
	return &spec.Info{InfoProps: spec.InfoProps{
		Title:       "virt-apiserver",
		Description: "Virtual machines as native Kubernetes resources.",
	}}
}

// withoutHub names definitions as namer does and leaves the hub version, which is nobody's wire form, out
// of the kinds that a definition is published for.
func withoutHub(namer *openapi.DefinitionNamer) func(string) (string, spec.Extensions) {
	const extension = "x-kubernetes-group-version-kind"
	return func(name string) (string, spec.Extensions) {
		friendly, extensions := namer.GetDefinitionName(name)
		kinds, ok := extensions[extension].([]any)
		if !ok {
			return friendly, extensions
		}
		var published []any
		for _, kind := range kinds {
			if gvk, ok := kind.(map[string]any); !ok || gvk["version"] != runtime.APIVersionInternal {
				published = append(published, kind)
			}
		}
		copied := spec.Extensions{}
		for key, value := range extensions {
			copied[key] = value
		}
		copied[extension] = published
		return friendly, copied
	}
}

// New returns a server, ready to be prepared and run.
func (c *Config) New() (*genericapiserver.GenericAPIServer, error) {
	c.Generic.EffectiveVersion = servedVersion{c.Generic.EffectiveVersion}
	takeNamedCreations(&c.Generic.Config, definedGroups())
	refuseWide(&c.Generic.Config)
	server, err := c.Generic.Complete().New("virt-apiserver", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, fmt.Errorf("build the API server: %w", err)
	}
	groups, machines, err := c.groups()
	if err != nil {
		return nil, err
	}
	var unwritable map[string]string
	if c.Extra != nil {
		extra, err := c.Extra(c.Generic.RESTOptionsGetter)
		if err != nil {
			return nil, fmt.Errorf("build the core groups: %w", err)
		}
		if extra.Legacy != nil {
			if err := server.InstallLegacyAPIGroup(genericapiserver.DefaultLegacyAPIPrefix, extra.Legacy); err != nil {
				return nil, fmt.Errorf("install the core group: %w", err)
			}
		}
		groups, unwritable = append(groups, extra.Groups...), extra.Unwritable
	}
	if err := server.InstallAPIGroups(groups...); err != nil {
		return nil, fmt.Errorf("install API groups: %w", err)
	}
	if err := installClientRoutes(server, machines); err != nil {
		return nil, err
	}
	if len(unwritable) > 0 {
		if err := installRefusals(server, unwritable); err != nil {
			return nil, err
		}
	}
	boundVerbosity(server, c.Generic.EnableProfiling)
	// Without it /readyz would be green while lists are still answered "storage is (re)initializing".
	if err := server.AddPostStartHook("storage-readiness", server.StorageReadinessHook.Hook); err != nil {
		return nil, fmt.Errorf("add the storage readiness hook: %w", err)
	}
	if err := server.AddPostStartHook("openapi-on-demand", putOffOpenAPI(server, c.Generic.OpenAPIConfig)); err != nil {
		return nil, fmt.Errorf("add the hook of OpenAPI: %w", err)
	}
	return server, nil
}

// groupInfo returns an empty group that speaks JSON.
func (c *Config) groupInfo(gv schema.GroupVersion) *genericapiserver.APIGroupInfo {
	info := genericapiserver.NewDefaultAPIGroupInfo(gv.Group, c.Codecs.Scheme, c.Codecs.Parameters, c.Codecs.Factory)
	info.NegotiatedSerializer = mediatype.JSONOnly(info.NegotiatedSerializer)
	return &info
}
