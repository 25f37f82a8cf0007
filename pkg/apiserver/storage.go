// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

// DefaultEtcdPrefix is where everything is kept in etcd.
const DefaultEtcdPrefix = "/registry/virt-apiserver"

// NewEtcdOptions returns the library's options with the product's prefix.
func NewEtcdOptions() *genericoptions.EtcdOptions {
	options := genericoptions.NewEtcdOptions(storagebackend.NewDefaultConfig(DefaultEtcdPrefix, nil))
	options.DefaultStorageMediaType = runtime.ContentTypeJSON
	return options
}

// ApplyEtcd makes config keep each resource of codecs under <prefix>/<group>/<resource>, in the
// preferred version of its own group.
func ApplyEtcd(options *genericoptions.EtcdOptions, config *genericapiserver.Config, codecs *Codecs) error {
	backend := options.StorageConfig
	if backend.StorageObjectCountTracker == nil {
		backend.StorageObjectCountTracker = config.StorageObjectCountTracker
	}
	factory := serverstorage.NewDefaultStorageFactory(backend, options.DefaultStorageMediaType, codecs.Factory,
		serverstorage.NewDefaultResourceEncodingConfig(codecs.Scheme), serverstorage.NewResourceConfig(), nil)
	return options.ApplyWithStorageFactoryTo(groupedFactory{factory}, config)
}

// groupedFactory keeps resources of the same name in different groups apart, which the default factory
// does not.
type groupedFactory struct {
	*serverstorage.DefaultStorageFactory
}

func (f groupedFactory) ResourcePrefix(resource schema.GroupResource) string {
	group := resource.Group
	if group == "" {
		group = "core"
	}
	return group + "/" + resource.Resource
}
