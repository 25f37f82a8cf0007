// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/guestagent"
)

// maxVersion of credentials, in bytes.
const maxVersion = 1 << 10

// running is the instance that is meant, unlocked: a guest may take long to answer, and a stop must not
// wait for it.
func (m *Manager) running(target api.Target, doing string) (*guest, error) {
	g, err := m.acquireRunning(target, doing)
	if err != nil {
		return nil, err
	}
	g.mu.Unlock()
	return g, nil
}

// agent is that of the guest that is meant.
func (m *Manager) agent(target api.Target, doing string) (*guestagent.Agent, error) {
	g, err := m.running(target, doing)
	if err != nil {
		return nil, err
	}
	return m.agentOf(g), nil
}

// GuestInfo asks the agent for all that it tells of the guest. What it refuses is left out, as most is while
// file systems are frozen.
func (m *Manager) GuestInfo(target api.Target) (*kubevirtv1.VirtualMachineInstanceGuestAgentInfo, error) {
	doing := fmt.Sprintf("ask the agent of %s/%s", target.Namespace, target.Name)
	agent, err := m.agent(target, doing)
	if err != nil {
		return nil, err
	}
	info, err := agent.Info()
	if err != nil {
		return nil, m.refused(doing, err)
	}
	answer := &kubevirtv1.VirtualMachineInstanceGuestAgentInfo{GAVersion: info.Version, SupportedCommands: info.Commands}
	for _, ask := range []func() error{
		func() (err error) { answer.OS, err = agent.OS(); return err },
		func() (err error) { answer.Hostname, err = agent.Hostname(); return err },
		func() (err error) { answer.Timezone, err = agent.Timezone(); return err },
		func() (err error) { answer.UserList, err = agent.Users(); return err },
		func() (err error) { answer.FSInfo.Filesystems, err = agent.FileSystems(); return err },
		func() (err error) { answer.FSFreezeStatus, err = freezeStatus(agent); return err },
	} {
		if err := ask(); isOurs(err) {
			return nil, m.refused(doing, err)
		}
	}
	return answer, nil
}

// isOurs says whether the agent did not get to refuse by itself, so that there is no point in asking for more.
func isOurs(err error) bool {
	return errors.Is(err, ErrNoAgent) || errors.Is(err, ErrAgentBusy) || errors.Is(err, ErrUnavailable)
}

func freezeStatus(agent *guestagent.Agent) (string, error) {
	frozen, err := agent.Frozen()
	switch {
	case err != nil:
		return "", err
	case frozen:
		return "frozen", nil
	}
	return "thawed", nil
}

// Users asks the agent who is logged in.
func (m *Manager) Users(target api.Target) ([]kubevirtv1.VirtualMachineInstanceGuestOSUser, error) {
	doing := fmt.Sprintf("list the users of %s/%s", target.Namespace, target.Name)
	agent, err := m.agent(target, doing)
	if err != nil {
		return nil, err
	}
	users, err := agent.Users()
	return users, m.refused(doing, err)
}

// FileSystems asks the agent what is mounted.
func (m *Manager) FileSystems(target api.Target) ([]kubevirtv1.VirtualMachineInstanceFileSystem, error) {
	doing := fmt.Sprintf("list the file systems of %s/%s", target.Namespace, target.Name)
	agent, err := m.agent(target, doing)
	if err != nil {
		return nil, err
	}
	systems, err := agent.FileSystems()
	return systems, m.refused(doing, err)
}

// Ping returns once the agent has answered.
func (m *Manager) Ping(target api.Target, request api.PingRequest) error {
	doing := fmt.Sprintf("ping the agent of %s/%s", target.Namespace, target.Name)
	if request.TimeoutSeconds < 1 || request.TimeoutSeconds > api.MaxPingSeconds {
		return invalid(fmt.Errorf("timeoutSeconds: %d is not between 1 and %d", request.TimeoutSeconds, api.MaxPingSeconds))
	}
	agent, err := m.agent(target, doing)
	if err != nil {
		return err
	}
	return m.refused(doing, agent.Ping(time.Duration(request.TimeoutSeconds)*time.Second))
}

// Exec runs a command in the guest and waits for its end.
func (m *Manager) Exec(target api.Target, request api.ExecRequest) (*api.ExecResult, error) {
	doing := fmt.Sprintf("run a command in %s/%s", target.Namespace, target.Name)
	if request.TimeoutSeconds < 1 || request.TimeoutSeconds > api.MaxExecSeconds {
		return nil, invalid(fmt.Errorf("timeoutSeconds: %d is not between 1 and %d", request.TimeoutSeconds, api.MaxExecSeconds))
	}
	agent, err := m.agent(target, doing)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(m.background, time.Duration(request.TimeoutSeconds)*time.Second)
	defer cancel()
	result, err := agent.Exec(ctx, request.Command)
	if err != nil {
		return nil, m.refused(doing, err)
	}
	return &api.ExecResult{ExitCode: result.ExitCode, Output: result.Output}, nil
}

// SetCredentials gives the guest's users their SSH keys and passwords. Where one user can't have theirs the
// others still do, and the status keeps the version from before.
func (m *Manager) SetCredentials(target api.Target, credentials api.Credentials) error {
	doing := fmt.Sprintf("set the credentials of %s/%s", target.Namespace, target.Name)
	if credentials.Version == "" || len(credentials.Version) > maxVersion {
		return invalid(fmt.Errorf("version: must have between 1 and %d bytes", maxVersion))
	}
	g, err := m.running(target, doing)
	if err != nil {
		return err
	}
	if err := give(m.agentOf(g), credentials); err != nil {
		return m.refused(doing, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone {
		return nil
	}
	g.record.Credentials = credentials.Version
	m.save(g)
	m.hub.set(g.status())
	return nil
}

// give returns the first error; where the agent does not answer, it asks no further.
func give(agent *guestagent.Agent, credentials api.Credentials) error {
	var first error
	for _, user := range slices.Sorted(maps.Keys(credentials.AuthorizedKeys)) {
		err := agent.SetAuthorizedKeys(user, credentials.AuthorizedKeys[user])
		if isOurs(err) {
			return err
		}
		if first == nil && err != nil {
			first = fmt.Errorf("SSH keys of user %q: %w", user, err)
		}
	}
	for _, user := range slices.Sorted(maps.Keys(credentials.Passwords)) {
		err := agent.SetPassword(user, string(credentials.Passwords[user]))
		if isOurs(err) {
			return err
		}
		if first == nil && err != nil {
			first = fmt.Errorf("password of user %q: %w", user, err)
		}
	}
	return first
}
