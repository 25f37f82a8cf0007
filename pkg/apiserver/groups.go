// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	subresourcesv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/subresources/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/cdi/datavolume"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/clone"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/instancetype"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/infer"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/kubevirt"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/subresources"
)

// definedGroups are those whose resources upstream defines by CustomResourceDefinitions.
func definedGroups() sets.Set[string] {
	return sets.New(kubevirtv1.GroupName, cdiv1.GroupName, instancetypev1.GroupName, clonev1.GroupName)
}

// groups returns the product's API groups, and the machines among them. Actions exist once and are reached by two
// routes: as subresources of the resource itself, and in the group that KubeVirt's clients call.
func (c *Config) groups() ([]*genericapiserver.APIGroupInfo, *virtualmachine.Storage, error) {
	getter, scheme := c.Generic.RESTOptionsGetter, c.Codecs.Scheme
	references := reference.NewAuthorizer(c.Generic.Authorization.Authorizer)

	instances, err := virtualmachineinstance.NewStorage(getter, scheme, references, c.Streams, c.Calls)
	if err != nil {
		return nil, nil, fmt.Errorf("build storage of virtualmachineinstances: %w", err)
	}
	types, err := instancetype.NewStorage(getter, scheme)
	if err != nil {
		return nil, nil, fmt.Errorf("build storage of instance types and preferences: %w", err)
	}
	volumes, err := datavolume.NewStorage(getter, scheme, references)
	if err != nil {
		return nil, nil, fmt.Errorf("build storage of datavolumes: %w", err)
	}
	machines, err := virtualmachine.NewStorage(getter, scheme, references, types,
		infer.New(volumes.DataVolume, c.Claims, references), instances.Instance)
	if err != nil {
		return nil, nil, fmt.Errorf("build storage of virtualmachines: %w", err)
	}
	clones, err := clone.NewStorage(getter, scheme, references, machines)
	if err != nil {
		return nil, nil, fmt.Errorf("build storage of virtualmachineclones: %w", err)
	}

	settings, err := kubevirt.NewStorage(getter, scheme)
	if err != nil {
		return nil, nil, fmt.Errorf("build storage of kubevirts: %w", err)
	}

	machine, instance := &kubevirtv1.VirtualMachine{}, &kubevirtv1.VirtualMachineInstance{}
	own := c.groupInfo(kubevirtv1.SchemeGroupVersion)
	for _, gv := range own.PrioritizedVersions {
		storage := actions(machines, machine, instances, instance)
		maps.Copy(storage, map[string]rest.Storage{
			"kubevirts":                      settings,
			"virtualmachines":                machines.Machine,
			"virtualmachines/console":        instances.Console(machine, machines.Instance),
			"virtualmachines/status":         machines.Status,
			"virtualmachineinstances":        instances.Instance,
			"virtualmachineinstances/status": instances.Status,
		})
		own.VersionedResourcesStorageMap[gv.Version] = storage
	}

	machineAction, instanceAction := &subresourcesv1.VirtualMachine{}, &subresourcesv1.VirtualMachineInstance{}
	clients := c.groupInfo(subresourcesv1.SchemeGroupVersion)
	for _, gv := range clients.PrioritizedVersions {
		storage := actions(machines, machineAction, instances, instanceAction)
		maps.Copy(storage, clientRoutes())
		storage["virtualmachines"] = subresources.NewParent(machineAction, "virtualmachine")
		storage["virtualmachineinstances"] = subresources.NewParent(instanceAction, "virtualmachineinstance")
		clients.VersionedResourcesStorageMap[gv.Version] = storage
	}

	cdi := c.groupInfo(cdiv1.SchemeGroupVersion)
	cdi.VersionedResourcesStorageMap[cdiv1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"datavolumes":        volumes.DataVolume,
		"datavolumes/status": volumes.Status,
	}
	instancetypes := c.groupInfo(instancetypev1.SchemeGroupVersion)
	instancetypes.VersionedResourcesStorageMap[instancetypev1.SchemeGroupVersion.Version] = types.Resources()
	cloning := c.groupInfo(clonev1.SchemeGroupVersion)
	for _, gv := range cloning.PrioritizedVersions {
		cloning.VersionedResourcesStorageMap[gv.Version] = map[string]rest.Storage{
			"virtualmachineclones":        clones.Clone,
			"virtualmachineclones/status": clones.Status,
		}
	}
	return []*genericapiserver.APIGroupInfo{own, clients, cdi, instancetypes, cloning}, machines, nil
}
