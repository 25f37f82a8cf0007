// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A test that panics or runs out of time runs no deferred call. So a process that outlives the tests waits for
// their end and removes what they left: processes, domains of the machine's libvirt, mounts and files.

const (
	// mark is in the environment of every process that the tests start, and names their directory.
	mark = "VIRT_E2E_ROOT"
	// reaperOf makes the test's binary the reaper of that directory.
	reaperOf = "VIRT_E2E_REAPER_OF"
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
	ours := func(p process) bool { return p.environ(mark) == root }
	guests := func(p process) bool { return p.isGuest() && strings.Contains(p.command, root) }
	// Ours first: a launcher would tell of guests that end, a libvirt of its own of domains.
	for _, which := range []func(process) bool{ours, guests} {
		if err := killAll(which); err != nil {
			return err
		}
	}
	return errors.Join(removeDomains(root), unmountBelow(root), removeSockets(root), os.RemoveAll(root))
}

// process is one of the machine's.
type process struct {
	pid     int
	command string // its arguments, each followed by a NUL
}

func processes() []process {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var all []process
	for _, file := range files {
		command, err := os.ReadFile(file)
		if err != nil || len(command) == 0 {
			continue // it has ended
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && pid != os.Getpid() {
			all = append(all, process{pid, string(command)})
		}
	}
	return all
}

func (p process) isGuest() bool { return strings.Contains(p.command, "\x00-name\x00guest=") }

func (p process) environ(name string) string {
	environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if value, found := bytes.CutPrefix(variable, []byte(name+"=")); found {
			return string(value)
		}
	}
	return ""
}

// killAll kills until there are none: they start one another.
func killAll(which func(process) bool) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		found := false
		for _, p := range processes() {
			if which(p) {
				found = true
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
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

// removeSockets removes the directories of sockets of the servers below root: each launcher's log names its own.
func removeSockets(root string) error {
	logs, err := filepath.Glob(filepath.Join(root, "*", "data", "launcher.log"))
	if err != nil {
		return err
	}
	var errs []error
	for _, log := range logs {
		if dir := socketDir(log); dir != "" {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

func socketDir(launcherLog string) string {
	content, _ := os.ReadFile(launcherLog)
	_, rest, found := strings.Cut(string(content), " socket=/run/virt-apiserver/")
	instance, _, _ := strings.Cut(rest, "/")
	if !found || instance == "" {
		return ""
	}
	return filepath.Join("/run/virt-apiserver", instance)
}
