// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// console is a session of kubectl-virt console.
type console struct{ *harness.Terminal }

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
	c := &console{harness.NewTerminal(p.t, input, output)}
	p.t.Cleanup(func() {
		_ = input.Close()
		c.Drain()
		_ = session.Wait()
		if p.t.Failed() {
			p.t.Logf("kubectl virt console %s: %s", name, said.String())
		}
	})
	return c
}

func (c *console) send(text string)                    { c.Send(text) }
func (c *console) expect(pattern, nudge string) string { return c.Expect(pattern, nudge) }
func (c *console) login(user, password string)         { c.Login(user, password) }
func (c *console) run(command string) string           { return c.Run(command) }
