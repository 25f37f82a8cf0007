// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// connectAs connects as another user; it needs root. The user is that of one thread, which then ends.
func connectAs(t *testing.T, user int, socket string) net.Conn {
	t.Helper()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		conn, err := func() (net.Conn, error) {
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(user), ^uintptr(0)); errno != 0 {
				return nil, errno
			}
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return nil, err
			}
			file := os.NewFile(uintptr(fd), socket)
			defer file.Close()
			if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
				return nil, err
			}
			return net.FileConn(file)
		}()
		results <- result{conn, err}
	}()
	got := <-results
	require.NoError(t, got.err)
	t.Cleanup(func() { _ = got.conn.Close() })
	return got.conn
}
