// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/install"
)

// Codecs are a scheme and what encodes and decodes its kinds.
type Codecs struct {
	Scheme     *runtime.Scheme
	Factory    serializer.CodecFactory
	Parameters runtime.ParameterCodec
}

// NewCodecs returns codecs for the product's groups and for those that more installs.
func NewCodecs(more ...func(*runtime.Scheme)) *Codecs {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	for _, add := range more {
		add(scheme)
	}
	// The handlers look options up in the group "" and its version v1, whatever the resource's group.
	unversioned := schema.GroupVersion{Version: "v1"}
	metav1.AddToGroupVersion(scheme, unversioned)
	scheme.AddUnversionedTypes(unversioned,
		&metav1.Status{}, &metav1.APIVersions{}, &metav1.APIGroupList{}, &metav1.APIGroup{}, &metav1.APIResourceList{})
	return &Codecs{
		Scheme:     scheme,
		Factory:    serializer.NewCodecFactory(scheme),
		Parameters: runtime.NewParameterCodec(scheme),
	}
}
