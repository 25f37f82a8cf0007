// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is any process of this machine, by its id.
type process int

// cpu returns what the process has used of the processors, all threads together, those that ended too.
func (p process) cpu() time.Duration {
	var used unix.Timespec
	// The clock of another process, as clock_getcpuclockid(3) makes its id.
	if err := unix.ClockGettime(int32(^p)<<3|2, &used); err != nil {
		return 0
	}
	return time.Duration(used.Nano())
}

// memory of a process, in KiB.
type memory struct{ rss, pss, anonymous, file float64 }

func (p process) memory() (memory, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
	if err != nil {
		return memory{}, err
	}
	var m memory
	wanted := map[string]*float64{"Rss:": &m.rss, "Pss:": &m.pss, "Pss_Anon:": &m.anonymous, "Pss_File:": &m.file}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		target := wanted[fields[0]]
		if target == nil || len(fields) < 2 {
			continue
		}
		if *target, err = strconv.ParseFloat(fields[1], 64); err != nil {
			return memory{}, err
		}
	}
	return m, nil
}

func (m memory) plus(other memory) memory {
	return memory{m.rss + other.rss, m.pss + other.pss, m.anonymous + other.anonymous, m.file + other.file}
}

func (p process) alive() bool { return unix.Kill(int(p), 0) == nil }

// end asks the process to end, and makes it when it does not.
func (p process) end(patience time.Duration) {
	_ = unix.Kill(int(p), unix.SIGTERM)
	for deadline := time.Now().Add(patience); p.alive(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = unix.Kill(int(p), unix.SIGKILL)
			return
		}
	}
}

// processWith finds the process that has the argument, and returns all its arguments.
func processWith(argument string) (process, []string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, nil, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		raw, err := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		if err != nil || !bytes.Contains(raw, []byte("\x00"+argument+"\x00")) {
			continue
		}
		return process(pid), strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00"), nil
	}
	return 0, nil, errors.New("no process has the argument " + argument)
}

// libvirtDaemon is the one that runs QEMU, logDaemon the one that keeps what consoles say.
func libvirtDaemon() process { return daemon("libvirtd", "virtqemud") }
func logDaemon() process     { return daemon("virtlogd") }

// daemon returns the system's process of the first name that has a pid file; 0 where none has.
func daemon(names ...string) process {
	for _, name := range names {
		raw, err := os.ReadFile("/run/" + name + ".pid")
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
			return process(pid)
		}
	}
	return 0
}
