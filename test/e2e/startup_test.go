// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/runtimedir"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// refusal runs a server that must end by itself, and soon, and gives what it printed.
func refusal(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	bounded := exec.CommandContext(ctx, command.Path, command.Args[1:]...)
	bounded.Env, bounded.SysProcAttr = command.Env, command.SysProcAttr
	output, err := bounded.CombinedOutput()
	require.NoError(t, ctx.Err(), "it does not end: %s", output)
	require.Error(t, err, "%s", output)
	return string(output)
}

func TestSecondServerOnTheSameDirectoryIsRefusedAndHarmsNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	second := *s.Server
	var err error
	second.Port, err = harness.FreePort()
	require.NoError(t, err)

	output := refusal(t, second.ServerCommand())
	assert.Contains(t, output, s.DataDir())
	assert.Contains(t, output, "in use by another server (process "+strconv.Itoa(s.PID())+")")
	assert.Contains(t, s.Kubectl(t, "get", "--raw", "/readyz"), "ok")
}

func TestWhatKeepsAServerFromStartingIsSaidWithTheRemedy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*exec.Cmd)
		says   []string
	}{
		"no launcher":  {func(c *exec.Cmd) { c.Args = append(c.Args, "--launcher=/nowhere/virt-launcher") }, []string{"--launcher", "/nowhere/virt-launcher", "make build"}},
		"no importer":  {func(c *exec.Cmd) { c.Args = append(c.Args, "--importer=/nowhere/virt-importer") }, []string{"--importer", "make build"}},
		"bad node":     {func(c *exec.Cmd) { c.Args = append(c.Args, "--node-name=No_Name") }, []string{"--node-name", "No_Name"}},
		"unknown flag": {func(c *exec.Cmd) { c.Args = append(c.Args, "--colour=green") }, []string{"unknown flag: --colour"}},
		"port taken": {func(c *exec.Cmd) { c.Args = append(c.Args, "--secure-port="+strconv.Itoa(suite.server.Port)) },
			[]string{"address already in use", "--secure-port"}},
		"not root": {func(c *exec.Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}, []string{"permission denied", "--data-dir"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ownServer(t)
			command := s.ServerCommand()
			test.change(command)
			output := refusal(t, command)
			for _, text := range test.says {
				assert.Contains(t, output, text)
			}
		})
	}
}

func TestServerGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	_, err := s.Virt.KubevirtV1().VirtualMachines("default").Create(t.Context(), tinyMachine("kept", kubevirtv1.RunStrategyHalted), metav1.CreateOptions{})
	require.NoError(t, err)
	before, err := os.ReadFile(s.Kubeconfig())
	require.NoError(t, err)

	require.NoError(t, s.Stop(), "a stop is graceful")
	require.NoError(t, s.Start())
	_, err = s.Virt.KubevirtV1().VirtualMachines("default").Get(t.Context(), "kept", metav1.GetOptions{})
	assert.NoError(t, err)
	after, err := os.ReadFile(s.Kubeconfig())
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "kubeconfigs that were handed out stay good")
}

func TestAServerThatStopsLeavesNothingButItsGuests(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	sockets := filepath.Join(runtimedir.Root, runtimedir.Instance(filepath.Join(s.DataDir(), "volumes")))
	p := s.newSpace(t)
	p.apply(emptyMachine)
	p.awaitStatus("bare", kubevirtv1.VirtualMachineStatusRunning)
	require.NoError(t, s.Stop())
	assert.DirExists(t, filepath.Join(sockets, "launcher"), "a guest runs")
	require.Len(t, guestPIDs(p.name, "bare"), 1)

	require.NoError(t, s.Start())
	p.kubectl("delete", "vm", "bare", "--timeout=300s")
	p.awaitGone("vmi/bare")
	require.NoError(t, s.Stop())
	assert.NoDirExists(t, sockets)
	assert.False(t, slices.ContainsFunc(harness.Processes(), func(process harness.Process) bool {
		return strings.Contains(process.Command, sockets)
	}), "its launcher is gone, too")
	require.NoError(t, s.Start())
}
