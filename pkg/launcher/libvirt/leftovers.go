// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
)

const (
	// closeTries and closePause give QEMU a second to be done with a file.
	closeTries = 20
	closePause = 50 * time.Millisecond
)

var (
	// diskNode is what libvirt calls QEMU's nodes of a disk; the number is the index of the disk's source.
	diskNode    = regexp.MustCompile(`^libvirt-([0-9]+)-(format|storage)$`)
	sourceIndex = regexp.MustCompile(`<source [^>]*\bindex='([0-9]+)'`)
)

// CloseLeft has QEMU close the files of disks that an active domain has no more. libvirt asks for that once, when the
// device goes, at which QEMU may still be using the file; it then stays open and locked, for this guest and for all
// others, until the guest ends (seen with libvirt 9.0 and QEMU 7.2). Nothing may be added to the domain meanwhile.
func (c *Conn) CloseLeft(ref launcher.Ref) error {
	return c.useSlow(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			var refused error
			for range closeTries {
				left, err := leftNodes(d)
				if err != nil || len(left) == 0 {
					return err
				}
				for _, node := range left {
					command := fmt.Sprintf(`{"execute":"blockdev-del","arguments":{"node-name":%q}}`, node)
					_, refused = d.QemuMonitorCommand(command, libvirt.DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT)
				}
				time.Sleep(closePause)
			}
			return fmt.Errorf("QEMU keeps the files of disks that are gone: %w", refused)
		})
	})
}

// leftNodes are those of disks that the domain has no more, users before what they use.
func leftNodes(d *libvirt.Domain) ([]string, error) {
	answer, err := d.QemuMonitorCommand(`{"execute":"query-named-block-nodes","arguments":{"flat":true}}`, libvirt.DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT)
	if err != nil {
		return nil, fmt.Errorf("ask for open files: %w", err)
	}
	text, err := d.GetXMLDesc(0)
	if err != nil {
		return nil, err
	}
	return leftOf(answer, text)
}

func leftOf(answer, domain string) ([]string, error) {
	var nodes struct {
		Return []struct {
			Name string `json:"node-name"`
		} `json:"return"`
	}
	if err := json.Unmarshal([]byte(answer), &nodes); err != nil {
		return nil, fmt.Errorf("read the list of open files: %w", err)
	}
	has := map[string]bool{}
	for _, index := range sourceIndex.FindAllStringSubmatch(domain, -1) {
		has[index[1]] = true
	}
	var formats, storages []string
	for _, node := range nodes.Return {
		match := diskNode.FindStringSubmatch(node.Name)
		switch {
		case match == nil || has[match[1]]:
		case strings.HasSuffix(node.Name, "-format"):
			formats = append(formats, node.Name)
		default:
			storages = append(storages, node.Name)
		}
	}
	return append(formats, storages...), nil
}
