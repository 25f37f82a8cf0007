// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// TestQEMUIsToldOfDevices has libvirt make QEMU's arguments of domains that a machine without such devices can't run.
func TestQEMUIsToldOfDevices(t *testing.T) {
	daemon := launchertest.StartLibvirtd(t)
	conn, _ := connect(t, Options{URI: daemon.URI()})
	for golden, want := range map[string]map[string]int{
		"devices.qemu.xml":     {`"driver":"host_device"`: 5, `"driver":"scsi-block"`: 2, `"share-rw":true`: 1, `"driver":"virtio-blk-pci"`: 1},
		"minimal.qemu.xml":     {`-netdev user,id=closed0,restrict=on,`: 1},
		"peripherals.qemu.xml": {`"driver":"vhost-vsock-pci"`: 1},
	} {
		xml, err := os.ReadFile("../domain/testdata/" + golden)
		require.NoError(t, err)
		var arguments string
		require.NoError(t, conn.use(func(c *libvirt.Connect) (err error) {
			arguments, err = c.DomainXMLToNative("qemu-argv", string(xml), 0)
			return err
		}))
		for text, count := range want {
			assert.Equal(t, count, strings.Count(arguments, text), "%s in %s", text, arguments)
		}
	}
}
