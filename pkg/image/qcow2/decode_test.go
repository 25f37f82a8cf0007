// SPDX-License-Identifier: Apache-2.0

package qcow2_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecodeReadsWhatQEMUImgWrites(t *testing.T) {
	t.Parallel()
	tests := []struct {
		options  string
		compress bool
		spools   bool // the layout is not quite front to back
		size     int
	}{
		{options: "compat=0.10", size: 5 * mib},
		{options: "compat=0.10", size: 5*mib + 512, compress: true},
		{options: "compat=1.1", size: 5*mib + 512},
		{options: "compat=1.1,cluster_size=512", size: 2 * mib},
		{options: "compat=1.1,cluster_size=512", size: 2 * mib, compress: true},
		{options: "compat=1.1,cluster_size=1k,compression_type=zstd", size: 2 * mib, compress: true},
		{options: "compat=0.10,cluster_size=4k", size: 5 * mib},
		{options: "compat=1.1,cluster_size=4k", size: 5*mib + 1536, compress: true},
		{options: "compat=1.1,cluster_size=64k", size: 5 * mib, compress: true},
		{options: "compat=1.1,cluster_size=64k,compression_type=zstd", size: 5 * mib, compress: true},
		{options: "compat=1.1,cluster_size=2M", size: 5 * mib},
		{options: "compat=1.1,cluster_size=2M", size: 5*mib + 512, compress: true},
		{options: "compat=1.1,cluster_size=2M,compression_type=zstd", size: 5 * mib, compress: true},
		{options: "extended_l2=on,cluster_size=16k", size: 5 * mib},
		{options: "extended_l2=on,cluster_size=128k", size: 5*mib + 512},
		{options: "extended_l2=on,cluster_size=64k", size: 5 * mib, compress: true},
		{options: "lazy_refcounts=on", size: 5 * mib},
		{options: "refcount_bits=1", size: 5 * mib},
		{options: "refcount_bits=64,cluster_size=512", size: 2 * mib, spools: true},
		{options: "preallocation=metadata", size: 5 * mib},
		{options: "preallocation=falloc", size: 5 * mib, spools: true},
		{options: "preallocation=full,cluster_size=4k", size: 5 * mib, spools: true},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%s,compress=%t,size=%d", tt.options, tt.compress, tt.size), func(t *testing.T) {
			t.Parallel()
			raw := writeRaw(t, disk(uint64(i), tt.size))
			image := filepath.Join(t.TempDir(), "image.qcow2")
			args := []string{"convert", "-f", "raw", "-O", "qcow2", "-o", tt.options, raw, image}
			if tt.compress {
				args = append(args, "-c")
			}
			run(t, "qemu-img", args...)
			got := requireSameAsQEMU(t, image)
			if !tt.compress && !tt.spools {
				require.Zero(t, got.Spooled, "an image that is written front to back needs no spool")
			}
		})
	}
}

// TestDecodeReadsImagesWrittenInAnyOrder builds images as guests do, whose
// clusters and tables lie in no order at all.
func TestDecodeReadsImagesWrittenInAnyOrder(t *testing.T) {
	t.Parallel()
	for i, options := range []string{
		"cluster_size=512", "cluster_size=4k", "cluster_size=64k", "cluster_size=2M",
		"cluster_size=4k,compat=0.10", "cluster_size=16k,extended_l2=on", "cluster_size=4k,lazy_refcounts=on",
	} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			image := filepath.Join(t.TempDir(), "image.qcow2")
			const size = 8 * mib
			run(t, "qemu-img", "create", "-f", "qcow2", "-o", options, image, fmt.Sprint(size))
			rng := rand.New(rand.NewPCG(uint64(i), 2))
			for range 3 {
				qemuIO(t, image, randomCommands(rng, size, 60)...)
			}
			requireSameAsQEMU(t, image)
		})
	}
}

// randomCommands returns commands for qemu-io that change the disk at random.
func randomCommands(rng *rand.Rand, size, n int) []string {
	commands := make([]string, n)
	for i := range commands {
		off := rng.IntN(size/512) * 512
		length := min(512+rng.IntN(256)*512, size-off)
		verb := fmt.Sprintf("write -q -P %d", 1+rng.IntN(255))
		switch rng.IntN(6) {
		case 0:
			verb = "write -q -z"
		case 1:
			verb = "write -q -z -u"
		case 2:
			verb = "discard -q"
		}
		commands[i] = fmt.Sprintf("%s %d %d", verb, off, length)
	}
	return commands
}

