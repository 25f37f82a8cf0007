// SPDX-License-Identifier: Apache-2.0

package domstatus

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Dir is where the system's libvirtd has its notes.
const Dir = "/run/libvirt/qemu"

// ForgetUnstarted removes the notes in dir of domains whose QEMU was not started yet when libvirtd was killed. A
// libvirtd that finds one believes for ever that the domain is starting up, and can neither start nor destroy it
// (seen with 9.0). No libvirtd may run, and no QEMU is lost: libvirtd notes the process before it lets it run.
func ForgetUnstarted(dir string) error {
	notes, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil {
		return err
	}
	var errs []error
	for _, note := range notes {
		unstarted, err := isUnstarted(note)
		if err == nil && unstarted {
			err = os.Remove(note)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("libvirt's note %s: %w", note, err))
		}
	}
	return errors.Join(errs...)
}

func isUnstarted(note string) (bool, error) {
	f, err := os.Open(note)
	if err != nil {
		return false, err
	}
	defer f.Close()
	decoder := xml.NewDecoder(f)
	for {
		token, err := decoder.Token()
		if err != nil {
			return false, err
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, attr := range element.Attr {
			if attr.Name.Local == "pid" {
				return element.Name.Local == "domstatus" && attr.Value == "0", nil
			}
		}
		return false, nil
	}
}
