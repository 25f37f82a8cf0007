// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"net"
	"time"
)

// socketConn is a Socket where a net.Conn is asked for. It has no deadlines: closing it ends what waits.
type socketConn struct {
	*Socket
	address string
}

var _ net.Conn = (*socketConn)(nil)

// Datagrams implements datagrams.
func (c *socketConn) Datagrams() bool { return c.datagrams }

func (c *socketConn) LocalAddr() net.Addr              { return socketAddress("") }
func (c *socketConn) RemoteAddr() net.Addr             { return socketAddress(c.address) }
func (c *socketConn) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (c *socketConn) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (c *socketConn) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

type socketAddress string

func (a socketAddress) Network() string { return "websocket" }
func (a socketAddress) String() string  { return string(a) }
