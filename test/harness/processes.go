// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is one of the machine's.
type Process struct {
	PID     int
	Command string // its arguments, each followed by a NUL
}

// Processes are those of the machine but for this one.
func Processes() []Process {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var all []Process
	for _, file := range files {
		command, err := os.ReadFile(file)
		if err != nil || len(command) == 0 {
			continue // it has ended
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && pid != os.Getpid() {
			all = append(all, Process{pid, string(command)})
		}
	}
	return all
}

func (p Process) isGuest() bool { return strings.Contains(p.Command, "\x00-name\x00guest=") }

func (p Process) environ(name string) string {
	environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID))
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if value, found := bytes.CutPrefix(variable, []byte(name+"=")); found {
			return string(value)
		}
	}
	return ""
}
