// SPDX-License-Identifier: Apache-2.0

package vsock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Dial connects to a port of the guest that has the address cid on this machine, until ctx ends at the latest.
func Dial(ctx context.Context, cid, port uint32) (net.Conn, error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make a VSOCK socket: %w; load the module of the kernel: modprobe vhost_vsock", err)
	}
	conn := &conn{File: os.NewFile(uintptr(fd), "vsock"), remote: address{cid, port}}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = connect(conn.File, cid, port)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("connect to %s: %w", conn.remote, err)
	}
	return conn, nil
}

// connect begins within the wait for its end: an end that came before the wait would be missed.
func connect(file *os.File, cid, port uint32) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	begun := false
	var failed error
	err = raw.Write(func(fd uintptr) (done bool) {
		if !begun {
			begun = true
			failed = unix.Connect(int(fd), &unix.SockaddrVM{CID: cid, Port: port})
			return !errors.Is(failed, unix.EINPROGRESS)
		}
		failed = outcome(int(fd))
		return true
	})
	return errors.Join(err, failed)
}

func outcome(fd int) error {
	number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if number != 0 {
		return unix.Errno(number)
	}
	return nil
}

// conn is a socket as a file: package net knows no VSOCK.
type conn struct {
	*os.File
	remote address
}

var _ net.Conn = &conn{}

func (c *conn) LocalAddr() net.Addr  { return address{} }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

type address struct{ cid, port uint32 }

func (address) Network() string  { return "vsock" }
func (a address) String() string { return fmt.Sprintf("port %d of CID %d", a.port, a.cid) }
