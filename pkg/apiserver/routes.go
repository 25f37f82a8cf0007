// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"

	restful "github.com/emicklei/go-restful/v3"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	genericapiserver "k8s.io/apiserver/pkg/server"

	subresourcesv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/subresources/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// installVersionRoutes adds GET /apis/subresources.kubevirt.io/<version>/version, which virtctl reads
// whenever a command fails. It is no resource, so it is added to the group's web service by hand.
func installVersionRoutes(server *genericapiserver.GenericAPIServer) error {
	wanted := map[string]string{
		"/apis/" + subresourcesv1.SchemeGroupVersion.String(): "V1",
		"/apis/" + subresourcesv1.V1alpha3.String():           "V1alpha3",
	}
	for _, service := range server.Handler.GoRestfulContainer.RegisteredWebServices() {
		suffix, ok := wanted[service.RootPath()]
		if !ok {
			continue
		}
		delete(wanted, service.RootPath())
		service.Route(service.GET("version").To(serveVersion).
			Doc("get the version of the server").
			Operation("getSubresourcesVersion"+suffix).
			Produces("application/json").
			Returns(http.StatusOK, "OK", apimachineryversion.Info{}).
			Writes(apimachineryversion.Info{}))
	}
	if len(wanted) > 0 {
		return fmt.Errorf("add the version route: no web service for %v", wanted)
	}
	return nil
}

func serveVersion(request *restful.Request, response *restful.Response) {
	responsewriters.WriteRawJSON(http.StatusOK, version.KubeVirt(), response.ResponseWriter)
}
