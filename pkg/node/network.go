// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// Network connects the guests of the node. What it makes outlives the agent.
type Network interface {
	// Attach makes what the interfaces of vmi are connected by. It is idempotent: a guest that is connected
	// stays so.
	Attach(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*Attachment, error)
	// Detach removes what Attach made for the instances of that name, but not what it made for keep, which may
	// be nil. None of the guests whose connection is removed runs any more.
	Detach(ctx context.Context, machine types.NamespacedName, keep *kubevirtv1.VirtualMachineInstance) error
	// Trim removes what Attach made for interfaces of vmi that its guest has not got any more: for all but those of
	// the names in has.
	Trim(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, has []string) error
	// Addresses are those of vmi's interfaces, by name.
	Addresses(vmi *kubevirtv1.VirtualMachineInstance) map[string]netip.Addr
	// Users are all that the network keeps something for.
	Users() []NetworkUser
	// Release forgets the addresses of an owner, unless a guest of it is attached.
	Release(owner types.UID) error
}

// Attachment is what the interfaces of a guest are connected by.
type Attachment struct {
	// Taps are devices on the node, by interface name.
	Taps map[string]string
	// Notice tells the user what the guest goes without; empty where that is nothing.
	Notice string
}

// NetworkUser is a machine, or an instance without one, that a network keeps addresses for.
type NetworkUser struct {
	Machine types.NamespacedName
	Owner   types.UID
	// Attached says whether there is something for Detach to remove.
	Attached bool
}

// connect connects a guest that is about to start, and nobody else of its name.
func (a *Agent) connect(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*Attachment, error) {
	if err := a.disconnect(ctx, keyFor(vmi), vmi); err != nil {
		return nil, &trouble{reasonNetworkNotReady, err}
	}
	attachment, err := a.Network.Attach(ctx, vmi)
	if err != nil {
		return nil, &trouble{reasonNetworkNotReady, fmt.Errorf("connect the guest to the network: %w", err)}
	}
	return attachment, nil
}

// reconnect has the network know a guest that ran when the agent was started. A guest that an earlier agent
// connected in another way stays as it is.
func (a *Agent) reconnect(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus) {
	if len(domain.Taps) == 0 || !isAlive(domain.State) {
		return
	}
	if _, err := a.Network.Attach(ctx, vmi); err != nil {
		klog.FromContext(ctx).Error(err, "Can't connect a running guest to the network again", "instance", klog.KObj(vmi))
	}
}

func (a *Agent) disconnect(ctx context.Context, machine types.NamespacedName, keep *kubevirtv1.VirtualMachineInstance) error {
	if err := a.Network.Detach(ctx, machine, keep); err != nil {
		return fmt.Errorf("disconnect the guest from the network: %w", err)
	}
	return nil
}

// disconnectGone removes what is left of guests that are gone, once the server has confirmed it; known says
// whether it is known that no domain is there.
func (a *Agent) disconnectGone(ctx context.Context, machine types.NamespacedName, known bool) error {
	attached := slices.ContainsFunc(a.Network.Users(), func(user NetworkUser) bool {
		return user.Attached && user.Machine == machine
	})
	if !known || !attached {
		return nil
	}
	_, err := a.Clientset.KubevirtV1().VirtualMachineInstances(machine.Namespace).Get(ctx, machine.Name, metav1.GetOptions{})
	if err == nil {
		return nil // the watch is behind
	}
	if !isGone(err) {
		return fmt.Errorf("look for the instance of a connection: %w", err)
	}
	return a.disconnect(ctx, machine, nil)
}

// addressed returns the domain's interfaces with the addresses that the network gave them. They are known
// before the guest has asked for them.
func (a *Agent) addressed(vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus) []kubevirtv1.VirtualMachineInstanceNetworkInterface {
	if len(domain.Taps) == 0 {
		return domain.Interfaces
	}
	addresses := a.Network.Addresses(vmi)
	interfaces := slices.Clone(domain.Interfaces)
	for i := range interfaces {
		address, found := addresses[interfaces[i].Name]
		if _, connected := domain.Taps[interfaces[i].Name]; found && connected {
			interfaces[i].IP, interfaces[i].IPs = address.String(), []string{address.String()}
		}
	}
	return interfaces
}

// sweepNetwork forgets the addresses of machines that are gone.
func (a *Agent) sweepNetwork(ctx context.Context) {
	for _, user := range a.Network.Users() {
		if user.Attached || !a.isForsaken(ctx, api.Kept{Namespace: user.Machine.Namespace, Name: user.Machine.Name, Owner: user.Owner}) {
			continue
		}
		vmi, err := a.Clientset.KubevirtV1().VirtualMachineInstances(user.Machine.Namespace).Get(ctx, user.Machine.Name, metav1.GetOptions{})
		if err != nil && !isGone(err) || err == nil && vmi.OwnerUID() == user.Owner && vmi.DeletionTimestamp == nil {
			continue
		}
		if err := a.Network.Release(user.Owner); err != nil {
			klog.FromContext(ctx).Error(err, "Can't forget the addresses of a machine that is gone", "machine", user.Machine)
		}
	}
}

// noNetwork leaves it all to QEMU.
type noNetwork struct{}

func (noNetwork) Attach(context.Context, *kubevirtv1.VirtualMachineInstance) (*Attachment, error) {
	return &Attachment{}, nil
}

func (noNetwork) Detach(context.Context, types.NamespacedName, *kubevirtv1.VirtualMachineInstance) error {
	return nil
}

func (noNetwork) Trim(context.Context, *kubevirtv1.VirtualMachineInstance, []string) error {
	return nil
}

func (noNetwork) Addresses(*kubevirtv1.VirtualMachineInstance) map[string]netip.Addr { return nil }

func (noNetwork) Users() []NetworkUser { return nil }

func (noNetwork) Release(types.UID) error { return nil }