// TestDecodeReadsTheActiveStateAmongSnapshots has tables that were copied to
// behind the clusters they map, and clusters that only snapshots use.
func TestDecodeReadsTheActiveStateAmongSnapshots(t *testing.T) {
	t.Parallel()
	for i, options := range []string{"cluster_size=512", "cluster_size=4k", "cluster_size=64k"} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			const size = 5 * mib
			raw := writeRaw(t, disk(uint64(i), size))
			image := filepath.Join(t.TempDir(), "image.qcow2")
			run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", options, raw, image)
			rng := rand.New(rand.NewPCG(uint64(i), 3))
			for round := range 3 {
				run(t, "qemu-img", "snapshot", "-c", fmt.Sprint("s", round), image)
				qemuIO(t, image, randomCommands(rng, size, 20)...)
			}
			got := requireSameAsQEMU(t, image)
			require.NotZero(t, got.Spooled, "this layout cannot be read forward only")
		})
	}
}

// TestDecodeReadsCompressedClustersAmongSnapshots mixes compressed clusters
// whose table is known with such whose table comes later.
func TestDecodeReadsCompressedClustersAmongSnapshots(t *testing.T) {
	t.Parallel()
	for i, options := range []string{"cluster_size=512", "cluster_size=4k", "cluster_size=4k,compression_type=zstd"} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			const size = 5 * mib
			raw := writeRaw(t, disk(uint64(i), size))
			image := filepath.Join(t.TempDir(), "image.qcow2")
			run(t, "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, raw, image)
			run(t, "qemu-img", "snapshot", "-c", "one", image)
			qemuIO(t, image, "write -q -P 1 1M 4k", "write -q -P 2 3M 65k")
			requireSameAsQEMU(t, image)
		})
	}
}

// TestDecodeReadsAnImageWhoseTablesMovedToItsEnd needs everything set aside.
func TestDecodeReadsAnImageWhoseTablesMovedToItsEnd(t *testing.T) {
	t.Parallel()
	content := disk(9, 2*mib)
	image := filepath.Join(t.TempDir(), "image.qcow2")
	run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=512", writeRaw(t, content), image)
	run(t, "qemu-img", "resize", "-q", image, "20M")
	qemuIO(t, image, "write -q -P 5 19M 3k")
	got := requireSameAsQEMU(t, image)
	require.Greater(t, got.Spooled, got.written)
}

func TestDecodeReadsAnImageThatWasNotClosed(t *testing.T) {
	t.Parallel()
	image := filepath.Join(t.TempDir(), "image.qcow2")
	run(t, "qemu-img", "create", "-f", "qcow2", "-o", "lazy_refcounts=on", image, "8M")
	err := exec.Command("qemu-io", "-f", "qcow2", image, "-c", "write -q -P 3 1M 300k", "-c", "flush", "-c", "sigraise 9").Run()
	require.ErrorContains(t, err, "killed")
	requireSameAsQEMU(t, image)
}

func TestDecodeReadsBitmapsAndEmptyImages(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.qcow2")
	run(t, "qemu-img", "create", "-f", "qcow2", empty, "8M")
	requireSameAsQEMU(t, empty)

	nothing := filepath.Join(t.TempDir(), "nothing.qcow2")
	run(t, "qemu-img", "create", "-f", "qcow2", nothing, "0")
	requireSameAsQEMU(t, nothing)

	bitmap := filepath.Join(t.TempDir(), "bitmap.qcow2")
	run(t, "qemu-img", "create", "-f", "qcow2", bitmap, "8M")
	run(t, "qemu-img", "bitmap", "--add", bitmap, "b0")
	qemuIO(t, bitmap, "write -q -P 3 1M 300k", "write -q -P 4 4M 1536")
	requireSameAsQEMU(t, bitmap)
}

func TestDecodeLeavesHolesWhereTheGuestHasZeros(t *testing.T) {
	t.Parallel()
	content := make([]byte, 16*mib)
	copy(content[5*mib:], "one block of data")
	image := filepath.Join(t.TempDir(), "image.qcow2")
	run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "preallocation=full", "-S", "0", writeRaw(t, content), image)
	got := requireSameAsQEMU(t, image)
	require.Equal(t, int64(4096), got.written)
}
