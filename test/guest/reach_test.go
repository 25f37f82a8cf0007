// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSmallGuestServesSSHAndTheAgent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	command(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	public, err := os.ReadFile(key + ".pub")
	require.NoError(t, err)
	port := freePort(t)

	agent := filepath.Join(dir, "agent")
	m := start(t, smallMemory, join(
		bios(t), disk(t, small, smallSize), onVirtio("disk"),
		noCloud(t, "keys", "#cloud-config\nssh_authorized_keys:\n- "+strings.TrimSpace(string(public))+"\n"), onVirtio("seed"),
		network(fmt.Sprintf(",hostfwd=tcp:127.0.0.1:%d-:22", port)), agentChannel(agent))...)
	m.await(t, bootTime, `virt-guest ready keys`)

	assert.Equal(t, "keys", strings.TrimSpace(command(t, "ssh",
		"-i", key, "-p", fmt.Sprint(port), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"guest@127.0.0.1", "hostname")))

	a := dialAgent(t, agent)
	assert.Contains(t, a.ask(t, "guest-get-host-name"), "keys")
	assert.Contains(t, a.ask(t, "guest-network-get-interfaces"), "10.0.2.15")
	a.tell(t, "guest-shutdown")
	m.end(t)
}

// agentChannel gives the guest's agent a socket at path to speak to.
func agentChannel(path string) []string {
	return []string{
		"-device", "virtio-serial-pci",
		"-chardev", "socket,id=agent,server=on,wait=off,path=" + path,
		"-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
	}
}

// agent speaks with the guest's agent.
type agent struct {
	net.Conn
	answers *bufio.Reader
}

func dialAgent(t *testing.T, path string) agent {
	conn := dial(t, path)
	require.NoError(t, conn.SetDeadline(time.Now().Add(2*replies)))
	return agent{conn, bufio.NewReader(conn)}
}

func (a agent) tell(t *testing.T, name string) {
	require.NoError(t, json.NewEncoder(a).Encode(map[string]string{"execute": name}))
}

func (a agent) ask(t *testing.T, name string) string {
	a.tell(t, name)
	answer, err := a.answers.ReadString('\n')
	require.NoError(t, err, "asking the agent %s", name)
	return answer
}

// freePort is free now, and QEMU takes it soon.
func freePort(t *testing.T) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
