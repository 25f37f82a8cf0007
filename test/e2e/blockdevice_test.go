// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices/loopdevice"
)

const deviceClaim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: NAME}
spec:
  storageClassName: local
  volumeMode: Block
  volumeName: DEVICE
  accessModes: [MODE]
  resources: {requests: {storage: 16Mi}}
`

const deviceMachine = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: NAME}
spec:
  runStrategy: Once
  template:
    spec:
      terminationGracePeriodSeconds: 0
      domain:
        memory: {guest: 64Mi}
        devices:
          disks:
          - {name: tape, TARGET}
      volumes:
      - name: tape
        persistentVolumeClaim: {claimName: CLAIM}
`

func (p *space) applyDeviceClaim(name, device, mode string) {
	p.t.Helper()
	p.apply(strings.NewReplacer("NAME", name, "DEVICE", device, "MODE", mode).Replace(deviceClaim))
}

func (p *space) applyDeviceMachine(name, claim, target string) {
	p.t.Helper()
	p.apply(strings.NewReplacer("NAME", name, "CLAIM", claim, "TARGET", target).Replace(deviceMachine))
}

// TestAGuestWritesToABlockDeviceOfTheMachine also ends the server meanwhile, and takes the device from one claim for
// the next.
func TestAGuestWritesToABlockDeviceOfTheMachine(t *testing.T) {
	t.Parallel()
	loop := loopdevice.Make(t, 32<<20)
	flags := []string{"--container-disk-folder", suite.Folder, "--guest-network=user", "--block-device=tape=" + loop.Path}
	s := startServer(t, flags...)
	p := s.newSpace(t)
	p.applyDeviceClaim("tape", "tape", "ReadWriteOnce")
	p.kubectl("wait", "pvc/tape", "--for=jsonpath={.status.phase}=Bound", "--timeout=300s")
	assert.Equal(t, "32Mi", p.claim("tape").Status.Capacity.Storage().String())
	p.applyDeviceClaim("late", "tape", "ReadWriteOnce")
	require.Eventually(t, func() bool {
		return strings.Contains(p.kubectl("events", "--for=pvc/late"), "/tape has block device tape, until it is deleted")
	}, soon, tick)
	var before, after unix.Stat_t
	require.NoError(t, unix.Stat(loop.Path, &before))

	p.apply(strings.NewReplacer("NAME", "vm", "IMAGE", "oci-archive:"+filepath.Join(suite.Folder, "linux.tar"),
		"user: clerk", "user: root").Replace(containerManifest))
	p.awaitStatus("vm", kubevirtv1.VirtualMachineStatusRunning)
	p.plugin("addvolume", "vm", "--volume-name=tape", "--persist", "--bus=virtio")
	device := p.awaitVolume("vm", "tape", kubevirtv1.VolumeReady).Target
	run := p.instance("vm")
	p.plugin("restart", "vm", "--force", "--grace-period", "0") // from now on it has the device from its start
	p.awaitRunning("vm", run)
	console := p.openConsole("vm")
	console.login("root", "pencil")
	console.run("echo first | dd of=/dev/" + device + " conv=fsync 2>/dev/null")
	assert.Equal(t, "first", loop.Read(t, 5))
	s.Kill()
	require.NoError(t, s.Start(flags...))
	console = p.openConsole("vm")
	console.run("echo again | dd of=/dev/" + device + " conv=fsync 2>/dev/null")
	assert.Equal(t, "again", loop.Read(t, 5))
	require.NoError(t, unix.Stat(loop.Path, &after))
	assert.Equal(t, [2]uint32{before.Uid, before.Mode}, [2]uint32{after.Uid, after.Mode}, "QEMU has a node of its own")

	p.kubectl("delete", "vm", "vm", "--timeout=300s")
	p.kubectl("delete", "pvc", "tape", "--timeout=300s")
	p.kubectl("wait", "pvc/late", "--for=jsonpath={.status.phase}=Bound", "--timeout=300s")
	assert.Equal(t, "again", loop.Read(t, 5), "nobody wipes it")
	assert.NoDirExists(t, filepath.Join(p.DataDir(), "volumes", string(p.claim("late").UID)))
}

// TestALunOnWhatIsNoSCSIDeviceSaysSo has a loop device and a file. One that is a SCSI device is not to be had here.
func TestALunOnWhatIsNoSCSIDeviceSaysSo(t *testing.T) {
	t.Parallel()
	loop := loopdevice.Make(t, 32<<20)
	p := startServer(t, "--guest-network=user", "--block-device=tape="+loop.Path).newSpace(t)
	p.applyDeviceClaim("tape", "tape", "ReadWriteMany")
	p.apply(strings.ReplaceAll(spareClaim, "NAME", "file"))
	for claim, says := range map[string]string{"tape": "such as a loop, virtio or NVMe device", "file": "this one is a file"} {
		p.applyDeviceMachine("on-"+claim, claim, "lun: {bus: scsi}")
		synchronized := p.awaitFailed("on-" + claim)
		assert.Equal(t, corev1.ConditionFalse, synchronized.Status)
		assert.Equal(t, "NoSCSIDevice", synchronized.Reason)
		assert.Contains(t, synchronized.Message, "(tape): a lun needs a claim that is a SCSI device")
		assert.Contains(t, synchronized.Message, says)
		assert.Contains(t, synchronized.Message, "use disk in place of lun")
		p.awaitEvents("VirtualMachineInstance", "on-"+claim, "Warning SyncFailed")
		p.kubectl("delete", "vm", "on-"+claim, "--timeout=300s")
	}

	// The same device as a disk is one, and libvirt keeps a second guest from it that does not share.
	p.applyDeviceMachine("first", "tape", "disk: {bus: scsi}")
	p.awaitStatus("first", kubevirtv1.VirtualMachineStatusRunning)
	p.plug("virtualmachineinstances/first", "addvolume",
		`{"name": "more", "disk": {"lun": {"bus": "scsi"}, "serial": "more"}, "volumeSource": {"persistentVolumeClaim": {"claimName": "file"}}}`)
	more := p.awaitVolume("first", "more", kubevirtv1.VolumePending)
	require.Eventually(t, func() bool {
		more = p.awaitVolume("first", "more", kubevirtv1.VolumePending)
		return more.Reason == "NoSCSIDevice"
	}, soon, tick)
	assert.Contains(t, more.Message, "volume more: a lun needs")
	p.applyDeviceMachine("second", "tape", "disk: {bus: virtio}")
	assert.Contains(t, p.awaitFailed("second").Message, "already in use")
}

// awaitFailed waits until an instance has failed, and returns the condition that says why.
func (p *space) awaitFailed(name string) *kubevirtv1.VirtualMachineInstanceCondition {
	p.t.Helper()
	instance := p.awaitInstance(name, func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
		assert.Equal(c, kubevirtv1.Failed, instance.Status.Phase)
	})
	synchronized := instance.Status.Condition(kubevirtv1.VirtualMachineInstanceSynchronized)
	require.NotNil(p.t, synchronized)
	return synchronized
}
