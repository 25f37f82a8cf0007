// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

func TestTwoMachinesOnOneDiskRunOneAfterTheOther(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.importDisk("shared", "16Mi")
	for _, name := range []string{"first", "second"} {
		machine := bareMachine(name, kubevirtv1.RunStrategyAlways, "32Mi")
		addDisk(machine, "root", kubevirtv1.VolumeSource{PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "shared"}})
		p.create(machine)
		if name == "first" {
			p.awaitConsole(p.awaitRunning(name, nil), launchertest.GuestReady)
		}
	}
	p.awaitStatus("second", kubevirtv1.VirtualMachineStatusUnschedulable)
	waiting := p.instance("second").Status.Condition(kubevirtv1.VirtualMachineInstancePodScheduled)
	require.NotNil(t, waiting)
	assert.Equal(t, corev1.PodReasonUnschedulable, waiting.Reason)
	for _, text := range []string{`"shared"`, `"first"`, "stop"} {
		assert.Contains(t, waiting.Message, text)
	}
	p.awaitEvents("VirtualMachineInstance", "second", "Warning Unschedulable")
	assert.Empty(t, guestPIDs(p.name, "second"))

	p.plugin("stop", "first")
	p.awaitNoInstance("first")
	p.awaitConsole(p.awaitRunning("second", nil), launchertest.GuestReady)
	p.plugin("start", "first")
	p.awaitStatus("first", kubevirtv1.VirtualMachineStatusUnschedulable)
	p.kubectl("delete", "vm", "second", "--timeout=300s")
	p.awaitRunning("first", nil)
}

const sharingMachine = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: both}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 16Mi}}
---
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
        memory: {guest: 64Mi}
        devices:
          disks:
          - name: both
            shareable: true
            disk: {bus: virtio, pciAddress: "0000:00:1d.0"}
      volumes:
      - name: both
        persistentVolumeClaim: {claimName: both}
`

// TestAShareableDiskHasSeveralGuests has two guests at once at a disk that both may write.
func TestAShareableDiskHasSeveralGuests(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	for _, name := range []string{"first", "second"} {
		p.apply(strings.ReplaceAll(sharingMachine, "NAME", name))
	}
	p.awaitRunning("first", nil)
	p.awaitRunning("second", nil)
	assert.Len(t, guestPIDs(p.name, "first"), 1)
	assert.Len(t, guestPIDs(p.name, "second"), 1)
	for _, name := range []string{"first", "second"} {
		assert.NotContains(t, p.eventReasons("VirtualMachineInstance", name), "Warning SyncFailed", "one takes the disk from the other")
	}
}

func TestDiskInUseIsKeptUntilItsMachineEnds(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	instance := p.startTiny("web", kubevirtv1.RunStrategyAlways)
	dir := p.volumeDir("web-root")
	p.kubectl("delete", "pvc", "web-root", "--wait=false")
	p.kubectl("wait", "pvc/web-root", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=300s")
	assert.Equal(t, instance.UID, p.awaitRunning("web", nil).UID)
	assert.True(t, exists(dir))
	p.kubectl("delete", "vm", "web", "--timeout=300s")
	p.awaitGone("pvc/web-root")
	assert.Eventually(t, func() bool { return !exists(dir) }, soon, tick)
}

func TestMachineWithoutItsDiskSaysSoAndRunsOnceItIsThere(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	machine := bareMachine("web", kubevirtv1.RunStrategyAlways, "32Mi")
	addDisk(machine, "root", kubevirtv1.VolumeSource{PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "late"}})
	p.create(machine)
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusPvcNotFound)
	missing := p.instance("web").Status.Condition(kubevirtv1.VirtualMachineInstanceSynchronized)
	require.NotNil(t, missing)
	assert.Contains(t, missing.Message, `"late"`)
	p.importDisk("late", "16Mi")
	p.awaitConsole(p.awaitRunning("web", nil), launchertest.GuestReady)
}

// importDisk makes a disk with the tiny guest that no machine owns.
func (p *space) importDisk(name, size string) {
	p.t.Helper()
	volume := &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: importOf(suite.Images.URL(tinyImage), size)}
	_, err := p.Virt.CdiV1beta1().DataVolumes(p.name).Create(p.t.Context(), volume, metav1.CreateOptions{})
	require.NoError(p.t, err)
	p.awaitDataVolume(name, func(c *assert.CollectT, volume *cdiv1.DataVolume) {
		assert.Equal(c, cdiv1.Succeeded, volume.Status.Phase)
	})
}
