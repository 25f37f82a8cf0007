// SPDX-License-Identifier: Apache-2.0

// Package mediatype narrows the media types that an API group offers.
package mediatype

import "k8s.io/apimachinery/pkg/runtime"

// JSONOnly offers JSON and YAML alone. A group whose types have no protobuf form must not offer protobuf:
// clients that ask for it first would be answered 406 rather than with JSON.
func JSONOnly(serializer runtime.NegotiatedSerializer) runtime.NegotiatedSerializer {
	return jsonOnly{serializer}
}

type jsonOnly struct {
	runtime.NegotiatedSerializer
}

func (s jsonOnly) SupportedMediaTypes() []runtime.SerializerInfo {
	var kept []runtime.SerializerInfo
	for _, info := range s.NegotiatedSerializer.SupportedMediaTypes() {
		if info.MediaType == runtime.ContentTypeJSON || info.MediaType == runtime.ContentTypeYAML {
			kept = append(kept, info)
		}
	}
	return kept
}
