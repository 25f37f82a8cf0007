// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"encoding/json"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// How long things may take on a busy machine that has to interpret the guest's code.
const (
	bootTime = 5 * time.Minute
	replies  = time.Minute
)

// firmware is the arguments of QEMU that choose one.
type firmware func(t *testing.T) []string

func bios(*testing.T) []string { return []string{"-machine", "q35"} }

func uefi(t *testing.T) []string {
	return append([]string{"-machine", "q35"}, flash(t, "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd")...)
}

func secureBoot(t *testing.T) []string {
	args := []string{"-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"}
	return append(args, flash(t, "OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd")...)
}

// flash is OVMF with variables of its own.
func flash(t *testing.T, code, variables string) []string {
	const dir = "/usr/share/OVMF/"
	own := filepath.Join(t.TempDir(), variables)
	command(t, "cp", dir+variables, own)
	return []string{
		"-drive", "if=pflash,format=raw,readonly=on,file=" + dir + code,
		"-drive", "if=pflash,format=raw,file=" + own,
	}
}

// onVirtio and those after it attach a drive to a bus.
func onVirtio(drive string) []string { return []string{"-device", "virtio-blk-pci,drive=" + drive} }

func onSCSI(drive string) []string {
	return []string{"-device", "virtio-scsi-pci,id=scsi-" + drive, "-device", "scsi-hd,drive=" + drive}
}

func onSATA(drive string) []string { return []string{"-device", "ide-hd,bus=ide.0,drive=" + drive} }

func asSATACDROM(drive string) []string {
	return []string{"-device", "ide-cd,bus=ide.1,drive=" + drive}
}

// machine is one that runs, or did.
type machine struct {
	*console
	monitor *json.Decoder
	control net.Conn
	ended   chan error
}

// start runs QEMU until the test ends. The guest has a disk, which keeps what is
// written to it, and a network that knows nobody but the host.
func start(t *testing.T, memory string, args ...string) *machine {
	dir := t.TempDir()
	serial, control := filepath.Join(dir, "serial"), filepath.Join(dir, "control")
	all := append([]string{
		"-accel", "tcg", "-cpu", "max", "-m", memory, "-display", "none", "-nodefaults", "-no-user-config",
		"-chardev", "socket,id=serial,server=on,wait=on,path=" + serial, "-serial", "chardev:serial",
		"-qmp", "unix:" + control + ",server=on,wait=off",
		"-device", "virtio-rng-pci", "-device", "pvpanic",
	}, args...)
	qemu := exec.Command("qemu-system-x86_64", all...)
	qemu.Stderr = writer{t}
	require.NoError(t, qemu.Start())
	m := &machine{ended: make(chan error, 1)}
	go func() { m.ended <- qemu.Wait(); close(m.ended) }()
	t.Cleanup(func() {
		_ = qemu.Process.Kill()
		<-m.ended
	})
	// QEMU waits for the console, so that no word is lost, and only then listens for more.
	m.console = attach(t, dial(t, serial))
	m.control = dial(t, control)
	m.monitor = json.NewDecoder(m.control)
	m.tell(t, "qmp_capabilities")
	return m
}

func dial(t *testing.T, path string) net.Conn {
	var conn net.Conn
	require.Eventually(t, func() bool {
		var err error
		conn, err = net.Dial("unix", path)
		return err == nil
	}, replies, 10*time.Millisecond, "QEMU does not listen on %s", path)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// tell gives QEMU a command. Its answer is left among the messages.
func (m *machine) tell(t *testing.T, name string) {
	require.NoError(t, json.NewEncoder(m.control).Encode(map[string]string{"execute": name}))
}

// event waits until QEMU tells of an event.
func (m *machine) event(t *testing.T, name string) {
	require.NoError(t, m.control.SetReadDeadline(time.Now().Add(replies)))
	for {
		var message struct {
			Event string          `json:"event"`
			Error json.RawMessage `json:"error"`
		}
		require.NoError(t, m.monitor.Decode(&message), "waiting for the event %s", name)
		require.Empty(t, message.Error)
		if message.Event == name {
			return
		}
	}
}

// end waits until the machine has turned itself off, without an error.
func (m *machine) end(t *testing.T) {
	select {
	case err := <-m.ended:
		require.NoError(t, err)
	case <-time.After(2 * replies):
		t.Fatal("the guest did not turn its machine off")
	}
}

type writer struct{ t *testing.T }

func (w writer) Write(p []byte) (int, error) {
	w.t.Logf("qemu: %s", p)
	return len(p), nil
}

func command(t *testing.T, name string, args ...string) string {
	output, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, output)
	return string(output)
}
