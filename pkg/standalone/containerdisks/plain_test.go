// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// files asks for files of an image as they are.
func files(vm, image string, policy corev1.PullPolicy, paths ...string) workload.ContainerFiles {
	wanted := disk(vm, image, policy)
	wanted.For, wanted.Plain = workload.ForKernelBoot, paths
	return wanted
}

func contents(t *testing.T, paths []string) []string {
	t.Helper()
	var all []string
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		all = append(all, string(content))
	}
	return all
}

func TestPlainFilesAreKeptAsTheyAreBesideTheDisk(t *testing.T) {
	w := newWorld(t)
	root := w.get(disk("vm", "r.example/a:1", corev1.PullAlways))
	both := w.getAll(files("vm", "r.example/a:1", corev1.PullAlways, "/boot/k", "/boot/i"))
	assert.Equal(t, []string{"/boot/k of r.example/a@sha256:aa", "/boot/i of r.example/a@sha256:aa"}, contents(t, both))
	assert.Equal(t, int64(512<<20), w.largest)
	info, err := os.Stat(both[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(diskMode), info.Mode())

	w.reopen()
	assert.Equal(t, both, w.getAll(files("vm", "r.example/a:1", corev1.PullNever, "/boot/k", "/boot/i")))
	assert.Equal(t, root, w.get(disk("vm", "r.example/a:1", corev1.PullNever)))
	assert.Equal(t, int32(3), w.fetches.Load())
	// The same path is another thing where it is a disk.
	decoded := disk("vm", "r.example/a:1", corev1.PullNever)
	decoded.Source.Path = "/boot/k"
	assert.Contains(t, w.refused(decoded).Message, "is not on this node")
}

func TestKernelAndInitrdAreOfOneImageWhenItsTagMoves(t *testing.T) {
	w := newWorld(t)
	w.getAll(files("first", "r.example/a:1", corev1.PullIfNotPresent, "/boot/k"))
	w.set("r.example/a:1", "sha256:cc")
	both := w.getAll(files("second", "r.example/a:1", corev1.PullIfNotPresent, "/boot/k", "/boot/i"))
	assert.Equal(t, []string{"/boot/k of r.example/a@sha256:cc", "/boot/i of r.example/a@sha256:cc"}, contents(t, both))
	w.set("r.example/a:1", "sha256:dd")
	w.getAll(files("third", "r.example/a:1", corev1.PullAlways, "/boot/k"))
	both = w.getAll(files("fourth", "r.example/a:1", corev1.PullIfNotPresent, "/boot/k", "/boot/i"))
	assert.Equal(t, []string{"/boot/k of r.example/a@sha256:dd", "/boot/i of r.example/a@sha256:dd"}, contents(t, both))
}

func TestPlainFileWithoutMetaIsPulledAnew(t *testing.T) {
	w := newWorld(t)
	kernel := w.getAll(files("vm", "r.example/a:1", corev1.PullAlways, "/boot/k"))[0]
	entry := filepath.Base(filepath.Dir(kernel))
	assert.Equal(t, entryName("sha256:aa", source.Container{Path: "/boot/k", Plain: true}), entry)
	assert.NotEqual(t, entryName("sha256:aa", source.Container{Path: "/boot/k"}), entry)
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(kernel), metaName)))
	w.reopen()
	assert.Equal(t, kernel, w.getAll(files("vm", "r.example/a:1", corev1.PullAlways, "/boot/k"))[0])
	assert.Equal(t, int32(2), w.fetches.Load())
}
