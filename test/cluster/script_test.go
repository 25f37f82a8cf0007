// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The cluster that the tests share runs meanwhile: this is a second one.
func TestUpNamesThePartThatFailed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "second")
	t.Cleanup(func() { _ = exec.Command(script, "down", "--dir", dir).Run() })
	up := exec.CommandContext(t.Context(), script, "up", "--control-plane", "--dir", dir)
	broken := filepath.Join(t.TempDir(), "virt-apiserver")
	require.NoError(t, os.WriteFile(broken, []byte("#!/bin/sh\necho the disk is on fire; exit 1\n"), 0o700))
	up.Env = append(os.Environ(), "VIRT_APISERVER="+broken)
	output, err := up.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(output), "virt-apiserver ended; the end of its log")
	assert.Contains(t, string(output), "the disk is on fire")

	output, err = exec.CommandContext(t.Context(), script, "status", "--dir", dir).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(output), "kube-apiserver: not running")
	assert.NotContains(t, string(output), ": running")

	require.NoError(t, exec.CommandContext(t.Context(), script, "down", "--dir", dir).Run())
	assert.NoDirExists(t, dir)
}

func TestUpTwiceGivesTheSameCluster(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(shared.kubeconfig)
	output, err := exec.CommandContext(t.Context(), script, "up", "--control-plane", "--dir", dir).Output()
	require.NoError(t, err)
	assert.Equal(t, shared.kubeconfig+"\n", string(output))
}

func TestDownRemovesOnlyAClustersDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "thesis.tex")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	output, err := exec.CommandContext(t.Context(), script, "down", "--dir", dir).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(output), "holds no cluster; nothing was removed")
	assert.FileExists(t, file)
}
