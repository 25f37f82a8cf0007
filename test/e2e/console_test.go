// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// escapes are what shells send to ask for the cursor's place and to colour their words.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// console is a session of kubectl-virt console, talked to as a script would.
type console struct {
	t      *testing.T
	input  io.WriteCloser
	output chan []byte
	// unread is what came after that which was last waited for.
	unread string
}

// openConsole opens a machine's console, and closes it when the test is over.
func (p *space) openConsole(name string) *console {
	p.t.Helper()
	session := p.Command(p.t.Context(), suite.Path("kubectl-virt"), "-n", p.name, "console", name)
	var said strings.Builder // to the user, beside the guest's output
	session.Stderr = &said
	input, err := session.StdinPipe()
	require.NoError(p.t, err)
	output, err := session.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, session.Start())
	c := &console{t: p.t, input: input, output: make(chan []byte, 1024)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(c.output)
		buffer := make([]byte, 4096)
		for {
			n, err := output.Read(buffer)
			if err != nil {
				return
			}
			c.output <- append([]byte(nil), buffer[:n]...)
		}
	}()
	p.t.Cleanup(func() {
		_ = input.Close()
		for range c.output { // nobody listens any more
		}
		<-ended
		_ = session.Wait()
		if p.t.Failed() {
			p.t.Logf("kubectl virt console %s: %s", name, said.String())
		}
	})
	return c
}

func (c *console) send(text string) {
	c.t.Helper()
	_, err := io.WriteString(c.input, text)
	require.NoError(c.t, err)
}

// expect reads until the pattern matches, and gives what was read up to there. Where nudge is not empty, it is
// sent when the guest has been silent for a while: it may have asked before anybody listened.
func (c *console) expect(pattern, nudge string) string {
	c.t.Helper()
	expression := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for {
		if end := expression.FindStringIndex(c.unread); end != nil {
			read := c.unread[:end[1]]
			c.unread = c.unread[end[1]:]
			return read
		}
		silent := time.NewTimer(5 * time.Second)
		select {
		case data, open := <-c.output:
			require.True(c.t, open, "the console was closed; waited for %q, unread: %q", pattern, c.unread)
			c.unread = escapes.ReplaceAllString(c.unread+string(data), "")
		case <-silent.C:
			if nudge != "" {
				c.send(nudge)
			}
		case <-deadline:
			require.Fail(c.t, "the guest did not say it", "%q; unread: %q", pattern, c.unread)
		}
		silent.Stop()
	}
}

// login logs in once the guest asks for it.
func (c *console) login(user, password string) {
	c.t.Helper()
	c.expect(`login: $`, "\r")
	c.send(user + "\r")
	c.expect(`assword: $`, "")
	c.send(password + "\r")
	c.expect(`[$#] $`, "")
}

// run has the shell run a command, which must succeed, and gives what it printed.
func (c *console) run(command string) string {
	c.t.Helper()
	// The terminal shows what is typed; only what is printed has the words without quotes.
	c.send(`echo BE""GIN; ` + command + `; echo E""ND $?` + "\r")
	c.expect(`BEGIN\r?\n`, "")
	output := c.expect(`END \d+`, "")
	text, status, _ := strings.Cut(output, "END ")
	require.Equal(c.t, "0", status, "%s: %s", command, text)
	return strings.TrimSpace(strings.ReplaceAll(text, "\r", ""))
}
