// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"

	restful "github.com/emicklei/go-restful/v3"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	subresourcesv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/subresources/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/subresources"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// clientRoutes are what discovery lists for the routes of installClientRoutes.
func clientRoutes() map[string]rest.Storage {
	machine, info := &subresourcesv1.VirtualMachine{}, &subresourcesv1.Info{}
	return map[string]rest.Storage{
		"expand-vm-spec": subresources.NewParent(machine, "expand-vm-spec"),
		"guestfs":        subresources.NewClusterParent(info, "guestfs"),
		"healthz":        subresources.NewClusterParent(info, "healthz"),
		"version":        subresources.NewClusterParent(info, "version"),
	}
}

// installClientRoutes adds GET /apis/subresources.kubevirt.io/<version>/version, which virtctl reads whenever a
// command fails, …/healthz, …/guestfs, and PUT …/namespaces/<namespace>/expand-vm-spec. They have no objects, so
// they are added to the group's web services by hand.
func installClientRoutes(server *genericapiserver.GenericAPIServer, machines *virtualmachine.Storage) error {
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
		service.Route(service.GET("guestfs").To(serveGuestfs).
			Doc("get the image that virtctl guestfs runs").
			Operation("getSubresourcesGuestfs"+suffix).
			Produces("application/json").
			Returns(http.StatusOK, "OK", subresourcesv1.GuestfsInfo{}).
			Writes(subresourcesv1.GuestfsInfo{}))
		service.Route(service.PUT("namespaces/{namespace}/expand-vm-spec").To(serveExpansion(machines)).
			Doc("get a machine with its instance type, its preference and the defaults of its instances applied").
			Operation("createExpandedVMSpec"+suffix).
			Param(service.PathParameter("namespace", "the namespace of the machine")).
			Consumes("application/json").
			Produces("application/json").
			Reads(kubevirtv1.VirtualMachine{}).
			Returns(http.StatusOK, "OK", kubevirtv1.VirtualMachine{}).
			Writes(kubevirtv1.VirtualMachine{}))
	}
	if len(wanted) > 0 {
		return fmt.Errorf("add the clients' routes: no web service for %v", wanted)
	}
	return nil
}

func serveVersion(request *restful.Request, response *restful.Response) {
	responsewriters.WriteRawJSON(http.StatusOK, version.KubeVirt(), response.ResponseWriter)
}

func serveGuestfs(_ *restful.Request, response *restful.Response) {
	responsewriters.WriteRawJSON(http.StatusOK, subresourcesv1.GuestfsInfo{Tag: version.CompatibleWith()}, response.ResponseWriter)
}

// serveExpansion needs no machine to be stored. Who may ask was decided by the resource's name, expand-vm-spec.
func serveExpansion(machines *virtualmachine.Storage) restful.RouteFunction {
	return func(request *restful.Request, response *restful.Response) {
		namespace := request.PathParameter("namespace")
		ctx := genericapirequest.WithNamespace(request.Request.Context(), namespace)
		expanded, err := machines.ExpandBody(ctx, namespace, request.Request.Body)
		if err != nil {
			status := responsewriters.ErrorToAPIStatus(err)
			responsewriters.WriteRawJSON(int(status.Code), status, response.ResponseWriter)
			return
		}
		responsewriters.WriteRawJSON(http.StatusOK, expanded, response.ResponseWriter)
	}
}
