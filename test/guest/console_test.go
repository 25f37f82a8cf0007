// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// escapes are what shells say to terminals and not to people.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]|\r`)

// console is the serial console, as someone sees it who reads on and on.
type console struct {
	conn   net.Conn
	unread strings.Builder
	asked  int
}

func attach(t *testing.T, conn net.Conn) *console {
	c := &console{conn: conn}
	t.Cleanup(func() {
		if t.Failed() {
			seen := c.unread.String()
			t.Logf("last on the console: %q", seen[max(0, len(seen)-2000):])
		}
	})
	return c
}

// await reads until the pattern is there and returns what it matched. What came
// before it is gone; what follows is for the next await.
func (c *console) await(t *testing.T, within time.Duration, pattern string) []string {
	t.Helper()
	want := regexp.MustCompile(pattern)
	require.NoError(t, c.conn.SetReadDeadline(time.Now().Add(within)))
	buffer := make([]byte, 4096)
	for {
		seen := escapes.ReplaceAllString(c.unread.String(), "")
		if at := want.FindStringSubmatchIndex(seen); at != nil {
			match := want.FindStringSubmatch(seen)
			c.unread.Reset()
			c.unread.WriteString(seen[at[1]:])
			return match
		}
		n, err := c.conn.Read(buffer)
		require.NoError(t, err, "waiting for %q on the console", pattern)
		c.unread.Write(buffer[:n])
	}
}

func (c *console) say(t *testing.T, line string) {
	t.Helper()
	_, err := c.conn.Write([]byte(line + "\n"))
	require.NoError(t, err)
}

// logIn answers the prompt of a host until a shell asks.
func (c *console) logIn(t *testing.T, hostname, user, password string) {
	t.Helper()
	c.await(t, bootTime, `(?m)^`+hostname+` login: `)
	c.say(t, user)
	c.await(t, replies, `Password: `)
	c.say(t, password)
	c.await(t, bootTime, user+`@`+hostname+`:~\$ `)
}

// ask runs a command in the shell and returns its output. The marks around it are
// written so that the echo of the command does not look like them.
func (c *console) ask(t *testing.T, command string) string {
	t.Helper()
	c.asked++
	c.say(t, fmt.Sprintf(`echo "<"%d; %s; echo "%d"">"`, c.asked, command, c.asked))
	match := c.await(t, 2*replies, fmt.Sprintf(`(?ms)^<%d\n(.*?)^%d>$`, c.asked, c.asked))
	return strings.TrimSpace(match[1])
}
