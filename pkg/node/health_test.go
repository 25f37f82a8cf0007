// SPDX-License-Identifier: Apache-2.0

package node

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/probe"
)

func pinging() *kubevirtv1.Probe {
	return &kubevirtv1.Probe{
		Handler:        kubevirtv1.Handler{GuestAgentPing: &kubevirtv1.GuestAgentPing{}},
		TimeoutSeconds: ptr.To[int32](1), PeriodSeconds: ptr.To[int32](1), SuccessThreshold: ptr.To[int32](1), FailureThreshold: ptr.To[int32](1),
	}
}

// answer has calls of that action answered so.
func (w *world) answer(action string, err error) {
	w.launcher.with(func() {
		w.launcher.answer = func(call fakeCall) error {
			if call.action == action {
				return err
			}
			return nil
		}
	})
}

func (w *world) isReady() corev1.ConditionStatus {
	return condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceReady).Status
}

func TestReadinessIsWhatTheProbeSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vmi := scheduled()
	vmi.Spec.ReadinessProbe = pinging()
	noAgent := &api.Error{Reason: api.ErrorNoAgent, Message: "the guest agent does not answer"}
	w.answer(api.ActionPing, noAgent)
	stop := w.run()
	w.server.create(vmi)
	running := w.untilPhase(kubevirtv1.Running)
	ready := condition(running, kubevirtv1.VirtualMachineInstanceReady)
	assert.Equal(t, corev1.ConditionFalse, ready.Status, "not before it has said so")
	assert.Equal(t, "GuestNotReady", ready.Reason)

	w.answer(api.ActionPing, nil)
	w.eventually("ready", func() bool { return w.isReady() == corev1.ConditionTrue })
	w.answer(api.ActionPing, noAgent)
	w.eventually("not ready", func() bool { return w.isReady() == corev1.ConditionFalse })
	assert.Contains(t, condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceReady).Message, "does not answer")
	w.answer(api.ActionPing, nil)
	w.eventually("ready again", func() bool { return w.isReady() == corev1.ConditionTrue })

	// What says nothing of the guest, and another agent that knows nothing yet, change nothing.
	w.answer(api.ActionPing, &api.Error{Reason: api.ErrorLibvirtUnavailable, Message: "libvirt is away"})
	stop()
	writes := w.server.writeCount()
	w.run()
	w.settle()
	assert.Equal(t, writes, w.server.writeCount())
	assert.Equal(t, corev1.ConditionTrue, w.isReady())
}

func TestAGuestThatIsNotAliveIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vmi := scheduled()
	vmi.Spec.LivenessProbe = pinging()
	vmi.Spec.LivenessProbe.GuestAgentPing = nil
	vmi.Spec.LivenessProbe.Exec = &kubevirtv1.ExecAction{Command: []string{"check"}}
	w.run()
	w.server.create(vmi)
	w.untilPhase(kubevirtv1.Running)
	assert.Equal(t, corev1.ConditionTrue, w.isReady())
	w.answer(api.ActionExec, &api.Error{Reason: api.ErrorLibvirtUnavailable, Message: "libvirt is away"})
	w.settle()
	assert.Empty(t, w.launcher.shutdowns, "no guest is ended for our trouble")
	w.answer(api.ActionExec, &api.Error{Reason: api.ErrorInternal, Message: "no such file"})
	w.eventually("asked to power off", func() bool { return w.launcher.state(vmKey) == api.StateStopping })
	w.launcher.with(func() {
		assert.Equal(t, []int64{60}, w.launcher.shutdowns)
		assert.Equal(t, "the liveness probe failed: no such file", w.launcher.unhealthy)
	})
	w.launcher.change(vmKey, api.StateFailed, api.ReasonUnhealthy, "the liveness probe failed: no such file")
	assert.Equal(t, api.ReasonUnhealthy, w.untilPhase(kubevirtv1.Failed).Status.Reason)
	events := strings.Join(w.events(), "\n")
	assert.Contains(t, events, "Warning Unhealthy the liveness probe failed: no such file")
	assert.Contains(t, events, "Normal Killing")
}

func TestAddressesThatOnlyTheGuestKnowsAreNotProbed(t *testing.T) {
	guest := &probedGuest{interfaces: []netInterface{{Name: "default"}}}
	_, err := guest.Address()
	require.ErrorIs(t, err, probe.ErrUnknown)
	guest.interfaces[0].IP = "10.1.0.7"
	address, err := guest.Address()
	require.NoError(t, err)
	assert.Equal(t, "10.1.0.7", address.String())
}

