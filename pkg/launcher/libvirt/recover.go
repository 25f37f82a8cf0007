// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/libvirt/domstatus"
)

const (
	libvirtSocket = "/run/libvirt/libvirt-sock"
	logSocketName = "virtlogd-sock"
	logSocket     = "/run/libvirt/" + logSocketName
)

// SystemRecover returns what brings libvirt back on a machine where no service manager does; nil where that
// is not ours to do: systemd starts libvirt when it is connected to.
func SystemRecover(uri string) func(ctx context.Context) error {
	if uri != "qemu:///system" || os.Geteuid() != 0 || underSystemd() {
		return nil
	}
	return startDaemons
}

func underSystemd() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil
}

func startDaemons(ctx context.Context) error {
	if !answers(ctx, logSocket) {
		if err := daemon(ctx, "virtlogd"); err != nil {
			return err
		}
	}
	if answers(ctx, libvirtSocket) {
		return nil
	}
	return errors.Join(domstatus.ForgetUnstarted(domstatus.Dir), daemon(ctx, "libvirtd"))
}

// daemon starts a program that goes to the background by itself and outlives the launcher.
func daemon(ctx context.Context, name string) error {
	if _, err := exec.LookPath(name); errors.Is(err, exec.ErrNotFound) {
		return nil // the remedy says what to install
	}
	out, err := exec.CommandContext(context.WithoutCancel(ctx), name, "-d").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s -d: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func answers(ctx context.Context, socket string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// remedy is what to do where libvirt does not answer.
func remedy() string {
	switch {
	case !installed("libvirtd") && !installed("virtqemud"):
		return "install it, on Debian: apt-get install libvirt-daemon-system qemu-system-x86"
	case os.Geteuid() != 0:
		return "run as root, or join the group libvirt"
	case underSystemd():
		return "start it: systemctl start libvirtd.socket"
	}
	return "start it: virtlogd -d; libvirtd -d"
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}
