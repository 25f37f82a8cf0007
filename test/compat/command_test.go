// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// state says of a command whether users can count on it.
type state string

const (
	works  state = "works"
	notYet state = "not yet"
)

// command is one of virtctl's, in a form of its own.
type command struct {
	// name is what is typed after virtctl.
	name  string
	state state
	// remark is for the page.
	remark string
	// check fails where the command doesn't do for its user what it does on KubeVirt.
	check func(*check)
}

// group is commands that are run one after the other on one machine.
type group struct {
	title string
	// machine makes the machine, in a namespace of the group's own; nil where none is needed.
	machine  func(*testing.T, *machine)
	commands []command
}

// groups is the table.
func groups() []group {
	return []group{
		{"The state of a machine", startTiny, powerCommands()},
		{"Consoles, ports and the guest", startLinux, guestCommands()},
		{"Manifests", nil, createCommands()},
		{"Administration", nil, adminCommands()},
	}
}

func TestVirtctl(t *testing.T) {
	t.Parallel()
	for _, group := range groups() {
		t.Run(group.title, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if group.machine != nil {
				group.machine(t, m)
			}
			for _, command := range group.commands {
				t.Run(command.name, func(t *testing.T) { command.run(t, m) })
			}
		})
	}
}

func (c command) run(t *testing.T, m *machine) {
	failure := c.failure(t.Context(), m)
	switch c.state {
	case works:
		assert.Empty(t, failure)
	case notYet:
		assert.NotEmpty(t, failure, "virtctl %s works now: say so in the table, and run: make compatibility", c.name)
		t.Log(failure)
	}
}

// failure tells what is wrong with a command, or nothing.
func (c command) failure(ctx context.Context, m *machine) string {
	run := &check{machine: m}
	var cancel func()
	run.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { // of its own, as it ends where something is wrong
		defer close(done)
		defer run.end()
		c.check(run)
	}()
	<-done
	return strings.Join(run.failures, "\n")
}

// check is one run of a command's check. What is wrong it keeps, instead of failing a test.
type check struct {
	*machine
	ctx      context.Context
	failures []string
	ends     []func()
}

var _ require.TestingT = &check{}

// Errorf implements require.TestingT.
func (c *check) Errorf(format string, args ...any) {
	c.failures = append(c.failures, fmt.Sprintf(format, args...))
}

// FailNow implements require.TestingT.
func (c *check) FailNow() { runtime.Goexit() }

// atEnd has something done when the check is over.
func (c *check) atEnd(do func()) { c.ends = append(c.ends, do) }

func (c *check) end() {
	for _, do := range slices.Backward(c.ends) {
		do()
	}
}

// TestTableHasEachCommandOfVirtctl goes by virtctl's own list.
func TestTableHasEachCommandOfVirtctl(t *testing.T) {
	t.Parallel()
	var listed []string
	help, _, found := strings.Cut(runVirtctl(t.Context(), "help").output, "\n\nUse ")
	require.True(t, found)
	for line := range strings.Lines(help) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "  "), " "); ok && strings.HasPrefix(line, "  ") && name != "" {
			listed = append(listed, name)
		}
	}
	require.NotEmpty(t, listed)
	// These say something of virtctl alone.
	listed = slices.DeleteFunc(listed, func(name string) bool { return slices.Contains([]string{"completion", "help", "options"}, name) })
	var held []string
	for _, group := range groups() {
		for _, command := range group.commands {
			name, _, _ := strings.Cut(command.name, " ")
			held = append(held, name)
		}
	}
	slices.Sort(held)
	slices.Sort(listed)
	assert.Equal(t, listed, slices.Compact(held))
}
