// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// disk makes an image with one of the scripts of hack/ and returns the arguments
// that give QEMU a larger disk with its content, as the drive "disk".
func disk(t *testing.T, script, size string) []string {
	image := filepath.Join(t.TempDir(), "disk.qcow2")
	command(t, filepath.Join("..", "..", "hack", script), image)
	command(t, "qemu-img", "resize", "-q", image, size)
	return []string{"-drive", "if=none,id=disk,format=qcow2,file=" + image}
}

// seed is the drive "seed": an ISO file system, or a FAT one, with these files.
func seed(t *testing.T, filesystem, label string, files map[string]string) []string {
	dir, image := t.TempDir(), filepath.Join(t.TempDir(), "seed.img")
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	switch filesystem {
	case "iso":
		command(t, "genisoimage", "-quiet", "-joliet", "-rock", "-volid", label, "-output", image, dir)
	case "fat":
		command(t, "truncate", "--size=1M", image)
		command(t, "/sbin/mkfs.fat", "-n", label, image)
		entries, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		command(t, "mcopy", append([]string{"-s", "-i", image}, append(entries, "::/")...)...)
	}
	return []string{"-drive", "if=none,id=seed,readonly=on,format=raw,file=" + image}
}

func noCloud(t *testing.T, hostname, userData string) []string {
	return seed(t, "iso", "cidata", map[string]string{
		"meta-data": `{"instance-id": "one", "local-hostname": "` + hostname + `"}`,
		"user-data": userData,
	})
}

// network is user-mode: DHCP grants 10.0.2.15, behind a router at 10.0.2.2.
func network(forward string) []string {
	return []string{"-netdev", "user,id=net" + forward, "-device", "virtio-net-pci,netdev=net"}
}

func join(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
