// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/runtimedir"
)

// libvirtURI is of the machine's libvirt.
const libvirtURI = "qemu:///system"

// A test that panics or runs out of time runs no deferred call. So a process that outlives the tests waits for
// their end and removes what they left: processes, domains of the machine's libvirt, mounts and files.

const (
	// mark is in the environment of every process that the tests start, and names their directory.
	mark = "VIRT_TEST_ROOT"
	// reaperOf makes the test's binary the reaper of that directory.
	reaperOf = "VIRT_TEST_REAPER_OF"
)

func isReaper() (bool, string) {
	dir, found := os.LookupEnv(reaperOf)
	return found, dir
}

// startReaper returns a function that has it do its work and waits for it.
func startReaper(root string) (func() error, error) {
	reaper := exec.Command(os.Args[0])
	reaper.Env = append(os.Environ(), reaperOf+"="+root)
	reaper.Stderr = os.Stderr
	// Not in our process group, lest an interrupt at the terminal end it too.
	reaper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := reaper.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := reaper.Start(); err != nil {
		return nil, fmt.Errorf("start the reaper: %w", err)
	}
	return func() error { return errors.Join(alive.Close(), reaper.Wait()) }, nil
}

// runReaper waits until standard input ends, which it does with the tests.
func runReaper(root string) int {
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := reap(root); err != nil {
		fmt.Fprintln(os.Stderr, "clean up after the tests:", err)
		return 1
	}
	return 0
}

func reap(root string) error {
	ours := func(p Process) bool { return p.environ(mark) == root }
	guests := func(p Process) bool { return p.isGuest() && strings.Contains(p.Command, root) }
	// Ours first: a launcher would tell of guests that end, a libvirt of its own of domains.
	for _, which := range []func(Process) bool{ours, guests} {
		if err := killAll(which); err != nil {
			return err
		}
	}
	return errors.Join(removeDomains(root), unmountBelow(root), removeNetworks(root), removeSockets(root), os.RemoveAll(root))
}

// killAll kills until there are none: they start one another.
func killAll(which func(Process) bool) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		found := false
		for _, p := range Processes() {
			if which(p) {
				found = true
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
		if !found {
			return nil
		}
	}
	return errors.New("processes do not end")
}

// removeDomains removes what the machine's libvirt still has of domains with files below root.
func removeDomains(root string) error {
	list, err := exec.Command("virsh", "-q", "-c", libvirtURI, "list", "--all", "--uuid").Output()
	if err != nil {
		return fmt.Errorf("list domains: %w", err)
	}
	var errs []error
	for _, uuid := range strings.Fields(string(list)) {
		description, err := exec.Command("virsh", "-q", "-c", libvirtURI, "dumpxml", uuid).Output()
		if err != nil || !bytes.Contains(description, []byte(root+"/")) {
			continue
		}
		_ = exec.Command("virsh", "-q", "-c", libvirtURI, "destroy", uuid).Run()
		if output, err := exec.Command("virsh", "-q", "-c", libvirtURI, "undefine", "--nvram", uuid).CombinedOutput(); err != nil &&
			!bytes.Contains(output, []byte("failed to get domain")) {
			errs = append(errs, fmt.Errorf("remove domain %s: %s", uuid, output))
		}
	}
	return errors.Join(errs...)
}

func unmountBelow(root string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	var points []string
	for line := range strings.Lines(string(mounts)) {
		if point := strings.Fields(line)[1]; strings.HasPrefix(point, root+"/") {
			points = append(points, point)
		}
	}
	var errs []error
	for _, point := range slices.Backward(points) {
		errs = append(errs, syscall.Unmount(point, syscall.MNT_DETACH))
	}
	return errors.Join(errs...)
}

// removeNetworks removes the guest networks of the servers below root.
func removeNetworks(root string) error {
	dirs, err := filepath.Glob(filepath.Join(root, "*", "data", "network"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, network.Remove(dir, runtimedir.Root))
	}
	return errors.Join(errs...)
}

// removeSockets removes the directories of sockets of the servers below root.
func removeSockets(root string) error {
	dirs, err := filepath.Glob(filepath.Join(root, "*", "data", "volumes"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, runtimedir.RemoveOf(dir))
	}
	return errors.Join(errs...)
}
