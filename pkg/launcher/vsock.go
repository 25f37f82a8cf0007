// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// vsockTimeout bounds the connecting.
const vsockTimeout = 10 * time.Second

// vsockDialer connects to a port of the guest with that address.
type vsockDialer func(ctx context.Context, cid, port uint32) (net.Conn, error)

// ConnectVSOCK joins the client that accept returns to a program that listens in the guest, until either side or ctx
// ends. Its address is the one that libvirt tells of: nobody else is believed, as another's would lead to another guest.
func (m *Manager) ConnectVSOCK(ctx context.Context, target api.Target, port uint32, accept func() (io.ReadWriteCloser, error)) error {
	cid, err := m.vsockCID(target)
	if err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, vsockTimeout)
	defer cancel()
	guest, err := m.dialVSOCK(dialing, cid, port)
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		err = fmt.Errorf("%w: nothing listens there in the guest", err)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: the guest does not answer; it may be paused, or have no driver for VSOCK yet", err)
	}
	if err != nil {
		return m.refused("VSOCK of "+target.Namespace+"/"+target.Name, err)
	}
	defer guest.Close()
	client, err := accept()
	if err != nil {
		return err
	}
	join(ctx, client, guest)
	return nil
}

func (m *Manager) vsockCID(target api.Target) (uint32, error) {
	g, err := m.acquireTarget(target)
	if err != nil {
		return 0, err
	}
	defer g.mu.Unlock()
	key := keyOf(&g.record)
	if !g.power.Active() || g.facts == nil {
		return 0, &api.Error{Reason: api.ErrorNotRunning, Message: key.String() + " does not run"}
	}
	if g.facts.VSOCKCID == 0 {
		return 0, &api.Error{Reason: api.ErrorInvalid, Message: "VSOCK is not attached."}
	}
	return g.facts.VSOCKCID, nil
}
