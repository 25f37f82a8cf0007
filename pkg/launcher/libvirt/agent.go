// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"errors"
	"fmt"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// AgentOpen says whether something in the guest listens where its agent does.
func (c *Conn) AgentOpen(ref launcher.Ref) (bool, error) {
	open := false
	err := c.use(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			xml, err := d.GetXMLDesc(0)
			if err != nil {
				return err
			}
			open, err = domain.AgentOpen(xml)
			return err
		})
	})
	return open, err
}

// AskAgent passes a command to the guest's agent and returns its answer. The wait for a turn counts too.
func (c *Conn) AskAgent(ref launcher.Ref, command string, timeout time.Duration) (string, error) {
	turn := time.NewTimer(timeout)
	defer turn.Stop()
	select {
	case c.asked <- struct{}{}:
		defer func() { <-c.asked }()
	case <-turn.C:
		return "", fmt.Errorf("%w: libvirt waits for those of %d other guests", launcher.ErrAgentBusy, maxAsked)
	}
	var answer string
	err := c.hold(func() *libvirt.Connect { return c.agents }, func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) (err error) {
			answer, err = d.QemuAgentCommand(command, seconds(timeout), 0)
			if alive, aliveErr := conn.IsAlive(); errors.Is(err, libvirt.ERR_RPC) && aliveErr == nil && alive {
				return errors.New("the guest agent's answer is longer than libvirt carries")
			}
			return err
		})
	})
	return answer, err
}

// seconds is what libvirt counts in.
func seconds(timeout time.Duration) libvirt.DomainQemuAgentCommandTimeout {
	return libvirt.DomainQemuAgentCommandTimeout(max(1, (timeout+time.Second-1)/time.Second))
}
