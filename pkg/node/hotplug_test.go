// SPDX-License-Identifier: Apache-2.0

package node

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// addHotplug adds the claim "more" to the instance.
func addHotplug(vmi *kubevirtv1.VirtualMachineInstance) {
	vmi.Spec.Volumes = append(vmi.Spec.Volumes, kubevirtv1.Volume{Name: "more", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "more-disk", Hotpluggable: ptr.To(true)},
	}})
	vmi.Spec.Domain.Devices.Disks = append(vmi.Spec.Domain.Devices.Disks, kubevirtv1.Disk{
		Name: "more", DiskDevice: kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To(kubevirtv1.DiskBusSCSI)}},
	})
}

func removeHotplug(vmi *kubevirtv1.VirtualMachineInstance) {
	vmi.Spec.Volumes = slices.DeleteFunc(vmi.Spec.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == "more" })
	vmi.Spec.Domain.Devices.Disks = nil
}

func (w *world) makeClaim(name string) {
	w.t.Helper()
	_, err := w.core.CoreV1().PersistentVolumeClaims("n").Create(w.t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}},
	}, metav1.CreateOptions{})
	require.NoError(w.t, err)
}

// volume is the status of the volume "more".
func (w *world) volume() kubevirtv1.VolumeStatus {
	for _, volume := range w.server.get("vm").Status.VolumeStatus {
		if volume.Name == "more" {
			return volume
		}
	}
	return kubevirtv1.VolumeStatus{}
}

func TestVolumeComesToAndLeavesARunningGuest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)
	w.events()

	w.server.edit("vm", addHotplug)
	w.eventually("pending", func() bool { return w.volume().Phase == kubevirtv1.VolumePending })
	assert.Equal(t, `volume "more": there is no PersistentVolumeClaim "more-disk" in namespace "n"`, w.volume().Message)
	w.makeClaim("more-disk")
	w.eventually("ready", func() bool { return w.volume().Phase == kubevirtv1.VolumeReady })
	got := w.volume()
	assert.Equal(t, "sdmore", got.Target)
	assert.NotNil(t, got.HotplugVolume)
	assert.Equal(t, "more-disk", got.PersistentVolumeClaimInfo.ClaimName)
	assert.Empty(t, got.Message)
	require.Len(t, w.launcher.plugs, 1)
	assert.Equal(t, "/disks/more-disk", w.launcher.plugs[0].Source.Path)

	w.launcher.with(func() { w.launcher.stubborn = true })
	w.server.edit("vm", removeHotplug)
	w.eventually("detaching", func() bool { return w.volume().Phase == kubevirtv1.VolumeDetaching })
	assert.Contains(t, w.server.get("vm").UsedClaimNames(), "more-disk", "the guest still has it")
	w.launcher.with(func() { w.launcher.stubborn = false })
	w.eventually("gone", func() bool { return w.volume().Name == "" })
	assert.NotContains(t, w.server.get("vm").UsedClaimNames(), "more-disk")
	w.settle()
	events := w.events()
	assert.Contains(t, events, "Normal VolumeReady Successfully attach hotplugged volume more to VM")
	assert.Contains(t, events, "Normal VolumeUnplugged The guest has given up volume more")
}

func TestClaimOfAnotherGuestIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.makeClaim("more-disk")
	w.run()
	other := scheduled()
	other.Name, other.UID = "other", "u2"
	other.Spec.Volumes = []kubevirtv1.Volume{{Name: "root", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "more-disk"}}}}
	w.server.create(other)
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)
	w.server.edit("vm", addHotplug)
	w.eventually("told", func() bool { return w.volume().Reason == reasonVolumeInUse })
	assert.Contains(t, w.volume().Message, `instance "other" uses it`)
	assert.Empty(t, w.launcher.plugs)
	w.server.edit("other", func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Status.Phase = kubevirtv1.Succeeded })
	w.eventually("ready", func() bool { return w.volume().Phase == kubevirtv1.VolumeReady })
}

func TestRefusalOfADiskIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.makeClaim("more-disk")
	w.run()
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)
	w.launcher.with(func() { w.launcher.refuse = &api.Error{Reason: api.ErrorInternal, Message: "no more PCI slots"} })
	w.server.edit("vm", addHotplug)
	w.eventually("told", func() bool { return w.volume().Message == "no more PCI slots" })
	assert.Equal(t, kubevirtv1.VolumePending, w.volume().Phase)
}
