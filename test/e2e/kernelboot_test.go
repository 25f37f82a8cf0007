// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// bareManifest is a machine without a disk.
const bareManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: NAME
spec:
  runStrategy: Always
  template:
    spec:
      terminationGracePeriodSeconds: 0
      domain:
        memory:
          guest: 256Mi
        firmware:
          bootloader: BOOTLOADER
          kernelBoot:
            kernelArgs: ARGS
            container:
              image: IMAGE
              kernelPath: KERNEL
              initrdPath: /boot/initrd
        devices: {}
`

// shellArgs have the initrd start a shell and nothing else.
const shellArgs = "console=ttyS0,115200n8 quiet no_timer_check rdinit=/bin/sh"

func (p *space) applyBareMachine(name, image, kernel, bootloader, args string) {
	p.t.Helper()
	p.apply(strings.NewReplacer("NAME", name, "IMAGE", image, "KERNEL", kernel, "BOOTLOADER", bootloader, "ARGS", args).Replace(bareManifest))
}

func TestMachineBootsTheKernelOfAnImageWithoutADisk(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	for name, test := range map[string]struct{ image, bootloader, firmware string }{
		"bios": {suite.containers.boot(), "{bios: {}}", "bios"},
		"efi":  {"oci-archive:" + filepath.Join(suite.containers.folder, "boot.tar"), "{efi: {secureBoot: false}}", "efi"},
	} {
		p.applyBareMachine(name, test.image, "/boot/vmlinuz", test.bootloader, shellArgs+" seen="+name)
		p.awaitStatus(name, kubevirtv1.VirtualMachineStatusRunning)
		console := p.openConsole(name)
		console.expect(`# $`, "\r")
		console.run("mount -t proc proc /proc && mount -t sysfs sysfs /sys")
		assert.Contains(t, console.run("cat /proc/cmdline"), shellArgs+" seen="+name)
		assert.Equal(t, test.firmware, console.run("test -d /sys/firmware/efi && echo efi || echo bios"))
	}
}

// bootManifest is containerManifest with a kernel, which its disk's root file system fits.
func bootManifest(args string) string {
	firmware := `        firmware:
          kernelBoot:
            kernelArgs: ` + args + `
            container:
              image: ` + suite.containers.boot() + `
              kernelPath: /boot/vmlinuz
              initrdPath: /boot/initrd
        devices:
          rng: {}
`
	return strings.NewReplacer("NAME", "booted", "IMAGE", suite.containers.reference(), "        devices:\n          rng: {}\n", firmware).Replace(containerManifest)
}

func TestMachineBootsTheKernelOfAnImageFromItsDisk(t *testing.T) {
	t.Parallel()
	const args = "root=LABEL=virt-guest console=ttyS0,115200n8 quiet no_timer_check seen="
	p := suite.server.newSpace(t)
	p.apply(bootManifest(args + "first"))
	before := p.awaitRunning("booted", nil)
	assert.Equal(t, &kubevirtv1.KernelBootStatus{
		KernelInfo: &kubevirtv1.KernelInfo{Checksum: sumOf(t, "vmlinuz")},
		InitrdInfo: &kubevirtv1.InitrdInfo{Checksum: sumOf(t, "initrd")},
	}, before.Status.KernelBootStatus)
	console := p.openConsole("booted")
	console.login("clerk", "pencil")
	assert.Equal(t, args+"first", console.run("cat /proc/cmdline"))
	assert.Contains(t, console.run("mount"), "/dev/vda2 on / ")

	p.apply(bootManifest(args + "second"))
	p.awaitMachine("booted", func(c *assert.CollectT, machine *kubevirtv1.VirtualMachine) {
		condition := machine.Status.Condition(kubevirtv1.VirtualMachineRestartRequired)
		require.NotNil(c, condition)
		assert.Equal(c, corev1.ConditionTrue, condition.Status)
		assert.Contains(c, condition.Message, "domain.firmware.kernelBoot.kernelArgs")
	})
	p.plugin("restart", "booted", "--force", "--grace-period", "0")
	p.awaitRunning("booted", before)
	console = p.openConsole("booted")
	console.login("clerk", "pencil")
	assert.Equal(t, args+"second", console.run("cat /proc/cmdline"))
}

// sumOf is the checksum of what was packed into the image.
func sumOf(t *testing.T, name string) uint32 {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(suite.containers.folder, name))
	require.NoError(t, err)
	return crc32.ChecksumIEEE(content)
}

func TestMachinesShareAKernelAndEndApart(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	start := func(name string) {
		p.applyBareMachine(name, suite.containers.boot(), "/boot/vmlinuz", "{bios: {}}", shellArgs)
	}
	start("one")
	start("two")
	p.awaitRunning("one", nil)
	p.awaitRunning("two", nil)
	p.kubectl("delete", "vm", "one", "--wait")
	start("three")
	p.awaitRunning("three", nil)
	console := p.openConsole("two")
	console.expect(`# $`, "\r")
	console.run("mount -t proc proc /proc")
}

func TestMachineWhoseKernelIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	for name, test := range map[string]struct{ image, kernel, message string }{
		"path":   {suite.containers.boot(), "/boot/bzImage", "the image has no file /boot/bzImage"},
		"folder": {suite.containers.boot(), "/boot", "/boot is a directory in the image"},
		"image":  {suite.containers.registry + "/guests/none:1", "/boot/vmlinuz", "the registry has no such image"},
	} {
		p.applyBareMachine(name, test.image, test.kernel, "{bios: {}}", shellArgs)
		p.awaitMachine(name, func(c *assert.CollectT, machine *kubevirtv1.VirtualMachine) {
			assert.Contains(c, []kubevirtv1.VirtualMachinePrintableStatus{
				kubevirtv1.VirtualMachineStatusErrImagePull, kubevirtv1.VirtualMachineStatusImagePullBackOff,
			}, machine.Status.PrintableStatus)
		})
		told := p.condition(name, kubevirtv1.VirtualMachineInstanceSynchronized).Message
		assert.Contains(t, told, test.message)
		assert.Contains(t, told, test.image)
		p.awaitEvents("VirtualMachineInstance", name, "Warning SyncFailed")
	}
}
