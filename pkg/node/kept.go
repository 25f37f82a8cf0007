// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// keepSweeping removes kept state whose machine is gone: when a domain has gone, for its machine may have, and
// from time to time, for the machines that were deleted while they were stopped.
func (a *Agent) keepSweeping(ctx context.Context) {
	ticker := time.NewTicker(resync)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-a.swept:
		}
		a.sweep(ctx)
	}
}

// sweepSoon has kept state looked at.
func (a *Agent) sweepSoon() {
	select {
	case a.swept <- struct{}{}:
	default: // it will be anyway
	}
}

// sweep gets another try whatever fails.
func (a *Agent) sweep(ctx context.Context) {
	a.sweepNetwork(ctx)
	logger := klog.FromContext(ctx)
	kept, err := a.Launcher.Kept(ctx)
	if err != nil {
		logger.V(2).Info("Can't look at the state that is kept", "err", err)
		return
	}
	for _, state := range kept {
		if !a.isForsaken(ctx, state) {
			continue
		}
		logger.Info("Forgetting the state of a machine that is gone", "namespace", state.Namespace, "name", state.Name, "uid", state.Owner)
		if err := a.Launcher.Forget(ctx, state); err != nil {
			logger.V(2).Info("Can't forget the state of a machine", "uid", state.Owner, "err", err)
		}
	}
}

// isForsaken says whether the server denies the machine that state is kept for, or lets it go.
func (a *Agent) isForsaken(ctx context.Context, state api.Kept) bool {
	machine, err := a.Clientset.KubevirtV1().VirtualMachines(state.Namespace).Get(ctx, state.Name, metav1.GetOptions{})
	if err != nil {
		return isGone(err)
	}
	return machine.UID != state.Owner || machine.DeletionTimestamp != nil
}
