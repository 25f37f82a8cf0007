// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stranger is another local user.
const stranger = 65533

// used returns a data directory as a server leaves it.
func used(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, Prepare(dir))
	for _, folder := range []string{"pki", "etcd/data", "volumes", "launcher"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, folder), 0o700))
	}
	for _, file := range []string{"pki/ca.key", "pki/ca.crt", "etcd/data/db", "kubeconfig", "launcher.log"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o600))
	}
	return dir
}

func TestDirectoryIsMadeForOthersToPassThrough(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	require.NoError(t, Prepare(dir))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o711), info.Mode().Perm())
}

func TestDirectoryIsTakenAgain(t *testing.T) {
	dir := used(t)
	require.NoError(t, Prepare(dir))
	// What guests write belongs to their users.
	disk := filepath.Join(dir, "volumes", "disk.img")
	require.NoError(t, os.WriteFile(disk, nil, 0o666))
	require.NoError(t, os.Chmod(disk, 0o666))
	require.NoError(t, Prepare(dir))
	// Somebody's kubeconfig may be a user's, and what the server does not know may be anybody's.
	require.NoError(t, os.Chmod(filepath.Join(dir, "kubeconfig"), 0o666))
	require.NoError(t, Prepare(dir))
}

func TestVolumesMayBeElsewhere(t *testing.T) {
	dir, elsewhere := used(t), t.TempDir()
	require.NoError(t, os.Remove(filepath.Join(dir, "volumes")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, "volumes")))
	require.NoError(t, Prepare(dir))
	require.NoError(t, os.Chmod(elsewhere, 0o777))
	require.ErrorContains(t, Prepare(dir), elsewhere)
}

func TestLinkOfTheAdministratorIsFollowed(t *testing.T) {
	dir := used(t)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	require.NoError(t, Prepare(link))
}

func TestDirectoryThatOthersCanWriteIsRefused(t *testing.T) {
	for name, open := range map[string]string{
		"itself": ".", "its folder": "..", "authority's key": "pki/ca.key", "authorities": "pki", "database": "etcd/data/db",
		"volumes": "volumes",
	} {
		t.Run(name, func(t *testing.T) {
			dir := used(t)
			path := filepath.Join(dir, open)
			require.NoError(t, os.Chmod(path, 0o777))
			require.ErrorContains(t, Prepare(dir), path)
		})
	}
}

func TestDirectoryOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	for name, theirs := range map[string]string{
		"itself": ".", "its folder": "..", "authority": "pki/ca.crt", "authority's key": "pki/ca.key", "authorities": "pki",
		"database": "etcd", "file of the database": "etcd/data/db", "launcher's state": "launcher",
	} {
		t.Run(name, func(t *testing.T) {
			dir := used(t)
			path := filepath.Join(dir, theirs)
			require.NoError(t, os.Chown(path, stranger, stranger))
			require.ErrorContains(t, Prepare(dir), path+" belongs to another user (uid 65533)")
			assert.NoError(t, prepare(dir, stranger), "the user's own server may use it")
		})
	}
}

func TestLinksOfAnotherUserAreNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(used(t), link))
	require.NoError(t, os.Lchown(link, stranger, stranger))
	require.ErrorContains(t, Prepare(link), link+" belongs to another user")

	dir := used(t)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "pki")))
	require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(dir, "pki")))
	require.ErrorContains(t, Prepare(dir), "symbolic link")
}
