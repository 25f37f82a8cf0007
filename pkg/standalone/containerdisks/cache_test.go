// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const soon = 60 * time.Second

// fakeRegistry answers as an importer does that asks one.
type fakeRegistry struct {
	resolves, fetches atomic.Int32
	// gate, if set, holds fetches up.
	gate chan struct{}

	mu sync.Mutex
	// digests are those of the images by name.
	digests map[string]string
	// passwords are what images need.
	passwords map[string]string
	err       error
	// largest is the size that was last accepted.
	largest int64
}

func (r *fakeRegistry) Fill(ctx context.Context, spec importer.Spec, target, _ *os.File, progress func(image.Progress)) (image.Result, error) {
	if err := spec.Validate(); err != nil {
		return image.Result{}, err
	}
	r.mu.Lock()
	digest, password, err := r.digests[spec.Container.Image], r.passwords[spec.Container.Image], r.err
	r.mu.Unlock()
	switch {
	case err != nil:
		return image.Result{}, err
	case password != spec.Container.Password:
		return image.Result{}, failure.Transient(failure.Unauthorized, "the registry refuses")
	case spec.Resolve:
		r.resolves.Add(1)
		return image.Result{Digest: digest}, nil
	}
	r.fetches.Add(1)
	r.mu.Lock()
	r.largest = spec.SizeBytes
	r.mu.Unlock()
	if r.gate != nil {
		select {
		case <-r.gate:
		case <-ctx.Done():
			return image.Result{}, context.Cause(ctx)
		}
	}
	progress(image.Progress{WrittenBytes: 4096})
	if cause := context.Cause(ctx); cause != nil {
		return image.Result{}, cause
	}
	if spec.Container.Plain {
		content := spec.Container.Path + " of " + spec.Container.Image
		_, err = target.WriteString(content)
		return image.Result{Digest: withoutName(spec.Container.Image), VirtualSizeBytes: int64(len(content))}, err
	}
	_, err = target.WriteString("disk of " + spec.Container.Image)
	return image.Result{Digest: withoutName(spec.Container.Image), VirtualSizeBytes: 512}, errors.Join(err, target.Truncate(512))
}

func withoutName(image string) string {
	return image[len(image)-len("sha256:")-2:]
}

func (r *fakeRegistry) set(image, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.digests[image] = digest
	r.digests[withDigest(image, digest)] = digest
}

func (r *fakeRegistry) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// world is a cache and what is around it.
type world struct {
	*testing.T
	*fakeRegistry
	cache  *Cache
	config Config
	told   chan types.NamespacedName
}

func newWorld(t *testing.T) *world {
	w := &world{
		T:            t,
		fakeRegistry: &fakeRegistry{digests: map[string]string{}, passwords: map[string]string{}},
		told:         make(chan types.NamespacedName, 100),
	}
	w.set("r.example/a:1", "sha256:aa")
	w.set("r.example/b:1", "sha256:bb")
	w.config = Config{
		Dir: filepath.Join(t.TempDir(), "disks"), Importer: w.fakeRegistry,
		MaxBytes: 1 << 20, MaxAge: time.Hour, Backoff: time.Millisecond,
	}
	w.open()
	t.Cleanup(func() { assert.NoError(t, w.cache.Close()) })
	return w
}

func (w *world) open() {
	w.Helper()
	cache, err := Open(w.Context(), w.config)
	require.NoError(w, err)
	cache.OnChange(func(name types.NamespacedName) { w.told <- name })
	w.cache = cache
}

func (w *world) reopen() {
	w.Helper()
	require.NoError(w, w.cache.Close())
	w.open()
}

func disk(vm, image string, policy corev1.PullPolicy) workload.ContainerFiles {
	return workload.ContainerFiles{
		Instance: types.NamespacedName{Namespace: "n", Name: vm}, UID: types.UID("uid-" + vm), For: "root",
		Source: source.Container{Image: image}, Policy: policy,
	}
}

// get asks until the disk is there.
func (w *world) get(disk workload.ContainerFiles) string {
	w.Helper()
	return w.getAll(disk)[0]
}

// getAll asks until the files are there.
func (w *world) getAll(files workload.ContainerFiles) []string {
	w.Helper()
	var paths []string
	require.Eventually(w, func() bool {
		var err error
		paths, err = w.cache.Ensure(w.Context(), files)
		return err == nil
	}, soon, time.Millisecond)
	w.cache.Forget(files.Instance)
	return paths
}