func accessCredentials() []kubevirtv1.AccessCredential {
	byAgent := kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod{
		QemuGuestAgent: &kubevirtv1.QemuGuestAgentSSHPublicKeyAccessCredentialPropagation{Users: []string{"root", "guest"}},
	}
	bySeed := kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod{NoCloud: &kubevirtv1.NoCloudSSHPublicKeyAccessCredentialPropagation{}}
	source := kubevirtv1.AccessCredentialSecretSource{SecretName: "keys"}
	return []kubevirtv1.AccessCredential{
		{SSHPublicKey: &kubevirtv1.SSHPublicKeyAccessCredential{
			Source: kubevirtv1.SSHPublicKeyAccessCredentialSource{Secret: &source}, PropagationMethod: byAgent,
		}},
		{SSHPublicKey: &kubevirtv1.SSHPublicKeyAccessCredential{
			Source: kubevirtv1.SSHPublicKeyAccessCredentialSource{Secret: &source}, PropagationMethod: bySeed,
		}},
		{UserPassword: &kubevirtv1.UserPasswordAccessCredential{
			Source: kubevirtv1.UserPasswordAccessCredentialSource{Secret: &kubevirtv1.AccessCredentialSecretSource{SecretName: "passwords"}},
			PropagationMethod: kubevirtv1.UserPasswordAccessCredentialPropagationMethod{
				QemuGuestAgent: &kubevirtv1.QemuGuestAgentUserPasswordAccessCredentialPropagation{},
			},
		}},
	}
}

func (w *world) secret(name, version string, data map[string]string) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, ResourceVersion: version}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	_ = w.core.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "n", name)
	require.NoError(w.t, w.core.Tracker().Add(secret))
}

func (w *world) given() []api.Credentials {
	var all []api.Credentials
	w.launcher.with(func() {
		for _, call := range w.launcher.calls {
			if call.action == api.ActionCredentials {
				all = append(all, call.in.(api.Credentials))
			}
		}
	})
	return all
}

func synchronized(w *world) kubevirtv1.VirtualMachineInstanceCondition {
	return condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceAccessCredentialsSynchronized)
}

func TestCredentialsAreGivenOnceTheAgentIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vmi := scheduled()
	vmi.Spec.AccessCredentials = accessCredentials()
	w.secret("keys", "1", map[string]string{"b": "ssh-ed25519 B\n\n# a comment\n", "a": "ssh-ed25519 A"})
	w.secret("passwords", "1", map[string]string{"guest": "secret"})
	stop := w.run()
	w.server.create(vmi)
	w.untilPhase(kubevirtv1.Running)
	keys := []string{"ssh-ed25519 A", "ssh-ed25519 B"}
	assert.Equal(t, keys, w.launcher.requests[0].Seeds["seed"].PublicKeys)
	w.settle()
	assert.Empty(t, w.given(), "nobody to give them to")

	w.tell(func(domain *api.DomainStatus) { domain.Agent = &api.Agent{Connected: true} })
	w.eventually("given", func() bool { return synchronized(w).Status == corev1.ConditionTrue })
	require.Len(t, w.given(), 1)
	first := w.given()[0]
	assert.Equal(t, map[string][]string{"root": keys, "guest": keys}, first.AuthorizedKeys)
	assert.Equal(t, map[string][]byte{"guest": []byte("secret")}, first.Passwords)
	assert.Contains(t, strings.Join(w.events(), "\n"), "Normal AccessCredentialsSyncSuccess")

	// Another agent knows from the launcher what the guest has, and sees what is new.
	stop()
	stop = w.run()
	w.settle()
	assert.Len(t, w.given(), 1)
	stop()
	w.secret("keys", "2", map[string]string{"a": "ssh-ed25519 C"})
	w.answer(api.ActionCredentials, &api.Error{Reason: api.ErrorInternal, Message: "there is no user root"})
	w.run()
	w.eventually("refused", func() bool { return synchronized(w).Status == corev1.ConditionFalse })
	assert.Equal(t, "there is no user root", synchronized(w).Message)
	assert.Equal(t, []string{"ssh-ed25519 C"}, w.given()[1].AuthorizedKeys["root"])
	assert.Contains(t, strings.Join(w.events(), "\n"), "Warning AccessCredentialsSyncFailed")
}

func TestASecretThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vmi := scheduled()
	vmi.Spec.AccessCredentials = accessCredentials()[:1]
	w.run()
	w.server.create(vmi)
	w.untilPhase(kubevirtv1.Running)
	w.tell(func(domain *api.DomainStatus) { domain.Agent = &api.Agent{Connected: true} })
	w.eventually("told", func() bool { return synchronized(w).Status == corev1.ConditionFalse })
	assert.Equal(t, `there is no Secret "keys" in namespace "n"`, synchronized(w).Message)
}

func TestSecretsAreLookedAtAgain(t *testing.T) {
	w := newWorld(t)
	vmi := scheduled()
	vmi.Spec.AccessCredentials = accessCredentials()[:1]
	vmi.Status.Phase = kubevirtv1.Running
	a := New(w.config())
	require.NoError(t, a.instances.GetStore().Add(vmi))
	a.domains.apply(api.Event{Type: api.EventStatus, Status: api.DomainStatus{
		Namespace: "n", Name: "vm", UID: vmi.UID, State: api.StateRunning, Agent: &api.Agent{Connected: true},
	}})
	a.domains.apply(api.Event{Type: api.EventSynced})
	again, err := a.giveCredentials(t.Context(), vmKey)
	require.NoError(t, err)
	assert.Equal(t, 20*time.Second, again)
}
