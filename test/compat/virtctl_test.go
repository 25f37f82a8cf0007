// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// result is how a run of virtctl ended.
type result struct {
	// output is what it printed, to wherever.
	output string
	code   int
}

func runVirtctl(ctx context.Context, args ...string) result {
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	command := suite.Server.Command(ctx, suite.virtctl, args...)
	command.WaitDelay = time.Second // ssh, which it runs, may outlive it
	output, _ := command.CombinedOutput()
	return result{string(output), command.ProcessState.ExitCode()}
}

// command is a run of virtctl in the group's namespace, with a home of the group's own.
func (c *check) command(args ...string) *exec.Cmd {
	command := suite.Server.Command(c.ctx, suite.virtctl, append([]string{"-n", c.namespace}, args...)...)
	command.Env = append(command.Env, "HOME="+c.dir)
	return command
}

// virtctl runs virtctl, which must succeed and print all of these, and gives all that it printed.
func (c *check) virtctl(args []string, prints ...string) string {
	return c.expect(0, args, prints)
}

// refused runs virtctl, which must fail and print all of these.
func (c *check) refused(args []string, prints ...string) { c.expect(1, args, prints) }

func (c *check) expect(code int, args, prints []string) string {
	got := runVirtctl(c.ctx, append([]string{"-n", c.namespace}, args...)...)
	require.Equal(c, code, got.code, "virtctl %s: %s", strings.Join(args, " "), got.output)
	for _, text := range prints {
		require.Contains(c, got.output, text, "virtctl %s", strings.Join(args, " "))
	}
	return got.output
}

// background is a virtctl that runs until it is interrupted.
type background struct {
	c       *check
	command *exec.Cmd
	output  *log
	// ended is closed at the end, and then err tells how it ended.
	ended chan struct{}
	err   error
}

// start starts virtctl, which ends with the check at the latest.
func (c *check) start(args ...string) *background {
	command := c.command(args...)
	output := &log{}
	command.Stdout, command.Stderr = output, output
	require.NoError(c, command.Start())
	b := &background{c: c, command: command, ended: make(chan struct{}), output: output}
	go func() {
		defer close(b.ended)
		b.err = command.Wait()
	}()
	c.atEnd(func() { _ = command.Process.Kill() })
	return b
}

// await waits until something is true while virtctl runs.
func (b *background) await(holds func(*assert.CollectT)) {
	require.EventuallyWithT(b.c, func(c *assert.CollectT) {
		if !b.hasEnded() {
			holds(c)
		}
	}, harness.Soon, harness.Tick, "%s", b.output)
	require.False(b.c, b.hasEnded(), "it ended: %s", b.output)
}

func (b *background) hasEnded() bool {
	select {
	case <-b.ended:
		return true
	default:
		return false
	}
}

// interrupt ends virtctl as a user does, which it must take for success.
func (b *background) interrupt() {
	require.NoError(b.c, b.command.Process.Signal(syscall.SIGINT))
	b.wait()
}

// wait waits for the end, which must be one in success.
func (b *background) wait() {
	select {
	case <-b.ended:
		require.NoError(b.c, b.err, "%s", b.output)
	case <-time.After(harness.Soon):
		require.Fail(b.c, "virtctl does not end", "%s", b.output)
	}
}

// log is written and read at the same time.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// onTerminal runs virtctl on a terminal of its own, until leave.
func (c *check) onTerminal(args ...string) (terminal *harness.Terminal, leave func()) {
	command := c.command(args...)
	tty, err := pty.Start(command)
	require.NoError(c, err)
	terminal = harness.NewTerminal(c, tty, eof{tty})
	c.atEnd(func() {
		_ = command.Process.Kill()
		_ = tty.Close()
	})
	return terminal, func() {
		terminal.Send("\x1d") // Ctrl-]
		terminal.Drain()
		require.NoError(c, command.Wait())
	}
}

// eof is the terminal of a process: once that has ended, reading fails in a way of its own.
type eof struct{ *os.File }

func (e eof) Read(p []byte) (int, error) {
	n, err := e.File.Read(p)
	if err != nil {
		return n, io.EOF
	}
	return n, nil
}
