// SPDX-License-Identifier: Apache-2.0

package launchertest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/libvirt/domstatus"
)

// Libvirtd is a libvirtd whose files are in a directory of its own. It needs root. It is safe for concurrent use.
type Libvirtd struct {
	dir string

	mu                 sync.Mutex
	virtlogd, libvirtd *exec.Cmd
}

// StartLibvirtd starts one that ends, with its guests, when the test does.
func StartLibvirtd(t *testing.T) *Libvirtd {
	t.Helper()
	l := &Libvirtd{dir: newHome(t)}
	t.Cleanup(func() {
		l.Kill()
		l.killGuests()
		l.KillLog()
	})
	l.StartLog(t)
	l.Start(t)
	return l
}

// newHome makes what a libvirt of its own has for /run, /etc/libvirt and so on.
func newHome(t *testing.T) string {
	t.Helper()
	home := Dir(t)
	for _, dir := range []string{"run", "lib", "log", "etc"} {
		require.NoError(t, os.Mkdir(filepath.Join(home, dir), 0o755))
	}
	for _, file := range []string{"qemu.conf", "libvirtd.conf", "virtlogd.conf"} {
		content, err := os.ReadFile(filepath.Join("/etc/libvirt", file))
		require.NoError(t, err, "install libvirt-daemon-system")
		require.NoError(t, os.WriteFile(filepath.Join(home, "etc", file), content, 0o600))
	}
	return home
}

// Dir returns a directory that QEMU can pass through and whose path is short.
func Dir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "va")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711))
	return dir
}

// Start starts libvirtd, again too, as the launcher does, and waits until it answers.
func (l *Libvirtd) Start(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NoError(t, domstatus.ForgetUnstarted(filepath.Join(l.dir, "run", "qemu")))
	l.libvirtd = l.start(t, "libvirtd")
	l.await(t, "libvirt-sock")
}

// Kill ends libvirtd by SIGKILL.
func (l *Libvirtd) Kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	end(l.libvirtd)
}

// StartLog starts the daemon that writes the guests' logs, again too.
func (l *Libvirtd) StartLog(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.virtlogd = l.start(t, "virtlogd")
	l.await(t, "virtlogd-sock")
}

// KillLog ends that daemon by SIGKILL.
func (l *Libvirtd) KillLog() {
	l.mu.Lock()
	defer l.mu.Unlock()
	end(l.virtlogd)
}

func end(cmd *exec.Cmd) {
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// URI to connect to.
func (l *Libvirtd) URI() string {
	return "qemu+unix:///system?socket=" + filepath.Join(l.dir, "run", "libvirt-sock")
}

// StateDir is where it has what it keeps of domains: its /var/lib/libvirt.
func (l *Libvirtd) StateDir() string { return filepath.Join(l.dir, "lib") }

// Virsh runs virsh and returns what it prints.
func (l *Libvirtd) Virsh(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("virsh", append([]string{"-q", "-c", l.URI()}, args...)...).CombinedOutput()
	require.NoError(t, err, "virsh %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// GuestPIDs are the processes of QEMU that run the guest with the UUID.
func GuestPIDs(t *testing.T, uuid string) []int {
	t.Helper()
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var pids []int
	for _, command := range commands {
		line, err := os.ReadFile(command)
		if err != nil || !strings.Contains(string(line), "-uuid\x00"+uuid+"\x00") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(command)))
		require.NoError(t, err)
		pids = append(pids, pid)
	}
	return pids
}

// start runs a daemon of libvirt in a mount namespace where libvirt's directories are this one's.
func (l *Libvirtd) start(t *testing.T, daemon string) *exec.Cmd {
	t.Helper()
	cmd := within(l.dir, "/run/libvirt", daemon, "--pid-file", filepath.Join(l.dir, daemon+".pid"))
	log, err := os.OpenFile(filepath.Join(l.dir, daemon+".out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	return cmd
}

// within is a command in a mount namespace where home is in the place of run and of libvirt's directories.
func within(home, run string, command ...string) *exec.Cmd {
	var script strings.Builder
	for from, to := range map[string]string{"run": run, "lib": "/var/lib/libvirt", "log": "/var/log/libvirt", "etc": "/etc/libvirt"} {
		fmt.Fprintf(&script, "mkdir -p %[2]s && mount --bind %[1]s %[2]s && ", filepath.Join(home, from), to)
	}
	script.WriteString(`exec "$@"`)
	args := []string{"--mount", "--propagation", "private", "sh", "-c", script.String(), "sh"}
	return exec.Command("unshare", append(args, command...)...)
}

func (l *Libvirtd) await(t *testing.T, socket string) {
	t.Helper()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", filepath.Join(l.dir, "run", socket))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond, "%s does not answer", socket)
}

// killGuests ends the guests that the test left.
func (l *Libvirtd) killGuests() {
	killByFiles(filepath.Join(l.dir, "run", "qemu", "*.pid"))
}

// killByFiles ends the processes whose IDs are in files.
func killByFiles(pattern string) {
	files, _ := filepath.Glob(pattern)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
		if err != nil {
			continue
		}
		if process, err := os.FindProcess(pid); err == nil {
			_ = process.Kill()
		}
	}
}
