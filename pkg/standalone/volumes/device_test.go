// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices/loopdevice"
)

// offer returns a store that offers loop devices of 4 MiB by their names.
func offer(t *testing.T, names ...string) (*Store, map[string]*loopdevice.Loop) {
	t.Helper()
	loops := map[string]*loopdevice.Loop{}
	var found []blockdevices.Device
	for _, name := range names {
		loops[name] = loopdevice.Make(t, 4*mib)
		device, err := blockdevices.Find(name, loops[name].Path)
		require.NoError(t, err)
		found = append(found, device)
	}
	devices, err := blockdevices.Open(t.TempDir(), found)
	require.NoError(t, err)
	store := newStore(t)
	store.Offer(devices)
	return store, loops
}

func ofDevice(name string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) {
		c.Spec.VolumeMode, c.Spec.VolumeName = ptr.To(corev1.PersistentVolumeBlock), name
	}
}

func TestAClaimOfABlockDeviceHasAllOfIt(t *testing.T) {
	store, loops := offer(t, "tape")
	require.NoError(t, os.WriteFile(loops["tape"].Path, []byte("precious"), 0))
	m, _ := start(t, store, StorageClass())
	m.create(newClaim("disk", ofDevice("tape")))
	claim := m.bound("disk")
	assert.Equal(t, "tape", claim.Spec.VolumeName)
	assert.EqualValues(t, 4*mib, capacity(claim), "the device's, not what is requested")
	assert.Equal(t, []string{"kubernetes.io/pvc-protection"}, claim.Finalizers)
	path, err := store.Locate(t.Context(), claim)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeDevice)
	_, err = store.OpenTarget(claim)
	require.ErrorContains(t, err, "a DataVolume fills files alone")

	m.remove("disk")
	m.finish("disk")
	m.create(newClaim("next", ofDevice("tape")))
	m.bound("next")
	assert.Equal(t, "precious", loops["tape"].Read(t, 8), "nobody wipes it")
}

func TestOneOfTwoClaimsThatRaceForADeviceWins(t *testing.T) {
	store, _ := offer(t, "tape")
	m, stop := start(t, store, StorageClass())
	stop()
	for _, name := range []string{"a", "b", "c"} {
		m.create(newClaim(name, ofDevice("tape")))
	}
	m.run()
	winner := ""
	m.eventually("one has it", func() bool {
		for _, name := range []string{"a", "b", "c"} {
			if m.claim(name).Status.Phase == corev1.ClaimBound {
				winner = name
			}
		}
		return winner != ""
	})
	for range 2 {
		m.expectEvent("Warning FailedBinding Claim default/" + winner + " has block device tape, until it is deleted")
	}
	bound := 0
	for _, name := range []string{"a", "b", "c"} {
		if m.claim(name).Status.Phase == corev1.ClaimBound {
			bound++
		}
	}
	assert.Equal(t, 1, bound)

	m.remove(winner)
	m.finish(winner)
	m.eventually("the next has it", func() bool {
		bound := 0
		for _, name := range []string{"a", "b", "c"} {
			if claim := m.claim(name); claim != nil && claim.Status.Phase == corev1.ClaimBound {
				bound++
			}
		}
		return bound == 1
	})
}

func TestAClaimThatCannotHaveItsDeviceSaysWhy(t *testing.T) {
	store, loops := offer(t, "tape", "disc")
	for words, change := range map[string]func(*corev1.PersistentVolumeClaim){
		`FailedBinding no block device "drum" is on offer, only disc, tape`: ofDevice("drum"),
		"VolumeMismatch Block device tape has 4194304 bytes, less than the 5Mi": func(c *corev1.PersistentVolumeClaim) {
			ofDevice("tape")(c)
			c.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("5Mi")
		},
		"spec.selector is set": func(c *corev1.PersistentVolumeClaim) {
			ofDevice("tape")(c)
			c.Spec.Selector = &metav1.LabelSelector{}
		},
	} {
		t.Run(words, func(t *testing.T) {
			m, stop := start(t, &Store{root: store.root, path: store.path, devices: store.devices}, StorageClass())
			m.create(newClaim("disk", change))
			m.expectEvent(words)
			assert.Equal(t, corev1.ClaimPending, m.claim("disk").Status.Phase)
			stop()
		})
	}
	m, _ := start(t, store, StorageClass())
	m.create(newClaim("disk", ofDevice("disc")))
	claim := m.bound("disk")
	loops["disc"].Replace(t, 4*mib)
	_, err := store.Locate(t.Context(), claim)
	assert.ErrorContains(t, err, "default/disk: block device disc")
}

func TestADeviceGrowsByTheMachinesHandAlone(t *testing.T) {
	store, _ := offer(t, "tape")
	claim := newClaim("disk", ofDevice("tape"))
	claim.Status.Phase, claim.Status.Capacity = corev1.ClaimBound, capacityOf(mib)
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("8Mi")
	m, _ := start(t, store, StorageClass(), claim)
	m.expectEvent("VolumeResizeFailed Block device tape has 4194304 bytes")
	m.eventually("what it has by now is told", func() bool { return capacity(m.claim("disk")) == 4*mib })
}
