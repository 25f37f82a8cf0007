// SPDX-License-Identifier: Apache-2.0

package instancetype

import (
	"k8s.io/apimachinery/pkg/runtime"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// resource is what the resources differ in.
type resource struct {
	singular           string
	shortNames         []string
	namespaced         bool
	newObject, newList func() runtime.Object
	// spec returns a pointer to the object's spec.
	spec func(runtime.Object) any
}

func (r resource) plural() string { return r.singular + "s" }

// resources returns the group's resources, by kind.
func resources() map[string]resource {
	return map[string]resource{
		kubevirtv1.KindInstancetype: {
			singular: "virtualmachineinstancetype", namespaced: true,
			shortNames: []string{"vminstancetype", "vminstancetypes", "vmf", "vmfs"},
			newObject:  func() runtime.Object { return &instancetypev1.VirtualMachineInstancetype{} },
			newList:    func() runtime.Object { return &instancetypev1.VirtualMachineInstancetypeList{} },
			spec:       func(obj runtime.Object) any { return &obj.(*instancetypev1.VirtualMachineInstancetype).Spec },
		},
		kubevirtv1.KindClusterInstancetype: {
			singular:   "virtualmachineclusterinstancetype",
			shortNames: []string{"vmclusterinstancetype", "vmclusterinstancetypes", "vmcf", "vmcfs"},
			newObject:  func() runtime.Object { return &instancetypev1.VirtualMachineClusterInstancetype{} },
			newList:    func() runtime.Object { return &instancetypev1.VirtualMachineClusterInstancetypeList{} },
			spec:       func(obj runtime.Object) any { return &obj.(*instancetypev1.VirtualMachineClusterInstancetype).Spec },
		},
		kubevirtv1.KindPreference: {
			singular: "virtualmachinepreference", namespaced: true,
			shortNames: []string{"vmpref", "vmprefs", "vmp", "vmps"},
			newObject:  func() runtime.Object { return &instancetypev1.VirtualMachinePreference{} },
			newList:    func() runtime.Object { return &instancetypev1.VirtualMachinePreferenceList{} },
			spec:       func(obj runtime.Object) any { return &obj.(*instancetypev1.VirtualMachinePreference).Spec },
		},
		kubevirtv1.KindClusterPreference: {
			singular:   "virtualmachineclusterpreference",
			shortNames: []string{"vmcp", "vmcps"},
			newObject:  func() runtime.Object { return &instancetypev1.VirtualMachineClusterPreference{} },
			newList:    func() runtime.Object { return &instancetypev1.VirtualMachineClusterPreferenceList{} },
			spec:       func(obj runtime.Object) any { return &obj.(*instancetypev1.VirtualMachineClusterPreference).Spec },
		},
	}
}
