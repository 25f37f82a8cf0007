// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/guestagent"
)

const soon = 60 * time.Second

// fakeAgent listens on a unix socket, as the port of a guest's agent is one for libvirt, and says what the test
// wants.
type fakeAgent struct {
	socket string

	mu     sync.Mutex
	frozen bool
	asked  []string
	// say is the answer to a command in place of the usual; "" for none ever.
	say map[string]string
}

func startAgent(t *testing.T) *fakeAgent {
	t.Helper()
	a := &fakeAgent{socket: filepath.Join(runtimeDir(t), "agent"), say: map[string]string{}}
	listener, err := net.Listen("unix", a.socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go a.serve(conn)
		}
	}()
	return a
}

func (a *fakeAgent) serve(conn net.Conn) {
	defer conn.Close()
	commands := json.NewDecoder(conn)
	for {
		var command struct {
			Execute string `json:"execute"`
		}
		if commands.Decode(&command) != nil {
			return
		}
		if answer := a.answer(command.Execute); answer != "" {
			_, _ = io.WriteString(conn, answer+"\n")
		}
	}
}

func (a *fakeAgent) answer(command string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, command)
	if said, ok := a.say[command]; ok {
		return said
	}
	switch command {
	case "guest-fsfreeze-freeze":
		a.frozen = true
		return `{"return":1}`
	case "guest-fsfreeze-thaw":
		a.frozen = false
		return `{"return":1}`
	case "guest-fsfreeze-status":
		if a.frozen {
			return `{"return":"frozen"}`
		}
		return `{"return":"thawed"}`
	case "guest-get-osinfo":
		return `{"return":{"id":"debian","name":"Debian"}}`
	case "guest-network-get-interfaces":
		return `{"return":[{"name":"eth0","hardware-address":"52:54:00:00:00:01","ip-addresses":[{"ip-address":"10.0.2.15"}]}]}`
	case "guest-get-users", "guest-get-fsinfo":
		return `{"return":[]}`
	}
	return `{"return":{}}`
}

func (a *fakeAgent) set(command, answer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.say[command] = answer
}

func (a *fakeAgent) isFrozen() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.frozen
}

func (a *fakeAgent) count(command string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, asked := range a.asked {
		if asked == command {
			n++
		}
	}
	return n
}

// execute asks it as libvirt does, but for at most impatience.
func (a *fakeAgent) execute(impatience time.Duration) guestagent.Executor {
	return func(command string, timeout time.Duration) (string, error) {
		conn, err := net.Dial("unix", a.socket)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(min(timeout, impatience)))
		if _, err := io.WriteString(conn, command); err != nil {
			return "", err
		}
		answer, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoAgent, err)
		}
		return answer, nil
	}
}

// connect has a guest's agent come.
func (b *bench) connect(uuid string, agent *fakeAgent) {
	b.hypervisor.setAgent(agent.execute(soon))
	b.AgentChanged(uuid)
}

// awaitStatus waits until the instance's status is as wanted.
func (b *bench) awaitStatus(t *testing.T, want func(api.DomainStatus) bool) api.DomainStatus {
	t.Helper()
	require.Eventually(t, func() bool { return want(b.status(t)) }, soon, time.Millisecond)
	return b.status(t)
}

func connected(status api.DomainStatus) bool { return status.Agent != nil && status.Agent.Connected }

func TestAgentIsSeenToComeAndGo(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	assert.False(t, connected(b.status(t)))
	b.connect(uuid, startAgent(t))
	status := b.awaitStatus(t, connected)
	assert.Equal(t, "debian", status.Agent.OS.ID)
	assert.Equal(t, []api.GuestInterface{{Name: "eth0", MAC: "52:54:00:00:00:01", IPs: []string{"10.0.2.15"}}}, status.Agent.Interfaces)

	b.hypervisor.setAgent(nil)
	b.AgentChanged(uuid)
	status = b.awaitStatus(t, func(status api.DomainStatus) bool { return !connected(status) })
	assert.Equal(t, &api.Agent{}, status.Agent)
}

func TestAgentIsFoundAgainByTheNextLauncher(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	b.connect(uuid, startAgent(t))
	b.awaitStatus(t, connected)
	b.begin(t)
	status := b.awaitStatus(t, func(status api.DomainStatus) bool { return status.Agent != nil })
	assert.True(t, connected(status), "never said to be gone")
}

