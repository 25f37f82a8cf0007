// SPDX-License-Identifier: Apache-2.0

package datavolume_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// copyOf creates a DataVolume that copies the claim named source; size may be empty.
func (m *machine) copyOf(name, source, size string) {
	m.t.Helper()
	dv := &cdiv1.DataVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: cdiv1.DataVolumeSpec{
			Source:  &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: m.namespace, Name: source}},
			Storage: &cdiv1.StorageSpec{},
		},
	}
	if size != "" {
		dv.Spec.Storage.Resources = &verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse(size)}}
	}
	_, err := m.virt.CdiV1beta1().DataVolumes(m.namespace).Create(m.t.Context(), dv, metav1.CreateOptions{})
	require.NoError(m.t, err)
}

// instance creates an instance that has the claim.
func (m *machine) instance(name, claim string) {
	m.t.Helper()
	vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Name: name}}
	memory := verbatim.MustParse("64Mi")
	vmi.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: &memory}
	vmi.Spec.Domain.Devices.Disks = []kubevirtv1.Disk{{Name: "root"}}
	vmi.Spec.Volumes = []kubevirtv1.Volume{{Name: "root", VolumeSource: kubevirtv1.VolumeSource{
		DataVolume: &kubevirtv1.DataVolumeSource{Name: claim},
	}}}
	_, err := m.virt.KubevirtV1().VirtualMachineInstances(m.namespace).Create(m.t.Context(), vmi, metav1.CreateOptions{})
	require.NoError(m.t, err)
}

func (m *machine) deleteInstance(name string) {
	m.t.Helper()
	instances := m.virt.KubevirtV1().VirtualMachineInstances(m.namespace)
	require.NoError(m.t, instances.Delete(m.t.Context(), name, metav1.DeleteOptions{}))
	// What the controllers of instances do, which do not run here.
	_, err := instances.Patch(m.t.Context(), name, "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	if err != nil {
		require.ErrorContains(m.t, err, "not found")
	}
}

func TestACopyHasTheSizeAndTheBytesOfItsSource(t *testing.T) {
	m := newMachine(t)
	m.create("disk", fromHTTP(serve(t, content(rawImage()))))
	m.reach("disk", cdiv1.Succeeded)
	m.copyOf("copy", "disk", "")
	m.copyOf("larger", "disk", "16Mi")
	m.reach("larger", cdiv1.Succeeded)
	dv := m.reach("copy", cdiv1.Succeeded)
	assert.EqualValues(t, "100.0%", dv.Status.Progress)
	assert.Equal(t, "Clone Complete", dv.Status.Condition(cdiv1.DataVolumeRunning).Message)
	assert.Equal(t, "8Mi", m.claim("copy").Status.Capacity.Storage().String())
	assert.True(t, bytes.Equal(m.disk("disk"), m.disk("copy")))
	larger := m.disk("larger")
	require.Len(t, larger, 16*mib)
	assert.True(t, bytes.Equal(append(m.disk("disk"), make([]byte, 8*mib)...), larger))
	m.eventually("events", func() bool { return m.told("copy")["CloneSucceeded"] })
}

func TestACopyWaitsForItsSource(t *testing.T) {
	m := newMachine(t)
	m.copyOf("copy", "disk", "")
	m.eventually("the reason", func() bool {
		bound := m.volume("copy").Status.Condition(cdiv1.DataVolumeBound)
		return bound != nil && bound.Reason == "CloneWithoutSource"
	})
	assert.Equal(t, cdiv1.Pending, m.volume("copy").Status.Phase)
	m.create("disk", fromHTTP(serve(t, content(rawImage()))))
	m.reach("copy", cdiv1.Succeeded)
	assert.True(t, bytes.Equal(m.disk("disk"), m.disk("copy")))
}

func TestACopyThatIsTooSmallIsTold(t *testing.T) {
	m := newMachine(t)
	m.create("disk", cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}})
	m.reach("disk", cdiv1.Succeeded)
	m.copyOf("copy", "disk", "4Mi")
	m.eventually("the reason", func() bool {
		bound := m.volume("copy").Status.Condition(cdiv1.DataVolumeBound)
		return bound != nil && bound.Reason == "ErrIncompatiblePVC"
	})
	assert.Nil(t, m.claim("copy"))
}

func TestADiskIsNotCopiedWhileAGuestMayWriteToIt(t *testing.T) {
	m := newMachine(t)
	m.create("disk", fromHTTP(serve(t, content(rawImage()))))
	m.reach("disk", cdiv1.Succeeded)
	m.instance("guest", "disk")
	m.copyOf("copy", "disk", "")
	m.eventually("the reason", func() bool {
		running := m.volume("copy").Status.Condition(cdiv1.DataVolumeRunning)
		return running != nil && running.Reason == "CloneSourceInUse"
	})
	dv := m.volume("copy")
	assert.Equal(t, cdiv1.CloneScheduled, dv.Status.Phase)
	assert.Contains(t, dv.Status.Condition(cdiv1.DataVolumeRunning).Message, "/guest ")
	_, failed := dv.Failure()
	assert.False(t, failed, "it waits, it has not failed")
	m.eventually("the event", func() bool { return m.told("copy")["CloneSourceInUse"] })

	m.deleteInstance("guest")
	dv = m.reach("copy", cdiv1.Succeeded)
	assert.Zero(t, dv.Status.RestartCount)
	assert.True(t, bytes.Equal(m.disk("disk"), m.disk("copy")))
}

func TestAGuestDoesNotGetADiskThatIsBeingCopied(t *testing.T) {
	m := newMachine(t)
	m.create("disk", cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}})
	m.reach("disk", cdiv1.Succeeded)
	m.eventually("nobody has it", func() bool {
		disk, release, err := m.store.OpenSource(t.Context(), m.claim("disk"))
		if err != nil {
			return false
		}
		defer release()
		defer disk.Close()
		_, err = m.store.Locate(t.Context(), m.claim("disk"))
		require.ErrorContains(t, err, "it is being copied")
		_, err = disk.WriteAt([]byte{1}, 0)
		require.Error(t, err, "it is open for reading alone")
		return true
	})
	_, err := m.store.Locate(t.Context(), m.claim("disk"))
	require.NoError(t, err)
}

// TestACopyOfAClaimThatIsGoneIsNotEmpty has the claim go while its copy waits for a guest to stop.
func TestACopyOfAClaimThatIsGoneIsNotEmpty(t *testing.T) {
	m := newMachine(t)
	claims := shared.server.Kube.CoreV1().PersistentVolumeClaims(m.namespace)
	_, err := claims.Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "disk"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("8Mi")}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	m.eventually("a volume", func() bool { return m.claim("disk").Status.Phase == corev1.ClaimBound })
	gone := m.claim("disk")
	m.instance("guest", "disk")
	m.copyOf("copy", "disk", "")
	m.eventually("the reason", func() bool {
		running := m.volume("copy").Status.Condition(cdiv1.DataVolumeRunning)
		return running != nil && running.Reason == "CloneSourceInUse"
	})
	require.NoError(t, claims.Delete(t.Context(), "disk", metav1.DeleteOptions{}))
	m.deleteInstance("guest")
	m.eventually("the claim is gone", func() bool { return m.claim("disk") == nil })
	_, _, err = m.store.OpenSource(t.Context(), gone)
	require.ErrorContains(t, err, "look for the claim")
	m.eventually("a failure", func() bool { _, failed := m.volume("copy").Failure(); return failed })
	assert.NotEqual(t, cdiv1.Succeeded, m.volume("copy").Status.Phase)
}
