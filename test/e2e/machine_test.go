// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// webManifest is as a user writes one.
const webManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: web
spec:
  runStrategy: Always
  dataVolumeTemplates:
  - metadata:
      name: web-root
    spec:
      source:
        http:
          url: IMAGE
      storage:
        resources:
          requests:
            storage: 1Gi
  template:
    spec:
      domain:
        memory:
          guest: 192Mi
        devices:
          rng: {}
          disks:
          - name: root
            disk: {bus: virtio}
          - name: seed
            cdrom: {bus: sata}
      volumes:
      - name: root
        dataVolume:
          name: web-root
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            hostname: shop
            user: clerk
            password: pencil
            chpasswd: {expire: false}
`

func TestMachineFromAnImageRunsAndIsUsedAndDeleted(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(strings.ReplaceAll(webManifest, "IMAGE", suite.Images.URL(linuxImage)))
	p.kubectl("wait", "vm/web", "--for=condition=Ready", "--timeout=300s")
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusRunning)
	assert.Equal(t, "Running True", row(p.kubectl("get", "vms", "web", "--no-headers"), 2, 3))
	assert.Equal(t, "Succeeded 100.0%", row(p.kubectl("get", "dvs", "web-root", "--no-headers"), 1, 2))
	first := p.instance("web")

	console := p.openConsole("web")
	console.login("clerk", "pencil")
	assert.Equal(t, "shop", console.run("hostname"))
	assert.Contains(t, console.run("cat /proc/partitions"), "1048576 vda", "the disk has the size that was asked for")
	console.run("echo kept > ~/note; sync")

	assert.Contains(t, p.plugin("restart", "web"), "virtualmachine.kubevirt.io/web restarting")
	second := p.awaitRunning("web", first)
	p.awaitEvents("VirtualMachineInstance", "web", "Normal ShuttingDown", "Normal Deleted")
	console = p.openConsole("web")
	console.login("clerk", "pencil")
	assert.Equal(t, "kept", console.run("cat ~/note"))
	assert.Equal(t, "shop", console.run("hostname"))

	p.plugin("stop", "web")
	console.expect("virt-guest stopped shop", "")
	p.awaitNoInstance("web")
	stopped := p.awaitStatus("web", kubevirtv1.VirtualMachineStatusStopped)
	assert.Equal(t, kubevirtv1.RunStrategyHalted, *stopped.Spec.RunStrategy)
	assert.Empty(t, guestPIDs(p.name, "web"))
	assert.Empty(t, p.domains(t, p.name))

	p.plugin("start", "web")
	p.awaitRunning("web", second)
	console = p.openConsole("web")
	console.login("clerk", "pencil")
	assert.Equal(t, "kept", console.run("cat ~/note"))

	left := p.files("web")
	require.Len(t, left, 2, "the disk, and what the launcher keeps")
	p.kubectl("delete", "vm", "web", "--timeout=300s")
	p.awaitGone("vmi/web", "dv/web-root", "pvc/web-root")
	assert.Empty(t, p.domains(t, p.name))
	assert.Empty(t, guestPIDs(p.name, "web"))
	for _, file := range left {
		assert.Eventually(t, func() bool { return !exists(file) }, soon, tick, file)
	}
}

// files are the directories that belong to a running machine with one disk.
func (p *space) files(name string) []string {
	p.t.Helper()
	claim, err := p.Core.CoreV1().PersistentVolumeClaims(p.name).Get(p.t.Context(), name+"-root", metav1.GetOptions{})
	require.NoError(p.t, err)
	require.Equal(p.t, corev1.ClaimBound, claim.Status.Phase)
	var found []string
	for _, file := range []string{
		filepath.Join(p.DataDir(), "volumes", string(claim.UID)),
		filepath.Join(p.DataDir(), "launcher", "domains", string(p.instance(name).UID)),
	} {
		if exists(file) {
			found = append(found, file)
		}
	}
	return found
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// row gives columns of a table's only row.
func row(table string, columns ...int) string {
	fields := strings.Fields(table)
	var chosen []string
	for _, column := range columns {
		if column < len(fields) {
			chosen = append(chosen, fields[column])
		}
	}
	return strings.Join(chosen, " ")
}
