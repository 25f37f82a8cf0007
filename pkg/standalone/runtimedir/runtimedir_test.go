// SPDX-License-Identifier: Apache-2.0

package runtimedir

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listen makes a socket of a server below dir, which is left behind when it is closed.
func listen(t *testing.T, dir, instance, name string) *net.UnixListener {
	t.Helper()
	path := filepath.Join(dir, instance, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	require.NoError(t, err)
	listener.SetUnlinkOnClose(false)
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func TestDirectoryGoesWithItsLastUserAndNoOthers(t *testing.T) {
	dir := t.TempDir()
	launcher, guest := listen(t, dir, "a", "launcher/launcher.sock"), listen(t, dir, "a", "guests/1.console")
	listen(t, dir, "b", "launcher/launcher.sock")
	for _, user := range []*net.UnixListener{launcher, guest} {
		require.NoError(t, Remove(dir, "a"))
		assert.DirExists(t, filepath.Join(dir, "a"))
		require.NoError(t, user.Close())
	}
	require.NoError(t, Remove(dir, "a"))
	assert.NoDirExists(t, filepath.Join(dir, "a"))
	assert.DirExists(t, filepath.Join(dir, "b"))
	require.NoError(t, Remove(dir, "a"), "there is nothing to remove")
	require.NoError(t, Remove(filepath.Join(dir, "nowhere"), "a"))
}

func TestInstanceIsThatOfTheVolumesByWhateverName(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink(dir, dir+"-link"))
	t.Cleanup(func() { _ = os.Remove(dir + "-link") })
	assert.NotEqual(t, Instance(dir), Instance(dir+"-link"))
	require.NoError(t, RemoveOf(dir+"-link"))
	require.NoError(t, RemoveOf(filepath.Join(dir, "nowhere")))
	assert.Regexp(t, "^[0-9a-f]{12}$", Instance(dir))
}
