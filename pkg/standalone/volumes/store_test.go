// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

func openStore(t *testing.T, path string) *Store {
	t.Helper()
	store, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

func newStore(t *testing.T) *Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "volumes"))
}

// boundClaim is bound to the store, with 1 MiB.
func boundClaim() *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "disk", UID: types.UID(uuid.NewString())},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: capacityOf(mib)},
	}
	claim.Spec.VolumeName = volumeName(claim)
	return claim
}

func imported(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	claim.Annotations = map[string]string{cdiv1.CreatedForDataVolumeAnnotation: uuid.NewString()}
	return claim
}

func dirOf(store *Store, claim *corev1.PersistentVolumeClaim) string {
	return filepath.Join(store.Path(), string(claim.UID))
}

func fill(t *testing.T, store *Store, claim *corev1.PersistentVolumeClaim, content string) {
	t.Helper()
	target, err := store.OpenTarget(claim)
	require.NoError(t, err)
	defer target.Close()
	_, err = target.WriteString(content)
	require.NoError(t, err)
	require.NoError(t, store.Commit(claim, target))
}

func TestLocateMakesAnEmptyDiskOnce(t *testing.T) {
	store, claim := newStore(t), boundClaim()
	path, err := store.Locate(t.Context(), claim)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dirOf(store, claim), "disk.img"), path)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
	assert.EqualValues(t, mib, info.Size())
	var stat unix.Stat_t
	require.NoError(t, unix.Stat(path, &stat))
	assert.Zero(t, stat.Blocks, "the file is sparse")

	require.NoError(t, os.WriteFile(path, []byte("guest data"), 0o600))
	again, err := store.Locate(t.Context(), claim)
	require.NoError(t, err)
	assert.Equal(t, path, again)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(content), "guest data"))
	assert.Len(t, content, mib, "a disk that is too small grows")
}

func TestLocateNeverShrinksADisk(t *testing.T) {
	store, claim := newStore(t), boundClaim()
	path, err := store.Locate(t.Context(), claim)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 3*mib))
	_, err = store.Locate(t.Context(), claim)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.EqualValues(t, 3*mib, info.Size())
}

func TestQEMUMayPassTheDirectoriesButNotLook(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	store, claim := newStore(t), boundClaim()
	path, err := store.Locate(t.Context(), claim)
	require.NoError(t, err)
	for _, dir := range []string{store.Path(), filepath.Dir(path)} {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o711), info.Mode().Perm())
	}
}

func TestLocateRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*corev1.PersistentVolumeClaim)
		words  string
	}{
		"an unbound claim": {func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimPending }, "not bound"},
		"another volume":   {func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = "nfs" }, `bound to "nfs"`},
		"an odd UID": {func(c *corev1.PersistentVolumeClaim) {
			c.UID = "../../../../../../../../../../../etc/aa"
			c.Spec.VolumeName = volumeName(c)
		}, "not the UID"},
		"a claim that is not filled": {func(c *corev1.PersistentVolumeClaim) { imported(c) }, "DataVolume has to succeed"},
		"a new disk for a claim that goes": {func(c *corev1.PersistentVolumeClaim) {
			c.DeletionTimestamp = &metav1.Time{}
		}, "being deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			store, claim := newStore(t), boundClaim()
			test.change(claim)
			_, err := store.Locate(t.Context(), claim)
			require.ErrorContains(t, err, test.words)
			assert.ErrorContains(t, err, "default/disk")
		})
	}
}

