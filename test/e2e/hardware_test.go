// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const seedManifest = `
apiVersion: v1
kind: Secret
metadata:
  name: seed
stringData:
  userdata: |
    #cloud-config
    hostname: depot
    user: clerk
    password: pencil
    chpasswd: {expire: false}
---
apiVersion: v1
kind: Secret
metadata:
  name: login
stringData:
  me: ssh-ed25519 KEY-OF-THE-CLERK clerk@example
`

// hardwareManifest has its root disk, its firmware, its seed and the way of its keys yet to be filled in.
const hardwareManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: depot
spec:
  runStrategy: Always
  dataVolumeTemplates:
  - metadata:
      name: depot-root
    spec:
      source:
        http:
          url: IMAGE
      storage:
        resources:
          requests:
            storage: 1Gi
  template:
    spec:
      accessCredentials:
      - sshPublicKey:
          source: {secret: {secretName: login}}
          propagationMethod: {METHOD: {}}
      domain:
        cpu: {sockets: 2, cores: 1, threads: 1}
        memory:
          guest: 384Mi
        firmware:
          serial: A-1
          bootloader: BOOTLOADER
        devices:
          disks:
          - name: scratch
            bootOrder: 2
            disk: {bus: virtio}
            io: threads
            errorPolicy: report
            dedicatedIOThread: true
            blockSize: {custom: {logical: 4096, physical: 8192}}
          - name: root
            bootOrder: 1
            disk: {bus: BUS}
          - name: seed
            cdrom: {bus: sata}
      volumes:
      - name: root
        dataVolume:
          name: depot-root
      - name: scratch
        emptyDisk:
          capacity: 64Mi
      - name: seed
        SEED:
          secretRef:
            name: seed
`

func TestMachineHasTheHardwareThatItsSpecNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, bootloader, bus, seed, method string
		firmware                            string
	}{
		{"UEFI, SCSI and NoCloud", "{efi: {secureBoot: false}}", "scsi", "cloudInitNoCloud", "noCloud", "efi"},
		{"BIOS, SATA and ConfigDrive", "{bios: {}}", "sata", "cloudInitConfigDrive", "configDrive", "bios"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := suite.server.newSpace(t)
			p.apply(seedManifest)
			p.apply(strings.NewReplacer("IMAGE", suite.Images.URL(linuxImage),
				"BOOTLOADER", test.bootloader, "BUS", test.bus, "SEED", test.seed, "METHOD", test.method).Replace(hardwareManifest))
			p.awaitRunning("depot", nil)

			console := p.openConsole("depot")
			console.login("clerk", "pencil")
			assert.Equal(t, "depot", console.run("hostname"))
			assert.Equal(t, "ssh-ed25519 KEY-OF-THE-CLERK clerk@example", console.run("cat ~/.ssh/authorized_keys"))
			assert.Equal(t, test.firmware, console.run("test -d /sys/firmware/efi && echo efi || echo bios"))
			assert.Equal(t, "2", console.run("cat /sys/devices/system/cpu/cpu*/topology/physical_package_id | sort -u | wc -l"))
			assert.Equal(t, "A-1", console.run("sudo cat /sys/class/dmi/id/product_serial"))
			disks := console.run("cat /proc/partitions")
			assert.Contains(t, disks, "1048576 sda\n", "the root disk")
			assert.Contains(t, disks, "65536 vda", "the empty disk")
			assert.Equal(t, "4096", console.run("cat /sys/block/vda/queue/logical_block_size"))
			assert.Equal(t, "8192", console.run("cat /sys/block/vda/queue/physical_block_size"))
		})
	}
}
