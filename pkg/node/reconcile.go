// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// cacheRetry is when to look again where the watch is behind what the server said.
const cacheRetry = time.Second

// reconcile brings the domain of that name to what its instance says, and the instance's status to what
// became of the domain. It is the only place that acts on the two, one call for a name at a time.
func (a *Agent) reconcile(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	vmi := a.instance(key)
	domain, known := a.domains.get(key)
	if domain != nil && (vmi == nil || vmi.UID != domain.UID) {
		return a.removeOrphan(ctx, key, *domain)
	}
	switch {
	case vmi == nil:
		a.efforts.forget(key)
		a.forgetPulls(key)
		a.unattend(key)
		return 0, a.disconnectGone(ctx, key, known)
	case isFinal(vmi):
		a.forgetPulls(key)
		a.unattend(key)
		if err := a.cleanUp(ctx, domain); err != nil {
			return 0, err
		}
		return 0, a.disconnect(ctx, key, nil)
	case vmi.DeletionTimestamp != nil:
		a.forgetPulls(key)
		a.unattend(key)
		return 0, a.terminate(ctx, vmi, domain, known)
	case vmi.Status.Phase == kubevirtv1.Scheduled:
		return 0, a.start(ctx, vmi, domain)
	case vmi.Status.Phase == kubevirtv1.Running || vmi.Status.Phase == kubevirtv1.Unknown:
		return a.watchOver(ctx, vmi, domain, known)
	default:
		return 0, nil
	}
}

func isFinal(vmi *kubevirtv1.VirtualMachineInstance) bool {
	return vmi.Status.Phase == kubevirtv1.Succeeded || vmi.Status.Phase == kubevirtv1.Failed
}

// removeOrphan deletes a domain whose instance is no more, once the server has confirmed it: a cache that
// is behind, or empty, proves nothing.
func (a *Agent) removeOrphan(ctx context.Context, key types.NamespacedName, domain api.DomainStatus) (time.Duration, error) {
	logger := klog.FromContext(ctx)
	live, err := a.Clientset.KubevirtV1().VirtualMachineInstances(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	switch {
	case err != nil && !isGone(err):
		return 0, fmt.Errorf("look for the instance of a domain: %w", err)
	case err == nil && live.UID == domain.UID && live.Status.NodeName == a.NodeName:
		return cacheRetry, nil
	case err == nil && live.UID == domain.UID:
		logger.Info("A domain is here whose instance is bound to another node, leaving it alone", "uid", domain.UID, "node", live.Status.NodeName)
		return resync, nil
	}
	logger.Info("Deleting a domain without an instance", "uid", domain.UID, "state", domain.State)
	if err := a.cleanUp(ctx, &domain); err != nil {
		return 0, err
	}
	a.queue.Add(key)
	return 0, nil
}

// isGone is true where the server denied that very object. It is false for a server that does not know
// the resource, as while its registration is being changed: guests must not end for that.
func isGone(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// cleanUp removes what the launcher has of a domain, which it ends if it still runs.
func (a *Agent) cleanUp(ctx context.Context, domain *api.DomainStatus) error {
	if domain == nil {
		return nil
	}
	if err := a.Launcher.Delete(ctx, domain.Namespace, domain.Name, domain.UID); err != nil {
		return fmt.Errorf("delete domain: %w", err)
	}
	a.domains.forget(*domain)
	a.sweepSoon()
	return nil
}

// watchOver keeps the status of a guest that ran when it was last looked at.
func (a *Agent) watchOver(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus, known bool) (time.Duration, error) {
	if !known {
		return 0, nil
	}
	if domain == nil || domain.State == api.StateStarting {
		var err error
		if domain, err = a.find(ctx, vmi); err != nil {
			return 0, err
		}
	}
	// A domain that is yet to be started is what a reboot of the host leaves of one that ran.
	if domain == nil || domain.State == api.StateStarting {
		return 0, a.finish(ctx, vmi, ending{
			phase:   kubevirtv1.Failed,
			reason:  reasonDomainGone,
			message: fmt.Sprintf("the guest is gone from node %s, as after a reboot of the host", a.NodeName),
		})
	}
	a.reconnect(ctx, vmi, domain)
	resized, trouble := a.resize(ctx, vmi, *domain)
	connected, again, unconnected := a.setInterfaces(ctx, vmi, resized)
	trouble = errors.Join(trouble, unconnected)
	changed, plugged := a.plug(ctx, vmi, connected)
	err := a.follow(ctx, vmi, changed, observed{trouble: trouble, claims: plugged.claims, waiting: plugged.waiting})
	return max(again, plugged.again), errors.Join(err, passing(trouble))
}

// find asks the launcher itself for the instance's domain; the watch may be behind. It fails where the
// launcher can't know because libvirt does not answer. It returns nil where there is none.
func (a *Agent) find(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*api.DomainStatus, error) {
	health, err := a.Launcher.Health(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the launcher for its health: %w", err)
	}
	if !health.Libvirt {
		return nil, fmt.Errorf("libvirt does not answer, so that it is unknown what runs: %s", health.Message)
	}
	list, err := a.Launcher.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the launcher for its domains: %w", err)
	}
	for _, domain := range list {
		if domain.UID == vmi.UID {
			a.domains.learn(domain)
			return &domain, nil
		}
	}
	return nil, nil
}

func keyFor(vmi *kubevirtv1.VirtualMachineInstance) types.NamespacedName {
	return types.NamespacedName{Namespace: vmi.Namespace, Name: vmi.Name}
}
