// SPDX-License-Identifier: Apache-2.0

package hostnode

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// host reads what the kernel and the distribution tell. root is / but in tests.
type host struct {
	root string
	// disk is a path on the file system of the guests' disks.
	disk string
}

func (h host) path(name string) string { return filepath.Join(h.root, name) }

// line returns the first line of a file, or nothing where there is no such file, or none that may be read.
func (h host) line(name string) string {
	content, err := os.ReadFile(h.path(name))
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimSpace(first)
}

// number returns the number of a file, or 0.
func (h host) number(name string) int64 {
	value, err := strconv.ParseInt(h.line(name), 10, 64)
	if err != nil {
		return 0
	}
	return value
}

func (h host) exists(name string) bool {
	_, err := os.Stat(h.path(name))
	return err == nil
}

// memory are bytes.
func (h host) memory() (total, available int64, err error) {
	values, err := h.values("/proc/meminfo", ":")
	if err != nil {
		return 0, 0, err
	}
	for name, into := range map[string]*int64{"MemTotal": &total, "MemAvailable": &available} {
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(values[name], " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read %s of /proc/meminfo: %w", name, err)
		}
		*into = kilobytes << 10
	}
	return total, available, nil
}

// space are bytes.
func (h host) space() (total, available int64, err error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(h.disk, &stat); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: h.disk, Err: err}
	}
	return int64(stat.Blocks) * stat.Bsize, int64(stat.Bavail) * stat.Bsize, nil
}

// threads that run, and how many can.
func (h host) threads() (running, most int64) {
	fields := strings.Fields(h.line("/proc/loadavg"))
	if len(fields) > 3 {
		_, all, _ := strings.Cut(fields[3], "/")
		running, _ = strconv.ParseInt(all, 10, 64)
	}
	return running, h.number("/proc/sys/kernel/pid_max")
}

// distribution is such as "Debian GNU/Linux 12 (bookworm)".
func (h host) distribution() string {
	values, err := h.values("/etc/os-release", "=")
	if errors.Is(err, fs.ErrNotExist) {
		values, err = h.values("/usr/lib/os-release", "=")
	}
	if err != nil {
		return ""
	}
	return strings.Trim(values["PRETTY_NAME"], `"'`)
}

func (h host) values(name, separator string) (map[string]string, error) {
	file, err := os.Open(h.path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	values := map[string]string{}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if key, value, found := strings.Cut(scanner.Text(), separator); found {
			values[key] = strings.TrimSpace(value)
		}
	}
	return values, scanner.Err()
}

// addresses are those of the interfaces by which the host reaches others, and others it; those of guest networks
// are not among them.
func (h host) addresses() []string {
	var found []string
	for _, name := range h.uplinks() {
		link, err := net.InterfaceByName(name)
		if err != nil {
			continue // gone meanwhile
		}
		all, err := link.Addrs()
		if err != nil {
			continue
		}
		for _, address := range all {
			if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
				found = append(found, network.IP.String())
			}
		}
	}
	return found
}

// uplinks are the interfaces of default routes.
func (h host) uplinks() []string {
	const any4, any6 = "00000000", "00000000000000000000000000000000"
	var names []string
	for _, fields := range h.table("/proc/net/route") {
		if len(fields) > 7 && fields[1] == any4 && fields[7] == any4 {
			names = append(names, fields[0])
		}
	}
	for _, fields := range h.table("/proc/net/ipv6_route") {
		if len(fields) > 9 && fields[0] == any6 && fields[1] == "00" && fields[9] != "lo" {
			names = append(names, fields[9])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (h host) table(name string) [][]string {
	content, err := os.ReadFile(h.path(name))
	if err != nil {
		return nil
	}
	var rows [][]string
	for line := range strings.Lines(string(content)) {
		rows = append(rows, strings.Fields(line))
	}
	return rows
}
