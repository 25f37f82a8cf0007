// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const mib = 1 << 20

func reserveSize(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, reserveName))
	require.NoError(t, err)
	return info.Size()
}

// fillUp takes all that is free on the file system of dir until the returned function gives it back.
func fillUp(t *testing.T, dir string) (giveBack func()) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "full"))
	require.NoError(t, err)
	defer file.Close()
	at := int64(0)
	for chunk := int64(64 * mib); chunk >= 4096; {
		if unix.Fallocate(int(file.Fd()), 0, at, chunk) == nil {
			at += chunk
		} else {
			chunk /= 2
		}
	}
	_, err = file.WriteAt([]byte{1}, at+mib)
	require.ErrorIs(t, err, unix.ENOSPC)
	return func() { require.NoError(t, os.Remove(file.Name())) }
}

func TestTheDatabaseGoesOnWhereOthersFilledTheDisk(t *testing.T) {
	parent := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", parent, "tmpfs", 0, "size=800m"), "mounting needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(parent, unix.MNT_DETACH)) })
	dir := filepath.Join(parent, "etcd")
	server, client := start(t, dir)
	full := reserveSize(t, dir)
	require.EqualValues(t, 800*mib/20, full)

	giveBack := fillUp(t, parent)
	// More than the database has ahead, and less than its log has.
	for i := range 44 {
		value := make([]byte, mib)
		_, err := rand.Read(value)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err = client.Put(ctx, fmt.Sprintf("/large/%d", i), string(value))
		cancel()
		require.NoError(t, err, "write %d MiB", i)
	}
	require.Eventually(t, func() bool { return reserveSize(t, dir) < full }, time.Minute, 10*time.Millisecond, "nothing came from the reserve")
	select {
	case err := <-server.Err():
		t.Fatal(err)
	default:
	}
	got, err := client.Get(t.Context(), "/large/43")
	require.NoError(t, err)
	assert.Len(t, got.Kvs, 1)

	giveBack()
	require.Eventually(t, func() bool { return reserveSize(t, dir) == full }, time.Minute, 10*time.Millisecond, "the reserve is not filled up again")
}

func TestTheDatabaseStartsOnAFullDisk(t *testing.T) {
	parent := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", parent, "tmpfs", 0, "size=800m"), "mounting needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(parent, unix.MNT_DETACH)) })
	dir := filepath.Join(parent, "etcd")
	server, client := start(t, dir)
	_, err := client.Put(t.Context(), "/a", "1")
	require.NoError(t, err)
	require.NoError(t, client.Close())
	server.Close()
	fillUp(t, parent)

	_, client = start(t, dir)
	_, err = client.Put(t.Context(), "/a", string(bytes.Repeat([]byte("x"), mib)))
	require.NoError(t, err)
}
