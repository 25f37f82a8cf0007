// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// newTable has upstream's columns, in upstream's order.
func newTable() rest.TableConvertor {
	return table.New([]metav1.TableColumnDefinition{
		table.NameColumn(),
		table.AgeColumn(),
		{Name: "Phase", Type: "string", Description: "Where the instance is in its life."},
		{Name: "IP", Type: "string", Description: "The first address of the first interface."},
		{Name: "NodeName", Type: "string", Description: "The node that runs the instance."},
		{Name: "Ready", Type: "string", Description: "Whether the guest runs."},
		{Name: "Live-Migratable", Type: "string", Priority: 1, Description: "Whether the guest can move to another node while it runs."},
		{Name: "Paused", Type: "string", Priority: 1, Description: "Whether the guest is paused."},
	}, func(vmi *kubevirtv1.VirtualMachineInstance) []any {
		return []any{
			vmi.Name, table.Age(vmi.CreationTimestamp), string(vmi.Status.Phase), address(vmi), vmi.Status.NodeName,
			condition(vmi, kubevirtv1.VirtualMachineInstanceReady), condition(vmi, kubevirtv1.VirtualMachineInstanceIsMigratable),
			condition(vmi, kubevirtv1.VirtualMachineInstancePaused),
		}
	})
}

func address(vmi *kubevirtv1.VirtualMachineInstance) string {
	if len(vmi.Status.Interfaces) == 0 {
		return ""
	}
	return vmi.Status.Interfaces[0].IP
}

func condition(vmi *kubevirtv1.VirtualMachineInstance, kind kubevirtv1.VirtualMachineInstanceConditionType) string {
	for _, c := range vmi.Status.Conditions {
		if c.Type == kind {
			return string(c.Status)
		}
	}
	return ""
}
