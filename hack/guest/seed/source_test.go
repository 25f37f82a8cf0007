// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func volumeOf(content map[string]string) fstest.MapFS {
	volume := fstest.MapFS{}
	for name, text := range content {
		volume[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return volume
}

func TestNoCloudIsReadAsYAMLAndAsJSON(t *testing.T) {
	want := seed{instanceID: "vm.ns", hostname: "vm", keys: []string{"ssh-ed25519 A"}, userData: []byte("#cloud-config\n")}
	for name, meta := range map[string]string{
		"YAML": "instance-id: vm.ns\nlocal-hostname: vm\npublic-keys:\n- ssh-ed25519 A\n",
		"JSON": `{"instance-id":"vm.ns","local-hostname":"vm","public-keys":{"key":"ssh-ed25519 A"}}`,
	} {
		found, err := noCloud(volumeOf(map[string]string{"meta-data": meta, "user-data": "#cloud-config\n"}))
		require.NoError(t, err, name)
		assert.Equal(t, want, found, name)
	}
}

func TestConfigDriveIsRead(t *testing.T) {
	found, err := configDrive(volumeOf(map[string]string{
		"openstack/latest/meta_data.json": `{"uuid":"u","hostname":"vm","public_keys":{"b":"B","a":"A"}}`,
	}))
	require.NoError(t, err)
	assert.Equal(t, seed{instanceID: "u", hostname: "vm", keys: []string{"A", "B"}}, found)
}

func TestSeedWithoutInstanceIDIsANewInstanceWhenItChanges(t *testing.T) {
	read := func(user string) string {
		found, err := noCloud(volumeOf(map[string]string{"user-data": user}))
		require.NoError(t, err)
		return found.instanceID
	}
	assert.Equal(t, read("a"), read("a"))
	assert.NotEqual(t, read("a"), read("b"))
}

func TestSeedIsRefusedWhenAFileIsTooLong(t *testing.T) {
	_, err := noCloud(volumeOf(map[string]string{"user-data": string(make([]byte, maxFile+1))}))
	assert.ErrorContains(t, err, "user-data: it is longer than")
}

func TestMetaDataThatIsNoYAMLIsRefused(t *testing.T) {
	_, err := noCloud(volumeOf(map[string]string{"meta-data": "a: [b"}))
	assert.ErrorContains(t, err, "decode meta-data")
}
