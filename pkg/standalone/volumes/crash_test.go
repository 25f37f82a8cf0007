// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fillForever = "VOLUMES_TEST_FILL_FOREVER"

// TestMain is also the program that TestAKilledImportIsNoDisk kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(fillForever); dir != "" {
		fmt.Fprintln(os.Stderr, keepFilling(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// wholeDisk is what keepFilling writes, in two parts.
func wholeDisk() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 4096) }

func keepFilling(dir string) error {
	store, err := Open(dir)
	if err != nil {
		return err
	}
	for {
		claim := imported(boundClaim())
		target, err := store.OpenTarget(claim)
		if err != nil {
			return err
		}
		half := len(wholeDisk()) / 2
		for _, part := range [][]byte{wholeDisk()[:half], wholeDisk()[half:]} {
			if _, err := target.Write(part); err != nil {
				return err
			}
		}
		if err := store.Commit(claim, target); err != nil {
			return err
		}
		if err := target.Close(); err != nil {
			return err
		}
		if err := store.remove(claim.UID); err != nil {
			return err
		}
	}
}

func TestAKilledImportIsNoDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "volumes")
	program, err := os.Executable()
	require.NoError(t, err)
	for i := range 20 {
		killed := exec.Command(program)
		killed.Env = append(os.Environ(), fillForever+"="+dir)
		var stderr bytes.Buffer
		killed.Stderr = &stderr
		require.NoError(t, killed.Start())
		require.Eventually(t, func() bool {
			names, err := os.ReadDir(dir)
			return err == nil && len(names) > 0
		}, time.Minute, time.Millisecond)
		// Each run ends at another point of the work.
		<-time.After(time.Duration(i) * 300 * time.Microsecond)
		require.NoError(t, killed.Process.Kill())
		require.Error(t, killed.Wait())
		require.Empty(t, stderr.String())

		store := openStore(t, dir)
		require.NoError(t, store.finishRemovals())
		uids, err := store.claims()
		require.NoError(t, err)
		for _, uid := range uids {
			claim := imported(boundClaim())
			claim.UID = uid
			claim.Spec.VolumeName = volumeName(claim)
			filled, err := store.Filled(claim)
			require.NoError(t, err)
			if !filled {
				fill(t, store, claim, string(wholeDisk()))
			}
			content, err := os.ReadFile(filepath.Join(dirOf(store, claim), diskName))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(wholeDisk(), content), "a disk is whole")
			require.NoError(t, store.remove(uid))
		}
		names, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, names, "nothing is left")
	}
}
