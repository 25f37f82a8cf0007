// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"strings"

	restful "github.com/emicklei/go-restful/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// installRefusals answers writes of resources of the group without a name that clients only read. Discovery does
// not list the verbs; a bare "method not allowed" would not say what to do instead.
func installRefusals(server *genericapiserver.GenericAPIServer, why map[string]string) error {
	const root = "/api/v1"
	for _, service := range server.Handler.GoRestfulContainer.RegisteredWebServices() {
		if service.RootPath() != root {
			continue
		}
		for resource, reason := range why {
			refuse(service, resource, resource, reason)
			refuse(service, "namespaces/{namespace}/"+resource, resource, reason)
		}
		return nil
	}
	return fmt.Errorf("add refusals: no web service for %s", root)
}

// refuse adds the routes of writes below path.
func refuse(service *restful.WebService, path, resource, reason string) {
	named := path + "/{name}"
	for _, write := range []struct{ method, verb, path string }{
		{http.MethodPost, "create", path}, {http.MethodPut, "replace", named}, {http.MethodPatch, "patch", named},
		{http.MethodDelete, "delete", named},
	} {
		path := write.path
		route := service.Method(write.method).Path(path).To(refusal(resource, reason)).
			Doc("refused: "+reason).
			Operation(write.verb+"Refused_"+strings.NewReplacer("/", "_", "{", "", "}", "").Replace(path)).
			Produces("application/json").
			Returns(http.StatusMethodNotAllowed, "Method Not Allowed", metav1.Status{})
		for _, parameter := range []string{"namespace", "name"} {
			if strings.Contains(path, "{"+parameter+"}") {
				route.Param(service.PathParameter(parameter, parameter))
			}
		}
		service.Route(route)
	}
}

func refusal(resource, reason string) restful.RouteFunction {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: http.StatusMethodNotAllowed, Reason: metav1.StatusReasonMethodNotAllowed,
		Message: fmt.Sprintf("%s cannot be written: %s", resource, reason),
		Details: &metav1.StatusDetails{Kind: resource},
	}
	return func(_ *restful.Request, response *restful.Response) {
		responsewriters.WriteRawJSON(http.StatusMethodNotAllowed, status, response.ResponseWriter)
	}
}
