// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// The test binary is its own stand-in for a launcher: "launcher SOCKET VERSION MODE [FLAG...]".
func TestMain(m *testing.M) {
	if len(os.Args) >= 5 && os.Args[1] == "launcher" {
		os.Exit(standIn(os.Args[2], os.Args[3], os.Args[4]))
	}
	os.Exit(m.Run())
}

func standIn(socket, version, mode string) int {
	fmt.Fprintln(os.Stderr, "stand-in for a launcher starts")
	if mode == "refuse" {
		fmt.Fprintln(os.Stderr, "libvirt is not installed: apt-get install libvirt-daemon-system")
		return 1
	}
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/domains" {
			answerDomains(w, mode)
			return
		}
		_ = json.NewEncoder(w).Encode(api.Health{PID: os.Getpid(), Version: version, Arguments: os.Args[1:], Libvirt: true})
	}))
	return 0
}

// answerDomains has one domain where the mode is busy, none where it is idle, and does not know otherwise.
func answerDomains(w http.ResponseWriter, mode string) {
	switch mode {
	case "busy":
		_ = json.NewEncoder(w).Encode([]api.DomainStatus{{Name: "vm"}})
	case "idle":
		_ = json.NewEncoder(w).Encode([]api.DomainStatus{})
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(&api.Error{Reason: api.ErrorLibvirtUnavailable})
	}
}

func newConfig(t *testing.T, mode string) Config {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	socket := filepath.Join(dir, "socket")
	return Config{
		Command: []string{self, "launcher", socket, "v1", mode},
		Socket:  socket,
		LogFile: filepath.Join(dir, "launcher.log"),
		Version: "v1",
	}
}

// run runs a supervisor until the returned function is called, which waits for it.
func run(t *testing.T, config Config) (*Supervisor, func()) {
	t.Helper()
	s := New(config)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		assert.NoError(t, s.Run(ctx))
		close(done)
	}()
	return s, func() {
		cancel()
		<-done
	}
}

// launcherPID waits for a launcher other than the given one.
func launcherPID(t *testing.T, s *Supervisor, other int) int {
	t.Helper()
	pid := 0
	require.Eventually(t, func() bool {
		health, err := s.client.Health(t.Context())
		if err == nil && s.Ready() == nil {
			pid = health.PID
		}
		return pid != 0 && pid != other
	}, time.Minute, 10*time.Millisecond)
	return pid
}

func end(t *testing.T, config Config) {
	t.Helper()
	launcher, err := listener(config.Socket)
	require.NoError(t, err)
	if launcher == nil {
		return
	}
	defer launcher.close()
	require.NoError(t, launcher.stop(context.Background()))
}

func TestLauncherOutlivesItsSupervisorAndIsAdopted(t *testing.T) {
	config := newConfig(t, "serve")
	t.Cleanup(func() { end(t, config) })
	first, stop := run(t, config)
	assert.Error(t, first.Ready())
	pid := launcherPID(t, first, 0)
	stop()

	session, err := unix.Getsid(pid)
	require.NoError(t, err, "the launcher runs on")
	assert.Equal(t, pid, session, "in a session of its own")

	second, stop := run(t, config)
	defer stop()
	assert.Equal(t, pid, launcherPID(t, second, 0))
}

func TestOnlyALauncherThatHasNoGuestsIsTakenAlong(t *testing.T) {
	for mode, stays := range map[string]bool{"idle": false, "busy": true, "serve": true} {
		t.Run(mode, func(t *testing.T) {
			config := newConfig(t, mode)
			t.Cleanup(func() { end(t, config) })
			s, stop := run(t, config)
			pid := launcherPID(t, s, 0)
			stop()
			require.NoError(t, s.Retire(t.Context()))
			err := unix.Kill(pid, 0)
			if stays {
				assert.NoError(t, err)
				return
			}
			assert.ErrorIs(t, err, unix.ESRCH)
			require.NoError(t, s.Retire(t.Context()), "there is none any more")
		})
	}
}

func TestLauncherThatDiesIsReplaced(t *testing.T) {
	config := newConfig(t, "serve")
	t.Cleanup(func() { end(t, config) })
	s, stop := run(t, config)
	defer stop()
	pid := launcherPID(t, s, 0)

	require.NoError(t, unix.Kill(pid, unix.SIGKILL))

	launcherPID(t, s, pid)
	assert.ErrorIs(t, unix.Kill(pid, 0), unix.ESRCH, "no zombie is left")
}

func TestLauncherOfAnotherVersionIsReplaced(t *testing.T) {
	config := newConfig(t, "serve")
	t.Cleanup(func() { end(t, config) })
	older, stop := run(t, config)
	pid := launcherPID(t, older, 0)
	stop()

	config.Version, config.Command[3] = "v2", "v2"
	newer, stop := run(t, config)
	defer stop()

	launcherPID(t, newer, pid)
	assert.ErrorIs(t, unix.Kill(pid, 0), unix.ESRCH)
}

func TestLauncherWithOtherFlagsIsReplaced(t *testing.T) {
	config := newConfig(t, "serve")
	t.Cleanup(func() { end(t, config) })
	older, stop := run(t, config)
	pid := launcherPID(t, older, 0)
	stop()

	config.Command = append(config.Command, "--volume-root=/more")
	newer, stop := run(t, config)
	defer stop()

	launcherPID(t, newer, pid)
	assert.ErrorIs(t, unix.Kill(pid, 0), unix.ESRCH)
}

func TestLauncherThatRefusesToStartIsReported(t *testing.T) {
	config := newConfig(t, "refuse")
	s, stop := run(t, config)
	defer stop()

	require.Eventually(t, func() bool {
		return strings.Contains(s.Ready().Error(), "apt-get install libvirt-daemon-system")
	}, time.Minute, 10*time.Millisecond)
}

func TestMissingBinaryIsReported(t *testing.T) {
	config := newConfig(t, "serve")
	config.Command[0] = "/nonexistent/virt-launcher"
	s, stop := run(t, config)
	defer stop()

	require.Eventually(t, func() bool {
		return strings.Contains(s.Ready().Error(), "/nonexistent/virt-launcher")
	}, time.Minute, 10*time.Millisecond)
}

func TestStaleSocketIsNoLauncher(t *testing.T) {
	config := newConfig(t, "serve")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: config.Socket})
	require.NoError(t, err)
	stale.SetUnlinkOnClose(false)
	require.NoError(t, stale.Close())

	found, err := listener(config.Socket)

	require.NoError(t, err)
	assert.Nil(t, found)
}

func TestLogIsCapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, err := openLog(path)
	require.NoError(t, err)
	defer log.Close()
	_, err = log.Write(make([]byte, maxLog))
	require.NoError(t, err)

	capLog(path)
	_, err = log.WriteString("first\nlast\n")
	require.NoError(t, err)

	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.EqualValues(t, len("first\nlast\n"), info.Size())
	assert.Equal(t, "last", lastWords(path))
	older, err := os.Stat(path + ".old")
	require.NoError(t, err)
	assert.EqualValues(t, maxLog, older.Size())
}

func TestLogFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "target"), nil, 0o600))
	require.NoError(t, os.Symlink("target", filepath.Join(dir, "log")))

	_, err := openLog(filepath.Join(dir, "log"))

	assert.ErrorIs(t, err, syscall.ELOOP)
}
