// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/net/netutil"
	"golang.org/x/sys/unix"
)

const (
	// maxConnections at a time; each domain has two streams at most.
	maxConnections = 4096
	// maxSocketPath is what the kernel takes.
	maxSocketPath = 107
)

// listen makes the socket, in place of one that nobody listens on any more, in a directory that only this
// user can enter. It lets in connections of this user and of root.
func listen(ctx context.Context, socket string, log *slog.Logger) (net.Listener, error) {
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("socket %s: its path is longer than %d bytes; choose a shorter one", socket, maxSocketPath)
	}
	if err := makePrivate(filepath.Dir(socket)); err != nil {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	var dialer net.Dialer
	if conn, err := dialer.DialContext(ctx, "unix", socket); err == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("socket %s: another process listens there", socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	unixListener := listener.(*net.UnixListener)
	unixListener.SetUnlinkOnClose(false) // by then it may be a successor's
	return netutil.LimitListener(&peerListener{unixListener, uint32(os.Geteuid()), log}, maxConnections), nil
}

// makePrivate makes a directory that only this user can enter, or makes sure that it is one.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if info.Mode().Perm()&0o077 != 0 || owner != uint32(os.Geteuid()) {
		return fmt.Errorf("directory %s: others may enter it; make it yours alone with: chmod 700 %s", dir, dir)
	}
	return nil
}

// peerListener lets in only connections of its user and of root.
type peerListener struct {
	*net.UnixListener
	user uint32
	log  *slog.Logger
}

func (l *peerListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		peer, err := peerOf(conn)
		if err == nil && (peer == 0 || peer == l.user) {
			return conn, nil
		}
		l.log.Warn("refused a connection", "user", peer, "error", err)
		_ = conn.Close()
	}
}

// peerOf is the user at the other end of a connection.
func peerOf(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, failed); err != nil {
		return 0, err
	}
	return credentials.Uid, nil
}
