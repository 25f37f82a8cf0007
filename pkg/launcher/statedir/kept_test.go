// SPDX-License-Identifier: Apache-2.0

package statedir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestWhatIsKeptIsFoundAgain(t *testing.T) {
	dir, err := Open(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	all, err := dir.AllKept()
	require.NoError(t, err)
	assert.Empty(t, all)

	const uuid = "0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c11"
	kept := Kept{Kept: api.Kept{UUID: uuid, Namespace: "shop", Name: "web", Owner: "u"}, TPM: true}
	require.NoError(t, dir.Keep(&kept))
	require.NoError(t, os.WriteFile(dir.KeptNVRAM(uuid), nil, 0o600))
	found, err := dir.Kept(uuid)
	require.NoError(t, err)
	assert.Equal(t, &kept, found)
	all, err = dir.AllKept()
	require.NoError(t, err)
	assert.Equal(t, []Kept{kept}, all)

	require.NoError(t, dir.Forget(uuid))
	require.NoError(t, dir.Forget(uuid))
	found, err = dir.Kept(uuid)
	require.NoError(t, err)
	assert.Nil(t, found)
	assert.NoFileExists(t, dir.KeptNVRAM(uuid))
}

func TestOnlyUUIDsAreKept(t *testing.T) {
	dir, err := Open(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	for _, name := range []string{"", "..", "../domains", "urn:uuid:0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c11", "0f3b1d5c7a524c1e9a536f0d2f8f7c11"} {
		require.Error(t, dir.Keep(&Kept{Kept: api.Kept{UUID: name}}), name)
		require.Error(t, dir.Forget(name), name)
		_, err := dir.Kept(name)
		require.Error(t, err, name)
	}
}
