// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/probe"
)

const (
	reasonNotReady = "GuestNotReady"
	// eventUnhealthy and eventKilling are the kubelet's reasons.
	eventUnhealthy = "Unhealthy"
	eventKilling   = "Killing"
	// patienceWithLauncher is how long beyond its own time a call about a guest may take.
	patienceWithLauncher = 10 * time.Second
)

// attend begins what goes on while a guest runs: its probes, and the giving of its credentials.
func (a *Agent) attend(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus) {
	a.probes.Attend(ctx, probe.Subject{
		Key:       keyFor(vmi),
		UID:       vmi.UID,
		StartedAt: domain.StartedAt,
		Idle:      domain.State != api.StateRunning || domain.Frozen,
		Liveness:  vmi.Spec.LivenessProbe,
		Readiness: vmi.Spec.ReadinessProbe,
		Guest:     &probedGuest{a.Launcher, api.Target{Namespace: vmi.Namespace, Name: vmi.Name, UID: vmi.UID}, domain.Interfaces},
	})
	if takesCredentials(vmi, domain) {
		a.keys.queue.Add(keyFor(vmi))
	}
}

// unattend ends what attend began.
func (a *Agent) unattend(key types.NamespacedName) {
	a.probes.Forget(key)
	a.keys.forget(key)
}

// setReady writes whether a guest that runs is ready. Until its probe has a verdict it is what it was, as
// after a restart of the agent, and not ready at first.
func (a *Agent) setReady(status *kubevirtv1.VirtualMachineInstanceStatus, vmi *kubevirtv1.VirtualMachineInstance) {
	const ready = kubevirtv1.VirtualMachineInstanceReady
	if vmi.Spec.ReadinessProbe == nil {
		a.setCondition(status, ready, corev1.ConditionTrue, "", "")
		return
	}
	_, result := a.probes.Results(keyFor(vmi), vmi.UID)
	switch result.Verdict {
	case probe.Passed:
		a.setCondition(status, ready, corev1.ConditionTrue, "", "")
	case probe.Failed:
		a.setCondition(status, ready, corev1.ConditionFalse, reasonNotReady, capped("the readiness probe failed: "+result.Message))
	default:
		was := vmi.Status.Condition(ready)
		if vmi.Status.Phase != kubevirtv1.Running || was == nil || was.Status != corev1.ConditionTrue && was.Reason != reasonNotReady {
			a.setCondition(status, ready, corev1.ConditionFalse, reasonNotReady, "the readiness probe has not succeeded yet")
		}
	}
}

// endUnhealthy ends a guest whose liveness probe failed, as failed, whatever it does in its grace period.
func (a *Agent) endUnhealthy(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus) error {
	liveness, _ := a.probes.Results(keyFor(vmi), vmi.UID)
	effort := a.efforts.of(keyFor(vmi), vmi.UID)
	if liveness.Verdict != probe.Failed || domain.State != api.StateRunning || effort.ailing {
		return nil
	}
	message := capped("the liveness probe failed: " + liveness.Message)
	grace := max(ptr.Deref(vmi.Spec.TerminationGracePeriodSeconds, kubevirtv1.DefaultTerminationGracePeriodSeconds), 0)
	err := a.Launcher.Shutdown(ctx, vmi.Namespace, vmi.Name, api.ShutdownRequest{GracePeriodSeconds: grace, Unhealthy: message})
	if err != nil {
		return fmt.Errorf("end a guest that is not alive: %w", err)
	}
	effort.ailing = true
	a.efforts.keep(keyFor(vmi), effort)
	a.Recorder.Event(vmi, corev1.EventTypeWarning, eventUnhealthy, message)
	a.Recorder.Event(vmi, corev1.EventTypeNormal, eventKilling, fmt.Sprintf("The guest was asked to power off within %d s: its liveness probe failed.", grace))
	return nil
}

// probedGuest is a guest as its probes reach it.
type probedGuest struct {
	launcher   Launcher
	target     api.Target
	interfaces []kubevirtv1.VirtualMachineInstanceNetworkInterface
}

// Ping implements probe.Guest.
func (g *probedGuest) Ping(ctx context.Context, timeout time.Duration) error {
	return g.call(ctx, timeout, api.ActionPing, api.PingRequest{TimeoutSeconds: min(seconds(timeout), api.MaxPingSeconds)}, nil)
}

// Exec implements probe.Guest.
func (g *probedGuest) Exec(ctx context.Context, command []string, timeout time.Duration) error {
	var result api.ExecResult
	err := g.call(ctx, timeout, api.ActionExec, api.ExecRequest{Command: command, TimeoutSeconds: seconds(timeout)}, &result)
	if err != nil || result.ExitCode == 0 {
		return err
	}
	if result.Output == "" {
		return fmt.Errorf("exit code %d", result.ExitCode)
	}
	return fmt.Errorf("exit code %d: %s", result.ExitCode, result.Output)
}

// call makes unknown of what the launcher refused by no fault of the guest's.
func (g *probedGuest) call(ctx context.Context, timeout time.Duration, action string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout+patienceWithLauncher)
	defer cancel()
	err := g.launcher.Call(ctx, g.target, action, in, out)
	switch api.ReasonFor(err) {
	case api.ErrorNoAgent, api.ErrorInternal:
		return errors.New(messageOf(err))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", probe.ErrUnknown, err)
	}
	return nil
}

// Address implements probe.Guest. It is none that only the guest claims to have: it would lead the node to
// wherever the guest wants.
func (g *probedGuest) Address() (netip.Addr, error) {
	if len(g.interfaces) == 0 || g.interfaces[0].IP == "" {
		return netip.Addr{}, fmt.Errorf("%w: no address of its first interface is known", probe.ErrUnknown)
	}
	address, err := netip.ParseAddr(g.interfaces[0].IP)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %w", probe.ErrUnknown, err)
	}
	return address, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
