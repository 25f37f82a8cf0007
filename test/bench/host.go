// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// describeHost says on what the figures were measured; a guest's accelerator is told by its domain.
func describeHost() string {
	var name unix.Utsname
	_ = unix.Uname(&name)
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%s, %d cores, Linux %s, load %s\n%s",
		time.Now().UTC().Format(time.DateTime), runtime.NumCPU(), unix.ByteSliceToString(name.Release[:]),
		strings.Join(strings.Fields(string(load))[:3], " "), hypervisorVersions())
}

func hypervisorVersions() string {
	out, err := exec.Command("virsh", "-q", "-c", libvirtURI, "version").Output()
	if err != nil {
		return "libvirt does not answer"
	}
	var versions []string
	for line := range strings.Lines(string(out)) {
		label, version, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && (strings.HasPrefix(label, "Using library") || strings.HasPrefix(label, "Running hypervisor")) {
			versions = append(versions, version)
		}
	}
	return strings.Join(versions, ", ")
}