func TestAnAgentThatEndsWithItsGuestIsGone(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	b.connect(uuid, startAgent(t))
	b.awaitStatus(t, connected)
	b.hypervisor.set(uuid, PowerShutDown)
	b.Changed(uuid)
	status := b.awaitStatus(t, func(status api.DomainStatus) bool { return status.State == api.StateSucceeded })
	assert.Nil(t, status.Agent)
	_, err := b.GuestInfo(testTarget())
	assert.Equal(t, api.ErrorNotRunning, api.ReasonFor(err))
}

func TestWhatOnlyOpensTheAgentsPortIsNoAgent(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	agent.set("guest-info", "login: ")
	b.connect(uuid, agent)
	b.awaitStatus(t, func(status api.DomainStatus) bool { return status.Agent != nil })
	assert.False(t, connected(b.status(t)))
}

func TestNonsenseHarmsNothing(t *testing.T) {
	for name, answer := range map[string]string{
		"words":      "what?",
		"half":       `{"return":`,
		"wrong type": `{"return":[[[]]]}`,
		"endless":    `{"return":[` + strings.Repeat(`{},`, 1<<19) + `{}]}`,
		"silence":    "",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			uuid := b.start(t)
			agent := startAgent(t)
			b.hypervisor.setAgent(agent.execute(soon))
			b.AgentChanged(uuid)
			b.awaitStatus(t, connected)
			if name == "silence" {
				b.hypervisor.setAgent(agent.execute(50 * time.Millisecond))
			}
			for _, command := range []string{
				"guest-get-osinfo", "guest-get-users", "guest-get-fsinfo", "guest-get-host-name", "guest-get-timezone",
				"guest-fsfreeze-status", "guest-fsfreeze-freeze", "guest-exec",
			} {
				agent.set(command, answer)
			}
			_, err := b.Users(testTarget())
			assert.Equal(t, api.ErrorNoAgent, api.ReasonFor(err))
			_, err = b.FileSystems(testTarget())
			assert.Equal(t, api.ErrorNoAgent, api.ReasonFor(err))
			err = b.Freeze(testTarget(), api.FreezeRequest{})
			assert.Equal(t, api.ErrorNoAgent, api.ReasonFor(err))
			_, err = b.Exec(testTarget(), api.ExecRequest{Command: []string{"true"}, TimeoutSeconds: 1})
			assert.Equal(t, api.ErrorNoAgent, api.ReasonFor(err))
			info, err := b.GuestInfo(testTarget())
			if name == "silence" {
				assert.Equal(t, api.ErrorNoAgent, api.ReasonFor(err))
			} else {
				require.NoError(t, err)
				assert.Empty(t, info.Hostname)
			}
			require.NoError(t, b.Pause(testTarget()), "the guest itself still obeys")
		})
	}
}

func TestAGuestIsNotHeldUpByItsAgent(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	b.hypervisor.setAgent(agent.execute(time.Second))
	b.AgentChanged(uuid)
	b.awaitStatus(t, connected)
	agent.set("guest-get-users", "")
	asked := make(chan error, 1)
	go func() {
		_, err := b.Users(testTarget())
		asked <- err
	}()
	require.Eventually(t, func() bool { return agent.count("guest-get-users") == 1 }, soon, time.Millisecond)
	require.NoError(t, b.Reset(testTarget()))
	select {
	case <-asked:
		assert.Fail(t, "the answer is not there yet")
	default:
	}
	assert.Equal(t, api.ErrorNoAgent, api.ReasonFor(<-asked), "after its time")
}

func TestFreezeAndThaw(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	b.connect(uuid, agent)
	b.awaitStatus(t, connected)

	require.NoError(t, b.Freeze(testTarget(), api.FreezeRequest{}))
	assert.True(t, agent.isFrozen())
	assert.True(t, b.status(t).Frozen)
	require.NoError(t, b.Freeze(testTarget(), api.FreezeRequest{}), "again")
	assert.Equal(t, 1, agent.count("guest-fsfreeze-freeze"))
	require.NoError(t, b.Unfreeze(testTarget()))
	assert.False(t, agent.isFrozen())
	assert.False(t, b.status(t).Frozen)
	require.NoError(t, b.Unfreeze(testTarget()), "again")
	assert.Equal(t, 1, agent.count("guest-fsfreeze-thaw"))

	err := b.Freeze(testTarget(), api.FreezeRequest{TimeoutSeconds: -1})
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
}