func TestSymbolicLinksAreNotFollowed(t *testing.T) {
	for name, plant := range map[string]func(t *testing.T, store *Store, claim, other *corev1.PersistentVolumeClaim){
		"from the disk to a file outside": func(t *testing.T, store *Store, claim, _ *corev1.PersistentVolumeClaim) {
			outside := filepath.Join(t.TempDir(), "shadow")
			require.NoError(t, os.WriteFile(outside, nil, 0o600))
			require.NoError(t, os.Mkdir(dirOf(store, claim), 0o711))
			require.NoError(t, os.Symlink(outside, filepath.Join(dirOf(store, claim), diskName)))
		},
		"from the disk to a disk of the same claim": func(t *testing.T, store *Store, claim, _ *corev1.PersistentVolumeClaim) {
			require.NoError(t, os.Mkdir(dirOf(store, claim), 0o711))
			require.NoError(t, os.WriteFile(filepath.Join(dirOf(store, claim), "real.img"), nil, 0o600))
			require.NoError(t, os.Symlink("real.img", filepath.Join(dirOf(store, claim), diskName)))
		},
		"from the directory to another claim's": func(t *testing.T, store *Store, claim, other *corev1.PersistentVolumeClaim) {
			require.NoError(t, os.Symlink(string(other.UID), dirOf(store, claim)))
		},
		"from the directory to one outside": func(t *testing.T, store *Store, claim, _ *corev1.PersistentVolumeClaim) {
			require.NoError(t, os.Symlink(t.TempDir(), dirOf(store, claim)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, claim, other := newStore(t), boundClaim(), boundClaim()
			fill(t, store, other, "other")
			plant(t, store, claim, other)
			_, err := store.Locate(t.Context(), claim)
			require.Error(t, err)
			_, err = store.Filled(claim)
			require.Error(t, err)

			require.NoError(t, store.remove(claim.UID))
			assert.NoFileExists(t, dirOf(store, claim))
			content, err := os.ReadFile(filepath.Join(dirOf(store, other), diskName))
			require.NoError(t, err)
			assert.Equal(t, "other", string(content), "the target of the link stays")
		})
	}
}

func TestOddFilesAreNotDisks(t *testing.T) {
	store, claim := newStore(t), boundClaim()
	require.NoError(t, os.Mkdir(dirOf(store, claim), 0o711))
	require.NoError(t, unix.Mkfifo(filepath.Join(dirOf(store, claim), diskName), 0o600))
	_, err := store.Locate(t.Context(), claim)
	require.ErrorContains(t, err, "not a regular file")
}

func TestATargetBecomesTheDiskWhenItIsCommitted(t *testing.T) {
	store, claim := newStore(t), imported(boundClaim())
	target, err := store.OpenTarget(claim)
	require.NoError(t, err)
	defer target.Close()
	_, err = target.WriteString("half")
	require.NoError(t, err)

	filled, err := store.Filled(claim)
	require.NoError(t, err)
	assert.False(t, filled)
	_, err = store.Locate(t.Context(), claim)
	require.Error(t, err, "half an import is no disk")

	require.NoError(t, store.Commit(claim, target))
	filled, err = store.Filled(claim)
	require.NoError(t, err)
	assert.True(t, filled)
	_, err = store.Locate(t.Context(), claim)
	require.NoError(t, err)
	require.NoError(t, store.Discard(claim))
	assert.FileExists(t, filepath.Join(dirOf(store, claim), diskName), "what is complete stays")
}

func TestAnotherAttemptBeginsAnew(t *testing.T) {
	store, claim := newStore(t), imported(boundClaim())
	old, err := store.OpenTarget(claim)
	require.NoError(t, err)
	defer old.Close()
	target, err := store.OpenTarget(claim)
	require.NoError(t, err)
	defer target.Close()
	_, err = target.WriteString("new")
	require.NoError(t, err)
	_, err = old.WriteString("an importer that outlived its server")
	require.NoError(t, err)

	require.Error(t, store.Commit(claim, old), "only the newest target counts")
	require.NoError(t, store.Commit(claim, target))
	content, err := os.ReadFile(filepath.Join(dirOf(store, claim), diskName))
	require.NoError(t, err)
	assert.Equal(t, "new", string(content))

	target, err = store.OpenTarget(claim)
	require.NoError(t, err)
	defer target.Close()
	require.ErrorContains(t, store.Commit(claim, target), "there is a disk already")
}

func TestDiscardLeavesNothing(t *testing.T) {
	store, claim := newStore(t), imported(boundClaim())
	require.NoError(t, store.Discard(claim), "nothing to discard")
	target, err := store.OpenTarget(claim)
	require.NoError(t, err)
	require.NoError(t, target.Close())
	require.NoError(t, store.Discard(claim))
	entries, err := os.ReadDir(store.Path())
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestATargetOnAFullDiskFailsAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
	// Detached, as a child that another test is just starting may still have a file open.
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	store, claim := openStore(t, filepath.Join(dir, "volumes")), imported(boundClaim())
	target, err := store.OpenTarget(claim)
	require.NoError(t, err)
	_, err = target.Write(make([]byte, 2*mib))
	require.ErrorIs(t, err, unix.ENOSPC)
	require.NoError(t, target.Close())
	require.NoError(t, store.Discard(claim))
	free, err := store.free()
	require.NoError(t, err)
	assert.Greater(t, free, int64(mib/2))

	_, err = store.Locate(t.Context(), boundClaim())
	require.NoError(t, err, "an empty disk needs no space")
}

func TestRemovalIsCompletedAfterACrash(t *testing.T) {
	store, claim := newStore(t), boundClaim()
	fill(t, store, claim, "content")
	require.NoError(t, os.Rename(dirOf(store, claim), filepath.Join(store.Path(), removedPrefix+string(claim.UID))))
	require.NoError(t, os.WriteFile(filepath.Join(store.Path(), removedPrefix+"notes"), nil, 0o600))
	fill(t, store, claim, "again")
	require.NoError(t, store.finishRemovals())
	entries, err := os.ReadDir(store.Path())
	require.NoError(t, err)
	require.Len(t, entries, 2)
	assert.Equal(t, removedPrefix+"notes", entries[0].Name(), "what is not ours stays")
	assert.Equal(t, string(claim.UID), entries[1].Name())

	require.NoError(t, os.Mkdir(filepath.Join(store.Path(), removedPrefix+string(claim.UID)), 0o711))
	require.NoError(t, os.WriteFile(filepath.Join(store.Path(), removedPrefix+string(claim.UID), "x"), nil, 0o600))
	require.NoError(t, store.remove(claim.UID), "also where an earlier removal is not complete")
	require.NoError(t, store.remove(claim.UID), "also where it is gone")
}

func TestOnlyUIDsAreVolumes(t *testing.T) {
	store, claim := newStore(t), boundClaim()
	fill(t, store, claim, "content")
	for _, name := range []string{"lost+found", removedPrefix + uuid.NewString(), "{" + uuid.NewString() + "}"} {
		require.NoError(t, os.Mkdir(filepath.Join(store.Path(), name), 0o700))
	}
	uids, err := store.claims()
	require.NoError(t, err)
	assert.Equal(t, []types.UID{claim.UID}, uids)
	require.Error(t, store.remove("lost+found"))
	require.Error(t, store.remove(""))
}

func TestOpenNeedsAParent(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "a", "b"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestTheStoreHasAPathWithoutLinks(t *testing.T) {
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(real, link))
	store := openStore(t, filepath.Join(link, "volumes"))
	assert.Equal(t, filepath.Join(real, "volumes"), store.Path())
}

func TestRequestedSizes(t *testing.T) {
	for request, want := range map[string]int64{"1": mib, "1Mi": mib, "1M": mib, "1500M": 1431 * mib, "1Pi": 1 << 50} {
		claim := boundClaim()
		claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(request)}
		size, err := requested(claim)
		require.NoError(t, err)
		assert.Equal(t, want, size, request)
	}
	for _, request := range []string{"0", "-1", "9999Pi"} {
		claim := boundClaim()
		claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(request)}
		_, err := requested(claim)
		require.Error(t, err, request)
	}
	_, err := requested(boundClaim())
	require.Error(t, err, "no request")
}
