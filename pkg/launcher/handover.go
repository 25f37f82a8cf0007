// SPDX-License-Identifier: Apache-2.0

package launcher

import "os"

// handover are files that QEMU is handed open, by the names that the domain has for them.
type handover map[string]*os.File

// add takes f over and returns its name.
func (h handover) add(name string, f *os.File) string {
	h[name] = f
	return name
}

// remove closes a file that is not handed over after all.
func (h handover) remove(name string) {
	_ = h[name].Close()
	delete(h, name)
}

func (h handover) close() {
	for _, f := range h {
		_ = f.Close()
	}
}
