// SPDX-License-Identifier: Apache-2.0

package hostnode

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/processes"
)

// Of what is available, kubelet's thresholds.
const (
	leastMemory       = 100 << 20
	leastSpacePercent = 10
	mostThreadPercent = 90
)

// node describes the host as of now.
func (r *Reporter) node(ctx context.Context) (*corev1.Node, error) {
	total, available, err := r.host.memory()
	if err != nil {
		return nil, err
	}
	space, free, err := r.host.space()
	if err != nil {
		return nil, err
	}
	running, most := r.host.threads()
	health, healthErr := r.config.Health(ctx)
	if healthErr != nil {
		health = nil
	}
	has := r.resources(total, space, health)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: r.config.NodeName, Labels: processes.NodeLabels(r.config.NodeName)},
		Status: corev1.NodeStatus{
			Capacity:    has,
			Allocatable: has,
			Addresses:   nodeAddresses(r.config.NodeName, r.host.addresses()),
			NodeInfo:    r.info(),
			Conditions: []corev1.NodeCondition{
				pressure(corev1.NodeMemoryPressure, available < leastMemory,
					"KubeletHasInsufficientMemory", "KubeletHasSufficientMemory", "memory"),
				pressure(corev1.NodeDiskPressure, free < space/100*leastSpacePercent,
					"KubeletHasDiskPressure", "KubeletHasNoDiskPressure", "space for disks"),
				pressure(corev1.NodePIDPressure, most > 0 && running > most/100*mostThreadPercent,
					"KubeletHasInsufficientPID", "KubeletHasSufficientPID", "threads"),
				ready(health, healthErr),
			},
		},
	}, nil
}

// resources are all for guests: nothing is set aside. Devices have the names and the number by which KubeVirt's
// nodes tell that guests can use them.
func (r *Reporter) resources(memory, space int64, health *api.Health) corev1.ResourceList {
	has := corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(memory, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(space, resource.BinarySI),
	}
	for device, usable := range map[corev1.ResourceName]bool{
		"devices.kubevirt.io/kvm":       health != nil && health.Accelerator == "kvm",
		"devices.kubevirt.io/tun":       r.host.exists("/dev/net/tun"),
		"devices.kubevirt.io/vhost-net": r.host.exists("/dev/vhost-net"),
	} {
		if usable {
			has[device] = *resource.NewQuantity(1000, resource.DecimalSI)
		}
	}
	for name, kilobytes := range map[corev1.ResourceName]int64{"hugepages-2Mi": 2 << 10, "hugepages-1Gi": 1 << 20} {
		pages := r.host.number(fmt.Sprintf("/sys/kernel/mm/hugepages/hugepages-%dkB/nr_hugepages", kilobytes))
		if pages > 0 {
			has[name] = *resource.NewQuantity(pages*kilobytes<<10, resource.BinarySI)
		}
	}
	return has
}

func (r *Reporter) info() corev1.NodeSystemInfo {
	info := corev1.NodeSystemInfo{
		MachineID:       r.host.line("/etc/machine-id"),
		SystemUUID:      r.host.line("/sys/class/dmi/id/product_uuid"),
		BootID:          r.host.line("/proc/sys/kernel/random/boot_id"),
		OSImage:         r.host.distribution(),
		KubeletVersion:  version.Get().GitVersion,
		OperatingSystem: runtime.GOOS,
		Architecture:    runtime.GOARCH,
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		info.KernelVersion = unix.ByteSliceToString(name.Release[:])
	}
	return info
}

func nodeAddresses(name string, found []string) []corev1.NodeAddress {
	var all []corev1.NodeAddress
	for _, address := range found {
		all = append(all, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address})
	}
	return append(all, corev1.NodeAddress{Type: corev1.NodeHostName, Address: name})
}

// pressure has no figures in its message, which would be written with each change.
func pressure(kind corev1.NodeConditionType, pressed bool, reason, otherwise, what string) corev1.NodeCondition {
	if !pressed {
		return corev1.NodeCondition{Type: kind, Status: corev1.ConditionFalse, Reason: otherwise, Message: "there is enough of " + what}
	}
	return corev1.NodeCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: "the host is short of " + what}
}

// ready says whether the launcher of the host can run guests.
func ready(health *api.Health, err error) corev1.NodeCondition {
	condition := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady"}
	switch {
	case err != nil:
		condition.Message = fmt.Sprintf("virt-launcher does not answer, it is being started again: %v", err)
	case !health.Libvirt:
		condition.Message = health.Message
	default:
		condition.Status, condition.Reason = corev1.ConditionTrue, "KubeletReady"
		condition.Message = "virt-launcher and libvirt are ready"
	}
	return condition
}
