// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// disksManifest is of two empty disks, of sizes that tell them apart.
const disksManifest = `
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata: {name: extra}
spec:
  source: {blank: {}}
  storage: {resources: {requests: {storage: 8Mi}}}
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata: {name: kept}
spec:
  source: {blank: {}}
  storage: {resources: {requests: {storage: 24Mi}}}
`

// Sizes of these disks, as /proc/partitions has them.
const (
	extraSize = " 8192 "
	keptSize  = " 24576 "
)

// awaitDisk waits until the guest has a disk of that size, or has none.
func (c *check) awaitDisk(size string, there bool) {
	terminal, leave := c.onTerminal("console", "web")
	defer leave()
	terminal.Login("tester", "secret")
	require.EventuallyWithT(c, func(t *assert.CollectT) {
		assert.Equal(t, there, strings.Contains(terminal.Run("cat /proc/partitions"), size))
	}, harness.Soon, harness.Tick)
	terminal.Send("exit\r")
	terminal.Expect("login: $", "")
}

// volumes are the names of the volumes in the machine's template.
func (c *check) volumes() string {
	command := suite.Server.Command(c.ctx, suite.Kubectl, "-n", c.namespace, "get", "vm", "web", "-o", "jsonpath={.spec.template.spec.volumes[*].name}")
	output, err := command.CombinedOutput()
	require.NoError(c, err, "%s", output)
	return string(output)
}

func checkAddVolume(c *check) {
	c.apply(c, disksManifest)
	c.virtctl([]string{"addvolume", "web", "--volume-name=extra"}, "Successfully submitted add volume request to VM web for volume extra")
	c.awaitDisk(extraSize, true)
	c.refused([]string{"addvolume", "web", "--volume-name=nothing"}, "Volume nothing is not a DataVolume or PersistentVolumeClaim")
	c.refused([]string{"addvolume", "web", "--volume-name=extra"}, "error adding volume")
}

func checkRemoveVolume(c *check) {
	c.virtctl([]string{"removevolume", "web", "--volume-name=extra"}, "Successfully submitted remove volume request to VM web for volume extra")
	c.awaitDisk(extraSize, false)
	c.refused([]string{"removevolume", "web", "--volume-name=extra"}, "error removing volume")
}

func checkAddVolumeForGood(c *check) {
	c.virtctl([]string{"addvolume", "web", "--volume-name=kept", "--persist", "--bus=virtio", "--serial=S1"}, "Successfully submitted add volume request to VM web for volume kept")
	c.awaitDisk(keptSize, true)
	assert.Contains(c, c.volumes(), "kept")
}

func checkRemoveVolumeForGood(c *check) {
	c.virtctl([]string{"removevolume", "web", "--volume-name=kept", "--persist"}, "Successfully submitted remove volume request to VM web for volume kept")
	c.awaitDisk(keptSize, false)
	assert.NotContains(c, c.volumes(), "kept")
}