func TestAFreezeEndsByItself(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	b.connect(uuid, agent)
	b.awaitStatus(t, connected)
	require.NoError(t, b.Freeze(testTarget(), api.FreezeRequest{TimeoutSeconds: 1}))
	b.awaitStatus(t, func(status api.DomainStatus) bool { return !status.Frozen })
	assert.False(t, agent.isFrozen())
}

func TestAFreezeEndsUnderAnotherLauncher(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	b.connect(uuid, agent)
	b.awaitStatus(t, connected)
	require.NoError(t, b.Freeze(testTarget(), api.FreezeRequest{TimeoutSeconds: 1}))
	b.begin(t)
	b.awaitStatus(t, func(status api.DomainStatus) bool { return !status.Frozen })
	assert.False(t, agent.isFrozen())
}

func TestAFreezeThatFailsLeavesNothingFrozen(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	b.connect(uuid, agent)
	b.awaitStatus(t, connected)
	agent.set("guest-fsfreeze-freeze", "it is cold")
	require.Error(t, b.Freeze(testTarget(), api.FreezeRequest{}))
	assert.False(t, b.status(t).Frozen)
}

func TestAResetEndsAFreeze(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	b.connect(uuid, startAgent(t))
	b.awaitStatus(t, connected)
	require.NoError(t, b.Freeze(testTarget(), api.FreezeRequest{}))
	b.hypervisor.setAgent(nil)
	b.AgentChanged(uuid)
	b.awaitStatus(t, func(status api.DomainStatus) bool { return !connected(status) })
	b.connect(uuid, startAgent(t))
	b.awaitStatus(t, func(status api.DomainStatus) bool { return connected(status) && !status.Frozen })
}

func TestCredentialsAreKeptByVersion(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	b.connect(uuid, agent)
	b.awaitStatus(t, connected)
	credentials := api.Credentials{
		Version:        "1",
		AuthorizedKeys: map[string][]string{"root": {"ssh-ed25519 A"}},
		Passwords:      map[string][]byte{"guest": []byte("secret")},
	}
	require.NoError(t, b.SetCredentials(testTarget(), credentials))
	assert.Equal(t, "1", b.status(t).Credentials)

	credentials.Version = "2"
	agent.set("guest-ssh-add-authorized-keys", "no such user")
	err := b.SetCredentials(testTarget(), credentials)
	require.ErrorContains(t, err, `SSH keys of user "root"`)
	assert.Equal(t, "1", b.status(t).Credentials)
	assert.Equal(t, 2, agent.count("guest-set-user-password"), "the others still get theirs")
	b.begin(t)
	assert.Equal(t, "1", b.status(t).Credentials)
}

func TestPingAndExec(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	agent := startAgent(t)
	b.connect(uuid, agent)
	require.NoError(t, b.Ping(testTarget(), api.PingRequest{TimeoutSeconds: 5}))
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(b.Ping(testTarget(), api.PingRequest{})))

	agent.set("guest-exec", `{"return":{"pid":1}}`)
	agent.set("guest-exec-status", `{"return":{"exited":true,"exitcode":2,"err-data":"bm8="}}`)
	result, err := b.Exec(testTarget(), api.ExecRequest{Command: []string{"test"}, TimeoutSeconds: 5})
	require.NoError(t, err)
	assert.Equal(t, &api.ExecResult{ExitCode: 2, Output: "no"}, result)
	agent.set("guest-exec-status", `{"return":{"exited":false}}`)
	_, err = b.Exec(testTarget(), api.ExecRequest{Command: []string{"test"}, TimeoutSeconds: 1})
	require.ErrorContains(t, err, "did not end in time")
	_, err = b.Exec(testTarget(), api.ExecRequest{Command: []string{"test"}})
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
}

func TestAnAgentThatComesAndGoesIsDoubted(t *testing.T) {
	b := newBench(t)
	b.start(t)
	g, err := b.acquire(testKey())
	require.NoError(t, err)
	defer g.mu.Unlock()
	// Whether it answered or not: a port that is opened and closed costs a look each time.
	for i, want := range []time.Duration{firstHold, 2 * firstHold, 4 * firstHold} {
		g.agent.status, g.agent.since, g.agent.end = &api.Agent{Connected: i%2 == 0}, time.Now(), func() {}
		b.loseAgent(g)
		assert.Equal(t, want, g.agent.hold)
		b.loseAgent(g)
		assert.Equal(t, want, g.agent.hold, "it is lost once")
	}
	g.agent.since, g.agent.end = time.Now().Add(-2*steadyFor), func() {}
	b.loseAgent(g)
	assert.Zero(t, g.agent.hold)
}
