// SPDX-License-Identifier: Apache-2.0

package link

import (
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Pattern of the paths that Agents asks for, for an http.ServeMux; What returns their last part.
const Pattern = "/v1/namespaces/{namespace}/virtualmachineinstances/{name}/{what}"

// Instance is the one that r, which fits Pattern, names. Of its members only these are set: namespace, name, and
// UID where r has one.
func Instance(r *http.Request) *kubevirtv1.VirtualMachineInstance {
	return &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{
		Namespace: r.PathValue("namespace"),
		Name:      r.PathValue("name"),
		UID:       types.UID(r.URL.Query().Get("uid")),
	}}
}

// What is asked for of the instance.
func What(r *http.Request) string { return r.PathValue("what") }
