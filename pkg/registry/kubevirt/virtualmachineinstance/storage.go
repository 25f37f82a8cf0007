// SPDX-License-Identifier: Apache-2.0

// Package virtualmachineinstance stores VirtualMachineInstances and serves their actions. Running them is
// the work of pkg/controller/virtualmachineinstance and pkg/node.
package virtualmachineinstance

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// Storage is the resource and its subresources.
type Storage struct {
	Instance *REST
	Status   *strategy.Status
	devices  *devices
	control  *control
}

// REST is the resource.
type REST struct {
	*genericregistry.Store
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewStorage returns the storage of instances. Whoever makes one must be allowed to read what its volumes
// name, which authorizer answers; streams and calls reach the guests.
func NewStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme, authorizer *reference.Authorizer, streams Streams, calls Calls) (*Storage, error) {
	behaviour := instanceStrategy{strategy.NewNamespaced(scheme)}
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &kubevirtv1.VirtualMachineInstance{} },
		NewListFunc:               func() runtime.Object { return &kubevirtv1.VirtualMachineInstanceList{} },
		DefaultQualifiedResource:  kubevirtv1.Resource("virtualmachineinstances"),
		SingularQualifiedResource: kubevirtv1.Resource("virtualmachineinstance"),
		CreateStrategy:            behaviour,
		UpdateStrategy:            behaviour,
		DeleteStrategy:            behaviour,
		ResetFieldsStrategy:       behaviour,
		TableConvertor:            newTable(),
	}
	options := &generic.StoreOptions{RESTOptions: getter, AttrFunc: attributes, TriggerFunc: triggers(), Indexers: indexers()}
	if err := store.CompleteWithOptions(options); err != nil {
		return nil, fmt.Errorf("complete store: %w", err)
	}
	instance := &REST{reference.Guard(store, authorizer, references)}
	return &Storage{
		Instance: instance,
		Status:   strategy.NewStatus(store, statusStrategy{behaviour}),
		devices:  newDevices(instance, streams, calls),
		control:  &control{instances: instance, calls: calls},
	}, nil
}

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return []string{"vmi", "vmis"} }

// Categories implements rest.CategoriesProvider.
func (r *REST) Categories() []string { return []string{"all"} }

func references(obj runtime.Object) []reference.Reference {
	return References(&obj.(*kubevirtv1.VirtualMachineInstance).Spec, field.NewPath("spec"))
}

// References returns what an instance of that spec, which is at path, reads.
func References(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) []reference.Reference {
	var found []reference.Reference
	for i := range spec.AccessCredentials {
		kind := "sshPublicKey"
		if spec.AccessCredentials[i].UserPassword != nil {
			kind = "userPassword"
		}
		path := path.Child("accessCredentials").Index(i).Child(kind, "source", "secret", "secretName")
		found = append(found, reference.Secret(path, spec.AccessCredentials[i].SecretName()))
	}
	if container := spec.Domain.Firmware.KernelContainer(); container != nil {
		path := path.Child("domain", "firmware", "kernelBoot", "container", "imagePullSecret")
		found = append(found, reference.Secret(path, ptr.Deref(container.ImagePullSecret, "")).To(reference.Repository(container.Image)))
	}
	for i := range spec.Volumes {
		volume, path := &spec.Volumes[i], path.Child("volumes").Index(i)
		if claim := volume.PersistentVolumeClaim; claim != nil {
			found = append(found, reference.Claim(path.Child("persistentVolumeClaim", "claimName"), claim.ClaimName))
		}
		if dataVolume := volume.DataVolume; dataVolume != nil {
			// The guest gets the claim that the DataVolume fills, whose name is the same.
			found = append(found, reference.Claim(path.Child("dataVolume", "name"), dataVolume.Name))
		}
		found = append(found, fileReferences(&volume.VolumeSource, path)...)
		if disk := volume.ContainerDisk; disk != nil {
			path := path.Child("containerDisk", "imagePullSecret")
			found = append(found, reference.Secret(path, ptr.Deref(disk.ImagePullSecret, "")).To(reference.Repository(disk.Image)))
		}
		found = append(found, cloudInitReferences(volume.CloudInitNoCloud, path.Child("cloudInitNoCloud"))...)
		found = append(found, cloudInitReferences(volume.CloudInitConfigDrive, path.Child("cloudInitConfigDrive"))...)
	}
	return found
}

// fileReferences are those of volumes that are made from objects, and of claims that are only read.
func fileReferences(volume *kubevirtv1.VolumeSource, path *field.Path) []reference.Reference {
	var found []reference.Reference
	if ephemeral := volume.Ephemeral; ephemeral != nil && ephemeral.PersistentVolumeClaim != nil {
		found = append(found, reference.Claim(path.Child("ephemeral", "persistentVolumeClaim", "claimName"), ephemeral.PersistentVolumeClaim.ClaimName))
	}
	if volume.ConfigMap != nil {
		found = append(found, reference.ConfigMap(path.Child("configMap", "name"), ptr.Deref(volume.ConfigMap.Name, "")))
	}
	if volume.Secret != nil {
		found = append(found, reference.Secret(path.Child("secret", "secretName"), ptr.Deref(volume.Secret.SecretName, "")))
	}
	if sysprep := volume.Sysprep; sysprep != nil && sysprep.ConfigMap != nil {
		found = append(found, reference.ConfigMap(path.Child("sysprep", "configMap", "name"), sysprep.ConfigMap.Name))
	}
	if sysprep := volume.Sysprep; sysprep != nil && sysprep.Secret != nil {
		found = append(found, reference.Secret(path.Child("sysprep", "secret", "name"), sysprep.Secret.Name))
	}
	return found
}

func cloudInitReferences(source *kubevirtv1.CloudInitSource, path *field.Path) []reference.Reference {
	if source == nil {
		return nil
	}
	var found []reference.Reference
	if ref := source.UserDataSecretRef; ref != nil {
		found = append(found, reference.Secret(path.Child("secretRef", "name"), ref.Name))
	}
	if ref := source.NetworkDataSecretRef; ref != nil {
		found = append(found, reference.Secret(path.Child("networkDataSecretRef", "name"), ref.Name))
	}
	return found
}
