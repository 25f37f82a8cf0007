// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func meta() Meta {
	return Meta{UUID: "ac5aefe5-9df4-599a-8f33-774ed58fc394", Namespace: "shop", Name: "web-1", Hostname: `we"b`}
}

func TestNoCloudIsReadByOtherTools(t *testing.T) {
	image, err := NoCloud(meta(), Data{UserData: []byte("#cloud-config\n"), NetworkData: []byte("version: 2\n")})
	require.NoError(t, err)
	iso := write(t, image)
	assert.Equal(t, "cidata", label(t, iso))
	assert.Equal(t, map[string]string{
		"/user-data":      "#cloud-config\n",
		"/meta-data":      `{"instance-id":"ac5aefe5-9df4-599a-8f33-774ed58fc394","local-hostname":"we\"b"}`,
		"/network-config": "version: 2\n",
	}, contents(t, iso, "-R"))
	assert.Len(t, contents(t, iso, "-J"), 3, "Joliet names the same files")
}

func TestConfigDriveIsReadByOtherTools(t *testing.T) {
	image, err := ConfigDrive(meta(), Data{UserData: []byte("#cloud-config\n"), NetworkData: []byte("{}")})
	require.NoError(t, err)
	iso := write(t, image)
	assert.Equal(t, "config-2", label(t, iso))
	assert.Equal(t, map[string]string{
		"/openstack/latest/user_data":         "#cloud-config\n",
		"/openstack/latest/meta_data.json":    `{"hostname":"we\"b","instance_id":"web-1.shop","uuid":"ac5aefe5-9df4-599a-8f33-774ed58fc394"}`,
		"/openstack/latest/network_data.json": "{}",
	}, contents(t, iso, "-R"))
}

func TestKeysAreInBothLayouts(t *testing.T) {
	data := Data{PublicKeys: []string{"ssh-ed25519 A", "ssh-ed25519 B"}}
	image, err := NoCloud(meta(), data)
	require.NoError(t, err)
	assert.JSONEq(t, `{"instance-id":"ac5aefe5-9df4-599a-8f33-774ed58fc394","local-hostname":"we\"b",
		"public-keys":{"0":"ssh-ed25519 A","1":"ssh-ed25519 B"}}`, string(image.Files["meta-data"]))
	image, err = ConfigDrive(meta(), data)
	require.NoError(t, err)
	assert.JSONEq(t, `{"hostname":"we\"b","instance_id":"web-1.shop","uuid":"ac5aefe5-9df4-599a-8f33-774ed58fc394",
		"public_keys":{"0":"ssh-ed25519 A","1":"ssh-ed25519 B"}}`, string(image.Files["openstack/latest/meta_data.json"]))
}

func TestEmptyUserDataIsAFileAllTheSame(t *testing.T) {
	image, err := NoCloud(meta(), Data{})
	require.NoError(t, err)
	files := contents(t, write(t, image), "-R")
	assert.Contains(t, files, "/user-data")
	assert.NotContains(t, files, "/network-config")
}

func TestLargestSeedIsWhole(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), MaxBytes/16)
	image, err := NoCloud(meta(), Data{UserData: data, NetworkData: data})
	require.NoError(t, err)
	iso := write(t, image)
	assert.Equal(t, string(data), contents(t, iso, "-R")["/user-data"])
	info, err := os.Stat(iso)
	require.NoError(t, err)
	assert.Zero(t, info.Size()%4096, "QEMU needs whole sectors")
	assert.Less(t, info.Size(), int64(3*MaxBytes))
}

func TestTooMuchDataIsRefused(t *testing.T) {
	big := make([]byte, MaxBytes+1)
	_, err := NoCloud(meta(), Data{UserData: big})
	require.ErrorContains(t, err, "user data: 1048577 bytes, the most is 1048576")
	_, err = ConfigDrive(meta(), Data{NetworkData: big})
	require.ErrorContains(t, err, "network data: 1048577 bytes")
}

func write(t *testing.T, image *Image) string {
	t.Helper()
	iso := filepath.Join(t.TempDir(), "seed.iso")
	f, err := os.Create(iso)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, image.Write(f, t.TempDir()))
	return iso
}

// label is the name of the volume as the kernel of a guest sees it.
func label(t *testing.T, iso string) string {
	t.Helper()
	out, err := exec.Command("isoinfo", "-d", "-i", iso).Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(line, "Volume id: "); ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// contents reads all files by the names of an extension: -R Rock Ridge, -J Joliet.
func contents(t *testing.T, iso, extension string) map[string]string {
	t.Helper()
	out, err := exec.Command("isoinfo", extension, "-f", "-i", iso).Output()
	require.NoError(t, err)
	files := map[string]string{}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if name == "/openstack" || name == "/openstack/latest" {
			continue
		}
		content, err := exec.Command("isoinfo", extension, "-i", iso, "-x", name).Output()
		require.NoError(t, err)
		files[name] = string(content)
	}
	return files
}
