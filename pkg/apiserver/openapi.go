// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kube-openapi/pkg/builder"
	"k8s.io/kube-openapi/pkg/cached"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/common/restfuladapter"
	"k8s.io/kube-openapi/pkg/handler"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// putOffOpenAPI forgets the document of OpenAPI v2 that the library has built at the start, some megabytes that
// hardly anybody asks for, and has it built again for the first who does.
func putOffOpenAPI(server *genericapiserver.GenericAPIServer, config *common.Config) genericapiserver.PostStartHookFunc {
	return func(genericapiserver.PostStartHookContext) error {
		server.OpenAPIVersionedService.UpdateSpecLazy(cached.Once(cached.Func(func() (*spec.Swagger, string, error) {
			services := restfuladapter.AdaptWebServices(server.Handler.GoRestfulContainer.RegisteredWebServices())
			document, err := builder.BuildOpenAPISpecFromRoutes(services, config)
			if err != nil {
				return nil, "", err
			}
			document.Definitions = handler.PruneDefaults(document.Definitions)
			return document, "built", nil
		})))
		server.StaticOpenAPISpec = nil
		return nil
	}
}