// refused asks until the disk can't be had.
func (w *world) refused(disk workload.ContainerFiles) *workload.PullError {
	w.Helper()
	var failed *workload.PullError
	require.Eventually(w, func() bool {
		_, err := w.cache.Ensure(w.Context(), disk)
		return errors.As(err, &failed)
	}, soon, time.Millisecond)
	return failed
}

func TestDiskIsThereOnceItWasPulledAndTheAskerIsTold(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	_, err := w.cache.Ensure(t.Context(), disk("vm", "r.example/a:1", corev1.PullAlways))
	require.ErrorIs(t, err, workload.ErrPulling)
	close(w.gate)
	assert.Equal(t, types.NamespacedName{Namespace: "n", Name: "vm"}, <-w.told)
	paths, err := w.cache.Ensure(t.Context(), disk("vm", "r.example/a:1", corev1.PullAlways))
	require.NoError(t, err)
	content, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	assert.Equal(t, "disk of r.example/a@sha256:aa", string(content[:29]))
	info, err := os.Stat(paths[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(diskMode), info.Mode())
	assert.Equal(t, int64(512), info.Size())
}

func TestManyWhoAskAtOnceShareOneDownload(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	for _, vm := range []string{"a", "b", "c"} {
		_, err := w.cache.Ensure(t.Context(), disk(vm, "r.example/a:1", corev1.PullAlways))
		require.ErrorIs(t, err, workload.ErrPulling)
	}
	require.Eventually(t, func() bool { return w.fetches.Load() == 1 }, soon, time.Millisecond)
	w.cache.Forget(types.NamespacedName{Namespace: "n", Name: "a"})
	close(w.gate)
	assert.Equal(t, w.get(disk("b", "r.example/a:1", corev1.PullAlways)), w.get(disk("c", "r.example/a:1", corev1.PullAlways)))
	assert.Equal(t, int32(1), w.fetches.Load())
}

func TestDownloadThatNobodyWaitsForEnds(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	_, err := w.cache.Ensure(t.Context(), disk("vm", "r.example/a:1", corev1.PullAlways))
	require.ErrorIs(t, err, workload.ErrPulling)
	require.Eventually(t, func() bool { return w.fetches.Load() == 1 }, soon, time.Millisecond)
	w.cache.Forget(types.NamespacedName{Namespace: "n", Name: "vm"})
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(w.cache.Path())
		return err == nil && len(left) == 0
	}, soon, time.Millisecond)
}

func TestPoliciesSayWhenTheRegistryIsAsked(t *testing.T) {
	w := newWorld(t)
	never := w.refused(disk("vm", "r.example/a:1", corev1.PullNever))
	assert.Contains(t, never.Message, "imagePullPolicy is Never")
	w.cache.Forget(types.NamespacedName{Namespace: "n", Name: "vm"})

	first := w.get(disk("vm", "r.example/a:1", corev1.PullIfNotPresent))
	assert.Equal(t, int32(1), w.resolves.Load())
	w.reopen()
	assert.Equal(t, first, w.get(disk("vm", "r.example/a:1", corev1.PullIfNotPresent)))
	assert.Equal(t, first, w.get(disk("vm", "r.example/a:1", corev1.PullNever)))
	assert.Equal(t, int32(1), w.resolves.Load())

	w.set("r.example/a:1", "sha256:cc") // the tag moves
	assert.Equal(t, first, w.get(disk("vm", "r.example/a:1", corev1.PullIfNotPresent)))
	moved := w.get(disk("vm", "r.example/a:1", corev1.PullAlways))
	assert.NotEqual(t, first, moved)
	w.reopen()
	assert.Equal(t, moved, w.get(disk("vm", "r.example/a:1", corev1.PullNever)), "the name is the new image's")
	assert.Equal(t, int32(2), w.resolves.Load())
}

func TestImageThatOnePulledWithAPasswordIsNotForOthersWithoutIt(t *testing.T) {
	w := newWorld(t)
	w.passwords["r.example/a:1"] = "pencil"
	w.passwords["r.example/a@sha256:aa"] = "pencil"
	with := disk("vm", "r.example/a:1", corev1.PullIfNotPresent)
	with.Source.Password = "pencil"
	w.get(with)
	refused := w.refused(disk("other", "r.example/a:1", corev1.PullIfNotPresent))
	assert.Contains(t, refused.Message, "the registry refuses")
	assert.Contains(t, w.refused(disk("third", "r.example/a:1", corev1.PullNever)).Message, "is not on this node")
	w.get(with)
	assert.Equal(t, int32(1), w.fetches.Load())
	raw, err := os.ReadFile(filepath.Join(w.cache.Path(), entryName("sha256:aa", source.Container{}), metaName))
	require.NoError(t, err)
	assert.NotContains(t, string(raw), "pencil")
}

