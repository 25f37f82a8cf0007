// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// escapes are what shells send to ask for the cursor's place and to colour their words.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// Terminal is a guest's console, talked to as a script would.
type Terminal struct {
	t      require.TestingT
	input  io.Writer
	output chan []byte
	// unread is what came after that which was last waited for.
	unread string
}

// NewTerminal reads output until it ends, and writes what is said to input.
func NewTerminal(t require.TestingT, input io.Writer, output io.Reader) *Terminal {
	terminal := &Terminal{t: t, input: input, output: make(chan []byte, 1024)}
	go func() {
		defer close(terminal.output)
		buffer := make([]byte, 4096)
		for {
			n, err := output.Read(buffer)
			if err != nil {
				return
			}
			terminal.output <- append([]byte(nil), buffer[:n]...)
		}
	}()
	return terminal
}

// Drain returns when the output has ended, and keeps none of it.
func (c *Terminal) Drain() {
	for range c.output { // nobody listens any more
	}
}

// Send types text.
func (c *Terminal) Send(text string) {
	_, err := io.WriteString(c.input, text)
	require.NoError(c.t, err)
}

// Expect reads until the pattern matches, and gives what was read up to there. Where nudge is not empty, it is
// sent when the guest has been silent for a while: it may have asked before anybody listened.
func (c *Terminal) Expect(pattern, nudge string) string {
	expression := regexp.MustCompile(pattern)
	deadline := time.After(Patience)
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
				c.Send(nudge)
			}
		case <-deadline:
			require.Fail(c.t, "the guest did not say it", "%q; unread: %q", pattern, c.unread)
		}
		silent.Stop()
	}
}

// Login logs in once the guest asks for it, with a password that it must accept.
func (c *Terminal) Login(user, password string) {
	c.Expect(`login: $`, "\r")
	c.Send(user + "\r")
	c.Expect(`assword: $`, "")
	c.Send(password + "\r")
	answer := c.Expect(`[$#] $|incorrect`, "")
	require.NotContains(c.t, answer, "incorrect", "the guest refuses %s's password", user)
}

// Run has the shell run a command, which must succeed, and gives what it printed.
func (c *Terminal) Run(command string) string {
	// The terminal shows what is typed; only what is printed has the words without quotes.
	c.Send(`echo BE""GIN; ` + command + `; echo E""ND $?` + "\r")
	c.Expect(`BEGIN\r?\n`, "")
	output := c.Expect(`END \d+`, "")
	text, status, _ := strings.Cut(output, "END ")
	require.Equal(c.t, "0", status, "%s: %s", command, text)
	return strings.TrimSpace(strings.ReplaceAll(text, "\r", ""))
}
