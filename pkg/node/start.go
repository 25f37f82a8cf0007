// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// patience is how long a start may fail before the status says so: a launcher that is being replaced, or
// a secret that comes a moment after its machine, is no news.
const patience = 3 * time.Second

// errFailFast is why an instance fails that is to.
var errFailFast = errors.New("annotation " + kubevirtv1.FailFastAnnotation + " has it fail: remove it from the machine's template")

// start brings a Scheduled instance to run. A domain that is there already is not started again: the
// agent may have ended between the start and the status.
func (a *Agent) start(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus) error {
	if domain != nil && domain.State != api.StateStarting {
		a.reconnect(ctx, vmi, domain)
		return a.follow(ctx, vmi, *domain, observed{})
	}
	// The cache may hold an instance that is stopped or gone by now, and its disks may be another's.
	live, err := a.Clientset.KubevirtV1().VirtualMachineInstances(vmi.Namespace).Get(ctx, vmi.Name, metav1.GetOptions{})
	if isGone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the instance before its start: %w", err)
	}
	if live.UID != vmi.UID || !a.awaitsStart(live) {
		return nil
	}
	if _, fails := live.Annotations[kubevirtv1.FailFastAnnotation]; fails {
		return a.refuse(ctx, live, reasonFailFast, errFailFast)
	}
	claims, err := a.claims(ctx, live)
	if err != nil {
		return a.startFailed(ctx, live, err)
	}
	pulled, err := a.pull(ctx, live)
	if isPull(err) {
		return a.awaitPull(ctx, live, err)
	}
	if err != nil {
		return a.startFailed(ctx, live, err)
	}
	request, err := a.request(ctx, live, claims, pulled)
	if err != nil {
		return a.startFailed(ctx, live, err)
	}
	attachment, err := a.connect(ctx, live)
	if err != nil {
		return a.startFailed(ctx, live, err)
	}
	request.Taps = attachment.Taps
	status, err := a.Launcher.Start(ctx, request)
	if err != nil {
		return a.startFailed(ctx, live, err)
	}
	a.efforts.forget(keyFor(live))
	a.forgetPulls(keyFor(live))
	a.domains.learn(*status)
	if domain == nil {
		a.Recorder.Event(live, corev1.EventTypeNormal, eventCreated, "VirtualMachineInstance defined.")
		if attachment.Notice != "" {
			a.Recorder.Event(live, corev1.EventTypeWarning, eventUserModeNetwork, capped(attachment.Notice))
		}
	}
	return a.follow(ctx, live, *status, observed{claims: claims})
}

func (a *Agent) awaitsStart(vmi *kubevirtv1.VirtualMachineInstance) bool {
	return vmi.Status.Phase == kubevirtv1.Scheduled && vmi.Status.NodeName == a.NodeName && vmi.DeletionTimestamp == nil
}

// startFailed ends an instance whose domain was refused: trying the same again gives the same. Any other
// trouble may pass; it is reported when it lasts, and the start is tried again.
func (a *Agent) startFailed(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, err error) error {
	reason := reasonFor(err)
	switch reason {
	case api.ErrorInvalid, api.ErrorStartFailed:
		return a.refuse(ctx, vmi, api.ErrorStartFailed, err)
	case api.ErrorNoSCSIDevice:
		return a.refuse(ctx, vmi, reason, err)
	}
	now := a.Clock.Now()
	effort := a.efforts.of(keyFor(vmi), vmi.UID)
	if effort.failingSince.IsZero() {
		effort.failingSince = now
		a.efforts.keep(keyFor(vmi), effort)
	}
	if now.Sub(effort.failingSince) < patience {
		return err
	}
	return errors.Join(err, a.reportTrouble(ctx, vmi, reason, messageOf(err)))
}

// refuse ends an instance that can't be started as it is.
func (a *Agent) refuse(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, reason string, err error) error {
	a.efforts.forget(keyFor(vmi))
	return a.finish(ctx, vmi, ending{phase: kubevirtv1.Failed, reason: reason, message: messageOf(err), unsynchronized: true})
}

// reportTrouble says in the status why the instance does not start.
func (a *Agent) reportTrouble(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, reason, message string) error {
	status := vmi.Status.DeepCopy()
	a.setCondition(status, kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionFalse, reason, message)
	changed, err := a.write(ctx, vmi, status)
	if err == nil && changed {
		a.Recorder.Event(vmi, corev1.EventTypeWarning, eventSyncFailed, message)
	}
	return err
}

// trouble is an error with a reason for a condition.
type trouble struct {
	reason string
	err    error
}

func (t *trouble) Error() string { return t.err.Error() }
func (t *trouble) Unwrap() error { return t.err }

func reasonFor(err error) string {
	var t *trouble
	if errors.As(err, &t) {
		return t.reason
	}
	if reason := api.ReasonFor(err); reason != "" {
		return reason
	}
	return reasonLauncherUnavailable
}

// messageOf is what the user reads: what the launcher says for itself, without the way it came.
func messageOf(err error) string {
	var refused *api.Error
	if errors.As(err, &refused) {
		return capped(refused.Message)
	}
	return capped(err.Error())
}

// capped bounds what comes from outside (libvirt and QEMU quote at length) before it is stored.
func capped(message string) string {
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	return strings.ToValidUTF8(message, "?")
}
