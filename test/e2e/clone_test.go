// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// disk is the content of a claim's disk.
func (p *space) disk(claim string) []byte {
	p.t.Helper()
	found, err := p.Core.CoreV1().PersistentVolumeClaims(p.name).Get(p.t.Context(), claim, metav1.GetOptions{})
	require.NoError(p.t, err)
	content, err := os.ReadFile(filepath.Join(p.DataDir(), "volumes", string(found.UID), "disk.img"))
	require.NoError(p.t, err)
	return content
}

func TestACloneHasTheDisksOfItsSourceAndAnIdentityOfItsOwn(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(strings.ReplaceAll(spareClaim, "NAME", "data"))
	source := linuxMachine("web", kubevirtv1.RunStrategyAlways)
	source.Labels = map[string]string{"app": "shop", "role": "primary"}
	addDisk(source, "data", kubevirtv1.VolumeSource{PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}})
	p.create(source)
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusRunning)
	console := p.openConsole("web")
	console.login("tester", "secret")
	console.run("echo from the source > ~/note; sync")

	manifest := p.plugin("create", "clone", "--name", "twin", "--source-name", "web", "--target-name", "copy", "--label-filter", "*", "--label-filter", "!role")
	p.apply(manifest)
	p.kubectl("wait", "vmclone/twin", "--for=jsonpath={.status.conditions[?(@.type=='Ready')].reason}=SourceIsRunning", "--timeout=300s")
	assert.Contains(t, p.kubectl("describe", "vmclone", "twin"), "kubectl virt stop web", "it says what to do")
	_, message, err := p.tryKubectl("", "get", "vm", "copy")
	require.Error(t, err, message)

	p.plugin("stop", "web")
	p.kubectl("wait", "vmclone/twin", "--for=condition=Ready", "--timeout=300s")
	assert.Equal(t, "twin Succeeded web copy", row(p.kubectl("get", "vmclones", "twin", "--no-headers"), 0, 1, 2, 3))
	assert.Equal(t, p.disk("web-root"), p.disk("copy-root"))
	assert.Equal(t, p.disk("data"), p.disk("copy-data"))
	p.awaitEvents("VirtualMachineClone", "twin", "Warning SourceIsRunning", "Normal TargetVMCreated", "Normal Succeeded")
	clone, err := p.Virt.KubevirtV1().VirtualMachines(p.name).Get(t.Context(), "copy", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"app": "shop"}, clone.Labels)

	p.plugin("start", "web")
	p.plugin("start", "copy")
	p.awaitStatus("copy", kubevirtv1.VirtualMachineStatusRunning)
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusRunning)
	console = p.openConsole("copy")
	console.login("tester", "secret")
	assert.Equal(t, "from the source", console.run("cat ~/note"))
	first, second := p.instance("web"), p.instance("copy")
	assert.NotEqual(t, ptr.Deref(first.Spec.Domain.Firmware.UUID, ""), ptr.Deref(second.Spec.Domain.Firmware.UUID, ""))
	assert.NotEqual(t, first.Status.Interfaces[0].MAC, second.Status.Interfaces[0].MAC)

	p.kubectl("delete", "vm", "copy", "--timeout=300s")
	p.awaitGone("vmclone/twin", "dv/copy-root", "pvc/copy-data")
	p.kubectl("get", "pvc", "web-root", "data")
}
