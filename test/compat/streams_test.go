// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// greeting is what a VNC server says first.
const greeting = "RFB 003.008\n"

// viewer is a VNC viewer that looks at no more than the greeting; virtctl gives it the address.
const viewer = `#!/bin/bash
exec 3<>"/dev/tcp/${1%:*}/${1#*:}"
read -r greeting <&3
echo "$greeting" >"$HOME/greeting"
`

func checkVNC(c *check) {
	path := filepath.Join(c.dir, "viewer")
	require.NoError(c, os.WriteFile(path, []byte(viewer), 0o755))
	c.start("vnc", "web", "--vnc-type", "tiger", "--vnc-path", path).wait()
	said, err := os.ReadFile(filepath.Join(c.dir, "greeting"))
	require.NoError(c, err)
	assert.Equal(c, greeting, string(said))
	c.refused([]string{"vnc", "nobody"}, "can't access VMI nobody", `"nobody" not found`)
}

func checkVNCProxy(c *check) {
	proxy := c.start("vnc", "web", "--proxy-only")
	var said struct{ Port int }
	proxy.await(func(t *assert.CollectT) {
		for line := range strings.Lines(proxy.output.String()) {
			if strings.HasPrefix(line, `{"port":`) {
				require.NoError(t, json.Unmarshal([]byte(line), &said))
			}
		}
		require.NotZero(t, said.Port)
	})
	conn := c.dial("tcp", said.Port)
	assert.Equal(c, greeting, read(c, conn, len(greeting)))
	require.NoError(c, conn.Close())
	proxy.wait()
}

func checkScreenshot(c *check) {
	path := filepath.Join(c.dir, "screen.png")
	c.virtctl([]string{"vnc", "screenshot", "web", "--file", path})
	file, err := os.Open(path)
	require.NoError(c, err)
	defer file.Close()
	picture, err := png.Decode(file)
	require.NoError(c, err)
	assert.GreaterOrEqual(c, picture.Bounds().Dx(), 640)
}

func checkPortForward(c *check) {
	port, err := harness.FreePort()
	require.NoError(c, err)
	forward := c.start("port-forward", "vmi/web", fmt.Sprintf("%d:22", port))
	var said string
	forward.await(func(t *assert.CollectT) {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		require.NoError(t, err)
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(harness.Soon))
		said, err = bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
	})
	assert.Contains(c, said, "SSH-2.0-dropbear")
	forward.interrupt()
}

func checkPortForwardUDP(c *check) {
	port, err := harness.FreePort()
	require.NoError(c, err)
	forward := c.start("port-forward", "vm/web", fmt.Sprintf("udp/%d:7007", port))
	conn := c.dial("udp", port)
	forward.await(func(t *assert.CollectT) {
		_, err := io.WriteString(conn, "hello")
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Second)))
		buffer := make([]byte, 64)
		n, err := conn.Read(buffer)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(buffer[:n]))
	})
	forward.interrupt()
}

// reach is how a machine is reached whose host key nobody knows.
func (c *check) reach(command string, args ...string) []string {
	return append([]string{command, "--identity-file", c.keyFile(),
		"--local-ssh-opts=-oStrictHostKeyChecking=no", "--local-ssh-opts=-oUserKnownHostsFile=/dev/null", "--local-ssh-opts=-oBatchMode=yes"}, args...)
}

func checkSSH(c *check) {
	assert.Contains(c, c.virtctl(c.reach("ssh", "tester@vm/web", "--command", "hostname; whoami")), "shop\ntester\n")
	assert.Contains(c, c.virtctl(c.reach("ssh", "--username", "tester", "vmi/web/"+c.namespace, "--command", "echo by name")), "by name\n")
}

func checkSCP(c *check) {
	for name, text := range map[string]string{"there": "from here", "tree/leaf": "one of many"} {
		path := filepath.Join(c.dir, name)
		require.NoError(c, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(c, os.WriteFile(path, []byte(text), 0o600))
	}
	back := filepath.Join(c.dir, "back")
	c.virtctl(c.reach("scp", filepath.Join(c.dir, "there"), "tester@vm/web:there"))
	c.virtctl(c.reach("scp", "tester@vm/web:there", back))
	text, err := os.ReadFile(back)
	require.NoError(c, err)
	assert.Equal(c, "from here", string(text))
	c.virtctl(c.reach("scp", "--recursive", filepath.Join(c.dir, "tree"), "tester@vmi/web:"))
	assert.Contains(c, c.virtctl(c.reach("ssh", "tester@vm/web", "--command", "cat tree/leaf")), "one of many")
}

// dial connects to a port of this machine until the check is over.
func (c *check) dial(network string, port int) net.Conn {
	conn, err := net.Dial(network, fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(c, err)
	c.atEnd(func() { _ = conn.Close() })
	return conn
}

func read(c *check, conn net.Conn, length int) string {
	require.NoError(c, conn.SetReadDeadline(time.Now().Add(harness.Soon)))
	buffer := make([]byte, length)
	_, err := io.ReadFull(conn, buffer)
	require.NoError(c, err)
	return string(buffer)
}
