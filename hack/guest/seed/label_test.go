// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVolumeKnowsTheLabelsThatOthersWrite(t *testing.T) {
	for _, test := range []struct {
		name, label, filesystem string
		make                    []string
	}{
		{"ISO 9660", "cidata", "iso9660", []string{"genisoimage", "-quiet", "-joliet", "-volid", "cidata", "-output", "IMAGE", "."}},
		{"FAT of 12 bits", "CIDATA", "vfat", []string{"/sbin/mkfs.fat", "-C", "-n", "CIDATA", "IMAGE", "1024"}},
		{"FAT of 32 bits", "CONFIG-2", "vfat", []string{"/sbin/mkfs.fat", "-C", "-F", "32", "-n", "CONFIG-2", "IMAGE", "40960"}},
		{"ext4", "", "", []string{"/sbin/mkfs.ext4", "-q", "-L", "cidata", "IMAGE", "1M"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "image")
			for i, word := range test.make {
				if word == "IMAGE" {
					test.make[i] = image
				}
			}
			cmd := exec.Command(test.make[0], test.make[1:]...)
			cmd.Dir = t.TempDir()
			output, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", output)

			device, err := os.Open(image)
			require.NoError(t, err)
			defer device.Close()
			filesystem, label := volume(device)
			assert.Equal(t, test.filesystem, filesystem)
			assert.Equal(t, test.label, label)
		})
	}
}

func TestVolumeTakesAnythingElseForUnlabelled(t *testing.T) {
	for name, content := range map[string][]byte{
		"empty":  nil,
		"short":  make([]byte, 100),
		"zeroes": make([]byte, 1<<20),
	} {
		filesystem, label := volume(bytes.NewReader(content))
		assert.Empty(t, filesystem+label, name)
	}
}
