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

// installClientRoutes adds GET /apis/subresources.kubevirt.io/<version>/version, which virtctl reads whenever a
// command fails, and …/healthz. They are no resources, so they are added to the group's web services by hand.
func installClientRoutes(server *genericapiserver.GenericAPIServer) error {
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
		service.Route(service.GET("healthz").To(serveHealth(server.Handler.NonGoRestfulMux)).
			Doc("get the health of the server").
			Operation("getSubresourcesHealth"+suffix).
			Produces("application/json").
			Returns(http.StatusOK, "OK", "").
			Returns(http.StatusInternalServerError, "Internal Server Error", ""))
	}
	if len(wanted) > 0 {
		return fmt.Errorf("add the clients' routes: no web service for %v", wanted)
	}
	return nil
}

func serveVersion(request *restful.Request, response *restful.Response) {
	responsewriters.WriteRawJSON(http.StatusOK, version.KubeVirt(), response.ResponseWriter)
}
