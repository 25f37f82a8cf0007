// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

// example is a manifest in KubeVirt's folder "examples".
type example struct {
	name string
	// refused is what kubectl is told of one that is not taken; empty where it is.
	refused string
	// remark is for the page.
	remark string
}

const (
	noKind     = "no matches for kind"
	hasItsSize = "conflicts with selected instance type"
)

func examples() []example {
	return []example{
		{name: "clarge.yaml"},
		{name: "cluster-csmall.yaml"},
		{name: "csmall.yaml"},
		{"example-migration-policy.yaml", noKind, "migration comes with clusters"},
		{"migration-job.yaml", noKind, "migration comes with clusters"},
		{"non-preemtible.yaml", noKind, "a PriorityClass, which is Kubernetes' own"},
		{"pgpu-resource-claim-tmpl.yaml", noKind, "a ResourceClaimTemplate, which is Kubernetes' own"},
		{"preemtible.yaml", noKind, "a PriorityClass, which is Kubernetes' own"},
		{name: "virtio.yaml"},
		{name: "vm-alpine-datavolume.yaml"},
		{name: "vm-alpine-multipvc.yaml"},
		{"vm-cirros-clarge-virtio.yaml", hasItsSize, "KubeVirt refuses it, too: both it and its instance type have memory"},
		{"vm-cirros-clarge-windows.yaml", hasItsSize, "likewise"},
		{"vm-cirros-clarge.yaml", hasItsSize, "likewise"},
		{"vm-cirros-cluster-csmall.yaml", hasItsSize, "likewise"},
		{"vm-cirros-csmall.yaml", hasItsSize, "likewise"},
		{name: "vm-cirros-sata.yaml"},
		{"vm-cirros-with-sidecar-hook-configmap.yaml", "sidecar feature gate is not enabled", "as KubeVirt without its feature gate"},
		{name: "vm-cirros.yaml"},
		{"vm-pool-cirros.yaml", noKind, "pools"},
		{"vm-priorityclass.yaml", "priorityClassName", "priorities of pods"},
		{"vm-windows-clarge-windows.yaml", hasItsSize, "KubeVirt refuses it, too: both it and its instance type have memory"},
		{name: "vmi-alpine-efi.yaml"},
		{name: "vmi-arm.yaml"},
		{"vmi-dra-pgpu.yaml", "resourceClaims", "devices of the host"},
		{name: "vmi-ephemeral.yaml"},
		{"vmi-fedora-isolated.yaml", "no node sets processors aside", "dedicated processors"},
		{name: "vmi-fedora.yaml"},
		{"vmi-gpu.yaml", "devices.gpus", "devices of the host"},
		{name: "vmi-host-disk.yaml"},
		{name: "vmi-kernel-boot.yaml"},
		{name: "vmi-masquerade.yaml"},
		{name: "vmi-migratable.yaml"},
		{name: "vmi-multus-multiple-net.yaml"},
		{name: "vmi-multus-ptp.yaml"},
		{name: "vmi-nocloud.yaml"},
		{"vmi-preset-small.yaml", noKind, "presets, which KubeVirt has deprecated"},
		{name: "vmi-pvc.yaml"},
		{"vmi-replicaset-cirros.yaml", noKind, "replica sets"},
		{name: "vmi-sata.yaml"},
		{name: "vmi-secureboot.yaml"},
		{"vmi-sriov.yaml", "sriov", "devices of the host"},
		{"vmi-usb.yaml", "hostDevices", "devices of the host"},
		{name: "vmi-windows.yaml"},
		{"vmi-with-sidecar-hook-configmap.yaml", "sidecar feature gate is not enabled", "as KubeVirt without its feature gate"},
		{"vmi-with-sidecar-hook.yaml", "sidecar feature gate is not enabled", "as KubeVirt without its feature gate"},
		{name: "windows.yaml"},
	}
}

// TestExampleManifestsOfKubeVirtAreTaken has the server judge each, as it is, without storing it.
func TestExampleManifestsOfKubeVirtAreTaken(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(upstream(t), "examples")
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	require.NoError(t, err)
	var there, listed []string
	for _, file := range files {
		there = append(there, filepath.Base(file))
	}
	m := newMachine(t)
	for _, example := range examples() {
		listed = append(listed, example.name)
		manifest, err := os.ReadFile(filepath.Join(folder, example.name))
		require.NoError(t, err)
		command := suite.Server.Command(t.Context(), suite.Kubectl, "-n", m.namespace, "apply", "--dry-run=server", "-f", "-")
		output, message, err := apitest.Run(command, string(manifest))
		if example.refused == "" {
			assert.NoError(t, err, "%s: %s%s", example.name, output, message)
			continue
		}
		if assert.Error(t, err, "%s is taken now: say so in the table, and run: make compatibility", example.name) {
			assert.Contains(t, message, example.refused, example.name)
		}
	}
	assert.ElementsMatch(t, there, listed, "each is in the table")
}

// upstream is where the module of KubeVirt is, of which virtctl is built.
func upstream(t *testing.T) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "kubevirt.io/kubevirt")
	command.Dir = "../../hack/virtctl"
	output, err := command.Output()
	require.NoError(t, err)
	var module struct{ Dir string }
	require.NoError(t, json.Unmarshal(output, &module))
	return module.Dir
}
