// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	// keyringWorkers give credentials to so many guests at a time: each may take long to answer.
	keyringWorkers = 4
	// secretPeriod is how often the Secrets of a guest are looked at.
	secretPeriod = 20 * time.Second
	// credentialsTimeout bounds the giving; an agent has some seconds for each user.
	credentialsTimeout = 2 * time.Minute
)

// Reasons of events and of conditions, as upstream names them.
const (
	eventCredentialsGiven   = "AccessCredentialsSyncSuccess"
	eventCredentialsRefused = "AccessCredentialsSyncFailed"
)

// keyring gives guests their credentials through their own agents, beside the node's agent: a guest that is
// slow keeps nobody else waiting. What came of it is in memory alone; the launcher knows what a guest has.
type keyring struct {
	queue *queue.Queue[types.NamespacedName]

	mu       sync.Mutex
	outcomes map[types.NamespacedName]given
}

// given is what came of the last try; problem is empty where the guest has what it should.
type given struct {
	uid     types.UID
	problem string
}

func newKeyring() *keyring {
	return &keyring{
		queue:    queue.New[types.NamespacedName]("node-credentials"),
		outcomes: map[types.NamespacedName]given{},
	}
}

// outcome is that of the instance; known is false where there is none yet.
func (k *keyring) outcome(key types.NamespacedName, uid types.UID) (problem string, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	last, found := k.outcomes[key]
	return last.problem, found && last.uid == uid
}

// keep says whether the outcome is a new one.
func (k *keyring) keep(key types.NamespacedName, outcome given) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	last, found := k.outcomes[key]
	k.outcomes[key] = outcome
	return !found || last != outcome
}

func (k *keyring) forget(key types.NamespacedName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.outcomes, key)
}

// giveCredentials brings the credentials of a guest to what the Secrets say, and looks at those again from
// time to time.
func (a *Agent) giveCredentials(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	vmi := a.instance(key)
	domain, _ := a.domains.get(key)
	if vmi == nil || !takesCredentials(vmi, domain) {
		return 0, nil // reconcile adds it again when that changes
	}
	outcome := given{uid: vmi.UID}
	if err := a.tryCredentials(ctx, vmi, domain.Credentials); err != nil {
		if ctx.Err() != nil {
			return 0, nil
		}
		outcome.problem = messageOf(err)
	}
	if a.keys.keep(key, outcome) {
		a.queue.Add(key)
	}
	return secretPeriod, nil
}

// takesCredentials says whether a guest can be given what it wants now.
func takesCredentials(vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus) bool {
	return wantsCredentials(vmi) && domain != nil && domain.UID == vmi.UID &&
		domain.State == api.StateRunning && domain.Agent != nil && domain.Agent.Connected && !domain.Frozen
}

func (a *Agent) tryCredentials(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, has string) error {
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	wanted, err := a.agentCredentials(ctx, vmi)
	if err != nil || wanted.Version == has {
		return err
	}
	target := api.Target{Namespace: vmi.Namespace, Name: vmi.Name, UID: vmi.UID}
	if err := a.Launcher.Call(ctx, target, api.ActionCredentials, wanted, nil); err != nil {
		return err
	}
	a.domains.learnCredentials(keyFor(vmi), vmi.UID, wanted.Version)
	return nil
}

// setAccess writes what came of giving the guest its credentials. Before it is known, what was written
// stays. It returns the event that tells of the change; "" where there is none.
func (a *Agent) setAccess(status *kubevirtv1.VirtualMachineInstanceStatus, vmi *kubevirtv1.VirtualMachineInstance) (kind, reason, message string) {
	problem, known := a.keys.outcome(keyFor(vmi), vmi.UID)
	if !known {
		return "", "", ""
	}
	const condition = kubevirtv1.VirtualMachineInstanceAccessCredentialsSynchronized
	is := corev1.ConditionTrue
	if problem != "" {
		is = corev1.ConditionFalse
	}
	if had := vmi.Status.Condition(condition); had != nil && had.Status == is && had.Message == problem {
		return "", "", ""
	}
	if problem != "" {
		a.setCondition(status, condition, is, eventCredentialsRefused, problem)
		return corev1.EventTypeWarning, eventCredentialsRefused, "Access credentials sync failed: " + problem
	}
	a.setCondition(status, condition, is, "", "")
	return corev1.EventTypeNormal, eventCredentialsGiven, "Access credentials sync successful."
}
