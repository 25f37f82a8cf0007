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
	if err := setPatience(ctx, fd); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("make a VSOCK socket: %w", err)
	}
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

// connectTimeout is SO_VM_SOCKETS_CONNECT_TIMEOUT.
const connectTimeout = 6

// setPatience has the kernel try for as long as ctx lasts: its own two seconds are short for a guest that is emulated.
func setPatience(ctx context.Context, fd int) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	left := unix.NsecToTimeval(max(time.Until(deadline), time.Millisecond).Nanoseconds())
	return unix.SetsockoptTimeval(fd, unix.AF_VSOCK, connectTimeout, &left)
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
		done, failed = outcome(int(fd))
		return done
	})
	return errors.Join(err, failed)
}

// outcome says whether a connect that was begun is at its end, and how it ended. A wake-up alone does not say so.
func outcome(fd int) (done bool, err error) {
	number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return true, err
	}
	if number != 0 {
		return true, unix.Errno(number)
	}
	_, err = unix.Getpeername(fd)
	if errors.Is(err, unix.ENOTCONN) {
		return false, nil
	}
	return true, err
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
