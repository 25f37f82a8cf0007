// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/virt-apiserver/virt-apiserver/pkg/roles"
	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

// stored are the requests on stored objects. A dry run, so that those that are
// allowed leave the objects for the others.
func stored(t *testing.T, ns string) (reads, writes []request) {
	t.Helper()
	for resource := range apitest.Manifests {
		all := "/apis/" + resource.Group + "/" + resource.Version + "/namespaces/" + ns + "/" + resource.Resource
		reads = append(reads, request{http.MethodGet, all, ""}, request{http.MethodGet, all + "/one", ""})
		writes = append(writes,
			request{http.MethodPost, all + "?dryRun=All", apitest.Named(t, resource, "new")},
			request{http.MethodPatch, all + "/one?dryRun=All", `{"metadata":{"labels":{"a":"b"}}}`},
			request{http.MethodDelete, all + "/one?dryRun=All", ""},
		)
	}
	return reads, writes
}

type action struct{ resource, verb string }

// subresources are all that users may do with a machine or an instance in both groups, with the verb that allows
// it. With read, those that the role view has.
func subresources(read bool) []action {
	var all []action
	for _, entry := range roles.Table() {
		_, reads := entry.Rights[roles.View]
		switch entry.Resource { // not a route of its own, and not served
		case "virtualmachineinstances/vnc/screenshot", "virtualmachines/migrate":
			continue
		}
		if len(entry.Groups) == 2 && len(entry.Rights) > 0 && reads == read {
			all = append(all, action{entry.Resource, entry.Rights[roles.Edit][0]})
		}
	}
	return all
}

// actions are the requests on given subresources, in both groups.
func actions(ns string, subresources []action) []request {
	var all []request
	for _, group := range []string{"kubevirt.io", "subresources.kubevirt.io"} {
		for _, version := range []string{"v1", "v1alpha3"} {
			base := "/apis/" + group + "/" + version + "/namespaces/" + ns + "/"
			for _, s := range subresources {
				if s.verb == "get" {
					all = append(all, request{http.MethodGet, base + onObject(s.resource), ""})
				} else {
					all = append(all, request{http.MethodPut, base + onObject(s.resource), `{"dryRun":["All"]}`})
				}
			}
		}
	}
	return all
}

func TestClusterRolesOfUpstreamsNamesAllowWhatTheySay(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	for resource := range apitest.Manifests {
		shared.Create(t, resource, ns, "one")
	}
	reads, writes := stored(t, ns)
	acts, asks := actions(ns, subresources(false)), actions(ns, subresources(true))
	for _, test := range []struct {
		role                     string
		reading, writing, acting bool
	}{
		{"", false, false, false},
		{"view", true, false, false},
		{"edit", true, true, true},
		{"admin", true, true, true},
	} {
		user := "user-" + test.role + "-" + ns
		if test.role != "" {
			bind(t, ns, user, test.role)
		}
		for _, group := range []struct {
			requests []request
			allowed  bool
		}{{reads, test.reading}, {writes, test.writing}, {acts, test.acting}, {asks, test.reading}} {
			for _, r := range group.requests {
				code := r.status(t, user)
				assert.NotEqual(t, http.StatusNotFound, code, "%s is not served", r)
				assert.Equal(t, group.allowed, code != http.StatusForbidden, "%q, %s: %d", test.role, r, code)
			}
		}
	}
}

// Whoever may do one thing with a machine may do that thing alone.
func TestEachSubresourceIsGrantedByItself(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	shared.Create(t, apitest.Machines, ns, "one")
	shared.Create(t, apitest.Instances, ns, "one")
	all := append(subresources(false), subresources(true)...)
	for _, granted := range all {
		for _, group := range []string{"kubevirt.io", "subresources.kubevirt.io"} {
			user := "only-" + granted.resource + "-" + group
			grant(t, ns, user, group, granted.resource, granted.verb)
			for _, r := range actions(ns, all) {
				allowed := strings.HasPrefix(r.path, "/apis/"+group+"/") && strings.HasSuffix(r.path, "/"+onObject(granted.resource))
				code := r.status(t, user)
				assert.Equal(t, allowed, code != http.StatusForbidden, "%s: %s: %d", user, r, code)
			}
		}
	}
}

func TestCanIAnswersForSubresources(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	bind(t, ns, "viewer-"+ns, "view")
	bind(t, ns, "editor-"+ns, "edit")
	for _, action := range []string{"start", "stop", "restart"} {
		can := []string{"-n", ns, "auth", "can-i", "update", "virtualmachines.subresources.kubevirt.io/one", "--subresource=" + action}
		assert.Equal(t, "yes\n", shared.Kubectl(t, append(can, "--as=editor-"+ns)...))
		output, _, err := shared.TryKubectl(t, "", append(can, "--as=viewer-"+ns)...)
		assert.Error(t, err)
		assert.Equal(t, "no\n", output)
	}
}

// onObject puts the name of the tests' object into resource/subresource.
func onObject(resource string) string { return strings.Replace(resource, "/", "/one/", 1) }