func TestFailureIsToldAndTriedAgainLaterAndLater(t *testing.T) {
	w := newWorld(t)
	w.fail(failure.Transient(failure.NotFound, "the registry has no such image"))
	vm := disk("vm", "r.example/a:1", corev1.PullAlways)
	failed := w.refused(vm)
	assert.Contains(t, failed.Message, `image "r.example/a:1": the registry has no such image`)
	require.Eventually(t, func() bool {
		failed = w.refused(vm)
		return failed.Reason == kubevirtv1.ReasonImagePullBackOff
	}, soon, time.Millisecond)
	assert.Contains(t, failed.Message, `Back-off pulling image "r.example/a:1"`)
	require.Eventually(t, func() bool {
		return w.refused(vm).Reason == kubevirtv1.ReasonErrImagePull
	}, soon, time.Millisecond, "the next attempt fails, which is told as well")
	w.fail(nil)
	w.get(vm)
}

func TestDiskThatIsTooLargeForTheNodeIsRefused(t *testing.T) {
	w := newWorld(t)
	w.cache.config.MaxBytes = 4095
	assert.Contains(t, w.refused(disk("vm", "r.example/a:1", corev1.PullAlways)).Message, "takes more than the 4095 bytes")
}

func TestImagesOnDiskAreThoseOfTheAllowedFolders(t *testing.T) {
	w := newWorld(t)
	folder := t.TempDir()
	w.cache.config.Folders = []string{folder}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a.tar"), nil, 0o600))
	allowed := "oci-archive:" + folder + "/a.tar"
	w.set(allowed, "sha256:aa")
	outside := w.refused(disk("vm", "oci-archive:/etc/passwd", corev1.PullIfNotPresent))
	assert.Contains(t, outside.Message, "is not below an allowed folder ("+folder+"); the administrator of the node allows folders with --container-disk-folder")
	_, err := w.cache.openLocal(allowed)
	require.NoError(t, err)
}

func TestUnusedDisksGoWhenTheyAreOldOrTooMany(t *testing.T) {
	w := newWorld(t)
	a := w.get(disk("vm", "r.example/a:1", corev1.PullAlways))
	b := w.get(disk("vm", "r.example/b:1", corev1.PullAlways))
	w.cache.sweep(t.Context())
	assert.FileExists(t, a, "it was asked for a moment ago")

	old := func(path string, age time.Duration) {
		then := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(filepath.Join(filepath.Dir(path), metaName), then, then))
	}
	taken := filepath.Join(t.TempDir(), "vm.base")
	require.NoError(t, os.Link(a, taken))
	old(a, 30*24*time.Hour)
	old(b, 2*time.Hour)
	w.cache.config.MaxAge = 3 * time.Hour
	w.cache.sweep(t.Context())
	assert.FileExists(t, a, "it is in use")
	assert.FileExists(t, b, "it is young")

	require.NoError(t, os.Remove(taken))
	w.cache.sweep(t.Context())
	assert.NoFileExists(t, a)
	w.cache.config.MaxBytes = 1
	w.cache.sweep(t.Context())
	assert.NoFileExists(t, b)
	w.cache.config.MaxBytes = 1 << 20
	assert.Equal(t, a, w.get(disk("vm", "r.example/a:1", corev1.PullIfNotPresent)), "it is pulled anew")
}

func TestWhatACrashLeftIsRemoved(t *testing.T) {
	w := newWorld(t)
	a := w.get(disk("vm", "r.example/a:1", corev1.PullAlways))
	for _, name := range []string{partialPrefix + "x", removedPrefix + "y"} {
		require.NoError(t, os.MkdirAll(filepath.Join(w.cache.Path(), name), 0o700))
	}
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(a), metaName), []byte("{"), 0o600))
	w.reopen()
	left, err := os.ReadDir(w.cache.Path())
	require.NoError(t, err)
	assert.Len(t, left, 1)
	assert.Equal(t, a, w.get(disk("vm", "r.example/a:1", corev1.PullIfNotPresent)))
	assert.Equal(t, int32(2), w.fetches.Load(), "nothing told what it was")
}

func FuzzParseMeta(f *testing.F) {
	f.Add([]byte(`{"digest":"sha256:aa","grants":[{"image":"r.example/a:1"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		known, err := parseMeta(entryName("sha256:aa", source.Container{}), raw)
		if err == nil {
			assert.Equal(t, "sha256:aa", known.Digest)
		}
	})
}
