// SPDX-License-Identifier: Apache-2.0

// Package footprint keeps the memory of a process that idles small. What it gives back comes back by itself
// where it is needed.
package footprint

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Trim gives back to the system what was only needed to start: garbage, and the pages of the program's own
// file that ran once. The latter are most of a large program, as the kernel maps them in pieces of up to 2 MiB.
// Other files that are mapped read-only are given back as well where also, which gets their path, says so.
func Trim(also func(path string) bool) error {
	debug.FreeOSMemory()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find the program's file: %w", err)
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("read what is mapped: %w", err)
	}
	defer maps.Close()
	mappings, err := parse(maps)
	if err != nil {
		return fmt.Errorf("read what is mapped: %w", err)
	}
	for _, m := range mappings {
		if m.writable || m.changed || !strings.HasPrefix(m.path, "/") || m.path != program && !also(m.path) {
			continue
		}
		// Pages of a file that were not written to are dropped; they are read again when they are touched.
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("give back pages of %s: %w", m.path, errno)
		}
	}
	return nil
}

// mapping is one of /proc/self/smaps.
type mapping struct {
	start, end uintptr
	writable   bool
	// changed: it has pages that were written to, before that was forbidden, and are not as in the file any more.
	changed bool
	path    string
}

func parse(smaps io.Reader) ([]mapping, error) {
	var mappings []mapping
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		if m, ok := parseBegin(lines.Text()); ok {
			mappings = append(mappings, m)
			continue
		}
		if anonymous, ok := strings.CutPrefix(lines.Text(), "Anonymous:"); ok && len(mappings) > 0 {
			mappings[len(mappings)-1].changed = strings.TrimSpace(anonymous) != "0 kB"
		}
	}
	return mappings, lines.Err()
}

// parseBegin parses the first line of a mapping; that of anonymous memory has no path.
func parseBegin(line string) (m mapping, ok bool) {
	fields := strings.Fields(line)
	if len(fields) == 0 || len(fields) > 1 && len(fields[1]) < 4 {
		return mapping{}, false
	}
	from, to, ok := strings.Cut(fields[0], "-")
	if !ok || len(fields) < 5 {
		return mapping{}, false
	}
	start, startErr := strconv.ParseUint(from, 16, 64)
	end, endErr := strconv.ParseUint(to, 16, 64)
	if startErr != nil || endErr != nil || end <= start {
		return mapping{}, false
	}
	return mapping{
		start:    uintptr(start),
		end:      uintptr(end),
		writable: fields[1][1] == 'w',
		path:     strings.Join(fields[5:], " "),
	}, true
}

// gcPercent lets garbage grow to this share of what lives before it is collected.
const gcPercent = 40

// Frugal trades some processor time for memory: garbage is collected more often than Go would by itself.
// GOGC, where the environment has it, goes before.
func Frugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
