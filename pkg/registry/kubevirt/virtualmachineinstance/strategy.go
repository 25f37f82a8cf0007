// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// instanceStrategy is the behaviour of instances: complete when they are made, and then not changed, but
// for a grace period that a stop shortens.
type instanceStrategy struct {
	strategy.Namespaced
}

var (
	_ rest.RESTCreateStrategy  = instanceStrategy{}
	_ rest.RESTUpdateStrategy  = instanceStrategy{}
	_ rest.ResetFieldsStrategy = instanceStrategy{}
)

func (instanceStrategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	vmi := obj.(*kubevirtv1.VirtualMachineInstance)
	vmi.Generation = 1
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&vmi.Spec)
	kubevirtv1.SetIdentity(&vmi.Spec, vmi.UID)
	vmi.Status = kubevirtv1.VirtualMachineInstanceStatus{Phase: kubevirtv1.Pending}
	labelNode(vmi)
	if !slices.Contains(vmi.Finalizers, kubevirtv1.VirtualMachineInstanceFinalizer) {
		vmi.Finalizers = append(vmi.Finalizers, kubevirtv1.VirtualMachineInstanceFinalizer)
	}
}

func (instanceStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	vmi, oldVMI := obj.(*kubevirtv1.VirtualMachineInstance), old.(*kubevirtv1.VirtualMachineInstance)
	vmi.Status = oldVMI.Status
	labelNode(vmi)
	if !apiequality.Semantic.DeepEqual(vmi.Spec, oldVMI.Spec) {
		kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&vmi.Spec)
		vmi.Generation = oldVMI.Generation + 1
	}
}

func (instanceStrategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateVirtualMachineInstance(obj.(*kubevirtv1.VirtualMachineInstance))
}

func (instanceStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateVirtualMachineInstanceUpdate(obj.(*kubevirtv1.VirtualMachineInstance), old.(*kubevirtv1.VirtualMachineInstance))
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (instanceStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"status"}, kubevirtv1.SchemeGroupVersion, kubevirtv1.V1alpha3)
}

// statusStrategy is the behaviour of the status subresource: it changes the status alone.
type statusStrategy struct {
	instanceStrategy
}

func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	vmi, oldVMI := obj.(*kubevirtv1.VirtualMachineInstance), old.(*kubevirtv1.VirtualMachineInstance)
	status, managedFields := vmi.Status, vmi.ManagedFields
	oldVMI.DeepCopyInto(vmi)
	vmi.Status, vmi.ManagedFields = status, managedFields
	labelNode(vmi)
}

// labelNode has the label that names the node say what the status says, whatever anybody wrote there: clients
// select by it.
func labelNode(vmi *kubevirtv1.VirtualMachineInstance) {
	if vmi.Status.NodeName == "" {
		delete(vmi.Labels, kubevirtv1.NodeNameLabel)
		return
	}
	if vmi.Labels == nil {
		vmi.Labels = make(map[string]string, 1)
	}
	vmi.Labels[kubevirtv1.NodeNameLabel] = vmi.Status.NodeName
}

func (statusStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"metadata", "spec"}, kubevirtv1.SchemeGroupVersion, kubevirtv1.V1alpha3)
}

// The field that a node's agent selects its instances by; it is indexed, so that a change of one node's
// instance does not pass through the watches of all other nodes.
const nodeNameField = "status.nodeName"

func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	vmi := obj.(*kubevirtv1.VirtualMachineInstance)
	selectable := generic.AddObjectMetaFieldsSet(fields.Set{
		nodeNameField:  vmi.Status.NodeName,
		"status.phase": string(vmi.Status.Phase),
	}, &vmi.ObjectMeta, true)
	return vmi.Labels, selectable, nil
}

func nodeNameOf(obj runtime.Object) string {
	return obj.(*kubevirtv1.VirtualMachineInstance).Status.NodeName
}

func triggers() storage.IndexerFuncs {
	return storage.IndexerFuncs{nodeNameField: nodeNameOf}
}

func indexers() *cache.Indexers {
	return &cache.Indexers{
		storage.FieldIndex(nodeNameField): func(obj any) ([]string, error) {
			return []string{nodeNameOf(obj.(runtime.Object))}, nil
		},
	}
}
