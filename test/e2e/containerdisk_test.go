// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const containerManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: NAME
spec:
  runStrategy: Always
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
        containerDisk:
          image: IMAGE
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            user: clerk
            password: pencil
            chpasswd: {expire: false}
`

func (p *space) applyContainerMachine(name, image string) {
	p.t.Helper()
	p.apply(strings.NewReplacer("NAME", name, "IMAGE", image).Replace(containerManifest))
}

func TestMachinesOnOneContainerDiskKeepTheirWritesApartAndLoseThemAtTheirEnd(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.applyContainerMachine("pulled", suite.containers.reference())
	p.applyContainerMachine("archived", "oci-archive:"+filepath.Join(suite.containers.folder, "linux.tar"))
	for _, name := range []string{"pulled", "archived"} {
		p.awaitStatus(name, kubevirtv1.VirtualMachineStatusRunning)
	}
	console := p.openConsole("pulled")
	console.login("clerk", "pencil")
	console.run("echo mine > ~/note; sync")
	other := p.openConsole("archived")
	other.login("clerk", "pencil")
	assert.Equal(t, "0", other.run("ls ~ | wc -l"))
	p.awaitEvents("VirtualMachineInstance", "pulled", "Normal Pulling")

	// It is the same image, so that there is one disk of it, beside what other tests boot.
	metas, err := filepath.Glob(filepath.Join(p.DataDir(), "containerdisks", "*", "meta.json"))
	require.NoError(t, err)
	metas = slices.DeleteFunc(metas, func(path string) bool {
		raw, err := os.ReadFile(path)
		return err != nil || strings.Contains(string(raw), `"plain":true`)
	})
	assert.Len(t, metas, 1)

	before := p.instance("pulled")
	p.plugin("restart", "pulled", "--force", "--grace-period", "0")
	p.awaitRunning("pulled", before)
	console = p.openConsole("pulled")
	console.login("clerk", "pencil")
	assert.Equal(t, "0", console.run("ls ~ | wc -l"))
}

func TestMachineWhoseImageIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.applyContainerMachine("none", suite.containers.registry+"/guests/none:1")
	p.applyContainerMachine("elsewhere", "oci-archive:/etc/passwd")
	p.awaitStatus("none", kubevirtv1.VirtualMachineStatusErrImagePull)
	p.awaitStatus("elsewhere", kubevirtv1.VirtualMachineStatusErrImagePull)
	assert.Contains(t, p.condition("none", kubevirtv1.VirtualMachineInstanceSynchronized).Message, "the registry has no such image")
	assert.Contains(t, p.condition("elsewhere", kubevirtv1.VirtualMachineInstanceSynchronized).Message, "--container-disk-folder")
	p.awaitEvents("VirtualMachineInstance", "none", "Warning SyncFailed")
}

// condition reads a condition of an instance.
func (p *space) condition(name string, kind kubevirtv1.VirtualMachineInstanceConditionType) kubevirtv1.VirtualMachineInstanceCondition {
	p.t.Helper()
	instance := p.instance(name)
	condition := instance.Status.Condition(kind)
	require.NotNil(p.t, condition)
	return *condition
}
