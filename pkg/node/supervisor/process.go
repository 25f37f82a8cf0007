// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a launcher, ours or found, held by a descriptor: its number can't come to mean another one.
type process struct {
	pid    int
	handle *os.File
}

// listener returns the process that listens on socket, or nil where none does. The kernel says who it is.
func listener(socket string) (*process, error) {
	conn, err := net.Dial("unix", socket)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a launcher: %w", err)
	}
	defer conn.Close()
	pid, err := peerPID(conn.(*net.UnixConn))
	if err != nil {
		return nil, fmt.Errorf("ask who listens on %s: %w", socket, err)
	}
	launcher, err := hold(pid)
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	return launcher, err
}

func peerPID(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	var peerErr error
	if err := raw.Control(func(fd uintptr) {
		peer, peerErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if peerErr != nil {
		return 0, peerErr
	}
	return int(peer.Pid), nil
}

// spawn starts the launcher in a session of its own, with its output in the log file: neither a signal to
// our group nor our end reaches it.
func spawn(config Config) (*process, error) {
	log, err := openLog(config.LogFile)
	if err != nil {
		return nil, fmt.Errorf("open the launcher's log: %w", err)
	}
	defer log.Close()
	command := exec.Command(config.Command[0], config.Command[1:]...)
	command.Dir = "/"
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the launcher: %w", err)
	}
	pid := command.Process.Pid
	// A child stays a child until it is waited for, so its number is still its own.
	launcher, err := hold(pid)
	if err != nil {
		return nil, errors.Join(err, command.Process.Kill(), command.Wait())
	}
	return launcher, command.Process.Release()
}

func hold(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("hold process %d: %w", pid, err)
	}
	return &process{pid: pid, handle: os.NewFile(uintptr(fd), "pidfd")}, nil
}

func (p *process) close() { _ = p.handle.Close() }

// waitFor waits so long, or until ctx is done, and says whether the process has ended.
func (p *process) waitFor(ctx context.Context, timeout time.Duration) bool {
	_ = p.handle.SetReadDeadline(time.Now().Add(timeout))
	stop := context.AfterFunc(ctx, func() { _ = p.handle.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := p.handle.SyscallConn()
	if err != nil {
		return false
	}
	ended := false
	_ = raw.Read(func(fd uintptr) bool {
		ended = isReadable(int(fd))
		return ended
	})
	if ended {
		p.reap()
	}
	return ended
}

// isReadable is true for the handle of a process that has ended.
func isReadable(fd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// reap ends the zombie that a child of ours leaves; others' are init's.
func (p *process) reap() {
	_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil)
}

// stop ends the process: asked first, then made to.
func (p *process) stop(ctx context.Context) error {
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		err := p.signal(signal)
		if errors.Is(err, unix.ESRCH) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("end launcher %d: %w", p.pid, err)
		}
		if p.waitFor(ctx, stopTimeout) {
			return nil
		}
	}
	return fmt.Errorf("launcher %d does not end", p.pid)
}

func (p *process) signal(signal unix.Signal) error {
	raw, err := p.handle.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = raw.Control(func(fd uintptr) { sendErr = unix.PidfdSendSignal(int(fd), signal, nil, 0) })
	return errors.Join(err, sendErr)
}
